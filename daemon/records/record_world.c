/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "records/record_world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netpold/cluster.h"
#include "records/workload_name.h"

/* ---- pods --------------------------------------------------------------- */

static int compare_pods(const void *a, const void *b)
{
	const struct record_pod *one = a, *other = b;
	int order = workload_compare(&one->workload, &other->workload);

	return order ? order : strcmp(one->pod->name, other->pod->name);
}

static bool holds(const struct snapshot *snapshot, const struct pod *pod,
		  const struct ip_addr *addr)
{
	const struct pod *holder = snapshot_pod_by_address(snapshot, addr);

	return holder && strcmp(holder->namespace, pod->namespace) == 0 &&
	       strcmp(holder->name, pod->name) == 0;
}

static int count_pod(void *ctx, const struct object *object)
{
	(void)object;
	++*(size_t *)ctx;
	return 0;
}

static int add_pod(void *ctx, const struct object *object)
{
	struct record_world *world = ctx;
	const struct pod *pod = &object->pod;
	struct record_pod *place = &world->pods[world->n_pods];

	*place = (struct record_pod){ .pod = pod };
	for (size_t i = 0; i < pod->n_addresses; i++) {
		if (holds(world->snapshot, pod, &pod->addresses[i]))
			place->addrs[place->n_addrs++] = pod->addresses[i];
	}
	if (place->n_addrs == 0)
		return 0;
	place->workload = workload_name_of_pod(pod);
	world->n_pods++;
	return 0;
}

/* Where what a pod belongs to begins. */
static void find_firsts(struct record_world *world)
{
	for (uint32_t i = 0; i < world->n_pods; i++) {
		struct record_pod *pod = &world->pods[i];
		const struct record_pod *before = i > 0 ? pod - 1 : NULL;

		pod->workload_at =
			before && workload_compare(&before->workload,
						   &pod->workload) == 0
				? before->workload_at
				: i;
		pod->namespace_at = before && strcmp(before->pod->namespace,
						     pod->pod->namespace) == 0
					    ? before->namespace_at
					    : i;
	}
}

int record_world_init(struct record_world *world, const struct cluster *cluster,
		      const struct snapshot *snapshot)
{
	size_t n = 0;

	*world = (struct record_world){
		.cluster = cluster,
		.snapshot = snapshot,
	};
	cluster_each(cluster, OBJECT_POD, count_pod, &n);
	world->pods = arena_array(&world->arena, n, sizeof(*world->pods));
	if (!world->pods)
		return -ENOMEM;
	cluster_each(cluster, OBJECT_POD, add_pod, world);
	if (world->n_pods > 1)
		qsort(world->pods, world->n_pods, sizeof(*world->pods),
		      compare_pods);
	find_firsts(world);
	return 0;
}

void record_world_release(struct record_world *world)
{
	arena_release(&world->arena);
	*world = (struct record_world){ 0 };
}

/* ---- whom a name means -------------------------------------------------- */

static const struct ip_addr *address_of(const struct record_pod *pod,
					uint8_t family)
{
	for (size_t i = 0; i < pod->n_addrs; i++) {
		if (pod->addrs[i].family == family)
			return &pod->addrs[i];
	}
	return NULL;
}

static const struct record_pod *find_by_name(const struct record_world *world,
					     const char *namespace,
					     const char *name)
{
	const struct object *object =
		cluster_find(world->cluster, OBJECT_POD, namespace, name);
	struct record_pod wanted;

	if (!object || world->n_pods == 0)
		return NULL;
	wanted = (struct record_pod){
		.workload = workload_name_of_pod(&object->pod),
		.pod = &object->pod,
	};
	return bsearch(&wanted, world->pods, world->n_pods,
		       sizeof(*world->pods), compare_pods);
}

static const struct record_pod *
find_by_address(const struct record_world *world, const struct ip_addr *addr)
{
	const struct pod *pod = snapshot_pod_by_address(world->snapshot, addr);

	return pod ? find_by_name(world, pod->namespace, pod->name) : NULL;
}

/* The place of the first pod of a workload, or where it would be. */
static size_t find_workload(const struct record_world *world,
			    const struct workload *workload)
{
	size_t low = 0, high = world->n_pods;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (workload_compare(&world->pods[middle].workload, workload) <
		    0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Another pod of an end's workload, but for one. */
static const struct record_pod *find_like(const struct record_world *world,
					  const struct record_end *end,
					  const struct record_pod *but)
{
	struct workload workload = workload_name_of_record(end);

	if (!*end->pod)
		return NULL;
	for (size_t i = find_workload(world, &workload); i < world->n_pods;
	     i++) {
		const struct record_pod *pod = &world->pods[i];

		if (workload_compare(&pod->workload, &workload) != 0)
			break;
		if (pod != but && address_of(pod, end->addr.family))
			return pod;
	}
	return NULL;
}

static bool is_named(const struct record_end *end, const struct record_pod *pod)
{
	return strcmp(end->namespace, pod->pod->namespace) == 0 &&
	       strcmp(end->pod, pod->pod->name) == 0;
}

/* False where nobody stands for it. */
static bool find_end(const struct record_world *world,
		     const struct record_end *end, bool pods_changed,
		     const struct record_pod **out)
{
	const struct record_pod *pod;

	if (!*end->pod) {
		*out = find_by_address(world, &end->addr);
		return !pods_changed;
	}
	pod = find_by_name(world, end->namespace, end->pod);
	if (!pod || !address_of(pod, end->addr.family))
		pod = find_like(world, end, NULL);
	*out = pod;
	return pod != NULL;
}

/* ---- a record ----------------------------------------------------------- */

/* One pod has come to stand for two that were different. */
static bool part(const struct record_world *world,
		 const struct record_end *const ends[N_DIRECTIONS],
		 const struct record_pod *pods[N_DIRECTIONS],
		 enum direction *lost)
{
	const struct record_pod *both = pods[DIRECTION_EGRESS];
	enum direction other = is_named(ends[DIRECTION_INGRESS], both)
				       ? DIRECTION_EGRESS
				       : DIRECTION_INGRESS;

	if (!*ends[other]->pod)
		other = !other;
	pods[other] = find_like(world, ends[other], both);
	*lost = other;
	return pods[other] != NULL;
}

static bool find_ends(const struct record_world *world,
		      const struct record_end *const ends[N_DIRECTIONS],
		      bool pods_changed,
		      const struct record_pod *pods[N_DIRECTIONS],
		      enum direction *lost)
{
	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		if (!find_end(world, ends[dir], pods_changed, &pods[dir])) {
			*lost = dir;
			return false;
		}
	}
	if (!pods[DIRECTION_EGRESS] ||
	    pods[DIRECTION_EGRESS] != pods[DIRECTION_INGRESS] ||
	    ip_addr_equal(&ends[DIRECTION_EGRESS]->addr,
			  &ends[DIRECTION_INGRESS]->addr))
		return true;
	return part(world, ends, pods, lost);
}

static struct ip_addr place_of(const struct record_end *end,
			       const struct record_pod *pod)
{
	return pod ? *address_of(pod, end->addr.family) : end->addr;
}

bool record_world_find(const struct record_world *world,
		       const struct record_seen *seen, struct record_flow *out,
		       enum direction *lost)
{
	const struct record_end *const ends[N_DIRECTIONS] = {
		[DIRECTION_EGRESS] = &seen->from,
		[DIRECTION_INGRESS] = &seen->to,
	};
	struct record_flow flow = { .ends = { NULL } };
	struct flow_key *key = &flow.key;

	if (!find_ends(world, ends, seen->pods_changed, flow.ends, lost))
		return false;
	key->src = place_of(&seen->from, flow.ends[DIRECTION_EGRESS]);
	key->dst = place_of(&seen->to, flow.ends[DIRECTION_INGRESS]);
	key->protocol = seen->protocol;
	key->has_port = seen->has_port;
	key->dst_port = seen->to.port;
	/* The node said so then, or the objects do now (NP-54). */
	key->from_own_node =
		!flow.ends[DIRECTION_EGRESS] &&
		(seen->from_own_node ||
		 snapshot_is_node_of(
			 world->snapshot, &key->src,
			 snapshot_pod_by_address(world->snapshot, &key->dst)));
	*out = flow;
	return true;
}
