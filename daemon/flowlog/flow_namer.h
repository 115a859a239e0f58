/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_FLOWLOG_FLOW_NAMER_H
#define NETPOLD_DAEMON_FLOWLOG_FLOW_NAMER_H

#include "netpold/arena.h"
#include "netpold/snapshot.h"

#include "flowlog/flow_rows.h"

/**
 * Says what an event is about, for people who look at many: workloads in place
 * of pods, and the policies behind the verdict in few words.
 *
 *	ingress: isolated by shop/deny-all, no rule matches
 *	ingress: shop/allow-web rule 1
 *
 * Names are those of Kubernetes, or of a hostile file: bytes that a terminal
 * would obey come out as ?, and what is too long is cut.
 *
 * An all-zero struct is one that has said nothing yet. Threads: one at a time.
 */
struct flow_event;

struct flow_namer {
	struct arena scratch;
	char from[FLOW_ROW_TEXT], from_kind[FLOW_ROW_TEXT];
	char to[FLOW_ROW_TEXT], to_kind[FLOW_ROW_TEXT];
	char why[FLOW_ROW_TEXT], would_why[FLOW_ROW_TEXT];
};

void flow_namer_release(struct flow_namer *namer);

/**
 * Say it by what is in force now.
 *
 * @snapshot  NULL: nobody knows names
 * @out       its texts are the namer's, until the next one
 *
 * Returns  0 or -ENOMEM.
 * Threads  inside the read-side section that loaded the snapshot.
 */
int flow_namer_say(struct flow_namer *namer, const struct snapshot *snapshot,
		   const struct flow_event *event, struct flow_about *out);

#endif
