/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_COMMAND_WAIT_REPORT_H
#define NETPOLD_DAEMON_COMMAND_WAIT_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

/**
 * What `netpold wait` prints: that it is so, or what is in force in its place,
 * and what is in the way.
 */
struct wait_report {
	json_t *receipt; /* observe/receipt_request.h */
	json_t *status;	 /* as in status.schema.json, of the same moment */
	/* What was waited for, and how long. */
	uint64_t generation; /* 0: any */
	const char *uid;     /* NULL: any */
	bool staged; /* not that it is enforced, but that it is staged */
	bool deleted;
	int64_t timeout_s;
	int64_t now_us; /* by the clock on the wall */
};

/** Its answers are gone; what was waited for stays. */
void wait_report_release(struct wait_report *report);

/** Whether netpold goes by it, and enforces nothing (--mode=audit). */
bool wait_report_is_audit(const struct wait_report *report);

/** Each returns 0, or -ENOMEM. What the daemon did not tell is "?". */

int wait_report_write_text(FILE *out, const struct wait_report *report);

/** As waited in schema/status.schema.json, on a line. */
int wait_report_write_json(FILE *out, const struct wait_report *report);

#endif
