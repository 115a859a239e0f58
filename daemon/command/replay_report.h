/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_COMMAND_REPLAY_REPORT_H
#define NETPOLD_DAEMON_COMMAND_REPLAY_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "netpold/arena.h"
#include "netpold/err.h"
#include "netpold/track.h"

#include "command/replay_summary.h"
#include "command/told_pool.h"
#include "decision_record.h"
#include "json_text.h"
#include "source/playback.h"

/**
 * What `netpold replay` tells: flows on standard output, each when it is over,
 * or how much came of which policy; packets in captures of their own; and what
 * was counted on standard error at the end.
 */

struct replay_report;
struct replay_line;
struct timeline;

/** One way to tell it; each in a file of its own. */
struct replay_format {
	const char *name;
	void (*begin)(struct replay_report *report);
	void (*flow)(struct replay_report *report,
		     const struct replay_line *line);
	/* In place of flows, all at the end. */
	void (*summary)(struct replay_report *report);
};

extern const struct replay_format replay_text;
extern const struct replay_format replay_json;
extern const struct replay_format replay_csv;

struct replay_counts {
	uint64_t packets;
	uint64_t not_ip;
	uint64_t unparsable;
	uint64_t discovery; /* packets of NP-72, which are no flows */
	uint64_t allowed;   /* flows */
	uint64_t denied;    /* flows */
	uint64_t changed;   /* flows, of those: allowed, and then not, or so */
	uint64_t evicted;   /* flows */
};

struct replay_report {
	const struct replay_format *format;
	bool summarizes;
	int64_t start_ns; /* time of the first packet */
	struct replay_counts counts;
	struct replay_summary summary;
	struct pcapng *denied,
		*allowed;	   /* captures that are written; or NULL */
	struct progress *progress; /* or NULL */
	struct timeline *timeline; /* whose snapshots flows hold; or NULL */
	int failed; /* the first negative errno of writing, or 0 */
	struct json_text json;
	struct arena scratch;  /* of one packet */
	struct told_pool told; /* what is remembered of flows */
};

void replay_report_begin(struct replay_report *report);

/** A packet was played. Returns 0, or -ENOMEM. */
int replay_report_packet(struct replay_report *report,
			 const struct played *played);

/** A flow is over: tell of it. For track_options.done; @report is the context.
 */
void replay_report_flow(void *report, struct flow *flow);

/** Returns 0; a negative errno where something could not be written. */
int replay_report_end(struct replay_report *report, struct err *err);

/** An all-zero struct is fine. */
void replay_report_release(struct replay_report *report);

/* ---- what formats are given ---------------------------------------------- */

/** A question about a flow, and since when its answer is the flow's. */
struct replay_turn {
	struct replay_turn *next;
	int64_t time_ns;
	uint64_t n_before; /* packets of the flow before it, both ways */
	struct flow_key key;
	const struct snapshot *snapshot;
	bool is_allowed;
	bool is_against; /* the key is about the flow's way back */
};

/**
 * A flow as it is told: turned round where only the other direction was
 * allowed, so that from and to are those of the decision.
 */
struct replay_line {
	const struct flow *flow;
	const struct replay_turn *first; /* later ones: other policies */
	struct decision_record record;
	uint64_t there, back;
	bool is_allowed;
	bool both_ways;
	uint64_t n_denied;  /* later packets that had a verdict of their own, */
	uint64_t n_allowed; /* where it is not the flow's */
};

/**
 * The answer of a turn as a record.
 *
 * @explanation  filled in
 * @arena        what it points to
 *
 * Returns  0, or -ENOMEM.
 */
int replay_turn_record(const struct replay_turn *turn, const struct flow *flow,
		       struct arena *arena, struct explanation *explanation,
		       struct decision_record *out);

/** "2006-01-02T15:04:05.000000000Z". */
void replay_write_time(FILE *out, int64_t time_ns);

#endif
