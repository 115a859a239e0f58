/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the objects of a cluster to a snapshot, in steps that each leave one
 * part of it finished:
 *
 *	copy	  everything that can matter, into the snapshot's own arena
 *	sort	  by name, so that pods of one namespace lie side by side
 *	host	  addresses of nodes, which are never a pod's
 *	place	  which pod holds which address
 *	select	  which policies isolate which pod
 *	divert	  which local addresses have to be judged at all
 */
#include "netpold/snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netpold/selector.h"

#include "store/object_copy.h"
#include "snapshot_parts.h"

struct compiler {
	const struct cluster *cluster;
	const struct snapshot_options *options;
	struct snapshot *snapshot;
	size_t n; /* what the current walk has counted or filled */
};

/* ---- copy --------------------------------------------------------------- */

static bool takes_part(const struct pod *pod)
{
	return !pod->host_network && !pod->finished && pod->n_addresses > 0;
}

static int count_pod(void *ctx, const struct object *object)
{
	struct compiler *c = ctx;

	c->n += takes_part(&object->pod);
	return 0;
}

static int count_any(void *ctx, const struct object *object)
{
	struct compiler *c = ctx;

	(void)object;
	c->n++;
	return 0;
}

static int copy_one_pod(void *ctx, const struct object *object)
{
	struct compiler *c = ctx;

	if (!takes_part(&object->pod))
		return 0;
	return pod_copy(&c->snapshot->arena, &object->pod,
			&c->snapshot->pods[c->n++].pod);
}

/* A policy whose pod_selector cannot be evaluated selects nothing (NP-25). */
static int copy_one_policy(void *ctx, const struct object *object)
{
	struct compiler *c = ctx;

	if (!selector_is_evaluable(&object->policy.pod_selector))
		return 0;
	return policy_copy(&c->snapshot->arena, &object->policy,
			   &c->snapshot->policies[c->n++]);
}

static int copy_one_namespace(void *ctx, const struct object *object)
{
	struct compiler *c = ctx;
	struct object copy;
	int r;

	r = object_copy(&c->snapshot->arena, object, &copy);
	if (r < 0)
		return r;
	c->snapshot->namespaces[c->n++] = copy.namespace;
	return 0;
}

/* Room for all objects of a kind, then the objects. */
static int copy_kind(struct compiler *c, enum object_kind kind,
		     cluster_object_fn count, cluster_object_fn copy,
		     size_t size, void *items, size_t *n)
{
	void *room;
	int r;

	c->n = 0;
	cluster_each(c->cluster, kind, count, c);
	room = arena_array(&c->snapshot->arena, c->n, size);
	if (!room)
		return -ENOMEM;
	memcpy(items, &room, sizeof(room));
	c->n = 0;
	r = cluster_each(c->cluster, kind, copy, c);
	*n = c->n;
	return r;
}

static int copy_objects(struct compiler *c)
{
	struct snapshot *s = c->snapshot;
	int r;

	r = copy_kind(c, OBJECT_POD, count_pod, copy_one_pod, sizeof(*s->pods),
		      &s->pods, &s->n_pods);
	if (r < 0)
		return r;
	r = copy_kind(c, OBJECT_NETWORK_POLICY, count_any, copy_one_policy,
		      sizeof(*s->policies), &s->policies, &s->n_policies);
	if (r < 0)
		return r;
	return copy_kind(c, OBJECT_NAMESPACE, count_any, copy_one_namespace,
			 sizeof(*s->namespaces), &s->namespaces,
			 &s->n_namespaces);
}

/* ---- sort --------------------------------------------------------------- */

static int compare_pods(const void *a, const void *b)
{
	const struct snapshot_pod *p = a, *q = b;
	int order = strcmp(p->pod.namespace, q->pod.namespace);

	return order ? order : strcmp(p->pod.name, q->pod.name);
}

static int compare_policies(const void *a, const void *b)
{
	const struct network_policy *p = a, *q = b;
	int order = strcmp(p->namespace, q->namespace);

	return order ? order : strcmp(p->name, q->name);
}

static int compare_namespaces(const void *a, const void *b)
{
	const struct namespace *p = a, *q = b;

	return strcmp(p->name, q->name);
}

static void sort(void *items, size_t n, size_t size,
		 int (*compare)(const void *, const void *))
{
	if (n > 1)
		qsort(items, n, size, compare);
}

static const struct labels *namespace_labels(const struct snapshot *s,
					     const char *name)
{
	struct namespace wanted = { .name = name };
	const struct namespace *found;

	if (s->n_namespaces == 0)
		return NULL;
	found = bsearch(&wanted, s->namespaces, s->n_namespaces, sizeof(wanted),
			compare_namespaces);
	return found ? &found->labels : NULL;
}

static void sort_objects(struct compiler *c)
{
	const char *node_name = c->options ? c->options->node_name : NULL;
	struct snapshot *s = c->snapshot;

	sort(s->pods, s->n_pods, sizeof(*s->pods), compare_pods);
	sort(s->policies, s->n_policies, sizeof(*s->policies),
	     compare_policies);
	sort(s->namespaces, s->n_namespaces, sizeof(*s->namespaces),
	     compare_namespaces);
	for (size_t i = 0; i < s->n_pods; i++) {
		struct snapshot_pod *p = &s->pods[i];

		p->namespace_labels = namespace_labels(s, p->pod.namespace);
		p->local =
			!node_name || strcmp(p->pod.node_name, node_name) == 0;
	}
}

/* ---- host --------------------------------------------------------------- */

static int count_node_addresses(void *ctx, const struct object *object)
{
	struct compiler *c = ctx;

	c->n += object->node.n_addresses;
	return 0;
}

static int count_host_pod_addresses(void *ctx, const struct object *object)
{
	struct compiler *c = ctx;

	if (object->pod.host_network && !object->pod.finished)
		c->n += object->pod.n_addresses;
	return 0;
}

static int add_host_addresses(struct compiler *c, const char *node_name,
			      const struct ip_addr *addresses, size_t n)
{
	const char *name = arena_strdup(&c->snapshot->arena, node_name);

	if (!name)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		c->snapshot->host_addresses[c->n++] =
			(struct host_address){ addresses[i], name };
	return 0;
}

static int add_node(void *ctx, const struct object *object)
{
	return add_host_addresses(ctx, object->node.name,
				  object->node.addresses,
				  object->node.n_addresses);
}

static int add_host_pod(void *ctx, const struct object *object)
{
	const struct pod *pod = &object->pod;

	if (!pod->host_network || pod->finished)
		return 0;
	return add_host_addresses(ctx, pod->node_name, pod->addresses,
				  pod->n_addresses);
}

static int compare_host_addresses(const void *a, const void *b)
{
	const struct host_address *p = a, *q = b;

	return ip_addr_compare(&p->addr, &q->addr);
}

static int gather_host_addresses(struct compiler *c)
{
	struct snapshot *s = c->snapshot;
	int r;

	c->n = 0;
	cluster_each(c->cluster, OBJECT_NODE, count_node_addresses, c);
	cluster_each(c->cluster, OBJECT_POD, count_host_pod_addresses, c);
	s->host_addresses =
		arena_array(&s->arena, c->n, sizeof(*s->host_addresses));
	if (!s->host_addresses)
		return -ENOMEM;
	c->n = 0;
	r = cluster_each(c->cluster, OBJECT_NODE, add_node, c);
	if (r == 0)
		r = cluster_each(c->cluster, OBJECT_POD, add_host_pod, c);
	s->n_host_addresses = c->n;
	sort(s->host_addresses, c->n, sizeof(*s->host_addresses),
	     compare_host_addresses);
	return r;
}

/* ---- place -------------------------------------------------------------- */

/* NP-64: of two pods that claim one address, the one that is not being
   deleted; else the newest; else the larger UID. The name settles what is
   left, so that every node agrees. */
static bool has_better_claim(const struct pod *a, const struct pod *b)
{
	int order;

	if (a->deleting != b->deleting)
		return !a->deleting;
	if (a->created_s != b->created_s)
		return a->created_s > b->created_s;
	order = strcmp(a->uid, b->uid);
	if (order == 0)
		order = strcmp(a->namespace, b->namespace);
	if (order == 0)
		order = strcmp(a->name, b->name);
	return order > 0;
}

static void place_address(struct snapshot *s, const struct ip_addr *addr,
			  const struct snapshot_pod *pod)
{
	size_t mask = s->n_places - 1, i = snapshot_hash(addr) & mask;

	while (s->places[i].pod && !ip_addr_equal(&s->places[i].addr, addr))
		i = (i + 1) & mask;
	if (s->places[i].pod &&
	    !has_better_claim(&pod->pod, &s->places[i].pod->pod))
		return;
	s->places[i].addr = *addr;
	s->places[i].pod = pod;
}

/* NP-53: an address of the node that the pod runs on, or of this one, whatever
   node the pod names: as a pod's it would divert the node's own traffic. */
static bool belongs_to_host(const struct compiler *c,
			    const struct ip_addr *addr, const struct pod *pod)
{
	const char *this_node = c->options ? c->options->node_name : NULL;

	return snapshot_is_node_of(c->snapshot, addr, pod) ||
	       (this_node &&
		snapshot_is_host_address(c->snapshot, addr, this_node));
}

/* At most half of the places are taken, so that a search ends soon. */
static int place_addresses(struct compiler *c)
{
	struct snapshot *s = c->snapshot;

	s->n_places = 8;
	while (s->n_places < s->n_pods * POD_MAX_ADDRESSES * 2)
		s->n_places *= 2;
	s->places = arena_array(&s->arena, s->n_places, sizeof(*s->places));
	if (!s->places)
		return -ENOMEM;
	for (size_t i = 0; i < s->n_pods; i++) {
		const struct pod *pod = &s->pods[i].pod;

		for (size_t k = 0; k < pod->n_addresses; k++) {
			if (!belongs_to_host(c, &pod->addresses[k], pod))
				place_address(s, &pod->addresses[k],
					      &s->pods[i]);
		}
	}
	return 0;
}

/* ---- select ------------------------------------------------------------- */

/* The pods of a namespace lie side by side: the first of them. */
static size_t first_pod_of(const struct snapshot *s, const char *namespace)
{
	size_t low = 0, high = s->n_pods;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(s->pods[middle].pod.namespace, namespace) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Called for each pod that a policy isolates in a direction. */
typedef void (*selected_fn)(struct snapshot_pod *pod, enum direction dir,
			    const struct network_policy *policy);

static void each_selected(struct snapshot *s, selected_fn each)
{
	for (size_t i = 0; i < s->n_policies; i++) {
		const struct network_policy *policy = &s->policies[i];
		size_t k = first_pod_of(s, policy->namespace);

		for (; k < s->n_pods; k++) {
			struct snapshot_pod *p = &s->pods[k];

			if (strcmp(p->pod.namespace, policy->namespace))
				break;
			if (!selector_matches(&policy->pod_selector,
					      &p->pod.labels))
				continue;
			for (int dir = 0; dir < N_DIRECTIONS; dir++) {
				if (policy->isolates[dir])
					each(p, dir, policy);
			}
		}
	}
}

static void count_selected(struct snapshot_pod *pod, enum direction dir,
			   const struct network_policy *policy)
{
	(void)policy;
	pod->n_isolating[dir]++;
}

static void add_selected(struct snapshot_pod *pod, enum direction dir,
			 const struct network_policy *policy)
{
	pod->isolating[dir][pod->n_isolating[dir]++] = policy;
}

static int select_policies(struct compiler *c)
{
	struct snapshot *s = c->snapshot;

	each_selected(s, count_selected);
	for (size_t i = 0; i < s->n_pods; i++) {
		struct snapshot_pod *p = &s->pods[i];

		for (int dir = 0; dir < N_DIRECTIONS; dir++) {
			/* Pointers are what is stored. */
			p->isolating[dir] = arena_array(
				&s->arena, p->n_isolating[dir], sizeof(void *));
			if (!p->isolating[dir])
				return -ENOMEM;
			p->n_isolating[dir] = 0;
		}
	}
	each_selected(s, add_selected);
	return 0;
}

/* ---- divert ------------------------------------------------------------- */

static int compare_addresses(const void *a, const void *b)
{
	return ip_addr_compare(a, b);
}

static bool is_local(const struct snapshot_pod *pod, int dir)
{
	(void)dir;
	return pod->local;
}

static bool is_isolated(const struct snapshot_pod *pod, int dir)
{
	return pod->local && pod->n_isolating[dir] > 0;
}

/* The addresses of those pods that a test holds for. */
static int gather(struct snapshot *s,
		  bool (*test)(const struct snapshot_pod *pod, int dir),
		  int dir, struct ip_addr **out, size_t *n_out)
{
	struct ip_addr *addresses;
	size_t n = 0;

	for (size_t i = 0; i < s->n_places; i++)
		n += s->places[i].pod && test(s->places[i].pod, dir);
	addresses = arena_array(&s->arena, n, sizeof(*addresses));
	if (!addresses)
		return -ENOMEM;
	*out = addresses;
	*n_out = n;
	for (size_t i = 0; i < s->n_places; i++) {
		if (s->places[i].pod && test(s->places[i].pod, dir))
			*addresses++ = s->places[i].addr;
	}
	sort(*out, n, sizeof(*addresses), compare_addresses);
	return 0;
}

static int gather_addresses(struct compiler *c)
{
	struct snapshot *s = c->snapshot;
	int r;

	r = gather(s, is_local, 0, &s->local, &s->n_local);
	for (int dir = 0; r == 0 && dir < N_DIRECTIONS; dir++)
		r = gather(s, is_isolated, dir, &s->isolated[dir],
			   &s->n_isolated[dir]);
	return r;
}

/* ---- compile ------------------------------------------------------------ */

static int compile(struct compiler *c)
{
	int r;

	r = copy_objects(c);
	if (r < 0)
		return r;
	sort_objects(c);
	r = gather_host_addresses(c);
	if (r < 0)
		return r;
	r = place_addresses(c);
	if (r < 0)
		return r;
	r = select_policies(c);
	if (r < 0)
		return r;
	return gather_addresses(c);
}

int snapshot_compile(const struct cluster *cluster,
		     const struct snapshot_options *options,
		     struct snapshot **out, struct err *err)
{
	struct arena arena = { 0 };
	struct snapshot *snapshot = arena_alloc(&arena, sizeof(*snapshot));
	struct compiler c = { cluster, options, snapshot, 0 };
	int r;

	if (!snapshot)
		return err_set(err, -ENOMEM, "no memory for a snapshot");
	snapshot->arena = arena;
	r = compile(&c);
	if (r < 0) {
		snapshot_free(snapshot);
		return err_set(err, r, "no memory to compile the policies");
	}
	*out = snapshot;
	return 0;
}
