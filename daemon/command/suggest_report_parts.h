/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_COMMAND_SUGGEST_REPORT_PARTS_H
#define NETPOLD_DAEMON_COMMAND_SUGGEST_REPORT_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "netpold/suggest.h"

#include "command/suggest_denials.h"
#include "command/suggest_counts.h"
#include "command/suggest_staged.h"
#include "json_text.h"

/**
 * What suggest_report.c finds, and suggest_report_text.c and
 * suggest_report_json.c write.
 */

struct judged_policy {
	const struct staged_policy *staged;
	struct denial *const *denials; /* the most frequent first */
	size_t n_denials;
	uint64_t n_beyond; /* flows that are not among them */
	const struct suggested_workload *unseen;
	size_t n_unseen, n_workloads;
	bool is_safe;
};

void suggest_report_begin_text(FILE *out, const struct suggest_counts *counts,
			       size_t n_staged);
void suggest_report_policy_text(FILE *out, const struct judged_policy *judged);

void suggest_report_begin_json(struct json_text *json,
			       const struct suggest_counts *counts);
void suggest_report_policy_json(struct json_text *json,
				const struct judged_policy *judged);

/** Returns 0; -ENOMEM, and nothing is written. */
int suggest_report_end_json(struct json_text *json, FILE *out, bool is_safe);

#endif
