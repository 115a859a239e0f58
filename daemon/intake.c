/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "intake.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "clock.h"
#include "log.h"
#include "source/folder.h"
#include "source/shelf.h"

/* Several files that change together should be one change: wait until nothing
   has come for QUIET_MS, but never longer than PATIENCE_MS. */
#define QUIET_MS 1
#define PATIENCE_MS 40

/* Reads of manifests that change meanwhile, before waiting for them. */
#define READ_ATTEMPTS 10

struct intake {
	const char *node_name;
	struct shelf *shelf;
	struct folder *folder;
	struct compiler *compiler; /* NULL until something has been read */
	bool changed;		   /* the store is ahead of what was taken */
};

int intake_open(const char *const *paths, size_t n_paths, const char *node_name,
		struct intake **out, struct err *err)
{
	struct intake *intake = calloc(1, sizeof(*intake));
	int r;

	if (!intake)
		return err_set(err, -ENOMEM, "no memory to start");
	intake->node_name = node_name;
	intake->shelf = shelf_new(paths, n_paths);
	/* Watch before reading: what changes in between is read again. */
	r = intake->shelf ? folder_open(paths, n_paths, &intake->folder, err)
			  : err_set(err, -ENOMEM,
				    "not enough memory for the manifests");
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
	free(intake);
}

int intake_fd(const struct intake *intake)
{
	return folder_fd(intake->folder);
}

bool intake_changed(struct intake *intake)
{
	return folder_changed(intake->folder);
}

void intake_wait_until_quiet(struct intake *intake, int64_t since_us)
{
	struct pollfd fd = { .fd = intake_fd(intake), .events = POLLIN };

	while (clock_us() - since_us < PATIENCE_MS * 1000 &&
	       poll(&fd, 1, QUIET_MS) > 0)
		folder_changed(intake->folder);
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
	return compiler_new(shelf_cluster(intake->shelf), &options,
			    &intake->compiler, err);
}

static int update_store(struct intake *intake, struct err *err)
{
	int r = shelf_take(intake->shelf, clock_us() / 1000);

	/* What fails halfway has changed something, too. */
	intake->changed |= r != 0;
	if (r < 0)
		return err_set(err, r, "no memory for the objects");
	return intake->compiler ? 0 : begin_compiling(intake, err);
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
	int r = read_steady(intake, everything, err);

	if (r == 0)
		r = update_store(intake, err);
	if (r < 0)
		return r;
	if (!intake->changed)
		return 0;
	r = intake_compile(intake, out, err);
	return r < 0 ? r : 1;
}

void intake_taken(struct intake *intake)
{
	intake->changed = false;
}

const struct cluster *intake_store(const struct intake *intake)
{
	return shelf_cluster(intake->shelf);
}

const struct cluster *intake_cluster(const struct intake *intake)
{
	return intake->changed ? NULL : shelf_cluster(intake->shelf);
}
