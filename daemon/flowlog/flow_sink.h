/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_FLOWLOG_FLOW_SINK_H
#define NETPOLD_DAEMON_FLOWLOG_FLOW_SINK_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

#include "netpold/err.h"

#include "flowlog/flow_counts.h"
#include "flowlog/flow_target.h"
#include "flowlog/line_buffer.h"

/**
 * Where records go: a file, standard output, or a socket.
 *
 * A sink does not wait for anybody. What it cannot write at once waits in a
 * buffer of a fixed size; what finds no room there, and what waits when its
 * reader goes or its disk is full, is lost and counted. A file of a slow disk
 * is waited for: nobody but the logger does.
 *
 * Threads  the logger; flow_sink_open() before it starts.
 */
struct flow_sink;

struct flow_sink_options {
	struct flow_target
		target;	       /* not FLOW_TARGET_OFF; it outlives the sink */
	uint64_t rotate_bytes; /* of a file: how long it gets */
	unsigned int keep;     /* how many older ones stay, 1 at least */
};

/** What may wait in a sink: some tenths of a second's records. */
#define FLOW_SINK_BUFFER_BYTES (4u << 20)

/**
 * Open it. A file has to be there, or be made; a socket need not answer yet.
 *
 * @counts  what becomes of the events is counted here; outlives the sink
 *
 * Returns  0; a negative errno with a message.
 */
int flow_sink_open(const struct flow_sink_options *options,
		   struct flow_counts *counts, struct flow_sink **out,
		   struct err *err);

/**
 * Wait up to @patience_ms for what waits to be taken, then count it lost, and
 * close. NULL is fine.
 */
void flow_sink_close(struct flow_sink *sink, int patience_ms);

/** One line, with its end: it waits in the buffer, or is lost. Writes nothing
 *  out, so that it may be called inside of a read-side section. */
void flow_sink_put(struct flow_sink *sink, const char *line, size_t len,
		   const struct line_tally *tally);

/**
 * Write what can be written, and look after the file or the connection.
 *
 * @now_us  by a clock that only ever grows
 */
void flow_sink_work(struct flow_sink *sink, int64_t now_us);

/** What to poll for until there is more to do than flow_sink_put() and the time
 *  bring; fd -1: nothing. */
struct pollfd flow_sink_poll(const struct flow_sink *sink);

/** Open the file anew: somebody has moved it away. */
void flow_sink_reopen(struct flow_sink *sink);

#endif
