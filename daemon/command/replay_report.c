/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/replay_report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "netpold/judge.h"
#include "progress.h"
#include "source/pcapng.h"
#include "source/timeline.h"

#define NS_PER_S INT64_C(1000000000)

/* What is remembered of a flow until it is told of. */
struct told {
	struct replay_turn first;
	struct replay_turn *last;
	uint64_t n_denied;
	uint64_t n_allowed;
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

static void set_turn(struct replay_turn *turn, const struct played *played)
{
	const struct judgement *judgement = played->judgement;

	*turn = (struct replay_turn){
		.time_ns = played->bytes->time_ns,
		.key = judgement->key,
		.snapshot = played->snapshot,
		.is_allowed = is_allowed(judgement),
		.is_against =
			runs_against(played->tracked->flow, &judgement->key),
	};
}

static uint64_t n_packets(const struct flow *flow)
{
	return flow->packets[WAY_ORIGINAL] + flow->packets[WAY_REPLY];
}

static void hold(const struct replay_report *report,
		 const struct replay_turn *turn)
{
	if (report->timeline)
		timeline_hold(report->timeline, turn->snapshot);
}

/* Another policy may come to lie where one lay that is gone. */
static void drop(struct replay_report *report, const struct replay_turn *turn)
{
	if (report->timeline && timeline_drop(report->timeline, turn->snapshot))
		replay_summary_forget(&report->summary);
}

static int begin_told(struct replay_report *report, const struct played *played)
{
	struct told *told;

	report->told.size = sizeof(*told);
	told = told_pool_take(&report->told);

	if (!told)
		return -ENOMEM;
	set_turn(&told->first, played);
	hold(report, &told->first);
	told->last = &told->first;
	played->tracked->flow->data = told;
	return 0;
}

/* By other policies: what does not change the verdict is not told. */
static int turn_told(const struct replay_report *report, struct told *told,
		     const struct played *played)
{
	struct replay_turn *turn;

	if (is_allowed(played->judgement) == told->last->is_allowed)
		return 0;
	turn = calloc(1, sizeof(*turn));
	if (!turn)
		return -ENOMEM;
	set_turn(turn, played);
	hold(report, turn);
	turn->n_before = n_packets(played->tracked->flow) - 1;
	told->last->next = turn;
	told->last = turn;
	return 0;
}

static int take_judgement(struct replay_report *report,
			  const struct played *played)
{
	struct told *told = played->tracked->flow->data;
	bool allowed = is_allowed(played->judgement);

	if (!told)
		return begin_told(report, played);
	if (played->is_again)
		return turn_told(report, told, played);
	if (allowed != told->last->is_allowed) {
		told->n_allowed += allowed;
		told->n_denied += !allowed;
	}
	return 0;
}

/* ---- packets in captures of their own ------------------------------------ */

/* What decided about a packet: its own question, or that of its flow. */
static struct replay_turn turn_of(const struct played *played)
{
	const struct told *told = played->tracked->flow->data;
	struct replay_turn turn;

	if (!played->judgement)
		return *told->last;
	set_turn(&turn, played);
	return turn;
}

static void write_packet(struct replay_report *report,
			 const struct played *played, struct pcapng *to,
			 const struct replay_turn *turn)
{
	struct explanation explanation;
	struct decision_record record;
	char *text = NULL;
	size_t len = 0;
	FILE *words = open_memstream(&text, &len);

	arena_clear(&report->scratch);
	if (!words ||
	    replay_turn_record(turn, played->tracked->flow, &report->scratch,
			       &explanation, &record) < 0) {
		report->failed = -ENOMEM;
	} else {
		fprintf(words, "%s: ", turn->is_allowed ? "allow" : "deny");
		decision_record_write_why(words, &record);
	}
	if (words && fclose(words) != 0)
		report->failed = -ENOMEM;
	if (report->failed == 0)
		pcapng_add(to, played->bytes, text);
	free(text);
}

static void write_unasked(const struct played *played, struct pcapng *to,
			  const char *comment)
{
	if (to)
		pcapng_add(to, played->bytes, comment);
}

static void write_played(struct replay_report *report,
			 const struct played *played)
{
	struct replay_turn turn = turn_of(played);
	struct pcapng *to = turn.is_allowed ? report->allowed : report->denied;

	if (to)
		write_packet(report, played, to, &turn);
}

int replay_report_packet(struct replay_report *report,
			 const struct played *played)
{
	const struct judgement *judgement = played->judgement;
	const struct flow *flow = played->tracked->flow;
	int r;

	if (!flow) {
		write_unasked(played, report->denied, "deny: cannot be read");
		return 0;
	}
	if (judgement && judgement->note == NOTE_DISCOVERY) {
		report->counts.discovery++;
		write_unasked(played, report->allowed,
			      "allow: neighbour discovery");
		return 0;
	}
	r = judgement ? take_judgement(report, played) : 0;
	if (r == 0 && flow->data && (report->denied || report->allowed))
		write_played(report, played);
	return r;
}

/* ---- one flow ----------------------------------------------------------- */

void replay_write_time(FILE *out, int64_t time_ns)
{
	time_t seconds = (time_t)(time_ns / NS_PER_S);
	char text[sizeof("2006-01-02T15:04:05")];
	struct tm tm;

	if (gmtime_r(&seconds, &tm) &&
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm) > 0)
		fprintf(out, "%s.%09dZ", text, (int)(time_ns % NS_PER_S));
}

int replay_turn_record(const struct replay_turn *turn, const struct flow *flow,
		       struct arena *arena, struct explanation *explanation,
		       struct decision_record *out)
{
	*out = (struct decision_record){
		.key = turn->key,
		.src_port = turn->is_against ? flow->dst_port : flow->src_port,
		.explanation = explanation,
	};
	return snapshot_explain_nearest(turn->snapshot, &out->key, arena,
					explanation);
}

static int tell_line(struct replay_report *report, const struct flow *flow,
		     const struct told *told)
{
	bool turned = told->first.is_against;
	struct explanation explanation;
	struct replay_line line = {
		.flow = flow,
		.first = &told->first,
		.there = flow->packets[turned ? WAY_REPLY : WAY_ORIGINAL],
		.back = flow->packets[turned ? WAY_ORIGINAL : WAY_REPLY],
		.is_allowed = told->first.is_allowed,
		.both_ways = flow->picked_up,
		.n_denied = told->n_denied,
		.n_allowed = told->n_allowed,
	};

	arena_clear(&report->scratch);
	if (replay_turn_record(&told->first, flow, &report->scratch,
			       &explanation, &line.record) < 0)
		return -ENOMEM;
	if (report->progress)
		progress_hide(report->progress);
	report->format->flow(report, &line);
	return 0;
}

/* A flow counts for each verdict that it had, with the packets of its time.
   Nobody reads why it came out so. */
static int sum_up(struct replay_report *report, const struct flow *flow,
		  const struct told *told)
{
	const struct replay_turn *turn = &told->first;
	int r = 0;

	for (; turn && r == 0; turn = turn->next) {
		uint64_t n_after =
			turn->next ? turn->next->n_before : n_packets(flow);

		r = replay_summary_add(&report->summary, turn->snapshot,
				       &turn->key, n_after - turn->n_before);
	}
	return r;
}

static void free_told(struct replay_report *report, struct told *told)
{
	struct replay_turn *turn = told->first.next;

	drop(report, &told->first);
	while (turn) {
		struct replay_turn *next = turn->next;

		drop(report, turn);
		free(turn);
		turn = next;
	}
	told_pool_give(&report->told, told);
}

void replay_report_flow(void *ctx, struct flow *flow)
{
	struct replay_report *report = ctx;
	struct told *told = flow->data;

	if (!told)
		return; /* discovery only */
	if (told->first.is_allowed)
		report->counts.allowed++;
	else
		report->counts.denied++;
	report->counts.changed += told->first.next != NULL;
	if (report->summarizes ? sum_up(report, flow, told) < 0
			       : tell_line(report, flow, told) < 0)
		report->failed = -ENOMEM;
	free_told(report, told);
	flow->data = NULL;
}

/* ---- begin and end ------------------------------------------------------ */

void replay_report_begin(struct replay_report *report)
{
	if (!report->summarizes)
		report->format->begin(report);
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
		{ "flows whose verdict changed", counts->changed, false },
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
	replay_summary_release(&report->summary);
	arena_release(&report->scratch);
	told_pool_release(&report->told);
	pcapng_freep(&report->denied);
	pcapng_freep(&report->allowed);
}

static int end_capture(struct pcapng **pcapng, struct err *err)
{
	int r = pcapng_end(*pcapng, err);

	*pcapng = NULL;
	return r;
}

int replay_report_end(struct replay_report *report, struct err *err)
{
	int r;

	if (report->summarizes)
		report->format->summary(report);
	if (fflush(stdout) != 0 || ferror(stdout))
		return err_set(err, -EIO, "cannot write to standard output");
	if (report->failed < 0)
		return err_set(err, report->failed, "out of memory");
	r = end_capture(&report->denied, err);
	if (r == 0)
		r = end_capture(&report->allowed, err);
	if (r == 0)
		write_counts(stderr, &report->counts);
	return r;
}
