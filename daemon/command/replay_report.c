/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/replay_report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "decision_record.h"
#include "netpold/arena.h"
#include "netpold/cleanup.h"

#define NS_PER_S INT64_C(1000000000)

/* Wide enough for two pods with usual names; longer ones push the rest. */
#define FLOW_COLUMN 52

/* What is remembered of a flow until it is printed. */
struct told {
	struct judgement judgement; /* the flow's */
	bool against; /* the question was asked against the flow's direction */
	uint64_t n_denied;  /* later packets that had a verdict of their own, */
	uint64_t n_allowed; /* where it is not the flow's */
};

/* ---- while packets come ------------------------------------------------- */

static bool is_allowed(const struct judgement *judgement)
{
	return judgement->answer != ANSWER_DENY;
}

/* Whether a question is about the flow's way back. */
static bool runs_against(const struct flow *flow, const struct flow_key *key)
{
	return !ip_addr_equal(&key->src, &flow->src) ||
	       (key->has_port && key->dst_port != flow->dst_port);
}

int replay_report_judgement(struct replay_report *report,
			    const struct tracked *tracked,
			    const struct judgement *judgement)
{
	struct told *told = tracked->flow->data;

	if (judgement->note == NOTE_DISCOVERY) {
		report->counts.discovery++;
		return 0;
	}
	if (!told) {
		told = calloc(1, sizeof(*told));
		if (!told)
			return -ENOMEM;
		told->judgement = *judgement;
		told->against = runs_against(tracked->flow, &judgement->key);
		tracked->flow->data = told;
	} else if (is_allowed(judgement) != is_allowed(&told->judgement)) {
		told->n_allowed += is_allowed(judgement);
		told->n_denied += !is_allowed(judgement);
	}
	return 0;
}

/* ---- one flow ----------------------------------------------------------- */

/* A flow as it is printed: turned round where only the other direction was
   allowed, so that from and to are those of the decision. */
struct line {
	struct arena arena; /* what the explanation points to */
	struct explanation explanation;
	struct decision_record record;
	uint64_t there, back;
	bool both_ways;
};

static int line_init(struct line *line, const struct replay_report *report,
		     const struct flow *flow, const struct told *told)
{
	bool turned = told->against;

	*line = (struct line){
		.record = {
			.key = told->judgement.key,
			.src_port = turned ? flow->dst_port : flow->src_port,
			.explanation = &line->explanation,
		},
		.there = flow->packets[turned ? WAY_REPLY : WAY_ORIGINAL],
		.back = flow->packets[turned ? WAY_ORIGINAL : WAY_REPLY],
		.both_ways = flow->picked_up,
	};
	return snapshot_explain_nearest(report->snapshot, &line->record.key,
					&line->arena, &line->explanation);
}

static void line_release(struct line *line)
{
	arena_release(&line->arena);
}

static void write_remark(FILE *out, uint64_t n, const char *what)
{
	if (n > 0)
		fprintf(out, " (%s: %" PRIu64 ")", what, n);
}

static void write_flow_padded(FILE *out, const struct decision_record *record)
{
	char *text = NULL;
	size_t len = 0;
	FILE *memory = open_memstream(&text, &len);

	if (!memory) {
		decision_record_write_flow(out, record);
		return;
	}
	decision_record_write_flow(memory, record);
	if (fclose(memory) == 0)
		fprintf(out, "%-*s", FLOW_COLUMN, text);
	free(text);
}

static void write_text(FILE *out, const struct line *line,
		       const struct replay_report *report,
		       const struct flow *flow, const struct told *told)
{
	const struct decision *decision = &line->explanation.decision;
	int64_t offset_ns = flow->first_ns - report->start_ns;

	if (offset_ns < 0)
		offset_ns = 0;
	fprintf(out, "%6" PRId64 ".%06" PRId64 "  ", offset_ns / NS_PER_S,
		offset_ns % NS_PER_S / 1000);
	write_flow_padded(out, &line->record);
	fprintf(out, "  %5" PRIu64 "/%-5" PRIu64 "  %-7s  ", line->there,
		line->back, verdict_name(decision->verdict));
	decision_record_write_why(out, &line->record);
	if (line->both_ways)
		fprintf(out, " (met in its middle, asked both ways)");
	write_remark(out, flow->errors, "ICMP errors about it");
	write_remark(out, told->n_denied, "packets denied on their own");
	write_remark(out, told->n_allowed, "packets allowed on their own");
	fputc('\n', out);
}

/* RFC 3339, UTC. */
static void write_time(struct json_text *out, int64_t time_ns)
{
	time_t seconds = (time_t)(time_ns / NS_PER_S);
	char text[sizeof("2006-01-02T15:04:05")];
	struct tm tm;
	FILE *words;

	json_text_key(out, "time");
	words = json_text_begin_words(out);
	if (!words)
		return;
	if (gmtime_r(&seconds, &tm) &&
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm) > 0)
		fprintf(words, "%s.%09dZ", text, (int)(time_ns % NS_PER_S));
	json_text_end_words(out);
}

static void write_count(struct json_text *out, const char *key, uint64_t n)
{
	json_text_key(out, key);
	json_text_number(out, n);
}

static void write_packets(struct json_text *out, const struct line *line,
			  const struct flow *flow)
{
	json_text_key(out, "packets");
	json_text_begin_object(out);
	write_count(out, "there", line->there);
	write_count(out, "back", line->back);
	write_count(out, "icmp_errors", flow->errors);
	json_text_end_object(out);
}

static void write_json(FILE *out, const struct line *line,
		       struct replay_report *report, const struct flow *flow,
		       const struct told *told)
{
	struct json_text *json = &report->json;

	json_text_begin_object(json);
	decision_record_write_json(json, &line->record);
	write_time(json, flow->first_ns);
	write_packets(json, line, flow);
	json_text_key(json, "asked_both_ways");
	json_text_bool(json, line->both_ways);
	if (told->n_denied)
		write_count(json, "denied_alone", told->n_denied);
	if (told->n_allowed)
		write_count(json, "allowed_alone", told->n_allowed);
	json_text_end_object(json);
	if (json_text_write_line(json, out) < 0)
		report->failed = -ENOMEM;
}

void replay_report_flow(void *ctx, struct flow *flow)
{
	struct replay_report *report = ctx;
	CLEANUP(line_release) struct line line = { 0 };
	struct told *told = flow->data;

	if (!told)
		return; /* discovery only */
	if (is_allowed(&told->judgement))
		report->counts.allowed++;
	else
		report->counts.denied++;
	if (line_init(&line, report, flow, told) < 0)
		report->failed = -ENOMEM;
	else if (report->format == REPLAY_JSON)
		write_json(stdout, &line, report, flow, told);
	else
		write_text(stdout, &line, report, flow, told);
	free(told);
	flow->data = NULL;
}

/* ---- begin and end ------------------------------------------------------ */

void replay_report_begin(const struct replay_report *report)
{
	if (report->format == REPLAY_TEXT)
		printf("%13s  %-*s  %11s  %-7s  %s\n", "SECONDS", FLOW_COLUMN,
		       "FROM -> TO", "THERE/BACK", "VERDICT", "WHY");
}

static void write_counts(FILE *out, const struct replay_counts *counts)
{
	const struct {
		const char *what;
		uint64_t n;
		bool always;
	} rows[] = {
		{ "packets", counts->packets, true },
		{ "flows", counts->allowed + counts->denied, true },
		{ "allowed", counts->allowed, true },
		{ "denied", counts->denied, true },
		{ "unparsable", counts->unparsable, true },
		{ "not IP", counts->not_ip, true },
		{ "neighbour discovery", counts->discovery, false },
		{ "flows told before their end", counts->evicted, false },
	};
	const char *comma = "";

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!rows[i].always && rows[i].n == 0)
			continue;
		fprintf(out, "%s%s: %" PRIu64, comma, rows[i].what, rows[i].n);
		comma = ", ";
	}
	fputc('\n', out);
}

void replay_report_release(struct replay_report *report)
{
	json_text_release(&report->json);
}

int replay_report_end(struct replay_report *report, struct err *err)
{
	if (fflush(stdout) != 0 || ferror(stdout))
		return err_set(err, -EIO, "cannot write to standard output");
	if (report->failed < 0)
		return err_set(err, report->failed, "out of memory");
	write_counts(stderr, &report->counts);
	return 0;
}
