/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "flowlog/flow_sink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "netpold/cleanup.h"

#include "clock.h"
#include "flowlog/flow_sink_parts.h"
#include "log.h"

/* ---- for the other files ------------------------------------------------- */

void flow_sink_sent(struct flow_sink *sink, size_t n)
{
	struct line_tally told = { 0 };

	line_buffer_sent(&sink->buffer, n, &told);
	flow_counts_add(&sink->counts->results[FLOW_LOGGED], told.first);
	flow_counts_add(&sink->counts->results[FLOW_FOLDED], told.repeats);
}

void flow_sink_lose(struct flow_sink *sink, enum flow_result why)
{
	struct line_tally lost = { 0 };

	line_buffer_drop(&sink->buffer, &lost);
	flow_counts_add(&sink->counts->results[why], lost.first + lost.repeats);
}

static const char *name_of(const struct flow_sink *sink)
{
	const struct flow_target *target = &sink->options.target;

	return target->path ? target->path : "standard output";
}

void flow_sink_begin_trouble(struct flow_sink *sink,
			     enum flow_sink_trouble trouble, const char *what,
			     int error)
{
	static const char *const meanwhile[N_FLOW_SINK_TROUBLES] = {
		[TROUBLE_WRITE] = "records are lost, and counted",
		[TROUBLE_OPEN] = "the file that is open goes on",
	};

	if (!sink->is_troubled[trouble])
		log_warning("flow log: %s '%s': %s: until that is over %s",
			    what, name_of(sink), strerror(error),
			    meanwhile[trouble]);
	sink->is_troubled[trouble] = true;
}

void flow_sink_end_trouble(struct flow_sink *sink,
			   enum flow_sink_trouble trouble)
{
	static const char *const news[N_FLOW_SINK_TROUBLES] = {
		[TROUBLE_WRITE] = "takes records again",
		[TROUBLE_OPEN] = "is a new file again",
	};

	if (sink->is_troubled[trouble])
		log_info("flow log: '%s' %s", name_of(sink), news[trouble]);
	sink->is_troubled[trouble] = false;
}

/* ---- begin and end ------------------------------------------------------- */

static bool is_file(const struct flow_sink *sink)
{
	return sink->options.target.kind == FLOW_TARGET_FILE;
}

static void release(struct flow_sink **sink)
{
	struct flow_sink *s = *sink;

	if (!s)
		return;
	if (s->fd >= 0)
		close(s->fd);
	line_buffer_release(&s->buffer);
	free(s);
}

int flow_sink_open(const struct flow_sink_options *options,
		   struct flow_counts *counts, struct flow_sink **out,
		   struct err *err)
{
	CLEANUP(release) struct flow_sink *sink = calloc(1, sizeof(*sink));
	int r;

	if (!sink)
		return err_set(err, -ENOMEM, "no memory for the flow log");
	sink->options = *options;
	sink->counts = counts;
	sink->fd = -1;
	if (line_buffer_init(&sink->buffer, FLOW_SINK_BUFFER_BYTES) < 0)
		return err_set(err, -ENOMEM, "no memory for the flow log");
	r = is_file(sink) ? flow_file_open(sink, err)
			  : flow_stream_open(sink, err);
	if (r < 0)
		return r;
	*out = sink;
	sink = NULL;
	return 0;
}

static bool has_something(const struct flow_sink *sink)
{
	return sink->buffer.len > sink->buffer.start;
}

void flow_sink_close(struct flow_sink *sink, int patience_ms)
{
	int64_t until_us = clock_us() + (int64_t)patience_ms * 1000, left_us;

	if (!sink)
		return;
	flow_sink_work(sink, clock_us());
	while (has_something(sink) && (left_us = until_us - clock_us()) > 0) {
		struct pollfd ready = flow_sink_poll(sink);

		if (poll(&ready, 1, (int)(left_us / 1000) + 1) < 0)
			break;
		flow_sink_work(sink, clock_us());
	}
	flow_sink_lose(sink, FLOW_LOST_SLOW);
	release(&sink);
}

/* ---- work ---------------------------------------------------------------- */

void flow_sink_put(struct flow_sink *sink, const char *line, size_t len,
		   const struct line_tally *tally)
{
	if (!line_buffer_add(&sink->buffer, line, len, tally))
		flow_counts_add(&sink->counts->results[FLOW_LOST_SLOW],
				tally->first + tally->repeats);
}

void flow_sink_work(struct flow_sink *sink, int64_t now_us)
{
	if (is_file(sink))
		flow_file_work(sink, now_us);
	else
		flow_stream_work(sink, now_us);
}

struct pollfd flow_sink_poll(const struct flow_sink *sink)
{
	return (struct pollfd){
		.fd = is_file(sink) || !has_something(sink) ? -1 : sink->fd,
		.events = POLLOUT,
	};
}

void flow_sink_reopen(struct flow_sink *sink)
{
	if (is_file(sink))
		flow_file_reopen(sink);
}
