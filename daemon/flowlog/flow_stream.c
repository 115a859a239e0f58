/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Standard output may be shared: with standard error, with a shell, with other
 * programs. Whether writing to it waits is a property of what they share, so it
 * is not changed. A pipe or a terminal is opened once more, for us alone; a
 * socket is told with each write. Where the one is not possible, a page at a
 * time is written when there is room for one, which a pipe takes at once.
 *
 * A file whose disk is full takes records again when there is room. What it has
 * of one that was cut off stays, since others write there, too: it gets an end,
 * and is a line that is no record.
 *
 * A socket is somebody else's, who listens; netpold connects, again and again,
 * ever more slowly, while nobody does, or who does hangs up at once. Who reads
 * too slowly misses records, and who was away misses those of that time:
 * nothing is kept for him.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "flowlog/flow_sink_parts.h"

#define FIRST_PAUSE_US 100000
#define LONGEST_PAUSE_US 5000000

/* How long a connection has to last to be worth telling of. */
#define GOOD_US 1000000

/* ---- standard output ----------------------------------------------------- */

/* Of a file, which does not wait, the place where it goes on is shared. */
static int open_output(struct flow_sink *sink)
{
	struct stat info;
	int fd = -1;

	if (fstat(STDOUT_FILENO, &info) < 0)
		return -errno;
	sink->is_socket = S_ISSOCK(info.st_mode);
	sink->is_regular = S_ISREG(info.st_mode);
	if (S_ISFIFO(info.st_mode) || S_ISCHR(info.st_mode))
		fd = open("/proc/self/fd/1",
			  O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd >= 0)
		return fd;
	sink->blocks = !sink->is_socket;
	fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

/* ---- sockets ------------------------------------------------------------- */

static int try_to_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return -errno;
	/* flow_target_parse() has seen to its length. */
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	r = -errno;
	close(fd);
	return r;
}

/* Each time in vain, it waits twice as long before the next. */
static void wait_longer(struct flow_sink *sink, int64_t now_us)
{
	sink->pause_us = sink->pause_us ? 2 * sink->pause_us : FIRST_PAUSE_US;
	if (sink->pause_us > LONGEST_PAUSE_US)
		sink->pause_us = LONGEST_PAUSE_US;
	sink->due_us = now_us + sink->pause_us;
}

static void connect_when_due(struct flow_sink *sink, int64_t now_us)
{
	int fd;

	if (sink->fd >= 0 || now_us < sink->due_us)
		return;
	fd = try_to_connect(sink->options.target.path);
	if (fd >= 0) {
		sink->fd = fd;
		sink->connected_us = now_us;
		return;
	}
	flow_sink_begin_trouble(sink, TROUBLE_WRITE, "cannot connect to", -fd);
	wait_longer(sink, now_us);
}

/* ---- both ---------------------------------------------------------------- */

static bool can_connect(const struct flow_sink *sink)
{
	return sink->options.target.kind == FLOW_TARGET_UNIX;
}

int flow_stream_open(struct flow_sink *sink, struct err *err)
{
	if (can_connect(sink)) {
		sink->is_socket = true;
		return 0;
	}
	sink->fd = open_output(sink);
	if (sink->fd < 0)
		return err_set(err, sink->fd,
			       "flow log: cannot write to standard output: %s",
			       strerror(-sink->fd));
	return 0;
}

/* Returns what write(2) does. */
static ssize_t write_some(const struct flow_sink *sink, const char *data,
			  size_t len)
{
	struct pollfd room = { .fd = sink->fd, .events = POLLOUT };

	if (sink->is_socket)
		return send(sink->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (!sink->blocks)
		return write(sink->fd, data, len);
	if (poll(&room, 1, 0) <= 0) {
		errno = EAGAIN;
		return -1;
	}
	return write(sink->fd, data, len < PIPE_BUF ? len : PIPE_BUF);
}

/* First the end of a line that has none. Returns what write(2) does, 0 where
   that was all. */
static ssize_t write_next(struct flow_sink *sink)
{
	const struct line_buffer *buffer = &sink->buffer;
	ssize_t n;

	if (!sink->lacks_end)
		return write_some(sink, buffer->data + buffer->start,
				  buffer->len - buffer->start);
	n = write_some(sink, "\n", 1);
	sink->lacks_end = n != 1;
	return n < 0 ? n : 0;
}

/* Who listens may hang up at once, each time. */
static void note_taken(struct flow_sink *sink, int64_t now_us)
{
	if (can_connect(sink) && now_us - sink->connected_us < GOOD_US)
		return;
	sink->pause_us = 0;
	flow_sink_end_trouble(sink, TROUBLE_WRITE);
}

static bool may_pass(const struct flow_sink *sink, int error)
{
	return sink->is_regular &&
	       (error == ENOSPC || error == EDQUOT || error == EIO);
}

/* Other standard output does not come back. */
static void give_up(struct flow_sink *sink, int error, int64_t now_us)
{
	flow_sink_begin_trouble(sink, TROUBLE_WRITE, "cannot write to", error);
	if (may_pass(sink, error)) {
		sink->lacks_end |= sink->buffer.is_cut;
		flow_sink_lose(sink, FLOW_LOST_WRITE);
		return;
	}
	close(sink->fd);
	sink->fd = -1;
	if (can_connect(sink))
		wait_longer(sink, now_us);
}

void flow_stream_work(struct flow_sink *sink, int64_t now_us)
{
	const struct line_buffer *buffer = &sink->buffer;

	if (can_connect(sink))
		connect_when_due(sink, now_us);
	while (sink->fd >= 0 && buffer->len > buffer->start) {
		ssize_t n = write_next(sink);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0) {
			give_up(sink, errno, now_us);
			continue;
		}
		flow_sink_sent(sink, (size_t)n);
		if (n > 0)
			note_taken(sink, now_us);
	}
	if (sink->fd < 0)
		flow_sink_lose(sink, FLOW_LOST_GONE);
}
