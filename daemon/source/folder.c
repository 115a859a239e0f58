/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "netpold/cleanup.h"

/* A file counts as changed when its writer closes it, not at each write. */
#define EVENTS                                                                 \
	(IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM |              \
	 IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB)

struct watch {
	/* What the path led to when it was last looked at: a folder that is
	   replaced, or a link that leads elsewhere now, raises no event. */
	struct stat seen;
	char *path; /* the folder that is watched */
	char *name; /* the one file in it that counts; NULL: all */
	int id;	    /* inotify's; -1 while the folder is gone */
};

struct folder {
	int fd;
	size_t n;
	struct watch watches[];
};

/* Split "a/b.yaml" into "a" and "b.yaml"; a folder stays whole. */
static int watch_init(struct watch *watch, const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	struct stat st;

	watch->id = -1;
	if (strcmp(path, "-") == 0)
		return err_set(err, -EINVAL,
			       "--manifests -: standard input cannot be "
			       "watched; name a file or a folder");
	if (stat(path, &st) < 0)
		return err_set(err, -errno, "cannot read '%s': %s", path,
			       strerror(errno));
	if (S_ISDIR(st.st_mode))
		watch->path = strdup(path);
	else if (!slash)
		watch->path = strdup(".");
	else
		watch->path = slash == path
				      ? strdup("/")
				      : strndup(path, (size_t)(slash - path));
	if (!S_ISDIR(st.st_mode))
		watch->name = strdup(slash ? slash + 1 : path);
	if (!watch->path || (!S_ISDIR(st.st_mode) && !watch->name))
		return err_set(err, -ENOMEM, "no memory to watch '%s'", path);
	return 0;
}

/* At the file where there is one, else at the folder; links are followed. */
static int look(const struct watch *watch, struct stat *seen)
{
	char path[4096];
	int n;

	if (!watch->name)
		return stat(watch->path, seen);
	n = snprintf(path, sizeof(path), "%s/%s", watch->path, watch->name);
	if (n < 0 || (size_t)n >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return stat(path, seen);
}

static int watch_start(struct folder *folder, struct watch *watch)
{
	watch->id =
		inotify_add_watch(folder->fd, watch->path, EVENTS | IN_ONLYDIR);
	return watch->id < 0 || look(watch, &watch->seen) < 0 ? -errno : 0;
}

static void folder_closep(struct folder **folder)
{
	folder_close(*folder);
}

int folder_open(const char *const *paths, size_t n, struct folder **out,
		struct err *err)
{
	CLEANUP(folder_closep) struct folder *folder = NULL;

	folder = calloc(1, sizeof(*folder) + n * sizeof(*folder->watches));
	if (!folder)
		return err_set(err, -ENOMEM, "no memory to watch manifests");
	folder->n = n;
	folder->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (folder->fd < 0)
		return err_set(err, -errno, "cannot watch manifests: %s",
			       strerror(errno));
	for (size_t i = 0; i < n; i++) {
		int r = watch_init(&folder->watches[i], paths[i], err);

		if (r < 0)
			return r;
		r = watch_start(folder, &folder->watches[i]);
		if (r < 0)
			return err_set(err, r, "cannot watch '%s': %s",
				       folder->watches[i].path, strerror(-r));
	}
	*out = folder;
	folder = NULL;
	return 0;
}

void folder_close(struct folder *folder)
{
	if (!folder)
		return;
	if (folder->fd >= 0)
		close(folder->fd);
	for (size_t i = 0; i < folder->n; i++) {
		free(folder->watches[i].path);
		free(folder->watches[i].name);
	}
	free(folder);
}

int folder_fd(const struct folder *folder)
{
	return folder->fd;
}

/* A file that was just made and has one name is still being written: it counts
   when its writer closes it. A link counts at once. */
static bool is_unfinished(const struct watch *watch,
			  const struct inotify_event *event)
{
	char path[4096];
	struct stat st;
	int n;

	if (!(event->mask & IN_CREATE) || event->len == 0)
		return false;
	n = snprintf(path, sizeof(path), "%s/%s", watch->path, event->name);
	return n > 0 && (size_t)n < sizeof(path) && lstat(path, &st) == 0 &&
	       S_ISREG(st.st_mode) && st.st_nlink == 1;
}

static bool concerns(const struct watch *watch,
		     const struct inotify_event *event)
{
	if (is_unfinished(watch, event))
		return false;
	return !watch->name || event->len == 0 ||
	       strcmp(event->name, watch->name) == 0;
}

static bool handle(struct folder *folder, const struct inotify_event *event)
{
	bool overflow = (event->mask & IN_Q_OVERFLOW) != 0;
	bool changed = overflow;

	for (size_t i = 0; i < folder->n; i++) {
		struct watch *watch = &folder->watches[i];

		/* What got lost may have been the end of a watch. */
		if (overflow)
			watch->id = -1;
		if (watch->id != event->wd)
			continue;
		if (concerns(watch, event))
			changed = true;
		if (event->mask & (IN_IGNORED | IN_MOVE_SELF))
			watch->id = -1;
	}
	return changed;
}

static bool was_replaced(const struct watch *watch)
{
	const struct stat *seen = &watch->seen;
	struct stat now;

	if (look(watch, &now) < 0)
		return false;
	if (now.st_dev != seen->st_dev || now.st_ino != seen->st_ino)
		return true;
	/* A folder's own times change with what is in it: that is an event. */
	return watch->name && (now.st_mtim.tv_sec != seen->st_mtim.tv_sec ||
			       now.st_mtim.tv_nsec != seen->st_mtim.tv_nsec);
}

/* A folder that was removed or renamed and made anew, or a link to a folder
   that points elsewhere now, is watched as soon as it is there. */
static bool watch_lost_again(struct folder *folder)
{
	bool found = false;

	for (size_t i = 0; i < folder->n; i++) {
		struct watch *watch = &folder->watches[i];

		if ((watch->id < 0 || was_replaced(watch)) &&
		    watch_start(folder, watch) == 0)
			found = true;
	}
	return found;
}

bool folder_changed(struct folder *folder)
{
	char buf[4096] __attribute__((aligned(8)));
	bool changed = false;
	ssize_t n;

	while ((n = read(folder->fd, buf, sizeof(buf))) > 0) {
		const struct inotify_event *event;

		for (ssize_t at = 0; at < n;
		     at += (ssize_t)(sizeof(*event) + event->len)) {
			event = (const void *)(buf + at);
			changed |= handle(folder, event);
		}
	}
	return watch_lost_again(folder) || changed;
}
