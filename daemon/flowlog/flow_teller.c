/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "flowlog/flow_teller.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "flowlog/flow_counts.h"
#include "flowlog/flow_credit.h"
#include "flowlog/flow_event.h"
#include "flowlog/flow_fold.h"
#include "flowlog/flow_hit.h"
#include "flowlog/flow_limit.h"
#include "flowlog/flow_log.h"
#include "flowlog/flow_sink.h"
#include "flowlog/line_buffer.h"

/* Flows that are known at once. */
#define MAX_FLOWS 32768

/* A name and labels may be long, a reason too. */
#define MAX_SCRATCH 65536

int flow_teller_init(struct flow_teller *teller, struct err *err)
{
	const struct flow_log_options *options = teller->options;
	uint64_t hash_key[2];

	if (getrandom(hash_key, sizeof(hash_key), 0) != sizeof(hash_key))
		return err_set(err, -errno, "cannot draw a random key: %s",
			       strerror(errno));
	if (options->fold_s > 0)
		teller->fold = flow_fold_new(MAX_FLOWS,
					     (int64_t)options->fold_s * 1000000,
					     hash_key);
	for (int i = 0; i < 2; i++)
		teller->limits[i] = flow_limit_new(options->rate, hash_key);
	if (!teller->limits[0] || !teller->limits[1] ||
	    (options->fold_s > 0 && !teller->fold))
		return err_set(err, -ENOMEM, "no memory for the flow log");
	return 0;
}

void flow_teller_release(struct flow_teller *teller)
{
	flow_fold_free(teller->fold);
	flow_limit_free(teller->limits[0]);
	flow_limit_free(teller->limits[1]);
	json_text_release(&teller->text);
	arena_release(&teller->scratch);
}

static void count(struct flow_teller *teller, enum flow_result result,
		  uint64_t n)
{
	flow_counts_add(&teller->counts->results[result], n);
}

/* Whose records are limited: of who sends, where he is one of ours, else of who
   receives. */
static const struct ip_addr *pod_of(const struct flow_event *event)
{
	enum reason reason = event->decision.sides[DIRECTION_EGRESS].reason;

	return reason == REASON_NOT_LOCAL || reason == REASON_NOT_A_POD ||
			       reason == REASON_OWN_NODE
		       ? &event->key.dst
		       : &event->key.src;
}

/* What a record is about. */
enum subject {
	SUBJECT_EVENT,
	SUBJECT_REPEATS,
	SUBJECT_OLD_REPEATS, /* of one that nobody knows any more */
};

static void tell(struct flow_teller *teller, const struct flow_moment *moment,
		 const struct flow_told *told, enum subject subject)
{
	struct flow_credit credit = { .policies = 0 };
	const struct flow_record record = {
		.told = told,
		.before = subject == SUBJECT_REPEATS ? &told->before : NULL,
		.credit = &credit,
		.node = teller->node,
		.snapshot = moment->snapshot,
		.planned = moment->snapshot ? snapshot_planned(moment->snapshot)
					    : NULL,
		.with_labels = teller->options->with_labels,
		.second = &teller->second,
	};
	const struct line_tally tally = {
		.first = subject == SUBJECT_EVENT ? told->count : 0,
		.repeats = subject == SUBJECT_EVENT ? 0 : told->count,
	};

	json_text_clear(&teller->text);
	if (flow_record_write(&teller->text, &record, &teller->scratch) < 0 ||
	    json_text_end_line(&teller->text) < 0)
		count(teller, FLOW_LOST_MEMORY, told->count);
	else
		flow_sink_put(teller->sink, teller->text.data, teller->text.len,
			      &tally);
	if (teller->fold && !told->end)
		flow_fold_credit(teller->fold, &told->event, &credit);
	if (teller->scratch.total > MAX_SCRATCH)
		arena_release(&teller->scratch);
	else
		arena_clear(&teller->scratch);
}

/* Denied, by what is enforced or by what is planned. */
static bool is_remarkable(const struct flow_event *event)
{
	return event->answer == ANSWER_DENY ||
	       event->planned.verdict != event->decision.verdict;
}

static bool has_share(struct flow_teller *teller,
		      const struct flow_moment *moment,
		      const struct flow_told *told)
{
	struct flow_limit *limit = teller->limits[is_remarkable(&told->event)];

	if (flow_limit_take(limit, pod_of(&told->event), moment->now_us))
		return true;
	count(teller, FLOW_SUPPRESSED_RATE, told->count);
	return false;
}

static void tell_repeats(struct flow_teller *teller,
			 const struct flow_moment *moment,
			 const struct flow_told *told)
{
	if (has_share(teller, moment, told))
		tell(teller, moment, told, SUBJECT_REPEATS);
}

static bool is_asked_for(const struct flow_teller *teller,
			 const struct flow_event *event)
{
	return !teller->options->only_denied || is_remarkable(event);
}

/* One that is not known, or repeats of one that has been forgotten. */
static void begin_telling(struct flow_teller *teller,
			  const struct flow_moment *moment,
			  const struct flow_told *told, enum subject subject)
{
	struct flow_told evicted;

	if (!has_share(teller, moment, told))
		return;
	if (teller->fold &&
	    flow_fold_add(teller->fold, &told->event, moment->now_us, &evicted))
		tell_repeats(teller, moment, &evicted);
	tell(teller, moment, told, subject);
}

void flow_teller_take(struct flow_teller *teller,
		      const struct flow_moment *moment,
		      const struct flow_event *event)
{
	struct flow_told told;

	if (!is_asked_for(teller, event)) {
		count(teller, FLOW_SUPPRESSED_ONLY, 1);
		return;
	}
	if (teller->fold && flow_fold_repeat(teller->fold, event))
		return;
	told = flow_told_once(event);
	begin_telling(teller, moment, &told, SUBJECT_EVENT);
}

void flow_teller_take_hit(struct flow_teller *teller,
			  const struct flow_moment *moment,
			  const struct flow_hit *hit)
{
	struct flow_told told = flow_hit_told(hit, moment->snapshot);

	if (!is_asked_for(teller, &told.event)) {
		count(teller, FLOW_SUPPRESSED_ONLY, told.count);
		return;
	}
	if (!teller->fold || !flow_fold_repeat_all(teller->fold, &told))
		begin_telling(teller, moment, &told, SUBJECT_OLD_REPEATS);
}

void flow_teller_take_end(struct flow_teller *teller,
			  const struct flow_moment *moment,
			  const struct flow_told *told)
{
	if (has_share(teller, moment, told))
		tell(teller, moment, told, SUBJECT_EVENT);
}

bool flow_teller_tell_due(struct flow_teller *teller,
			  const struct flow_moment *moment, int64_t time_us)
{
	struct flow_told told;

	if (!teller->fold || !flow_fold_due(teller->fold, time_us, &told))
		return false;
	tell_repeats(teller, moment, &told);
	return true;
}
