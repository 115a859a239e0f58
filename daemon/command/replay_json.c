/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>

#include "command/replay_report.h"

static void write_time(struct json_text *out, int64_t time_ns)
{
	FILE *words;

	json_text_key(out, "time");
	words = json_text_begin_words(out);
	if (!words)
		return;
	replay_write_time(words, time_ns);
	json_text_end_words(out);
}

static void write_count(struct json_text *out, const char *key, uint64_t n)
{
	json_text_key(out, key);
	json_text_number(out, n);
}

/* ---- flows ----------------------------------------------------------------
 */

/* Each line stands for itself. */
static void begin(struct replay_report *report)
{
	(void)report;
}

static void write_packets(struct json_text *out, const struct replay_line *line)
{
	json_text_key(out, "packets");
	json_text_begin_object(out);
	write_count(out, "there", line->there);
	write_count(out, "back", line->back);
	write_count(out, "icmp_errors", line->flow->errors);
	json_text_end_object(out);
}

static void write_turn(struct replay_report *report,
		       const struct replay_line *line,
		       const struct replay_turn *turn)
{
	struct json_text *out = &report->json;
	struct explanation explanation;
	struct decision_record record;

	if (replay_turn_record(turn, line->flow, &report->scratch, &explanation,
			       &record) < 0) {
		report->failed = -ENOMEM;
		return;
	}
	json_text_begin_object(out);
	write_time(out, turn->time_ns);
	decision_record_write_verdict(out, &record);
	json_text_end_object(out);
}

static void write_turns(struct replay_report *report,
			const struct replay_line *line)
{
	struct json_text *out = &report->json;

	if (!line->first->next)
		return;
	json_text_key(out, "changes");
	json_text_begin_array(out);
	for (const struct replay_turn *turn = line->first->next; turn;
	     turn = turn->next)
		write_turn(report, line, turn);
	json_text_end_array(out);
}

static void write_flow(struct replay_report *report,
		       const struct replay_line *line)
{
	struct json_text *out = &report->json;

	json_text_begin_object(out);
	decision_record_write_json(out, &line->record);
	write_time(out, line->flow->first_ns);
	write_packets(out, line);
	json_text_key(out, "asked_both_ways");
	json_text_bool(out, line->both_ways);
	write_turns(report, line);
	if (line->n_denied)
		write_count(out, "denied_alone", line->n_denied);
	if (line->n_allowed)
		write_count(out, "allowed_alone", line->n_allowed);
	json_text_end_object(out);
	if (json_text_write_line(out, stdout) < 0)
		report->failed = -ENOMEM;
}

/* ---- the summary ----------------------------------------------------------
 */

static void write_policy(struct json_text *out, const struct replay_row *row)
{
	FILE *words;

	if (!*row->name)
		return;
	json_text_key(out, "policy");
	words = json_text_begin_words(out);
	if (words) {
		fprintf(words, "%s/%s", row->namespace, row->name);
		json_text_end_words(out);
	}
	json_text_key(out, "direction");
	json_text_string(out, direction_name(row->direction));
}

static void write_verdict(struct json_text *out, const char *key,
			  const struct replay_count *count)
{
	json_text_key(out, key);
	json_text_begin_object(out);
	write_count(out, "flows", count->flows);
	write_count(out, "packets", count->packets);
	json_text_end_object(out);
}

static void write_row(const struct replay_row *row, void *ctx)
{
	struct replay_report *report = ctx;
	struct json_text *out = &report->json;

	json_text_begin_object(out);
	write_policy(out, row);
	write_verdict(out, "allowed", &row->by_verdict[VERDICT_ALLOW]);
	write_verdict(out, "denied", &row->by_verdict[VERDICT_DENY]);
	json_text_end_object(out);
	if (json_text_write_line(out, stdout) < 0)
		report->failed = -ENOMEM;
}

static void write_summary(struct replay_report *report)
{
	replay_summary_each(&report->summary, write_row, report);
}

const struct replay_format replay_json = { "json", begin, write_flow,
					   write_summary };
