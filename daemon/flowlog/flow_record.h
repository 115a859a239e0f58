/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_FLOWLOG_FLOW_RECORD_H
#define NETPOLD_DAEMON_FLOWLOG_FLOW_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "netpold/arena.h"

#include "json_text.h"

struct flow_credit;
struct flow_told;
struct snapshot;

/** Of so many policies that isolate a pod it tells, and counts the others; and
 *  of the nearest of their rules, as far as so many rules, peers and ports
 *  go. */
#define FLOW_RECORD_POLICIES 20
#define FLOW_RECORD_ENTRIES 500

/** A record that gets longer than so many bytes, by the labels of pods, is told
 *  without them. */
#define FLOW_RECORD_BYTES 32768

/** The second that was written last: many records have it. */
struct flow_second {
	int64_t second; /* Unix time; 0: none */
	char text[sizeof("2006-01-02T15:04:05")];
};

/**
 * A record of the flow log: what was judged, as the decision record that all
 * commands write, with what only a node knows.
 *
 * An event knows the verdict and the reasons, not the policies: looking these
 * up is for who has the time (L34). He asks what is in force then, which is
 * some tenths of a second later, but where repeats are told. Where that answers
 * otherwise, because policies have changed since, the record keeps what was
 * decided, names no policy, and says so. Of repeats, so it does where it would
 * name others than the record before; and a pod that it would not have named.
 */
struct flow_record {
	const struct flow_told *told;
	const struct flow_credit *before; /* of the record that this one
					     repeats; NULL: it is a first one */
	struct flow_credit *credit;	  /* is set to whom it names */
	const char *node;
	/* In force now; NULL: nobody knows the names. */
	const struct snapshot *snapshot;
	/* If what is staged were enforced, too; NULL: nothing is staged. */
	const struct snapshot *planned;
	bool with_labels;
	struct flow_second *second; /* of the caller's, for the next record */
};

/**
 * Write it as one object: schema/decision.schema.json.
 *
 * @out      empty
 * @scratch  cleared by the caller, now and then
 *
 * Returns  0; -ENOMEM, where it is not whole.
 * Threads  any, inside the read-side section that loaded the snapshots.
 */
int flow_record_write(struct json_text *out, const struct flow_record *record,
		      struct arena *scratch);

#endif
