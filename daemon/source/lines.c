/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_SIZE (1 << 16)
_Static_assert(BUFFER_SIZE > LINES_MAX, "a line and its newline fit");

struct lines {
	lines_read_fn read;
	void *ctx;
	int fd; /* to be closed; 0: none */
	size_t number;
	size_t at;
	size_t filled;
	bool at_end;
	bool skipping; /* the rest of a line that is too long */
	char buffer[BUFFER_SIZE];
};

/* ---- life --------------------------------------------------------------- */

struct lines *lines_new(lines_read_fn read, void *ctx)
{
	struct lines *lines = malloc(sizeof(*lines));

	if (!lines)
		return NULL;
	memset(lines, 0, offsetof(struct lines, buffer));
	lines->read = read;
	lines->ctx = ctx;
	return lines;
}

static long read_fd(void *ctx, char *buf, size_t size)
{
	const struct lines *lines = ctx;
	ssize_t n;

	do {
		n = read(lines->fd, buf, size);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : (long)n;
}

int lines_open(const char *path, struct lines **out, struct err *err)
{
	struct lines *lines;
	int fd = STDIN_FILENO;

	if (strcmp(path, "-") != 0)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		int code = -errno;

		return err_set(err, code, "cannot read '%s': %s", path,
			       strerror(-code));
	}
	lines = lines_new(read_fd, NULL);
	if (!lines) {
		if (fd != STDIN_FILENO)
			close(fd);
		return err_set(err, -ENOMEM, "out of memory");
	}
	lines->ctx = lines;
	lines->fd = fd;
	*out = lines;
	return 0;
}

void lines_free(struct lines *lines)
{
	if (lines && lines->fd != STDIN_FILENO)
		close(lines->fd);
	free(lines);
}

void lines_freep(struct lines **lines)
{
	lines_free(*lines);
}

/* ---- reading ------------------------------------------------------------ */

static const char *find_newline(const struct lines *lines)
{
	return memchr(lines->buffer + lines->at, '\n',
		      lines->filled - lines->at);
}

/* More text behind what is there. */
static int fill(struct lines *lines)
{
	long n;

	lines->filled -= lines->at;
	memmove(lines->buffer, lines->buffer + lines->at, lines->filled);
	lines->at = 0;
	n = lines->read(lines->ctx, lines->buffer + lines->filled,
			BUFFER_SIZE - lines->filled);
	if (n < 0)
		return (int)n;
	lines->at_end = n == 0;
	lines->filled += (size_t)n;
	return 0;
}

/* The rest of a line that was too long. */
static int skip(struct lines *lines)
{
	int r = 0;

	while (lines->skipping && r == 0) {
		const char *newline = find_newline(lines);

		lines->at = newline ? (size_t)(newline + 1 - lines->buffer)
				    : lines->filled;
		lines->skipping = !newline && !lines->at_end;
		if (lines->skipping)
			r = fill(lines);
	}
	return r;
}

/* Everything up to where the next line begins, or all that there is. */
static void take(struct lines *lines, const char *newline, struct line *out)
{
	const char *begin = lines->buffer + lines->at;
	const char *end = newline ? newline : lines->buffer + lines->filled;

	out->text = begin;
	out->len = (size_t)(end - begin);
	out->number = ++lines->number;
	lines->at += out->len + (newline ? 1 : 0);
}

int lines_next(struct lines *lines, struct line *out)
{
	const char *newline = NULL;
	int r = skip(lines);

	while (r == 0 && !(newline = find_newline(lines)) && !lines->at_end &&
	       lines->filled - lines->at <= LINES_MAX)
		r = fill(lines);
	if (r < 0)
		return r;
	if (!newline && lines->at == lines->filled)
		return LINES_END;
	take(lines, newline, out);
	if (out->len <= LINES_MAX)
		return LINES_LINE;
	lines->skipping = !newline;
	return LINES_TOO_LONG;
}

bool lines_has_next(const struct lines *lines)
{
	return lines->at_end || find_newline(lines);
}
