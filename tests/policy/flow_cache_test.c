/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "netpold/compiler.h"
#include "netpold/flow_cache.h"

#include "object_build.h"

/*
 * 64 pods, 10.0.0.1 … 10.0.0.64, of which the odd ones are app=a and the even
 * ones app=b. The policy that changes lets one or the other of them in.
 */
#define N_PODS 64

static struct cluster *cluster;
static struct compiler *compiler;
static struct snapshot *snapshot;
static struct flow_cache *cache;

static void let_in(const char *peers)
{
	struct object policy =
		a_policy("shop", "in", "app=a", DIRECTION_INGRESS);
	struct snapshot *next;

	policy = with_rule(policy, DIRECTION_INGRESS, a_pod_rule(NULL, peers));
	cluster_put(cluster, &policy, 0);
	assert_int_equal(0, compiler_compile(compiler, &next, NULL, NULL));
	snapshot_free(snapshot);
	snapshot = next;
}

static void make_cache(size_t n_places)
{
	const struct flow_cache_options options = { .hash_key = { 1, 2 },
						    .n_places = n_places };

	flow_cache_free(cache);
	cache = flow_cache_new(&options);
	assert_non_null(cache);
}

static int make_world(void **state)
{
	(void)state;
	cluster = cluster_new();
	for (int i = 1; i <= N_PODS; i++) {
		char name[24], addr[24];
		struct object pod;

		snprintf(name, sizeof(name), "pod-%d", i);
		snprintf(addr, sizeof(addr), "10.0.0.%d", i);
		pod = a_pod("shop", name, i % 2 ? "app=a" : "app=b", addr);
		cluster_put(cluster, &pod, 0);
	}
	return compiler_new(cluster, NULL, &compiler, NULL);
}

static int free_world(void **state)
{
	(void)state;
	flow_cache_free(cache);
	cache = NULL;
	snapshot_free(snapshot);
	snapshot = NULL;
	compiler_free(compiler);
	cluster_free(cluster);
	arena_release(&build_arena);
	return 0;
}

static struct flow_key flow(int from, int to, uint16_t port)
{
	const uint8_t src[] = { 10, 0, 0, (uint8_t)from };
	const uint8_t dst[] = { 10, 0, 0, (uint8_t)to };

	return (struct flow_key){
		.src = ip_addr_v4(src),
		.dst = ip_addr_v4(dst),
		.protocol = PROTOCOL_TCP,
		.dst_port = port,
		.has_port = true,
	};
}

static bool is_right(const struct flow_key *key, const struct decision *got)
{
	struct decision want = snapshot_decide(snapshot, key);

	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		if (got->sides[dir].verdict != want.sides[dir].verdict ||
		    got->sides[dir].reason != want.sides[dir].reason)
			return false;
	}
	return got->verdict == want.verdict;
}

/* NP-8, both from the snapshot and from memory. */
static void what_is_planned_is_found_beside_it(void **state)
{
	struct object deny = with_mode(
		a_policy("shop", "staged", "app=a", DIRECTION_INGRESS),
		POLICY_MODE_AUDIT);
	struct flow_key keys[2] = { flow(2, 1, 80), flow(1, 2, 80) };
	struct decision got[2], planned[2];

	(void)state;
	make_cache(64);
	cluster_put(cluster, &deny, 0);
	assert_int_equal(0, compiler_compile(compiler, &snapshot, NULL, NULL));
	for (int i = 0; i < 2; i++) {
		flow_cache_decide_both(cache, snapshot, keys, 2, 0, got,
				       planned);
		assert_int_equal(VERDICT_ALLOW, got[0].verdict);
		assert_int_equal(VERDICT_DENY, planned[0].verdict);
		assert_int_equal(VERDICT_ALLOW, planned[1].verdict);
	}
	assert_int_equal(2, flow_cache_counts(cache).hits);
}

static void a_question_is_asked_once(void **state)
{
	struct flow_key key = flow(2, 1, 80);
	struct flow_cache_counts counts;

	(void)state; /* DEC-2 */
	make_cache(0);
	let_in("app=b");
	for (int i = 0; i < 5; i++) {
		struct decision d = flow_cache_decide(cache, snapshot, &key, 0);

		assert_true(is_right(&key, &d));
		assert_int_equal(VERDICT_ALLOW, d.verdict);
	}
	counts = flow_cache_counts(cache);
	assert_int_equal(4, counts.hits);
	assert_int_equal(1, counts.misses);
}

/* Each differs from the first question in one thing that decides. */
static void every_part_of_a_key_tells_questions_apart(void **state)
{
	struct flow_key keys[8];
	size_t n = 0;

	(void)state; /* DEC-1 */
	make_cache(0);
	let_in("app=b");
	for (size_t i = 0; i < 8; i++)
		keys[i] = flow(2, 1, 80);
	n++;
	keys[n++].src.bytes[3] = 3;
	keys[n++].dst.bytes[3] = 3;
	keys[n++].dst_port = 81;
	keys[n++].protocol = PROTOCOL_UDP;
	keys[n++].has_port = false;
	keys[n++].from_own_node = true;
	keys[n].src.family = IP_V6;
	keys[n++].dst.family = IP_V6;
	for (size_t i = 0; i < n; i++) {
		struct decision d =
			flow_cache_decide(cache, snapshot, &keys[i], 0);

		assert_true(is_right(&keys[i], &d));
		assert_int_equal(i + 1, flow_cache_counts(cache).misses);
	}
}

static void an_answer_is_of_one_snapshot(void **state)
{
	struct flow_key key = flow(2, 1, 80);

	(void)state; /* DEC-2 */
	make_cache(0);
	for (int round = 0; round < 100; round++) {
		struct decision d;

		let_in(round % 2 ? "app=a" : "app=b");
		d = flow_cache_decide(cache, snapshot, &key, 0);
		assert_int_equal(round % 2 ? VERDICT_DENY : VERDICT_ALLOW,
				 d.verdict);
	}
	assert_int_equal(0, flow_cache_counts(cache).hits);
	assert_int_equal(0, flow_cache_counts(cache).evictions);
}

static void what_is_told_to_be_forgotten_is(void **state)
{
	struct flow_key key = flow(2, 1, 80);

	(void)state;
	make_cache(0);
	let_in("app=a");
	for (int i = 0; i < 2; i++) {
		flow_cache_decide(cache, snapshot, &key, 0);
		flow_cache_decide(cache, snapshot, &key, 0);
		assert_int_equal(i + 1, flow_cache_counts(cache).hits);
		assert_int_equal(i + 1, flow_cache_counts(cache).misses);
		flow_cache_forget(cache);
	}
}

/* Hours of idle flows, a clock that wraps around, floods that evict all there
   is, and policies that change: the answer is that of the snapshot. */
static void whatever_is_forgotten_no_answer_is_wrong(void **state)
{
	uint64_t random = 1;
	uint32_t now_ms = UINT32_MAX - 1000000;

	(void)state; /* L12 */
	make_cache(64);
	let_in("app=b");
	for (int i = 0; i < 200000; i++) {
		struct flow_key key;
		struct decision d;

		random = random * 6364136223846793005 + 1442695040888963407;
		key = flow(1 + (int)(random >> 33) % N_PODS,
			   1 + (int)(random >> 43) % N_PODS,
			   (uint16_t)(random >> 60));
		now_ms += random >> 56 == 0 ? 4 * 3600 * 1000 : 20;
		if (random >> 54 == 1)
			let_in(i % 2 ? "app=a" : "app=b");
		d = flow_cache_decide(cache, snapshot, &key, now_ms);
		if (!is_right(&key, &d))
			fail_msg("question %d: another answer than the "
				 "snapshot's",
				 i);
	}
	assert_true(flow_cache_counts(cache).hits > 0);
	assert_true(flow_cache_counts(cache).evictions > 10000);
}

static void what_is_asked_for_stays(void **state)
{
	struct flow_key busy = flow(2, 1, 80);
	uint64_t misses = 0;

	(void)state;
	make_cache(4); /* one set */
	let_in("app=b");
	flow_cache_decide(cache, snapshot, &busy, 0);
	for (uint32_t i = 1; i < 1000; i++) {
		struct flow_key other = flow(3, 1, (uint16_t)i);

		flow_cache_decide(cache, snapshot, &other, i);
		misses = flow_cache_counts(cache).misses;
		flow_cache_decide(cache, snapshot, &busy, i);
		assert_int_equal(misses, flow_cache_counts(cache).misses);
	}
	/* Four places, one of them always the busy flow's. */
	assert_int_equal(999 - 3, flow_cache_counts(cache).evictions);
}

static void a_batch_is_answered_as_one_by_one(void **state)
{
	static struct flow_key keys[1000];
	static struct decision answers[1000];

	(void)state;
	make_cache(256);
	let_in("app=b");
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 1000; i++)
			keys[i] = flow(1 + i * 7 % N_PODS, 1 + i * 3 % N_PODS,
				       (uint16_t)(i * (round + 1) % 50));
		flow_cache_decide_batch(cache, snapshot, keys, 1000, 0,
					answers);
		for (int i = 0; i < 1000; i++)
			assert_true(is_right(&keys[i], &answers[i]));
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_world, free_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_question_is_asked_once),
		TEST(what_is_planned_is_found_beside_it),
		TEST(every_part_of_a_key_tells_questions_apart),
		TEST(an_answer_is_of_one_snapshot),
		TEST(what_is_told_to_be_forgotten_is),
		TEST(whatever_is_forgotten_no_answer_is_wrong),
		TEST(what_is_asked_for_stays),
		TEST(a_batch_is_answered_as_one_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
