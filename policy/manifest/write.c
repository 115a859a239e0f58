/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reverse of decode.c and decode_policy.c. What those fill in for what is
 * absent is written down, so that nothing hangs on defaults: protocols, policy
 * types, the namespace. Labels to match become expressions, which mean the same
 * (NP-22) and keep their order.
 */
#include "netpold/manifest_write.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct writer {
	manifest_put_fn put;
	void *ctx;
	bool begun; /* the object or list has an entry already */
};

/* ---- JSON --------------------------------------------------------------- */

static void put_text(struct writer *w, const char *text)
{
	w->put(w->ctx, text, strlen(text));
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c != '"' && c != '\\' && c != 0x7f;
}

static void put_string(struct writer *w, const char *text)
{
	put_text(w, "\"");
	while (*text) {
		size_t n = 0;
		char escaped[sizeof("\\u0000")];

		while (text[n] && is_plain((unsigned char)text[n]))
			n++;
		w->put(w->ctx, text, n);
		text += n;
		if (!*text)
			break;
		snprintf(escaped, sizeof(escaped), "\\u%04x",
			 (unsigned int)(unsigned char)*text++);
		put_text(w, escaped);
	}
	put_text(w, "\"");
}

static void put_comma(struct writer *w)
{
	if (w->begun)
		put_text(w, ",");
	w->begun = true;
}

static void open_with(struct writer *w, const char *bracket)
{
	put_text(w, bracket);
	w->begun = false;
}

/* What it stands in has an entry now: this one. */
static void close_with(struct writer *w, const char *bracket)
{
	put_text(w, bracket);
	w->begun = true;
}

static void put_key(struct writer *w, const char *key)
{
	put_comma(w);
	put_string(w, key);
	put_text(w, ":");
}

static void open_at(struct writer *w, const char *key, const char *bracket)
{
	put_key(w, key);
	open_with(w, bracket);
}

/* Nothing where it is empty. */
static void put_member(struct writer *w, const char *key, const char *value)
{
	if (!*value)
		return;
	put_key(w, key);
	put_string(w, value);
}

static void put_number(struct writer *w, const char *key, int64_t number)
{
	char text[32];

	put_key(w, key);
	snprintf(text, sizeof(text), "%" PRId64, number);
	put_text(w, text);
}

static void put_item(struct writer *w, const char *text)
{
	put_comma(w);
	put_string(w, text);
}

static void open_item(struct writer *w)
{
	put_comma(w);
	open_with(w, "{");
}

/* ---- what several kinds have -------------------------------------------- */

static void put_labels(struct writer *w, const struct labels *labels)
{
	if (labels->n == 0)
		return;
	open_at(w, "labels", "{");
	for (size_t i = 0; i < labels->n; i++) {
		put_key(w, labels->items[i].key);
		put_string(w, labels->items[i].value);
	}
	close_with(w, "}");
}

static void put_mode(struct writer *w, enum policy_mode mode)
{
	if (mode == POLICY_MODE_NONE)
		return;
	open_at(w, "annotations", "{");
	put_member(w, MODE_ANNOTATION, policy_mode_name(mode));
	close_with(w, "}");
}

static void put_time(struct writer *w, const char *key, int64_t seconds)
{
	time_t time = (time_t)seconds;
	char text[sizeof("2006-01-02T15:04:05Z")];
	struct tm tm;

	if (seconds == 0 || !gmtime_r(&time, &tm) || tm.tm_year < 1 - 1900 ||
	    tm.tm_year > 9999 - 1900)
		return;
	/* strftime(3) does not fill up years with zeros. */
	snprintf(text, sizeof(text), "%04u-%02u-%02uT%02u:%02u:%02uZ",
		 (unsigned int)(tm.tm_year + 1900) % 10000,
		 (unsigned int)(tm.tm_mon + 1) % 100,
		 (unsigned int)tm.tm_mday % 100, (unsigned int)tm.tm_hour % 100,
		 (unsigned int)tm.tm_min % 100, (unsigned int)tm.tm_sec % 100);
	put_member(w, key, text);
}

static void put_address(struct writer *w, const char *key,
			const struct ip_addr *addr)
{
	char text[IP_ADDR_TEXT_LEN];

	open_item(w);
	put_member(w, key, ip_addr_format(addr, text));
	close_with(w, "}");
}

static void open_object(struct writer *w, const char *api_version,
			enum object_kind kind)
{
	open_with(w, "{");
	put_member(w, "apiVersion", api_version);
	put_member(w, "kind", object_kind_name(kind));
	open_at(w, "metadata", "{");
}

/* ---- pods --------------------------------------------------------------- */

static void put_owner(struct writer *w, const struct pod *pod)
{
	if (!*pod->owner_kind && !*pod->owner_name)
		return;
	open_at(w, "ownerReferences", "[");
	open_item(w);
	put_member(w, "kind", pod->owner_kind);
	put_member(w, "name", pod->owner_name);
	close_with(w, "}");
	close_with(w, "]");
}

static void put_container_ports(struct writer *w, const struct pod *pod)
{
	if (pod->n_ports == 0)
		return;
	open_at(w, "containers", "[");
	open_item(w);
	open_at(w, "ports", "[");
	for (size_t i = 0; i < pod->n_ports; i++) {
		const struct container_port *port = &pod->ports[i];

		open_item(w);
		put_member(w, "name", port->name);
		put_number(w, "containerPort", port->number);
		put_member(w, "protocol", protocol_name(port->protocol));
		close_with(w, "}");
	}
	close_with(w, "]");
	close_with(w, "}");
	close_with(w, "]");
}

static void put_flag(struct writer *w, const char *key, bool flag)
{
	if (!flag)
		return;
	put_key(w, key);
	put_text(w, "true");
}

static void write_pod(struct writer *w, const struct pod *pod)
{
	open_object(w, "v1", OBJECT_POD);
	put_member(w, "namespace", pod->namespace);
	put_member(w, "name", pod->name);
	put_member(w, "uid", pod->uid);
	put_time(w, "creationTimestamp", pod->created_s);
	if (pod->deleting)
		put_member(w, "deletionTimestamp", "1970-01-01T00:00:00Z");
	put_owner(w, pod);
	put_labels(w, &pod->labels);
	close_with(w, "}");
	open_at(w, "spec", "{");
	put_member(w, "nodeName", pod->node_name);
	put_flag(w, "hostNetwork", pod->host_network);
	put_container_ports(w, pod);
	close_with(w, "}");
	open_at(w, "status", "{");
	if (pod->finished)
		put_member(w, "phase", "Failed");
	open_at(w, "podIPs", "[");
	for (size_t i = 0; i < pod->n_addresses; i++)
		put_address(w, "ip", &pod->addresses[i]);
	close_with(w, "]");
	close_with(w, "}");
}

/* ---- namespaces and nodes ----------------------------------------------- */

static void write_namespace(struct writer *w, const struct namespace *namespace)
{
	open_object(w, "v1", OBJECT_NAMESPACE);
	put_member(w, "name", namespace->name);
	put_member(w, "uid", namespace->uid);
	put_labels(w, &namespace->labels);
	put_mode(w, namespace->mode);
	close_with(w, "}");
	if (!namespace->terminating)
		return;
	open_at(w, "status", "{");
	put_member(w, "phase", "Terminating");
	close_with(w, "}");
}

static void put_pod_cidrs(struct writer *w, const struct node *node)
{
	char text[CIDR_TEXT_LEN];

	if (node->n_pod_cidrs == 0)
		return;
	open_at(w, "spec", "{");
	open_at(w, "podCIDRs", "[");
	for (size_t i = 0; i < node->n_pod_cidrs; i++)
		put_item(w, cidr_format(&node->pod_cidrs[i], text));
	close_with(w, "]");
	close_with(w, "}");
}

static void write_node(struct writer *w, const struct node *node)
{
	open_object(w, "v1", OBJECT_NODE);
	put_member(w, "name", node->name);
	close_with(w, "}");
	put_pod_cidrs(w, node);
	open_at(w, "status", "{");
	open_at(w, "addresses", "[");
	for (size_t i = 0; i < node->n_addresses; i++)
		put_address(w, "address", &node->addresses[i]);
	close_with(w, "]");
	close_with(w, "}");
}

/* ---- policies ----------------------------------------------------------- */

static const char *operator_name(enum selector_operator op)
{
	static const char *const names[] = {
		[SELECTOR_UNKNOWN] = "Unknown",
		[SELECTOR_IN] = "In",
		[SELECTOR_NOT_IN] = "NotIn",
		[SELECTOR_EXISTS] = "Exists",
		[SELECTOR_DOES_NOT_EXIST] = "DoesNotExist",
	};

	return names[op];
}

static void put_requirement(struct writer *w, const struct requirement *r)
{
	open_item(w);
	put_member(w, "key", r->key);
	put_member(w, "operator", operator_name(r->op));
	if (r->n_values > 0) {
		open_at(w, "values", "[");
		for (size_t i = 0; i < r->n_values; i++)
			put_item(w, r->values[i]);
		close_with(w, "]");
	}
	close_with(w, "}");
}

static void put_selector(struct writer *w, const char *key,
			 const struct selector *selector)
{
	if (!selector)
		return;
	open_at(w, key, "{");
	if (selector->n > 0) {
		open_at(w, "matchExpressions", "[");
		for (size_t i = 0; i < selector->n; i++)
			put_requirement(w, &selector->requirements[i]);
		close_with(w, "]");
	}
	close_with(w, "}");
}

/* The server compares lengths as they are written (AV-58): one that is counted
   with the 96 bits in front of an IPv4 address is longer than any that is not,
   so that a block may be excepted whole. */
static void put_except(struct writer *w, const struct cidr *block,
		       const struct cidr *except)
{
	char addr[IP_ADDR_TEXT_LEN], text[CIDR_TEXT_LEN + sizeof("::ffff:")];

	if (except->prefix_len > block->prefix_len ||
	    block->addr.family != IP_V4) {
		put_item(w, cidr_format(except, text));
		return;
	}
	snprintf(text, sizeof(text), "::ffff:%s/%u",
		 ip_addr_format(&except->addr, addr), except->prefix_len + 96u);
	put_item(w, text);
}

static void put_block(struct writer *w, const struct peer *peer)
{
	char text[CIDR_TEXT_LEN];

	open_at(w, "ipBlock", "{");
	put_member(w, "cidr", cidr_format(&peer->block, text));
	if (peer->n_except > 0) {
		open_at(w, "except", "[");
		for (size_t i = 0; i < peer->n_except; i++)
			put_except(w, &peer->block, &peer->except[i]);
		close_with(w, "]");
	}
	close_with(w, "}");
}

static void put_peer(struct writer *w, const struct peer *peer)
{
	open_item(w);
	if (peer->kind == PEER_IP_BLOCK)
		put_block(w, peer);
	put_selector(w, "podSelector", peer->pod_selector);
	put_selector(w, "namespaceSelector", peer->namespace_selector);
	close_with(w, "}");
}

static void put_port(struct writer *w, const struct policy_port *port)
{
	open_item(w);
	put_member(w, "protocol", protocol_name(port->protocol));
	if (port->kind == PORT_NAMED)
		put_member(w, "port", port->name);
	if (port->kind == PORT_RANGE)
		put_number(w, "port", port->first);
	if (port->kind == PORT_RANGE && port->last != port->first)
		put_number(w, "endPort", port->last);
	close_with(w, "}");
}

/* An empty list of peers or ports means all of them, and so does none. */
static void put_rule(struct writer *w, const struct rule *rule,
		     enum direction dir)
{
	open_item(w);
	if (rule->n_peers > 0) {
		open_at(w, dir == DIRECTION_EGRESS ? "to" : "from", "[");
		for (size_t i = 0; i < rule->n_peers; i++)
			put_peer(w, &rule->peers[i]);
		close_with(w, "]");
	}
	if (rule->n_ports > 0) {
		open_at(w, "ports", "[");
		for (size_t i = 0; i < rule->n_ports; i++)
			put_port(w, &rule->ports[i]);
		close_with(w, "]");
	}
	close_with(w, "}");
}

static void write_policy(struct writer *w, const struct network_policy *policy)
{
	open_object(w, "networking.k8s.io/v1", OBJECT_NETWORK_POLICY);
	put_member(w, "namespace", policy->namespace);
	put_member(w, "name", policy->name);
	put_member(w, "uid", policy->uid);
	if (policy->generation)
		put_number(w, "generation", policy->generation);
	put_mode(w, policy->mode);
	close_with(w, "}");
	open_at(w, "spec", "{");
	put_selector(w, "podSelector", &policy->pod_selector);
	open_at(w, "policyTypes", "[");
	if (policy->isolates[DIRECTION_INGRESS])
		put_item(w, "Ingress");
	if (policy->isolates[DIRECTION_EGRESS])
		put_item(w, "Egress");
	close_with(w, "]");
	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		open_at(w, direction_name(dir), "[");
		for (size_t i = 0; i < policy->n_rules[dir]; i++)
			put_rule(w, &policy->rules[dir][i], dir);
		close_with(w, "]");
	}
	close_with(w, "}");
}

void manifest_write(const struct object *object, manifest_put_fn put, void *ctx)
{
	struct writer w = { .put = put, .ctx = ctx };

	switch (object->kind) {
	case OBJECT_POD:
		write_pod(&w, &object->pod);
		break;
	case OBJECT_NAMESPACE:
		write_namespace(&w, &object->namespace);
		break;
	case OBJECT_NETWORK_POLICY:
		write_policy(&w, &object->policy);
		break;
	case OBJECT_NODE:
		write_node(&w, &object->node);
		break;
	}
	close_with(&w, "}");
	put_text(&w, "\n");
}
