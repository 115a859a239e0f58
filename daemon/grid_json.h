/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_GRID_JSON_H
#define NETPOLD_DAEMON_GRID_JSON_H

#include "json_text.h"
#include "netpold/grid.h"
#include "who.h"

/**
 * Parts of a grid as JSON, as schema/matrix.schema.json and
 * schema/diff.schema.json describe them.
 */

/** An array of the ports of a set, as intervals of each protocol. 0 or
 *  -ENOMEM. */
int grid_json_write_ports(struct json_text *out, const struct grid *grid,
			  uint32_t set);

/** The same set in words: "80/TCP, 443/TCP". */
int grid_json_write_ports_text(struct json_text *out, const struct grid *grid,
			       uint32_t set);

/** Arrays of all groups, and of all ranges, of some units. */
void grid_json_write_groups(struct json_text *out,
			    const struct who_index *index,
			    const uint32_t *units, size_t n);
void grid_json_write_ranges(struct json_text *out,
			    const struct who_index *index,
			    const uint32_t *units, size_t n);

/** A string: the units in words. 0 or -ENOMEM. */
int grid_json_write_who(struct json_text *out, struct who_index *index,
			const uint32_t *units, size_t n);

#endif
