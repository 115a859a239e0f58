/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "command/diff_json.h"
#include "command/diff_seen.h"
#include "netpold/cleanup.h"
#include "time_text.h"

static void write_number(struct json_text *text, const char *key,
			 uint64_t value)
{
	json_text_key(text, key);
	json_text_number(text, value);
}

static void write_string(struct json_text *text, const char *key,
			 const char *value)
{
	json_text_key(text, key);
	json_text_string(text, value);
}

/* ---- what was judged ---------------------------------------------------- */

static void write_counts(struct json_text *text, const struct seen *seen)
{
	const struct seen_counts *counts = &seen->counts;

	json_text_key(text, "counts");
	json_text_begin_object(text);
	write_number(text, "judged", counts->judged);
	write_number(text, "not_judged", counts->unasked);
	write_number(text, "ends", counts->ends);
	write_number(text, "without_pod", counts->lost);
	write_number(text, "no_records", counts->refused);
	write_number(text, "not_told", counts->beyond);
	write_number(text, "opens", seen->n_opens);
	write_number(text, "closes", seen->n - seen->n_opens);
	diff_json_write_worlds(text, seen->worlds);
	json_text_end_object(text);
}

static void write_lost(struct json_text *text, const struct seen *seen)
{
	json_text_key(text, "without_pod");
	json_text_begin_array(text);
	for (size_t i = 0; i < seen->n_lost; i++)
		json_text_string(text, seen->lost[i]);
	json_text_end_array(text);
}

/* ---- changes ------------------------------------------------------------ */

static void write_outside(struct json_text *text,
			  const struct seen_change *change)
{
	char addr[IP_ADDR_TEXT_LEN];

	json_text_key(text, "addresses");
	json_text_begin_array(text);
	for (size_t i = 0; i < change->n_outside; i++)
		json_text_string(text,
				 ip_addr_format(&change->outside[i], addr));
	json_text_end_array(text);
	json_text_key(text, "more");
	json_text_bool(text, change->has_more_outside);
}

static void write_name(struct json_text *text, const struct seen_unit *unit)
{
	FILE *words;

	json_text_key(text, "name");
	words = json_text_begin_words(text);
	if (!words)
		return;
	fprintf(words, "%.*s", unit->name_len, unit->name);
	json_text_end_words(text);
}

static void write_end(struct json_text *text, const char *key,
		      const struct seen *seen, const struct seen_change *change,
		      enum direction end)
{
	struct seen_unit unit = seen_unit_of(seen, change, end);

	json_text_key(text, key);
	json_text_begin_object(text);
	if (*unit.kind) {
		write_string(text, "namespace", unit.namespace);
		write_name(text, &unit);
		write_string(text, "kind", unit.kind);
	} else {
		write_outside(text, change);
	}
	json_text_end_object(text);
}

static void write_protocol(struct json_text *text,
			   const struct seen_change *change)
{
	const char *name = protocol_name(change->key.protocol);
	char number[sizeof("255")];

	snprintf(number, sizeof(number), "%u", change->key.protocol);
	write_string(text, "protocol", name ? name : number);
	if (change->key.has_port)
		write_number(text, "port", change->key.port);
}

static void write_time(struct json_text *text, const char *key, int64_t time_us)
{
	char time[TIME_TEXT_LEN];

	if (time_us && time_text_format(time_us, time))
		write_string(text, key, time);
}

static int write_example(struct json_text *text, const struct seen *seen,
			 const struct seen_change *change)
{
	struct diff_example example;
	struct arena arena = { 0 };
	int r = seen_example_make(seen, change, &arena, &example);

	json_text_key(text, "example");
	json_text_begin_object(text);
	if (r == 0)
		diff_json_write_example(text, &example);
	json_text_end_object(text);
	arena_release(&arena);
	return r;
}

static int write_change(struct json_text *text, const struct seen *seen,
			const struct seen_change *change)
{
	int r;

	json_text_begin_object(text);
	write_string(text, "change", seen_change_word(change));
	write_end(text, "from", seen, change, DIRECTION_EGRESS);
	write_end(text, "to", seen, change, DIRECTION_INGRESS);
	write_protocol(text, change);
	write_number(text, "times", seen_times(change->times));
	write_number(text, "denied", seen_times(change->denied));
	write_time(text, "first", change->first_us);
	write_time(text, "last", change->last_us);
	r = write_example(text, seen, change);
	json_text_end_object(text);
	return r;
}

/* ---- all of it ---------------------------------------------------------- */

/* A line for what was judged, and one for each change. */
static int write_document(FILE *out, const struct seen *seen,
			  struct json_text *text)
{
	int r;

	fputs("{\"seen\": ", out);
	json_text_begin_object(text);
	write_counts(text, seen);
	write_lost(text, seen);
	json_text_end_object(text);
	r = json_text_write_line(text, out);
	fputs(",\"seen_changes\": [\n", out);
	for (size_t i = 0; i < seen->n && r == 0; i++) {
		fputs(i > 0 ? "," : "", out);
		r = write_change(text, seen, seen->changes[i]);
		if (r == 0)
			r = json_text_write_line(text, out);
	}
	fputs("]}\n", out);
	return r;
}

int seen_json_write(FILE *out, const struct seen *seen)
{
	CLEANUP(json_text_release) struct json_text text = { 0 };

	return write_document(out, seen, &text);
}
