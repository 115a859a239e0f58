/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_COMMAND_SUGGEST_JSON_H
#define NETPOLD_DAEMON_COMMAND_SUGGEST_JSON_H

#include <stdint.h>

#include "json_text.h"

/** Fields of an object of schema/suggest-report.schema.json. */

void suggest_json_put_text(struct json_text *json, const char *key,
			   const char *text);
void suggest_json_put_number(struct json_text *json, const char *key,
			     uint64_t number);

/** Left out where no time is known: 0. */
void suggest_json_put_time(struct json_text *json, const char *key,
			   int64_t time_us);

#endif
