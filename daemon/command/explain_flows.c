/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/explain_flows.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "explain_json.h"
#include "decision_record.h"
#include "log.h"
#include "netpold/arena.h"
#include "netpold/cleanup.h"
#include "planned.h"
#include "progress.h"
#include "question.h"
#include "source/flow_line.h"
#include "source/lines.h"

/* What goes through a whole run. */
struct run {
	const struct explain_flows *flows;
	struct explain_flows_counts *counts;
	struct arena arena;    /* of one flow */
	struct json_text json; /* the same */
};

static void run_release(struct run *run)
{
	json_text_release(&run->json);
	arena_release(&run->arena);
}

/* ---- answers ------------------------------------------------------------ */

static void write_text(const struct decision_record *record,
		       const struct explanation *planned)
{
	enum verdict verdict = record->explanation->decision.verdict;

	printf("%-5s  ", verdict_name(verdict));
	decision_record_write_flow(stdout, record);
	printf("  ");
	decision_record_write_why(stdout, record);
	if (planned) {
		printf(" (");
		planned_write_text(stdout, record, planned);
		putchar(')');
	}
	putchar('\n');
}

static int write_json(struct run *run, const struct question *question,
		      const struct decision_record *record,
		      const struct explanation *planned)
{
	const struct explain_flows *flows = run->flows;
	const struct explain_json json = {
		.asker = flows->asker,
		.question = question,
		.record = record,
		.planned = planned,
		.has_expected = flows->has_expected,
		.expected = flows->expected,
	};

	return explain_json_write(stdout, &json, &run->json);
}

/* @err  set where the flow cannot be answered */
static int answer(struct run *run, const struct flow_words *words,
		  struct err *err)
{
	const struct explain_flows *flows = run->flows;
	struct explanation explanation, room;
	const struct explanation *planned;
	struct decision_record record = { .explanation = &explanation };
	struct question question;
	int r;

	arena_clear(&run->arena);
	r = question_resolve(flows->asker, words, &run->arena, &question, err);
	if (r < 0)
		return r;
	record.key = question.key;
	if (snapshot_explain_nearest(flows->asker->snapshot, &record.key,
				     &run->arena, &explanation) < 0 ||
	    planned_explain(flows->asker->snapshot, &record.key,
			    &explanation.decision, &run->arena, &room,
			    &planned) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	run->counts->answered++;
	run->counts->otherwise +=
		flows->has_expected &&
		explanation.decision.verdict != flows->expected;
	if (!flows->as_text && write_json(run, &question, &record, planned) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	if (flows->as_text)
		write_text(&record, planned);
	return 0;
}

/* ---- lines -------------------------------------------------------------- */

static int refuse(struct run *run, const struct line *line,
		  const struct err *why)
{
	const struct explain_flows *flows = run->flows;
	int r = 0;

	run->counts->failed++;
	if (flows->as_text)
		printf("error  line %zu: %s\n", line->number, why->message);
	else
		r = explain_json_write_error(stdout, line->number, why->message,
					     &run->json);
	progress_hide(flows->progress);
	log_error("%s:%zu: %s", flows->path, line->number, why->message);
	return r;
}

static bool is_blank(const struct line *line)
{
	for (size_t i = 0; i < line->len; i++) {
		char c = line->text[i];

		if (c != ' ' && c != '\t' && c != '\r')
			return false;
	}
	return true;
}

static int answer_line(struct run *run, const struct line *line,
		       struct err *err)
{
	CLEANUP(flow_line_release) struct flow_line flow = { .root = NULL };
	int r;

	r = flow_line_read(line->text, line->len, &flow, err);
	return r < 0 ? r : answer(run, &flow.words, err);
}

/* What is wrong with a line is no trouble for the next one. */
static int take_line(struct run *run, const struct line *line, bool too_long,
		     struct err *err)
{
	struct err why;
	int r;

	if (too_long)
		r = err_set(&why, -EINVAL, "the line is longer than %d bytes",
			    LINES_MAX);
	else
		r = answer_line(run, line, &why);
	if (r == 0)
		return 0;
	if (r == -EINVAL && refuse(run, line, &why) == 0)
		return 0;
	return err_set(err, -ENOMEM, "out of memory");
}

/* Whoever asks one thing at a time gets the answer before the next question. */
static int next_line(const struct explain_flows *flows, struct lines *lines,
		     struct line *out, struct err *err)
{
	int status;

	if (!lines_has_next(lines) && (fflush(stdout) != 0 || ferror(stdout)))
		return err_set(err, -EIO, "cannot write to standard output");
	status = lines_next(lines, out);
	if (status < 0)
		return err_set(err, status, "cannot read '%s': %s", flows->path,
			       strerror(-status));
	return status;
}

static int take_lines(struct run *run, struct lines *lines, struct err *err)
{
	struct line line;
	int status;

	while ((status = next_line(run->flows, lines, &line, err)) > 0) {
		bool too_long = status == LINES_TOO_LONG;

		if (!too_long && is_blank(&line))
			continue;
		if (take_line(run, &line, too_long, err) < 0)
			return -ENOMEM;
		progress_tell(run->flows->progress, run->counts->answered,
			      "flows answered");
	}
	return status;
}

int explain_flows_run(const struct explain_flows *flows,
		      struct explain_flows_counts *counts, struct err *err)
{
	CLEANUP(lines_freep) struct lines *lines = NULL;
	CLEANUP(run_release)
	struct run run = { .flows = flows, .counts = counts };
	int r;

	*counts = (struct explain_flows_counts){ 0 };
	r = lines_open(flows->path, &lines, err);
	return r < 0 ? r : take_lines(&run, lines, err);
}
