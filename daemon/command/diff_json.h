/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_COMMAND_DIFF_JSON_H
#define NETPOLD_DAEMON_COMMAND_DIFF_JSON_H

#include "command/diff.h"
#include "json_text.h"

/** What is the same in all JSON of `netpold diff`. */

/** Inside an object: counts of the worlds, "old" and "new". */
void diff_json_write_worlds(struct json_text *text,
			    const struct offline worlds[REACH_MAX_VIEWS]);

/** Inside an object: the records of an example, before and now. */
void diff_json_write_example(struct json_text *text,
			     const struct diff_example *example);

#endif
