/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_FLOWLOG_FLOW_SINK_PARTS_H
#define NETPOLD_DAEMON_FLOWLOG_FLOW_SINK_PARTS_H

#include <stdbool.h>
#include <sys/types.h>

#include "flowlog/flow_sink.h"

/** What may not be as it should be. */
enum flow_sink_trouble {
	TROUBLE_WRITE, /* it takes no records */
	TROUBLE_OPEN,  /* a new file cannot be begun: the old one goes on */
};
#define N_FLOW_SINK_TROUBLES 2

/**
 * What a sink is made of, for the files that do its work: flow_sink.c keeps the
 * buffer and counts, flow_file.c knows of files, flow_stream.c of standard
 * output and sockets.
 */
struct flow_sink {
	struct flow_sink_options options;
	struct flow_counts *counts;
	struct line_buffer buffer;
	int fd; /* -1: not open */
	/* that was logged; its end will be */
	bool is_troubled[N_FLOW_SINK_TROUBLES];
	/* of a file */
	uint64_t size;	   /* without a record that is in it in part, */
	uint64_t cut;	   /* which has so many bytes there */
	int64_t look_us;   /* when to see next whether it was moved away */
	int64_t rotate_us; /* when to begin the next one, if it is time */
	/* of a file and of standard output */
	bool lacks_end; /* the last line there is none: it has no end */
	/* of a stream */
	bool is_socket;	 /* is written to by send(2) */
	bool is_regular; /* a file */
	bool blocks;	 /* only a page at a time can be written safely */
	int64_t connected_us;
	int64_t due_us;	  /* when to connect next */
	int64_t pause_us; /* how long was waited for that */
};

/** So many bytes of what waits are out. */
void flow_sink_sent(struct flow_sink *sink, size_t n);

/** What waits is lost. */
void flow_sink_lose(struct flow_sink *sink, enum flow_result why);

/** Something is not as it should be: logged once, until it is over. @what has
 *  failed, @error is a positive errno. */
void flow_sink_begin_trouble(struct flow_sink *sink,
			     enum flow_sink_trouble trouble, const char *what,
			     int error);
void flow_sink_end_trouble(struct flow_sink *sink,
			   enum flow_sink_trouble trouble);

/* flow_file.c */
int flow_file_open(struct flow_sink *sink, struct err *err);
void flow_file_work(struct flow_sink *sink, int64_t now_us);
void flow_file_reopen(struct flow_sink *sink);

/* flow_stream.c */
int flow_stream_open(struct flow_sink *sink, struct err *err);
void flow_stream_work(struct flow_sink *sink, int64_t now_us);

#endif
