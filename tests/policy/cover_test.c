/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cover.h"
#include "manifest/reading.h"
#include "twin/random.h"

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))
#define PLENTY UINT64_MAX

/* ---- tables ------------------------------------------------------------- */

#define FROM(peers) "from: [" peers "]"
#define PODS(selector) "{podSelector: {" selector "}}"
#define NAMESPACES(selector) "{namespaceSelector: {" selector "}}"
#define LABELS(labels) "matchLabels: {" labels "}"
#define NEEDS(key, operator, rest)                                             \
	"matchExpressions: [{key: " key ", operator: " operator rest "}]"
#define BLOCK(cidr) "{ipBlock: {cidr: " cidr "}}"
#define BLOCK_BUT(cidr, except)                                                \
	"{ipBlock: {cidr: " cidr ", except: [" except "]}}"
#define WEB PODS(LABELS("app: web"))
#define DB PODS(LABELS("app: db"))
#define NAME "kubernetes.io/metadata.name"

/* Two ingress rules of a policy in the namespace shop, as they are written. */
static const struct {
	const char *name;
	const char *wide, *narrow;
	bool covers;
} rule_cases[] = {
	{ "a rule covers itself", FROM(WEB), FROM(WEB), true },
	{ "NP-14: the empty rule covers every rule", "", "ports: [{port: 80}]",
	  true },
	{ "NP-14: and none that restricts covers it", "ports: [{port: 80}]", "",
	  false },
	{ "a rule without peers covers one with, ports being equal",
	  "ports: [{port: 80}]", FROM(WEB) ", ports: [{port: 80}]", true },
	{ "but none with other ports", "ports: [{port: 80}]",
	  FROM(WEB) ", ports: [{port: 81}]", false },
	{ "and none without ports", "ports: [{port: 80}]", FROM(WEB), false },
	{ "NP-34: every pod is not everybody", FROM(NAMESPACES("")), "",
	  false },
	{ "NP-15: each of the peers has to be covered", FROM(WEB),
	  FROM(WEB ", " DB), false },
	{ "NP-15: by any of the others", FROM(WEB ", " DB), FROM(DB ", " WEB),
	  true },
	{ "NP-15: each of the ports has to be covered",
	  "ports: [{port: 80}, {port: 82}]", "ports: [{port: 80}, {port: 81}]",
	  false },

	{ "NP-48: ranges that touch cover one across both",
	  "ports: [{port: 86, endPort: 90}, {port: 80, endPort: 85}]",
	  "ports: [{port: 84, endPort: 87}]", true },
	{ "NP-48: ranges with a gap do not",
	  "ports: [{port: 80, endPort: 84}, {port: 86, endPort: 90}]",
	  "ports: [{port: 84, endPort: 87}]", false },
	{ "NP-48: the last port counts", "ports: [{port: 80, endPort: 84}]",
	  "ports: [{port: 84, endPort: 85}]", false },
	{ "NP-48: the highest port has none after it",
	  "ports: [{port: 1, endPort: 65535}]",
	  "ports: [{port: 65000, endPort: 65535}]", true },
	{ "NP-49: TCP covers no UDP", "ports: [{}]",
	  "ports: [{protocol: UDP, port: 80}]", false },
	{ "NP-43: all numbers are not all packets",
	  "ports: [{port: 1, endPort: 65535}]", "ports: [{}]", false },
	{ "NP-43: a protocol covers its numbers and its names", "ports: [{}]",
	  "ports: [{port: 80}, {port: http}]", true },
	{ "NP-45: a name covers itself", "ports: [{port: 80}, {port: http}]",
	  "ports: [{port: http}]", true },
	{ "NP-45: a name covers no other name", "ports: [{port: http}]",
	  "ports: [{port: https}]", false },
	{ "NP-45: a number covers no name", "ports: [{port: 80}]",
	  "ports: [{port: http}]", false },
	{ "NP-45: a name covers no number", "ports: [{port: http}]",
	  "ports: [{port: 80}]", false },

	{ "NP-33: a block covers a block inside", FROM(BLOCK("10.0.0.0/8")),
	  FROM(BLOCK_BUT("10.1.0.0/16", "10.1.1.0/24")), true },
	{ "NP-33: and none outside", FROM(BLOCK("10.0.0.0/8")),
	  FROM(BLOCK("11.0.0.0/16")), false },
	{ "NP-33: and none around it", FROM(BLOCK("10.0.0.0/8")),
	  FROM(BLOCK("10.0.0.0/7")), false },
	{ "NP-33: unless it excepts some of it",
	  FROM(BLOCK_BUT("10.0.0.0/8", "10.1.1.0/25")),
	  FROM(BLOCK("10.1.0.0/16")), false },
	{ "NP-33: or all of it", FROM(BLOCK_BUT("10.0.0.0/8", "10.1.0.0/16")),
	  FROM(BLOCK("10.1.1.0/24")), false },
	{ "NP-33: what the other excepts as well is not missed",
	  FROM(BLOCK_BUT("10.0.0.0/8", "10.1.1.0/25")),
	  FROM(BLOCK_BUT("10.1.0.0/16", "10.1.1.0/24")), true },
	{ "NP-33: what it excepts in part is",
	  FROM(BLOCK_BUT("10.0.0.0/8", "10.1.1.0/24")),
	  FROM(BLOCK_BUT("10.1.0.0/16", "10.1.1.0/25")), false },
	{ "NP-33: what is excepted elsewhere does not matter",
	  FROM(BLOCK_BUT("10.0.0.0/8", "10.2.0.0/16")),
	  FROM(BLOCK("10.1.0.0/16")), true },
	{ "NP-37: IPv6 covers no IPv4", FROM(BLOCK("'::/0'")),
	  FROM(BLOCK("10.0.0.0/8")), false },
	{ "NP-35: a block covers no selector", FROM(BLOCK("0.0.0.0/0")),
	  FROM(PODS("")), false },
	{ "NP-34: a selector covers no block", FROM(NAMESPACES("")),
	  FROM(BLOCK("10.0.0.1/32")), false },

	{ "NP-31: all namespaces cover the own one", FROM(NAMESPACES("")),
	  FROM(WEB), true },
	{ "NP-30: the own namespace covers no others", FROM(PODS("")),
	  FROM(NAMESPACES(LABELS("team: a"))), false },
	{ "NP-41: the own namespace by its name is the own namespace",
	  FROM(PODS("")), FROM(NAMESPACES(LABELS(NAME ": shop"))), true },
	{ "NP-41: and the other way round",
	  FROM(NAMESPACES(NEEDS(NAME, "In", ", values: [shop, far]"))),
	  FROM(PODS("")), true },
	{ "NP-41: another name is another namespace", FROM(PODS("")),
	  FROM(NAMESPACES(LABELS(NAME ": far"))), false },
	{ "NP-42: of the own namespace no label is known but its name",
	  FROM(NAMESPACES(NEEDS("team", "DoesNotExist", ""))), FROM(WEB),
	  false },
	{ "NP-32: both selectors have to cover",
	  FROM("{namespaceSelector: {}, podSelector: {" LABELS("app: db") "}}"),
	  FROM(WEB), false },

	{ "NP-20: one more requirement is narrower", FROM(WEB),
	  FROM(PODS(LABELS("app: web, tier: a"))), true },
	{ "NP-20: one less is not", FROM(PODS(LABELS("app: web, tier: a"))),
	  FROM(WEB), false },
	{ "NP-23: NotIn does not imply Exists",
	  FROM(PODS(NEEDS("a", "Exists", ""))),
	  FROM(PODS(NEEDS("a", "NotIn", ", values: [x]"))), false },
};

struct answer {
	const char *name;
	bool covers;
};

static void ask_policy(void *ctx, const struct object *object)
{
	const struct rule *rules = object->policy.rules[DIRECTION_INGRESS];
	struct budget budget = { PLENTY };
	struct answer *answer = ctx;

	assert_int_equal(2, object->policy.n_rules[DIRECTION_INGRESS]);
	answer->covers = rule_covers(&rules[0], &rules[1],
				     object->policy.namespace, &budget);
}

static bool ask_rules(const char *name, const char *wide, const char *narrow)
{
	struct answer answer = { .name = name };
	struct reading reading = { 0 };
	struct pieces pieces;
	struct text text = { 0 };

	text_put(&text,
		 "---\n{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, "
		 "metadata: {name: p, namespace: shop}, spec: {ingress: "
		 "[{%s}, {%s}]}}\n",
		 wide, narrow);
	pieces = pieces_of(text_string(&text), text.len);
	read_pieces(&pieces, false, ask_policy, &answer, &reading);
	if (reading.n_objects != 1 || reading.n_errors > 0)
		fail_msg("%s: %s", name, text_string(&reading.findings));
	reading_release(&reading);
	text_release(&text);
	return answer.covers;
}

static void rules_cover_as_the_table_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_OF(rule_cases); i++) {
		if (ask_rules(rule_cases[i].name, rule_cases[i].wide,
			      rule_cases[i].narrow) != rule_cases[i].covers)
			fail_msg("%s: expected %d", rule_cases[i].name,
				 rule_cases[i].covers);
	}
}

/* ---- selectors ---------------------------------------------------------- */

static void what_cannot_be_evaluated_covers_nothing(void **state)
{
	static const char *const one[] = { "1" };
	static const struct requirement odd[] = {
		{ "a", SELECTOR_UNKNOWN, NULL, 0 },
		{ "a", SELECTOR_IN, NULL, 0 },
		{ "a", SELECTOR_NOT_IN, NULL, 0 },
		{ "a", SELECTOR_EXISTS, one, 1 },
		{ "a", SELECTOR_DOES_NOT_EXIST, one, 1 },
	};
	static const struct requirement plain[] = {
		{ "a", SELECTOR_IN, one, 1 },
		{ "a", SELECTOR_NOT_IN, one, 1 },
		{ "a", SELECTOR_EXISTS, NULL, 0 },
		{ "a", SELECTOR_DOES_NOT_EXIST, NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < N_OF(odd); i++) {
		for (size_t k = 0; k < N_OF(plain); k++) {
			struct selector wide = { &odd[i], 1 };
			struct selector narrow = { &plain[k], 1 };
			struct budget budget = { PLENTY };

			/* NP-25 */
			assert_false(selector_covers(&wide, &narrow, &budget));
		}
	}
}

/* ---- blocks ------------------------------------------------------------- */

/* The last 16 addresses before a carry, and those where there is none. */
static const struct ip_addr ends[] = {
	{ { 10, 0, 255, 240 }, IP_V4 },
	{ { 255, 255, 255, 240 }, IP_V4 },
	{ { [14] = 0xff, 0xf0 }, IP_V6 },
	{ { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	    0xff, 0xff, 0xff, 0xff, 0xf0 },
	  IP_V6 },
};

/* A block of 1 to 16 of these addresses. */
static struct cidr a_block(struct random *r, const struct ip_addr *end)
{
	size_t last = ip_addr_len(end) - 1;
	unsigned int bits = (unsigned int)random_below(r, 5);
	struct cidr cidr = { *end, (uint8_t)(8 * (last + 1) - bits) };

	cidr.addr.bytes[last] += (uint8_t)(random_below(r, 16) >> bits << bits);
	return cidr;
}

static bool is_covered(const struct cidr *set, size_t n,
		       const struct cidr *block, const struct ip_addr *end)
{
	struct ip_addr addr = *end;

	for (uint8_t i = 0; i < 16; i++) {
		bool found = false;

		addr.bytes[ip_addr_len(end) - 1] =
			(uint8_t)(end->bytes[ip_addr_len(end) - 1] + i);
		for (size_t k = 0; k < n; k++)
			found = found || cidr_contains(&set[k], &addr);
		if (!found && cidr_contains(block, &addr))
			return false;
	}
	return true;
}

static void blocks_are_covered_to_the_last_address(void **state)
{
	struct random random = { .state = 1 };
	size_t n_yes = 0;

	(void)state;
	for (size_t i = 0; i < 40000; i++) {
		const struct ip_addr *end = &ends[i % N_OF(ends)];
		struct cidr set[8], block = a_block(&random, end);
		size_t n = random_below(&random, N_OF(set) + 1);
		bool covered;

		for (size_t k = 0; k < n; k++)
			set[k] = a_block(&random, end);
		covered = is_covered(set, n, &block, end);
		n_yes += covered;
		if (cidrs_cover(set, n, &block) != covered)
			fail_msg("case %zu: expected %d", i, covered);
	}
	assert_in_range(n_yes, 8000, 32000);
}

static void a_block_of_everything_has_an_end(void **state)
{
	static const struct cidr halves[] = {
		{ { { 0 }, IP_V4 }, 1 },
		{ { { 0x80 }, IP_V4 }, 1 },
	};
	struct cidr all = { { { 0 }, IP_V4 }, 0 };
	struct cidr set[] = { halves[1], halves[0] };

	(void)state;
	assert_true(cidrs_cover(set, 2, &all));
	assert_false(cidrs_cover(set, 1, &all));
	set[0] = halves[1];
	assert_false(cidrs_cover(set, 1, &all));
	assert_false(cidrs_cover(set, 0, &all));
	/* NP-37 */
	all.addr.family = IP_V6;
	set[0] = halves[0];
	set[1] = halves[1];
	assert_false(cidrs_cover(set, 2, &all));
}

/* ---- budget ------------------------------------------------------------- */

/* What is compared in vain is paid for: lists of so many values, selectors of
   so many requirements, rules of so many peers, ports or exceptions. */
#define MANY 200
static const char *many_values[2][MANY];
static struct requirement many_requirements[2][MANY];
static struct selector many_selectors[2][MANY];
static struct peer many_peers[2][MANY];
static struct policy_port many_ports[2][MANY];
static struct cidr many_excepts[2][MANY];

static void make_many(struct arena *arena)
{
	for (size_t i = 0; i < 2 * MANY; i++) {
		size_t side = i / MANY, k = i % MANY;
		char *name = arena_alloc(arena, 8);

		snprintf(name, 8, "%zu", i);
		many_values[side][k] = name;
		many_requirements[side][k] =
			(struct requirement){ name, SELECTOR_EXISTS, NULL, 0 };
		many_selectors[side][k] =
			(struct selector){ &many_requirements[side][k], 1 };
		many_peers[side][k] =
			(struct peer){ .pod_selector =
					       &many_selectors[side][k] };
		many_ports[side][k] =
			(struct policy_port){ .kind = PORT_NAMED,
					      .protocol = PROTOCOL_TCP,
					      .name = name };
		many_excepts[side][k] = (struct cidr){
			{ { 10, (uint8_t)side, (uint8_t)k }, IP_V4 }, 24
		};
	}
}

static uint64_t cost_of(const struct rule *wide, const struct rule *narrow)
{
	struct budget budget = { PLENTY };

	rule_covers(wide, narrow, "shop", &budget);
	return PLENTY - budget.left;
}

static uint64_t cost_of_peers(struct peer wide, struct peer narrow)
{
	struct rule w = { .peers = &wide, .n_peers = 1 };
	struct rule n = { .peers = &narrow, .n_peers = 1 };

	return cost_of(&w, &n);
}

static uint64_t cost_of_selectors(struct selector wide, struct selector narrow)
{
	return cost_of_peers((struct peer){ .pod_selector = &wide },
			     (struct peer){ .pod_selector = &narrow });
}

static void every_comparison_is_paid_for(void **state)
{
	const struct cidr ten = { { { 10 }, IP_V4 }, 8 };
	struct requirement in[2];
	struct rule rules[2];
	struct arena arena = { 0 };

	(void)state;
	make_many(&arena);
	for (size_t i = 0; i < 2; i++)
		in[i] = (struct requirement){ "a", SELECTOR_NOT_IN,
					      many_values[i], MANY };
	in[1].op = SELECTOR_IN;
	assert_true(cost_of_selectors((struct selector){ &in[0], 1 },
				      (struct selector){ &in[1], 1 }) >=
		    MANY * MANY);
	/* The first requirement is not met by any of the others. */
	assert_true(cost_of_selectors(
			    (struct selector){ many_requirements[0], 1 },
			    (struct selector){ many_requirements[1], MANY }) >=
		    MANY);
	assert_true(cost_of_selectors(
			    (struct selector){ many_requirements[0], MANY },
			    (struct selector){ many_requirements[0], MANY }) >=
		    MANY * MANY / 2);
	assert_true(cost_of_peers((struct peer){ PEER_IP_BLOCK, .block = ten,
						 .except = many_excepts[0],
						 .n_except = MANY },
				  (struct peer){ PEER_IP_BLOCK, .block = ten,
						 .except = many_excepts[0],
						 .n_except = MANY }) >=
		    MANY * MANY / 2);
	for (size_t i = 0; i < 2; i++)
		rules[i] = (struct rule){ .peers = many_peers[i],
					  .n_peers = MANY };
	assert_true(cost_of(&rules[0], &rules[1]) >= MANY);
	assert_true(cost_of(&rules[0], &rules[0]) >= MANY * MANY / 2);
	for (size_t i = 0; i < 2; i++)
		rules[i] = (struct rule){ .ports = many_ports[i],
					  .n_ports = MANY };
	assert_true(cost_of(&rules[0], &rules[1]) >= MANY);
	assert_true(cost_of(&rules[0], &rules[0]) >= MANY * MANY / 2);
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_cover_as_the_table_says),
		cmocka_unit_test(what_cannot_be_evaluated_covers_nothing),
		cmocka_unit_test(blocks_are_covered_to_the_last_address),
		cmocka_unit_test(a_block_of_everything_has_an_end),
		cmocka_unit_test(every_comparison_is_paid_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
