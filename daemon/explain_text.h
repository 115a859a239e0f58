/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_EXPLAIN_TEXT_H
#define NETPOLD_DAEMON_EXPLAIN_TEXT_H

#include <stdbool.h>
#include <stdio.h>

struct asker;
struct decision_record;
struct explanation;
struct question;

/**
 * One decision with all its reasons, for somebody who has not written the
 * policies: the verdict, and of each side which policies isolate the pod,
 * which rule allows the flow, or how near the rules come.
 */
struct explain_text {
	const struct asker *asker;
	const struct question *question;
	const struct decision_record *record;
	const struct explanation *planned; /* of planned_explain() */
	bool all; /* every policy and rule, not the first few */
};

/** Returns 0, or -ENOMEM. */
int explain_text_write(FILE *out, const struct explain_text *text);

#endif
