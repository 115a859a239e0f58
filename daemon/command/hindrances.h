/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_COMMAND_HINDRANCES_H
#define NETPOLD_DAEMON_COMMAND_HINDRANCES_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

/**
 * What keeps what the objects say from being in force, as a status has it
 * (schema/status.schema.json): an audit, a start, a pause, a warm start, a
 * change that is refused, connections that do not obey yet, an API server that
 * is away, objects of its that cannot be read in full.
 */

/** Whether nothing is enforced, ever: netpold only audits. */
bool hindrances_audit(const json_t *status);

/** Write each on a line of its own, two spaces in front; nothing where nothing
 *  is in the way. */
void hindrances_write(FILE *out, const json_t *status);

/** Write those alone that tell of objects which are in force in part (L23). */
void hindrances_write_unreadable(FILE *out, const json_t *status);

/** Write one of the status, in other words: "  WORDS, since …: REASON". */
void hindrance_write(FILE *out, const json_t *hindrance, const char *words);

/** As in_the_way in that schema; a new reference, or NULL without memory. */
json_t *hindrances_to_json(const json_t *status);

#endif
