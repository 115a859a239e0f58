/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "object_copy.h"

#include <errno.h>
#include <string.h>

/* Copies stop at the first allocation that fails; what was made by then goes
   with the arena. */
struct copier {
	struct arena *arena;
	copy_string_fn string;
	void *ctx;
	bool failed;
};

static const char *string_in_arena(void *ctx, const char *text)
{
	return arena_strdup(ctx, text);
}

static struct copier in_arena(struct arena *arena)
{
	return (struct copier){ arena, string_in_arena, arena, false };
}

static const char *copy_string(struct copier *c, const char *text)
{
	const char *copy;

	if (!text || c->failed)
		return NULL;
	copy = c->string(c->ctx, text);
	if (!copy)
		c->failed = true;
	return copy;
}

static void *copy_array(struct copier *c, const void *items, size_t n,
			size_t size)
{
	void *copy;

	if (n == 0)
		return NULL;
	copy = arena_array(c->arena, n, size);
	if (!copy) {
		c->failed = true;
		return NULL;
	}
	return memcpy(copy, items, n * size);
}

static struct labels copy_labels(struct copier *c, const struct labels *from)
{
	struct label *items;

	items = copy_array(c, from->items, from->n, sizeof(*items));
	if (!items)
		return (struct labels){ 0 };
	for (size_t i = 0; i < from->n; i++) {
		items[i].key = copy_string(c, items[i].key);
		items[i].value = copy_string(c, items[i].value);
	}
	return (struct labels){ items, from->n };
}

static struct selector copy_selector(struct copier *c,
				     const struct selector *from)
{
	struct requirement *items;

	items = copy_array(c, from->requirements, from->n, sizeof(*items));
	if (!items)
		return (struct selector){ 0 };
	for (size_t i = 0; i < from->n; i++) {
		const char **values;

		items[i].key = copy_string(c, items[i].key);
		values = copy_array(c, items[i].values, items[i].n_values,
				    sizeof(*values));
		for (size_t k = 0; values && k < items[i].n_values; k++)
			values[k] = copy_string(c, values[k]);
		items[i].values = values;
	}
	return (struct selector){ items, from->n };
}

static const struct selector *
copy_optional_selector(struct copier *c, const struct selector *from)
{
	struct selector *copy;

	if (!from)
		return NULL;
	copy = copy_array(c, from, 1, sizeof(*copy));
	if (copy)
		*copy = copy_selector(c, from);
	return copy;
}

static const struct peer *copy_peers(struct copier *c, const struct rule *from)
{
	struct peer *peers;

	peers = copy_array(c, from->peers, from->n_peers, sizeof(*peers));
	for (size_t i = 0; peers && i < from->n_peers; i++) {
		struct peer *p = &peers[i];

		p->pod_selector = copy_optional_selector(c, p->pod_selector);
		p->namespace_selector =
			copy_optional_selector(c, p->namespace_selector);
		p->except = copy_array(c, p->except, p->n_except,
				       sizeof(*p->except));
	}
	return peers;
}

static const struct policy_port *copy_ports(struct copier *c,
					    const struct rule *from)
{
	struct policy_port *ports;

	ports = copy_array(c, from->ports, from->n_ports, sizeof(*ports));
	for (size_t i = 0; ports && i < from->n_ports; i++)
		ports[i].name = copy_string(c, ports[i].name);
	return ports;
}

static struct network_policy copy_policy(struct copier *c,
					 const struct network_policy *from)
{
	struct network_policy policy = *from;

	policy.namespace = copy_string(c, from->namespace);
	policy.name = copy_string(c, from->name);
	policy.pod_selector = copy_selector(c, &from->pod_selector);
	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		struct rule *rules;

		rules = copy_array(c, from->rules[dir], from->n_rules[dir],
				   sizeof(*rules));
		for (size_t i = 0; rules && i < from->n_rules[dir]; i++) {
			rules[i].peers = copy_peers(c, &rules[i]);
			rules[i].ports = copy_ports(c, &rules[i]);
		}
		policy.rules[dir] = rules;
	}
	return policy;
}

static struct pod copy_pod(struct copier *c, const struct pod *from)
{
	struct container_port *ports;
	struct pod pod = *from;

	pod.namespace = copy_string(c, from->namespace);
	pod.name = copy_string(c, from->name);
	pod.uid = copy_string(c, from->uid);
	pod.node_name = copy_string(c, from->node_name);
	pod.owner_kind = copy_string(c, from->owner_kind);
	pod.owner_name = copy_string(c, from->owner_name);
	pod.labels = copy_labels(c, &from->labels);
	ports = copy_array(c, from->ports, from->n_ports, sizeof(*ports));
	for (size_t i = 0; ports && i < from->n_ports; i++)
		ports[i].name = copy_string(c, ports[i].name);
	pod.ports = ports;
	return pod;
}

int pod_copy(struct arena *arena, const struct pod *from, struct pod *out)
{
	struct copier c = in_arena(arena);

	*out = copy_pod(&c, from);
	return c.failed ? -ENOMEM : 0;
}

int labels_copy(struct arena *arena, const struct labels *from,
		struct labels *out)
{
	struct copier c = in_arena(arena);

	*out = copy_labels(&c, from);
	return c.failed ? -ENOMEM : 0;
}

int policy_copy(struct arena *arena, const struct network_policy *from,
		struct network_policy *out)
{
	struct copier c = in_arena(arena);

	*out = copy_policy(&c, from);
	return c.failed ? -ENOMEM : 0;
}

int object_copy_with(struct arena *arena, const struct object *from,
		     copy_string_fn string, void *ctx, struct object *out)
{
	struct copier c = { arena, string, ctx, false };

	*out = *from;
	switch (from->kind) {
	case OBJECT_POD:
		out->pod = copy_pod(&c, &from->pod);
		break;
	case OBJECT_NAMESPACE:
		out->namespace.name = copy_string(&c, from->namespace.name);
		out->namespace.labels =
			copy_labels(&c, &from->namespace.labels);
		break;
	case OBJECT_NETWORK_POLICY:
		out->policy = copy_policy(&c, &from->policy);
		break;
	case OBJECT_NODE:
		out->node.name = copy_string(&c, from->node.name);
		out->node.addresses = copy_array(&c, from->node.addresses,
						 from->node.n_addresses,
						 sizeof(*out->node.addresses));
		break;
	}
	return c.failed ? -ENOMEM : 0;
}

int object_copy(struct arena *arena, const struct object *from,
		struct object *out)
{
	return object_copy_with(arena, from, string_in_arena, arena, out);
}
