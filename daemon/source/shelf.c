/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each file is a bundle of the store (cluster_put_in()), with a number that it
 * keeps as long as it is there. A reading goes through all files as a full one
 * does, but passes over those that are as they were:
 *
 *	a.yaml  1  as it was      passed over
 *	b.yaml  2  another inode  read: pods web and db
 *	c.yaml  3  gone
 *	d.yaml  4  new            read: policy p
 *
 * Bundles 2 and 3 are stale: in the store they are replaced by what was read,
 * so what was in them and is not in b.yaml or d.yaml goes. Had d.yaml named
 * what a.yaml holds, there would be two of one name.
 *
 * Such a duplicate, and any other trouble, is told in the words of a full
 * reading by making one: mistakes are rare, and their order, their lines and
 * their number depend on files that were passed over.
 *
 * A file is as it was when inode, size and times are. The kernel keeps times by
 * the tick, so a file that was written just before it was looked at could be
 * written again with nothing to show for it: it is read again next time, too.
 */
#include "source/shelf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "netpold/arena.h"
#include "netpold/cluster.h"

#include "source/manifests.h"

/* How long ago a change must be for the next one to have another time: a few
   ticks, or, where a file system keeps whole seconds (FAT: every other), as
   many of them. */
#define TICKS_NS INT64_C(100000000)
#define SECONDS_NS INT64_C(3000000000)

struct file {
	size_t source;	  /* the path that leads to it, */
	const char *path; /* and its own */
	uint32_t bundle;
	struct stat seen;
	bool settled; /* no change can hide in seen */
};

/* In the order of reading, which is by source and then by path. */
struct files {
	struct arena arena; /* paths */
	struct file *items;
	size_t n, room;
};

enum number {
	NUMBER_FREE = 0,
	NUMBER_STALE, /* of a file that has changed, or is gone */
	NUMBER_KEPT,  /* of one that is as it was */
};

/* What shelf_read() has found. */
struct reading {
	bool everything;
	int64_t since_ns;   /* 1970, by the clock of file systems */
	uint8_t *numbers;   /* enum number, of those in use before */
	uint32_t n_numbers; /* the largest, and one */
	uint32_t last_new;  /* the number last given to a new file */
	struct files files;
	struct cluster *cluster; /* of the files that were read */
};

struct shelf {
	const char *const *paths;
	size_t n_paths;
	struct cluster *cluster; /* NULL at first */
	struct files files;	 /* what it was read from */
	bool everything;	 /* has to be read before the next taking */
	struct reading reading;
};

/* ---- files -------------------------------------------------------------- */

static int compare_files(const void *a, const void *b)
{
	const struct file *p = a, *q = b;

	if (p->source != q->source)
		return p->source < q->source ? -1 : 1;
	return strcmp(p->path, q->path);
}

static const struct file *files_find(const struct files *files, size_t source,
				     const char *path)
{
	const struct file wanted = { .source = source, .path = path };

	if (files->n == 0)
		return NULL;
	return bsearch(&wanted, files->items, files->n, sizeof(wanted),
		       compare_files);
}

static int files_add(struct files *files, const struct file *file)
{
	struct file copy = *file;

	if (files->n == files->room) {
		size_t room = files->room ? files->room * 2 : 16;
		struct file *grown =
			reallocarray(files->items, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		files->items = grown;
		files->room = room;
	}
	copy.path = arena_strdup(&files->arena, file->path);
	if (!copy.path)
		return -ENOMEM;
	files->items[files->n++] = copy;
	return 0;
}

static void files_release(struct files *files)
{
	free(files->items);
	arena_release(&files->arena);
	*files = (struct files){ 0 };
}

static int64_t timespec_ns(const struct timespec *time)
{
	return time->tv_sec * INT64_C(1000000000) + time->tv_nsec;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool is_as_it_was(const struct file *file, const struct stat *now)
{
	const struct stat *seen = &file->seen;

	return file->settled && seen->st_dev == now->st_dev &&
	       seen->st_ino == now->st_ino && seen->st_size == now->st_size &&
	       same_time(&seen->st_mtim, &now->st_mtim) &&
	       same_time(&seen->st_ctim, &now->st_ctim);
}

/* @now_ns  not later than it was looked at */
static bool is_settled(const struct stat *seen, int64_t now_ns)
{
	int64_t age_ns = now_ns - timespec_ns(&seen->st_ctim);

	return age_ns > (seen->st_ctim.tv_nsec ? TICKS_NS : SECONDS_NS);
}

/* ---- a reading ---------------------------------------------------------- */

static void reading_release(struct reading *reading)
{
	free(reading->numbers);
	files_release(&reading->files);
	cluster_free(reading->cluster);
	*reading = (struct reading){ 0 };
}

static int reading_begin(struct shelf *shelf, bool everything)
{
	struct reading *reading = &shelf->reading;
	const struct files *files = &shelf->files;
	struct timespec now;

	reading_release(reading);
	reading->everything = everything;
	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	reading->since_ns = timespec_ns(&now);
	reading->n_numbers = 1;
	for (size_t i = 0; i < files->n; i++) {
		if (reading->n_numbers <= files->items[i].bundle)
			reading->n_numbers = files->items[i].bundle + 1;
	}
	reading->numbers = calloc(reading->n_numbers, 1);
	if (!reading->numbers)
		return -ENOMEM;
	for (size_t i = 0; i < files->n; i++)
		reading->numbers[files->items[i].bundle] = NUMBER_STALE;
	return 0;
}

/* The smallest that no file has, or had before. */
static uint32_t new_number(struct reading *reading)
{
	do {
		reading->last_new++;
	} while (reading->last_new < reading->n_numbers &&
		 reading->numbers[reading->last_new] != NUMBER_FREE);
	return reading->last_new;
}

/* Whether a file has to be read. */
static int take_file(void *ctx, size_t source, const char *path,
		     const struct stat *seen, uint32_t *bundle)
{
	struct shelf *shelf = ctx;
	struct reading *reading = &shelf->reading;
	const struct file *known = files_find(&shelf->files, source, path);
	struct file file = {
		.source = source,
		.path = path,
		.bundle = known ? known->bundle : new_number(reading),
		.seen = *seen,
		.settled = is_settled(seen, reading->since_ns),
	};

	*bundle = file.bundle;
	if (files_add(&reading->files, &file) < 0)
		return -ENOMEM;
	if (reading->everything || !known || !is_as_it_was(known, seen))
		return 1;
	reading->numbers[file.bundle] = NUMBER_KEPT;
	return 0;
}

static int read_files(struct shelf *shelf, bool everything, struct err *err)
{
	struct manifests_options options = {
		.watched = true,
		.file = take_file,
		.file_ctx = shelf,
	};

	if (reading_begin(shelf, everything) < 0)
		return err_set(err, -ENOMEM,
			       "not enough memory for the manifests");
	return manifests_load(shelf->paths, shelf->n_paths, &options,
			      &shelf->reading.cluster, NULL, err);
}

/* What was read may be in a file that was not, too. */
static int find_kept(void *ctx, const struct object *object)
{
	const struct shelf *shelf = ctx;
	uint32_t bundle = cluster_bundle_of(shelf->cluster, object);

	return shelf->reading.numbers[bundle] == NUMBER_KEPT;
}

static bool has_duplicates(struct shelf *shelf)
{
	for (int kind = 0; kind < N_OBJECT_KINDS; kind++) {
		if (cluster_each(shelf->reading.cluster, kind, find_kept,
				 shelf))
			return true;
	}
	return false;
}

int shelf_read(struct shelf *shelf, bool everything, struct err *err)
{
	int r;

	shelf->everything |= everything || !shelf->cluster;
	r = read_files(shelf, shelf->everything, err);
	/* Whoever waits for a writer needs no other words. */
	if (shelf->everything || r == -EAGAIN ||
	    (r == 0 && !has_duplicates(shelf)))
		return r;
	return read_files(shelf, true, err);
}

/* ---- the store ---------------------------------------------------------- */

static int replace_stale(struct shelf *shelf, int64_t now_ms)
{
	const struct reading *reading = &shelf->reading;
	uint32_t *stale = calloc(reading->n_numbers, sizeof(*stale));
	size_t n = 0;
	int r;

	if (!stale)
		return -ENOMEM;
	for (uint32_t i = 0; i < reading->n_numbers; i++) {
		if (reading->numbers[i] == NUMBER_STALE)
			stale[n++] = i;
	}
	r = cluster_assign_bundles(shelf->cluster, stale, n, reading->cluster,
				   now_ms);
	free(stale);
	return r;
}

/* What is read first becomes the store: a copy would take as much again. */
static int change_store(struct shelf *shelf, int64_t now_ms)
{
	struct reading *reading = &shelf->reading;

	if (!shelf->cluster) {
		shelf->cluster = reading->cluster;
		reading->cluster = NULL;
		return 1;
	}
	return reading->everything ? cluster_assign(shelf->cluster,
						    reading->cluster, now_ms)
				   : replace_stale(shelf, now_ms);
}

int shelf_take(struct shelf *shelf, int64_t now_ms)
{
	struct reading *reading = &shelf->reading;
	int r = change_store(shelf, now_ms);

	/* What failed halfway is not quite what any files say. */
	shelf->everything = r < 0;
	if (r >= 0) {
		files_release(&shelf->files);
		shelf->files = reading->files;
		reading->files = (struct files){ 0 };
	}
	reading_release(reading);
	return r;
}

struct cluster *shelf_cluster(const struct shelf *shelf)
{
	return shelf->cluster;
}

struct shelf *shelf_new(const char *const *paths, size_t n_paths)
{
	struct shelf *shelf = calloc(1, sizeof(*shelf));

	if (!shelf)
		return NULL;
	shelf->paths = paths;
	shelf->n_paths = n_paths;
	return shelf;
}

void shelf_free(struct shelf *shelf)
{
	if (!shelf)
		return;
	reading_release(&shelf->reading);
	files_release(&shelf->files);
	cluster_free(shelf->cluster);
	free(shelf);
}
