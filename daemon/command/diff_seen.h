/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_COMMAND_DIFF_SEEN_H
#define NETPOLD_DAEMON_COMMAND_DIFF_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "command/diff.h"
#include "netpold/arena.h"
#include "netpold/err.h"
#include "netpold/grid.h"
#include "records/record_world.h"

/**
 * What `netpold diff --records` says: of the connections that were really seen,
 * which open and which close, by who was at their ends.
 *
 * Each record's flow is judged in both worlds; what the record says of its
 * verdict is counted, and decides nothing: OLD need not be what was in force.
 */

/** Bounds of what records from outside can make grow. */
enum {
	SEEN_MAX_CHANGES = 65536, /* more are counted, not told */
	SEEN_MAX_OUTSIDE = 8,	  /* addresses of a change that are told */
	SEEN_MAX_LOST = 64,	  /* names of pods that nobody stands for */
	SEEN_MAX_REFUSED = 8,	  /* lines that are complained of, of a file */
};

/** No pod's. */
#define SEEN_OUTSIDE UINT32_MAX

struct seen_key {
	uint32_t opens;		     /* 1, or 0: it closes */
	uint32_t ends[N_DIRECTIONS]; /* places in the list of NEW's pods, or
					SEEN_OUTSIDE: sender and receiver */
	uint16_t port;
	uint8_t protocol;
	uint8_t has_port;
};

/** Connections that are alike, and have one fate. */
struct seen_change {
	struct seen_key key;
	/* How often, as the nodes of the senders have it, and those of the
	   receivers. A connection between two nodes is in the logs of both. */
	uint64_t times[N_DIRECTIONS];
	uint64_t denied[N_DIRECTIONS]; /* of them, by what was in force */
	int64_t first_us, last_us;     /* Unix time; 0: no record says */
	struct ip_addr outside[SEEN_MAX_OUTSIDE]; /* of the end that is there */
	size_t n_outside;
	bool has_more_outside;
	struct flow_key example[REACH_MAX_VIEWS]; /* the first */
	uint16_t example_port;			  /* of its sender */
	struct seen_change *next;		  /* in its bucket */
};

struct seen_counts {
	uint64_t judged;
	uint64_t unasked; /* packets that no policy judges */
	uint64_t ends;	  /* of flows that have ended */
	uint64_t lost;	  /* of pods that OLD or NEW does not have */
	uint64_t refused; /* lines that are no records */
	uint64_t beyond;  /* of changes beyond SEEN_MAX_CHANGES */
};

struct seen {
	const struct offline *worlds; /* by enum reach_view */
	enum grid_by by;
	struct record_world places[REACH_MAX_VIEWS];
	struct seen_counts counts;
	/* NAMESPACE/WORKLOAD, or /POD; an address that was somebody's. */
	const char *lost[SEEN_MAX_LOST];
	size_t n_lost;
	/* What opens first; then what was seen most often. */
	struct seen_change **changes;
	size_t n, n_opens;

	/* while they are gathered */
	struct arena arena;
	struct seen_change **buckets;
	size_t capacity;
	uint64_t hash_key[2];
};

struct seen_from {
	const char *const *paths; /* "-" is standard input */
	size_t n_paths;
	const struct offline *worlds; /* have to outlive what is made of them */
	enum grid_by by;
	struct progress *progress;
};

/**
 * Read records, and find what changes.
 *
 * A line that is no record is complained of, counted, and passed over. A file
 * that holds nothing else is an error.
 *
 * Returns  0; a negative errno with a message. To be released in either case.
 */
int seen_gather(const struct seen_from *from, struct seen *out,
		struct err *err);
void seen_release(struct seen *seen);

/** Whether something opens or closes. */
bool seen_has_changes(const struct seen *seen);

/** How often it was, by the nodes of those who have it more often. */
uint64_t seen_times(const uint64_t by[N_DIRECTIONS]);

/** The first flow of a change, in both worlds. The lists of the explanations go
 *  to @arena. 0 or -ENOMEM. */
int seen_example_make(const struct seen *seen, const struct seen_change *change,
		      struct arena *arena, struct diff_example *out);

/* ---- in words (seen_words.c) -------------------------------------------- */

/** "opens" or "closes". */
const char *seen_change_word(const struct seen_change *change);

/** What is at an end: the kind, namespace and name of what it belongs to, as
 *  pods are grouped. Kind and name are "" where it is outside. */
struct seen_unit {
	const char *kind, *namespace, *name;
	int name_len; /* the name may go on behind it */
};
struct seen_unit seen_unit_of(const struct seen *seen,
			      const struct seen_change *change,
			      enum direction end);

/** Write who is at an end: "shop/db", "shop/" and an asterisk, or addresses:
 *  "192.0.2.1, 192.0.2.7, and others". Names are as they are. */
void seen_write_end(FILE *out, const struct seen *seen,
		    const struct seen_change *change, enum direction end);

/** Write "5432/TCP", "ICMP", "protocol 47", "UDP, port not known". */
void seen_write_port(FILE *out, const struct seen_change *change);

/** Write "12 times (3 denied), first 2026-03-14T03:07:12.345Z, last …". */
void seen_write_times(FILE *out, const struct seen_change *change);

/** What has come out as a whole: a sentence without a full stop. */
void seen_write_summary(FILE *out, const struct seen *seen);

/** What could not be judged, a line for each reason. */
void seen_write_left_out(FILE *out, const struct seen *seen);

/* ---- printing ----------------------------------------------------------- */

/** As diff_text_write() and its like. */
int seen_text_write(FILE *out, const struct seen *seen);
int seen_json_write(FILE *out, const struct seen *seen);
int seen_markdown_write(FILE *out, const struct seen *seen);

#endif
