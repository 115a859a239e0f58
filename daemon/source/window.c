/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/window.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Enough that calls of the kernel cost little, and little enough that what was
   read is still in a cache when it is looked at. */
#define PIECE ((size_t)128 << 10)

/* Some files are none of the kernel's. */
static ssize_t read_some(FILE *file, uint8_t *to, size_t room)
{
	int fd = fileno(file);
	ssize_t n;

	if (fd < 0) {
		n = (ssize_t)fread(to, 1, room, file);
		return n == 0 && ferror(file) ? -EIO : n;
	}
	do {
		n = read(fd, to, room);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* What is there moves to the front, where at least @len have room then. */
static int make_room(struct window *window, size_t len)
{
	size_t there = window_len(window);
	size_t room = window->room ? window->room : PIECE;
	uint8_t *bytes;

	while (room < len)
		room *= 2;
	if (there > 0)
		memmove(window->bytes, window_at(window), there);
	window->begin = 0;
	window->end = there;
	if (room == window->room)
		return 0;
	bytes = realloc(window->bytes, room);
	if (!bytes)
		return -ENOMEM;
	window->bytes = bytes;
	window->room = room;
	return 0;
}

int window_begin(struct window *window, const void *bytes, size_t len)
{
	int r = make_room(window, len);

	if (r == 0 && len > 0)
		memcpy(window->bytes, bytes, len);
	if (r == 0)
		window->end = len;
	return r;
}

int window_need(struct window *window, size_t len)
{
	int r;

	if (window_len(window) >= len || window->at_end)
		return 0;
	r = make_room(window, len);
	while (r == 0 && window->end < len && !window->at_end) {
		ssize_t n = read_some(window->file, window->bytes + window->end,
				      window->room - window->end);

		if (n < 0)
			return (int)n;
		window->end += (size_t)n;
		window->at_end = n == 0;
	}
	return r;
}

int window_skip(struct window *window, uint64_t len)
{
	int r = 0;

	while (r == 0 && len > 0) {
		size_t there = window_len(window);
		size_t n = len < there ? (size_t)len : there;

		window_pass(window, n);
		len -= n;
		if (len > 0 && window->at_end && window_len(window) == 0)
			return 1;
		if (len > 0)
			r = window_need(window, 1);
	}
	return r;
}

void window_release(struct window *window)
{
	free(window->bytes);
	*window = (struct window){ .file = window->file };
}
