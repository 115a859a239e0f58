/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every allocation fails once.
 *
 * A history of events and compilations is told to a cluster again and again,
 * and in run n the n-th allocation fails: alone, or with all that follow it in
 * the same call. Whatever call that was in says so; the snapshots in use go on
 * answering; the call is made once more; and from the next compilation on every
 * answer is what it is in a history where nothing fails. In the end nothing is
 * left.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "table/label_index.h"

#include "compiler_build.h"
#include "failing_memory.h"

/* ---- histories ---------------------------------------------------------- */

enum act {
	ACT_PUT,
	ACT_DELETE,
	ACT_LIST,   /* of one pod, which is all that is left */
	ACT_ASSIGN, /* what another cluster holds */
	ACT_COMPILE,
	ACT_COMPILE_ALONE, /* snapshot_compile() */
	ACT_EXPLAIN,
};

struct step {
	enum act act;
	struct object object;
};

#define MAX_STEPS 1000
static struct step steps[MAX_STEPS];
static size_t n_steps;
static size_t n_safe_steps; /* at the beginning, where nothing fails */
static struct cluster *other_cluster;

static void step(enum act act, struct object object)
{
	assert_true(n_steps < MAX_STEPS);
	steps[n_steps++] = (struct step){ act, object };
}

static void compile_step(void)
{
	step(ACT_COMPILE, (struct object){ 0 });
}

static const char *text_of(const char *fmt, ...)
	__attribute__((format(printf, 1, 2)));

static const char *text_of(const char *fmt, ...)
{
	char text[128];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return arena_strdup(&build_arena, text);
}

static const char *const apps[] = { "db", "api" };
static const struct requirement db_or_api = { "app", SELECTOR_IN, apps, 2 };

/* Peers of all kinds, more than a node has room for; ports of all kinds, more
   than a flat table has. */
static struct object a_full_policy(const char *name)
{
	struct object policy =
		a_policy("shop", name, "app=db", DIRECTION_INGRESS);

	/* The index has it twice. */
	policy.policy.pod_selector = (struct selector){ &db_or_api, 1 };
	policy.policy.isolates[DIRECTION_EGRESS] = true;
	for (int i = 0; i < 20; i++) {
		struct rule pods =
			a_pod_rule(i % 3 ? NULL : text_of("team=t%d", i % 4),
				   text_of("app=a%d", i));
		struct rule block =
			a_block_rule(text_of("10.%d.0.0/16", i), "10.3.1.0/24");
		uint16_t port = (uint16_t)(100 * i);

		policy = with_rule(policy, DIRECTION_INGRESS,
				   on_ports(pods, PROTOCOL_TCP, port, 5000));
		policy = with_rule(policy, DIRECTION_INGRESS,
				   on_ports(block, PROTOCOL_TCP, 50, 60));
		policy = with_rule(policy, DIRECTION_EGRESS,
				   on_named_port(pods, PROTOCOL_TCP,
						 i % 2 ? "http" : "dns"));
	}
	return policy;
}

static struct object numbered_pod(int i)
{
	return with_port(a_pod(i % 2 ? "shop" : "far", text_of("pod-%d", i),
			       text_of("app=a%d", i),
			       text_of("10.0.1.%d,fd00::%x", i, i)),
			 "http", PROTOCOL_TCP, (uint16_t)(100 * i));
}

/* Rules, and peers that come when their sets are in use. */
static void tell_of_policies(void)
{
	step(ACT_PUT, a_pod("shop", "db", "app=db", "10.0.0.2,fd00::db"));
	step(ACT_PUT, a_policy("shop", "deny", "", DIRECTION_INGRESS));
	compile_step();
	for (int i = 0; i < 12; i++)
		step(ACT_PUT, numbered_pod(i));
	step(ACT_PUT, a_full_policy("full"));
	compile_step();
	step(ACT_COMPILE_ALONE, (struct object){ 0 });
	step(ACT_EXPLAIN, (struct object){ 0 });
	for (int i = 12; i < 20; i++)
		step(ACT_PUT, numbered_pod(i));
	compile_step();
	step(ACT_DELETE, a_policy("shop", "full", "", DIRECTION_INGRESS));
	step(ACT_PUT, a_full_policy("again"));
	step(ACT_DELETE, numbered_pod(3));
	compile_step();
	step(ACT_LIST, a_pod("shop", "db", "app=db", "10.0.0.2"));
	compile_step();
	step(ACT_ASSIGN, (struct object){ 0 });
	compile_step();
}

/* More changes at once than there is room for, and more addresses than a page
   has. */
static void tell_of_a_crowd(void)
{
	for (int i = 0; i < 130; i++) {
		step(ACT_PUT, a_pod("far", text_of("crowd-%d", i), "app=crowd",
				    text_of("10.0.2.%d", i)));
		if (i != 50)
			continue;
		compile_step();
		n_safe_steps = n_steps;
	}
	compile_step();
	for (int i = 0; i < 130; i += 7)
		step(ACT_DELETE, a_pod("far", text_of("crowd-%d", i), "", ""));
	compile_step();
}

/* Their labels change; they go, and leave their policies in force until their
   pods have gone, too (NP-66). */
static void tell_of_namespaces(void)
{
	struct object shop =
		a_namespace("shop", "kubernetes.io/metadata.name=shop,team=t1");

	step(ACT_PUT, shop);
	for (int i = 0; i < 8; i++)
		step(ACT_PUT, numbered_pod(i));
	step(ACT_PUT, a_pod("shop", "db", "app=db", "10.0.0.2"));
	step(ACT_PUT, a_full_policy("full"));
	compile_step();
	step(ACT_PUT,
	     a_namespace("far", "kubernetes.io/metadata.name=far,team=t0"));
	step(ACT_PUT,
	     a_namespace("shop", "kubernetes.io/metadata.name=shop,team=t3"));
	step(ACT_PUT, a_namespace("empty", "team=t1"));
	compile_step();
	step(ACT_DELETE, a_namespace("empty", ""));
	step(ACT_PUT, a_policy("shop", "deny", "", DIRECTION_EGRESS));
	compile_step();
	for (int i = 0; i < 20; i++)
		step(ACT_PUT,
		     a_policy("far", text_of("p%d", i), "", DIRECTION_EGRESS));
	step(ACT_LIST, a_full_policy("full"));
	shop.namespace.terminating = true;
	step(ACT_PUT, shop);
	step(ACT_DELETE, a_full_policy("full"));
	compile_step();
	step(ACT_DELETE, shop);
	for (int i = 0; i < 8; i++)
		step(ACT_DELETE, numbered_pod(i));
	compile_step();
}

static void tell_of_contests(void)
{
	struct object thief = a_pod("far", "thief", "app=a3", "10.0.1.5");

	thief.pod.created_s = 7;
	step(ACT_PUT, a_policy("shop", "deny", "", DIRECTION_INGRESS));
	for (int i = 0; i < 8; i++)
		step(ACT_PUT, numbered_pod(i));
	compile_step();
	step(ACT_PUT, thief);
	step(ACT_PUT, a_node("node-1", "10.0.1.7"));
	compile_step();
	step(ACT_DELETE, thief);
	step(ACT_PUT, a_node("node-1", "192.0.2.1"));
	compile_step();
}

/* More identities are idle than are kept. */
static void tell_of_evictions(void)
{
	step(ACT_PUT, a_pod("shop", "db", "app=db", "10.0.0.2"));
	step(ACT_PUT, a_full_policy("full"));
	for (int i = 0; i < 270; i++)
		step(ACT_PUT, a_pod("shop", text_of("p%d", i),
				    text_of("app=a%d,x=%d", i % 20, i),
				    text_of("10.4.%d.%d", i / 200, i % 200)));
	compile_step();
	for (int i = 0; i < 250; i++)
		step(ACT_DELETE, a_pod("shop", text_of("p%d", i), "", ""));
	compile_step();
	n_safe_steps = n_steps;
	for (int i = 250; i < 270; i++)
		step(ACT_DELETE, a_pod("shop", text_of("p%d", i), "", ""));
	compile_step();
	for (int i = 0; i < 10; i++)
		step(ACT_PUT, numbered_pod(i));
	compile_step();
	compile_step();
}

/* A second table comes and goes (NP-8); a namespace changes all its policies.
 */
static void tell_of_modes(void)
{
	struct object shop =
		a_namespace("shop", "kubernetes.io/metadata.name=shop");
	struct object deny = a_policy("shop", "deny", "", DIRECTION_INGRESS);

	step(ACT_PUT, shop);
	for (int i = 0; i < 8; i++)
		step(ACT_PUT, numbered_pod(i));
	step(ACT_PUT, a_full_policy("full"));
	step(ACT_PUT, with_mode(deny, POLICY_MODE_AUDIT));
	compile_step();
	step(ACT_COMPILE_ALONE, (struct object){ 0 });
	step(ACT_PUT, with_mode(shop, POLICY_MODE_AUDIT));
	step(ACT_PUT, numbered_pod(9));
	compile_step();
	step(ACT_PUT, with_mode(deny, POLICY_MODE_ENFORCE));
	step(ACT_PUT, shop);
	compile_step();
	step(ACT_DELETE, deny);
	step(ACT_PUT, with_mode(shop, POLICY_MODE_AUDIT));
	step(ACT_DELETE, numbered_pod(3));
	compile_step();
}

static const struct history {
	const char *name;
	void (*tell)(void);
	size_t n_least; /* allocations */
} histories[] = {
	{ "policies", tell_of_policies, 1000 },
	{ "a crowd", tell_of_a_crowd, 100 },
	{ "namespaces", tell_of_namespaces, 500 },
	{ "contests", tell_of_contests, 100 },
	{ "evictions", tell_of_evictions, 100 },
	{ "modes", tell_of_modes, 300 },
};

static void make_other_cluster(void)
{
	struct object objects[] = {
		a_namespace("shop", "kubernetes.io/metadata.name=shop"),
		a_pod("shop", "db", "app=db", "10.0.0.2"),
		numbered_pod(5),
		numbered_pod(6),
		a_full_policy("other"),
	};

	other_cluster = cluster_new();
	for (size_t i = 0; i < N_OF(objects); i++)
		assert_true(cluster_put(other_cluster, &objects[i], 0) > 0);
}

/* ---- answers ------------------------------------------------------------ */

static const char *const sources[] = { "10.0.1.1", "10.0.1.3", "10.0.1.5",
				       "10.0.1.7", "10.0.1.9", "10.0.1.15",
				       "10.0.0.2", "10.3.1.1", "fd00::5" };
static const char *const targets[] = { "10.0.0.2", "10.0.1.5", "10.0.1.7",
				       "fd00::db" };
static const uint16_t ports[] = { 55, 500, 700, 1500 };

#define N_PROBES (N_OF(sources) * N_OF(targets) * N_OF(ports))

struct answers {
	struct decision items[N_PROBES];
};

static struct flow_key probes[N_PROBES];

static void make_probes(void)
{
	for (size_t i = 0; i < N_PROBES; i++)
		probes[i] = flow(sources[i % N_OF(sources)],
				 targets[i / N_OF(sources) % N_OF(targets)],
				 ports[i / N_OF(sources) / N_OF(targets)]);
}

static void ask(const struct snapshot *s, struct answers *out)
{
	snapshot_decide_batch(s, probes, N_PROBES, out->items);
}

/* By step: what the snapshot that was made there says. */
static struct answers reference[MAX_STEPS];
static struct answers current; /* what the one in use says */
/* The one before, which somebody asks still. */
static struct snapshot *older;
static struct answers older_answers;

static void expect_answers(const char *sentence, size_t n_step,
			   const struct snapshot *s,
			   const struct answers *expected)
{
	struct answers got;

	ask(s, &got);
	for (size_t i = 0; i < N_PROBES; i++) {
		if (memcmp(&got.items[i], &expected->items[i],
			   sizeof(got.items[i])) != 0)
			fail_msg("step %zu: %s: probe %zu", n_step, sentence,
				 i);
	}
}

/* ---- one call ----------------------------------------------------------- */

static int compile_once(void)
{
	struct snapshot *next = snapshot;
	int r = compiler_compile(compiler, &next, &update, NULL);

	if (r < 0) {
		/* Results stay untouched. */
		assert_ptr_equal(snapshot, next);
		return r;
	}
	snapshot_free(older);
	older = snapshot;
	older_answers = current;
	snapshot = next;
	return 0;
}

static int compile_alone(size_t n_step)
{
	const struct snapshot_options options = { .node_name = "node-1" };
	struct snapshot *alone = NULL;
	int r = snapshot_compile(cluster, &options, &alone, NULL);

	if (r < 0) {
		assert_null(alone);
		return r;
	}
	expect_answers("one for itself says something else", n_step, alone,
		       &current);
	snapshot_free(alone);
	return 0;
}

static int explain(void)
{
	struct explanation explanation;
	struct arena arena = { 0 };
	int r = snapshot_explain(snapshot, &probes[0], &arena, &explanation);

	arena_release(&arena);
	return r;
}

/* A list that breaks off is told from its beginning. */
static int list(const struct object *object)
{
	int r;

	cluster_replace_begin(cluster, object->kind);
	r = cluster_put(cluster, object, now_ms);
	if (r < 0) {
		cluster_replace_abort(cluster, object->kind);
		return r;
	}
	return cluster_replace_end(cluster, object->kind, now_ms);
}

static int call(size_t n_step)
{
	const struct step *s = &steps[n_step];

	switch (s->act) {
	case ACT_PUT:
		return cluster_put(cluster, &s->object, now_ms);
	case ACT_DELETE:
		return cluster_delete(cluster, &s->object, now_ms);
	case ACT_LIST:
		return list(&s->object);
	case ACT_ASSIGN:
		return cluster_assign(cluster, other_cluster, now_ms);
	case ACT_COMPILE:
		return compile_once();
	case ACT_COMPILE_ALONE:
		return compile_alone(n_step);
	case ACT_EXPLAIN:
		return explain();
	}
	return 0;
}

/* ---- one history -------------------------------------------------------- */

/* What a run has seen of failures. */
struct run {
	size_t n_told; /* calls that returned -ENOMEM */
	size_t n_lost; /* changes that nobody could note */
	bool lost;     /* so that the next compilation has to start anew */
};

/* Something has failed in a call. Only that a change is noted may fail without
   a word: the cluster itself has it. */
static void after_failure(size_t n_step, int r, struct run *run)
{
	enum act act = steps[n_step].act;

	memory.left = 0;
	if (r < 0 && snapshot)
		expect_answers("the snapshot in use says something else",
			       n_step, snapshot, &current);
	if (older)
		expect_answers("the one before says something else", n_step,
			       older, &older_answers);
	if (r < 0) {
		run->n_told++;
		return;
	}
	assert_true(act == ACT_PUT || act == ACT_DELETE || act == ACT_LIST ||
		    act == ACT_ASSIGN);
	run->n_lost++;
	run->lost = true;
}

static void expect_stored(const char *sentence, size_t n_step,
			  const struct cluster_memory *expected)
{
	struct cluster_memory got = cluster_memory(cluster);

	if (got.strings != expected->strings || got.lists != expected->lists ||
	    got.bytes != expected->bytes)
		fail_msg("step %zu: %s: expected %zu strings, %zu lists, %zu "
			 "bytes, got %zu, %zu, %zu",
			 n_step, sentence, expected->strings, expected->lists,
			 expected->bytes, got.strings, got.lists, got.bytes);
}

static void take_step(size_t n_step, struct run *run)
{
	struct cluster_memory before = cluster_memory(cluster);
	enum act act = steps[n_step].act;
	size_t n_failed = memory.n_failed;
	int r = call(n_step);

	if (memory.n_failed > n_failed) {
		after_failure(n_step, r, run);
		if (r < 0) {
			assert_int_equal(-ENOMEM, r);
			if (act == ACT_PUT || act == ACT_DELETE)
				expect_stored("an event is refused, and "
					      "something kept of it",
					      n_step, &before);
			r = call(n_step);
		}
	}
	assert_true(r >= 0);
	if (act != ACT_COMPILE)
		return;
	assert_true(update.from_nothing || !run->lost);
	for (int dir = 0; dir < N_DIRECTIONS; dir++)
		assert_true(update.may_deny[dir] || !update.from_nothing);
	run->lost = false;
	ask(snapshot, &current);
}

/* Nothing fails before the first step that may. */
static void begin_history(size_t fail_at, bool goes_on, struct run *run)
{
	const struct snapshot_options options = { .node_name = "node-1" };

	now_ms = 0;
	memory.left = n_safe_steps == 0 ? fail_at : 0;
	memory.goes_on = goes_on;
	cluster = cluster_new();
	if (!cluster) {
		memory.left = 0;
		run->n_told++;
		cluster = cluster_new();
	}
	if (compiler_new(cluster, &options, &compiler, NULL) == 0)
		return;
	memory.left = 0;
	run->n_told++;
	assert_int_equal(0, compiler_new(cluster, &options, &compiler, NULL));
}

/* What the cluster has by itself is what it has in a history without a
   failure. */
static void end_history(bool is_reference)
{
	static struct cluster_memory reference_memory;

	snapshot_free(older);
	older = NULL;
	snapshot_free(snapshot);
	snapshot = NULL;
	compiler_free(compiler);
	compiler = NULL;
	if (is_reference)
		reference_memory = cluster_memory(cluster);
	expect_stored("the cluster has something else in the end", n_steps,
		      &reference_memory);
	unfollow();
}

static struct run tell_history(size_t fail_at, bool goes_on)
{
	struct run run = { 0 };

	begin_history(fail_at, goes_on, &run);
	for (size_t i = 0; i < n_steps; i++) {
		if (i > 0 && i == n_safe_steps)
			memory.left = fail_at;
		take_step(i, &run);
		now_ms += 100;
		if (steps[i].act != ACT_COMPILE)
			continue;
		if (fail_at == 0)
			reference[i] = current;
		else
			expect_answers("other answers than without a failure",
				       i, snapshot, &reference[i]);
	}
	memory.left = 0;
	end_history(fail_at == 0);
	return run;
}

/* ---- all of them -------------------------------------------------------- */

static int make_all(void **state)
{
	(void)state;
	memory.left = 0;
	make_other_cluster();
	make_probes();
	return 0;
}

static int free_all(void **state)
{
	memory.left = 0;
	snapshot_free(older);
	older = NULL;
	cluster_free(other_cluster);
	return end_following(state);
}

static void fail_everywhere(const struct history *history, bool goes_on)
{
	size_t n_told = 0, n_lost = 0, in_use = memory.n_in_use, n = 1;

	for (;; n++) {
		size_t n_failed = memory.n_failed;
		struct run run = tell_history(n, goes_on);

		n_told += run.n_told;
		n_lost += run.n_lost;
		if (memory.n_in_use != in_use)
			fail_msg("%s: allocation %zu: %zd pieces are left",
				 history->name, n,
				 (ssize_t)(memory.n_in_use - in_use));
		if (memory.n_failed == n_failed)
			break;
	}
	print_message("# %s: %zu allocations failed: %zu calls said so, %zu "
		      "changes were not noted\n",
		      history->name, n - 1, n_told, n_lost);
	assert_int_equal(n - 1, n_told + n_lost);
	assert_true(n > history->n_least);
}

static void fail_in_all(bool goes_on)
{
	for (size_t i = 0; i < N_OF(histories); i++) {
		n_steps = n_safe_steps = 0;
		histories[i].tell();
		tell_history(0, false);
		fail_everywhere(&histories[i], goes_on);
	}
}

static void one_failure_changes_no_answer(void **state)
{
	(void)state;
	fail_in_all(false);
}

static void a_call_without_any_memory_changes_no_answer(void **state)
{
	(void)state;
	fail_in_all(true);
}

/* ---- an index ----------------------------------------------------------- */

static int count_visit(void *ctx, void *thing)
{
	(void)thing;
	++*(size_t *)ctx;
	return 0;
}

/* Where one of two values cannot be entered, the other one is not. */
static void a_thing_is_entered_whole_or_not_at_all(void **state)
{
	const struct label db = { "app", apps[0] };
	const struct labels labels = { &db, 1 };
	const struct selector selector = { &db_or_api, 1 };
	int r = -ENOMEM;

	(void)state;
	for (size_t n = 1; r < 0; n++) {
		struct label_index index = { 0 };
		struct parts parts = { .round = 1 };
		size_t n_visits = 0;

		memory.left = n;
		memory.goes_on = false;
		r = label_index_add(&parts, &index, apps, &selector, &parts);
		memory.left = 0;
		label_index_each(&index, apps, &labels, count_visit, &n_visits);
		assert_int_equal(r == 0, n_visits);
		assert_int_equal(r == 0 ? 2 : 0, index.n_entries);
		label_index_release(&parts, &index);
		assert_int_equal(0, parts.bytes[PART_INDEX]);
		/* Buckets, and for each value an entry and its things. */
		assert_int_equal(n == 6, r == 0);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_all, free_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_failure_changes_no_answer),
		TEST(a_call_without_any_memory_changes_no_answer),
		TEST(a_thing_is_entered_whole_or_not_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
