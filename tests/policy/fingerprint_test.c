/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netpold/fingerprint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "object_build.h"

/* ---- one fact of a policy each ------------------------------------------- */

static struct object plain(void)
{
	return a_policy("shop", "p", "app=db", DIRECTION_INGRESS);
}

static struct object with(struct rule rule)
{
	return with_rule(plain(), DIRECTION_INGRESS, rule);
}

static struct object other_name(void)
{
	return a_policy("shop", "q", "app=db", DIRECTION_INGRESS);
}

/* L25: the end of one name is not the beginning of the other. */
static struct object shifted_names(void)
{
	return a_policy("shopp", "", "app=db", DIRECTION_INGRESS);
}

static struct object other_labels(void)
{
	return a_policy("shop", "p", "app=dbx", DIRECTION_INGRESS);
}

static struct object no_selector(void)
{
	return a_policy("shop", "p", "", DIRECTION_INGRESS);
}

static struct object two_labels(void)
{
	return a_policy("shop", "p", "app=db,b=c", DIRECTION_INGRESS);
}

static struct object egress(void)
{
	return a_policy("shop", "p", "app=db", DIRECTION_EGRESS);
}

static struct object both_ways(void)
{
	struct object policy = plain();

	policy.policy.isolates[DIRECTION_EGRESS] = true;
	return policy;
}

static struct object anybody(void)
{
	return with((struct rule){ 0 });
}

static struct object all_pods(void)
{
	return with(a_pod_rule(NULL, ""));
}

static struct object all_namespaces(void)
{
	return with(a_pod_rule("", NULL));
}

static struct object both_selectors(void)
{
	return with(a_pod_rule("", ""));
}

static struct object some_pods(void)
{
	return with(a_pod_rule(NULL, "a=b"));
}

static struct object some_namespaces(void)
{
	return with(a_pod_rule("a=b", NULL));
}

static struct object block(void)
{
	return with(a_block_rule("10.0.0.0/8", NULL));
}

static struct object shorter_block(void)
{
	return with(a_block_rule("10.0.0.0/7", NULL));
}

static struct object v6_block(void)
{
	return with(a_block_rule("a00::/8", NULL));
}

static struct object block_but_for(void)
{
	return with(a_block_rule("10.0.0.0/8", "10.1.0.0/16"));
}

static struct object block_but_for_another(void)
{
	return with(a_block_rule("10.0.0.0/8", "10.2.0.0/16"));
}

static struct object port(void)
{
	return with(on_ports(a_pod_rule(NULL, ""), PROTOCOL_TCP, 80, 80));
}

static struct object ports(void)
{
	return with(on_ports(a_pod_rule(NULL, ""), PROTOCOL_TCP, 80, 81));
}

static struct object udp(void)
{
	return with(on_ports(a_pod_rule(NULL, ""), PROTOCOL_UDP, 80, 80));
}

static struct object named_port(void)
{
	return with(on_named_port(a_pod_rule(NULL, ""), PROTOCOL_TCP, "http"));
}

static struct object another_named_port(void)
{
	return with(on_named_port(a_pod_rule(NULL, ""), PROTOCOL_TCP, "web"));
}

static struct object protocol(void)
{
	return with(on_protocol(a_pod_rule(NULL, ""), PROTOCOL_TCP));
}

static struct object two_rules(void)
{
	return with_rule(some_pods(), DIRECTION_INGRESS,
			 a_pod_rule("a=b", NULL));
}

static struct object the_other_order(void)
{
	return with_rule(some_namespaces(), DIRECTION_INGRESS,
			 a_pod_rule(NULL, "a=b"));
}

#define ROW(make)                                                              \
	{                                                                      \
#make, make                                                    \
	}
static const struct {
	const char *name;
	struct object (*make)(void);
} policies[] = {
	ROW(plain),
	ROW(other_name),
	ROW(shifted_names),
	ROW(other_labels),
	ROW(no_selector),
	ROW(two_labels),
	ROW(egress),
	ROW(both_ways),
	ROW(anybody),
	ROW(all_pods),
	ROW(all_namespaces),
	ROW(both_selectors),
	ROW(some_pods),
	ROW(some_namespaces),
	ROW(block),
	ROW(shorter_block),
	ROW(v6_block),
	ROW(block_but_for),
	ROW(block_but_for_another),
	ROW(port),
	ROW(ports),
	ROW(udp),
	ROW(named_port),
	ROW(another_named_port),
	ROW(protocol),
	ROW(two_rules),
	ROW(the_other_order),
};
#define N_POLICIES (sizeof(policies) / sizeof(policies[0]))

static void no_two_that_differ_have_the_same(void **state)
{
	uint64_t prints[N_POLICIES];

	(void)state;
	for (size_t i = 0; i < N_POLICIES; i++) {
		struct object policy = policies[i].make();

		prints[i] = fingerprint_policy(&policy.policy);
		for (size_t k = 0; k < i; k++) {
			if (prints[i] == prints[k])
				fail_msg("%s and %s have the same fingerprint",
					 policies[k].name, policies[i].name);
		}
	}
}

static void what_says_the_same_has_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_POLICIES; i++) {
		struct object a = policies[i].make(), b = policies[i].make();

		b.policy.generation = 7;
		if (fingerprint_policy(&a.policy) !=
		    fingerprint_policy(&b.policy))
			fail_msg("%s: has two fingerprints, as of which "
				 "generation it is",
				 policies[i].name);
	}
}

static int release(void **state)
{
	(void)state;
	arena_release(&build_arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_two_that_differ_have_the_same),
		cmocka_unit_test(what_says_the_same_has_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, release);
}
