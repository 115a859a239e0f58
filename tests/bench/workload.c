/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "workload.h"

#include <err.h>
#include <stdarg.h>
#include <stdio.h>

#include "store/object_equal.h"
#include "store/record.h"

#include "object_build.h"
#include "twin/engine.h"

#define CREATED_S 1704067200 /* 2024-01-01T00:00:00Z */

/* ---- building ----------------------------------------------------------- */

__attribute__((format(printf, 1, 2))) static const char *text(const char *fmt,
							      ...)
{
	char buffer[128];
	va_list args;

	va_start(args, fmt);
	vsnprintf(buffer, sizeof(buffer), fmt, args);
	va_end(args);
	return arena_strdup(&build_arena, buffer);
}

/* A peer's selector that is one expression. */
static const struct selector *an_expression(const char *key,
					    enum selector_operator op,
					    const char *a, const char *b)
{
	struct selector *selector =
		arena_array(&build_arena, 1, sizeof(*selector));
	struct requirement *requirement =
		arena_array(&build_arena, 1, sizeof(*requirement));
	const char **values = arena_array(&build_arena, 2, sizeof(*values));

	values[0] = a;
	values[1] = b;
	*requirement = (struct requirement){ key, op, values, b ? 2 : 1 };
	*selector = (struct selector){ requirement, 1 };
	return selector;
}

static struct rule a_peer_rule(const struct selector *namespaces,
			       const struct selector *pods)
{
	struct peer *peer = arena_array(&build_arena, 1, sizeof(*peer));

	peer->namespace_selector = namespaces;
	peer->pod_selector = pods;
	return (struct rule){ .peers = peer, .n_peers = 1 };
}

static struct rule on_both_ports(struct rule rule, uint16_t a, uint16_t b)
{
	struct policy_port *ports =
		arena_array(&build_arena, 2, sizeof(*ports));

	ports[0] = (struct policy_port){ PORT_RANGE, PROTOCOL_TCP, a, a, NULL };
	ports[1] = (struct policy_port){ PORT_RANGE, PROTOCOL_TCP, b, b, NULL };
	rule.ports = ports;
	rule.n_ports = 2;
	return rule;
}

static struct ip_addr an_address(size_t a, size_t b, size_t c)
{
	const uint8_t bytes[4] = { 10, (uint8_t)a, (uint8_t)b, (uint8_t)c };

	return ip_addr_v4(bytes);
}

static struct object a_running_pod(const char *namespace, const char *name,
				   const char *labels, struct ip_addr address)
{
	struct object object = a_pod(namespace, name, labels, "");

	object.pod.created_s = CREATED_S;
	object.pod.addresses[0] = address;
	object.pod.n_addresses = 1;
	return object;
}

void workload_forget(void)
{
	arena_clear(&build_arena);
}

/* ---- W(n) --------------------------------------------------------------- */

struct ip_addr workload_address(size_t i, size_t j)
{
	return an_address(100 + i / 250, i % 250, j + 1);
}

struct object workload_namespace(size_t i)
{
	return a_namespace(text("ns%zu", i),
			   text("env=e%zu," NAMESPACE_NAME_LABEL
				"=ns%zu,team=t%zu",
				i % 3, i, i % 20));
}

static struct object pod_of_version(size_t i, size_t j, const char *version)
{
	struct object object = a_running_pod(
		text("ns%zu", i), text("pod%zu", j),
		text("app=a%zu,tier=r%zu,version=%s", j % 10, j % 3, version),
		workload_address(i, j));

	object.pod.uid = text("%08zx-0000-4000-8000-%012zx", i, j);
	object.pod.node_name = text("node%zu", j);
	object.pod.owner_kind = "ReplicaSet";
	object.pod.owner_name = text("a%zu-%010zx", j % 10, i);
	object = with_port(object, "http", PROTOCOL_TCP, 8080);
	return with_port(object, "metrics", PROTOCOL_TCP, 9090);
}

struct object workload_pod(size_t i, size_t j)
{
	return pod_of_version(i, j, text("v%zu", j % 2));
}

struct object workload_new_pod(size_t i, size_t j, size_t number)
{
	return pod_of_version(i, j, text("new%zu", number));
}

/* What else a policy lets in after an edit. */
struct edit {
	const char *tier;
	uint16_t last_port;
};

static struct edit make_edit(size_t edition)
{
	if (edition == 0)
		return (struct edit){ "r1", 9095 };
	return (struct edit){ text("x%zu", edition),
			      (uint16_t)(9096 + edition % 1000) };
}

static void add_ingress(struct object *policy, size_t i, size_t k,
			struct edit edit)
{
	const enum direction in = DIRECTION_INGRESS;
	const struct selector *team =
		a_selector(text("team=t%zu", (i + k) % 20));
	const struct selector *tiers =
		an_expression("tier", SELECTOR_IN, "r0", edit.tier);

	*policy = with_rule(
		*policy, in,
		on_ports(a_pod_rule(NULL, text("app=a%zu", (k + 1) % 10)),
			 PROTOCOL_TCP, 8080, 8080));
	*policy = with_rule(
		*policy, in,
		on_named_port(a_peer_rule(team, tiers), PROTOCOL_TCP, "http"));
	*policy = with_rule(
		*policy, in,
		on_ports(a_block_rule("10.0.0.0/8", text("10.%zu.0.0/16", k)),
			 PROTOCOL_TCP, 9090, edit.last_port));
}

static void add_egress(struct object *policy)
{
	const enum direction out = DIRECTION_EGRESS;
	const struct selector *not_e2 =
		an_expression("env", SELECTOR_NOT_IN, "e2", NULL);

	*policy = with_rule(
		*policy, out,
		on_ports(a_pod_rule("", "k8s-app=dns"), PROTOCOL_UDP, 53, 53));
	*policy = with_rule(*policy, out, a_pod_rule(NULL, ""));
	*policy =
		with_rule(*policy, out,
			  on_both_ports(a_peer_rule(not_e2, NULL), 8080, 9090));
}

struct object workload_policy(size_t i, size_t k, size_t edition)
{
	struct object policy = a_policy(text("ns%zu", i), text("p%zu", k),
					text("app=a%zu", k), DIRECTION_INGRESS);

	policy.policy.isolates[DIRECTION_EGRESS] = true;
	add_ingress(&policy, i, k, make_edit(edition));
	add_egress(&policy);
	return policy;
}

static void put(struct cluster *cluster, struct object object)
{
	if (cluster_put(cluster, &object, 0) < 0)
		errx(2, "no memory for the objects");
}

struct cluster *workload_cluster(size_t n)
{
	struct cluster *cluster = cluster_new();

	if (!cluster)
		errx(2, "no memory for a cluster");
	for (size_t i = 0; i < n; i++) {
		put(cluster, workload_namespace(i));
		for (size_t j = 0; j < WORKLOAD_PODS; j++)
			put(cluster, workload_pod(i, j));
		for (size_t k = 0; k < WORKLOAD_POLICIES; k++)
			put(cluster, workload_policy(i, k, 0));
		workload_forget();
	}
	return cluster;
}

/* ---- the wide workload -------------------------------------------------- */

#define WIDE_NAMESPACE "wide"

struct ip_addr wide_subject(void)
{
	return an_address(99, 0, 1);
}

struct ip_addr wide_peer(size_t k)
{
	return an_address(100 + k / 62500, k / 250 % 250, k % 250 + 1);
}

struct ip_addr wide_block(size_t k)
{
	return an_address(200 + k / 4096, k / 16 % 256, k % 16 * 16 + 5);
}

uint16_t wide_port(size_t k)
{
	return (uint16_t)(10000 + k);
}

static struct object wide_policy(size_t k)
{
	const char *block = text("10.%zu.%zu.%zu/28", 200 + k / 4096,
				 k / 16 % 256, k % 16 * 16);
	uint16_t port = wide_port(k);
	struct object policy = a_policy(WIDE_NAMESPACE, text("p%05zu", k),
					"app=subject", DIRECTION_INGRESS);

	policy.policy.isolates[DIRECTION_EGRESS] = true;
	policy = with_rule(policy, DIRECTION_INGRESS,
			   on_ports(a_pod_rule(NULL, text("peer=p%zu", k)),
				    PROTOCOL_TCP, port, port));
	return with_rule(
		policy, DIRECTION_EGRESS,
		on_ports(a_block_rule(block, NULL), PROTOCOL_TCP, port, port));
}

static struct object wide_pod(size_t k)
{
	struct object pod = a_running_pod(WIDE_NAMESPACE, text("peer%zu", k),
					  text("peer=p%zu", k), wide_peer(k));

	pod.pod.uid = text("%08zx-0000-4000-8000-000000000000", k);
	pod.pod.node_name = "node8";
	return pod;
}

struct cluster *wide_cluster(size_t n)
{
	struct cluster *cluster = cluster_new();
	struct object subject = a_running_pod(WIDE_NAMESPACE, "subject",
					      "app=subject", wide_subject());

	if (!cluster)
		errx(2, "no memory for a cluster");
	subject.pod.uid = "ffffffff-0000-4000-8000-000000000000";
	subject.pod.node_name = WORKLOAD_NODE;
	put(cluster, a_namespace(WIDE_NAMESPACE,
				 NAMESPACE_NAME_LABEL "=" WIDE_NAMESPACE));
	put(cluster, subject);
	for (size_t k = 0; k < n; k++) {
		put(cluster, wide_pod(k));
		put(cluster, wide_policy(k));
		workload_forget();
	}
	return cluster;
}

/* ---- comparing ---------------------------------------------------------- */

struct comparison {
	const struct cluster *cluster;
	size_t n;
};

static void compare_one(void *ctx, const struct object *object)
{
	struct comparison *comparison = ctx;
	const char *namespace = object_namespace(object);
	const char *name = object_name(object);
	const struct object *found = cluster_find(
		comparison->cluster, object->kind, namespace, name);

	if (!found || !object_equal(found, object))
		errx(2, "workload.c and workload.py differ: %s '%s/%s' is %s",
		     object_kind_name(object->kind), namespace, name,
		     found ? "another one" : "missing");
	comparison->n++;
}

size_t workload_compare(const struct cluster *cluster, const char *json)
{
	struct comparison comparison = { .cluster = cluster };

	engine_each(json, compare_one, &comparison);
	return comparison.n;
}
