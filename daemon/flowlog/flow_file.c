/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file of records, and older ones beside it:
 *
 *	flows.jsonl	flows.jsonl.1	flows.jsonl.2	…
 *	written to	the last one	the one before
 *
 * A file gets as long as asked for; then a new one is made (flows.jsonl.next),
 * each one takes the name of the next older one, and the new one that of the
 * first. Where it cannot be made, all stay where they are, and the file gets
 * longer: it is tried again a second later. Of two netpolds that write to the
 * same file (a hand-over) one rotates, who holds a lock of it, and the other
 * follows.
 *
 * A record is in one file, whole: what a full disk has taken of one is cut off
 * again, and one that somebody who was killed has left gets an end, so that the
 * next one begins a line. Who moves the file away (logrotate) finds it left
 * alone within a second, or at SIGHUP.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault.h"
#include "flowlog/flow_sink_parts.h"

#define LOOK_EVERY_US 1000000
#define MODE 0600 /* who talks to whom is not for everybody */

/* Non-blocking: somebody may have put a pipe there. */
static int open_file(const char *path, uint64_t *size)
{
	int flags = O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW |
		    O_NOCTTY | O_NONBLOCK;
	int fd = open(path, flags, MODE);
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

/* Of who was killed, or has lost power, while he wrote. */
static bool lacks_end(int fd, uint64_t size)
{
	char last;

	return size > 0 && pread(fd, &last, 1, (off_t)size - 1) == 1 &&
	       last != '\n';
}

/* Write to this one from now on. */
static void take(struct flow_sink *sink, int fd, uint64_t size)
{
	if (sink->fd >= 0)
		close(sink->fd);
	sink->fd = fd;
	sink->size = size;
	sink->cut = 0;
	sink->lacks_end = lacks_end(fd, size);
}

int flow_file_open(struct flow_sink *sink, struct err *err)
{
	const char *path = sink->options.target.path;
	uint64_t size;
	int fd = open_file(path, &size);

	if (fd == -EINVAL)
		return err_set(err, -EINVAL,
			       "flow log: '%s' is no regular file", path);
	if (fd < 0)
		return err_set(err, fd, "flow log: cannot write to '%s': %s",
			       path, strerror(-fd));
	take(sink, fd, size);
	return 0;
}

/* Where it cannot be, what was written to stays so. */
void flow_file_reopen(struct flow_sink *sink)
{
	uint64_t size;
	int fd = open_file(sink->options.target.path, &size);

	if (fd < 0) {
		flow_sink_begin_trouble(sink, TROUBLE_OPEN, "cannot open", -fd);
		return;
	}
	flow_sink_end_trouble(sink, TROUBLE_OPEN);
	take(sink, fd, size);
}

/* Whether the file of that name is the one that is open. */
static bool is_there(const struct flow_sink *sink)
{
	struct stat there, ours;

	return fstat(sink->fd, &ours) == 0 &&
	       stat(sink->options.target.path, &there) == 0 &&
	       there.st_ino == ours.st_ino && there.st_dev == ours.st_dev;
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

/* How many have to move: none beyond one that is missing, or an attempt that
   fails half-way would cost one each time. */
static unsigned int count_older(const struct flow_sink *sink)
{
	char name[PATH_MAX];
	unsigned int age = 1;

	while (age < sink->options.keep && name_older(sink, age, name) &&
	       access(name, F_OK) == 0)
		age++;
	return age;
}

static int move_older(const struct flow_sink *sink)
{
	char from[PATH_MAX], to[PATH_MAX];

	for (unsigned int age = count_older(sink); age > 0; age--) {
		if (!name_older(sink, age - 1, from) ||
		    !name_older(sink, age, to))
			return -ENAMETOOLONG;
		if (rename(from, to) < 0)
			return -errno;
	}
	return 0;
}

static int rotate(struct flow_sink *sink)
{
	const char *path = sink->options.target.path;
	char next[PATH_MAX];
	uint64_t size;
	int fd, r;

	if (snprintf(next, sizeof(next), "%s.next", path) >= PATH_MAX)
		return -ENAMETOOLONG;
	fd = open_file(next, &size);
	if (fd < 0)
		return fd;
	r = move_older(sink);
	if (r == 0 && rename(next, path) < 0)
		r = -errno;
	if (r < 0) {
		unlink(next);
		close(fd);
		return r;
	}
	take(sink, fd, size);
	return 0;
}

/* A filesystem that knows no locks has none to wait for. */
static void begin_next(struct flow_sink *sink, int64_t now_us)
{
	int r;

	if (now_us < sink->rotate_us ||
	    (flock(sink->fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK))
		return;
	if (!is_there(sink)) {
		flow_file_reopen(sink);
		return;
	}
	r = rotate(sink);
	if (r == 0) {
		flow_sink_end_trouble(sink, TROUBLE_OPEN);
		return;
	}
	flock(sink->fd, LOCK_UN);
	flow_sink_begin_trouble(sink, TROUBLE_OPEN, "cannot rotate", -r);
	sink->rotate_us = now_us + LOOK_EVERY_US;
}

/* ---- writing ------------------------------------------------------------- */

/* Somebody may have emptied it, and another netpold writes to it during a
   hand-over. */
static void look_after(struct flow_sink *sink, int64_t now_us)
{
	struct stat info;

	if (now_us < sink->look_us)
		return;
	sink->look_us = now_us + LOOK_EVERY_US;
	if (!is_there(sink))
		flow_file_reopen(sink);
	else if (fstat(sink->fd, &info) == 0)
		sink->size = (uint64_t)info.st_size;
}

/* A record that is in the file in part would spoil the next one. Unless
   somebody else has written after it. Where it cannot be cut off, readers meet
   a line that is none. */
static void cut_off(struct flow_sink *sink)
{
	struct stat info;

	if (sink->cut > 0 && fstat(sink->fd, &info) == 0 &&
	    (uint64_t)info.st_size == sink->size + sink->cut &&
	    ftruncate(sink->fd, (off_t)sink->size) < 0)
		sink->lacks_end = true;
	sink->cut = 0;
}

/* Returns 0, or a positive errno. */
static int write_end(struct flow_sink *sink)
{
	if (!sink->lacks_end)
		return 0;
	if (write(sink->fd, "\n", 1) < 0)
		return errno;
	sink->lacks_end = false;
	sink->size++;
	return 0;
}

/* Returns 0, or a positive errno where it has not taken all. */
static int write_lines(struct flow_sink *sink, const char *data, size_t len)
{
	size_t whole = len;
	ssize_t n;
	int r;

	fault_delay("flow-write");
	r = write_end(sink);
	n = r ? -1 : write(sink->fd, data, len);
	if (n < 0)
		return r ? r : errno;
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
static const char *next_lines(struct flow_sink *sink, int64_t now_us,
			      size_t *len)
{
	uint64_t max = sink->options.rotate_bytes;
	uint64_t room = sink->size < max ? max - sink->size : 0;
	const char *data = line_buffer_peek(&sink->buffer, room, len);

	if (*len <= room || sink->size == 0)
		return data;
	begin_next(sink, now_us);
	return line_buffer_peek(&sink->buffer, max, len);
}

void flow_file_work(struct flow_sink *sink, int64_t now_us)
{
	look_after(sink, now_us);
	for (;;) {
		size_t len;
		const char *data = next_lines(sink, now_us, &len);
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
