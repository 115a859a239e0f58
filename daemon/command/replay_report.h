/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_COMMAND_REPLAY_REPORT_H
#define NETPOLD_DAEMON_COMMAND_REPLAY_REPORT_H

#include <stdint.h>

#include "netpold/err.h"
#include "netpold/judge.h"
#include "netpold/track.h"

#include "json_text.h"

/**
 * What `netpold replay` prints: flows on standard output, each when it is
 * over, and what was counted on standard error at the end.
 */

enum replay_format { REPLAY_TEXT = 0, REPLAY_JSON };

struct replay_counts {
	uint64_t packets;
	uint64_t not_ip;
	uint64_t unparsable;
	uint64_t discovery; /* packets of NP-72, which are no flows */
	uint64_t allowed;   /* flows */
	uint64_t denied;    /* flows */
	uint64_t evicted;   /* flows */
};

struct replay_report {
	const struct snapshot *snapshot;
	enum replay_format format;
	int64_t start_ns; /* time of the first packet */
	struct replay_counts counts;
	int failed; /* the first negative errno of writing, or 0 */
	struct json_text json;
};

void replay_report_begin(const struct replay_report *report);

/**
 * A packet of a flow was judged: its first one, or one on its own.
 *
 * Returns  0, or -ENOMEM.
 */
int replay_report_judgement(struct replay_report *report,
			    const struct tracked *tracked,
			    const struct judgement *judgement);

/** A flow is over: print it. For track_options.done; @report is the context. */
void replay_report_flow(void *report, struct flow *flow);

/** Returns 0; a negative errno where the report could not be written. */
int replay_report_end(struct replay_report *report, struct err *err);

/** An all-zero struct is fine. */
void replay_report_release(struct replay_report *report);

#endif
