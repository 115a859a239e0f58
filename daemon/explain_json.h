/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_EXPLAIN_JSON_H
#define NETPOLD_DAEMON_EXPLAIN_JSON_H

#include <stdbool.h>
#include <stdio.h>

#include "netpold/snapshot.h"

#include "json_text.h"

struct asker;
struct decision_record;
struct question;

/**
 * Answers as JSON, each on a line: decision records
 * (schema/decision.schema.json), or what stands in their place
 * (schema/flow-error.schema.json).
 */
struct explain_json {
	const struct asker *asker;
	const struct question *question;
	const struct decision_record *record;
	const struct explanation *planned; /* of planned_explain() */
	bool has_expected;
	enum verdict expected;
};

/** Each writes a line. @text is empty, before and after. */

/** Returns 0, or -ENOMEM. */
int explain_json_write(FILE *out, const struct explain_json *json,
		       struct json_text *text);

/** @line from 1. @message is UTF-8. Returns 0, or -ENOMEM. */
int explain_json_write_error(FILE *out, size_t line, const char *message,
			     struct json_text *text);

#endif
