/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/timeline.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "netpold/cleanup.h"
#include "records/record_time.h"
#include "source/manifests.h"

#define NS_PER_US 1000

struct age {
	int64_t since_ns;
	char *path;
	struct snapshot *snapshot; /* NULL: not read yet, or gone */
	size_t n_held;
};

struct timeline {
	struct timeline_options options;
	const char **paths; /* the last of them is an age's */
	struct age *ages;   /* by time */
	size_t n;
	size_t room;
	size_t now; /* which of them is in force */
};

/* ---- what there is ------------------------------------------------------- */

static int add(struct timeline *timeline, const char *folder, const char *name,
	       int64_t since_ns)
{
	struct age *age;
	char *path = NULL;

	if (timeline->n == timeline->room) {
		size_t room = timeline->room ? 2 * timeline->room : 16;
		struct age *ages =
			reallocarray(timeline->ages, room, sizeof(*ages));

		if (!ages)
			return -ENOMEM;
		timeline->ages = ages;
		timeline->room = room;
	}
	if (asprintf(&path, "%s/%s", folder, name) < 0)
		return -ENOMEM;
	age = &timeline->ages[timeline->n++];
	*age = (struct age){ .since_ns = since_ns, .path = path };
	return 0;
}

static bool is_folder(int parent, const char *name)
{
	struct stat status;

	return fstatat(parent, name, &status, 0) == 0 &&
	       S_ISDIR(status.st_mode);
}

static int take_entry(struct timeline *timeline, const char *folder, DIR *dir,
		      const char *name, struct err *err)
{
	int64_t since_us;

	if (name[0] == '.' || !is_folder(dirfd(dir), name))
		return 0;
	if (!record_time_read(name, &since_us))
		return err_set(err, -EINVAL,
			       "'%s/%.100s': the name of the folder is no time "
			       "such as 2026-11-26T18:00:00Z",
			       folder, name);
	if (add(timeline, folder, name, since_us * NS_PER_US) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	return 0;
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static int look(struct timeline *timeline, const char *folder, struct err *err)
{
	CLEANUP(close_dir) DIR *dir = opendir(folder);
	const struct dirent *entry;
	int r = 0;

	if (!dir)
		return err_set(err, -errno, "cannot read '%s': %s", folder,
			       strerror(errno));
	errno = 0;
	while (r == 0 && (entry = readdir(dir)) != NULL) {
		r = take_entry(timeline, folder, dir, entry->d_name, err);
		errno = 0;
	}
	if (r == 0 && errno != 0)
		return err_set(err, -errno, "cannot read '%s': %s", folder,
			       strerror(errno));
	if (r == 0 && timeline->n == 0)
		return err_set(err, -EINVAL,
			       "'%s' holds no folder that is named by a time",
			       folder);
	return r;
}

static int compare_ages(const void *a, const void *b)
{
	const struct age *p = a, *q = b;

	return (p->since_ns > q->since_ns) - (p->since_ns < q->since_ns);
}

static int check_times(const struct timeline *timeline, struct err *err)
{
	for (size_t i = 1; i < timeline->n; i++) {
		const struct age *age = &timeline->ages[i];

		if (age->since_ns == age[-1].since_ns)
			return err_set(err, -EINVAL,
				       "'%s' and '%s' are named by the same "
				       "time",
				       age[-1].path, age->path);
	}
	return 0;
}

static void free_timelinep(struct timeline **timeline)
{
	timeline_free(*timeline);
}

int timeline_open(const char *folder, const struct timeline_options *options,
		  struct timeline **out, struct err *err)
{
	CLEANUP(free_timelinep)
	struct timeline *timeline = calloc(1, sizeof(*timeline));
	int r;

	if (timeline)
		timeline->paths =
			calloc(options->n_paths + 1, sizeof(*timeline->paths));
	if (!timeline || !timeline->paths)
		return err_set(err, -ENOMEM, "out of memory");
	timeline->options = *options;
	for (size_t i = 0; i < options->n_paths; i++)
		timeline->paths[i] = options->paths[i];
	r = look(timeline, folder, err);
	if (r < 0)
		return r;
	qsort(timeline->ages, timeline->n, sizeof(*timeline->ages),
	      compare_ages);
	r = check_times(timeline, err);
	if (r < 0)
		return r;

	*out = timeline;
	timeline = NULL;
	return 0;
}

void timeline_free(struct timeline *timeline)
{
	if (!timeline)
		return;
	for (size_t i = 0; i < timeline->n; i++) {
		snapshot_free(timeline->ages[i].snapshot);
		free(timeline->ages[i].path);
	}
	free(timeline->ages);
	free(timeline->paths);
	free(timeline);
}

/* ---- as time goes by ----------------------------------------------------- */

static int read_age(struct timeline *timeline, struct age *age, struct err *err)
{
	CLEANUP(cluster_freep) struct cluster *cluster = NULL;
	size_t n = timeline->options.n_paths;
	int r;

	if (age->snapshot)
		return 0;
	timeline->paths[n] = age->path;
	r = manifests_load(timeline->paths, n + 1, NULL, &cluster, NULL, err);
	if (r < 0)
		return r;
	return snapshot_compile(cluster, &timeline->options.snapshot,
				&age->snapshot, err);
}

static void free_unused(const struct timeline *timeline, struct age *age)
{
	if (age->n_held > 0 || age == &timeline->ages[timeline->now])
		return;
	snapshot_free(age->snapshot);
	age->snapshot = NULL;
}

int timeline_turn(struct timeline *timeline, int64_t time_ns,
		  const struct snapshot **out, int64_t *next_ns,
		  struct err *err)
{
	size_t before = timeline->now, i = before;
	int r;

	while (i + 1 < timeline->n && timeline->ages[i + 1].since_ns <= time_ns)
		i++;
	r = read_age(timeline, &timeline->ages[i], err);
	if (r < 0)
		return r;
	timeline->now = i;
	free_unused(timeline, &timeline->ages[before]);
	*out = timeline->ages[i].snapshot;
	*next_ns = i + 1 < timeline->n ? timeline->ages[i + 1].since_ns
				       : INT64_MAX;
	return 0;
}

/* Most are asked for soon. */
static struct age *find(struct timeline *timeline,
			const struct snapshot *snapshot)
{
	size_t i = timeline->now;

	while (timeline->ages[i].snapshot != snapshot) {
		assert(i > 0);
		i--;
	}
	return &timeline->ages[i];
}

void timeline_hold(struct timeline *timeline, const struct snapshot *snapshot)
{
	find(timeline, snapshot)->n_held++;
}

bool timeline_drop(struct timeline *timeline, const struct snapshot *snapshot)
{
	struct age *age = find(timeline, snapshot);

	age->n_held--;
	free_unused(timeline, age);
	return !age->snapshot;
}
