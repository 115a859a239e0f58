/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_FLOWLOG_FLOW_ROWS_H
#define NETPOLD_DAEMON_FLOWLOG_FLOW_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "netpold/snapshot.h"

#include "flowlog/flow_rate.h"

/**
 * Flows, added up by what people call them: those of one workload to another on
 * one port that fare alike, and for the same reason, are one row.
 *
 * There is a bound on the rows; the one that was seen the longest ago makes
 * room.
 *
 * Threads  one at a time.
 */
struct flow_rows;

/** Longest text of a row, with its end. */
#define FLOW_ROW_TEXT 384

/** What rows are told apart by. Texts are printable ASCII, and none is NULL. */
struct flow_about {
	/* "shop/web", or an address; the kind of the workload, "" of an
	   address. */
	const char *from, *from_kind, *to, *to_kind;
	const char *why, *would_why; /* the latter "" where @would is not
					another verdict */
	uint16_t port;		     /* of @to, host order */
	uint8_t protocol;
	bool has_port;
	bool is_audit; /* it was copied: nothing became of it */
	enum verdict verdict;
	enum verdict would; /* if what is staged were enforced, too */
};

struct flow_row {
	uint64_t id;		   /* never that of another one */
	struct flow_about about;   /* in memory of the row's */
	uint64_t count, bytes;	   /* of packets that were judged */
	int64_t first_us, last_us; /* Unix time */
	struct flow_rate rate;
};

/** What is added to one: a packet, or all that were counted at once. */
struct flow_amount {
	int64_t at_us; /* Unix time */
	uint64_t packets, bytes;
};

/** At most @max. NULL without memory. */
struct flow_rows *flow_rows_new(uint32_t max, const uint64_t hash_key[2]);

/** NULL is fine. */
void flow_rows_free(struct flow_rows *rows);

/**
 * The place of the row about this, which is made where there is none.
 *
 * Returns  a place; UINT32_MAX without memory.
 */
uint32_t flow_rows_place(struct flow_rows *rows, const struct flow_about *about,
			 int64_t now_us);

/** Add to the row at a place. @now_us: steady. */
void flow_rows_count(struct flow_rows *rows, uint32_t place,
		     const struct flow_amount *amount, int64_t now_us);

/** Places in use are those up to this. */
uint32_t flow_rows_n(const struct flow_rows *rows);

/** The row at a place that is in use; until the next one is made. */
const struct flow_row *flow_rows_at(const struct flow_rows *rows,
				    uint32_t place);

/** How many have made room. */
uint64_t flow_rows_n_gone(const struct flow_rows *rows);

#endif
