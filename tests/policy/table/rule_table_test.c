/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "rule_build.h"

/* ---- random contents ---------------------------------------------------- */

#define MAX_POLICIES 4

/* Ports are few and close together, or there are more intervals than a flat
   table has. */
static size_t make_policies(struct random *random,
			    const struct object **policies)
{
	static const char *const names[MAX_POLICIES] = { "a", "b", "c", "d" };
	static const uint16_t last_ports[] = { 8, 40, 2000, UINT16_MAX };
	uint16_t last_port = random_pick(random, last_ports);
	size_t n = 1 + random_below(random, MAX_POLICIES);

	for (size_t i = 0; i < n; i++)
		policies[i] = keep_object(random_policy(
			random, &build_arena, "shop", names[i],
			random_percent(random, 30) ? 40 : 3, last_port));
	return n;
}

struct shapes {
	size_t n_flat, n_trees, n_named;
};

static void count_shapes(const struct rule_table *table, struct shapes *shapes)
{
	const struct rule_lookup *lookup = rule_table_lookup(table);

	for (int i = 0; i < N_PORT_PROTOCOLS; i++) {
		assert_int_equal(lookup->ports[i].n > 16,
				 lookup->ports[i].base > 0);
		shapes->n_flat +=
			lookup->ports[i].n > 0 && !lookup->ports[i].base;
		shapes->n_trees += lookup->ports[i].base > 0;
	}
	shapes->n_named += lookup->n_named > 0;
	assert_true(table->dir == DIRECTION_EGRESS || lookup->n_named == 0);
}

static void a_table_allows_what_a_rule_allows(void **state)
{
	struct random random = { a_seed() };
	struct shapes shapes = { 0 };

	(void)state;
	for (int i = 0; i < PLAIN_OR_SANITIZED(250, 40); i++) {
		const struct object *policies[MAX_POLICIES];
		size_t n;

		make_others(&random);
		n = make_policies(&random, policies);
		for (int dir = 0; dir < N_DIRECTIONS; dir++) {
			struct rule_table *table = get_table(dir, policies, n);

			compare_table(&random, table, 6);
			count_shapes(table, &shapes);
			drop_table(table);
		}
		for (size_t k = 0; k < n; k++)
			drop_object(policies[k]);
		drop_others();
		arena_clear(&build_arena);
	}
	print_message("# %zu flat tables, %zu trees, %zu with names\n",
		      shapes.n_flat, shapes.n_trees, shapes.n_named);
	assert_true(shapes.n_flat > 0 && shapes.n_trees > 0 &&
		    shapes.n_named > 0);
}

/* ---- one fact per row --------------------------------------------------- */

static const struct port_case {
	const char *name;
	struct policy_port port;
	uint8_t protocol;
	int asked; /* -1: a packet without a port */
	bool allowed;
} port_cases[] = {
	{ "NP-43: a port is itself",
	  { PORT_RANGE, PROTOCOL_TCP, 80, 80, NULL },
	  PROTOCOL_TCP,
	  80,
	  true },
	{ "NP-43: and no other",
	  { PORT_RANGE, PROTOCOL_TCP, 80, 80, NULL },
	  PROTOCOL_TCP,
	  81,
	  false },
	{ "port 0 is a port",
	  { PORT_RANGE, PROTOCOL_TCP, 0, 0, NULL },
	  PROTOCOL_TCP,
	  0,
	  true },
	{ "and has one after it",
	  { PORT_RANGE, PROTOCOL_TCP, 0, 0, NULL },
	  PROTOCOL_TCP,
	  1,
	  false },
	{ "the highest port is a port",
	  { PORT_RANGE, PROTOCOL_TCP, 65535, 65535, NULL },
	  PROTOCOL_TCP,
	  65535,
	  true },
	{ "and has one before it",
	  { PORT_RANGE, PROTOCOL_TCP, 65535, 65535, NULL },
	  PROTOCOL_TCP,
	  65534,
	  false },
	{ "a range that ends with the highest begins where it begins",
	  { PORT_RANGE, PROTOCOL_TCP, 1000, 65535, NULL },
	  PROTOCOL_TCP,
	  999,
	  false },
	{ "and ends with it",
	  { PORT_RANGE, PROTOCOL_TCP, 1000, 65535, NULL },
	  PROTOCOL_TCP,
	  65535,
	  true },
	{ "a range may end just before the highest",
	  { PORT_RANGE, PROTOCOL_TCP, 1000, 65534, NULL },
	  PROTOCOL_TCP,
	  65535,
	  false },
	{ "and have the one before it",
	  { PORT_RANGE, PROTOCOL_TCP, 1000, 65534, NULL },
	  PROTOCOL_TCP,
	  65534,
	  true },
	{ "NP-49: UDP is not TCP",
	  { PORT_RANGE, PROTOCOL_TCP, 0, 65535, NULL },
	  PROTOCOL_UDP,
	  80,
	  false },
	{ "NP-74: all numbers are not all packets",
	  { PORT_RANGE, PROTOCOL_TCP, 0, 65535, NULL },
	  PROTOCOL_TCP,
	  -1,
	  false },
	{ "NP-74: a protocol alone is",
	  { PORT_ANY, PROTOCOL_TCP, 0, 0, NULL },
	  PROTOCOL_TCP,
	  -1,
	  true },
	{ "NP-70: a protocol alone is no other protocol",
	  { PORT_ANY, PROTOCOL_TCP, 0, 0, NULL },
	  PROTOCOL_ICMP,
	  -1,
	  false },
	{ "NP-70: a protocol without ports fits nothing, not even itself",
	  { PORT_ANY, PROTOCOL_ICMP, 0, 0, NULL },
	  PROTOCOL_ICMP,
	  -1,
	  false },
	{ "NP-70: nor another one of them",
	  { PORT_ANY, 0, 0, 0, NULL },
	  PROTOCOL_ICMP,
	  -1,
	  false },
	{ "NP-47: a name that nobody has is no port",
	  { PORT_NAMED, PROTOCOL_TCP, 0, 0, "nobody" },
	  PROTOCOL_TCP,
	  80,
	  false },
};

/* From anybody: what a port allows does not depend on who asks. */
static void expect_port(const struct port_case *c, enum direction dir)
{
	const struct rule rule = { .ports = &c->port, .n_ports = 1 };
	const struct object *policy = keep_object(
		with_rule(a_policy("shop", "p", "", dir), dir, rule));
	struct rule_table *table = get_table(dir, &policy, 1);
	struct flow_key key = { .protocol = c->protocol,
				.has_port = c->asked >= 0,
				.dst_port = (uint16_t)(c->asked >= 0 ? c->asked
								     : 0) };

	for (size_t i = 0; i < N_OTHERS; i++) {
		struct rule_query query = {
			.other = { &others[i].addr, others[i].identity,
				   others[i].pod != NULL },
			.protocol = c->protocol,
			.has_port = key.has_port,
			.port = key.dst_port,
		};

		if (rule_lookup_allows(rule_table_lookup(table), &query) !=
		    c->allowed)
			fail_msg("%s: %s: expected %d", direction_name(dir),
				 c->name, c->allowed);
		compare_answer(table, &key, &others[i]);
	}
	drop_table(table);
	drop_object(policy);
}

static void ports_are_what_the_table_says(void **state)
{
	struct random random = { 1 };

	(void)state;
	make_others(&random);
	for (size_t i = 0; i < N_OF(port_cases); i++) {
		for (int dir = 0; dir < N_DIRECTIONS; dir++)
			expect_port(&port_cases[i], dir);
	}
	drop_others();
}

/* ---- equal ones once ---------------------------------------------------- */

static const struct rule anyone;

static struct object a_named_policy(const char *name, enum direction dir)
{
	return with_rule(a_policy("shop", name, "", dir), dir,
			 on_named_port(anyone, PROTOCOL_TCP, "http"));
}

static struct rule_table *get_for(const struct object *const *policies,
				  size_t n, enum direction dir,
				  const struct object *pod)
{
	struct named_ports ports = ports_of(pod);

	return rule_tables_get(&the_parts, &rule_tables, dir, policies, n,
			       &ports);
}

static void equal_tables_are_kept_once(void **state)
{
	const struct object *a = keep_object(
		with_port(a_pod("shop", "a", "", ""), "http", PROTOCOL_TCP, 1));
	const struct object *b = keep_object(
		with_port(a_pod("shop", "b", "", ""), "http", PROTOCOL_TCP, 2));
	const struct object *in =
		keep_object(a_named_policy("in", DIRECTION_INGRESS));
	const struct object *out =
		keep_object(a_named_policy("out", DIRECTION_EGRESS));
	const struct object *both[] = { in, out };
	const struct object *plain =
		keep_object(a_policy("shop", "p", "", DIRECTION_INGRESS));
	struct rule_table *tables[8];

	(void)state;
	tables[0] = get_for(&in, 1, DIRECTION_INGRESS, a);
	tables[1] = get_for(&in, 1, DIRECTION_INGRESS, b);
	/* Names for ingress are the pod's own (NP-45). */
	assert_ptr_not_equal(tables[0], tables[1]);
	tables[2] = get_for(&out, 1, DIRECTION_EGRESS, a);
	tables[3] = get_for(&out, 1, DIRECTION_EGRESS, b);
	assert_ptr_equal(tables[2], tables[3]);
	tables[4] = get_for(&plain, 1, DIRECTION_INGRESS, a);
	tables[5] = get_for(&plain, 1, DIRECTION_INGRESS, b);
	assert_ptr_equal(tables[4], tables[5]);
	tables[6] = get_for(&plain, 1, DIRECTION_EGRESS, a);
	assert_ptr_not_equal(tables[4], tables[6]);
	tables[7] = get_for(both, 2, DIRECTION_INGRESS, a);
	assert_ptr_not_equal(tables[0], tables[7]);
	assert_int_equal(6, rule_tables.n_built);
	assert_int_equal(6, rule_tables.n);
	for (size_t i = 0; i < N_OF(tables); i++)
		drop_table(tables[i]);
	drop_table(NULL);
	assert_int_equal(1, users_of(in));
	assert_int_equal(1, users_of(out));
	assert_int_equal(1, users_of(plain));
	drop_object(in);
	drop_object(out);
	drop_object(plain);
	drop_object(a);
	drop_object(b);
}

static void many_tables_are_found_again(void **state)
{
	static const struct object *policies[200];
	static struct rule_table *tables[N_OF(policies)];
	struct random random = { 1 };

	(void)state;
	make_others(&random);
	for (size_t i = 0; i < N_OF(policies); i++) {
		policies[i] = keep_object(
			a_policy("shop", "p", "", DIRECTION_INGRESS));
		tables[i] = get_table(DIRECTION_INGRESS, &policies[i], 1);
	}
	for (size_t i = 0; i < N_OF(policies); i++) {
		assert_ptr_equal(tables[i],
				 get_table(DIRECTION_INGRESS, &policies[i], 1));
		drop_table(tables[i]);
		drop_table(tables[i]);
		drop_object(policies[i]);
	}
	assert_int_equal(N_OF(policies), rule_tables.n_built);
	drop_others();
}

/* Policies by their letters, each of which allows what the others do not; "A"
   is what "a" has become in an edit, by which it allows more. */
static const struct {
	const char *name, *wide, *narrow;
	bool includes;
} inclusions[] = {
	{ "a table includes itself", "ab", "ab", true },
	{ "more policies include fewer", "abcd", "bd", true },
	{ "fewer do not include more", "bd", "abcd", false },
	{ "the first one counts", "bcd", "abc", false },
	{ "the last one counts", "abc", "bcd", false },
	{ "others include nothing", "ab", "cd", false },
	{ "who allows more includes what it was", "Ab", "ab", true },
	{ "with others beside it", "Abcd", "ab", true },
	{ "who allows less does not", "ab", "Ab", false },
	{ "whatever is beside it", "abcd", "Ab", false },
};

/* The policies of a row, by name. */
static size_t inclusion_policies(const char *text,
				 const struct object *const *all,
				 const struct object **out)
{
	static const char letters[] = "aAbcd";
	size_t n = 0;

	for (; *text; text++)
		out[n++] = all[strchr(letters, *text) - letters];
	return n;
}

static void a_table_includes_one_that_allows_less(void **state)
{
	static const char *const names[] = { "a", "a", "b", "c", "d" };
	static const char *const labels[] = { "app=a,x=y", "app=a", "app=b",
					      "app=c", "app=d" };
	const struct object *all[N_OF(names)];
	struct random random = { 1 };

	(void)state;
	make_others(&random);
	for (size_t i = 0; i < N_OF(all); i++)
		all[i] = keep_object(with_rule(
			a_policy("shop", names[i], "", DIRECTION_INGRESS),
			DIRECTION_INGRESS, a_pod_rule(NULL, labels[i])));
	for (size_t i = 0; i < N_OF(inclusions); i++) {
		const char *texts[2] = { inclusions[i].wide,
					 inclusions[i].narrow };
		struct rule_table *tables[2];

		for (size_t k = 0; k < 2; k++) {
			const struct object *policies[4];
			const struct object *const *listed;
			size_t n = inclusion_policies(texts[k], all, policies);

			tables[k] = get_table(DIRECTION_INGRESS, policies, n);
			assert_int_equal(
				n, rule_table_policies(tables[k], &listed));
			assert_memory_equal(policies, listed,
					    n * sizeof(void *));
		}
		if (rule_table_includes(tables[0], tables[1]) !=
		    inclusions[i].includes)
			fail_msg("%s: expected %d", inclusions[i].name,
				 inclusions[i].includes);
		drop_table(tables[0]);
		drop_table(tables[1]);
	}
	for (size_t i = 0; i < N_OF(all); i++)
		drop_object(all[i]);
	drop_others();
}

/* Readers of an older round may be using it, and the sets that it leads to. */
static void a_published_table_is_thrown_with_its_sets(void **state)
{
	const struct object *policy = keep_object(with_rule(
		with_rule(a_policy("shop", "p", "", DIRECTION_INGRESS),
			  DIRECTION_INGRESS, a_pod_rule(NULL, "app=a")),
		DIRECTION_INGRESS, a_block_rule("10.0.0.0/8", NULL)));
	struct random random = { 1 };
	struct rule_table *table;
	struct part *thrown;

	(void)state;
	make_others(&random);
	table = get_table(DIRECTION_INGRESS, &policy, 1);
	assert_null(end_round());
	drop_table(table);
	drop_object(policy);
	thrown = end_round();
	compare_table(&random, table, 2);
	parts_free_thrown(&the_parts, thrown);
	drop_others();
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_tables, free_tables)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_table_allows_what_a_rule_allows),
		TEST(ports_are_what_the_table_says),
		TEST(equal_tables_are_kept_once),
		TEST(many_tables_are_found_again),
		TEST(a_table_includes_one_that_allows_less),
		TEST(a_published_table_is_thrown_with_its_sets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
