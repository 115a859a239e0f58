/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "netpold/selector.h"
#include "netpold/snapshot.h"
#include "netpold/suggest.h"

#include "object_build.h"

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))
#define OFTEN 5

/* ---- worlds in a line --------------------------------------------------- */

/* "NAMESPACE NAME LABELS ADDRESS OWNER PORT", "-" for what is not there; an
   owner is KIND/NAME, a port NAME=NUMBER (TCP) or NAME=NUMBER/UDP. */
static struct object read_pod(const char *line)
{
	char namespace[64], name[64], labels[256], addr[64], owner[64],
		port[64], port_name[64], protocol[8] = "TCP";
	unsigned int number;
	struct object pod;
	char *slash;

	if (sscanf(line, "%63s %63s %255s %63s %63s %63s", namespace, name,
		   labels, addr, owner, port) != 6)
		abort();
	pod = a_pod(arena_strdup(&build_arena, namespace),
		    arena_strdup(&build_arena, name),
		    strcmp(labels, "-") == 0 ? "" : labels, addr);
	slash = strchr(owner, '/');
	if (slash) {
		*slash = '\0';
		pod.pod.owner_kind = arena_strdup(&build_arena, owner);
		pod.pod.owner_name = arena_strdup(&build_arena, slash + 1);
	}
	if (sscanf(port, "%63[^=]=%u/%7s", port_name, &number, protocol) >= 2)
		pod = with_port(pod, arena_strdup(&build_arena, port_name),
				protocol_from_name(protocol), (uint16_t)number);
	return pod;
}

static void put(struct cluster *cluster, struct object object)
{
	assert_true(cluster_put(cluster, &object, 0) >= 0);
}

static struct object the_node(void)
{
	struct object node = a_node("node-1", "10.9.0.1");
	struct cidr *pods = arena_array(&build_arena, 1, sizeof(*pods));

	assert_non_null(pods);
	*pods = cidr_around(&node.node.addresses[0], 24);
	node.node.pod_cidrs = pods;
	node.node.n_pod_cidrs = 1;
	return node;
}

/* Lines are separated by semicolons. */
static void put_pods(struct cluster *cluster, const char *pods)
{
	char *copy = arena_strdup(&build_arena, pods), *save = NULL;

	for (char *line = strtok_r(copy, ";", &save); line;
	     line = strtok_r(NULL, ";", &save))
		put(cluster,
		    strcmp(line, "node") == 0 ? the_node() : read_pod(line));
}

/* "NAMESPACE/NAME", or an address. */
static struct suggest_end read_end(const struct cluster *cluster,
				   const char *text)
{
	char namespace[64], name[64];
	const struct object *object;

	if (sscanf(text, "%63[^/]/%63s", namespace, name) != 2)
		return (struct suggest_end){ .addr = an_addr(text) };
	object = cluster_find(cluster, OBJECT_POD, namespace, name);
	assert_non_null(object);
	return (struct suggest_end){ .pod = &object->pod,
				     .addr = object->pod.addresses[0] };
}

/* "FROM TO PORT/PROTOCOL [COUNT]", or "FROM TO ICMP". */
static struct suggest_flow read_flow(const struct cluster *cluster,
				     const char *line)
{
	char from[64], to[64], what[64], protocol[16];
	unsigned int count = OFTEN, port;
	struct suggest_flow flow;

	if (sscanf(line, "%63s %63s %63s %u", from, to, what, &count) < 3)
		abort();
	flow = (struct suggest_flow){
		.from = read_end(cluster, from),
		.to = read_end(cluster, to),
		.protocol = protocol_from_name(what),
		.count = count,
	};
	if (sscanf(what, "%u/%15s", &port, protocol) == 2) {
		flow.protocol = protocol_from_name(protocol);
		flow.has_port = true;
		flow.port = (uint16_t)port;
	}
	return flow;
}

static void add_flows(struct suggest *suggest, const struct cluster *cluster,
		      const char *flows)
{
	char *copy = arena_strdup(&build_arena, flows), *save = NULL;

	for (char *line = strtok_r(copy, ";", &save); line;
	     line = strtok_r(NULL, ";", &save)) {
		const struct suggest_flow flow = read_flow(cluster, line);

		assert_int_equal(0, suggest_add(suggest, &flow));
	}
}

/* ---- suggestions in a line ---------------------------------------------- */

static void write_selector(FILE *out, const struct selector *selector)
{
	char text[256];

	selector_format(selector, text, sizeof(text));
	fputs(text, out);
}

static void write_peer(FILE *out, const struct peer *peer)
{
	char text[CIDR_TEXT_LEN];

	if (peer->kind == PEER_IP_BLOCK) {
		fputs(cidr_format(&peer->block, text), out);
		return;
	}
	if (peer->namespace_selector) {
		fputc('{', out);
		write_selector(out, peer->namespace_selector);
		fputc('}', out);
	}
	if (peer->pod_selector)
		write_selector(out, peer->pod_selector);
}

static void write_port(FILE *out, const struct policy_port *port)
{
	if (port->kind == PORT_NAMED)
		fputs(port->name, out);
	else if (port->first == port->last)
		fprintf(out, "%u", port->first);
	else
		fprintf(out, "%u-%u", port->first, port->last);
	if (port->protocol != PROTOCOL_TCP)
		fprintf(out, "/%s", protocol_name(port->protocol));
}

static void write_rule(FILE *out, const struct rule *rule, enum direction dir)
{
	fputs(dir == DIRECTION_EGRESS ? " to " : " from ", out);
	for (size_t i = 0; i < rule->n_peers; i++) {
		fputs(i > 0 ? " or " : "", out);
		write_peer(out, &rule->peers[i]);
	}
	fputs(rule->n_ports > 0 ? " :" : "", out);
	for (size_t i = 0; i < rule->n_ports; i++) {
		fputs(i > 0 ? "," : "", out);
		write_port(out, &rule->ports[i]);
	}
}

/* "NAMESPACE/NAME SELECTOR from … to …;": a direction that is not isolated is
   marked by a question mark. */
static char *write_policies(const struct suggested_policy *policies, size_t n)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	for (size_t i = 0; i < n; i++) {
		const struct network_policy *p = &policies[i].policy;

		fprintf(out, "%s%s/%s ", i > 0 ? "; " : "", p->namespace,
			p->name);
		write_selector(out, &p->pod_selector);
		for (int dir = DIRECTION_INGRESS; dir >= 0; dir--) {
			if (!p->isolates[dir])
				fprintf(out, " %s?", direction_name(dir));
			for (size_t r = 0; r < p->n_rules[dir]; r++)
				write_rule(out, &p->rules[dir][r],
					   (enum direction)dir);
		}
	}
	fclose(out);
	return text;
}

/* ---- the table ---------------------------------------------------------- */

#define WEB "shop web-1 app=web 10.0.0.1 ReplicaSet/web-bcdfg http=8080;"
#define WEB_2 "shop web-2 app=web 10.0.0.2 ReplicaSet/web-bcdfg http=8080;"
#define DB "shop db-0 app=db 10.0.1.1 StatefulSet/db -;"
#define CRON "shop cron-1 app=cron 10.0.2.1 Job/cron-28391220 -;"
#define FAR "lab far-1 app=far 10.0.3.1 ReplicaSet/far-bcdfg -;"
#define DNS                                                                    \
	"kube-system dns-1 k8s-app=kube-dns 10.0.4.1 ReplicaSet/dns-bcdfg -;"
/* 10.9.0.0/24 is for its pods, 10.9.0.1 its own. */
#define NODE "node;"
#define IN(namespace) "{kubernetes.io/metadata.name=" namespace "}"

static const struct {
	const char *name;
	const char *pods, *flows;
	const char *expected, *apart;
} cases[] = {
	{ "nothing seen, nothing suggested", WEB DB, "", "", "" },
	{ "who was seen has a policy for both directions", WEB DB,
	  "shop/web-1 shop/db-0 5432/TCP",
	  "shop/db app=db from app=web :5432; shop/web app=web to app=db :5432",
	  "" },
	{ "pods of one workload are one", WEB WEB_2 DB,
	  "shop/web-1 shop/db-0 5432/TCP;shop/web-2 shop/db-0 5432/TCP",
	  "shop/db app=db from app=web :5432; shop/web app=web to app=db :5432",
	  "" },
	{ "a port that the pods name is called by its name", WEB WEB_2 DB,
	  "shop/db-0 shop/web-1 8080/TCP",
	  "shop/db app=db to app=web :http; shop/web app=web from app=db :http",
	  "" },
	{ "unless the name leads elsewhere on one of them",
	  WEB "shop web-2 app=web 10.0.0.2 ReplicaSet/web-bcdfg http=80;" DB,
	  "shop/db-0 shop/web-1 8080/TCP",
	  "shop/db app=db to app=web :8080; shop/web app=web from app=db :8080",
	  "" },
	{ "or one of them lacks it",
	  WEB "shop web-2 app=web 10.0.0.2 ReplicaSet/web-bcdfg -;" DB,
	  "shop/db-0 shop/web-1 8080/TCP",
	  "shop/db app=db to app=web :8080; shop/web app=web from app=db :8080",
	  "" },
	{ "or the protocol is another", WEB DB, "shop/db-0 shop/web-1 8080/UDP",
	  "shop/db app=db to app=web :8080/UDP; "
	  "shop/web app=web from app=db :8080/UDP",
	  "" },
	{ "pods of other namespaces are found by its name", DB FAR,
	  "lab/far-1 shop/db-0 5432/TCP",
	  "lab/far app=far to " IN("shop") "app=db :5432; "
					   "shop/db app=db from " IN(
						   "lab") "app=far :5432",
	  "" },
	{ "peers with the same ports are one rule", WEB DB CRON,
	  "shop/web-1 shop/db-0 5432/TCP;shop/cron-1 shop/db-0 5432/TCP",
	  "shop/cron app=cron to app=db :5432; "
	  "shop/db app=db from app=cron or app=web :5432; "
	  "shop/web app=web to app=db :5432",
	  "" },
	{ "and those with others are not", WEB DB CRON,
	  "shop/web-1 shop/db-0 5432/TCP;shop/cron-1 shop/db-0 5433/TCP",
	  "shop/cron app=cron to app=db :5433; "
	  "shop/db app=db from app=web :5432 from app=cron :5433; "
	  "shop/web app=web to app=db :5432",
	  "" },
	{ "ports that follow each other are a range", WEB DB,
	  "shop/web-1 shop/db-0 9001/TCP;shop/web-1 shop/db-0 9000/TCP;"
	  "shop/web-1 shop/db-0 9003/TCP;shop/web-1 shop/db-0 9002/UDP",
	  "shop/db app=db from app=web :9000-9001,9003,9002/UDP; "
	  "shop/web app=web to app=db :9000-9001,9003,9002/UDP",
	  "" },
	{ "what a pod sends to itself needs no rule (NP-50)", WEB,
	  "shop/web-1 shop/web-1 80/TCP", "shop/web app=web", "" },
	{ "what it sends to its twin does", WEB WEB_2,
	  "shop/web-1 shop/web-2 80/TCP",
	  "shop/web app=web from app=web :80 to app=web :80", "" },

	{ "lookups are one rule, by both protocols", WEB DNS,
	  "shop/web-1 kube-system/dns-1 53/UDP",
	  "kube-system/dns k8s-app=kube-dns from {<all>} :53,53/UDP; "
	  "shop/web app=web to " IN("kube-system") "k8s-app=kube-dns "
						   ":53,53/UDP",
	  "" },
	{ "and never set apart", WEB DNS,
	  "shop/web-1 kube-system/dns-1 53/UDP 1",
	  "kube-system/dns k8s-app=kube-dns from {<all>} :53,53/UDP; "
	  "shop/web app=web to " IN("kube-system") "k8s-app=kube-dns "
						   ":53,53/UDP",
	  "" },
	{ "unless the server is one by its label alone, of who asks it",
	  "lab far-1 app=far 10.0.3.1 ReplicaSet/far-bcdfg -;"
	  "lab evil-1 k8s-app=kube-dns 10.0.5.1 ReplicaSet/evil-bcdfg -;",
	  "lab/far-1 lab/evil-1 53/UDP 1",
	  "lab/evil k8s-app=kube-dns; "
	  "lab/far app=far",
	  "lab/evil-to-decide k8s-app=kube-dns from app=far :53/UDP egress?; "
	  "lab/far-to-decide app=far ingress? to k8s-app=kube-dns :53/UDP" },
	{ "servers of the cluster may ask each other",
	  DNS "kube-system metrics-1 k8s-app=metrics 10.0.6.1 "
	      "ReplicaSet/metrics-bcdfg -;",
	  "kube-system/metrics-1 kube-system/dns-1 53/TCP 1",
	  "kube-system/dns k8s-app=kube-dns from {<all>} :53,53/UDP; "
	  "kube-system/metrics k8s-app=metrics to k8s-app=kube-dns :53,53/UDP",
	  "" },
	{ "whoever answers at port 53 is no DNS server by that", WEB DB,
	  "shop/web-1 shop/db-0 53/UDP",
	  "shop/db app=db from app=web :53/UDP; "
	  "shop/web app=web to app=db :53/UDP",
	  "" },

	{ "addresses outside are a block", WEB,
	  "shop/web-1 192.0.2.7 443/TCP;shop/web-1 192.0.2.99 443/TCP",
	  "shop/web app=web to 192.0.2.0/24 :443", "" },
	{ "and in it they count together", WEB,
	  "shop/web-1 192.0.2.7 443/TCP 1;shop/web-1 192.0.2.99 443/TCP 1",
	  "shop/web app=web to 192.0.2.0/24 :443", "" },
	{ "two halves of a block are that block", WEB,
	  "192.0.3.7 shop/web-1 8080/TCP;192.0.2.7 shop/web-1 8080/TCP;"
	  "192.0.4.1 shop/web-1 8080/TCP",
	  "shop/web app=web from 192.0.2.0/23 or 192.0.4.0/24 :http", "" },
	{ "a block holds no pod", WEB DB,
	  "shop/web-1 10.0.1.130 443/TCP;shop/web-1 10.0.1.3 443/TCP",
	  "shop/web app=web to 10.0.1.2/31 or 10.0.1.128/25 :443", "" },
	{ "what comes from where pods come from, and from none, is set apart",
	  WEB NODE, "10.9.0.77 shop/web-1 8080/TCP", "shop/web app=web",
	  "shop/web-to-decide app=web from 10.9.0.77/32 :http egress?" },
	{ "unless it is a node", WEB NODE, "10.9.0.1 shop/web-1 8080/TCP",
	  "shop/web app=web from 10.9.0.1/32 :http", "" },
	{ "the rest around is outside", WEB NODE,
	  "shop/web-1 10.9.1.77 443/TCP",
	  "shop/web app=web to 10.9.1.0/24 :443", "" },
	{ "IPv6 has its own length", WEB, "shop/web-1 2001:db8::7 443/TCP",
	  "shop/web app=web to 2001:db8::/64 :443", "" },

	{ "what was seen once is set apart", WEB DB CRON,
	  "shop/web-1 shop/db-0 5432/TCP;shop/cron-1 shop/db-0 22/TCP 1",
	  "shop/cron app=cron; shop/db app=db from app=web :5432; "
	  "shop/web app=web to app=db :5432",
	  "shop/cron-to-decide app=cron ingress? to app=db :22; "
	  "shop/db-to-decide app=db from app=cron :22 egress?" },
	{ "ping needs every port, and is set apart", WEB DB,
	  "shop/web-1 shop/db-0 ICMP", "shop/db app=db; shop/web app=web",
	  "shop/db-to-decide app=db from app=web egress?; "
	  "shop/web-to-decide app=web ingress? to app=db" },

	{ "labels of one version select nothing",
	  "shop web-1 app=web,pod-template-hash=bcdfg 10.0.0.1 "
	  "ReplicaSet/web-bcdfg -;" DB,
	  "shop/web-1 shop/db-0 1/TCP",
	  "shop/db app=db from app=web :1; shop/web app=web to app=db :1", "" },
	{ "two versions of a workload are one",
	  "shop web-1 app=web,pod-template-hash=bcdfg 10.0.0.1 "
	  "ReplicaSet/web-bcdfg -;"
	  "shop web-2 app=web,pod-template-hash=ghjkl 10.0.0.2 "
	  "ReplicaSet/web-ghjkl -;" DB,
	  "shop/web-1 shop/db-0 1/TCP;shop/web-2 shop/db-0 1/TCP",
	  "shop/db app=db from app=web :1; shop/web app=web to app=db :1", "" },
	{ "whoever makes them",
	  "shop web-1 rollouts-pod-template-hash=bcdfg,team=x 10.0.0.1 "
	  "ReplicaSet/web-bcdfg -;"
	  "shop db-0 configChecksum=ghjkl,team=y 10.0.1.1 StatefulSet/db -;"
	  "shop far-1 config-revision=4,my.uid=5,team=z 10.0.3.1 "
	  "ReplicaSet/far-bcdfg -;",
	  "shop/web-1 shop/db-0 1/TCP;shop/web-1 shop/far-1 1/TCP",
	  "shop/db team=y from team=x :1; shop/far team=z from team=x :1; "
	  "shop/web team=x to team=y or team=z :1",
	  "" },
	{ "no word ends in the middle of another",
	  "shop web-1 fluid=x 10.0.0.1 ReplicaSet/web-bcdfg -;"
	  "shop db-0 fluid=y 10.0.1.1 StatefulSet/db -;",
	  "shop/web-1 shop/db-0 1/TCP",
	  "shop/db fluid=y from fluid=x :1; shop/web fluid=x to fluid=y :1",
	  "" },
	{ "a label that nobody knows is not taken where none is needed",
	  "shop web-1 build=4711 10.0.0.1 ReplicaSet/web-bcdfg -;",
	  "shop/web-1 192.0.2.7 443/TCP", "shop/web <all> to 192.0.2.0/24 :443",
	  "" },
	{ "nor where better ones do, were they two",
	  "shop a-1 app=x,build=1,role=m,tier=a 10.0.0.1 ReplicaSet/a-bcdfg -;"
	  "shop b-1 app=x,build=2,role=n,tier=a 10.0.0.2 ReplicaSet/b-bcdfg -;"
	  "shop c-1 app=x,build=3,role=m,tier=b 10.0.0.3 ReplicaSet/c-bcdfg -;",
	  "shop/a-1 shop/b-1 1/TCP",
	  "shop/a app=x,tier=a,role=m to app=x,role=n :1; "
	  "shop/b app=x,role=n from app=x,tier=a,role=m :1",
	  "" },
	{ "where one label does not tell workloads apart, another does",
	  "shop a-1 app=redis,role=cache 10.0.0.1 ReplicaSet/a-bcdfg -;"
	  "shop b-1 app=redis,role=queue 10.0.0.2 ReplicaSet/b-bcdfg -;",
	  "shop/a-1 shop/b-1 1/TCP",
	  "shop/a app=redis,role=cache to app=redis,role=queue :1; "
	  "shop/b app=redis,role=queue from app=redis,role=cache :1",
	  "" },
	{ "or that it is not there",
	  "shop a-1 app=redis 10.0.0.1 ReplicaSet/a-bcdfg -;"
	  "shop b-1 app=redis,role=queue 10.0.0.2 ReplicaSet/b-bcdfg -;",
	  "shop/a-1 shop/b-1 1/TCP",
	  "shop/a app=redis,!role to app=redis,role=queue :1; "
	  "shop/b app=redis,role=queue from app=redis,!role :1",
	  "" },
	{ "what no labels tell apart shares a policy",
	  "shop a-1 app=x 10.0.0.1 ReplicaSet/a-bcdfg -;"
	  "shop b-1 app=x 10.0.0.2 ReplicaSet/b-bcdfg -;",
	  "shop/a-1 shop/b-1 1/TCP", "shop/a app=x from app=x :1 to app=x :1",
	  "" },
	{ "pods that nobody owns belong together by their name label",
	  "shop one app=x,n=1 10.0.0.1 - -;shop two app=x,n=2 10.0.0.2 - -;" DB,
	  "shop/one shop/db-0 1/TCP;shop/two shop/db-0 1/TCP",
	  "shop/db app=db from app=x :1; shop/x app=x to app=db :1", "" },
	{ "what cannot be a name is made one",
	  "shop one app=Web_Shop. 10.0.0.1 - -;", "shop/one 192.0.2.1 1/TCP 3",
	  "shop/web-shop <all> to 192.0.2.0/24 :1", "" },
};

static struct suggest_options usual(const struct snapshot *existing)
{
	return (struct suggest_options){
		.merge_v4 = SUGGEST_MERGE_V4,
		.merge_v6 = SUGGEST_MERGE_V6,
		.min_count = 2,
		.existing = existing,
	};
}

static size_t differs(const char *name, const char *expected, char *got)
{
	bool same = strcmp(expected, got) == 0;

	if (!same)
		print_error("%s:\nexpected %s\ngot      %s\n", name, expected,
			    got);
	free(got);
	return !same;
}

static size_t check_case(size_t i)
{
	const struct suggest_options options = usual(NULL);
	struct cluster *cluster = cluster_new();
	struct suggestion suggestion;
	struct suggest *suggest;
	size_t wrong;

	put_pods(cluster, cases[i].pods);
	assert_int_equal(0, suggest_new(cluster, &options, &suggest, NULL));
	add_flows(suggest, cluster, cases[i].flows);
	assert_int_equal(0, suggest_finish(suggest, &suggestion, NULL));
	wrong = differs(
		cases[i].name, cases[i].expected,
		write_policies(suggestion.policies, suggestion.n_policies));
	wrong += differs(cases[i].name, cases[i].apart,
			 write_policies(suggestion.apart, suggestion.n_apart));
	suggest_free(suggest);
	cluster_free(cluster);
	arena_release(&build_arena);
	return wrong;
}

/* L37 */
static void suggestions_are_few_and_plain(void **state)
{
	size_t n_wrong = 0;

	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++)
		n_wrong += check_case(i);
	assert_int_equal(0, n_wrong);
}

/* ---- what there is already ---------------------------------------------- */

static const struct {
	const char *name;
	enum direction dir; /* of a policy of shop/db */
	uint16_t port;	    /* that it allows from app=web; 0: none */
	const char *expected;
} existing_cases[] = {
	{ "what is allowed already is left out", DIRECTION_INGRESS, 5432,
	  "shop/db-2 app=db ingress?; shop/web app=web to app=db :5432" },
	{ "what is missing is there alone", DIRECTION_INGRESS, 80,
	  "shop/db-2 app=db from app=web :5432; "
	  "shop/web app=web to app=db :5432" },
	{ "a direction in which nothing isolates is not there already",
	  DIRECTION_EGRESS, 0,
	  "shop/db-2 app=db from app=web :5432 egress?; "
	  "shop/web app=web to app=db :5432" },
};

static struct object existing_policy(size_t i)
{
	struct object policy =
		a_policy("shop", "db", "app=db", existing_cases[i].dir);

	if (existing_cases[i].port == 0)
		return policy;
	return with_rule(policy, existing_cases[i].dir,
			 on_ports(a_pod_rule(NULL, "app=web"), PROTOCOL_TCP,
				  existing_cases[i].port,
				  existing_cases[i].port));
}

static size_t check_existing(size_t i)
{
	const struct snapshot_options everywhere = { .node_name = NULL };
	struct cluster *cluster = cluster_new();
	struct suggest_options options;
	struct suggestion suggestion;
	struct snapshot *snapshot;
	struct suggest *suggest;
	size_t wrong;

	put_pods(cluster, WEB DB);
	put(cluster, existing_policy(i));
	assert_int_equal(
		0, snapshot_compile(cluster, &everywhere, &snapshot, NULL));
	options = usual(snapshot);
	assert_int_equal(0, suggest_new(cluster, &options, &suggest, NULL));
	add_flows(suggest, cluster, "shop/web-1 shop/db-0 5432/TCP");
	assert_int_equal(0, suggest_finish(suggest, &suggestion, NULL));
	wrong = differs(
		existing_cases[i].name, existing_cases[i].expected,
		write_policies(suggestion.policies, suggestion.n_policies));
	suggest_free(suggest);
	snapshot_free(snapshot);
	cluster_free(cluster);
	arena_release(&build_arena);
	return wrong;
}

static void only_what_is_missing_is_suggested(void **state)
{
	size_t n_wrong = 0;

	(void)state;
	for (size_t i = 0; i < N_OF(existing_cases); i++)
		n_wrong += check_existing(i);
	assert_int_equal(0, n_wrong);
}

/* ---- how often, and what not -------------------------------------------- */

static void uses_are_counted_by_rule(void **state)
{
	const struct suggest_options options = usual(NULL);
	struct cluster *cluster = cluster_new();
	struct suggestion suggestion;
	const struct suggested_rule *rule;
	struct suggest *suggest;
	struct suggest_flow flow;

	(void)state;
	put_pods(cluster, WEB DB CRON FAR);
	assert_int_equal(0, suggest_new(cluster, &options, &suggest, NULL));
	flow = read_flow(cluster, "shop/web-1 shop/db-0 5432/TCP 7");
	flow.last_us = 2000;
	assert_int_equal(0, suggest_add(suggest, &flow));
	flow.last_us = 1000;
	assert_int_equal(0, suggest_add(suggest, &flow));
	add_flows(suggest, cluster, "shop/cron-1 shop/db-0 5432/TCP 3");
	assert_int_equal(0, suggest_finish(suggest, &suggestion, NULL));
	rule = suggestion.policies[1].rules[DIRECTION_INGRESS];
	assert_int_equal(17, rule->use.count);
	assert_int_equal(2000, rule->use.last_us);
	assert_int_equal(3, rule->peer_uses[0].count);
	assert_string_equal("shop/cron", rule->peer_names[0]);
	assert_int_equal(14, rule->peer_uses[1].count);
	assert_string_equal("shop/web", rule->peer_names[1]);
	assert_int_equal(1, suggestion.n_unseen);
	assert_string_equal("far", suggestion.unseen[0].name);
	suggest_free(suggest);
	cluster_free(cluster);
	arena_release(&build_arena);
}

static void add_told_at(struct suggest *suggest, const struct cluster *cluster,
			bool at_sender, bool at_receiver, uint64_t count)
{
	struct suggest_flow flow =
		read_flow(cluster, "shop/web-1 shop/db-0 5432/TCP");

	flow.count = count;
	flow.told_at[DIRECTION_EGRESS] = at_sender;
	flow.told_at[DIRECTION_INGRESS] = at_receiver;
	assert_int_equal(0, suggest_add(suggest, &flow));
}

static const struct {
	const char *name;
	uint64_t at_sender, at_receiver, at_both, count; /* 0: never */
} told_cases[] = {
	{ "what two nodes tell of is one", 1, 1, 0, 1 },
	{ "what one of them missed was seen", 3, 1, 0, 3 },
	{ "one node tells alone", 0, 5, 0, 5 },
	{ "what has both ends on one node is told of once", 0, 0, 4, 4 },
	{ "one kind adds to another", 2, 0, 4, 6 },
	{ "a sum stays as large as it can be", UINT64_MAX, 0, UINT64_MAX,
	  UINT64_MAX },
};

static size_t check_told(size_t i)
{
	const struct suggest_options options = usual(NULL);
	struct cluster *cluster = cluster_new();
	const struct suggested_policy *db;
	struct suggestion suggestion;
	struct suggest *suggest;
	uint64_t count;

	put_pods(cluster, WEB DB);
	assert_int_equal(0, suggest_new(cluster, &options, &suggest, NULL));
	if (told_cases[i].at_sender)
		add_told_at(suggest, cluster, true, false,
			    told_cases[i].at_sender);
	if (told_cases[i].at_receiver)
		add_told_at(suggest, cluster, false, true,
			    told_cases[i].at_receiver);
	if (told_cases[i].at_both)
		add_told_at(suggest, cluster, true, true,
			    told_cases[i].at_both);
	assert_int_equal(0, suggest_finish(suggest, &suggestion, NULL));
	/* What was seen once is set apart. */
	db = told_cases[i].count < options.min_count ? suggestion.apart
						     : suggestion.policies;
	count = db->rules[DIRECTION_INGRESS]->use.count;
	suggest_free(suggest);
	cluster_free(cluster);
	arena_release(&build_arena);
	if (count == told_cases[i].count)
		return 0;
	print_error("%s: expected %llu, got %llu\n", told_cases[i].name,
		    (unsigned long long)told_cases[i].count,
		    (unsigned long long)count);
	return 1;
}

static void what_two_nodes_tell_of_is_counted_once(void **state)
{
	size_t n_wrong = 0;

	(void)state;
	for (size_t i = 0; i < N_OF(told_cases); i++)
		n_wrong += check_told(i);
	assert_int_equal(0, n_wrong);
}

/* Counts of captures, by the number of the file; a log has the file 0. */
static const struct {
	const char *name;
	struct {
		uint32_t capture;
		uint64_t count;
	} told[4];
	uint64_t count;
} captured_cases[] = {
	{ "what two captures have is one", { { 1, 1 }, { 2, 1 } }, 1 },
	{ "what one of them has twice is two",
	  { { 1, 1 }, { 2, 1 }, { 2, 1 } },
	  2 },
	{ "the first may have the most", { { 1, 2 }, { 1, 3 }, { 2, 1 } }, 5 },
	{ "and so may one between",
	  { { 1, 1 }, { 2, 4 }, { 3, 2 }, { 4, 1 } },
	  4 },
	{ "what a log and a capture have is one", { { 0, 1 }, { 1, 1 } }, 1 },
};

static size_t check_captured(size_t i)
{
	struct suggest_uses sum = { 0 };
	uint64_t count;

	for (size_t k = 0; k < N_OF(captured_cases[i].told); k++) {
		const struct suggest_flow flow = {
			.capture = captured_cases[i].told[k].capture,
			.count = captured_cases[i].told[k].count,
			.told_at = { true, false },
		};
		struct suggest_uses one = { 0 };

		suggest_uses_add(&one, &flow);
		if (flow.count > 0)
			suggest_uses_join(&sum, &one);
	}
	count = suggest_use_of(&sum).count;
	if (count == captured_cases[i].count)
		return 0;
	print_error("%s: expected %llu, got %llu\n", captured_cases[i].name,
		    (unsigned long long)captured_cases[i].count,
		    (unsigned long long)count);
	return 1;
}

static void what_two_captures_have_is_counted_once(void **state)
{
	size_t n_wrong = 0;

	(void)state;
	for (size_t i = 0; i < N_OF(captured_cases); i++)
		n_wrong += check_captured(i);
	assert_int_equal(0, n_wrong);
}

/* ---- how many ----------------------------------------------------------- */

enum { N_WORKLOADS = 10, N_REPLICAS = 10 };

static void put_crowd(struct cluster *cluster)
{
	for (unsigned int i = 0; i < N_WORKLOADS * N_REPLICAS; i++) {
		unsigned int w = i % N_WORKLOADS;
		char line[256];

		snprintf(line, sizeof(line),
			 "shop a%u-%u app=a%u,pod-template-hash=bcdf%c "
			 "10.0.%u.%u ReplicaSet/a%u-bcdf%c http=8080",
			 w, i, w, "ghjkl"[i % 5], w, i + 1, w, "ghjkl"[i % 5]);
		put(cluster, read_pod(line));
	}
}

/* Each workload calls the next two; all pods of each do. */
static void add_crowd(struct suggest *suggest, const struct cluster *cluster)
{
	for (unsigned int i = 0; i < N_WORKLOADS * N_REPLICAS; i++) {
		for (unsigned int step = 1; step <= 2; step++) {
			unsigned int from = i % N_WORKLOADS;
			unsigned int to = (from + step) % N_WORKLOADS;
			char line[128];

			snprintf(line, sizeof(line),
				 "shop/a%u-%u shop/a%u-%u 8080/TCP", from, i,
				 to, i - from + to);
			add_flows(suggest, cluster, line);
		}
	}
}

static void a_hundred_pods_of_ten_workloads_have_ten_policies(void **state)
{
	const struct suggest_options options = usual(NULL);
	struct cluster *cluster = cluster_new();
	struct suggestion suggestion;
	struct suggest *suggest;
	size_t n_rules = 0;

	(void)state;
	put_crowd(cluster);
	assert_int_equal(0, suggest_new(cluster, &options, &suggest, NULL));
	add_crowd(suggest, cluster);
	assert_int_equal(0, suggest_finish(suggest, &suggestion, NULL));
	for (size_t i = 0; i < suggestion.n_policies; i++) {
		n_rules += suggestion.policies[i].policy.n_rules[0];
		n_rules += suggestion.policies[i].policy.n_rules[1];
	}
	assert_int_equal(N_WORKLOADS, suggestion.n_policies);
	assert_int_equal(2 * N_WORKLOADS, n_rules);
	assert_int_equal(0, suggestion.n_apart);
	suggest_free(suggest);
	cluster_free(cluster);
	arena_release(&build_arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(suggestions_are_few_and_plain),
		cmocka_unit_test(only_what_is_missing_is_suggested),
		cmocka_unit_test(uses_are_counted_by_rule),
		cmocka_unit_test(what_two_nodes_tell_of_is_counted_once),
		cmocka_unit_test(what_two_captures_have_is_counted_once),
		cmocka_unit_test(
			a_hundred_pods_of_ten_workloads_have_ten_policies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
