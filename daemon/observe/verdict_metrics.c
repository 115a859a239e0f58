/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/verdict_metrics.h"

#include <stdbool.h>
#include <stdint.h>

#include "netpold/judge.h"
#include "netpold/object.h"
#include "netpold/snapshot.h"

#include "datapath/verdict_counts.h"

/* What one series is told by. */
struct telling {
	const struct metric *metric;
	metrics_fn each;
	void *ctx;
	bool audits;
};

/* In the order of the labels of tell(). */
static int tell(const struct telling *telling, enum verdict_mode mode,
		const char *direction, const char *protocol,
		enum verdict verdict, const char *reason, uint64_t n)
{
	const struct metric_label labels[] = {
		{ "mode", verdict_mode_name(mode) },
		{ "direction", direction },
		{ "protocol", protocol },
		{ "verdict", verdict_name(verdict) },
		{ "reason", reason },
	};
	const union metric_value value = { .counter = n };
	struct metric series = *telling->metric;

	series.more = labels;
	series.n_more = sizeof(labels) / sizeof(labels[0]);
	return telling->each(telling->ctx, &series, &value);
}

/* Whose node is another says nothing here: its node says it. */
static bool is_ours(enum reason reason)
{
	return reason != REASON_NOT_A_POD && reason != REASON_NOT_LOCAL;
}

static bool is_always_told(const struct telling *telling,
			   enum verdict_mode mode, int protocol,
			   enum reason reason)
{
	return (mode == VERDICT_MODE_AUDIT || !telling->audits) &&
	       protocol <= COUNTED_ICMP &&
	       (reason == REASON_RULE || reason == REASON_NO_RULE_MATCHES);
}

static int tell_sides(const struct telling *telling,
		      const struct verdict_sums *sums, enum verdict_mode mode,
		      enum verdict_protocol protocol, enum direction dir)
{
	const uint64_t *counts = sums->sides[mode][protocol][dir];
	int r = 0;

	for (int i = 0; i < N_REASONS && r == 0; i++) {
		enum reason reason = (enum reason)i;

		if (!is_ours(reason) ||
		    (counts[i] == 0 &&
		     !is_always_told(telling, mode, protocol, reason)))
			continue;
		r = tell(telling, mode, direction_name(dir),
			 verdict_protocol_name(protocol),
			 reason == REASON_NO_RULE_MATCHES ? VERDICT_DENY
							  : VERDICT_ALLOW,
			 reason_name(reason), counts[i]);
	}
	return r;
}

static int tell_notes(const struct telling *telling,
		      const struct verdict_sums *sums, enum verdict_mode mode)
{
	static const struct {
		enum judge_note note;
		const char *protocol, *reason;
	} notes[] = {
		{ NOTE_DISCOVERY, "icmp", "discovery" },
		{ NOTE_UNPARSABLE, "other", "unparsable" },
	};
	int r = 0;

	for (size_t i = 0; i < 2 * sizeof(notes) / sizeof(notes[0]) && r == 0;
	     i++) {
		enum judge_note note = notes[i / 2].note;
		enum verdict verdict = (enum verdict)(i % 2);
		uint64_t n = sums->noted[mode][note][verdict];

		if (n > 0)
			r = tell(telling, mode, "none", notes[i / 2].protocol,
				 verdict, notes[i / 2].reason, n);
	}
	return r;
}

static int tell_all(const struct telling *telling,
		    const struct verdict_sums *sums)
{
	int r = 0;

	for (int mode = 0; mode < N_VERDICT_MODES && r == 0; mode++) {
		for (int i = 0;
		     i < N_VERDICT_PROTOCOLS * N_DIRECTIONS && r == 0; i++)
			r = tell_sides(
				telling, sums, (enum verdict_mode)mode,
				(enum verdict_protocol)(i / N_DIRECTIONS),
				(enum direction)(i % N_DIRECTIONS));
		if (r == 0)
			r = tell_notes(telling, sums, (enum verdict_mode)mode);
	}
	return r;
}

static int walk(const void *ctx, const struct metric *metric, metrics_fn each,
		void *each_ctx)
{
	const struct telling telling = { metric, each, each_ctx, false };

	return tell_all(&telling, ctx);
}

static int walk_audit(const void *ctx, const struct metric *metric,
		      metrics_fn each, void *each_ctx)
{
	const struct telling telling = { metric, each, each_ctx, true };

	return tell_all(&telling, ctx);
}

int verdict_metrics_register(const struct verdict_sums *sums, bool audits,
			     struct metrics *metrics)
{
	const struct metric metric = {
		.name = "netpold_verdicts_total",
		.unit = "verdicts",
		.help = "Verdicts of netpold about packets, one for each end "
			"that is a pod of this node, by reason. In mode audit "
			"those that would be others if what is staged were "
			"enforced; all, where nothing is (--mode=audit).",
		.walk = audits ? walk_audit : walk,
		.ctx = sums,
	};

	return metrics_add(metrics, &metric);
}
