/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "object_equal.h"

#include <string.h>

static bool strings_equal(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool labels_equal(const struct labels *a, const struct labels *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (strcmp(a->items[i].key, b->items[i].key) ||
		    strcmp(a->items[i].value, b->items[i].value))
			return false;
	}
	return true;
}

static bool addresses_equal(const struct ip_addr *a, size_t n_a,
			    const struct ip_addr *b, size_t n_b)
{
	if (n_a != n_b)
		return false;
	for (size_t i = 0; i < n_a; i++) {
		if (!ip_addr_equal(&a[i], &b[i]))
			return false;
	}
	return true;
}

static bool selectors_equal(const struct selector *a, const struct selector *b)
{
	if (!a || !b)
		return a == b;
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		const struct requirement *p = &a->requirements[i];
		const struct requirement *q = &b->requirements[i];

		if (p->op != q->op || p->n_values != q->n_values ||
		    strcmp(p->key, q->key))
			return false;
		for (size_t k = 0; k < p->n_values; k++) {
			if (strcmp(p->values[k], q->values[k]))
				return false;
		}
	}
	return true;
}

static bool blocks_equal(const struct cidr *a, const struct cidr *b)
{
	return a->prefix_len == b->prefix_len &&
	       ip_addr_equal(&a->addr, &b->addr);
}

static bool peers_equal(const struct peer *a, const struct peer *b)
{
	if (a->kind != b->kind || !blocks_equal(&a->block, &b->block) ||
	    a->n_except != b->n_except)
		return false;
	for (size_t i = 0; i < a->n_except; i++) {
		if (!blocks_equal(&a->except[i], &b->except[i]))
			return false;
	}
	return selectors_equal(a->pod_selector, b->pod_selector) &&
	       selectors_equal(a->namespace_selector, b->namespace_selector);
}

static bool rules_equal(const struct rule *a, const struct rule *b)
{
	if (a->n_peers != b->n_peers || a->n_ports != b->n_ports)
		return false;
	for (size_t i = 0; i < a->n_peers; i++) {
		if (!peers_equal(&a->peers[i], &b->peers[i]))
			return false;
	}
	for (size_t i = 0; i < a->n_ports; i++) {
		const struct policy_port *p = &a->ports[i];
		const struct policy_port *q = &b->ports[i];

		if (p->kind != q->kind || p->protocol != q->protocol ||
		    p->first != q->first || p->last != q->last ||
		    !strings_equal(p->name, q->name))
			return false;
	}
	return true;
}

static bool policies_equal(const struct network_policy *a,
			   const struct network_policy *b)
{
	if (strcmp(a->namespace, b->namespace) || strcmp(a->name, b->name) ||
	    !strings_equal(a->uid, b->uid) || a->generation != b->generation ||
	    a->mode != b->mode || a->staged != b->staged ||
	    !selectors_equal(&a->pod_selector, &b->pod_selector))
		return false;
	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		if (a->isolates[dir] != b->isolates[dir] ||
		    a->n_rules[dir] != b->n_rules[dir])
			return false;
		for (size_t i = 0; i < a->n_rules[dir]; i++) {
			if (!rules_equal(&a->rules[dir][i], &b->rules[dir][i]))
				return false;
		}
	}
	return true;
}

static bool container_ports_equal(const struct pod *a, const struct pod *b)
{
	if (a->n_ports != b->n_ports)
		return false;
	for (size_t i = 0; i < a->n_ports; i++) {
		if (a->ports[i].number != b->ports[i].number ||
		    a->ports[i].protocol != b->ports[i].protocol ||
		    strcmp(a->ports[i].name, b->ports[i].name))
			return false;
	}
	return true;
}

static bool pods_equal(const struct pod *a, const struct pod *b)
{
	return strings_equal(a->namespace, b->namespace) &&
	       strings_equal(a->name, b->name) &&
	       strings_equal(a->uid, b->uid) &&
	       strings_equal(a->node_name, b->node_name) &&
	       strings_equal(a->owner_kind, b->owner_kind) &&
	       strings_equal(a->owner_name, b->owner_name) &&
	       labels_equal(&a->labels, &b->labels) &&
	       container_ports_equal(a, b) &&
	       addresses_equal(a->addresses, a->n_addresses, b->addresses,
			       b->n_addresses) &&
	       a->created_s == b->created_s &&
	       a->host_network == b->host_network &&
	       a->finished == b->finished && a->deleting == b->deleting;
}

static bool nodes_equal(const struct node *a, const struct node *b)
{
	if (strcmp(a->name, b->name) != 0 || a->n_pod_cidrs != b->n_pod_cidrs)
		return false;
	for (size_t i = 0; i < a->n_pod_cidrs; i++) {
		if (!blocks_equal(&a->pod_cidrs[i], &b->pod_cidrs[i]))
			return false;
	}
	return addresses_equal(a->addresses, a->n_addresses, b->addresses,
			       b->n_addresses);
}

bool object_equal(const struct object *a, const struct object *b)
{
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case OBJECT_POD:
		return pods_equal(&a->pod, &b->pod);
	case OBJECT_NAMESPACE:
		return strcmp(a->namespace.name, b->namespace.name) == 0 &&
		       strings_equal(a->namespace.uid, b->namespace.uid) &&
		       labels_equal(&a->namespace.labels,
				    &b->namespace.labels) &&
		       a->namespace.terminating == b->namespace.terminating &&
		       a->namespace.mode == b->namespace.mode;
	case OBJECT_NETWORK_POLICY:
		return policies_equal(&a->policy, &b->policy);
	case OBJECT_NODE:
		return nodes_equal(&a->node, &b->node);
	}
	return false;
}
