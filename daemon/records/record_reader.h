/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_RECORDS_RECORD_READER_H
#define NETPOLD_DAEMON_RECORDS_RECORD_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "netpold/err.h"
#include "netpold/snapshot.h"

/**
 * Reads decision records (schema/decision.schema.json) back: the lines of a
 * flow log, and what `netpold replay --output json` and `explain` write. They
 * are outside bytes: bounded, and each line that is none is told with its
 * number. Blank lines are passed over.
 *
 * Of a record from, to, protocol and verdict have to be there; what else the
 * schema has is read where it is there, and has to be as the schema says.
 *
 * Threads  one at a time.
 */
struct record_reader;

/** Bytes of a line, its newline not counted: longer ones are no records. */
#define RECORD_LINE_MAX (1 << 20)

/** Who a record names at one end. Empty strings where it names nobody. */
struct record_end {
	struct ip_addr addr;	      /* IP_NONE only where is_unasked */
	char namespace[64], pod[254]; /* as long as names can be */
	char owner_kind[64], owner_name[254]; /* of the pod */
	uint16_t port; /* host order; 0 where it has none, or it is not known */
};

/** One record. What it does not say is zero. */
struct record_seen {
	size_t line; /* from 1 */
	struct record_end from, to;
	uint8_t protocol;
	bool has_port; /* to.port is said */
	enum verdict verdict;
	bool has_would; /* @would is said: the verdict with what is staged */
	enum verdict would;
	bool is_unasked;    /* note: it was no packet that policies judge; what
			       was remembered is one */
	bool from_own_node; /* NP-54: why ingress allowed it */
	/* Whose policies were asked; both, where it is not said. */
	bool directions[N_DIRECTIONS];
	bool is_audit; /* mode: it was copied, nothing became of it */
	bool is_kept;  /* the records of replay: packets are whole flows */
	/* Of a flow that has ended: what was judged of it has records of its
	   own. */
	bool is_end;
	/* Its opening was not seen: @from and @to may be the other way round.
	 */
	bool is_picked_up;
	/* Ends that name nobody need not be those who have their addresses now:
	   they have changed hands since. */
	bool pods_changed;
	uint64_t count; /* packets judged alike; 1 where it is not said */
	uint64_t packets, bytes;
	int64_t first_us, last_us; /* Unix time; 0: not said */
};

/**
 * Read from a stream.
 *
 * @in    stays the caller's; it is read ahead of what was returned
 * @name  of the stream, for messages; copied
 *
 * Returns  0; -ENOMEM.
 */
int record_reader_open(FILE *in, const char *name, struct record_reader **out,
		       struct err *err);

/** NULL is fine. The stream is the caller's. */
void record_reader_close(struct record_reader *reader);

/**
 * The next record.
 *
 * Returns  1; 0 at the end; -EINVAL with a message (name:line, what was
 *          expected): the line is passed over, and the next call goes on;
 *          other negative errnos: reading is over.
 */
int record_reader_next(struct record_reader *reader, struct record_seen *out,
		       struct err *err);

#endif
