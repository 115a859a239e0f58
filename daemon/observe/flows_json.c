/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/flows_json.h"

#include <errno.h>
#include <stdbool.h>

#include "netpold/object.h"
#include "netpold/snapshot.h"

#include "flowlog/flow_watch.h"
#include "time_text.h"

#define US_PER_S 1e6

static json_t *count_to_json(uint64_t count)
{
	return json_integer((json_int_t)count);
}

static json_t *time_to_json(int64_t time_us)
{
	char text[TIME_TEXT_LEN];

	return time_text_format(time_us, text) ? json_string(text) : NULL;
}

/* As in decision_json.c: what cannot be kept is taken over all the same, and
   NULL fails, so that one check at the end is enough. */
static bool set(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new(object, key, value) == 0;
}

static json_t *end_to_json(const char *name, const char *kind)
{
	json_t *out = json_object();
	bool ok = set(out, "name", json_string(name));

	if (*kind)
		ok &= set(out, "kind", json_string(kind));
	if (ok)
		return out;
	json_decref(out);
	return NULL;
}

static json_t *protocol_to_json(uint8_t protocol)
{
	const char *name = protocol_name(protocol);

	return name ? json_string(name) : json_sprintf("%u", protocol);
}

static bool put_about(json_t *out, const struct flow_about *about)
{
	bool ok = set(out, "from", end_to_json(about->from, about->from_kind));

	ok &= set(out, "to", end_to_json(about->to, about->to_kind));
	ok &= set(out, "protocol", protocol_to_json(about->protocol));
	if (about->has_port)
		ok &= set(out, "port", json_integer(about->port));
	ok &= set(out, "mode",
		  json_string(about->is_audit ? "audit" : "enforce"));
	ok &= set(out, "verdict", json_string(verdict_name(about->verdict)));
	ok &= set(out, "why", json_string(about->why));
	if (about->would == about->verdict)
		return ok;
	ok &= set(out, "would", json_string(verdict_name(about->would)));
	ok &= set(out, "would_because", json_string(about->would_why));
	return ok;
}

static int add_row(void *ctx, const struct flow_row *row, double per_second)
{
	json_t *rows = ctx, *out = json_object();
	bool ok = set(out, "id", count_to_json(row->id));

	ok &= put_about(out, &row->about);
	ok &= set(out, "count", count_to_json(row->count));
	ok &= set(out, "bytes", count_to_json(row->bytes));
	ok &= set(out, "per_second", json_real(per_second));
	ok &= set(out, "first", time_to_json(row->first_us));
	ok &= set(out, "last", time_to_json(row->last_us));
	if (ok)
		return json_array_append_new(rows, out) == 0 ? 0 : -ENOMEM;
	json_decref(out);
	return -ENOMEM;
}

json_t *flows_to_json(struct flow_watch *watch, int64_t now_us)
{
	struct flow_watch_sum sum = { .began_us = now_us };
	json_t *out = json_object(), *rows = json_array();
	bool ok = true;

	if (watch)
		ok = flow_watch_look(watch, now_us, add_row, rows, &sum) == 0;
	ok &= set(out, "seconds",
		  json_real((double)(now_us - sum.began_us) / US_PER_S));
	ok &= set(out, "seen", count_to_json(sum.n_seen));
	ok &= set(out, "unnamed", count_to_json(sum.n_unnamed));
	ok &= set(out, "lost", count_to_json(sum.n_lost));
	ok &= set(out, "rows_gone", count_to_json(sum.n_gone));
	ok &= set(out, "rows", rows);
	if (ok)
		return out;
	json_decref(out);
	return NULL;
}
