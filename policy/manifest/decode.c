/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "decode.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "decode_policy.h"
#include "timestamp.h"

int decode_labels(const struct tree *map, struct arena *arena,
		  struct labels *out)
{
	struct tree **sorted;
	struct label *items;

	if (!tree_first(map))
		return 0;
	sorted = tree_sort(map, arena);
	items = arena_array(arena, map->len, sizeof(*items));
	if (!sorted || !items)
		return -ENOMEM;
	for (size_t i = 0; i < map->len; i++) {
		/* A null value is the empty one (NP-22). */
		items[i].key = sorted[i]->key;
		items[i].value = tree_text(sorted[i]);
	}
	out->items = items;
	out->n = map->len;
	return 0;
}

static int64_t decode_time(const struct tree *value)
{
	int64_t seconds = 0;

	if (value && value->type == TREE_STRING)
		timestamp_parse(value->text, value->len, &seconds);
	return seconds;
}

const char *decode_namespace(const struct tree *metadata)
{
	const char *namespace = tree_text(tree_get(metadata, "namespace"));

	return *namespace ? namespace : "default";
}

enum policy_mode decode_mode(const struct tree *metadata)
{
	const struct tree *annotations = tree_get_set(metadata, "annotations");
	const struct tree *mode = tree_get_set(annotations, MODE_ANNOTATION);

	return mode ? policy_mode_from_name(tree_text(mode)) : POLICY_MODE_NONE;
}

/* ---- pods --------------------------------------------------------------- */

static size_t count_ports(const struct tree *containers)
{
	size_t n = 0;

	for (const struct tree *c = tree_first(containers); c; c = c->next) {
		const struct tree *ports = tree_get_set(c, "ports");

		n += ports ? ports->len : 0;
	}
	return n;
}

static int decode_container_port(const struct tree *port,
				 struct container_port *out)
{
	const struct tree *protocol = tree_get_set(port, "protocol");
	int64_t number = 0;

	out->name = tree_text(tree_get(port, "name"));
	out->protocol = PROTOCOL_TCP;
	if (protocol)
		out->protocol = protocol_from_name(tree_text(protocol));
	tree_integer(tree_get(port, "containerPort"), &number);
	if (number < 1 || number > UINT16_MAX ||
	    !protocol_has_ports(out->protocol))
		return -EINVAL;
	out->number = (uint16_t)number;
	return 0;
}

/* Of init containers only those that go on running beside the others. */
static bool stays_running(const struct tree *init_container)
{
	return tree_text_is(tree_get(init_container, "restartPolicy"),
			    "Always");
}

static int add_container_ports(const struct tree *container,
			       struct container_port *ports, uint32_t *n)
{
	for (const struct tree *p = tree_first(tree_get(container, "ports")); p;
	     p = p->next) {
		struct container_port port;
		int r;

		if (!*tree_text(tree_get(p, "name")))
			continue;
		r = decode_container_port(p, &port);
		if (r < 0)
			return r;
		ports[(*n)++] = port;
	}
	return 0;
}

/* NP-46. */
static int decode_container_ports(const struct tree *spec, struct arena *arena,
				  struct pod *pod)
{
	const struct tree *containers = tree_get(spec, "containers");
	const struct tree *inits = tree_get(spec, "initContainers");
	size_t most = count_ports(containers) + count_ports(inits);
	struct container_port *ports = arena_array(arena, most, sizeof(*ports));
	const struct tree *c;
	int r;

	if (!ports)
		return -ENOMEM;
	for (c = tree_first(containers); c; c = c->next) {
		r = add_container_ports(c, ports, &pod->n_ports);
		if (r < 0)
			return r;
	}
	for (c = tree_first(inits); c; c = c->next) {
		r = stays_running(c)
			    ? add_container_ports(c, ports, &pod->n_ports)
			    : 0;
		if (r < 0)
			return r;
	}
	pod->ports = ports;
	return 0;
}

static int add_address(const struct tree *text, struct pod *pod)
{
	struct ip_addr addr;

	if (pod->n_addresses == POD_MAX_ADDRESSES || !text ||
	    text->type != TREE_STRING ||
	    ip_addr_parse(text->text, text->len, &addr) < 0)
		return -EINVAL;
	for (size_t i = 0; i < pod->n_addresses; i++) {
		if (pod->addresses[i].family == addr.family)
			return -EINVAL;
	}
	pod->addresses[pod->n_addresses++] = addr;
	return 0;
}

/* NP-60. */
static int decode_addresses(const struct tree *status, struct pod *pod)
{
	const struct tree *list = tree_first(tree_get(status, "podIPs"));
	const struct tree *single = tree_get(status, "podIP");

	for (const struct tree *e = list; e; e = e->next) {
		int r = add_address(tree_get(e, "ip"), pod);

		if (r < 0)
			return r;
	}
	if (!list && *tree_text(single))
		return add_address(single, pod);
	return 0;
}

/* The controller, where there is one: the others do not make pods. */
static void decode_owner(const struct tree *metadata, struct pod *pod)
{
	const struct tree *owners = tree_get(metadata, "ownerReferences");
	const struct tree *owner = tree_first(owners);

	for (const struct tree *e = tree_first(owners); e; e = e->next) {
		const struct tree *flag = tree_get(e, "controller");

		if (flag && flag->type == TREE_BOOL && flag->boolean)
			owner = e;
	}
	pod->owner_kind = tree_text(tree_get(owner, "kind"));
	pod->owner_name = tree_text(tree_get(owner, "name"));
}

static int decode_pod(const struct tree *tree, struct arena *arena,
		      struct pod *pod)
{
	const struct tree *metadata = tree_get(tree, "metadata");
	const struct tree *spec = tree_get(tree, "spec");
	const struct tree *status = tree_get(tree, "status");
	const struct tree *host = tree_get(spec, "hostNetwork");
	const char *phase = tree_text(tree_get(status, "phase"));
	int r;

	pod->namespace = decode_namespace(metadata);
	pod->name = tree_text(tree_get(metadata, "name"));
	pod->uid = tree_text(tree_get(metadata, "uid"));
	pod->node_name = tree_text(tree_get(spec, "nodeName"));
	pod->created_s = decode_time(tree_get(metadata, "creationTimestamp"));
	pod->host_network = host && host->type == TREE_BOOL && host->boolean;
	pod->finished =
		strcmp(phase, "Succeeded") == 0 || strcmp(phase, "Failed") == 0;
	pod->deleting = tree_get_set(metadata, "deletionTimestamp");
	decode_owner(metadata, pod);
	r = decode_labels(tree_get(metadata, "labels"), arena, &pod->labels);
	if (r < 0)
		return r;
	r = decode_container_ports(spec, arena, pod);
	if (r < 0)
		return r;
	return decode_addresses(status, pod);
}

/* ---- namespaces --------------------------------------------------------- */

static int compare_labels(const void *a, const void *b)
{
	const struct label *x = a, *y = b;

	return strcmp(x->key, y->key);
}

/* NP-41: the label with the name is there, and it is right, whatever the text
   says. */
static int force_name_label(const char *name, struct arena *arena,
			    struct labels *labels)
{
	struct label *items = arena_array(arena, labels->n + 1, sizeof(*items));
	size_t n = 0;

	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < labels->n; i++) {
		if (strcmp(labels->items[i].key, NAMESPACE_NAME_LABEL) != 0)
			items[n++] = labels->items[i];
	}
	items[n++] = (struct label){ NAMESPACE_NAME_LABEL, name };
	qsort(items, n, sizeof(*items), compare_labels);
	labels->items = items;
	labels->n = n;
	return 0;
}

static int decode_namespace_object(const struct tree *tree, struct arena *arena,
				   struct namespace *out)
{
	const struct tree *metadata = tree_get(tree, "metadata");
	const struct tree *status = tree_get(tree, "status");
	int r;

	out->name = tree_text(tree_get(metadata, "name"));
	out->uid = tree_text(tree_get(metadata, "uid"));
	/* The metadata-only form has no phase (API-40, NP-66). */
	out->terminating =
		tree_text_is(tree_get(status, "phase"), "Terminating") ||
		tree_get_set(metadata, "deletionTimestamp");
	out->mode = decode_mode(metadata);
	r = decode_labels(tree_get(metadata, "labels"), arena, &out->labels);
	if (r < 0)
		return r;
	return force_name_label(out->name, arena, &out->labels);
}

/* ---- nodes -------------------------------------------------------------- */

static int decode_node_addresses(const struct tree *list, struct arena *arena,
				 struct node *node)
{
	struct ip_addr *addresses;

	addresses =
		arena_array(arena, list ? list->len : 0, sizeof(*addresses));
	if (!addresses)
		return -ENOMEM;
	for (const struct tree *e = tree_first(list); e; e = e->next) {
		const struct tree *text = tree_get(e, "address");

		/* Host names stand in the same list (NP-53). */
		if (text && text->type == TREE_STRING &&
		    ip_addr_parse(text->text, text->len,
				  &addresses[node->n_addresses]) == 0)
			node->n_addresses++;
	}
	node->addresses = addresses;
	return 0;
}

/* The range that the node's pods get their addresses from, one block for each
   family (NP-67). */
static int decode_pod_cidrs(const struct tree *list, struct arena *arena,
			    struct node *node)
{
	struct cidr *cidrs;

	cidrs = arena_array(arena, list ? list->len : 0, sizeof(*cidrs));
	if (!cidrs)
		return -ENOMEM;
	for (const struct tree *e = tree_first(list); e; e = e->next) {
		if (e->type == TREE_STRING &&
		    cidr_parse(e->text, e->len, &cidrs[node->n_pod_cidrs],
			       NULL) == 0)
			node->n_pod_cidrs++;
	}
	node->pod_cidrs = cidrs;
	return 0;
}

static int decode_node(const struct tree *tree, struct arena *arena,
		       struct node *node)
{
	const struct tree *metadata = tree_get(tree, "metadata");
	const struct tree *status = tree_get(tree, "status");
	const struct tree *spec = tree_get(tree, "spec");
	int r;

	node->name = tree_text(tree_get(metadata, "name"));
	r = decode_node_addresses(tree_get_set(status, "addresses"), arena,
				  node);
	if (r < 0)
		return r;
	return decode_pod_cidrs(tree_get_set(spec, "podCIDRs"), arena, node);
}

int decode_object(enum object_kind kind, const struct tree *tree,
		  struct arena *arena, struct object *out)
{
	struct object object = { .kind = kind };
	int r = -EINVAL;

	switch (kind) {
	case OBJECT_POD:
		r = decode_pod(tree, arena, &object.pod);
		break;
	case OBJECT_NAMESPACE:
		r = decode_namespace_object(tree, arena, &object.namespace);
		break;
	case OBJECT_NETWORK_POLICY:
		r = decode_policy(tree, arena, &object.policy);
		break;
	case OBJECT_NODE:
		r = decode_node(tree, arena, &object.node);
		break;
	}
	if (r == 0)
		*out = object;
	return r;
}
