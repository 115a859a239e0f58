/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "command/replay_report.h"

#define NS_PER_S INT64_C(1000000000)

/* Wide enough for two pods with usual names; longer ones push the rest. */
#define FLOW_COLUMN 52
#define POLICY_COLUMN 40

/* ---- flows ----------------------------------------------------------------
 */

static void begin(struct replay_report *report)
{
	(void)report;
	printf("%13s  %-*s  %11s  %-7s  %s\n", "SECONDS", FLOW_COLUMN,
	       "FROM -> TO", "THERE/BACK", "VERDICT", "WHY");
}

/* Since the first packet. */
static void write_offset(const struct replay_report *report, int width,
			 int64_t time_ns)
{
	int64_t offset_ns = time_ns - report->start_ns;

	if (offset_ns < 0)
		offset_ns = 0;
	printf("%*" PRId64 ".%06" PRId64, width, offset_ns / NS_PER_S,
	       offset_ns % NS_PER_S / 1000);
}

static void write_remark(uint64_t n, const char *what)
{
	if (n > 0)
		printf(" (%s: %" PRIu64 ")", what, n);
}

static void write_flow_padded(const struct decision_record *record)
{
	char *text = NULL;
	size_t len = 0;
	FILE *memory = open_memstream(&text, &len);

	if (!memory) {
		decision_record_write_flow(stdout, record);
		return;
	}
	decision_record_write_flow(memory, record);
	if (fclose(memory) == 0)
		printf("%-*s", FLOW_COLUMN, text);
	free(text);
}

static void write_turn(struct replay_report *report,
		       const struct replay_line *line,
		       const struct replay_turn *turn)
{
	struct explanation explanation;
	struct decision_record record;

	if (replay_turn_record(turn, line->flow, &report->scratch, &explanation,
			       &record) < 0) {
		report->failed = -ENOMEM;
		return;
	}
	printf(" (%s from ", turn->is_allowed ? "allow" : "deny");
	write_offset(report, 0, turn->time_ns);
	printf(" on: ");
	decision_record_write_why(stdout, &record);
	putchar(')');
}

static void write_flow(struct replay_report *report,
		       const struct replay_line *line)
{
	const struct decision *decision = &line->record.explanation->decision;

	write_offset(report, 6, line->flow->first_ns);
	printf("  ");
	write_flow_padded(&line->record);
	printf("  %5" PRIu64 "/%-5" PRIu64 "  %-7s  ", line->there, line->back,
	       verdict_name(decision->verdict));
	decision_record_write_why(stdout, &line->record);
	for (const struct replay_turn *turn = line->first->next; turn;
	     turn = turn->next)
		write_turn(report, line, turn);
	if (line->both_ways)
		printf(" (met in its middle, asked both ways)");
	write_remark(line->flow->errors, "ICMP errors about it");
	write_remark(line->n_denied, "packets denied on their own");
	write_remark(line->n_allowed, "packets allowed on their own");
	putchar('\n');
}

/* ---- the summary ----------------------------------------------------------
 */

static void write_row(const struct replay_row *row, void *ctx)
{
	const struct replay_count *allowed = &row->by_verdict[VERDICT_ALLOW];
	const struct replay_count *denied = &row->by_verdict[VERDICT_DENY];
	char name[512];

	(void)ctx;
	snprintf(name, sizeof(name), "%s/%s", row->namespace, row->name);
	printf("%-*s  %-9s  %9" PRIu64 "  %9" PRIu64 "  %11" PRIu64
	       "  %11" PRIu64 "\n",
	       POLICY_COLUMN, *row->name ? name : "(no policy)",
	       *row->name ? direction_name(row->direction) : "", allowed->flows,
	       denied->flows, allowed->packets, denied->packets);
}

static void write_summary(struct replay_report *report)
{
	printf("%-*s  %-9s  %9s  %9s  %11s  %11s\n", POLICY_COLUMN, "POLICY",
	       "DIRECTION", "ALLOWED", "DENIED", "PACKETS", "OF DENIED");
	replay_summary_each(&report->summary, write_row, NULL);
}

const struct replay_format replay_text = { "text", begin, write_flow,
					   write_summary };
