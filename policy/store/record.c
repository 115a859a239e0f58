/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/policy_copy.h"

const char *object_name(const struct object *object)
{
	switch (object->kind) {
	case OBJECT_POD:
		return object->pod.name;
	case OBJECT_NAMESPACE:
		return object->namespace.name;
	case OBJECT_NETWORK_POLICY:
		return object->policy.name;
	case OBJECT_NODE:
		return object->node.name;
	}
	return "";
}

const char *object_namespace(const struct object *object)
{
	if (object->kind == OBJECT_POD)
		return object->pod.namespace;
	return object->kind == OBJECT_NETWORK_POLICY ? object->policy.namespace
						     : "";
}

const char *object_uid(const struct object *object)
{
	switch (object->kind) {
	case OBJECT_POD:
		return object->pod.uid;
	case OBJECT_NAMESPACE:
		return object->namespace.uid;
	case OBJECT_NETWORK_POLICY:
		return object->policy.uid;
	case OBJECT_NODE:
		break;
	}
	return "";
}

/* ---- pods --------------------------------------------------------------- */

static size_t pod_size(const struct pod *pod)
{
	return strlen(pod->name) + 1 + strlen(pod->uid) + 1;
}

static int copy_pod(struct intern_pool *pool, const struct pod *from,
		    char *memory, struct pod *out)
{
	const struct named_ports ports = { from->ports, from->n_ports };
	struct named_ports kept = { 0 };
	int r;

	*out = *from;
	out->name = strcpy(memory, from->name);
	out->uid = strcpy(memory + strlen(from->name) + 1, from->uid);
	out->labels = (struct labels){ 0 };
	out->namespace = intern(pool, from->namespace);
	out->node_name = intern(pool, from->node_name);
	out->owner_kind = intern(pool, from->owner_kind);
	out->owner_name = intern(pool, from->owner_name);
	r = intern_labels(pool, &from->labels, &out->labels);
	if (r == 0)
		r = intern_ports(pool, &ports, &kept);
	out->ports = kept.items;
	out->n_ports = (uint32_t)kept.n;
	return out->namespace && out->node_name && out->owner_kind &&
			       out->owner_name
		       ? r
		       : -ENOMEM;
}

static void drop_pod(struct intern_pool *pool, const struct pod *pod)
{
	const struct named_ports ports = { pod->ports, pod->n_ports };

	intern_drop(pool, pod->namespace);
	intern_drop(pool, pod->node_name);
	intern_drop(pool, pod->owner_kind);
	intern_drop(pool, pod->owner_name);
	intern_labels_drop(pool, &pod->labels);
	intern_ports_drop(pool, &ports);
}

/* ---- namespaces and nodes ----------------------------------------------- */

static int copy_namespace(struct intern_pool *pool,
			  const struct namespace *from, struct namespace *out)
{
	*out = *from;
	out->labels = (struct labels){ 0 };
	out->name = intern(pool, from->name);
	out->uid = intern(pool, from->uid);
	return out->name && out->uid
		       ? intern_labels(pool, &from->labels, &out->labels)
		       : -ENOMEM;
}

/* Of its addresses and blocks, one after the other; both are bytes. */
static size_t node_size(const struct node *node)
{
	return node->n_addresses * sizeof(*node->addresses) +
	       node->n_pod_cidrs * sizeof(*node->pod_cidrs);
}

static int copy_node(struct intern_pool *pool, const struct node *from,
		     char *memory, struct node *out)
{
	size_t addresses_len = from->n_addresses * sizeof(*from->addresses);

	*out = *from;
	out->name = intern(pool, from->name);
	if (from->n_addresses)
		out->addresses = memcpy(memory, from->addresses, addresses_len);
	if (from->n_pod_cidrs)
		out->pod_cidrs =
			memcpy(memory + addresses_len, from->pod_cidrs,
			       from->n_pod_cidrs * sizeof(*from->pod_cidrs));
	return out->name ? 0 : -ENOMEM;
}

/* ---- any ---------------------------------------------------------------- */

static size_t tail_size(const struct object *object)
{
	switch (object->kind) {
	case OBJECT_POD:
		return pod_size(&object->pod);
	case OBJECT_NODE:
		return node_size(&object->node);
	case OBJECT_NETWORK_POLICY:
		return policy_copy_size(&object->policy);
	case OBJECT_NAMESPACE:
		break;
	}
	return 0;
}

static int copy(struct intern_pool *pool, const struct object *from,
		void *memory, struct object *out)
{
	switch (from->kind) {
	case OBJECT_POD:
		return copy_pod(pool, &from->pod, memory, &out->pod);
	case OBJECT_NAMESPACE:
		return copy_namespace(pool, &from->namespace, &out->namespace);
	case OBJECT_NETWORK_POLICY:
		return policy_copy(pool, &from->policy, memory, &out->policy);
	case OBJECT_NODE:
		return copy_node(pool, &from->node, memory, &out->node);
	}
	return -EINVAL;
}

static void drop_strings(struct intern_pool *pool, struct object *object)
{
	switch (object->kind) {
	case OBJECT_POD:
		drop_pod(pool, &object->pod);
		return;
	case OBJECT_NAMESPACE:
		intern_drop(pool, object->namespace.name);
		intern_drop(pool, object->namespace.uid);
		intern_labels_drop(pool, &object->namespace.labels);
		return;
	case OBJECT_NETWORK_POLICY:
		policy_drop(pool, &object->policy);
		return;
	case OBJECT_NODE:
		intern_drop(pool, object->node.name);
		return;
	}
}

struct record *record_new(struct intern_pool *pool, const struct object *object)
{
	size_t size = sizeof(struct record) + tail_size(object);
	struct record *record = size <= UINT32_MAX ? malloc(size) : NULL;

	if (!record)
		return NULL;
	*record = (struct record){ .n_users = 1, .size = (uint32_t)size };
	record->object.kind = object->kind;
	if (copy(pool, object, record + 1, &record->object) < 0) {
		/* A policy's copy has dropped what it had. */
		if (object->kind != OBJECT_NETWORK_POLICY)
			drop_strings(pool, &record->object);
		free(record);
		return NULL;
	}
	intern_pool_account(pool, (ptrdiff_t)size);
	return record;
}

struct record *record_of(const struct object *object)
{
	return (struct record *)((uintptr_t)object -
				 offsetof(struct record, object));
}

const struct object *record_use(const struct object *object)
{
	record_of(object)->n_users++;
	return object;
}

void record_drop(struct intern_pool *pool, const struct object *object)
{
	struct record *record;

	if (!object)
		return;
	record = record_of(object);
	if (--record->n_users > 0)
		return;
	drop_strings(pool, &record->object);
	intern_pool_account(pool, -(ptrdiff_t)record->size);
	free(record);
}
