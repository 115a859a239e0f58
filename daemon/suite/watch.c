/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "suite/watch.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define QUIET_MS 100

struct watch {
	int fd;
};

int watch_open(struct watch **out, struct err *err)
{
	struct watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return err_set(err, -ENOMEM, "out of memory");
	watch->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (watch->fd < 0) {
		int code = -errno;

		free(watch);
		return err_set(err, code, "cannot watch files: %s",
			       strerror(-code));
	}
	*out = watch;
	return 0;
}

void watch_close(struct watch *watch)
{
	if (watch)
		close(watch->fd);
	free(watch);
}

void watch_closep(struct watch **watch)
{
	watch_close(*watch);
}

void watch_add(struct watch *watch, const char *path)
{
	char folder[4096];
	struct stat st;
	char *slash;

	if (!watch || strlen(path) >= sizeof(folder))
		return;
	snprintf(folder, sizeof(folder), "%s", path);
	if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode)) {
		slash = strrchr(folder, '/');
		if (slash == folder)
			slash[1] = '\0';
		else if (slash)
			*slash = '\0';
		else
			snprintf(folder, sizeof(folder), ".");
	}
	inotify_add_watch(watch->fd, folder,
			  IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM |
				  IN_DELETE | IN_CREATE | IN_ONLYDIR);
}

/* Takes all events that are there. */
static void drain(const struct watch *watch)
{
	char events[4096];

	while (read(watch->fd, events, sizeof(events)) > 0)
		continue;
}

int watch_wait(struct watch *watch, int limit_ms, struct err *err)
{
	struct pollfd fd = { .fd = watch->fd, .events = POLLIN };
	int timeout_ms = limit_ms;
	int n;

	while ((n = poll(&fd, 1, timeout_ms)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(err, -errno,
				       "cannot wait for changes: %s",
				       strerror(errno));
		drain(watch);
		timeout_ms = QUIET_MS;
	}
	return 0;
}
