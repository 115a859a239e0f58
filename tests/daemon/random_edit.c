/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints two random clusters, the second of which is the first with a small
 * edit, and what the naive twin of the engine makes of flows in both; for
 * diff_twin_test.py.
 *
 *	random_edit SEED N
 *
 * The first line is the name of the mutation, then come the clusters, a line
 * each, and N lines for flows of which each end is the same pod in both
 * clusters, or a pod in neither:
 *
 *	BEFORE NOW FROM FROM-IP TO TO-IP FAMILY PROTOCOL PORT
 *
 * Verdicts are 0 and 1, pods NAMESPACE/NAME; what there is not is "-". After
 * that questions are read, and a verdict is printed for each:
 *
 *	old|new FROM-IP TO-IP PROTOCOL PORT
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "twin/mutation.h"
#include "twin/oracle.h"
#include "twin/random.h"
#include "twin/world.h"

enum { OLD, NEW, N_VIEWS };

struct edit {
	struct world world;
	struct oracle *oracles[N_VIEWS];
};

/* ---- the clusters ------------------------------------------------------- */

static void print_list(struct oracle *oracle, char *const *objects, size_t n)
{
	struct writer list = { 0 };
	const char *separator = "";

	writer_add(&list,
		   "{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[");
	for (size_t i = 0; i < n; i++) {
		if (objects[i] == NULL)
			continue;
		writer_add(&list, "%s%s", separator, objects[i]);
		separator = ",";
	}
	writer_add(&list, "]}");
	puts(list.data);
	oracle_put(oracle, list.data, 0);
	writer_release(&list);
}

static void print_clusters(struct edit *edit)
{
	struct world *world = &edit->world;
	enum mutation mutation = random_below(&world->random, N_MUTATIONS);
	char **objects = calloc(world->n_objects, sizeof(*objects));
	char **after = calloc(world->n_objects, sizeof(*after));

	if (objects == NULL || after == NULL)
		abort();
	mutate(world, mutation, after);
	for (size_t i = 0; i < world->n_objects; i++)
		objects[i] = world->objects[i].json;
	puts(mutation_name(mutation));
	print_list(edit->oracles[OLD], objects, world->n_objects);
	print_list(edit->oracles[NEW], after, world->n_objects);
	for (size_t i = 0; i < world->n_objects; i++)
		free(after[i]);
	free(after);
	free(objects);
}

/* ---- flows -------------------------------------------------------------- */

/* The twin's answer to what comes from an address: from that of the receiver's
   own node it was born there. */
static struct oracle_answer ask(struct edit *edit, int view,
				struct probe *probe)
{
	struct oracle *oracle = edit->oracles[view];
	struct oracle_answer answer;
	struct oracle_side receiver;

	probe->from_own_node = false;
	answer = oracle_ask(oracle, NULL, probe);
	receiver = answer.sides[ORACLE_INGRESS];
	probe->from_own_node =
		answer.sides[ORACLE_EGRESS].pod_ns == NULL &&
		receiver.pod_ns != NULL &&
		oracle_is_node_of(oracle, probe->family, probe->src,
				  receiver.pod_ns, receiver.pod_name);
	return oracle_ask(oracle, NULL, probe);
}

static bool is_same(const struct oracle_side *a, const struct oracle_side *b)
{
	if (a->pod_ns == NULL || b->pod_ns == NULL)
		return a->pod_ns == b->pod_ns;
	return strcmp(a->pod_ns, b->pod_ns) == 0 &&
	       strcmp(a->pod_name, b->pod_name) == 0;
}

/* The next flow that can be compared: what comes from a pod's own node is in
   nothing that is printed. */
static struct probe draw(struct edit *edit,
			 struct oracle_answer answers[N_VIEWS])
{
	struct probe probe;
	bool from_own_node;

	do {
		from_own_node = false;
		probe = world_probe(&edit->world);
		for (int v = 0; v < N_VIEWS; v++) {
			answers[v] = ask(edit, v, &probe);
			from_own_node |= probe.from_own_node;
		}
	} while (from_own_node ||
		 !is_same(&answers[OLD].sides[ORACLE_EGRESS],
			  &answers[NEW].sides[ORACLE_EGRESS]) ||
		 !is_same(&answers[OLD].sides[ORACLE_INGRESS],
			  &answers[NEW].sides[ORACLE_INGRESS]));
	return probe;
}

static void print_end(const struct probe *probe, const uint8_t addr[16],
		      const struct oracle_side *side)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(probe->family == 4 ? AF_INET : AF_INET6, addr, text,
		  sizeof(text));
	if (side->pod_ns != NULL)
		printf(" %s/%s %s", side->pod_ns, side->pod_name, text);
	else
		printf(" - %s", text);
}

static void print_flow(struct edit *edit)
{
	struct oracle_answer answers[N_VIEWS];
	struct probe probe = draw(edit, answers);

	printf("%d %d", answers[OLD].allow, answers[NEW].allow);
	print_end(&probe, probe.src, &answers[NEW].sides[ORACLE_EGRESS]);
	print_end(&probe, probe.dst, &answers[NEW].sides[ORACLE_INGRESS]);
	printf(" %d %u", probe.family, probe.protocol);
	if (probe.has_port)
		printf(" %u\n", probe.port);
	else
		puts(" -");
}

/* ---- questions ---------------------------------------------------------- */

static bool answer_next(struct edit *edit)
{
	char view[4], src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN], port[6];
	struct probe probe = { 0 };
	unsigned int protocol;
	int family;

	if (scanf("%3s %45s %45s %u %5s", view, src, dst, &protocol, port) != 5)
		return false;
	oracle_address(src, &probe.family, probe.src);
	oracle_address(dst, &family, probe.dst);
	probe.protocol = (uint8_t)protocol;
	probe.has_port = strcmp(port, "-") != 0;
	probe.port = (uint16_t)strtoul(port, NULL, 10);
	printf("%d\n",
	       ask(edit, strcmp(view, "new") == 0 ? NEW : OLD, &probe).allow);
	fflush(stdout);
	return true;
}

int main(int argc, char **argv)
{
	struct edit edit;
	unsigned long n;

	if (argc != 3)
		return 2;
	world_init(&edit.world, strtoull(argv[1], NULL, 0));
	n = strtoul(argv[2], NULL, 0);
	for (int v = 0; v < N_VIEWS; v++)
		edit.oracles[v] = oracle_new();
	print_clusters(&edit);
	for (unsigned long i = 0; i < n; i++)
		print_flow(&edit);
	fflush(stdout);
	while (answer_next(&edit))
		;
	for (int v = 0; v < N_VIEWS; v++)
		oracle_free(edit.oracles[v]);
	world_release(&edit.world);
	return ferror(stdout) || fflush(stdout) != 0;
}
