/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "grid_json.h"

#include <errno.h>
#include <stdlib.h>

#include "grid_text.h"
#include "netpold/addr.h"
#include "slot_text.h"
#include "who_text.h"

/* ---- ports -------------------------------------------------------------- */

/* The ranges of a set, to be freed; NULL without memory. */
static struct slot_range *list_ranges(const struct grid *grid, uint32_t set,
				      size_t *n)
{
	struct slot_range *ranges;

	*n = grid_n_ranges(grid, set);
	ranges = calloc(*n + 1, sizeof(*ranges));
	if (ranges)
		grid_ranges(grid, set, ranges);
	return ranges;
}

static void write_interval(struct json_text *out, const char *protocol,
			   struct slot_range ports)
{
	json_text_begin_object(out);
	json_text_key(out, "protocol");
	json_text_string(out, protocol);
	json_text_key(out, "first");
	json_text_number(out, ports.first);
	json_text_key(out, "last");
	json_text_number(out, ports.last);
	json_text_end_object(out);
}

static void write_portless(struct json_text *out, const char *protocol,
			   const char *what)
{
	json_text_begin_object(out);
	json_text_key(out, "protocol");
	json_text_string(out, protocol);
	if (what) {
		json_text_key(out, what);
		json_text_bool(out, true);
	}
	json_text_end_object(out);
}

int grid_json_write_ports(struct json_text *out, const struct grid *grid,
			  uint32_t set)
{
	struct slot_protocol protocols[N_SLOT_PROTOCOLS];
	size_t n;
	struct slot_range *ranges = list_ranges(grid, set, &n), ports;

	if (!ranges)
		return -ENOMEM;
	slot_text_look(ranges, n, protocols);
	json_text_begin_array(out);
	for (int p = 0; p < N_SLOT_PROTOCOLS; p++) {
		for (size_t i = 0; i < n; i++) {
			if (slot_text_clip(&protocols[p], ranges[i], &ports))
				write_interval(out, protocols[p].name, ports);
		}
		if (protocols[p].fragments && !protocols[p].is_full)
			write_portless(out, protocols[p].name, "fragments");
	}
	if (slot_text_has_other(ranges, n))
		write_portless(out, "other", NULL);
	json_text_end_array(out);
	free(ranges);
	return 0;
}

int grid_json_write_ports_text(struct json_text *out, const struct grid *grid,
			       uint32_t set)
{
	FILE *words = json_text_begin_words(out);
	int r;

	if (!words)
		return -ENOMEM;
	r = grid_text_write_ports(words, grid, set);
	json_text_end_words(out);
	return r;
}

/* ---- units -------------------------------------------------------------- */

static void write_group(struct json_text *out, const struct grid_group *group)
{
	json_text_begin_object(out);
	json_text_key(out, "namespace");
	json_text_string(out, group->namespace);
	json_text_key(out, "name");
	json_text_string(out, group->name);
	json_text_key(out, "kind");
	json_text_string(out, group->kind);
	json_text_key(out, "pods");
	json_text_number(out, group->n_pods);
	json_text_end_object(out);
}

static void write_range(struct json_text *out, const struct reach_range *range)
{
	char text[IP_ADDR_TEXT_LEN];

	json_text_begin_object(out);
	json_text_key(out, "first");
	json_text_string(out, ip_addr_format(&range->first, text));
	json_text_key(out, "last");
	json_text_string(out, ip_addr_format(&range->last, text));
	json_text_end_object(out);
}

void grid_json_write_groups(struct json_text *out,
			    const struct who_index *index,
			    const uint32_t *units, size_t n)
{
	json_text_begin_array(out);
	for (size_t i = 0; i < n; i++) {
		const struct grid_unit *unit = &index->units[units[i]];

		for (uint32_t k = 0; !unit->is_outside && k < unit->n_members;
		     k++)
			write_group(out, &index->groups[unit->members[k]]);
	}
	json_text_end_array(out);
}

void grid_json_write_ranges(struct json_text *out,
			    const struct who_index *index,
			    const uint32_t *units, size_t n)
{
	size_t n_ranges;
	const struct reach_range *ranges =
		reach_ranges(grid_reach(index->grid), &n_ranges);

	json_text_begin_array(out);
	for (size_t i = 0; i < n; i++) {
		const struct grid_unit *unit = &index->units[units[i]];

		for (uint32_t k = 0; unit->is_outside && k < unit->n_members;
		     k++)
			write_range(out, &ranges[unit->members[k]]);
	}
	json_text_end_array(out);
}

int grid_json_write_who(struct json_text *out, struct who_index *index,
			const uint32_t *units, size_t n)
{
	static const struct who_text_options options = { .limit = 24 };
	FILE *words = json_text_begin_words(out);
	int r;

	if (!words)
		return -ENOMEM;
	r = who_text_write(words, index, units, n, &options, NULL);
	json_text_end_words(out);
	return r;
}
