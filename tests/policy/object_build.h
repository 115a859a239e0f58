/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_TESTS_POLICY_OBJECT_BUILD_H
#define NETPOLD_TESTS_POLICY_OBJECT_BUILD_H

#include <stdlib.h>
#include <string.h>

#include "netpold/arena.h"
#include "netpold/cluster.h"
#include "netpold/object.h"

/*
 * Small worlds in readable lines: objects as values, made in place.
 *
 *	struct object web = a_pod("shop", "web-1", "app=web", "10.0.0.1");
 *
 * Labels are written "key=value,key=value", sorted by key. All memory is the
 * build_arena's: a test's teardown gives it back with arena_release().
 */
static struct arena build_arena;

static inline struct ip_addr an_addr(const char *text)
{
	struct ip_addr addr = { 0 };

	if (*text && ip_addr_parse(text, strlen(text), &addr) < 0)
		abort();
	return addr;
}

static inline struct labels some_labels(const char *text)
{
	struct label *items = arena_array(&build_arena, 16, sizeof(*items));
	char *copy = arena_strdup(&build_arena, text), *save = NULL;
	size_t n = 0;

	for (char *part = strtok_r(copy, ",", &save); part;
	     part = strtok_r(NULL, ",", &save)) {
		char *value = strchr(part, '=');

		*value++ = '\0';
		items[n++] = (struct label){ part, value };
	}
	return (struct labels){ items, n };
}

/* addresses: one, or two separated by a comma; "" for none. */
static inline struct object a_pod(const char *namespace, const char *name,
				  const char *labels, const char *addresses)
{
	struct object object = { .kind = OBJECT_POD };
	char *copy = arena_strdup(&build_arena, addresses), *save = NULL;
	struct pod *pod = &object.pod;

	pod->namespace = namespace;
	pod->name = name;
	pod->uid = "";
	pod->node_name = "node-1";
	pod->owner_kind = pod->owner_name = "";
	pod->labels = some_labels(labels);
	for (char *part = strtok_r(copy, ",", &save); part;
	     part = strtok_r(NULL, ",", &save))
		pod->addresses[pod->n_addresses++] = an_addr(part);
	return object;
}

static inline struct object a_namespace(const char *name, const char *labels)
{
	struct object object = { .kind = OBJECT_NAMESPACE };

	object.namespace.name = name;
	object.namespace.uid = "";
	object.namespace.labels = some_labels(labels);
	return object;
}

static inline struct object a_node(const char *name, const char *address)
{
	struct object object = { .kind = OBJECT_NODE };
	struct ip_addr *addr = arena_array(&build_arena, 1, sizeof(*addr));

	*addr = an_addr(address);
	object.node.name = name;
	object.node.addresses = addr;
	object.node.n_addresses = 1;
	return object;
}

/* "key=value,…" as a selector; "" matches everything. */
static inline const struct selector *a_selector(const char *text)
{
	struct selector *selector =
		arena_array(&build_arena, 1, sizeof(*selector));
	struct labels labels = some_labels(text);
	struct requirement *items =
		arena_array(&build_arena, labels.n + 1, sizeof(*items));

	for (size_t i = 0; i < labels.n; i++) {
		const char **value =
			arena_array(&build_arena, 1, sizeof(*value));

		*value = labels.items[i].value;
		items[i] = (struct requirement){ labels.items[i].key,
						 SELECTOR_IN, value, 1 };
	}
	selector->requirements = items;
	selector->n = labels.n;
	return selector;
}

/* Isolates the pods it selects, and allows nothing; rules come by
   with_rule(). */
static inline struct object a_policy(const char *namespace, const char *name,
				     const char *pod_selector,
				     enum direction dir)
{
	struct object object = { .kind = OBJECT_NETWORK_POLICY };

	object.policy.namespace = namespace;
	object.policy.name = name;
	object.policy.uid = "";
	object.policy.pod_selector = *a_selector(pod_selector);
	object.policy.isolates[dir] = true;
	return object;
}

/* Pods, namespaces and policies alone have one. */
static inline struct object with_uid(struct object object, const char *uid)
{
	if (object.kind == OBJECT_POD)
		object.pod.uid = uid;
	else if (object.kind == OBJECT_NAMESPACE)
		object.namespace.uid = uid;
	else
		object.policy.uid = uid;
	return object;
}

/* Namespaces and policies have one. */
static inline struct object with_mode(struct object object,
				      enum policy_mode mode)
{
	if (object.kind == OBJECT_NAMESPACE)
		object.namespace.mode = mode;
	else
		object.policy.mode = mode;
	return object;
}

static inline struct object with_rule(struct object policy, enum direction dir,
				      struct rule rule)
{
	size_t n = policy.policy.n_rules[dir];
	struct rule *rules = arena_array(&build_arena, n + 1, sizeof(*rules));

	if (n)
		memcpy(rules, policy.policy.rules[dir], n * sizeof(*rules));
	rules[n] = rule;
	policy.policy.rules[dir] = rules;
	policy.policy.n_rules[dir] = n + 1;
	return policy;
}

/* A selector of NULL is one that is not set. */
static inline struct rule a_pod_rule(const char *namespace_selector,
				     const char *pod_selector)
{
	struct peer *peer = arena_array(&build_arena, 1, sizeof(*peer));

	if (namespace_selector)
		peer->namespace_selector = a_selector(namespace_selector);
	if (pod_selector)
		peer->pod_selector = a_selector(pod_selector);
	return (struct rule){ .peers = peer, .n_peers = 1 };
}

static inline struct rule a_block_rule(const char *block, const char *except)
{
	struct peer *peer = arena_array(&build_arena, 1, sizeof(*peer));
	struct cidr *cidr = arena_array(&build_arena, 1, sizeof(*cidr));

	peer->kind = PEER_IP_BLOCK;
	if (cidr_parse(block, strlen(block), &peer->block, NULL) < 0)
		abort();
	if (except) {
		if (cidr_parse(except, strlen(except), cidr, NULL) < 0)
			abort();
		peer->except = cidr;
		peer->n_except = 1;
	}
	return (struct rule){ .peers = peer, .n_peers = 1 };
}

static inline struct rule on_ports(struct rule rule, uint8_t protocol,
				   uint16_t first, uint16_t last)
{
	struct policy_port *port = arena_array(&build_arena, 1, sizeof(*port));

	*port = (struct policy_port){ PORT_RANGE, protocol, first, last, NULL };
	rule.ports = port;
	rule.n_ports = 1;
	return rule;
}

static inline struct rule on_named_port(struct rule rule, uint8_t protocol,
					const char *name)
{
	struct policy_port *port = arena_array(&build_arena, 1, sizeof(*port));

	*port = (struct policy_port){ PORT_NAMED, protocol, 0, 0, name };
	rule.ports = port;
	rule.n_ports = 1;
	return rule;
}

static inline struct rule on_protocol(struct rule rule, uint8_t protocol)
{
	struct policy_port *port = arena_array(&build_arena, 1, sizeof(*port));

	*port = (struct policy_port){ PORT_ANY, protocol, 0, 0, NULL };
	rule.ports = port;
	rule.n_ports = 1;
	return rule;
}

static inline struct object with_port(struct object pod, const char *name,
				      uint8_t protocol, uint16_t number)
{
	size_t n = pod.pod.n_ports;
	struct container_port *ports =
		arena_array(&build_arena, n + 1, sizeof(*ports));

	if (n)
		memcpy(ports, pod.pod.ports, n * sizeof(*ports));
	ports[n] = (struct container_port){ name, number, protocol };
	pod.pod.ports = ports;
	pod.pod.n_ports = (uint32_t)(n + 1);
	return pod;
}

#endif
