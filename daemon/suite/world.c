/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "suite/world.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "netpold/arena.h"
#include "netpold/cleanup.h"
#include "source/manifests.h"
#include "source/objects.h"
#include "suite/pod_line.h"

/* ---- addresses ----------------------------------------------------------- */

/* 10.244.0.0/16: what kubeadm and many CNIs give pods, so that rules about
   private addresses mean the same here as there. */
#define RANGE_SIZE 65536

struct range {
	bool is_taken[RANGE_SIZE];
	size_t next;
};

static void take(struct range *range, const struct ip_addr *addr)
{
	if (addr->family == IP_V4 && addr->bytes[0] == 10 &&
	    addr->bytes[1] == 244)
		range->is_taken[addr->bytes[2] * 256 + addr->bytes[3]] = true;
}

static int take_pod(void *ctx, const struct object *object)
{
	for (size_t i = 0; i < object->pod.n_addresses; i++)
		take(ctx, &object->pod.addresses[i]);
	return 0;
}

static int take_node(void *ctx, const struct object *object)
{
	for (size_t i = 0; i < object->node.n_addresses; i++)
		take(ctx, &object->node.addresses[i]);
	return 0;
}

/* Neither the first nor the last of the range. */
static int give(struct range *range, struct pod *pod, struct err *err)
{
	do {
		range->next++;
	} while (range->next < RANGE_SIZE - 1 && range->is_taken[range->next]);
	if (range->next >= RANGE_SIZE - 1)
		return err_set(err, -EINVAL,
			       "all addresses of 10.244.0.0/16 are taken");
	pod->addresses[0] = ip_addr_v4((const uint8_t[4]){
		10, 244, (uint8_t)(range->next >> 8), (uint8_t)range->next });
	pod->n_addresses = 1;
	return 0;
}

/* ---- lines --------------------------------------------------------------- */

static int put(struct world *world, const struct object *object,
	       struct err *err)
{
	if (cluster_has(world->cluster, object))
		return err_set(err, -EINVAL,
			       "there is a %s of this name already",
			       object_kind_name(object->kind));
	if (cluster_put(world->cluster, object, 0) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	return 0;
}

static int add_namespaces(const struct suite *suite, struct world *world,
			  struct arena *arena, struct err *err)
{
	for (size_t i = 0; i < suite->n_namespaces; i++) {
		const struct suite_text *line = &suite->namespaces[i];
		struct object object = { .kind = OBJECT_NAMESPACE };
		int r = namespace_line_read(line->text, arena,
					    &object.namespace, err);

		if (r == 0)
			r = put(world, &object, err);
		if (r < 0)
			return suite_place(suite, line->line, line->path, err);
	}
	return 0;
}

/* The one that stands behind has its labels, and comes later. */
static int need_namespace(struct world *world, const struct cluster *base,
			  const char *name, struct err *err)
{
	const struct label label = { NAMESPACE_NAME_LABEL, name };
	struct object object = {
		.kind = OBJECT_NAMESPACE,
		.namespace = { .name = name, .uid = "" },
	};

	object.namespace.labels.items = &label;
	object.namespace.labels.n = 1;
	if (cluster_has(world->cluster, &object) ||
	    (base && cluster_has(base, &object)))
		return 0;
	return put(world, &object, err);
}

static int add_pod(struct world *world, const struct cluster *base,
		   const struct suite_text *line, struct arena *arena,
		   struct range *range, struct err *err)
{
	struct object object = { .kind = OBJECT_POD };
	int r = pod_line_read(line->text, arena, &object.pod, err);

	if (r == 0)
		r = need_namespace(world, base, object.pod.namespace, err);
	if (r == 0 && object.pod.n_addresses == 0)
		r = give(range, &object.pod, err);
	return r == 0 ? put(world, &object, err) : r;
}

/* Those of later lines that say theirs are not to be given away. */
static void take_lines(const struct suite *suite, struct arena *arena,
		       struct range *range)
{
	for (size_t i = 0; i < suite->n_pods; i++) {
		struct object object = { .kind = OBJECT_POD };

		if (pod_line_read(suite->pods[i].text, arena, &object.pod,
				  NULL) == 0)
			take_pod(range, &object);
	}
}

static void free_range(struct range **range)
{
	free(*range);
}

static void take_cluster(const struct cluster *cluster, struct range *range)
{
	cluster_each(cluster, OBJECT_POD, take_pod, range);
	cluster_each(cluster, OBJECT_NODE, take_node, range);
}

static int add_pods(const struct suite *suite, const struct cluster *base,
		    struct world *world, struct arena *arena, struct err *err)
{
	CLEANUP(free_range) struct range *range = calloc(1, sizeof(*range));

	if (!range)
		return err_set(err, -ENOMEM, "out of memory");
	take_cluster(world->cluster, range);
	if (base)
		take_cluster(base, range);
	take_lines(suite, arena, range);
	for (size_t i = 0; i < suite->n_pods; i++) {
		const struct suite_text *line = &suite->pods[i];

		if (add_pod(world, base, line, arena, range, err) < 0)
			return suite_place(suite, line->line, line->path, err);
	}
	return 0;
}

/* ---- manifests ----------------------------------------------------------- */

static int take_object(void *ctx, const struct object *object, const char *file,
		       unsigned int line)
{
	struct world *world = ctx;

	if (object->kind != OBJECT_NETWORK_POLICY)
		return 0;
	return origins_add(&world->origins, &object->policy, file, line);
}

static int load(const struct suite *suite, struct world *world, struct err *err)
{
	const struct manifests_options options = {
		.object = take_object,
		.object_ctx = world,
	};
	const char **paths = calloc(suite->n_manifests + 1, sizeof(*paths));
	int r;

	if (!paths)
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < suite->n_manifests; i++)
		paths[i] = suite->manifests[i].text;
	r = manifests_load(paths, suite->n_manifests, &options, &world->cluster,
			   NULL, err);
	free(paths);
	origins_sort(&world->origins);
	if (r < 0 && suite->n_manifests > 0)
		return suite_place(suite, suite->manifests[0].line, "manifests",
				   err);
	return r;
}

/* ---- the whole ----------------------------------------------------------- */

static int compile(const struct suite *suite, struct world *world,
		   struct err *err)
{
	struct snapshot_options everywhere = {
		.node_name = NULL,
		.enforce_staged = suite->staged,
	};

	if (getrandom(everywhere.hash_key, sizeof(everywhere.hash_key), 0) < 0)
		return err_set(err, -errno, "cannot get random bytes: %s",
			       strerror(errno));
	return snapshot_compile(world->cluster, &everywhere, &world->snapshot,
				err);
}

int world_open(const struct suite *suite, const struct cluster *base,
	       struct world *out, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	int r;

	*out = (struct world){ 0 };
	r = load(suite, out, err);
	if (r == 0)
		r = add_namespaces(suite, out, &arena, err);
	if (r == 0)
		r = add_pods(suite, base, out, &arena, err);
	if (r == 0 && base)
		r = objects_fill(base, out->cluster, NULL, 0, err);
	if (r == 0)
		r = compile(suite, out, err);
	out->asker = (struct asker){
		.cluster = out->cluster,
		.snapshot = out->snapshot,
		.where = "in the manifests",
		.suggests = true,
	};
	return r;
}

void world_release(struct world *world)
{
	snapshot_free(world->snapshot);
	cluster_free(world->cluster);
	origins_release(&world->origins);
	*world = (struct world){ 0 };
}
