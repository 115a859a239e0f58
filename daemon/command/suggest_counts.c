/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/suggest_counts.h"

#include <inttypes.h>
#include <string.h>

#include "command/suggest_json.h"
#include "command/suggest_yaml.h"
#include "time_text.h"

enum { N_LEFT_OUT = 7 };

struct left_out {
	const char *key, *words;
	uint64_t n;
};

static void list_left_out(const struct suggest_counts *counts,
			  struct left_out out[N_LEFT_OUT])
{
	const struct left_out rows[N_LEFT_OUT] = {
		{ "denied", "denied", counts->denied },
		{ "gone", "of workloads that are gone", counts->gone },
		{ "own_node", "from a pod's own node", counts->own_node },
		{ "not_judged", "that no policy judges", counts->unasked },
		{ "ends", "ends of flows", counts->ends },
		{ "no_records", "lines that are no record", counts->bad_lines },
		{ "unparsable", "unparsable packets", counts->bad_packets },
	};

	memcpy(out, rows, sizeof(rows));
}

/* ---- counting ----------------------------------------------------------- */

void suggest_counts_note_time(struct suggest_counts *counts, int64_t first_us,
			      int64_t last_us)
{
	if (first_us > 0 &&
	    (counts->first_us == 0 || first_us < counts->first_us))
		counts->first_us = first_us;
	if (last_us > counts->last_us)
		counts->last_us = last_us;
}

void suggest_counts_note_gone(struct suggest_counts *counts,
			      const struct record_end *end)
{
	char name[WORKLOAD_NAME_LEN];

	counts->gone++;
	workload_name_write(end, name);
	for (size_t i = 0; i < counts->n_gone_names; i++) {
		if (strcmp(counts->gone_names[i], name) == 0)
			return;
	}
	if (counts->n_gone_names == SUGGEST_MAX_GONE) {
		counts->has_more_gone = true;
		return;
	}
	memcpy(counts->gone_names[counts->n_gone_names++], name, sizeof(name));
}

/* ---- in words ----------------------------------------------------------- */

void suggest_counts_write_line(FILE *out, const struct suggest_counts *counts)
{
	struct left_out rows[N_LEFT_OUT];

	list_left_out(counts, rows);
	fprintf(out, "flows: %" PRIu64, counts->flows);
	for (size_t i = 0; i < N_LEFT_OUT; i++) {
		if (rows[i].n > 0)
			fprintf(out, ", left out: %" PRIu64 " %s", rows[i].n,
				rows[i].words);
	}
	fputc('\n', out);
}

static void write_gone(FILE *out, const struct suggest_counts *counts)
{
	for (size_t i = 0; i < counts->n_gone_names; i++) {
		fputs(i > 0 ? ", " : ": ", out);
		suggest_yaml_write_word(out, counts->gone_names[i]);
	}
	if (counts->has_more_gone)
		fputs(", and others", out);
}

static void write_seen(FILE *out, const struct suggest_counts *counts)
{
	char first[TIME_TEXT_LEN], last[TIME_TEXT_LEN];

	fprintf(out, "seen: %" PRIu64 " %s", counts->flows,
		counts->flows == 1 ? "record, or flow of a capture"
				   : "records, or flows of captures");
	if (counts->first_us > 0 && time_text_format(counts->first_us, first) &&
	    time_text_format(counts->last_us, last))
		fprintf(out, ", from %s to %s", first, last);
	fputc('\n', out);
}

void suggest_counts_write(FILE *out, const char *lead,
			  const struct suggest_counts *counts)
{
	struct left_out rows[N_LEFT_OUT];

	list_left_out(counts, rows);
	fputs(lead, out);
	write_seen(out, counts);
	for (size_t i = 0; i < N_LEFT_OUT; i++) {
		if (rows[i].n == 0)
			continue;
		fprintf(out, "%sleft out: %" PRIu64 " %s", lead, rows[i].n,
			rows[i].words);
		if (strcmp(rows[i].key, "gone") == 0)
			write_gone(out, counts);
		fputc('\n', out);
	}
	if (counts->has_log)
		fprintf(out,
			"%sWhat a flow log has suppressed or lost is not in "
			"it: `netpold status` tells how much.\n",
			lead);
}

/* ---- in JSON ------------------------------------------------------------ */

static void put_gone(struct json_text *json,
		     const struct suggest_counts *counts)
{
	json_text_key(json, "gone_workloads");
	json_text_begin_array(json);
	for (size_t i = 0; i < counts->n_gone_names; i++)
		json_text_string(json, counts->gone_names[i]);
	json_text_end_array(json);
}

void suggest_counts_put_json(struct json_text *json,
			     const struct suggest_counts *counts)
{
	struct left_out rows[N_LEFT_OUT];

	suggest_json_put_number(json, "flows", counts->flows);
	suggest_json_put_time(json, "first", counts->first_us);
	suggest_json_put_time(json, "last", counts->last_us);
	list_left_out(counts, rows);
	json_text_key(json, "left_out");
	json_text_begin_object(json);
	for (size_t i = 0; i < N_LEFT_OUT; i++)
		suggest_json_put_number(json, rows[i].key, rows[i].n);
	put_gone(json, counts);
	json_text_end_object(json);
}
