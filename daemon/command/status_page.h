/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_COMMAND_STATUS_PAGE_H
#define NETPOLD_DAEMON_COMMAND_STATUS_PAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

/**
 * What `netpold status` prints for people: first the answer, then why, then the
 * numbers.
 */
struct status_page {
	const json_t *status;  /* status.schema.json */
	const json_t *metrics; /* the same */
	const json_t *denied;  /* likewise; NULL: not known */
	int64_t now_us;	       /* by the clock on the wall */
};

/** Whether all that the objects say is in force. */
bool status_page_is_good(const struct status_page *page);

/** That, and what is the matter, in a few words. */
const char *status_page_answer(const struct status_page *page);

/** Print it. What the daemon did not tell is "?". */
void status_page_write(FILE *out, const struct status_page *page);

#endif
