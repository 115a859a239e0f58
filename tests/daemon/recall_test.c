/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Real sets, in a network namespace of the test's own. The test is worker and
 * rules at once: it writes down what is to be remembered, and puts it into the
 * set. NETPOLD_SEED sets the seed of the random clusters.
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

#include "clock.h"
#include "datapath/ipset.h"
#include "datapath/memo.h"
#include "datapath/memo_ring.h"
#include "datapath/memo_set.h"
#include "datapath/memo_table.h"
#include "datapath/recall.h"
#include "datapath/rules.h"
#include "netns.h"
#include "netpold/compiler.h"
#include "policy/twin/engine.h"
#include "policy/twin/oracle.h"
#include "policy/twin/random.h"
#include "policy/twin/world.h"

#define SIZE 4096
#define N_WORLDS 20
#define N_STEPS 25
#define N_ASKED 40 /* in each step */
#define WORLD_MAX_US                                                           \
	(15 * 1000 * 1000) /* the kernel forgets a denial after 30 s */

static struct ipset *ipset;

static const struct recall_options options = {
	.size = SIZE,
	.remember = { true, true },
	.n_workers = 1,
};

static void expect(int r, const struct err *err)
{
	if (r < 0)
		fail_msg("%s", err->message);
}

static int open_namespace(void **state)
{
	struct err err;

	if (netns_enter(state) < 0)
		return -1;
	if (ipset_open(&ipset, &err) < 0) {
		fprintf(stderr, "%s\n", err.message);
		return -1;
	}
	return 0;
}

static int close_namespace(void **state)
{
	(void)state;
	ipset_close(ipset);
	return 0;
}

static int remove_sets(void **state)
{
	(void)state;
	return netns_run("ipset destroy");
}

static struct recall *open_recall(const struct recall_options *wanted)
{
	struct recall *recall;
	struct err err;

	expect(recall_open(wanted, &recall, &err), &err);
	recall_begin(recall);
	return recall;
}

/* Returns whether it is remembered. */
static bool remember(struct recall *recall, const struct flow_key *key,
		     enum verdict verdict)
{
	const char *name = rules_answers_name(verdict, key->src.family);
	struct memo memo = memo_of(key);
	struct err err;

	if (!memo_ring_put(recall_ring(recall, 0), key, verdict))
		return false;
	expect(memo_set_add(ipset, name, &memo, 1, &err), &err);
	return true;
}

static size_t count(enum verdict verdict, enum ip_family family)
{
	size_t n;
	struct err err;

	expect(memo_set_count(ipset, rules_answers_name(verdict, family), &n,
			      &err),
	       &err);
	return n;
}

/* ---- random clusters ---------------------------------------------------- */

struct asked {
	struct probe probe;
	struct flow_key key;
	struct memo memo;
	enum verdict enforced, planned;
	bool remembered[2]; /* by verdict: is it in the set? */
	bool is_over;	    /* was taken out, and is not asked again */
};

struct run {
	uint64_t seed;
	struct world world;
	bool *is_there; /* by object */
	int64_t now_ms;
	struct oracle *oracle;
	struct cluster *cluster;
	struct compiler *compiler;
	struct snapshot *snapshot;
	struct recall *recall;
	struct asked asked[N_STEPS * N_ASKED];
	size_t n_asked;
	size_t n_kept, n_wrong;
};

static void demand(const struct run *run, bool holds, const char *sentence)
{
	if (!holds)
		fail_msg("world of NETPOLD_SEED=%llu: %s",
			 (unsigned long long)run->seed, sentence);
}

static void tell(struct run *run, size_t i, bool put)
{
	const char *json = run->world.objects[i].json;

	run->now_ms += 1000;
	if (put) {
		engine_put(run->cluster, json, run->now_ms);
		oracle_put(run->oracle, json, run->now_ms);
	} else {
		engine_delete(run->cluster, json, run->now_ms);
		oracle_delete(run->oracle, json, run->now_ms);
	}
	run->is_there[i] = put;
}

static void compile(struct run *run)
{
	struct update update;
	struct err err;

	snapshot_free(run->snapshot);
	expect(compiler_compile(run->compiler, &run->snapshot, &update, &err),
	       &err);
	recall_owe(run->recall, &update);
}

static void run_init(struct run *run, uint64_t seed)
{
	*run = (struct run){ .seed = seed };
	world_init(&run->world, seed);
	run->is_there = calloc(run->world.n_objects, sizeof(bool));
	run->oracle = oracle_new();
	run->cluster = cluster_new();
	run->compiler = engine_follow(run->cluster, run->world.node);
	run->recall = open_recall(&options);
	for (size_t i = 0; i < run->world.n_objects; i++)
		tell(run, i, true);
	compile(run);
}

static void run_release(struct run *run)
{
	recall_close(run->recall);
	snapshot_free(run->snapshot);
	compiler_free(run->compiler);
	cluster_free(run->cluster);
	oracle_free(run->oracle);
	free(run->is_there);
	world_release(&run->world);
}

static enum verdict oracle_verdict(struct run *run, const struct probe *probe)
{
	return oracle_ask(run->oracle, run->world.node, probe).allow
		       ? VERDICT_ALLOW
		       : VERDICT_DENY;
}

/* What is enforced, and what would be if all were that is staged (NP-8). */
static void judge(struct run *run, size_t first)
{
	for (size_t i = first; i < run->n_asked; i++) {
		struct asked *asked = &run->asked[i];

		if (asked->is_over)
			continue;
		asked->enforced = oracle_verdict(run, &asked->probe);
		oracle_enforce_staged(run->oracle, true);
		asked->planned = oracle_verdict(run, &asked->probe);
		oracle_enforce_staged(run->oracle, false);
	}
}

static bool is_memorable(const struct flow_key *key)
{
	return !key->from_own_node &&
	       key->has_port == protocol_has_ports(key->protocol) &&
	       (key->has_port ||
		key->protocol == (key->src.family == IP_V4 ? PROTOCOL_ICMP
							   : PROTOCOL_ICMPV6));
}

static bool was_asked(const struct run *run, const struct memo *memo)
{
	for (size_t i = 0; i < run->n_asked; i++)
		if (memo_equal(&run->asked[i].memo, memo))
			return true;
	return false;
}

/* What was remembered before is answered by the kernel, and not asked again. */
static void ask(struct run *run)
{
	struct asked asked = { .probe = world_probe(&run->world) };

	asked.key = engine_key(&asked.probe);
	asked.memo = memo_of(&asked.key);
	if (is_memorable(&asked.key) && !was_asked(run, &asked.memo))
		run->asked[run->n_asked++] = asked;
}

/* Of what was asked just now, that about which both agree. */
static void remember_answers(struct run *run, size_t first)
{
	size_t n = first;

	judge(run, first);
	for (size_t i = first; i < run->n_asked; i++) {
		struct asked *asked = &run->asked[i];

		if (asked->enforced != asked->planned)
			continue;
		demand(run, remember(run->recall, &asked->key, asked->enforced),
		       "there is room for an answer");
		asked->remembered[asked->enforced] = true;
		run->asked[n++] = *asked;
	}
	run->n_asked = n;
}

static void change_one(struct run *run)
{
	struct random *r = &run->world.random;
	size_t i = random_below(r, run->world.n_objects);
	struct world_object *object = &run->world.objects[i];
	char *json = NULL, uid[24];

	snprintf(uid, sizeof(uid), "%016llx",
		 (unsigned long long)random_next(r));
	if (run->is_there[i] && random_percent(r, 40)) {
		tell(run, i, false);
		return;
	}
	if (object->kind == WORLD_NAMESPACE)
		json = world_write_namespace(&run->world, object->name, false);
	else if (object->kind == WORLD_POD)
		json = world_write_pod(&run->world, object->ns, object->name,
				       uid);
	else if (object->kind == WORLD_POLICY)
		json = world_write_policy(&run->world, object->ns,
					  object->name);
	if (json) {
		if (run->is_there[i])
			tell(run, i, false);
		free(object->json);
		object->json = json;
	}
	tell(run, i, true);
}

static int collect(void *ctx, const struct memo *member,
		   const struct memo_counters *counters)
{
	bool failed = false;

	(void)counters;
	memo_table_put(ctx, member, 0, &failed);
	return failed ? -1 : 0;
}

static struct memo_table *list(enum verdict verdict)
{
	static const uint64_t hash_key[2] = { 3, 4 };
	struct memo_table *table = memo_table_new(hash_key);
	struct err err;

	for (int i = 0; i < 2; i++)
		expect(memo_set_walk(
			       ipset,
			       rules_answers_name(verdict, i ? IP_V6 : IP_V4),
			       collect, table, &err),
		       &err);
	return table;
}

/* A set holds exactly what was remembered and has been right ever since. */
static void check(struct run *run, enum verdict verdict)
{
	struct memo_table *members = list(verdict);

	for (size_t i = 0; i < run->n_asked; i++) {
		struct asked *asked = &run->asked[i];
		bool right =
			asked->enforced == verdict && asked->planned == verdict;

		run->n_kept += asked->remembered[verdict] && right;
		run->n_wrong += asked->remembered[verdict] && !right;
		asked->is_over |= asked->remembered[verdict] && !right;
		asked->remembered[verdict] &= right;
		demand(run,
		       memo_table_has(members, &asked->memo) ==
			       asked->remembered[verdict],
		       right ? "an answer that is right has gone"
			     : "an answer that is wrong is there");
	}
	memo_table_free(members);
}

static void step(struct run *run, struct random *random)
{
	size_t first = run->n_asked;
	struct err err;

	for (int i = 0; i < N_ASKED; i++)
		ask(run);
	remember_answers(run, first);
	if (random_percent(random, 50))
		recall_work(run->recall);
	for (long n = random_between(random, 1, 3); n > 0; n--)
		change_one(run);
	compile(run);
	expect(recall_settle(run->recall, run->snapshot, NULL, &err), &err);
	judge(run, 0);
	check(run, VERDICT_ALLOW);
	check(run, VERDICT_DENY);
}

static void after_a_change_answers_are_the_oracle_s(void **state)
{
	uint64_t seed = random_setting("NETPOLD_SEED", 1);
	static struct run run;
	size_t n_kept = 0, n_wrong = 0;

	(void)state; /* NF-95 */
	for (uint64_t i = 0; i < N_WORLDS; i++) {
		int64_t end_us = clock_us() + WORLD_MAX_US;
		struct random random = { seed + i };

		run_init(&run, seed + i);
		for (int n = 0; n < N_STEPS && clock_us() < end_us; n++)
			step(&run, &random);
		n_kept += run.n_kept;
		n_wrong += run.n_wrong;
		run_release(&run);
		remove_sets(state);
	}
	assert_true(n_kept > 1000);
	assert_true(n_wrong > 100);
}

/* ---- what stands -------------------------------------------------------- */

static struct flow_key key_of(unsigned int number)
{
	const uint8_t src[4] = { 10, 1, (uint8_t)(number >> 8),
				 (uint8_t)number };
	const uint8_t dst[4] = { 10, 2, 0, 1 };

	return (struct flow_key){ .src = ip_addr_v4(src),
				  .dst = ip_addr_v4(dst),
				  .dst_port = 80,
				  .protocol = PROTOCOL_TCP,
				  .has_port = true };
}

static size_t remember_many(struct recall *recall, enum verdict verdict,
			    unsigned int first, unsigned int n)
{
	size_t n_remembered = 0;

	for (unsigned int i = first; i < first + n; i++) {
		struct flow_key key = key_of(i);

		n_remembered += remember(recall, &key, verdict);
	}
	return n_remembered;
}

static void the_oldest_make_room(void **state)
{
	struct recall_options small = options;
	struct flow_key oldest = key_of(0), youngest = key_of(959);
	struct memo memos[2];
	struct memo_table *members;
	struct recall *recall;

	(void)state;
	small.size = 1024;
	recall = open_recall(&small);
	assert_int_equal(960, remember_many(recall, VERDICT_ALLOW, 0, 960));
	recall_work(recall);
	assert_int_equal(960 - 128, count(VERDICT_ALLOW, IP_V4));
	assert_int_equal(128,
			 recall_counts(recall).kept[VERDICT_ALLOW].evictions);
	members = list(VERDICT_ALLOW);
	memos[0] = memo_of(&oldest);
	memos[1] = memo_of(&youngest);
	assert_false(memo_table_has(members, &memos[0]));
	assert_true(memo_table_has(members, &memos[1]));
	memo_table_free(members);
	recall_close(recall);
}

static void denials_make_no_room(void **state)
{
	struct recall_options small = options;
	struct recall *recall;

	(void)state;
	small.size = 1024;
	recall = open_recall(&small);
	assert_int_equal(1024, remember_many(recall, VERDICT_DENY, 0, 1024));
	recall_work(recall);
	assert_int_equal(0, remember_many(recall, VERDICT_DENY, 2000, 100));
	assert_int_equal(1024, count(VERDICT_DENY, IP_V4));
	assert_int_equal(100, remember_many(recall, VERDICT_ALLOW, 0, 100));
	recall_close(recall);
}

static void what_nobody_has_written_down_goes(void **state)
{
	struct recall *recall = open_recall(&options);
	const char *name = rules_answers_name(VERDICT_ALLOW, IP_V4);
	struct flow_key key = key_of(9);
	struct memo memo = memo_of(&key);
	size_t n_moved;
	struct err err;

	(void)state;
	assert_int_equal(5, remember_many(recall, VERDICT_ALLOW, 0, 5));
	expect(recall_mend(recall, &n_moved, &err), &err);
	assert_int_equal(0, n_moved);
	assert_int_equal(5, count(VERDICT_ALLOW, IP_V4));
	expect(memo_set_add(ipset, name, &memo, 1, &err), &err);
	expect(recall_mend(recall, &n_moved, &err), &err);
	assert_int_equal(1, n_moved);
	assert_int_equal(0, count(VERDICT_ALLOW, IP_V4));
	recall_close(recall);
}

static void a_set_that_is_gone_is_made_again(void **state)
{
	struct recall *recall = open_recall(&options);
	size_t n_moved;
	struct err err;

	(void)state;
	assert_int_equal(0, netns_run("ipset destroy netpold-denied-6"));
	expect(recall_mend(recall, &n_moved, &err), &err);
	assert_int_equal(0, count(VERDICT_DENY, IP_V6));
	recall_close(recall);
}

static void a_set_of_another_size_is_exchanged(void **state)
{
	struct recall_options other = options;
	struct recall *recall = open_recall(&options);
	char text[256];

	(void)state;
	assert_int_equal(5, remember_many(recall, VERDICT_ALLOW, 0, 5));
	recall_close(recall);
	recall = open_recall(&options);
	assert_int_equal(5, count(VERDICT_ALLOW, IP_V4));
	recall_close(recall);
	/* A rule may name it. */
	assert_int_equal(0, netns_run("iptables -A OUTPUT -m set --match-set "
				      "netpold-allowed-4 src,dst,dst"));
	other.size = 2048;
	recall = open_recall(&other);
	assert_int_equal(0, count(VERDICT_ALLOW, IP_V4));
	assert_int_equal(0, netns_read(text, sizeof(text),
				       "ipset list -t netpold-allowed-4 | "
				       "grep -o 'maxelem [0-9]*'"));
	assert_string_equal("maxelem 2048\n", text);
	recall_close(recall);
	netns_run("iptables -F OUTPUT");
}

static void ipset_shows_what_is_remembered(void **state)
{
	struct recall *recall = open_recall(&options);
	const uint8_t v6[16] = { 0xfd, 0, [15] = 1 };
	struct flow_key keys[] = { key_of(7), key_of(7), key_of(7), key_of(7) };
	char text[512];

	(void)state;
	keys[1].protocol = PROTOCOL_UDP;
	keys[2].protocol = PROTOCOL_ICMP;
	keys[2].has_port = false;
	keys[3].src = keys[3].dst = ip_addr_v6(v6);
	keys[3].protocol = PROTOCOL_ICMPV6;
	keys[3].has_port = false;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		assert_true(remember(recall, &keys[i], VERDICT_ALLOW));
	assert_int_equal(0, netns_read(text, sizeof(text),
				       "ipset save | grep ^add | sort | "
				       "cut -d' ' -f2,3"));
	assert_string_equal(
		"netpold-allowed-4 10.1.0.7,icmp:echo-request,10.2.0.1\n"
		"netpold-allowed-4 10.1.0.7,tcp:80,10.2.0.1\n"
		"netpold-allowed-4 10.1.0.7,udp:80,10.2.0.1\n"
		"netpold-allowed-6 fd00::1,ipv6-icmp:echo-request,fd00::1\n",
		text);
	recall_close(recall);
}

static void a_set_of_another_type_is_somebody_else_s(void **state)
{
	struct recall *recall;
	struct err err;

	(void)state;
	assert_int_equal(0,
			 netns_run("ipset create netpold-allowed-6 hash:ip"));
	assert_int_equal(-EEXIST, recall_open(&options, &recall, &err));
	assert_non_null(strstr(err.message, "'netpold-allowed-6' is of type "
					    "hash:ip"));
	assert_int_not_equal(0, netns_run("ipset list netpold-denied-4 "
					  ">/dev/null 2>&1"));
}

#define SET_TEST(test) cmocka_unit_test_teardown(test, remove_sets)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SET_TEST(after_a_change_answers_are_the_oracle_s),
		SET_TEST(the_oldest_make_room),
		SET_TEST(denials_make_no_room),
		SET_TEST(what_nobody_has_written_down_goes),
		SET_TEST(a_set_that_is_gone_is_made_again),
		SET_TEST(a_set_of_another_size_is_exchanged),
		SET_TEST(ipset_shows_what_is_remembered),
		SET_TEST(a_set_of_another_type_is_somebody_else_s),
	};

	return cmocka_run_group_tests(tests, open_namespace, close_namespace);
}
