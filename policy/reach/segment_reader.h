/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_REACH_SEGMENT_READER_H
#define NETPOLD_POLICY_REACH_SEGMENT_READER_H

#include "netpold/reach.h"

/** A column read from its first slot to its last, side by side with others. */
struct segment_reader {
	const struct reach_segment *next, *end;
};

static inline struct segment_reader
segment_reader_of(const struct reach_column *column)
{
	return (struct segment_reader){ column->segments,
					column->segments + column->n };
}

/**
 * What holds at a slot; NULL: nothing.
 *
 * @at    not before that of the last call
 * @next  becomes less where something else holds before it
 */
static inline const struct reach_segment *
segment_reader_at(struct segment_reader *reader, uint32_t at, uint32_t *next)
{
	const struct reach_segment *segment;

	while (reader->next < reader->end && reader->next->slots.last < at)
		reader->next++;
	segment = reader->next;
	if (segment == reader->end)
		return NULL;
	if (segment->slots.first > at) {
		*next = segment->slots.first < *next ? segment->slots.first
						     : *next;
		return NULL;
	}
	*next = segment->slots.last < *next ? segment->slots.last + 1 : *next;
	return segment;
}

#endif
