/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_COMMAND_CHECK_REPORT_H
#define NETPOLD_DAEMON_COMMAND_CHECK_REPORT_H

#include <stdbool.h>

#include <jansson.h>

#include "netpold/finding.h"
#include "source/manifests.h"

/**
 * What `netpold check` prints on standard output: a line for each finding as
 * it comes, or one document at the end.
 */

enum check_format { CHECK_TEXT = 0, CHECK_JSON, CHECK_SARIF };

struct check_report {
	enum check_format format;
	json_t *findings; /* in the words of the format; NULL for text */
	bool failed;	  /* a finding was lost for lack of memory */
};

/** Returns 0 or -ENOMEM. */
int check_report_init(struct check_report *report, enum check_format format);
void check_report_release(struct check_report *report);

/** Take one in. */
void check_report_add(struct check_report *report,
		      const struct finding *finding);

/** Returns 0; -ENOMEM or -EIO where the report could not be written whole. */
int check_report_end(const struct check_report *report,
		     const struct manifests_report *counts);

#endif
