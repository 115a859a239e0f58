/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "intake.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "clock.h"
#include "fault.h"
#include "kube/kube_source.h"
#include "log.h"
#include "source/folder.h"
#include "source/shelf.h"

/* Several files that change together should be one change: wait until nothing
   has come for QUIET_MS, but never longer than PATIENCE_MS. */
#define QUIET_MS 1
#define PATIENCE_MS 40

/* So much from an API server at once is a stream of changes, of pods of a few
   KiB each. Putting one in force can take longer than the stream leaves between
   two, and what is not read meanwhile is kept by the server, until it has
   enough and ends the watch. (One object of that size is taken for a stream.)
   Nor is each gap of a stream to be used: most of what it costs to put a change
   in force, a walk through the connections above all, is the same for one pod
   as for fifty. So it is gathered until nothing has come for as long as that
   took the last time, within PATIENCE_MS. */
#define STREAM_BYTES (16 << 10)

/* Reads of manifests that change meanwhile, before waiting for them. */
#define READ_ATTEMPTS 10

struct intake {
	const char *node_name;
	struct kube_source *kube; /* NULL: it comes from */
	struct shelf *shelf;	  /* these */
	struct folder *folder;
	struct compiler *compiler; /* NULL until something has been read */
	bool changed;		   /* the store is ahead of what was taken */
	bool events;	 /* of the API server: the store may have changed */
	bool streams;	 /* the API server is at it */
	int64_t work_us; /* that the last change took; 0: not known */
};

/* ---- life ---------------------------------------------------------------- */

static int open_manifests(struct intake *intake,
			  const struct intake_options *options, struct err *err)
{
	intake->shelf = shelf_new(options->paths, options->n_paths);
	if (!intake->shelf)
		return err_set(err, -ENOMEM,
			       "not enough memory for the manifests");
	/* Watch before reading: what changes in between is read again. */
	return folder_open(options->paths, options->n_paths, &intake->folder,
			   err);
}

static int open_cluster(struct intake *intake,
			const struct intake_options *options, struct err *err)
{
	const struct kube_source_options kube = {
		.choice = options->cluster,
		.node_name = options->node_name,
		.before_change = options->before_change,
		.ctx = options->ctx,
	};

	return kube_source_open(&kube, &intake->kube, err);
}

int intake_open(const struct intake_options *options, struct intake **out,
		struct err *err)
{
	struct intake *intake = calloc(1, sizeof(*intake));
	int r;

	if (!intake)
		return err_set(err, -ENOMEM, "no memory to start");
	intake->node_name = options->node_name;
	r = options->n_paths ? open_manifests(intake, options, err)
			     : open_cluster(intake, options, err);
	if (r < 0) {
		intake_close(intake);
		return r;
	}
	*out = intake;
	return 0;
}

void intake_close(struct intake *intake)
{
	if (!intake)
		return;
	folder_close(intake->folder);
	compiler_free(intake->compiler);
	shelf_free(intake->shelf);
	kube_source_close(intake->kube);
	free(intake);
}

/* ---- waiting ------------------------------------------------------------- */

bool intake_is_live(const struct intake *intake)
{
	return intake->kube;
}

const char *intake_server(const struct intake *intake)
{
	return kube_source_name(intake->kube);
}

int intake_fd(const struct intake *intake)
{
	return intake->kube ? kube_source_fd(intake->kube)
			    : folder_fd(intake->folder);
}

bool intake_changed(struct intake *intake)
{
	if (!intake->kube)
		return folder_changed(intake->folder);
	intake->streams = kube_source_work(intake->kube) >= STREAM_BYTES;
	intake->events |= kube_source_take_change(intake->kube);
	return intake->events && kube_source_is_synced(intake->kube);
}

static int64_t quiet_ms(const struct intake *intake)
{
	int64_t work_ms = intake->work_us / 1000;

	return intake->kube && work_ms > QUIET_MS && fault_stands("gather")
		       ? work_ms
		       : QUIET_MS;
}

void intake_wait_until_quiet(struct intake *intake, int64_t since_us)
{
	struct pollfd fd = { .fd = intake_fd(intake), .events = POLLIN };
	int64_t quiet = quiet_ms(intake), left_ms;

	if (intake->kube && !intake->streams)
		return;
	while ((left_ms = PATIENCE_MS - (clock_us() - since_us) / 1000) > 0 &&
	       poll(&fd, 1, (int)(quiet < left_ms ? quiet : left_ms)) > 0)
		intake_changed(intake);
}

/* ---- reading ------------------------------------------------------------- */

static struct cluster *store(const struct intake *intake)
{
	return intake->kube ? kube_source_cluster(intake->kube)
			    : shelf_cluster(intake->shelf);
}

/* Read all of it while nothing of it changes: a mixture of two states would be
   neither. */
static int read_steady(struct intake *intake, bool everything, struct err *err)
{
	for (int i = 0; i < READ_ATTEMPTS; i++) {
		int r = shelf_read(intake->shelf, everything, err);

		if (!folder_changed(intake->folder))
			return r;
	}
	return err_set(err, -EAGAIN,
		       "the manifests keep changing while they are read");
}

static int begin_compiling(struct intake *intake, struct err *err)
{
	struct snapshot_options options = { .node_name = intake->node_name };

	if (getrandom(options.hash_key, sizeof(options.hash_key), 0) !=
	    sizeof(options.hash_key))
		return err_set(err, -errno, "cannot draw a random key: %s",
			       strerror(errno));
	return compiler_new(store(intake), &options, &intake->compiler, err);
}

static int read_manifests(struct intake *intake, bool everything,
			  struct err *err)
{
	int r = read_steady(intake, everything, err);

	if (r < 0)
		return r;
	r = shelf_take(intake->shelf, clock_us() / 1000);

	/* What fails halfway has changed something, too. */
	intake->changed |= r != 0;
	if (r < 0)
		return err_set(err, r, "no memory for the objects");
	return 0;
}

/* The store is up to date already, but half of a cluster is none (L30). */
static int read_cluster(struct intake *intake, bool everything, struct err *err)
{
	char missing[sizeof(err->message)];

	if (everything)
		kube_source_hurry(intake->kube);
	intake->events |= kube_source_take_change(intake->kube);
	if (!kube_source_is_synced(intake->kube)) {
		kube_source_missing(intake->kube, missing, sizeof(missing));
		return err_set(err, -EINPROGRESS,
			       "%s has not said everything yet: "
			       "%s are missing",
			       kube_source_name(intake->kube), missing);
	}
	intake->changed |= intake->events;
	intake->events = false;
	return 0;
}

/* NP-64: two pods with one address is nothing that a cluster should have. */
static void report_contests(const struct update *update)
{
	for (size_t i = 0; i < update->n_contests; i++) {
		const struct contest *contest = &update->contests[i];
		char text[IP_ADDR_TEXT_LEN];

		ip_addr_format(&contest->addr, text);
		if (contest->winner)
			log_warning("pods %s/%s and %s/%s both name the "
				    "address %s: it counts as that of %s/%s",
				    contest->winner->namespace,
				    contest->winner->name,
				    contest->loser->namespace,
				    contest->loser->name, text,
				    contest->winner->namespace,
				    contest->winner->name);
		else
			log_warning("pod %s/%s names the address %s, which is "
				    "a node's: no policy holds for it",
				    contest->loser->namespace,
				    contest->loser->name, text);
	}
}

int intake_compile(struct intake *intake, struct intake_result *out,
		   struct err *err)
{
	int r;

	out->compile_began_us = clock_us();
	r = compiler_compile(intake->compiler, &out->snapshot, &out->update,
			     err);
	if (r < 0)
		return r;
	out->memory = compiler_memory(intake->compiler);
	out->counts = snapshot_counts(out->snapshot);
	report_contests(&out->update);
	return 0;
}

int intake_read(struct intake *intake, bool everything,
		struct intake_result *out, struct err *err)
{
	int r = intake->kube ? read_cluster(intake, everything, err)
			     : read_manifests(intake, everything, err);

	if (r == 0 && !intake->compiler)
		r = begin_compiling(intake, err);
	if (r < 0)
		return r;
	if (!intake->changed)
		return 0;
	r = intake_compile(intake, out, err);
	return r < 0 ? r : 1;
}

void intake_taken(struct intake *intake, int64_t work_us)
{
	intake->changed = false;
	intake->work_us = work_us;
}

const struct cluster *intake_store(const struct intake *intake)
{
	if (intake->kube && !kube_source_is_synced(intake->kube))
		return NULL;
	return store(intake);
}

const struct cluster *intake_cluster(const struct intake *intake)
{
	return intake->changed || intake->events ? NULL : intake_store(intake);
}

void intake_status(const struct intake *intake, struct kube_status *out)
{
	*out = (struct kube_status){ 0 };
	if (intake->kube)
		kube_source_status(intake->kube, out);
}

const struct name_set *intake_unreadable(const struct intake *intake)
{
	return intake->kube
		       ? kube_source_unreadable(intake->kube, KUBE_POLICIES)
		       : NULL;
}
