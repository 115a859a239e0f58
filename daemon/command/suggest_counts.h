/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_COMMAND_SUGGEST_COUNTS_H
#define NETPOLD_DAEMON_COMMAND_SUGGEST_COUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "json_text.h"
#include "records/record_reader.h"
#include "records/workload_name.h"

/**
 * What a suggestion or a report rests on, and what it does not: whoever reads
 * it is told what was left out, and why.
 *
 * Threads  one at a time.
 */

/** Of workloads that are gone the first few are told by name. */
#define SUGGEST_MAX_GONE 8

struct suggest_counts {
	uint64_t flows; /* told of: records, and flows of captures */
	/* Left out. */
	uint64_t denied;   /* and dropped */
	uint64_t gone;	   /* of workloads that the cluster does not have */
	uint64_t own_node; /* from a pod's own node (NP-54) */
	uint64_t unasked;  /* that no policy judges */
	uint64_t ends;	   /* records of flows that have ended */
	uint64_t bad_lines, bad_packets;
	/* Records of a flow log were read, ends and all. */
	bool has_log;
	char gone_names[SUGGEST_MAX_GONE][WORKLOAD_NAME_LEN];
	size_t n_gone_names;
	bool has_more_gone; /* than have room in gone_names */
	/* Of those told of, Unix time; 0: no time is known. */
	int64_t first_us, last_us;
};

void suggest_counts_note_time(struct suggest_counts *counts, int64_t first_us,
			      int64_t last_us);

/** A flow is left out, because nobody stands for one of its ends. */
void suggest_counts_note_gone(struct suggest_counts *counts,
			      const struct record_end *end);

/** In one line, numbers alone. */
void suggest_counts_write_line(FILE *out, const struct suggest_counts *counts);

/** In sentences, a line each, with @lead before it. */
void suggest_counts_write(FILE *out, const char *lead,
			  const struct suggest_counts *counts);

/** As fields of an object of schema/suggest-report.schema.json. */
void suggest_counts_put_json(struct json_text *json,
			     const struct suggest_counts *counts);

#endif
