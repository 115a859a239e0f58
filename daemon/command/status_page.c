/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A page, for somebody who has been woken up:
 *
 *	netpold 0.1.0 on node-a: a change is REFUSED
 *
 *	Refused      dump/web.yaml:9: NetworkPolicy shop/web: …
 *	             since 2026-11-26T00:36:01.007Z (1 min 24 s)
 *	In force     generation 3, 24 ms after it was noticed
 *	             since 2026-11-26T00:35:20.123Z (2 min 5 s)
 *	Connections  obey it; 12 revoked and 3 picked up since the start
 *	Source       manifests in dump/
 *	Objects      12 policies, 480 pods, of which 23 on this node
 *	Isolated     10 addresses for egress, 14 for ingress
 *
 *	Queue        WAITING   DROPPED  OVERRUNS   PACKETS   ALLOWED …
 *	all                0        12         1     18211     10120 …
 *	17001              0        12         1      9050      5000 …
 *
 *	Unjudged     12 packets, of which 0 were let through
 *	…
 */
#include "command/status_page.h"

#include <inttypes.h>

#include "netpold/snapshot.h"

#include "command/hindrances.h"
#include "command/queue_table.h"
#include "command/source_page.h"
#include "command/told.h"

#define KIB 1024.0

/* ---- the answer, and why ------------------------------------------------ */

static void write_heading(FILE *out, const char *heading)
{
	fprintf(out, "%-13s", heading);
}

static void write_since(FILE *out, const struct status_page *page,
			const json_t *object, const char *key)
{
	fputs("since ", out);
	told_write_text(out, told_text(object, key));
	fputs(" (", out);
	told_write_duration(out, page->now_us - told_time_us(object, key));
	fputc(')', out);
}

static bool has_started(const struct status_page *page)
{
	return told_number(page->status, "generation") > 0;
}

static bool is_paused(const struct status_page *page)
{
	return json_object_get(page->status, "paused");
}

static bool is_audit(const struct status_page *page)
{
	return hindrances_audit(page->status);
}

static bool is_warm(const struct status_page *page)
{
	return json_object_get(page->status, "warm");
}

static bool is_refused(const struct status_page *page)
{
	return json_object_get(page->status, "refused");
}

static bool is_unsettled(const struct status_page *page)
{
	return json_object_get(page->status, "unsettled");
}

static bool is_stalled(const struct status_page *page)
{
	return json_object_get(page->status, "stalled");
}

bool status_page_is_good(const struct status_page *page)
{
	return has_started(page) && !is_paused(page) && !is_warm(page) &&
	       !is_stalled(page) && !is_refused(page) && !is_unsettled(page) &&
	       !source_page_is_away(page->status) &&
	       !source_page_is_partial(page->status) &&
	       !source_page_is_ignoring(page->status);
}

const char *status_page_answer(const struct status_page *page)
{
	if (is_paused(page) && is_audit(page))
		return "it is PAUSED, and nothing is judged";
	if (is_paused(page))
		return "enforcement is PAUSED, nothing is denied";
	if (!has_started(page))
		return "STARTING, nothing is in force yet";
	if (is_stalled(page))
		return "packets wait, and a worker STANDS STILL";
	if (is_warm(page))
		return "objects CANNOT BE READ, those of the last run are in force";
	if (is_refused(page))
		return "a change is REFUSED";
	if (is_unsettled(page))
		return "open connections do NOT OBEY the last change yet";
	if (source_page_is_away(page->status))
		return "objects are NOT FOLLOWED, what was read last is in force";
	if (source_page_is_partial(page->status))
		return "objects are NOT READ in full, and not in force as "
		       "they stand";
	if (source_page_is_ignoring(page->status))
		return "ClusterNetworkPolicies are NOT ENFORCED, all else is in force";
	return is_audit(page) ? "all is audited" : "all is in force";
}

static void write_answer(FILE *out, const struct status_page *page)
{
	fputs("netpold ", out);
	told_write_text(out, told_text(page->status, "netpold"));
	fputs(" on ", out);
	told_write_text(out, told_text(page->status, "node"));
	fprintf(out, ": %s%s\n\n",
		is_audit(page) ? "NOTHING IS ENFORCED (--mode=audit); " : "",
		status_page_answer(page));
}

static void write_trouble(FILE *out, const struct status_page *page,
			  const char *heading, const char *key)
{
	const json_t *trouble = json_object_get(page->status, key);

	write_heading(out, heading);
	told_write_text(out, told_text(trouble, "reason"));
	fputc('\n', out);
	write_heading(out, "");
	write_since(out, page, trouble, "since");
	fputc('\n', out);
}

static void write_pause(FILE *out, const struct status_page *page)
{
	const json_t *pause = json_object_get(page->status, "paused");

	write_heading(out, "Paused");
	fputs("until ", out);
	told_write_text(out, told_text(pause, "until"));
	fputs(", for ", out);
	told_write_duration(out, told_time_us(pause, "until") - page->now_us);
	fputc('\n', out);
	write_heading(out, "");
	write_since(out, page, pause, "since");
	fputc('\n', out);
	if (!json_object_get(pause, "reason"))
		return;
	write_heading(out, "");
	told_write_text(out, told_text(pause, "reason"));
	fputc('\n', out);
}

static void write_warm(FILE *out, const struct status_page *page)
{
	const json_t *warm = json_object_get(page->status, "warm");

	write_heading(out, "Warm");
	write_since(out, page, warm, "since");
	fputs(", with what was read until\n", out);
	write_heading(out, "");
	told_write_text(out, told_text(warm, "written_at"));
	fputs(" (", out);
	told_write_duration(out,
			    page->now_us - told_time_us(warm, "written_at"));
	fputs(")\n", out);
}

static void write_in_force(FILE *out, const struct status_page *page)
{
	const json_t *change = json_object_get(page->status, "last_change");
	int64_t received_us = told_time_us(change, "received_at");
	int64_t in_force_us = told_time_us(change, "in_force_at");

	write_heading(out, is_audit(page) ? "Audited" : "In force");
	fputs("generation ", out);
	told_write_number(out, 0, told_number(page->status, "generation"));
	if (received_us && in_force_us)
		fprintf(out, ", %" PRId64 " ms after it was noticed",
			(in_force_us - received_us) / 1000);
	fputc('\n', out);
	write_heading(out, "");
	write_since(out, page, page->status, "in_force_since");
	fputc('\n', out);
}

/* ---- numbers ------------------------------------------------------------ */

/* A number and what follows it. */
static void write_count(FILE *out, double number, const char *rest)
{
	told_write_number(out, 0, number);
	fputs(rest, out);
}

static void write_connections(FILE *out, const struct status_page *page)
{
	write_heading(out, "Connections");
	if (is_audit(page)) {
		fputs("are not touched\n", out);
		return;
	}
	if (is_paused(page))
		fputs("are not judged; ", out);
	else if (!is_unsettled(page))
		fputs("obey it; ", out);
	write_count(out, told_number(page->status, "revoked"), " revoked and ");
	write_count(out, told_number(page->status, "picked_up"),
		    " picked up since the start\n");
}

static void write_objects(FILE *out, const struct status_page *page)
{
	const json_t *isolated = json_object_get(page->status, "isolated");

	write_heading(out, "Objects");
	write_count(out, told_number(page->status, "policies"), " policies, ");
	if (told_number(page->status, "staged_policies") > 0)
		write_count(out, told_number(page->status, "staged_policies"),
			    " staged, ");
	write_count(out, told_number(page->status, "pods"), " pods, of which ");
	write_count(out, told_number(page->status, "local_pods"),
		    " on this node\n");
	write_heading(out, "Isolated");
	write_count(out, told_number(isolated, "egress"),
		    " addresses for egress, ");
	write_count(out, told_number(isolated, "ingress"), " for ingress\n");
}

/* Of copies: no packet is. */
static void write_lost(FILE *out, const struct status_page *page)
{
	const json_t *metrics = page->metrics;

	write_heading(out, "Lost");
	write_count(out, told_sum(metrics, "netpold_copies_lost_total"),
		    " copies; what counts as denied has passed, too\n");
}

/* DROPPED in the table says how many of them were dropped. Both counts grow
   meanwhile; what is told as let through was. */
static void write_unjudged(FILE *out, const struct status_page *page)
{
	const json_t *metrics = page->metrics;
	double unjudged = told_sum(metrics, "netpold_unjudged_packets_total");
	double dropped =
		told_sum(metrics, "netpold_queue_dropped_packets_total") +
		told_sum(metrics, "netpold_queue_user_dropped_packets_total");

	write_heading(out, "Unjudged");
	write_count(out, unjudged, " packets");
	if (unjudged > 0) {
		fputs(", of which ", out);
		write_count(out, unjudged <= dropped ? 0 : unjudged - dropped,
			    " were let through");
	}
	fputc('\n', out);
}

static void write_cache(FILE *out, const struct status_page *page)
{
	const json_t *metrics = page->metrics;
	double hits = told_sum(metrics, "netpold_cache_hits_total");
	double asked = hits + told_sum(metrics, "netpold_cache_misses_total");

	write_heading(out, "Remembered");
	if (asked > 0)
		fprintf(out, "%.1f %% of ", 100 * hits / asked);
	write_count(out, asked, " questions, ");
	write_count(out, told_sum(metrics, "netpold_cache_evictions_total"),
		    " answers forgotten early\n");
}

/* Of addresses that no pod has yet, where there were any. */
static void write_held(FILE *out, const struct status_page *page)
{
	const json_t *metrics = page->metrics;
	double now = told_sum(metrics, "netpold_held_packets");
	double judged =
		told_sum(metrics, "netpold_held_packets_released_total");
	double timed_out =
		told_sum(metrics, "netpold_held_packets_timed_out_total");
	double overflowed =
		told_sum(metrics, "netpold_held_packets_overflowed_total");

	if (!(now + judged + timed_out + overflowed > 0))
		return;
	write_heading(out, "Held");
	write_count(out, now, " packets for pods to come; ");
	write_count(out, judged, " judged, ");
	write_count(out, timed_out, " timed out, ");
	write_count(out, overflowed, " overflowed\n");
}

static double told_verdict(const json_t *metrics, const char *name, int verdict)
{
	return told_value(metrics, name, "verdict",
			  verdict_name((enum verdict)verdict));
}

/* By the kernel, that is. */
static void write_recall(FILE *out, const struct status_page *page)
{
	const json_t *metrics = page->metrics;
	double capacity =
		told_sum(metrics, "netpold_kernel_cache_capacity_answers");

	if (!(capacity > 0))
		return;
	write_heading(out, "In kernel");
	for (int v = VERDICT_ALLOW; v >= VERDICT_DENY; v--) {
		fputs(v == VERDICT_ALLOW ? "" : "; ", out);
		write_count(out,
			    told_verdict(metrics,
					 "netpold_kernel_cache_answers", v),
			    v == VERDICT_ALLOW ? " answers allow, used "
					       : " deny, used ");
		write_count(out,
			    told_verdict(metrics,
					 "netpold_kernel_cache_hits_total", v),
			    " times");
	}
	fputc('\n', out);
}

/* A page is to fit a screen. */
#define MAX_DENIED 2

/* What somebody keeps asking for in vain. */
static void write_denied(FILE *out, const struct status_page *page)
{
	const json_t *denial;
	size_t i;

	json_array_foreach(page->denied, i, denial)
	{
		if (i == MAX_DENIED)
			break;
		write_heading(out, i == 0 ? "Denied" : "");
		told_write_text(out, told_text(denial, "flow"));
		fputs(", ", out);
		write_count(out, told_number(denial, "packets"), " packets\n");
		write_heading(out, "");
		told_write_text(out, told_text(denial, "why"));
		fputc('\n', out);
	}
}

/* What the kernel could tell of them, and does not. */
static void write_flow_ends(FILE *out, const json_t *ends)
{
	if (!ends)
		return;
	write_heading(out, "");
	write_count(out, told_number(ends, "events"), " of them ends of flows");
	if (json_is_false(json_object_get(ends, "told")))
		fputs("; none is told of: "
		      "net.netfilter.nf_conntrack_events is 0, or the log says "
		      "why",
		      out);
	else if (json_is_false(json_object_get(ends, "counted")))
		fputs("; their bytes are not counted: "
		      "net.netfilter.nf_conntrack_acct is 0",
		      out);
	fputc('\n', out);
}

/* Where there is one. */
static void write_flow_log(FILE *out, const struct status_page *page)
{
	const json_t *log = json_object_get(page->status, "flow_log");

	if (!log)
		return;
	write_heading(out, "Flow log");
	write_count(out, told_number(log, "events"), " packets: ");
	write_count(out, told_number(log, "logged"), " logged, ");
	write_count(out, told_number(log, "folded"), " folded, ");
	write_count(out, told_number(log, "suppressed"), " suppressed, ");
	write_count(out, told_number(log, "lost"), " lost, ");
	write_count(out, told_number(log, "waiting"), " waiting\n");
	write_flow_ends(out, json_object_get(log, "ends"));
}

/* What there mostly is none of. */
static void write_oddities(FILE *out, const struct status_page *page)
{
	static const struct {
		const char *heading, *name, *rest;
	} rows[] = {
		{ "Rejected", "netpold_packets_rejected_total",
		  " denied packets were answered to their senders\n" },
		{ "Mended", "netpold_rules_mended_total",
		  " times rules were put up again that somebody had changed\n" },
		{ "Mended", "netpold_set_members_mended_total",
		  " members of sets were put right that somebody had changed\n" },
		{ "Limited", "netpold_limited_packets_total",
		  " packets of sources that send too many were not judged\n" },
		{ "Unparsable", "netpold_packets_unparsable_total",
		  " packets could not be read, and are denied to isolated pods\n" },
		{ "Unclassified", "netpold_packets_unclassified_total",
		  " packets had a mark that another program wrote over\n" },
		{ "Unanswered", "netpold_packets_unanswered_total",
		  " packets wait for a verdict that could not be sent\n" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		double n = told_sum(page->metrics, rows[i].name);

		if (!(n > 0))
			continue;
		write_heading(out, rows[i].heading);
		write_count(out, n, rows[i].rest);
	}
}

static void write_process(FILE *out, const struct status_page *page)
{
	const json_t *metrics = page->metrics;
	double resident = told_sum(metrics, "netpold_resident_memory_bytes");
	double policies = told_sum(metrics, "netpold_snapshot_memory_bytes");

	write_heading(out, "Memory");
	write_count(out, resident / KIB, " KiB, of which ");
	write_count(out, policies / KIB, " KiB compiled policies\n");
	write_heading(out, "Process");
	write_count(out, told_number(page->status, "pid"), ", ");
	write_since(out, page, page->status, "started_at");
	fputs("\n", out);
	write_heading(out, "Rules");
	fputs("iptables ", out);
	told_write_text(out, told_text(page->status, "iptables"));
	fputs(", mark mask ", out);
	told_write_text(out, told_text(page->status, "mark_mask"));
	fputc('\n', out);
}

void status_page_write(FILE *out, const struct status_page *page)
{
	write_answer(out, page);
	if (is_paused(page))
		write_pause(out, page);
	if (is_warm(page))
		write_warm(out, page);
	if (is_stalled(page))
		write_trouble(out, page, "Stalled", "stalled");
	if (is_refused(page))
		write_trouble(out, page, "Refused", "refused");
	if (is_unsettled(page))
		write_trouble(out, page, "Not obeyed", "unsettled");
	if (has_started(page) && !is_paused(page))
		write_in_force(out, page);
	write_connections(out, page);
	source_page_write(out, page->status, page->now_us);
	write_objects(out, page);
	fputc('\n', out);
	queue_table_write(out, page->status, page->metrics);
	fputc('\n', out);
	if (is_audit(page))
		write_lost(out, page);
	else
		write_unjudged(out, page);
	write_held(out, page);
	write_oddities(out, page);
	write_cache(out, page);
	write_recall(out, page);
	write_denied(out, page);
	write_flow_log(out, page);
	write_process(out, page);
}
