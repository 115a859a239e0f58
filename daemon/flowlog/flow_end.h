/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_FLOWLOG_FLOW_END_H
#define NETPOLD_DAEMON_FLOWLOG_FLOW_END_H

#include <stdbool.h>
#include <stdint.h>

#include "datapath/conntrack_ends.h"
#include "flowlog/flow_fold.h"
#include "json_text.h"

struct mark_layout;
struct snapshot;

/**
 * The end of a flow, for the flow log: what it came to, as conntrack has
 * counted it.
 *
 * A flow of netpold's is known by its mark, which it has since it was judged,
 * and so one of its ends was a pod of this node. One that a change has cut has
 * lost its mark, and its end is nobody's.
 *
 * Threads  any.
 */

/** Whether the flow was judged, and passed to its end. */
bool flow_end_is_judged(const struct mark_layout *marks,
			const struct conntrack_end *end);

/**
 * What there is to tell of it.
 *
 * @snapshot  in force now, which says why it was let through; NULL: nobody
 *            does. Where it would not be now, or was for its master's sake
 *            (FTP data), the reasons are not known (FLOW_NOTE_REMEMBERED).
 * @now_us    Unix time, where conntrack has none
 *
 * The result points to @end. Inside the read-side section that loaded
 * @snapshot.
 */
struct flow_told flow_end_told(const struct mark_layout *marks,
			       const struct conntrack_end *end,
			       const struct snapshot *snapshot, int64_t now_us);

/** Write it as one object: "end" in schema/decision.schema.json. What is not
 *  known is left out. */
void flow_end_write(struct json_text *out, const struct flow_told *told);

#endif
