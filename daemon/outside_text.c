/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "outside_text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "netpold/addr.h"

/* More are counted. */
#define MAX_RANGES 4
#define MAX_HOLES 3

/* Addresses from first to last. */
struct stretch {
	struct ip_addr first, last;
};

static const enum ip_family families[] = { IP_V4, IP_V6 };

/* What is known of a grid's outside. */
struct outside {
	const struct grid_unit *units;
	size_t n_units;
	const struct reach_range *ranges;
	size_t n_outside;      /* units */
	uint32_t largest[2];   /* unit, by family */
	size_t n_of_family[2]; /* units */
};

/* Of one unit and one family, those that touch being one. */
struct stretches {
	const struct reach_range *ranges;
	const struct grid_unit *unit;
	enum ip_family family;
	uint32_t at; /* the next member */
};

/* ---- addresses ---------------------------------------------------------- */

static size_t n_bits(const struct ip_addr *addr)
{
	return ip_addr_len(addr) * 8;
}

static bool bit(const struct ip_addr *addr, size_t i)
{
	return addr->bytes[i / 8] >> (7 - i % 8) & 1;
}

/* One up or down; the end of the family goes round. */
static struct ip_addr step(struct ip_addr addr, int by)
{
	size_t i = ip_addr_len(&addr);
	int carry = by;

	while (i-- > 0 && carry) {
		int sum = addr.bytes[i] + carry;

		addr.bytes[i] = (uint8_t)sum;
		carry = sum > UINT8_MAX ? 1 : sum < 0 ? -1 : 0;
	}
	return addr;
}

/* The smallest block around a stretch. */
static struct cidr block_around(const struct stretch *s)
{
	struct cidr block = { .addr = s->first };
	size_t len = 0;

	while (len < n_bits(&s->first) &&
	       bit(&s->first, len) == bit(&s->last, len))
		len++;
	block.prefix_len = (uint8_t)len;
	for (size_t i = len; i < n_bits(&block.addr); i++)
		block.addr.bytes[i / 8] &= (uint8_t) ~(0x80u >> i % 8);
	return block;
}

static struct ip_addr last_of(const struct cidr *block)
{
	struct ip_addr last = block->addr;

	for (size_t i = block->prefix_len; i < n_bits(&last); i++)
		last.bytes[i / 8] |= (uint8_t)(0x80u >> i % 8);
	return last;
}

static bool is_block(const struct stretch *s, struct cidr *block)
{
	struct ip_addr last;

	*block = block_around(s);
	last = last_of(block);
	return ip_addr_equal(&block->addr, &s->first) &&
	       ip_addr_equal(&last, &s->last);
}

/* As shares of all addresses there are. */
static double size_of(const struct stretch *s)
{
	double size = 0, weight = 1;

	for (size_t i = 0; i < ip_addr_len(&s->first); i++) {
		weight /= 256;
		size += weight * (s->last.bytes[i] - s->first.bytes[i]);
	}
	return size + weight;
}

/* ---- the stretches of a unit -------------------------------------------- */

static struct stretches stretches_of(const struct outside *outside,
				     uint32_t unit, enum ip_family family)
{
	return (struct stretches){
		.ranges = outside->ranges,
		.unit = &outside->units[unit],
		.family = family,
	};
}

static bool next_stretch(struct stretches *s, struct stretch *out)
{
	bool found = false;

	for (; s->at < s->unit->n_members; s->at++) {
		const struct reach_range *range =
			&s->ranges[s->unit->members[s->at]];
		struct ip_addr behind;

		if (range->first.family != s->family)
			continue;
		if (!found) {
			*out = (struct stretch){ range->first, range->last };
			found = true;
			continue;
		}
		behind = step(out->last, 1);
		if (!ip_addr_equal(&behind, &range->first))
			break;
		out->last = range->last;
	}
	return found;
}

static size_t count_stretches(const struct outside *outside, uint32_t unit,
			      enum ip_family family)
{
	struct stretches s = stretches_of(outside, unit, family);
	struct stretch unused;
	size_t n = 0;

	while (next_stretch(&s, &unused))
		n++;
	return n;
}

static double share_of(const struct outside *outside, uint32_t unit,
		       enum ip_family family)
{
	struct stretches s = stretches_of(outside, unit, family);
	struct stretch stretch;
	double share = 0;

	while (next_stretch(&s, &stretch))
		share += size_of(&stretch);
	return share;
}

/* ---- words -------------------------------------------------------------- */

static void write_stretch(FILE *out, const struct stretch *s)
{
	char first[CIDR_TEXT_LEN], last[IP_ADDR_TEXT_LEN];
	struct cidr block;

	if (is_block(s, &block) && block.prefix_len == n_bits(&s->first))
		fprintf(out, "%s", ip_addr_format(&s->first, first));
	else if (is_block(s, &block))
		fprintf(out, "%s", cidr_format(&block, first));
	else
		fprintf(out, "%s-%s", ip_addr_format(&s->first, first),
			ip_addr_format(&s->last, last));
}

/* What a block around all stretches has besides them: as blocks, and few. */
static size_t find_holes(const struct outside *outside, uint32_t unit,
			 enum ip_family family, struct cidr *block,
			 struct cidr holes[MAX_HOLES])
{
	struct stretches s = stretches_of(outside, unit, family);
	struct stretch whole, next, hole;
	struct ip_addr at;
	size_t n = 0;

	next_stretch(&s, &whole);
	while (next_stretch(&s, &next))
		whole.last = next.last;
	*block = block_around(&whole);
	at = block->addr;
	s = stretches_of(outside, unit, family);
	while (next_stretch(&s, &next)) {
		hole = (struct stretch){ at, step(next.first, -1) };
		at = step(next.last, 1);
		if (ip_addr_equal(&hole.first, &next.first))
			continue;
		if (n == MAX_HOLES || !is_block(&hole, &holes[n++]))
			return 0;
	}
	hole = (struct stretch){ at, last_of(block) };
	if (ip_addr_equal(&next.last, &hole.last))
		return n;
	return n < MAX_HOLES && is_block(&hole, &holes[n]) ? n + 1 : 0;
}

static void write_stretches(FILE *out, const struct outside *outside,
			    uint32_t unit, enum ip_family family)
{
	size_t n = count_stretches(outside, unit, family), n_holes, i = 0;
	struct stretches s = stretches_of(outside, unit, family);
	struct cidr block, holes[MAX_HOLES];
	struct stretch stretch;
	char text[CIDR_TEXT_LEN];

	n_holes = find_holes(outside, unit, family, &block, holes);
	if (n_holes > 0 && n_holes <= n) {
		fprintf(out, "%s except", cidr_format(&block, text));
		for (; i < n_holes; i++)
			fprintf(out, "%s %s", i > 0 ? "," : "",
				cidr_format(&holes[i], text));
		return;
	}
	for (; i < MAX_RANGES && next_stretch(&s, &stretch); i++) {
		fputs(i > 0 ? ", " : "", out);
		write_stretch(out, &stretch);
	}
	if (n > i)
		fprintf(out, " and %zu more ranges", n - i);
}

static void write_family(FILE *out, const struct outside *outside,
			 uint32_t unit, int f)
{
	if (outside->largest[f] != unit) {
		write_stretches(out, outside, unit, families[f]);
		return;
	}
	fputs(outside->n_of_family[f] == 1 ? "outside" : "everywhere else",
	      out);
	if (outside->n_of_family[!f] > 0)
		fputs(f == 0 ? " (IPv4)" : " (IPv6)", out);
}

static void write_unit(FILE *out, const struct outside *outside, uint32_t unit)
{
	bool has[2];

	for (int f = 0; f < 2; f++)
		has[f] = count_stretches(outside, unit, families[f]) > 0;
	if (has[0] && has[1] && outside->n_outside == 1) {
		fputs("outside", out);
		return;
	}
	if (has[0])
		write_family(out, outside, unit, 0);
	fputs(has[0] && has[1] ? ", " : "", out);
	if (has[1])
		write_family(out, outside, unit, 1);
}

/* ---- all units ---------------------------------------------------------- */

/* Which unit has most of a family. */
static void measure(struct outside *outside, int f)
{
	double most = 0;

	for (uint32_t i = 0; i < outside->n_units; i++) {
		double share = outside->units[i].is_outside
				       ? share_of(outside, i, families[f])
				       : 0;

		outside->n_of_family[f] += share > 0;
		if (share > most) {
			most = share;
			outside->largest[f] = i;
		}
	}
}

static char *name_unit(struct arena *arena, const struct outside *outside,
		       uint32_t unit)
{
	char *text = NULL, *copy = NULL;
	size_t len = 0;
	FILE *memory = open_memstream(&text, &len);

	if (!memory)
		return NULL;
	write_unit(memory, outside, unit);
	if (fclose(memory) == 0)
		copy = arena_strndup(arena, text, len);
	free(text);
	return copy;
}

static int name_all(struct arena *arena, const struct outside *outside,
		    struct outside_names *out)
{
	for (uint32_t i = 0; i < outside->n_units; i++) {
		bool has[2];

		if (!outside->units[i].is_outside)
			continue;
		out->names[i] = name_unit(arena, outside, i);
		if (!out->names[i])
			return -ENOMEM;
		for (int f = 0; f < 2; f++)
			has[f] = count_stretches(outside, i, families[f]) > 0;
		if (has[0] && has[1])
			continue;
		out->families[i] = families[has[1]];
		out->n_of_family[has[1]]++;
	}
	return 0;
}

int outside_text_name(struct arena *arena, const struct grid *grid,
		      struct outside_names *out)
{
	struct outside outside = { 0 };
	size_t n;

	outside.units = grid_units(grid, &outside.n_units);
	outside.ranges = reach_ranges(grid_reach(grid), &n);
	for (int f = 0; f < 2; f++)
		measure(&outside, f);
	for (uint32_t i = 0; i < outside.n_units; i++)
		outside.n_outside += outside.units[i].is_outside;
	*out = (struct outside_names){
		.names = arena_array(arena, outside.n_units,
				     sizeof(*out->names)),
		.families = arena_array(arena, outside.n_units,
					sizeof(*out->families)),
	};
	if (!out->names || !out->families)
		return -ENOMEM;
	return name_all(arena, &outside, out);
}
