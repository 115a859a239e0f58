/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables of many rules, many peers and many ranges: they answer as small ones
 * do, and take the space that they should.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "rule_build.h"

/* Peers by number: pods of the own namespace with app=vN, where one of the
   others is among them now and then; and blocks. */
static struct peer numbered_peer(size_t i)
{
	static const char *const met[] = { "a", "b", "c", "" };
	char text[48];
	struct selector *selector =
		arena_alloc(&build_arena, sizeof(*selector));

	if (i % 50 == 7)
		snprintf(text, sizeof(text), "app in (v%zu,%s)", i,
			 met[i / 50 % 3]);
	else
		snprintf(text, sizeof(text), "app in (v%zu)", i);
	*selector = selector_of(text);
	return (struct peer){ .kind = PEER_PODS, .pod_selector = selector };
}

static struct peer numbered_block(size_t i)
{
	const uint8_t bytes[4] = { 10, 1, (uint8_t)(i >> 7),
				   (uint8_t)(i << 1) };

	return (struct peer){ .kind = PEER_IP_BLOCK,
			      .block = { ip_addr_v4(bytes), 32 } };
}

static struct rule one_peer_rule(struct peer peer)
{
	struct peer *copy = arena_alloc(&build_arena, sizeof(*copy));

	*copy = peer;
	return (struct rule){ .peers = copy, .n_peers = 1 };
}

static struct object a_large_policy(const struct rule *rules, size_t n)
{
	struct object policy = a_policy("shop", "p", "", DIRECTION_INGRESS);

	policy.policy.rules[DIRECTION_INGRESS] = rules;
	policy.policy.n_rules[DIRECTION_INGRESS] = n;
	return policy;
}

/* The most members that any node has. */
static size_t most_members(const struct rule_table *table)
{
	const struct rule_lookup *lookup = rule_table_lookup(table);
	size_t most = 0;

	for (int i = 0; i < N_PORT_PROTOCOLS; i++) {
		const struct port_table *ports = &lookup->ports[i];

		for (uint32_t k = 0; ports->n && k < ports->base + ports->n;
		     k++) {
			struct span span = node_members(lookup, ports, k);

			most = span.n > most ? span.n : most;
		}
	}
	return most;
}

/* ---- many peers --------------------------------------------------------- */

#define N_PEERS 400

/* They are united before they are spread over the nodes. */
static void a_rule_of_many_peers_is_a_few_sets(void **state)
{
	static struct peer peers[2 * N_PEERS];
	static struct policy_port ports[20];
	struct rule rule = { peers, N_OF(peers), ports, N_OF(ports) };
	struct random random = { a_seed() };
	const struct object *policy;
	struct rule_table *table;

	(void)state;
	make_others(&random);
	for (size_t i = 0; i < N_PEERS; i++) {
		peers[i] = numbered_peer(i);
		peers[N_PEERS + i] = numbered_block(i);
	}
	for (size_t i = 0; i < N_OF(ports); i++)
		ports[i] =
			(struct policy_port){ PORT_RANGE, PROTOCOL_TCP,
					      (uint16_t)(100 * i),
					      (uint16_t)(100 * i + 30), NULL };
	policy = keep_object(a_large_policy(&rule, 1));
	table = get_table(DIRECTION_INGRESS, &policy, 1);
	assert_int_equal(2, most_members(table));
	assert_int_equal(N_PEERS + 1, table->n_peers);
	assert_int_equal(1, table->n_blocks);
	/* Two members for each range, and not for each peer. */
	assert_true(table->lookup_size < 2048);
	compare_table(&random, table, N_OTHERS);
	drop_table(table);
	drop_object(policy);
	drop_others();
}

/* ---- many rules --------------------------------------------------------- */

#define N_RULES 500

static void a_node_of_many_rules_is_a_few_sets(void **state)
{
	static struct rule rules[N_RULES];
	struct random random = { a_seed() };
	const struct object *policy;
	struct rule_table *table;

	(void)state;
	make_others(&random);
	for (size_t i = 0; i < N_RULES; i++)
		rules[i] = on_ports(one_peer_rule(i % 2 ? numbered_peer(i)
							: numbered_block(i)),
				    PROTOCOL_TCP, 80, 90);
	/* The last one is for whoever has found nothing. */
	rules[N_RULES - 1].peers = NULL;
	rules[N_RULES - 1].n_peers = 0;
	policy = keep_object(a_large_policy(rules, N_RULES));
	table = get_table(DIRECTION_INGRESS, &policy, 1);
	assert_int_equal(1, most_members(table));
	compare_table(&random, table, N_OTHERS);
	drop_table(table);
	drop_object(policy);
	/* Without it, all the others are two sets. */
	policy = keep_object(a_large_policy(rules, N_RULES - 1));
	table = get_table(DIRECTION_INGRESS, &policy, 1);
	assert_int_equal(2, most_members(table));
	compare_table(&random, table, N_OTHERS);
	drop_table(table);
	drop_object(policy);
	drop_others();
}

/* Eight members are as they are, nine are united. */
static void a_node_of_a_few_rules_is_not_united(void **state)
{
	static struct rule rules[9];
	struct random random = { 1 };

	(void)state;
	make_others(&random);
	for (size_t i = 0; i < 9; i++)
		rules[i] = one_peer_rule(numbered_peer(i));
	for (size_t n = 8; n <= 9; n++) {
		const struct object *policy =
			keep_object(a_large_policy(rules, n));
		struct rule_table *table =
			get_table(DIRECTION_INGRESS, &policy, 1);

		assert_int_equal(n == 8 ? 8 : 1, most_members(table));
		compare_table(&random, table, N_OTHERS);
		drop_table(table);
		drop_object(policy);
	}
	drop_others();
}

/* ---- nested ranges ------------------------------------------------------ */

struct size {
	size_t lookup, all;
};

/* Each range lies in the one before, and has a peer of its own: written down
   for each interval, they were n² members. */
static struct size size_of_nested(struct random *random, size_t n,
				  bool with_blocks)
{
	struct rule *rules = arena_array(&build_arena, n, sizeof(*rules));
	const struct object *policy;
	struct rule_table *table;
	struct size size;

	for (size_t i = 0; i < n; i++)
		rules[i] =
			on_ports(one_peer_rule(with_blocks ? numbered_block(i)
							   : numbered_peer(i)),
				 PROTOCOL_TCP, (uint16_t)(10 + 3 * i),
				 (uint16_t)(60000 - 3 * i));
	policy = keep_object(a_large_policy(rules, n));
	table = get_table(DIRECTION_INGRESS, &policy, 1);
	compare_edges(random, table, 1, 1);
	size = (struct size){
		.lookup = table->lookup_size,
		.all = the_parts.bytes[PART_RULES] +
		       the_parts.bytes[PART_PEERS] +
		       the_parts.bytes[PART_INDEX],
	};
	drop_table(table);
	drop_object(policy);
	return size;
}

static void nested_ranges_take_the_space_of_their_number(void **state)
{
	struct random random = { a_seed() };

	(void)state;
	make_others(&random);
	for (int with_blocks = 0; with_blocks < 2; with_blocks++) {
		struct size small = size_of_nested(&random, 500, with_blocks);
		struct size large = size_of_nested(&random, 4000, with_blocks);

		print_message("# 500 nested ranges: %zu of %zu bytes; 4000: "
			      "%zu of %zu\n",
			      small.lookup, small.all, large.lookup, large.all);
		/* A place for each of 2n intervals and as many nodes above
		   them; eight members for each at most. */
		assert_true(large.lookup < 4000 * (2 * 2 + 4 * 4 + 4 * 64));
		/* n log n: eight times as many, with a logarithm of twelve
		   instead of nine; n² were 64 times as much. */
		assert_true(large.all < small.all * 8 * 12 / 9 * 5 / 4);
	}
	drop_others();
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_tables, free_tables)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_rule_of_many_peers_is_a_few_sets),
		TEST(a_node_of_many_rules_is_a_few_sets),
		TEST(a_node_of_a_few_rules_is_not_united),
		TEST(nested_ranges_take_the_space_of_their_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
