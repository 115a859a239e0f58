/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "Yes, it covers" has to be true of every cluster. Here it is compared with
 * all there is in a small universe: which labels a selector matches, which
 * flows a rule allows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cover.h"
#include "netpold/arena.h"
#include "netpold/selector.h"
#include "table/rule.h"
#include "twin/random.h"

#define PLENTY UINT64_MAX

/* ---- selectors ---------------------------------------------------------- */

/* Keys a and b, each absent or with one of these values; "3" stands for all
   values that no selector names. */
static const char *const values[] = { NULL, "", "1", "2", "3" };
#define N_VALUES 5
#define N_NAMED 3 /* "", "1", "2" */

/* Every requirement on one of the keys: 7 lists for In and for NotIn. */
#define N_REQUIREMENTS (2 * (7 + 7 + 2))

static void make_requirements(struct requirement out[N_REQUIREMENTS],
			      const char *lists[8][N_NAMED])
{
	static const char *const keys[] = { "a", "b" };
	size_t n = 0;

	for (size_t k = 0; k < 2; k++) {
		for (unsigned int list = 1; list < 8; list++) {
			size_t len = 0;

			for (size_t v = 0; v < N_NAMED; v++) {
				if (list & 1u << v)
					lists[list][len++] = values[v + 1];
			}
			out[n++] = (struct requirement){ keys[k], SELECTOR_IN,
							 lists[list], len };
			out[n++] =
				(struct requirement){ keys[k], SELECTOR_NOT_IN,
						      lists[list], len };
		}
		out[n++] = (struct requirement){ keys[k], SELECTOR_EXISTS, NULL,
						 0 };
		out[n++] =
			(struct requirement){ keys[k], SELECTOR_DOES_NOT_EXIST,
					      NULL, 0 };
	}
	assert_int_equal(N_REQUIREMENTS, n);
}

/* A bit for each of the sets of labels. */
static uint32_t matched_labels(const struct selector *selector)
{
	uint32_t matched = 0;

	for (size_t i = 0; i < N_VALUES * N_VALUES; i++) {
		const char *a = values[i / N_VALUES], *b = values[i % N_VALUES];
		struct label items[2];
		size_t n = 0;

		if (a)
			items[n++] = (struct label){ "a", a };
		if (b)
			items[n++] = (struct label){ "b", b };
		if (selector_matches(selector, &(struct labels){ items, n }))
			matched |= 1u << i;
	}
	return matched;
}

#define N_SELECTORS (1 + N_REQUIREMENTS + N_REQUIREMENTS * N_REQUIREMENTS)

struct known_selector {
	struct requirement requirements[2];
	struct selector selector;
	uint32_t matched;
};

/* The empty one, all with one requirement, all with two. */
static struct known_selector *make_selectors(const struct requirement *all)
{
	struct known_selector *out = calloc(N_SELECTORS, sizeof(*out));

	assert_non_null(out);
	for (size_t i = 0; i < N_SELECTORS; i++) {
		struct known_selector *s = &out[i];
		size_t pair = i - 1 - N_REQUIREMENTS;

		s->selector.requirements = s->requirements;
		if (i > N_REQUIREMENTS) {
			s->requirements[0] = all[pair / N_REQUIREMENTS];
			s->requirements[1] = all[pair % N_REQUIREMENTS];
			s->selector.n = 2;
		} else if (i > 0) {
			s->requirements[0] = all[i - 1];
			s->selector.n = 1;
		}
		s->matched = matched_labels(&s->selector);
	}
	return out;
}

static void check_selectors(const struct known_selector *wide,
			    const struct known_selector *narrow, bool exact,
			    size_t *n_yes)
{
	struct budget budget = { PLENTY };
	bool holds = (narrow->matched & ~wide->matched) == 0;
	bool yes = selector_covers(&wide->selector, &narrow->selector, &budget);
	char w[128], n[128];

	*n_yes += yes;
	if (yes == holds || (!yes && !exact))
		return;
	selector_format(&wide->selector, w, sizeof(w));
	selector_format(&narrow->selector, n, sizeof(n));
	fail_msg("\"%s\" is %ssaid to cover \"%s\"", w, yes ? "" : "not ", n);
}

/* NP-23: with one requirement on either side the answer is exact. */
static void selectors_cover_what_they_match(void **state)
{
	struct requirement requirements[N_REQUIREMENTS];
	const char *lists[8][N_NAMED];
	struct known_selector *all;
	size_t n_yes = 0;

	(void)state;
	make_requirements(requirements, lists);
	all = make_selectors(requirements);
	for (size_t i = 0; i < N_SELECTORS; i++) {
		for (size_t k = 0; k < N_SELECTORS; k++)
			check_selectors(&all[i], &all[k],
					all[i].selector.n < 2 &&
						all[k].selector.n < 2,
					&n_yes);
	}
	print_message("# %zu of %zu pairs of selectors cover\n", n_yes,
		      (size_t)N_SELECTORS * N_SELECTORS);
	free(all);
}

/* ---- rules -------------------------------------------------------------- */

#define OWN "shop"

static const struct label own_labels[] = { { NAMESPACE_NAME_LABEL, OWN },
					   { "team", "x" } };
static const struct label far_labels[] = { { NAMESPACE_NAME_LABEL, "far" },
					   { "team", "y" } };
static const struct labels own = { own_labels, 2 }, far = { far_labels, 2 };
/* In order: absent, 1, 2. */
static const struct label app_labels[] = { { "app", "1" }, { "app", "2" } };
static const struct container_port named_ports[] = {
	{ "http", 80, PROTOCOL_TCP },
	{ "http", 81, PROTOCOL_TCP },
};

/* Pods with each of the labels, in the own namespace, in another, and in one
   that is not known; blocks around and beside 16 addresses. */
#define N_PODS 9
#define N_ENDS (N_PODS + 18)
#define N_FLOWS 33
#define N_QUESTIONS (N_ENDS * N_FLOWS)
#define N_WORDS (N_QUESTIONS / 64 + 1)

static struct peer_end make_end(size_t i, struct pod *pod)
{
	static const char *const namespaces[] = { OWN, "far", "unknown" };
	static const struct labels *const known[] = { &own, &far, NULL };
	uint8_t bytes[16] = { 10, 0, 0, (uint8_t)(i - N_PODS) };
	struct peer_end end = { .addr = ip_addr_v4(bytes) };

	if (i == N_ENDS - 1)
		end.addr = ip_addr_v6(bytes);
	if (i >= N_PODS)
		return end;
	end.addr = (struct ip_addr){ 0 };
	*pod = (struct pod){ .namespace = namespaces[i / 3] };
	if (i % 3 > 0)
		pod->labels = (struct labels){ &app_labels[i % 3 - 1], 1 };
	end.pod = pod;
	end.namespace_labels = known[i / 3];
	return end;
}

/* TCP and UDP to 79 … 83, where "http" is 80, is 81, and is not there; a
   fragment of each, and ICMP. */
static struct flow_key make_flow(size_t i, struct pod *port_pod)
{
	struct flow_key key = { .protocol = PROTOCOL_ICMP };

	*port_pod = (struct pod){ 0 };
	if (i < 30) {
		key.protocol = i % 2 ? PROTOCOL_UDP : PROTOCOL_TCP;
		key.has_port = true;
		key.dst_port = (uint16_t)(79 + i / 2 % 5);
		if (i / 10 > 0) {
			port_pod->ports = &named_ports[i / 10 - 1];
			port_pod->n_ports = 1;
		}
	} else if (i < 32) {
		key.protocol = i % 2 ? PROTOCOL_UDP : PROTOCOL_TCP;
	}
	return key;
}

struct known_rule {
	struct rule rule;
	uint64_t allowed[N_WORDS];
};

static void ask_everything(struct known_rule *known)
{
	for (size_t i = 0; i < N_QUESTIONS; i++) {
		struct pod pod, port_pod;
		struct flow_key key = make_flow(i % N_FLOWS, &port_pod);
		struct rule_question question = {
			.policy_namespace = OWN,
			.key = &key,
			.other = make_end(i / N_FLOWS, &pod),
			.port_pod = &port_pod,
		};

		if (!rule_misses(&known->rule, &question, NULL))
			known->allowed[i / 64] |= (uint64_t)1 << i % 64;
	}
}

static const struct selector *a_random_selector(struct random *r,
						struct arena *arena,
						const char *key,
						const char *const values_of[2])
{
	static const enum selector_operator ops[] = {
		SELECTOR_IN,
		SELECTOR_NOT_IN,
		SELECTOR_EXISTS,
		SELECTOR_DOES_NOT_EXIST,
	};
	struct selector *selector = arena_alloc(arena, sizeof(*selector));
	struct requirement *items = arena_array(arena, 2, sizeof(*items));

	selector->n = random_below(r, 3);
	selector->requirements = items;
	for (size_t i = 0; i < selector->n; i++) {
		size_t first = random_below(r, 2);
		bool has_values;

		items[i].key =
			random_percent(r, 80) ? key : NAMESPACE_NAME_LABEL;
		items[i].op = random_pick(r, ops);
		has_values = items[i].op == SELECTOR_IN ||
			     items[i].op == SELECTOR_NOT_IN;
		items[i].values = has_values ? &values_of[first] : NULL;
		if (has_values)
			items[i].n_values =
				first == 0 ? 1 + random_below(r, 2) : 1;
	}
	return selector;
}

static struct cidr a_random_cidr(struct random *r, unsigned int shortest)
{
	static const char *const lengths[] = { "26", "27", "28", "29",
					       "30", "31", "32" };
	char text[32];
	struct cidr cidr;
	int len = snprintf(text, sizeof(text), "10.0.0.%zu/%s",
			   random_below(r, 20),
			   lengths[random_between(r, shortest, 6)]);

	assert_int_equal(0, cidr_parse(text, (size_t)len, &cidr, NULL));
	return cidr;
}

static struct peer a_random_peer(struct random *r, struct arena *arena)
{
	static const char *const apps[] = { "1", "2" };
	static const char *const names[] = { OWN, "far" };
	static const char *const teams[] = { "x", "y" };
	struct peer peer = { .kind = PEER_IP_BLOCK };
	struct cidr *except;

	if (random_percent(r, 40)) {
		except = arena_array(arena, 2, sizeof(*except));
		peer.block = a_random_cidr(r, 0);
		peer.except = except;
		peer.n_except = (uint32_t)random_below(r, 3);
		for (size_t i = 0; i < peer.n_except; i++)
			except[i] = a_random_cidr(r, 2);
		return peer;
	}
	peer.kind = PEER_PODS;
	if (random_percent(r, 70))
		peer.pod_selector = a_random_selector(r, arena, "app", apps);
	if (random_percent(r, 50) || !peer.pod_selector)
		peer.namespace_selector =
			random_percent(r, 50)
				? a_random_selector(r, arena, "team", teams)
				: a_random_selector(r, arena,
						    NAMESPACE_NAME_LABEL,
						    names);
	return peer;
}

static struct policy_port a_random_port(struct random *r)
{
	struct policy_port port = {
		.kind = (enum port_kind)random_below(r, 3),
		.protocol = random_percent(r, 70) ? PROTOCOL_TCP : PROTOCOL_UDP,
	};

	if (port.kind == PORT_NAMED)
		port.name = random_percent(r, 80) ? "http" : "alt";
	if (port.kind != PORT_RANGE)
		return port;
	port.first = (uint16_t)random_between(r, 79, 83);
	port.last = (uint16_t)random_between(r, port.first, 83);
	return port;
}

static struct rule a_random_rule(struct random *r, struct arena *arena)
{
	struct peer *peers = arena_array(arena, 3, sizeof(*peers));
	struct policy_port *ports = arena_array(arena, 3, sizeof(*ports));
	struct rule rule = { .peers = peers,
			     .n_peers = random_below(r, 4),
			     .ports = ports,
			     .n_ports = random_below(r, 4) };

	for (size_t i = 0; i < rule.n_peers; i++)
		peers[i] = a_random_peer(r, arena);
	for (size_t i = 0; i < rule.n_ports; i++)
		ports[i] = a_random_port(r);
	return rule;
}

static bool allows_all_of(const struct known_rule *wide,
			  const struct known_rule *narrow)
{
	for (size_t i = 0; i < N_WORDS; i++) {
		if (narrow->allowed[i] & ~wide->allowed[i])
			return false;
	}
	return true;
}

#define N_RULES 400

static const struct known_rule *make_rules(uint64_t seed, struct arena *arena)
{
	struct known_rule *all = arena_array(arena, N_RULES, sizeof(*all));
	struct random random = { .state = seed };

	for (size_t i = 0; i < N_RULES; i++) {
		all[i].rule = a_random_rule(&random, arena);
		ask_everything(&all[i]);
	}
	return all;
}

static void rules_cover_what_they_allow(void **state)
{
	struct arena arena = { 0 };
	const struct known_rule *all = make_rules(1, &arena);
	size_t n_yes = 0, n_true = 0;

	(void)state;
	for (size_t i = 0; i < N_RULES * N_RULES; i++) {
		const struct known_rule *wide = &all[i / N_RULES];
		const struct known_rule *narrow = &all[i % N_RULES];
		struct budget budget = { PLENTY };
		bool yes =
			rule_covers(&wide->rule, &narrow->rule, OWN, &budget);
		bool holds = allows_all_of(wide, narrow);

		n_yes += yes;
		n_true += holds;
		if (yes && !holds)
			fail_msg("rule %zu does not cover rule %zu",
				 i / N_RULES, i % N_RULES);
	}
	print_message("# %d pairs of rules: %zu cover, %zu are seen to\n",
		      N_RULES * N_RULES, n_true, n_yes);
	/* Others only seem to, in a universe as small as this. */
	assert_true(n_yes > n_true / 3);
	arena_release(&arena);
}

/* ---- budget ------------------------------------------------------------- */

/* Whatever the budget, "yes" is true; and with none it is never said. */
static void a_spent_budget_says_no(void **state)
{
	struct arena arena = { 0 };
	const struct known_rule *all = make_rules(2, &arena);

	(void)state;
	for (size_t i = 0; i < N_RULES * N_RULES; i++) {
		const struct known_rule *wide = &all[i / N_RULES];
		const struct known_rule *narrow = &all[i % N_RULES];
		struct budget budget = { i % 8 };

		if (rule_covers(&wide->rule, &narrow->rule, OWN, &budget))
			assert_true(allows_all_of(wide, narrow) &&
				    budget.left > 0);
	}
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(selectors_cover_what_they_match),
		cmocka_unit_test(rules_cover_what_they_allow),
		cmocka_unit_test(a_spent_budget_says_no),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
