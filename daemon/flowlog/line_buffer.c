/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "flowlog/line_buffer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int line_buffer_init(struct line_buffer *buffer, size_t size)
{
	*buffer = (struct line_buffer){ .size = size };
	buffer->data = malloc(size);
	buffer->notes = calloc(LINE_BUFFER_LINES, sizeof(*buffer->notes));
	return buffer->data && buffer->notes ? 0 : -ENOMEM;
}

void line_buffer_release(struct line_buffer *buffer)
{
	free(buffer->data);
	free(buffer->notes);
	*buffer = (struct line_buffer){ 0 };
}

/* Over the room of what is out. */
static void move_to_front(struct line_buffer *buffer)
{
	size_t n = buffer->n_notes - buffer->first_note;

	for (size_t i = 0; i < n; i++) {
		buffer->notes[i] = buffer->notes[buffer->first_note + i];
		buffer->notes[i].end -= buffer->start;
	}
	memmove(buffer->data, buffer->data + buffer->start,
		buffer->len - buffer->start);
	buffer->len -= buffer->start;
	buffer->start = 0;
	buffer->n_notes = n;
	buffer->first_note = 0;
}

static bool has_room(const struct line_buffer *buffer, size_t len)
{
	return buffer->size - buffer->len >= len &&
	       buffer->n_notes < LINE_BUFFER_LINES;
}

/* Not for a line or two: each moves all that waits. */
static bool is_worth_moving(const struct line_buffer *buffer)
{
	return buffer->start >= buffer->size / 4 ||
	       buffer->first_note >= LINE_BUFFER_LINES / 4;
}

bool line_buffer_add(struct line_buffer *buffer, const char *line, size_t len,
		     const struct line_tally *tally)
{
	if (!has_room(buffer, len) && is_worth_moving(buffer))
		move_to_front(buffer);
	if (!has_room(buffer, len))
		return false;
	memcpy(buffer->data + buffer->len, line, len);
	buffer->len += len;
	buffer->notes[buffer->n_notes++] = (struct line_note){
		.end = buffer->len,
		.tally = *tally,
	};
	return true;
}

const char *line_buffer_peek(const struct line_buffer *buffer, size_t max,
			     size_t *len)
{
	size_t i = buffer->first_note, end = buffer->start;

	while (i < buffer->n_notes &&
	       (i == buffer->first_note ||
		buffer->notes[i].end - buffer->start <= max))
		end = buffer->notes[i++].end;
	*len = end - buffer->start;
	return buffer->data + buffer->start;
}

static void tally_add(struct line_tally *sum, const struct line_tally *tally)
{
	sum->first += tally->first;
	sum->repeats += tally->repeats;
}

void line_buffer_sent(struct line_buffer *buffer, size_t n,
		      struct line_tally *told)
{
	size_t ended = buffer->start;

	buffer->start += n;
	while (buffer->first_note < buffer->n_notes &&
	       buffer->notes[buffer->first_note].end <= buffer->start) {
		ended = buffer->notes[buffer->first_note].end;
		tally_add(told, &buffer->notes[buffer->first_note++].tally);
	}
	if (ended < buffer->start)
		buffer->is_cut = true;
	else if (n > 0)
		buffer->is_cut = false;
	if (buffer->start == buffer->len)
		move_to_front(buffer);
}

void line_buffer_drop(struct line_buffer *buffer, struct line_tally *lost)
{
	for (; buffer->first_note < buffer->n_notes; buffer->first_note++)
		tally_add(lost, &buffer->notes[buffer->first_note].tally);
	buffer->start = buffer->len;
	move_to_front(buffer);
	buffer->is_cut = false;
}
