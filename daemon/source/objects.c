/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/objects.h"

#include <errno.h>

#include "kube/kube_read.h"
#include "netpold/cleanup.h"
#include "progress.h"

/* ---- one cluster into another ------------------------------------------- */

struct joining {
	struct cluster *to;
	const char *where;
	struct cluster *const *others;
	size_t n_others;
	struct err *err;
};

static const char *name_of(const struct object *object, const char **namespace)
{
	*namespace = "";
	switch (object->kind) {
	case OBJECT_POD:
		*namespace = object->pod.namespace;
		return object->pod.name;
	case OBJECT_NAMESPACE:
		return object->namespace.name;
	case OBJECT_NETWORK_POLICY:
		*namespace = object->policy.namespace;
		return object->policy.name;
	case OBJECT_NODE:
		return object->node.name;
	}
	return "";
}

/* There is nothing old for a clock to age. */
static int put(const struct joining *joining, const struct object *object)
{
	if (cluster_put(joining->to, object, 0) < 0)
		return err_set(joining->err, -ENOMEM,
			       "not enough memory for the objects");
	return 0;
}

static int add_object(void *ctx, const struct object *object)
{
	const struct joining *joining = ctx;
	const char *namespace, *name = name_of(object, &namespace);

	if (cluster_has(joining->to, object))
		return err_set(joining->err, -EEXIST,
			       "%s %s%s%s is there twice: once in %s",
			       object_kind_name(object->kind), namespace,
			       *namespace ? "/" : "", name, joining->where);
	return put(joining, object);
}

static int fill_object(void *ctx, const struct object *object)
{
	const struct joining *joining = ctx;

	if (cluster_has(joining->to, object))
		return 0;
	for (size_t i = 0; i < joining->n_others; i++) {
		if (cluster_has(joining->others[i], object))
			return 0;
	}
	return put(joining, object);
}

static int each(const struct cluster *cluster, cluster_object_fn do_it,
		void *ctx)
{
	int r = 0;

	for (int kind = 0; kind < N_OBJECT_KINDS && r == 0; kind++)
		r = cluster_each(cluster, kind, do_it, ctx);
	return r;
}

int objects_add(const struct cluster *from, const char *where,
		struct cluster *to, struct err *err)
{
	struct joining joining = { .to = to, .where = where, .err = err };

	return each(from, add_object, &joining);
}

int objects_fill(const struct cluster *from, struct cluster *to,
		 struct cluster *const *others, size_t n_others,
		 struct err *err)
{
	struct joining joining = {
		.to = to,
		.others = others,
		.n_others = n_others,
		.err = err,
	};

	return each(from, fill_object, &joining);
}

/* ---- how many there are ------------------------------------------------- */

/* Files come first, so what a cluster has is counted on from there. */
struct counting {
	const struct manifests_options *options; /* of who reads */
	struct progress *progress;
	size_t n; /* of files */
};

static int count_object(void *ctx, const struct object *object,
			const char *file, unsigned int line)
{
	struct counting *counting = ctx;
	const struct manifests_options *options = counting->options;

	progress_tell(counting->progress, ++counting->n, "objects read");
	if (!options->object)
		return 0;
	return options->object(options->object_ctx, object, file, line);
}

static void count_live(void *ctx, size_t n)
{
	const struct counting *counting = ctx;

	progress_tell(counting->progress, counting->n + n, "objects read");
}

/* ---- a cluster ---------------------------------------------------------- */

/* What goes through the asking of one. */
struct asking {
	const struct manifests_options *options;
	struct manifests_report *report;
	bool only_errors;
	struct err first; /* the first error, as a line of its own */
};

/* Its objects are in no file; whom the message is for wants to know all the
   same what was asked. */
static void take_finding(void *ctx, const struct finding *finding)
{
	struct asking *asking = ctx;
	struct finding placed = *finding;

	if (asking->only_errors && finding->severity == FINDING_WARNING)
		return;
	placed.file = "";
	if (asking->options->strict && finding->code == FINDING_ODD_CIDR)
		placed.severity = FINDING_ERROR;
	if (placed.severity == FINDING_WARNING)
		asking->report->n_warnings++;
	else if (asking->report->n_errors++ == 0)
		finding_format(finding, asking->first.message,
			       sizeof(asking->first.message));
	if (asking->options->report)
		asking->options->report(asking->options->report_ctx, &placed);
}

static int show_object(void *ctx, const struct object *object)
{
	const struct asking *asking = ctx;
	const struct manifests_options *options = asking->options;

	asking->report->n_objects++;
	if (!options->object)
		return 0;
	return options->object(options->object_ctx, object, "", 0);
}

static int ask(const struct objects_from *from, struct counting *counting,
	       struct cluster **out, struct manifests_report *report,
	       struct err *err)
{
	const struct kube_choice choice = { .kubeconfig = from->kubeconfig };
	const struct manifests_options *options = counting->options;
	CLEANUP(cluster_freep) struct cluster *cluster = NULL;
	struct asking asking = {
		.options = options,
		.report = report,
		.only_errors = from->files_win && from->n_paths > 0,
	};
	const struct kube_reading reading = {
		.report = take_finding,
		.report_ctx = &asking,
		.tell = from->progress ? count_live : NULL,
		.tell_ctx = counting,
	};
	int r = kube_read(&choice, &reading, &cluster, err);

	if (r < 0)
		return r;
	if (report->n_errors > 0)
		return manifests_refuse(&asking.first, report->n_errors, err);
	r = each(cluster, show_object, &asking);
	if (r < 0)
		return err_set(err, r, "not enough memory for the objects");
	*out = cluster;
	cluster = NULL;
	return 0;
}

/* ---- both --------------------------------------------------------------- */

static int join(const struct objects_from *from, const struct cluster *live,
		struct cluster *files, struct err *err)
{
	if (from->files_win)
		return objects_fill(live, files, NULL, 0, err);
	return objects_add(live, "the cluster, and once in a file", files, err);
}

int objects_load(const struct objects_from *from,
		 const struct manifests_options *options, struct cluster **out,
		 struct manifests_report *report, struct err *err)
{
	CLEANUP(cluster_freep) struct cluster *files = NULL;
	CLEANUP(cluster_freep) struct cluster *live = NULL;
	static const struct manifests_options defaults = { 0 };
	struct counting counting = {
		.options = options ? options : &defaults,
		.progress = from->progress,
	};
	struct manifests_options counted = *counting.options;
	struct manifests_report unwanted = { 0 };
	int r;

	if (from->progress) {
		counted.object = count_object;
		counted.object_ctx = &counting;
	}
	r = manifests_load(from->paths, from->n_paths, &counted, &files,
			   report ? report : &unwanted, err);
	if (r == 0 && from->kubeconfig)
		r = ask(from, &counting, &live, report ? report : &unwanted,
			err);
	if (r == 0 && live && from->n_paths > 0)
		r = join(from, live, files, err);
	if (r < 0)
		return r;
	if (from->n_paths > 0) {
		*out = files;
		files = NULL;
	} else {
		*out = live;
		live = NULL;
	}
	return 0;
}
