/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "oracle_types.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle.h"

/*
 * JSON to what the oracle understands of it, after the table "Shape and
 * defaulting" and NP-1 … NP-7. Null is absence everywhere.
 */

/* A field, or NULL where it is absent or null (NP-1). */
static json_t *get(const json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);

	return json_is_null(value) ? NULL : value;
}

static const char *get_text(const json_t *object, const char *key,
			    const char *otherwise)
{
	json_t *value = get(object, key);

	return value != NULL ? json_string_value(value) : otherwise;
}

static void *keep(struct o_object *o, size_t n, size_t size)
{
	void *block = calloc(n > 0 ? n : 1, size);
	void **blocks = realloc(o->blocks, (o->n_blocks + 1) * sizeof(*blocks));

	if (block == NULL || blocks == NULL)
		o_die("no memory for", o->name);
	o->blocks = blocks;
	o->blocks[o->n_blocks++] = block;
	return block;
}

/* A null value is "" (NP-22). */
static const char *label_value(const json_t *value)
{
	return json_is_null(value) ? "" : json_string_value(value);
}

static void labels_decode(struct o_object *o, json_t *map)
{
	/* One more: the name label of a namespace. */
	o->labels.items =
		keep(o, json_object_size(map) + 1, sizeof(*o->labels.items));
	for (void *at = json_object_iter(map); at != NULL;
	     at = json_object_iter_next(map, at))
		o->labels.items[o->labels.n++] = (struct o_label){
			json_object_iter_key(at),
			label_value(json_object_iter_value(at)),
		};
}

static struct o_selector selector_decode(struct o_object *o, json_t *json)
{
	json_t *labels = get(json, "matchLabels");
	json_t *expressions = get(json, "matchExpressions");
	struct o_selector s = { .set = json != NULL };
	struct o_requirement *r;

	s.requirements =
		keep(o, json_object_size(labels) + json_array_size(expressions),
		     sizeof(*s.requirements));
	for (void *at = json_object_iter(labels); at != NULL;
	     at = json_object_iter_next(labels, at)) {
		r = &s.requirements[s.n++];
		r->key = json_object_iter_key(at);
		r->op = "In";
		r->values = keep(o, 1, sizeof(*r->values));
		r->values[0] = label_value(json_object_iter_value(at));
		r->n_values = 1;
	}
	for (size_t i = 0; i < json_array_size(expressions); i++) {
		json_t *value = json_array_get(expressions, i);
		json_t *values = get(value, "values");

		r = &s.requirements[s.n++];
		r->key = get_text(value, "key", "");
		r->op = get_text(value, "operator", "");
		r->n_values = json_array_size(values);
		r->values = keep(o, r->n_values, sizeof(*r->values));
		for (size_t k = 0; k < json_array_size(values); k++)
			r->values[k] =
				json_string_value(json_array_get(values, k));
	}
	return s;
}

static struct o_block block_decode(const json_t *json)
{
	struct o_block block = { 0 };

	if (!json_is_string(json) ||
	    !o_block_parse(json_string_value(json), &block))
		o_die("no CIDR", json_string_value(json));
	return block;
}

static struct o_peer peer_decode(struct o_object *o, json_t *json)
{
	json_t *ip_block = get(json, "ipBlock");
	json_t *except = get(ip_block, "except");
	struct o_peer peer = {
		.pods = selector_decode(o, get(json, "podSelector")),
		.namespaces =
			selector_decode(o, get(json, "namespaceSelector")),
		.has_block = ip_block != NULL,
	};

	if (ip_block == NULL)
		return peer;
	peer.block = block_decode(get(ip_block, "cidr"));
	peer.n_except = json_array_size(except);
	peer.except = keep(o, peer.n_except, sizeof(*peer.except));
	for (size_t i = 0; i < json_array_size(except); i++)
		peer.except[i] = block_decode(json_array_get(except, i));
	return peer;
}

static struct o_port port_decode(json_t *json)
{
	json_t *port = get(json, "port"), *end = get(json, "endPort");
	struct o_port out = { .protocol = get_text(json, "protocol", "TCP") };

	if (json_is_string(port)) {
		out.name = json_string_value(port);
	} else if (port != NULL) {
		out.has_number = true;
		out.first = json_integer_value(port);
		out.last = end != NULL ? json_integer_value(end) : out.first;
	}
	return out;
}

static struct o_rule rule_decode(struct o_object *o, json_t *json,
				 const char *peers_key)
{
	json_t *peers = get(json, peers_key), *ports = get(json, "ports");
	struct o_rule rule = { .n_peers = json_array_size(peers),
			       .n_ports = json_array_size(ports) };

	rule.peers = keep(o, rule.n_peers, sizeof(*rule.peers));
	rule.ports = keep(o, rule.n_ports, sizeof(*rule.ports));
	for (size_t i = 0; i < json_array_size(peers); i++)
		rule.peers[i] = peer_decode(o, json_array_get(peers, i));
	for (size_t i = 0; i < json_array_size(ports); i++)
		rule.ports[i] = port_decode(json_array_get(ports, i));
	return rule;
}

static void rules_decode(struct o_object *o, enum oracle_direction dir,
			 json_t *list, const char *peers_key)
{

	o->n_rules[dir] = json_array_size(list);
	o->rules[dir] = keep(o, o->n_rules[dir], sizeof(*o->rules[dir]));
	for (size_t i = 0; i < json_array_size(list); i++)
		o->rules[dir][i] =
			rule_decode(o, json_array_get(list, i), peers_key);
}

static void policy_decode(struct o_object *o)
{
	json_t *spec = get(o->json, "spec"), *types = get(spec, "policyTypes");

	o->selects = selector_decode(o, get(spec, "podSelector"));
	rules_decode(o, ORACLE_INGRESS, get(spec, "ingress"), "from");
	rules_decode(o, ORACLE_EGRESS, get(spec, "egress"), "to");

	if (json_array_size(types) == 0) { /* NP-3 */
		o->governs[ORACLE_INGRESS] = true;
		o->governs[ORACLE_EGRESS] = o->n_rules[ORACLE_EGRESS] > 0;
	}
	for (size_t i = 0; i < json_array_size(types); i++) {
		json_t *item = json_array_get(types, i);

		if (strcmp(json_string_value(item), "Ingress") == 0)
			o->governs[ORACLE_INGRESS] = true;
		else if (strcmp(json_string_value(item), "Egress") == 0)
			o->governs[ORACLE_EGRESS] = true;
		else
			o_die("no policy type", json_string_value(item));
	}
}

/* The ports of one container. */
static void container_decode(struct o_object *o, const json_t *container)
{
	json_t *ports = get(container, "ports");

	for (size_t i = 0; i < json_array_size(ports); i++) {
		json_t *port = json_array_get(ports, i);
		struct o_container_port *out =
			&o->container_ports[o->n_container_ports++];

		out->name = get_text(port, "name", "");
		out->protocol = get_text(port, "protocol", "TCP");
		out->number = json_integer_value(get(port, "containerPort"));
	}
}

static size_t count_ports(const json_t *containers)
{
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(containers); i++)
		n += json_array_size(
			get(json_array_get(containers, i), "ports"));
	return n;
}

/* NP-46: ordinary containers, and init containers that stay. */
static void containers_decode(struct o_object *o, const json_t *spec)
{
	json_t *ordinary = get(spec, "containers");
	json_t *init = get(spec, "initContainers");

	o->container_ports = keep(o, count_ports(ordinary) + count_ports(init),
				  sizeof(*o->container_ports));
	for (size_t i = 0; i < json_array_size(ordinary); i++)
		container_decode(o, json_array_get(ordinary, i));
	for (size_t i = 0; i < json_array_size(init); i++) {
		json_t *item = json_array_get(init, i);
		const char *restart = get_text(item, "restartPolicy", "");

		if (strcmp(restart, "Always") == 0)
			container_decode(o, item);
	}
}

static void address_add(struct o_object *o, const char *text)
{
	if (text != NULL &&
	    o_addr_parse(text, strlen(text), &o->addrs[o->n_addrs]))
		o->n_addrs++;
}

static void pod_decode(struct o_object *o, const json_t *meta)
{
	json_t *spec = get(o->json, "spec"), *status = get(o->json, "status");
	json_t *ips = get(status, "podIPs");
	const char *phase = get_text(status, "phase", "");

	o->node = get_text(spec, "nodeName", "");
	o->created = get_text(meta, "creationTimestamp", "");
	o->deleting = get(meta, "deletionTimestamp") != NULL;
	o->host_network = json_is_true(get(spec, "hostNetwork"));
	o->finished =
		strcmp(phase, "Succeeded") == 0 || strcmp(phase, "Failed") == 0;
	containers_decode(o, spec);

	o->addrs = keep(o, json_array_size(ips) + 1, sizeof(*o->addrs));
	for (size_t i = 0; i < json_array_size(ips); i++)
		address_add(o, get_text(json_array_get(ips, i), "ip", NULL));
	if (json_array_size(ips) == 0) /* NP-60 */
		address_add(o, get_text(status, "podIP", NULL));
}

/* NP-41: the server's value wins over whatever stands there. */
static void namespace_decode(struct o_object *o)
{
	const char *key = "kubernetes.io/metadata.name";
	const json_t *status = get(o->json, "status");
	struct o_label *label = o->labels.items;

	while (label < o->labels.items + o->labels.n &&
	       strcmp(label->key, key) != 0)
		label++;
	if (label == o->labels.items + o->labels.n)
		o->labels.n++;
	*label = (struct o_label){ key, o->name };

	o->terminating =
		strcmp(get_text(status, "phase", ""), "Terminating") == 0 ||
		get(get(o->json, "metadata"), "deletionTimestamp") != NULL;
}

static void node_decode(struct o_object *o)
{
	json_t *list = get(get(o->json, "status"), "addresses");

	o->addrs = keep(o, json_array_size(list), sizeof(*o->addrs));
	for (size_t i = 0; i < json_array_size(list); i++)
		address_add(o,
			    get_text(json_array_get(list, i), "address", NULL));
}

struct o_object *o_object_decode(json_t *json)
{
	static const char *const kinds[] = {
		[O_POD] = "Pod",
		[O_NAMESPACE] = "Namespace",
		[O_POLICY] = "NetworkPolicy",
		[O_NODE] = "Node",
	};
	struct o_object *o = calloc(1, sizeof(*o));
	const char *kind = get_text(json, "kind", "");
	json_t *meta = get(json, "metadata");

	if (o == NULL)
		o_die("no memory for", kind);
	while (o->kind < O_OTHER && strcmp(kind, kinds[o->kind]) != 0)
		o->kind++;
	o->kind_name = kind;
	o->json = json;
	o->name = get_text(meta, "name", "");
	o->uid = get_text(meta, "uid", "");
	o->ns = "";
	if (o->kind == O_POD || o->kind == O_POLICY)
		o->ns = get_text(meta, "namespace", "default");
	o->mode = get_text(get(meta, "annotations"), "netpold.io/mode", "");
	labels_decode(o, get(meta, "labels"));
	if (o->kind == O_POD)
		pod_decode(o, meta);
	else if (o->kind == O_NAMESPACE)
		namespace_decode(o);
	else if (o->kind == O_POLICY)
		policy_decode(o);
	else if (o->kind == O_NODE)
		node_decode(o);
	return o;
}

void o_object_free(struct o_object *o)
{
	for (size_t i = 0; i < o->n_blocks; i++)
		free(o->blocks[i]);
	free(o->blocks);
	json_decref(o->json);
	free(o);
}
