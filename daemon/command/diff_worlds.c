/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What belongs to both sides of a comparison comes from --manifests, and from a
 * cluster whatever files do not name. So what files say is what counts:
 *
 *	                    OLD                      NEW
 *	OLD NEW             OLD, the rest            NEW, the rest
 *	NEW alone           the cluster              NEW, the rest
 *
 * The rest is what the cluster has and NEW does not name, nor OLD: where two
 * folders are compared, a policy that only one of them has is there or not as
 * the folders say, though the cluster still has it.
 */
#include "command/diff_worlds.h"

#include <errno.h>

#include "source/objects.h"

static int no_memory(struct err *err)
{
	return err_set(err, -ENOMEM, "out of memory");
}

static int read_side(const char *path, struct progress *progress,
		     struct cluster **out, struct err *err)
{
	const struct objects_from from = {
		.paths = &path,
		.n_paths = 1,
		.progress = progress,
	};

	if (path)
		return objects_load(&from, NULL, out, NULL, err);
	*out = cluster_new();
	return *out ? 0 : no_memory(err);
}

static int read_all(const struct diff_sources *sources,
		    struct progress *progress, struct diff_worlds *worlds,
		    struct err *err)
{
	const struct objects_from files = {
		.paths = sources->manifests,
		.n_paths = sources->n_manifests,
		.progress = progress,
	};
	const struct objects_from cluster = {
		.kubeconfig = sources->kubeconfig,
		.progress = progress,
	};
	int r = 0;

	if (files.n_paths > 0)
		r = objects_load(&files, NULL, &worlds->common, NULL, err);
	for (int v = 0; v < REACH_MAX_VIEWS && r == 0; v++)
		r = read_side(sources->paths[v], progress, &worlds->sides[v],
			      err);
	if (r == 0 && cluster.kubeconfig)
		r = objects_load(&cluster, NULL, &worlds->live, NULL, err);
	return r;
}

/* Where two sets of files are compared, a policy that one of them has no more
   is gone, though the cluster still has it. */
static int leave_out_named(struct diff_worlds *worlds, struct err *err)
{
	struct cluster *rest = cluster_new();
	int r;

	if (!rest)
		return no_memory(err);
	r = objects_fill(worlds->live, rest, worlds->sides, REACH_MAX_VIEWS,
			 err);
	cluster_free(worlds->live);
	worlds->live = rest;
	return r;
}

static int join(const struct diff_sources *sources, struct diff_worlds *worlds,
		struct err *err)
{
	int r = 0;

	for (int v = 0; worlds->common && v < REACH_MAX_VIEWS && r == 0; v++)
		r = objects_add(worlds->common, "what --manifests names",
				worlds->sides[v], err);
	if (worlds->live && sources->paths[REACH_OLD] && r == 0)
		r = leave_out_named(worlds, err);
	for (int v = 0; worlds->live && v < REACH_MAX_VIEWS && r == 0; v++)
		r = objects_fill(worlds->live, worlds->sides[v], NULL, 0, err);
	return r;
}

static int compile(const struct diff_sources *sources,
		   struct diff_worlds *worlds, struct err *err)
{
	int r = 0;

	for (int v = 0; v < REACH_MAX_VIEWS && r == 0; v++) {
		struct cluster *side = worlds->sides[v];

		worlds->sides[v] = NULL;
		r = offline_compile(side, sources->enforce_staged,
				    &worlds->items[v], err);
	}
	return r;
}

static int check_pods(const struct diff_sources *sources,
		      const struct diff_worlds *worlds, struct err *err)
{
	for (int v = 0; v < REACH_MAX_VIEWS; v++) {
		if (worlds->items[v].n_pods > 0)
			continue;
		if (sources->kubeconfig)
			return err_set(err, -ENODATA,
				       "nothing can be compared: neither the "
				       "cluster nor a file has a pod with an "
				       "address");
		return err_set(err, -ENODATA,
			       "nothing can be compared: '%s' holds no "
			       "pod with an address; write what `kubectl "
			       "get ns,pod -A -o yaml` prints into a file "
			       "and name it with --manifests, or name the "
			       "cluster with --kubeconfig",
			       sources->paths[v]);
	}
	return 0;
}

int diff_worlds_load(const struct diff_sources *sources,
		     struct progress *progress, struct diff_worlds *worlds,
		     struct err *err)
{
	int r = read_all(sources, progress, worlds, err);

	if (r == 0)
		r = join(sources, worlds, err);
	if (r == 0)
		r = compile(sources, worlds, err);
	return r == 0 ? check_pods(sources, worlds, err) : r;
}

void diff_worlds_release(struct diff_worlds *worlds)
{
	for (int v = 0; v < REACH_MAX_VIEWS; v++) {
		offline_release(&worlds->items[v]);
		cluster_free(worlds->sides[v]);
	}
	cluster_free(worlds->live);
	cluster_free(worlds->common);
}
