/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "slot_text.h"

/* What a policy can make long is told up to a bound, and then counted. */
#define MAX_RANGES 8
/* "everything but …" is said where so few ranges of so few ports are missing.
 */
#define MAX_MISSING 3
#define MAX_MISSING_PORTS 0x8000

static bool has(const struct slot_range *ranges, size_t n, uint32_t first,
		uint32_t last)
{
	for (size_t i = 0; i < n; i++) {
		if (ranges[i].first <= first && last <= ranges[i].last)
			return true;
	}
	return false;
}

bool slot_text_has_other(const struct slot_range *ranges, size_t n)
{
	return has(ranges, n, SLOT_OTHER, SLOT_OTHER);
}

bool slot_text_is_everything(const struct slot_range *ranges, size_t n)
{
	return has(ranges, n, 0, N_SLOTS - 1);
}

void slot_text_look(const struct slot_range *ranges, size_t n,
		    struct slot_protocol out[N_SLOT_PROTOCOLS])
{
	static const char *const names[N_SLOT_PROTOCOLS] = { "TCP", "UDP",
							     "SCTP" };

	for (uint32_t i = 0; i < N_SLOT_PROTOCOLS; i++) {
		uint32_t base = i * SLOT_UDP, slot = SLOT_FRAGMENTS + i;

		out[i] = (struct slot_protocol){
			.name = names[i],
			.base = base,
			.is_full = has(ranges, n, base, base + UINT16_MAX),
			.fragments = has(ranges, n, slot, slot),
		};
	}
}

bool slot_text_clip(const struct slot_protocol *protocol,
		    struct slot_range range, struct slot_range *ports)
{
	uint32_t first = protocol->base, last = first + UINT16_MAX;

	if (range.last < first || range.first > last)
		return false;
	if (range.first > first)
		first = range.first;
	if (range.last < last)
		last = range.last;
	*ports = (struct slot_range){ first - protocol->base,
				      last - protocol->base };
	return true;
}

/* ---- words -------------------------------------------------------------- */

struct listing {
	FILE *out;
	size_t n; /* items written */
};

static void begin_item(struct listing *l)
{
	fputs(l->n++ ? ", " : "", l->out);
}

static void write_full(struct listing *l, const struct slot_protocol *protocols)
{
	size_t n = 0, at = 0;

	for (int i = 0; i < N_SLOT_PROTOCOLS; i++)
		n += protocols[i].is_full;
	if (n == 0)
		return;
	begin_item(l);
	fputs("any ", l->out);
	for (int i = 0; i < N_SLOT_PROTOCOLS; i++) {
		if (!protocols[i].is_full)
			continue;
		if (at > 0)
			fputs(at + 1 < n ? ", " : " or ", l->out);
		fputs(protocols[i].name, l->out);
		at++;
	}
	fputs(" port", l->out);
}

static void write_ports(struct listing *l, const struct slot_protocol *protocol,
			const struct slot_range *ranges, size_t n)
{
	size_t n_told = 0, n_more = 0;

	for (size_t i = 0; i < n; i++) {
		struct slot_range ports;

		if (!slot_text_clip(protocol, ranges[i], &ports))
			continue;
		if (n_told == MAX_RANGES) {
			n_more++;
			continue;
		}
		n_told++;
		begin_item(l);
		fprintf(l->out, "%u", ports.first);
		if (ports.last > ports.first)
			fprintf(l->out, "-%u", ports.last);
		fprintf(l->out, "/%s", protocol->name);
	}
	if (n_more)
		fprintf(l->out, " and %zu more %s of %s", n_more,
			n_more == 1 ? "range" : "ranges", protocol->name);
}

/* What is between the ranges, where it is a few ports and nothing else. */
static size_t find_missing(const struct slot_range *ranges, size_t n,
			   struct slot_range missing[MAX_MISSING])
{
	uint32_t at = 0;
	size_t n_missing = 0;

	for (size_t i = 0; i <= n; i++) {
		uint32_t end = i < n ? ranges[i].first : N_SLOTS;

		if (end > at) {
			if (n_missing == MAX_MISSING || end > SLOT_FRAGMENTS ||
			    at / SLOT_UDP != (end - 1) / SLOT_UDP ||
			    end - at > MAX_MISSING_PORTS)
				return 0;
			missing[n_missing++] =
				(struct slot_range){ at, end - 1 };
		}
		at = i < n ? ranges[i].last + 1 : end;
	}
	return n_missing;
}

static bool write_everything_but(struct listing *l,
				 const struct slot_range *ranges, size_t n)
{
	struct slot_range missing[MAX_MISSING];
	size_t n_missing = find_missing(ranges, n, missing);
	struct slot_protocol protocols[N_SLOT_PROTOCOLS];

	if (n_missing == 0)
		return false;
	fputs("everything but ", l->out);
	slot_text_look(missing, n_missing, protocols);
	for (int i = 0; i < N_SLOT_PROTOCOLS; i++)
		write_ports(l, &protocols[i], missing, n_missing);
	return true;
}

void slot_text_write(FILE *out, const struct slot_range *ranges, size_t n)
{
	struct slot_protocol protocols[N_SLOT_PROTOCOLS];
	struct listing l = { .out = out };

	if (slot_text_is_everything(ranges, n)) {
		fputs("everything", out);
		return;
	}
	if (write_everything_but(&l, ranges, n))
		return;
	slot_text_look(ranges, n, protocols);
	write_full(&l, protocols);
	for (int i = 0; i < N_SLOT_PROTOCOLS; i++) {
		if (!protocols[i].is_full)
			write_ports(&l, &protocols[i], ranges, n);
	}
	if (slot_text_has_other(ranges, n)) {
		begin_item(&l);
		fputs("ping and other protocols", out);
	}
	for (int i = 0; i < N_SLOT_PROTOCOLS; i++) {
		if (!protocols[i].fragments || protocols[i].is_full)
			continue;
		begin_item(&l);
		fprintf(out, "later fragments of %s", protocols[i].name);
	}
	if (l.n == 0)
		fputs("nothing", out);
}
