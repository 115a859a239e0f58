/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whatever happens to the files of a folder, to replace the bundles of those
 * that changed leaves what reading everything from nothing leaves: the same
 * objects, the same ones remembered (NP-66), the same answer whether anything
 * has changed. Where memory runs out on the way, doing it again makes it whole.
 *
 * NETPOLD_SEED and NETPOLD_HISTORIES set the seed and how many are played.
 * History n of a run is that of seed + n.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "netpold/cluster.h"

#include "failing_memory.h"
#include "object_build.h"
#include "store/changes.h"
#include "store/record.h"
#include "twin/random.h"

/* ---- random histories ---------------------------------------------------- */

/* Every object there may be, each in one file or in none. */
static const struct {
	enum object_kind kind;
	const char *namespace, *name;
} names[] = {
	{ OBJECT_NAMESPACE, "", "a" },
	{ OBJECT_NAMESPACE, "", "b" },
	{ OBJECT_NODE, "", "n1" },
	{ OBJECT_NODE, "", "n2" },
	{ OBJECT_POD, "a", "x" },
	{ OBJECT_POD, "a", "y" },
	{ OBJECT_POD, "b", "x" },
	{ OBJECT_POD, "b", "y" },
	{ OBJECT_NETWORK_POLICY, "a", "p" },
	{ OBJECT_NETWORK_POLICY, "a", "q" },
	{ OBJECT_NETWORK_POLICY, "b", "p" },
	{ OBJECT_NETWORK_POLICY, "b", "q" },
};
#define N_NAMES (sizeof(names) / sizeof(names[0]))
#define N_FILES 4
#define STEPS_PER_HISTORY 60

struct item {
	uint32_t file; /* from 1; 0: in none */
	unsigned int version;
	bool flag; /* terminating, or finished */
};

struct history {
	struct random random;
	struct item items[N_NAMES], before[N_NAMES];
	struct cluster *cluster;
	struct cluster *naive; /* everything is assigned to it, always */
	int64_t now_ms;
	bool memory_fails;
	size_t n_steps, n_moves, n_ends, n_remembered, n_failures;
};

static struct object object_of(size_t i, const struct item *item)
{
	char text[24];
	struct object object;

	snprintf(text, sizeof(text), "v=%u", item->version);
	switch (names[i].kind) {
	case OBJECT_NAMESPACE:
		object = a_namespace(names[i].name, text);
		object.namespace.terminating = item->flag;
		break;
	case OBJECT_NODE:
		snprintf(text, sizeof(text), "10.1.0.%u", item->version);
		object = a_node(names[i].name, text);
		break;
	case OBJECT_POD:
		object = a_pod(names[i].namespace, names[i].name, text,
			       "10.0.0.1");
		object.pod.finished = item->flag;
		break;
	case OBJECT_NETWORK_POLICY:
		object = a_policy(names[i].namespace, names[i].name, "",
				  DIRECTION_INGRESS);
		object = with_rule(object, DIRECTION_INGRESS,
				   (struct rule){ 0 });
		object.policy.generation = item->version;
		break;
	}
	return object;
}

static void change_item(struct history *h, struct item *item)
{
	struct random *r = &h->random;

	if (random_percent(r, 70))
		item->file = (uint32_t)random_below(r, N_FILES + 1);
	if (random_percent(r, 50))
		item->version = (unsigned int)random_below(r, 3);
	if (random_percent(r, 40))
		item->flag = random_percent(r, 50);
}

/* Which files have to be read: those that hold something else than before, and
   sometimes one that does not. */
static void find_changed(struct history *h, bool changed[N_FILES + 1])
{
	for (size_t i = 0; i < N_NAMES; i++) {
		const struct item *old = &h->before[i], *new = &h->items[i];

		if (old->file != new->file || old->version != new->version ||
		    old->flag != new->flag)
			changed[old->file] = changed[new->file] = true;
	}
	for (size_t file = 1; file <= N_FILES; file++)
		changed[file] |= random_percent(&h->random, 10);
}

static struct cluster *read_files(struct history *h,
				  const bool wanted[N_FILES + 1])
{
	struct cluster *read = cluster_new();

	assert_non_null(read);
	for (size_t i = 0; i < N_NAMES; i++) {
		const struct item *item = &h->items[i];
		struct object object = object_of(i, item);

		if (item->file && wanted[item->file])
			assert_int_equal(1, cluster_put_in(read, item->file,
							   &object, 0));
	}
	return read;
}

static int assign_naive(struct history *h)
{
	static const bool all[N_FILES + 1] = { true, true, true, true, true };
	struct cluster *read = read_files(h, all);
	int r = cluster_assign(h->naive, read, h->now_ms);

	cluster_free(read);
	return r;
}

static int assign_changed(struct history *h, const struct cluster *read,
			  const bool changed[N_FILES + 1])
{
	uint32_t bundles[N_FILES];
	size_t n = 0;
	int r;

	for (uint32_t file = 1; file <= N_FILES; file++) {
		if (changed[file])
			bundles[n++] = file;
	}
	if (h->memory_fails && random_percent(&h->random, 50))
		memory_fails_after((long)random_below(&h->random, 30));
	r = cluster_assign_bundles(h->cluster, bundles, n, read, h->now_ms);
	memory_fails_after(-1);
	if (r == -ENOMEM) {
		h->n_failures++;
		assert_in_range(cluster_assign_bundles(h->cluster, bundles, n,
						       read, h->now_ms),
				0, 1);
	}
	return r;
}

/* The version of an object, -1 where there is none. */
static long version_in(const struct history *h, const struct cluster *in,
		       size_t i)
{
	const struct object *object = cluster_find(
		in, names[i].kind, names[i].namespace, names[i].name);

	if (!object)
		return -1;
	switch (object->kind) {
	case OBJECT_NAMESPACE:
		return atol(object->namespace.labels.items[0].value) * 2 +
		       object->namespace.terminating;
	case OBJECT_NODE:
		return object->node.addresses[0].bytes[3];
	case OBJECT_POD:
		return atol(object->pod.labels.items[0].value) * 2 +
		       object->pod.finished;
	case OBJECT_NETWORK_POLICY:
		/* What comes back late comes back without its rules, but for
		   want of memory. */
		return object->policy.generation * 2 +
		       (h->memory_fails ||
			object->policy.n_rules[DIRECTION_INGRESS] > 0);
	}
	return -1;
}

static void check_equal(struct history *h, uint64_t seed)
{
	for (size_t i = 0; i < N_NAMES; i++) {
		struct object object = object_of(i, &h->items[i]);
		long expected = version_in(h, h->naive, i);
		long version = version_in(h, h->cluster, i);

		if (version != expected)
			fail_msg("seed %llu, step %zu: %s %s/%s is %ld, read "
				 "from nothing it would be %ld",
				 (unsigned long long)seed, h->n_steps,
				 object_kind_name(names[i].kind),
				 names[i].namespace, names[i].name, version,
				 expected);
		assert_int_equal(h->items[i].file != 0,
				 cluster_has(h->cluster, &object));
		assert_int_equal(h->items[i].file,
				 cluster_bundle_of(h->cluster, &object));
		h->n_remembered += version >= 0 && h->items[i].file == 0;
	}
}

static size_t item_of(const struct object *object)
{
	size_t i = 0;

	while (names[i].kind != object->kind ||
	       strcmp(names[i].name, object_name(object)) ||
	       strcmp(names[i].namespace, object_namespace(object)))
		i++;
	return i;
}

/* Who was there before, and is there after, has not ended in between. */
static void check_changes(struct history *h)
{
	struct changes *changes = cluster_changes(h->cluster);

	for (size_t i = 0; i < changes->n; i++) {
		const struct change *change = &changes->items[i];
		size_t k = item_of(change->old ? change->old : change->new);

		if (h->before[k].file && h->items[k].file)
			assert_non_null(change->new);
	}
	for (size_t i = 0; i < N_NAMES; i++) {
		uint32_t old = h->before[i].file, new = h->items[i].file;

		h->n_moves += old && new &&old != new;
		h->n_ends += old && !new;
	}
	changes_clear(changes, cluster_pool(h->cluster));
}

static void step(struct history *h, uint64_t seed)
{
	bool changed[N_FILES + 1] = { false };
	struct cluster *read;
	int r, expected;

	h->n_steps++;
	memcpy(h->before, h->items, sizeof(h->before));
	for (size_t n = random_below(&h->random, 4); n > 0; n--)
		change_item(h, &h->items[random_below(&h->random, N_NAMES)]);
	h->now_ms += (int64_t)random_below(
		&h->random, random_percent(&h->random, 20) ? 70000 : 3000);
	find_changed(h, changed);
	read = read_files(h, changed);
	r = assign_changed(h, read, changed);
	cluster_free(read);
	expected = assign_naive(h);
	if (r != -ENOMEM)
		assert_int_equal(expected, r);
	check_equal(h, seed);
	check_changes(h);
	arena_release(&build_arena);
}

static void add(struct history *sum, const struct history *h)
{
	sum->n_steps += h->n_steps;
	sum->n_moves += h->n_moves;
	sum->n_ends += h->n_ends;
	sum->n_remembered += h->n_remembered;
	sum->n_failures += h->n_failures;
}

static void play(uint64_t seed, struct history *sum)
{
	struct history h = {
		.random = { seed },
		.cluster = cluster_new(),
		.naive = cluster_new(),
		.memory_fails = seed % 4 == 0,
	};

	assert_true(h.cluster && h.naive && cluster_follow(h.cluster));
	for (int i = 0; i < STEPS_PER_HISTORY; i++)
		step(&h, seed);
	cluster_unfollow(h.cluster);
	cluster_free(h.cluster);
	cluster_free(h.naive);
	add(sum, &h);
}

static void replacing_bundles_is_reading_everything_from_nothing(void **state)
{
	uint64_t seed =
		random_setting("NETPOLD_SEED", (uint64_t)time(NULL) << 20);
	uint64_t n = random_setting("NETPOLD_HISTORIES", 1000);
	struct history sum = { 0 };

	(void)state;
	print_message("# NETPOLD_SEED=%llu NETPOLD_HISTORIES=%llu\n",
		      (unsigned long long)seed, (unsigned long long)n);
	for (uint64_t i = 0; i < n; i++)
		play(seed + i, &sum);
	print_message("# %zu steps: %zu objects moved, %zu ended, %zu were "
		      "remembered; memory ran out %zu times\n",
		      sum.n_steps, sum.n_moves, sum.n_ends, sum.n_remembered,
		      sum.n_failures);
	assert_true(sum.n_moves > n && sum.n_ends > n && sum.n_remembered > n);
	assert_true(n < 100 || sum.n_failures > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			replacing_bundles_is_reading_everything_from_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
