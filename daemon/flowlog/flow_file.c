/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file of records, and older ones beside it:
 *
 *	flows.jsonl	flows.jsonl.1	flows.jsonl.2	…
 *	written to	the last one	the one before
 *
 * A file gets as long as asked for; then each one takes the name of the next
 * older one, and a new one is begun. A record is in one file, whole: what a
 * full disk has taken of one is cut off again. Who moves the file away
 * (logrotate) finds it left alone within a second, or at SIGHUP.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flowlog/flow_sink_parts.h"

#define LOOK_EVERY_US 1000000
#define MODE 0600 /* who talks to whom is not for everybody */

/* Non-blocking: somebody may have put a pipe there. */
static int open_file(const struct flow_sink *sink, uint64_t *size)
{
	int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW |
		    O_NOCTTY | O_NONBLOCK;
	int fd = open(sink->options.target.path, flags, MODE);
	struct stat info;
	int r;

	if (fd < 0)
		return -errno;
	r = fstat(fd, &info) < 0 ? -errno : S_ISREG(info.st_mode) ? 0 : -EINVAL;
	if (r < 0) {
		close(fd);
		return r;
	}
	*size = (uint64_t)info.st_size;
	return fd;
}

int flow_file_open(struct flow_sink *sink, struct err *err)
{
	const char *path = sink->options.target.path;
	int fd = open_file(sink, &sink->size);

	if (fd == -EINVAL)
		return err_set(err, -EINVAL,
			       "flow log: '%s' is no regular file", path);
	if (fd < 0)
		return err_set(err, fd, "flow log: cannot write to '%s': %s",
			       path, strerror(-fd));
	sink->fd = fd;
	return 0;
}

/* Where it cannot be, what was written to stays so. */
void flow_file_reopen(struct flow_sink *sink)
{
	uint64_t size;
	int fd = open_file(sink, &size);

	if (fd < 0) {
		flow_sink_begin_trouble(sink, TROUBLE_OPEN, "cannot open", -fd);
		return;
	}
	flow_sink_end_trouble(sink, TROUBLE_OPEN);
	close(sink->fd);
	sink->fd = fd;
	sink->size = size;
	sink->cut = 0;
}

/* ---- rotation ------------------------------------------------------------ */

static bool name_older(const struct flow_sink *sink, unsigned int age,
		       char name[PATH_MAX])
{
	const char *path = sink->options.target.path;
	int len = age == 0 ? snprintf(name, PATH_MAX, "%s", path)
			   : snprintf(name, PATH_MAX, "%s.%u", path, age);

	return len > 0 && len < PATH_MAX;
}

/* One that is missing is none that has to move. */
static int rotate(const struct flow_sink *sink)
{
	char from[PATH_MAX], to[PATH_MAX];

	for (unsigned int age = sink->options.keep; age > 0; age--) {
		if (!name_older(sink, age - 1, from) ||
		    !name_older(sink, age, to))
			return -ENAMETOOLONG;
		if (rename(from, to) < 0 && errno != ENOENT)
			return -errno;
	}
	return 0;
}

/* Where that fails it gets longer. */
static void begin_next(struct flow_sink *sink)
{
	int r = rotate(sink);

	if (r < 0)
		flow_sink_begin_trouble(sink, TROUBLE_OPEN, "cannot rotate",
					-r);
	else
		flow_file_reopen(sink);
}

/* ---- writing ------------------------------------------------------------- */

/* Somebody may have emptied it, and another netpold writes to it during a
   hand-over. */
static void look_after(struct flow_sink *sink, int64_t now_us)
{
	struct stat there, ours;

	if (now_us < sink->look_us)
		return;
	sink->look_us = now_us + LOOK_EVERY_US;
	if (fstat(sink->fd, &ours) == 0 &&
	    stat(sink->options.target.path, &there) == 0 &&
	    there.st_ino == ours.st_ino && there.st_dev == ours.st_dev)
		sink->size = (uint64_t)ours.st_size;
	else
		flow_file_reopen(sink);
}

/* A record that is in the file in part would spoil the next one. Unless
   somebody else has written after it. */
static void cut_off(struct flow_sink *sink)
{
	struct stat info;

	if (sink->cut > 0 && fstat(sink->fd, &info) == 0 &&
	    (uint64_t)info.st_size == sink->size + sink->cut &&
	    ftruncate(sink->fd, (off_t)sink->size) < 0)
		return; /* readers meet a line that is none */
	sink->cut = 0;
}

/* Returns 0, or a positive errno where it has not taken all. */
static int write_lines(struct flow_sink *sink, const char *data, size_t len)
{
	ssize_t n = write(sink->fd, data, len);
	size_t whole = len;

	if (n < 0)
		return errno;
	if (n < (ssize_t)len)
		line_buffer_peek(&sink->buffer, (size_t)n, &whole);
	/* The first of them may be longer than that. */
	if (whole > (size_t)n)
		whole = 0;
	sink->size += whole;
	sink->cut = (size_t)n - whole;
	flow_sink_sent(sink, (size_t)n);
	return n == (ssize_t)len ? 0 : ENOSPC;
}

static void give_up(struct flow_sink *sink, int error)
{
	flow_sink_begin_trouble(sink, TROUBLE_WRITE, "cannot write to", error);
	cut_off(sink);
	flow_sink_lose(sink, FLOW_LOST_WRITE);
}

/* As many whole records as it is to hold; 0: there are none. A record that is
   longer than a file gets one for itself. */
static const char *next_lines(struct flow_sink *sink, size_t *len)
{
	uint64_t max = sink->options.rotate_bytes;
	uint64_t room = sink->size < max ? max - sink->size : 0;
	const char *data = line_buffer_peek(&sink->buffer, room, len);

	if (*len <= room || sink->size == 0)
		return data;
	begin_next(sink);
	return line_buffer_peek(&sink->buffer, max, len);
}

void flow_file_work(struct flow_sink *sink, int64_t now_us)
{
	look_after(sink, now_us);
	for (;;) {
		size_t len;
		const char *data = next_lines(sink, &len);
		int r;

		if (len == 0)
			return;
		r = write_lines(sink, data, len);
		if (r > 0) {
			give_up(sink, r);
			return;
		}
		flow_sink_end_trouble(sink, TROUBLE_WRITE);
	}
}
