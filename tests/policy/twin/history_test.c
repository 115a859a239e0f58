/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the engine knows after any sequence of events: objects that come,
 * change, go, come back under their old name, take over each other's
 * addresses, are replaced by lists, and go away with their namespace, in any
 * order.
 *
 * NETPOLD_SEED and NETPOLD_HISTORIES set the seed and how many are played.
 * History n of a run is that of seed + n.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "twin.h"
#include "world.h"

#define EVENTS_PER_HISTORY 40
#define PROBES_PER_EVENT 16
#define METADATA "\"metadata\":{"

/* ---- random histories --------------------------------------------------- */

/* One name under which objects come and go. */
struct slot {
	enum world_kind kind;
	const char *ns;
	const char *name;
	char uid[24];
	char *json; /* as it was last told, NULL before that */
};

static const struct slot first_slots[] = {
	{ .kind = WORLD_NAMESPACE, .ns = "", .name = "a" },
	{ .kind = WORLD_NAMESPACE, .ns = "", .name = "a-b" },
	{ .kind = WORLD_NODE, .ns = "", .name = "n1" },
	{ .kind = WORLD_POD, .ns = "a", .name = "b-c" },
	{ .kind = WORLD_POD, .ns = "a", .name = "c" },
	{ .kind = WORLD_POD, .ns = "a-b", .name = "c" },
	{ .kind = WORLD_POD, .ns = "a-b", .name = "d" },
	{ .kind = WORLD_POLICY, .ns = "a", .name = "p0" },
	{ .kind = WORLD_POLICY, .ns = "a", .name = "p1" },
	{ .kind = WORLD_POLICY, .ns = "a-b", .name = "p0" },
	{ .kind = WORLD_POLICY, .ns = "a-b", .name = "p1" },
};
#define N_SLOTS (sizeof(first_slots) / sizeof(first_slots[0]))

struct history {
	uint64_t seed;
	struct world world;
	struct twin twin;
	struct slot slots[N_SLOTS];
	struct writer told; /* what happened, for whoever has to find out */
};

static void history_init(struct history *h, uint64_t seed)
{
	*h = (struct history){ .seed = seed };
	world_init_empty(&h->world, seed);
	h->world.unique = false;
	h->world.n_places = 3;
	h->world.n_namespaces = 2;
	memcpy(h->slots, first_slots, sizeof(first_slots));
	twin_init(&h->twin, h->world.node);
}

static void history_release(struct history *h)
{
	for (size_t i = 0; i < N_SLOTS; i++)
		free(h->slots[i].json);
	twin_release(&h->twin);
	world_release(&h->world);
	writer_release(&h->told);
}

/* API-25: a late deletion of a predecessor is nothing. The world gives UIDs to
   pods only. */
static char *with_uid(char *json, const char *uid)
{
	char *metadata = strstr(json, METADATA);
	struct writer out = { 0 };

	assert_non_null(metadata);
	metadata += strlen(METADATA);
	writer_add(&out, "%.*s\"uid\":\"%s\",%s", (int)(metadata - json), json,
		   uid, metadata);
	free(json);
	return out.data;
}

/* A new version of the object, or a successor; of who it is, nodes say
   nothing. */
static const char *renew(struct history *h, struct slot *slot)
{
	struct random *r = &h->world.random;

	if (*slot->uid == '\0' || random_percent(r, 30))
		snprintf(slot->uid, sizeof(slot->uid), "%016llx",
			 (unsigned long long)random_next(r));
	free(slot->json);
	switch (slot->kind) {
	case WORLD_NAMESPACE:
		slot->json =
			with_uid(world_write_namespace(&h->world, slot->name,
						       random_percent(r, 45)),
				 slot->uid);
		break;
	case WORLD_NODE:
		slot->json = world_write_node(&h->world, slot->name);
		break;
	case WORLD_POD:
		slot->json = world_write_pod(&h->world, slot->ns, slot->name,
					     slot->uid);
		break;
	case WORLD_POLICY:
		slot->json = with_uid(
			world_write_policy(&h->world, slot->ns, slot->name),
			slot->uid);
		break;
	}
	return slot->json;
}

/* Known as it is, or in a new version. */
static const char *version(struct history *h, struct slot *slot)
{
	if (slot->json != NULL && random_percent(&h->world.random, 30))
		return slot->json;
	return renew(h, slot);
}

static void put_event(struct history *h, struct slot *slot)
{
	const char *json = version(h, slot);

	writer_add(&h->told, "%lld put %s\n", (long long)h->twin.now_ms, json);
	twin_put(&h->twin, json);
}

static const char *api_version(enum world_kind kind)
{
	return kind == WORLD_POLICY ? "networking.k8s.io/v1" : "v1";
}

static void delete_event(struct history *h, struct slot *slot)
{
	struct random *r = &h->world.random;
	struct writer json = { 0 };

	writer_add(&json,
		   "{\"apiVersion\":\"%s\",\"kind\":\"%s\",\"metadata\":{",
		   api_version(slot->kind), world_kind_name(slot->kind));
	if (*slot->ns != '\0')
		writer_add(&json, "\"namespace\":\"%s\",", slot->ns);
	if (slot->kind != WORLD_NODE && random_percent(r, 85))
		writer_add(&json, "\"uid\":\"%s\",",
			   random_percent(r, 80) ? slot->uid : "another");
	writer_add(&json, "\"name\":\"%s\"}%s}", slot->name,
		   slot->kind == WORLD_POLICY ? ",\"spec\":{}" : "");
	writer_add(&h->told, "%lld delete %s\n", (long long)h->twin.now_ms,
		   json.data);
	twin_delete(&h->twin, json.data);
	writer_release(&json);
}

static enum object_kind engine_kind(enum world_kind kind)
{
	static const enum object_kind kinds[N_WORLD_KINDS] = {
		[WORLD_NAMESPACE] = OBJECT_NAMESPACE,
		[WORLD_NODE] = OBJECT_NODE,
		[WORLD_POD] = OBJECT_POD,
		[WORLD_POLICY] = OBJECT_NETWORK_POLICY,
	};

	return kinds[kind];
}

/* A list of one kind, whole or broken off. */
static void list_event(struct history *h, enum world_kind kind)
{
	struct random *r = &h->world.random;
	bool whole = random_percent(r, 75);
	struct writer list = { 0 };

	writer_add(&list, "{\"apiVersion\":\"v1\",\"kind\":\"List\","
			  "\"items\":[");
	for (size_t i = 0, n = 0; i < N_SLOTS; i++)
		if (h->slots[i].kind == kind && random_percent(r, 60))
			writer_add(&list, "%s%s", n++ > 0 ? "," : "",
				   version(h, &h->slots[i]));
	writer_add(&list, "]}");
	writer_add(&h->told, "%lld %s of %s %s\n", (long long)h->twin.now_ms,
		   whole ? "list" : "list broken off", world_kind_name(kind),
		   list.data);
	if (whole) {
		twin_replace(&h->twin, engine_kind(kind), list.data);
	} else {
		cluster_replace_begin(h->twin.cluster, engine_kind(kind));
		twin_put(&h->twin, list.data);
		cluster_replace_abort(h->twin.cluster, engine_kind(kind));
	}
	writer_release(&list);
}

static void random_event(struct history *h)
{
	struct random *r = &h->world.random;
	struct slot *slot = &h->slots[random_below(r, N_SLOTS)];
	size_t what = random_below(r, 100);

	h->twin.now_ms +=
		random_percent(r, 5) ? 50000 : random_between(r, 0, 9000);
	if (what < 60)
		put_event(h, slot);
	else if (what < 92)
		delete_event(h, slot);
	else
		list_event(h, slot->kind);
}

static void check(struct history *h, bool holds, struct writer *complaint)
{
	if (!holds) {
		/* Not print_error(): it cuts long text. */
		fprintf(stderr, "history of NETPOLD_SEED=%llu: %s%s",
			(unsigned long long)h->seed, complaint->data,
			h->told.data);
		writer_release(complaint);
		fail();
	}
	writer_release(complaint);
}

/* Objects that the API has, one by one. */
struct presence {
	const struct cluster *cluster;
	size_t n;
};

static int count_present(void *ctx, const struct object *object)
{
	struct presence *presence = ctx;

	presence->n += cluster_has(presence->cluster, object);
	return 0;
}

static void check_counts(struct history *h)
{
	const struct cluster *cluster = h->twin.cluster;

	for (int kind = 0; kind < N_OBJECT_KINDS; kind++) {
		struct presence presence = { cluster, 0 };
		struct writer complaint = { 0 };
		size_t n = cluster_count(cluster, kind);

		cluster_each(cluster, kind, count_present, &presence);
		writer_add(&complaint, "%zu %s are counted, %zu are there\n", n,
			   object_kind_name(kind), presence.n);
		check(h, n == presence.n, &complaint);
	}
}

static void play(uint64_t seed)
{
	struct writer complaint = { 0 };
	struct history h;

	history_init(&h, seed);
	for (size_t i = 0; i < EVENTS_PER_HISTORY; i++) {
		random_event(&h);
		twin_compile(&h.twin);
		check_counts(&h);
		check(&h, twin_diverts_alike(&h.twin, &complaint), &complaint);
		for (size_t k = 0; k < PROBES_PER_EVENT; k++) {
			struct probe probe = world_probe(&h.world);

			check(&h,
			      twin_agrees(&h.twin, &probe, k == 0, &complaint),
			      &complaint);
		}
	}
	history_release(&h);
}

static void every_history_agrees(void **state)
{
	uint64_t seed =
		random_setting("NETPOLD_SEED", (uint64_t)time(NULL) << 20);
	size_t n = random_setting("NETPOLD_HISTORIES", 3000);

	(void)state;
	print_message("# NETPOLD_SEED=%llu NETPOLD_HISTORIES=%zu\n",
		      (unsigned long long)seed, n);
	for (size_t i = 0; i < n; i++)
		play(seed + i);
}

/* ---- every order of a few events ---------------------------------------- */

#define POD(ns, name, uid, phase)                                              \
	"{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"namespace\":" \
	"\"" ns "\",\"name\":\"" name "\",\"uid\":\"" uid "\"},\"status\":{"   \
	"\"phase\":\"" phase "\",\"podIPs\":[{\"ip\":\"10.0.0.1\"}]}}"
#define NAMESPACE(name, phase)                                                 \
	"{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{"         \
	"\"name\":\"" name "\"},\"status\":{\"phase\":\"" phase "\"}}"
#define DENY(ns)                                                               \
	"{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":"                   \
	"\"NetworkPolicy\",\"metadata\":{\"namespace\":\"" ns                  \
	"\",\"name\":\"deny\"},\"spec\":{\"podSelector\":{}}}"

struct event {
	const char *json;
	bool is_delete;
};

static void fail_with(const struct writer *complaint)
{
	fputs(complaint->data, stderr);
	fail();
}

/* From the outside to the address that all of it is about. */
static struct probe the_probe(void)
{
	return (struct probe){ .family = 4,
			       .src = { 192, 0, 2, 1 },
			       .dst = { 10, 0, 0, 1 },
			       .protocol = 6,
			       .has_port = true,
			       .port = 80 };
}

static void tell(struct twin *twin, const struct event *event)
{
	twin->now_ms += 1000;
	if (event->is_delete)
		twin_delete(twin, event->json);
	else
		twin_put(twin, event->json);
	twin_compile(twin);
}

static enum verdict verdict_of(struct twin *twin)
{
	struct probe probe = the_probe();
	struct flow_key key = engine_key(&probe);

	return snapshot_decide(twin->snapshot, &key).verdict;
}

static void swap(size_t *order, size_t a, size_t b)
{
	size_t t = order[a];

	order[a] = order[b];
	order[b] = t;
}

/* The next permutation in the order of numbers; false after the last. */
static bool next_order(size_t *order, size_t n)
{
	size_t i = n - 1, k = n - 1;

	while (i > 0 && order[i - 1] > order[i])
		i--;
	if (i == 0)
		return false;
	while (order[k] < order[i - 1])
		k--;
	swap(order, k, i - 1);
	for (size_t from = i, to = n - 1; from < to; from++, to--)
		swap(order, from, to);
	return true;
}

static size_t place_of(const size_t *order, size_t n, size_t event)
{
	size_t i = 0;

	while (i < n && order[i] != event)
		i++;
	return i;
}

/* L20: the pod of namespace "denied" is done; its address has gone to another
   pod, which nothing isolates. */
static void a_finished_pod_holds_no_address_in_any_order(void **state)
{
	static const struct event events[] = {
		{ POD("denied", "old", "1", "Running"), false },
		{ POD("denied", "old", "1", "Succeeded"), false },
		{ POD("denied", "old", "1", "Succeeded"), true },
		{ POD("open", "new", "2", "Running"), false },
		{ DENY("denied"), false },
	};
	size_t order[] = { 0, 1, 2, 3, 4 }, n = 5;

	(void)state;
	do {
		struct probe probe = the_probe();
		struct writer complaint = { 0 };
		struct twin twin;

		twin_init(&twin, NULL);
		for (size_t i = 0; i < n; i++) {
			tell(&twin, &events[order[i]]);
			if (!twin_agrees(&twin, &probe, true, &complaint))
				fail_with(&complaint);
		}
		/* One stream keeps its order: running, done, deleted. */
		if (place_of(order, n, 0) < place_of(order, n, 1) &&
		    place_of(order, n, 1) < place_of(order, n, 2))
			assert_int_equal(verdict_of(&twin), VERDICT_ALLOW);
		twin_release(&twin);
	} while (next_order(order, n));
}

/* L24: a namespace goes away with all that is in it. However its streams are
   mixed, a pod that is known is denied from the moment on that the end of its
   namespace is known, until it is gone itself. */
static void a_dying_namespace_is_closed_in_any_order(void **state)
{
	enum { ENDS, ENDED, POLICY_GONE, POD_SEEN, POD_GONE, N };
	static const struct event events[N] = {
		[ENDS] = { NAMESPACE("x", "Terminating"), false },
		[ENDED] = { NAMESPACE("x", "Terminating"), true },
		[POLICY_GONE] = { DENY("x"), true },
		[POD_SEEN] = { POD("x", "p", "1", "Running"), false },
		[POD_GONE] = { POD("x", "p", "1", "Running"), true },
	};
	static const struct event before[] = {
		{ NAMESPACE("x", "Active"), false },
		{ DENY("x"), false },
	};
	size_t order[N] = { ENDS, ENDED, POLICY_GONE, POD_SEEN, POD_GONE };

	(void)state;
	do {
		struct probe probe = the_probe();
		struct writer complaint = { 0 };
		struct twin twin;

		/* Each stream keeps its order; and a namespace is not ended
		   before its pods were there. */
		if (place_of(order, N, ENDS) > place_of(order, N, ENDED) ||
		    place_of(order, N, POD_SEEN) >
			    place_of(order, N, POD_GONE) ||
		    place_of(order, N, POD_SEEN) > place_of(order, N, ENDED))
			continue;
		twin_init(&twin, NULL);
		tell(&twin, &before[0]);
		tell(&twin, &before[1]);
		for (size_t i = 0; i < N; i++) {
			bool ends = place_of(order, N, ENDS) <= i;
			bool pod = place_of(order, N, POD_SEEN) <= i &&
				   place_of(order, N, POD_GONE) > i;

			tell(&twin, &events[order[i]]);
			if (!twin_agrees(&twin, &probe, true, &complaint))
				fail_with(&complaint);
			if (ends && pod)
				assert_int_equal(verdict_of(&twin),
						 VERDICT_DENY);
		}
		twin_release(&twin);
	} while (next_order(order, N));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_finished_pod_holds_no_address_in_any_order),
		cmocka_unit_test(a_dying_namespace_is_closed_in_any_order),
		cmocka_unit_test(every_history_agrees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
