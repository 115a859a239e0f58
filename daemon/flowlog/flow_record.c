/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "flowlog/flow_record.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "netpold/judge.h"
#include "netpold/snapshot.h"

#include "decision_record.h"
#include "flowlog/flow_credit.h"
#include "flowlog/flow_end.h"
#include "flowlog/flow_explain.h"
#include "flowlog/flow_fold.h"
#include "planned.h"

#define US_PER_S 1000000

static void write_string(struct json_text *out, const char *key,
			 const char *value)
{
	json_text_key(out, key);
	json_text_string(out, value);
}

static void write_number(struct json_text *out, const char *key, uint64_t value)
{
	json_text_key(out, key);
	json_text_number(out, value);
}

static bool read_clock(struct flow_second *second, int64_t time_s)
{
	time_t seconds = (time_t)time_s;
	struct tm tm;

	if (second->second == time_s && time_s != 0)
		return true;
	second->second = 0;
	if (!gmtime_r(&seconds, &tm) ||
	    strftime(second->text, sizeof(second->text), "%Y-%m-%dT%H:%M:%S",
		     &tm) == 0)
		return false;
	second->second = time_s;
	return true;
}

#define FRACTION "000000000" /* nanoseconds, as far as they are known */

/* As the decision record has it. */
static void write_time(struct json_text *out, struct flow_second *second,
		       const char *key, int64_t time_us)
{
	char text[sizeof(second->text) + sizeof(".Z") + sizeof(FRACTION)];
	int64_t us = time_us % US_PER_S;
	char fraction[] = FRACTION;

	if (time_us < 0 || !read_clock(second, time_us / US_PER_S))
		return;
	for (int i = 5; i >= 0; i--, us /= 10)
		fraction[i] = (char)('0' + us % 10);
	snprintf(text, sizeof(text), "%s.%sZ", second->text, fraction);
	write_string(out, key, text);
}

/* ---- the decision -------------------------------------------------------- */

static bool is_asked(const struct flow_event *event)
{
	return event->note == NOTE_NONE;
}

/* Who reads it has other records to read. */
static const struct explain_bound bound = { FLOW_RECORD_POLICIES,
					    FLOW_RECORD_ENTRIES };

/* No policy was asked. */
static void write_unasked(struct json_text *out, const struct flow_event *event)
{
	const char *verdict = verdict_name(
		event->answer == ANSWER_DENY ? VERDICT_DENY : VERDICT_ALLOW);
	static const char *const notes[] = {
		[NOTE_DISCOVERY] = "discovery",
		[NOTE_UNPARSABLE] = "unparsable",
		[NOTE_UNCLAIMED] = "unclaimed",
		[FLOW_NOTE_REMEMBERED] = "remembered",
	};

	write_string(out, "verdict", verdict);
	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		json_text_key(out, direction_name((enum direction)dir));
		json_text_begin_object(out);
		write_string(out, "verdict", verdict);
		write_string(out, "reason", "not-asked");
		json_text_end_object(out);
	}
	write_string(out, "note", notes[event->note]);
	/* It passes where only what is staged isolates (NP-8). */
	if (event->note == NOTE_UNPARSABLE && event->answer != ANSWER_DENY)
		write_string(out, "would", verdict_name(VERDICT_DENY));
}

/* What is told of an event. */
struct telling {
	struct explanation decided, planned;
	bool would; /* planned is something else */
	bool knows_decided, knows_planned;
	bool policies_changed, pods_changed;
};

static int look_up(const struct flow_record *record, struct arena *scratch,
		   struct telling *t)
{
	const struct flow_event *event = &record->told->event;
	int decided =
		flow_explain(record->snapshot, &event->key, &event->decision,
			     &bound, scratch, &t->decided);
	int planned = 1;

	t->would = event->planned.verdict != event->decision.verdict;
	if (t->would)
		planned = flow_explain(record->planned, &event->key,
				       &event->planned, &bound, scratch,
				       &t->planned);
	if (decided < 0 || planned < 0)
		return -ENOMEM;
	t->knows_decided = decided;
	t->knows_planned = planned;
	t->policies_changed = !decided || !planned;
	return 0;
}

static struct flow_credit credit_of(const struct telling *t)
{
	struct flow_credit credit = { .policies = 0 };

	flow_credit_pods(&credit, &t->decided);
	if (t->knows_decided)
		flow_credit_policies(&credit, &t->decided);
	if (t->knows_planned && t->would)
		flow_credit_policies(&credit, &t->planned);
	return credit;
}

/* Repeats may be of before a change, of after it, or both: whom the record
   before has not named is not named. */
static void compare(struct telling *t, const struct flow_record *record,
		    const struct flow_credit *now)
{
	const struct flow_event *event = &record->told->event;
	const struct flow_credit *before = record->before;

	t->policies_changed |= before->policies != now->policies;
	for (int dir = 0; dir < N_DIRECTIONS; dir++)
		t->pods_changed |= before->pods[dir] != now->pods[dir];
	if (!t->policies_changed && !t->pods_changed)
		return;
	t->knows_decided = t->knows_planned = false;
	flow_explain_only(record->snapshot, &event->key, &event->decision,
			  &t->decided);
	flow_explain_only(record->snapshot, &event->key, &event->planned,
			  &t->planned);
	for (int dir = 0; dir < N_DIRECTIONS; dir++)
		if (before->pods[dir] != now->pods[dir])
			t->decided.sides[dir].pod = NULL;
}

static void write_changes(struct json_text *out, const struct telling *t)
{
	if (t->policies_changed) {
		json_text_key(out, "policies_changed");
		json_text_bool(out, true);
	}
	if (t->pods_changed) {
		json_text_key(out, "pods_changed");
		json_text_bool(out, true);
	}
}

static void write_telling(struct json_text *out,
			  const struct flow_record *record,
			  const struct telling *t)
{
	const struct flow_event *event = &record->told->event;
	const struct decision_record decided = {
		.key = event->key,
		.src_port = event->src_port,
		.explanation = &t->decided,
		.with_owners = true,
		.with_labels = record->with_labels,
	};

	decision_record_write_ends(out, &decided);
	if (is_asked(event))
		decision_record_write_verdict(out, &decided);
	else
		write_unasked(out, event);
	if (t->would)
		planned_write_json(out, &decided, &t->planned,
				   t->knows_planned);
	write_changes(out, t);
}

static int write_decision(struct json_text *out,
			  const struct flow_record *record,
			  struct arena *scratch)
{
	const struct flow_event *event = &record->told->event;
	struct telling t = { .would = false };
	struct flow_credit credit;
	int r = 0;

	if (is_asked(event))
		r = look_up(record, scratch, &t);
	else
		flow_explain_only(record->snapshot, &event->key,
				  &event->decision, &t.decided);
	if (r < 0)
		return r;
	credit = credit_of(&t);
	if (record->before)
		compare(&t, record, &credit);
	write_telling(out, record, &t);
	*record->credit = credit;
	return 0;
}

/* ---- the packet ---------------------------------------------------------- */

static const char *outcome_of(const struct flow_event *event)
{
	static const char *const outcomes[] = {
		[ANSWER_DENY] = "dropped",
		[ANSWER_PASS] = "passed",
		[ANSWER_ALLOW] = "flow-allowed",
		[ANSWER_ALLOW_PICKED_UP] = "flow-picked-up",
	};

	return outcomes[event->answer];
}

/* Whose pods are of this node: it has judged them. */
static void write_directions(struct json_text *out,
			     const struct flow_event *event)
{
	json_text_key(out, "directions");
	json_text_begin_array(out);
	for (int dir = 0; dir < N_DIRECTIONS && is_asked(event); dir++) {
		enum reason reason = event->decision.sides[dir].reason;

		if (reason != REASON_NOT_LOCAL && reason != REASON_NOT_A_POD)
			json_text_string(out,
					 direction_name((enum direction)dir));
	}
	json_text_end_array(out);
}

static void write_tcp_flags(struct json_text *out, uint8_t flags)
{
	static const char *const names[8] = { "FIN", "SYN", "RST", "PSH",
					      "ACK", "URG", "ECE", "CWR" };

	json_text_key(out, "tcp_flags");
	json_text_begin_array(out);
	for (int i = 0; i < 8; i++)
		if (flags & 1 << i)
			json_text_string(out, names[i]);
	json_text_end_array(out);
}

static void write_packet(struct json_text *out, const struct flow_event *event)
{
	uint8_t protocol = event->key.protocol;

	write_string(out, "outcome", outcome_of(event));
	if (event->reversed) {
		json_text_key(out, "reversed");
		json_text_bool(out, true);
	}
	if (protocol == PROTOCOL_TCP && event->tcp_flags)
		write_tcp_flags(out, event->tcp_flags);
	if (protocol == PROTOCOL_ICMP || protocol == PROTOCOL_ICMPV6) {
		json_text_key(out, "icmp");
		json_text_begin_object(out);
		write_number(out, "type", event->icmp_type);
		write_number(out, "code", event->icmp_code);
		json_text_end_object(out);
	}
}

static void write_counts(struct json_text *out, const struct flow_told *told,
			 struct flow_second *second)
{
	write_number(out, "count", told->count);
	write_time(out, second, "first", told->first_us);
	write_time(out, second, "last", told->last_us);
	json_text_key(out, "packets");
	json_text_begin_object(out);
	write_number(out, "there", told->there);
	write_number(out, "back", told->back);
	write_number(out, "icmp_errors", told->icmp_errors);
	json_text_end_object(out);
	write_number(out, "bytes", told->bytes);
	if (told->by_kernel > 0)
		write_number(out, "by_kernel", told->by_kernel);
}

static int write_record(struct json_text *out, const struct flow_record *record,
			struct arena *scratch)
{
	const struct flow_told *told = record->told;
	int r;

	json_text_begin_object(out);
	write_time(out, record->second, "time", told->last_us);
	write_string(out, "node", record->node);
	write_string(out, "mode", told->event.is_audit ? "audit" : "enforce");
	r = write_decision(out, record, scratch);
	if (r < 0)
		return r;
	write_directions(out, &told->event);
	write_packet(out, &told->event);
	if (told->end)
		flow_end_write(out, told);
	else
		write_counts(out, told, record->second);
	json_text_end_object(out);
	return out->failed ? -ENOMEM : 0;
}

int flow_record_write(struct json_text *out, const struct flow_record *record,
		      struct arena *scratch)
{
	struct flow_record other = *record;
	int r = write_record(out, record, scratch);

	if (r < 0 || out->len <= FLOW_RECORD_BYTES)
		return r;
	other.with_labels = false;
	json_text_clear(out);
	return write_record(out, &other, scratch);
}
