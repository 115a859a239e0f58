/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints a random cluster, flows in it, and what the naive twin of the engine
 * makes of them; for explain_twin_test.py.
 *
 *	random_flows SEED N
 *
 * The first line is the cluster, a List. Each of N lines that follow has a flow
 * as `netpold explain --flows` reads it, and the answer:
 *
 *	{"flow": …, "allow": …, "sides": [EGRESS, INGRESS]}
 *	{"allow": …, "why": …, "pod": …, "isolating": [POLICY],
 *	 "rules": [[POLICY, RULE FROM 1, PORT FITS, PEER FITS]]}
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "twin/oracle.h"
#include "twin/random.h"
#include "twin/world.h"

/* ---- flows -------------------------------------------------------------- */

static bool has_ports(uint8_t protocol)
{
	return protocol == 6 || protocol == 17 || protocol == 132;
}

/* The next question of those that people can ask: whoever opens a flow to a
   port knows which, and whether an address is the node's own follows from the
   objects. */
static struct probe draw(struct world *world, struct oracle *oracle)
{
	struct oracle_side receiver;
	struct probe probe;

	do {
		probe = world_probe(world);
	} while (has_ports(probe.protocol) && !probe.has_port);
	probe.has_port = has_ports(probe.protocol);
	receiver = oracle_ask(oracle, NULL, &probe).sides[ORACLE_INGRESS];
	probe.from_own_node =
		receiver.pod_ns != NULL &&
		oracle_is_node_of(oracle, probe.family, probe.src,
				  receiver.pod_ns, receiver.pod_name);
	return probe;
}

static void print_end(struct random *random, const char *key, int family,
		      const uint8_t addr[16], const struct oracle_side *side)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(family == 4 ? AF_INET : AF_INET6, addr, text, sizeof(text));
	if (side->pod_ns != NULL && random_percent(random, 50))
		printf("\"%s\":\"%s/%s\",", key, side->pod_ns, side->pod_name);
	else if (random_percent(random, 50))
		printf("\"%s\":\"%s\",", key, text);
	else
		printf("\"%s_ip\":\"%s\",", key, text);
}

static void print_flow(struct random *random, const struct probe *probe,
		       const struct oracle_answer *answer)
{
	printf("{\"flow\":{");
	print_end(random, "from", probe->family, probe->src,
		  &answer->sides[ORACLE_EGRESS]);
	print_end(random, "to", probe->family, probe->dst,
		  &answer->sides[ORACLE_INGRESS]);
	printf("\"family\":%d", probe->family);
	if (probe->has_port)
		printf(",\"port\":%u", probe->port);
	if (probe->protocol != 6 || random_percent(random, 50))
		printf(",\"protocol\":%u", probe->protocol);
	printf("}");
}

/* ---- answers ------------------------------------------------------------ */

static const char *truth(bool value)
{
	return value ? "true" : "false";
}

static void print_policy(const struct oracle_policy_ref *policy)
{
	printf("\"%s/%s\"", policy->ns, policy->name);
}

static void print_side(const struct oracle_side *side)
{
	static const char *const whys[N_ORACLE_WHYS] = {
		[ORACLE_NOT_A_POD] = "not-a-pod",
		[ORACLE_NOT_LOCAL] = "not-local",
		[ORACLE_OWN_NODE] = "own-node",
		[ORACLE_NOT_ISOLATED] = "not-isolated",
		[ORACLE_SELF] = "self",
		[ORACLE_RULES] = "rules",
	};

	printf("{\"allow\":%s,\"why\":\"%s\",\"pod\":", truth(side->allow),
	       whys[side->why]);
	if (side->pod_ns != NULL)
		printf("\"%s/%s\"", side->pod_ns, side->pod_name);
	else
		printf("null");
	printf(",\"isolating\":[");
	for (size_t i = 0; i < side->n_isolating; i++) {
		printf("%s", i > 0 ? "," : "");
		print_policy(&side->isolating[i]);
	}
	printf("],\"rules\":[");
	for (size_t i = 0; i < side->n_rules; i++) {
		const struct oracle_rule_ref *rule = &side->rules[i];

		printf("%s[", i > 0 ? "," : "");
		print_policy(&rule->policy);
		printf(",%zu,%s,%s]", rule->rule + 1, truth(rule->port_fits),
		       truth(rule->peer_fits));
	}
	printf("]}");
}

static void print_answer(const struct oracle_answer *answer)
{
	printf(",\"allow\":%s,\"sides\":[", truth(answer->allow));
	print_side(&answer->sides[ORACLE_EGRESS]);
	printf(",");
	print_side(&answer->sides[ORACLE_INGRESS]);
	printf("]}\n");
}

/* ---- the world ---------------------------------------------------------- */

static void print_world(const struct world *world, struct oracle *oracle)
{
	size_t *order = calloc(world->n_objects, sizeof(*order));
	char *list;

	if (order == NULL)
		abort();
	for (size_t i = 0; i < world->n_objects; i++)
		order[i] = i;
	list = world_list(world, order, world->n_objects);
	puts(list);
	oracle_put(oracle, list, 0);
	free(list);
	free(order);
}

int main(int argc, char **argv)
{
	struct oracle *oracle = oracle_new();
	struct random random;
	struct world world;
	unsigned long n;

	if (argc != 3)
		return 2;
	random.state = strtoull(argv[1], NULL, 0);
	n = strtoul(argv[2], NULL, 0);
	world_init(&world, random.state);
	print_world(&world, oracle);
	for (unsigned long i = 0; i < n; i++) {
		struct probe probe = draw(&world, oracle);
		struct oracle_answer answer = oracle_ask(oracle, NULL, &probe);

		print_flow(&random, &probe, &answer);
		print_answer(&answer);
	}
	world_release(&world);
	oracle_free(oracle);
	return ferror(stdout) || fflush(stdout) != 0;
}
