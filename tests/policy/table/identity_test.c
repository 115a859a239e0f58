/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The twin is a list of identities with the pods that they are of. Readers of
 * the last few rounds keep the views that were published, and have to find in
 * them whom they found at first, however many identities have gone since; that
 * nobody else gets a number which a reader still knows follows from it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "table/identity.h"

#include "parts_build.h"

/* A rollout of so many workloads is kept. */
#define KEPT_IDLE 256

static struct namespaces namespaces;
static struct identities identities;

static int make_identities(void **state)
{
	identities = (struct identities){ 0 };
	if (make_parts(state) < 0)
		return -1;
	return namespaces_init(&the_parts, &namespaces);
}

static int free_identities(void **state)
{
	identities_release(&the_parts, &identities);
	namespaces_release(&the_parts, &namespaces);
	return free_parts(state);
}

static struct table_namespace *namespace_of(const struct object *pod)
{
	struct table_namespace *namespace =
		namespaces_get(&the_parts, &namespaces, pod->pod.namespace);

	assert_non_null(namespace);
	return namespace;
}

static struct identity *get(const struct object *pod, bool *is_new)
{
	struct identity *id = identities_get(
		&the_parts, &identities, namespace_of(pod), &pod->pod, is_new);

	assert_non_null(id);
	return id;
}

/* As a table does it, but for the sets of peers. */
static void identity_gone(struct parts *parts, struct part *part)
{
	identity_free(parts, &identities, (struct identity *)part);
}

static void evict(struct identity *id)
{
	assert_int_equal(0, identities_evict(&the_parts, &identities, id));
	id->part.free = identity_gone;
	parts_throw(&the_parts, &id->part);
}

/* ---- who is who --------------------------------------------------------- */

static struct object a_web(const char *namespace, const char *labels,
			   const char *port)
{
	struct object pod = a_pod(namespace, "p", labels, "");

	return port ? with_port(pod, port, PROTOCOL_TCP, 80) : pod;
}

static const struct {
	const char *name;
	const char *namespace, *labels, *port;
	bool same; /* as a pod of shop with app=a and the port http */
} cases[] = {
	{ "pods that are alike are one identity", "shop", "app=a", "http",
	  true },
	{ "another namespace is another one", "far", "app=a", "http", false },
	{ "another label is another one", "shop", "app=b", "http", false },
	{ "no label is another one", "shop", "", "http", false },
	{ "another port is another one", "shop", "app=a", "dns", false },
	{ "no port is another one", "shop", "app=a", NULL, false },
};

static void an_identity_is_namespace_labels_and_ports(void **state)
{
	const struct object *first =
		keep_object(a_web("shop", "app=a", "http"));
	bool is_new;
	struct identity *id = get(first, &is_new);

	(void)state;
	assert_true(is_new);
	assert_ptr_equal(id, identities_by_number(&identities, id->number));
	for (size_t i = 0; i < N_OF(cases); i++) {
		const struct object *pod = keep_object(a_web(
			cases[i].namespace, cases[i].labels, cases[i].port));

		if ((get(pod, &is_new) == id) != cases[i].same ||
		    is_new == cases[i].same)
			fail_msg("%s: expected %d", cases[i].name,
				 cases[i].same);
		drop_object(pod);
	}
	drop_object(first);
}

static void a_namespace_with_new_labels_makes_new_identities(void **state)
{
	const struct object *pod = keep_object(a_web("shop", "app=a", NULL));
	struct table_namespace *shop = namespace_of(pod);
	struct labels labels = some_labels("team=a");
	bool is_new;
	struct identity *before = get(pod, &is_new), *after;

	(void)state;
	labels = keep_labels(&labels);
	assert_int_equal(
		1, namespaces_learn(&the_parts, &namespaces, shop, &labels));
	after = get(pod, &is_new);
	assert_true(is_new);
	assert_ptr_not_equal(before, after);
	/* Who was made before knows what was true then. */
	assert_false(before->facts->known);
	assert_true(after->facts->known);
	assert_int_equal(2, shop->n_identities);
	intern_labels_drop(the_parts.pool, &labels);
	drop_object(pod);
}

/* ---- numbers ------------------------------------------------------------ */

static const struct object *numbered_pod(const char *namespace, size_t i)
{
	char *labels = arena_alloc(&build_arena, 24);

	snprintf(labels, 24, "app=w%zu", i);
	return keep_object(a_pod(namespace, "p", labels, ""));
}

/* Makes an identity that nobody uses, and drops the pod. */
static struct identity *make_one(const char *namespace, size_t i)
{
	const struct object *pod = numbered_pod(namespace, i);
	bool is_new;
	struct identity *id = get(pod, &is_new);

	assert_true(is_new);
	drop_object(pod);
	return id;
}

static void a_block_of_numbers_is_of_one_namespace(void **state)
{
	struct identity *id, *first_of_far;

	(void)state;
	for (uint32_t i = 0; i < 64; i++)
		assert_int_equal(i, make_one("shop", i)->number);
	first_of_far = make_one("far", 0);
	assert_int_equal(64, first_of_far->number);
	/* The next block of the namespace's is not the next one of all. */
	assert_int_equal(128, make_one("shop", 64)->number);
	assert_int_equal(65, make_one("far", 1)->number);
	/* A number that is free is taken before a block is. */
	id = identities_by_number(&identities, 3);
	evict(id);
	assert_int_equal(129, make_one("shop", 65)->number);
	evict(identities_by_number(&identities, 128));
	assert_int_equal(128, make_one("shop", 66)->number);
	/* The lowest block that is free is for whoever comes next. */
	evict(first_of_far);
	evict(identities_by_number(&identities, 65));
	assert_int_equal(64, make_one("other", 0)->number);
}

static void a_number_waits_for_those_who_know_it(void **state)
{
	struct identity *first = make_one("shop", 0);
	struct identity *only = make_one("far", 0);
	struct part *thrown;

	(void)state;
	make_one("shop", 1);
	assert_null(end_round());
	evict(first);
	evict(only);
	assert_int_equal(2, make_one("shop", 2)->number);
	assert_int_equal(128, make_one("other", 0)->number);
	thrown = end_round();
	assert_int_equal(3, make_one("shop", 3)->number);
	/* Its block waits as well. */
	assert_int_equal(192, make_one("far", 1)->number);
	parts_free_thrown(&the_parts, thrown);
	assert_int_equal(0, make_one("shop", 4)->number);
	assert_int_equal(64, make_one("tmp", 0)->number);
	pass_round();
}

/* ---- idle ones ---------------------------------------------------------- */

static void idle_ones_are_kept_but_not_too_many(void **state)
{
	static struct identity *ids[KEPT_IDLE + 200];

	(void)state;
	for (size_t i = 0; i < N_OF(ids); i++) {
		ids[i] = make_one("shop", i);
		identity_use(&identities, ids[i]);
	}
	assert_int_equal(0, identities.n_idle);
	/* One in four of those in use may be idle besides. */
	for (size_t i = 0; i < KEPT_IDLE; i++)
		identity_unuse(&identities, ids[i]);
	for (size_t i = KEPT_IDLE; !identities_to_evict(&identities); i++)
		identity_unuse(&identities, ids[i]);
	assert_int_equal(KEPT_IDLE + 160 / 4 + 1, identities.n_idle);
	/* The longest idle goes first; who was in use since is no such one. */
	assert_ptr_equal(ids[0], identities_to_evict(&identities));
	identity_use(&identities, ids[0]);
	assert_null(identities_to_evict(&identities));
	identity_unuse(&identities, ids[0]);
	assert_ptr_equal(ids[1], identities_to_evict(&identities));
	evict(ids[1]);
	/* One less in use is a quarter of one less that is kept. */
	assert_ptr_equal(ids[2], identities_to_evict(&identities));
	evict(ids[2]);
	assert_null(identities_to_evict(&identities));
	assert_int_equal(N_OF(ids) - 2, identities.n);
}

/* ---- random contents ---------------------------------------------------- */

#define N_PODS 900
#define N_READERS 3
static const struct object *pods[N_PODS];

/* Whom a reader knows, by number, and as what. */
struct reader {
	bool in_use;
	const struct identity_views *views;
	struct part *thrown;
	size_t n;
	struct known {
		uint32_t number;
		const struct identity *id;
		const char *namespace;
		const struct label *labels;
	} known[2 * N_PODS];
};
static struct reader readers[N_READERS];

static void read_again(const struct reader *reader)
{
	for (size_t i = 0; i < reader->n; i++) {
		const struct known *k = &reader->known[i];
		const struct identity *id =
			identity_views_get(reader->views, k->number)->identity;

		assert_ptr_equal(k->id, id);
		assert_int_equal(k->number, id->number);
		assert_ptr_equal(k->namespace, id->facts->name);
		assert_ptr_equal(k->labels, id->labels.items);
	}
}

static void publish(size_t round)
{
	struct reader *reader = &readers[round % N_READERS];
	struct reader *before = &readers[(round + N_READERS - 1) % N_READERS];
	struct part *thrown = end_round();

	if (before->in_use)
		before->thrown = thrown;
	else
		parts_free_thrown(&the_parts, thrown);
	if (reader->in_use)
		parts_free_thrown(&the_parts, reader->thrown);
	*reader = (struct reader){ .in_use = true, .views = identities.views };
	for (size_t i = 0; i < identities.n_buckets; i++) {
		const struct identity *id = identities.buckets[i];

		for (; id; id = id->next)
			reader->known[reader->n++] =
				(struct known){ id->number, id, id->facts->name,
						id->labels.items };
	}
}

/* No two have a number, no two namespaces a block. */
static void compare(void)
{
	static const char *owner[4 * N_PODS];
	static const struct identity *by_number[4 * N_PODS];
	size_t n = 0;

	memset(owner, 0, sizeof(owner));
	memset(by_number, 0, sizeof(by_number));
	for (size_t i = 0; i < identities.n_buckets; i++) {
		const struct identity *id = identities.buckets[i];

		for (; id; id = id->next, n++) {
			size_t block = id->number / IDENTITY_BLOCK;

			assert_true(id->number < N_OF(by_number));
			assert_null(by_number[id->number]);
			assert_true(!owner[block] ||
				    owner[block] == id->facts->name);
			owner[block] = id->facts->name;
			by_number[id->number] = id;
			assert_ptr_equal(id, identities_by_number(&identities,
								  id->number));
		}
	}
	assert_int_equal(n, identities.n);
}

struct model {
	struct identity *id; /* NULL: the pod is not there */
};

static void change_one(struct random *random, struct model *models)
{
	size_t i = random_below(random, N_PODS);
	struct model *m = &models[i];
	bool is_new, existed = false;

	if (m->id) {
		identity_unuse(&identities, m->id);
		m->id = NULL;
		return;
	}
	for (size_t k = 0; k < N_PODS; k++)
		existed |=
			models[k].id &&
			models[k].id->facts == namespace_of(pods[i])->facts &&
			models[k].id->labels.items == pods[i]->pod.labels.items;
	m->id = get(pods[i], &is_new);
	assert_false(is_new && existed);
	assert_ptr_equal(pods[i]->pod.namespace, m->id->facts->name);
	assert_ptr_equal(pods[i]->pod.labels.items, m->id->labels.items);
	assert_ptr_equal(namespace_of(pods[i])->facts, m->id->facts);
	for (size_t k = 0; is_new && k < N_READERS; k++) {
		for (size_t n = 0; n < readers[k].n; n++)
			assert_int_not_equal(readers[k].known[n].number,
					     m->id->number);
	}
	identity_use(&identities, m->id);
}

static void relabel(struct random *random)
{
	const struct object *pod = random_pick(random, pods);
	struct labels labels =
		some_labels(random_percent(random, 50) ? "team=a" : "team=b");

	labels = keep_labels(&labels);
	namespaces_learn(&the_parts, &namespaces, namespace_of(pod),
			 random_percent(random, 80) ? &labels : NULL);
	intern_labels_drop(the_parts.pool, &labels);
}

static void evict_idle(void)
{
	struct identity *id;

	while ((id = identities_to_evict(&identities)))
		evict(id);
}

static void end_all(struct model *models)
{
	for (size_t i = 0; i < N_PODS; i++) {
		if (models[i].id)
			identity_unuse(&identities, models[i].id);
	}
	for (size_t i = 0; i < N_READERS; i++) {
		parts_free_thrown(&the_parts, readers[i].thrown);
		readers[i] = (struct reader){ 0 };
	}
	while (identities.first_idle)
		evict(identities.first_idle);
	pass_round();
	assert_int_equal(0, identities.n);
	for (size_t i = 0; i < identities.n_blocks; i++)
		assert_true(identities.taken[i] == 0);
	for (size_t i = 0; i < N_PODS; i++)
		drop_object(pods[i]);
}

static void whoever_is_known_stays_who_he_is(void **state)
{
	static const char *const names[] = { "shop", "far", "tmp" };
	static struct model models[N_PODS];
	struct random random = { a_seed() };

	(void)state;
	memset(models, 0, sizeof(models));
	/* Two pods for most identities. */
	for (size_t i = 0; i < N_PODS; i++)
		pods[i] = numbered_pod(random_pick(&random, names), i / 2);
	for (size_t round = 0; round < PLAIN_OR_SANITIZED(400, 100); round++) {
		for (size_t n = random_below(&random, 60); n > 0; n--)
			change_one(&random, models);
		if (random_percent(&random, 10))
			relabel(&random);
		evict_idle();
		assert_true(identities.n_idle <=
			    KEPT_IDLE + (identities.n - identities.n_idle) / 4);
		publish(round);
		compare();
		for (size_t i = 0; i < N_READERS; i++)
			read_again(&readers[i]);
	}
	end_all(models);
}

/* ---- views -------------------------------------------------------------- */

static void a_view_that_was_published_never_changes(void **state)
{
	static const struct identity someone[3];
	struct identity_views *views = NULL, *before;
	struct part *thrown;

	(void)state;
	for (uint32_t i = 0; i < 3000; i++) {
		const struct identity_view view = { .identity =
							    &someone[i % 3] };

		assert_int_equal(
			0, identity_views_set(&the_parts, &views, i, &view));
	}
	pass_round();
	before = views;
	for (uint32_t i = 100; i < 200; i++) {
		const struct identity_view nobody = { 0 };

		identity_views_set(&the_parts, &views, i, &nobody);
	}
	thrown = end_round();
	for (uint32_t i = 0; i < 3000; i++) {
		assert_ptr_equal(&someone[i % 3],
				 identity_views_get(before, i)->identity);
		assert_ptr_equal(i >= 100 && i < 200 ? NULL : &someone[i % 3],
				 identity_views_get(views, i)->identity);
	}
	parts_free_thrown(&the_parts, thrown);
	identity_views_release(&the_parts, views);
	identity_views_release(&the_parts, NULL);
}

/* ---- local addresses ---------------------------------------------------- */

static void local_addresses_come_and_go(void **state)
{
	struct identity *id = make_one("shop", 0);
	const char *const texts[] = { "10.0.0.1", "fd00::1", "10.0.0.2",
				      "10.0.0.1", "10.0.0.3" };
	struct ip_addr addr;

	(void)state;
	for (size_t i = 0; i < N_OF(texts); i++) {
		addr = an_addr(texts[i]);
		assert_int_equal(0, identity_add_local(&the_parts, id, &addr));
	}
	assert_int_equal(5, id->n_local);
	for (size_t i = 0; i < 3; i++) {
		addr = an_addr(texts[i]);
		identity_remove_local(id, &addr);
	}
	assert_int_equal(2, id->n_local);
	for (size_t i = 3; i < 5; i++) {
		addr = an_addr(texts[i]);
		identity_remove_local(id, &addr);
	}
	assert_int_equal(0, id->n_local);
}

#define TEST(f)                                                                \
	cmocka_unit_test_setup_teardown(f, make_identities, free_identities)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_identity_is_namespace_labels_and_ports),
		TEST(a_namespace_with_new_labels_makes_new_identities),
		TEST(a_block_of_numbers_is_of_one_namespace),
		TEST(a_number_waits_for_those_who_know_it),
		TEST(idle_ones_are_kept_but_not_too_many),
		TEST(whoever_is_known_stays_who_he_is),
		TEST(a_view_that_was_published_never_changes),
		TEST(local_addresses_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
