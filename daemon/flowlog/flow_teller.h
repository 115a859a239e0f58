/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_FLOWLOG_FLOW_TELLER_H
#define NETPOLD_DAEMON_FLOWLOG_FLOW_TELLER_H

#include <stdbool.h>
#include <stdint.h>

#include "netpold/arena.h"
#include "netpold/err.h"

#include "flowlog/flow_record.h"
#include "json_text.h"

/**
 * What of the events becomes a record, and when:
 *
 *	not asked for (--flow-log-only)		suppressed
 *	like one that was told of of late	it is counted there
 *	its pod has had its share		suppressed
 *	otherwise				a record
 *
 * When the interval of one that was told of is over, there is a record of all
 * that has come since, which counts against the share of its pod, too. What is
 * allowed, and would be, has one share, and what is not has another: a busy pod
 * does not keep its rare denials from being told.
 *
 * Threads  one at a time.
 */
struct flow_counts;
struct flow_event;
struct flow_fold;
struct flow_hit;
struct flow_limit;
struct flow_log_options;
struct flow_sink;
struct flow_told;
struct snapshot;

struct flow_teller {
	/* somebody else's, who sets them */
	const struct flow_log_options *options;
	const char *node;
	struct flow_counts *counts;
	struct flow_sink *sink;
	/* its own */
	struct flow_fold *fold;	      /* NULL: each event is one */
	struct flow_limit *limits[2]; /* of what is allowed and will be, of
					 what is not */
	struct json_text text;
	struct arena scratch;
	struct flow_second second;
};

/** What is in force while something is told. */
struct flow_moment {
	const struct snapshot *snapshot; /* NULL: nothing is */
	int64_t now_us;			 /* steady */
};

/** Make what is its own. 0 or a negative errno with a message; release it in
 *  either case. */
int flow_teller_init(struct flow_teller *teller, struct err *err);
void flow_teller_release(struct flow_teller *teller);

/** Take an event, inside of the read-side section of the moment. */
void flow_teller_take(struct flow_teller *teller,
		      const struct flow_moment *moment,
		      const struct flow_event *event);

/** Take what the kernel has answered by itself: repeats of what was judged,
 *  where that was told of. Likewise. */
void flow_teller_take_hit(struct flow_teller *teller,
			  const struct flow_moment *moment,
			  const struct flow_hit *hit);

/** Take the end of a flow that was judged: a record, where its pod has a share
 *  left. Likewise. */
void flow_teller_take_end(struct flow_teller *teller,
			  const struct flow_moment *moment,
			  const struct flow_told *told);

/**
 * Tell of the repeats whose interval is over next, likewise.
 *
 * @time_us  by which it is to be over: now, or FLOW_FOLD_END
 *
 * Returns  false where there are none.
 */
bool flow_teller_tell_due(struct flow_teller *teller,
			  const struct flow_moment *moment, int64_t time_us);

#endif
