/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "flowlog/flow_namer.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "netpold/judge.h"
#include "netpold/workload.h"

#include "flowlog/flow_event.h"
#include "flowlog/flow_explain.h"
#include "plain_text.h"

/* Policies that are named; the others are counted. No rule is told of but the
   one that allows. */
static const struct explain_bound bound = { .policies = 3, .entries = 0 };

/* A reason may have many policies. */
#define MAX_SCRATCH 65536

void flow_namer_release(struct flow_namer *namer)
{
	arena_release(&namer->scratch);
}

static void __attribute__((format(printf, 2, 3)))
append(char text[FLOW_ROW_TEXT], const char *fmt, ...)
{
	size_t len = strlen(text);
	va_list args;

	va_start(args, fmt);
	vsnprintf(text + len, FLOW_ROW_TEXT - len, fmt, args);
	va_end(args);
	plain_text_clean(text + len);
}

/* ---- who ----------------------------------------------------------------- */

static void name_end(char name[FLOW_ROW_TEXT], char kind[FLOW_ROW_TEXT],
		     const struct pod *pod, const struct ip_addr *addr)
{
	char text[IP_ADDR_TEXT_LEN];
	struct workload workload;

	name[0] = kind[0] = '\0';
	if (!pod) {
		append(name, "%s",
		       addr->family ? ip_addr_format(addr, text) : "?");
		return;
	}
	workload = workload_of(pod);
	append(name, "%s/%.*s", workload.namespace, (int)workload.name_len,
	       workload.name);
	append(kind, "%s", workload.kind);
}

static void name_ends(struct flow_namer *namer, const struct flow_key *key,
		      const struct explanation *explanation)
{
	const struct side_explanation *sides = explanation->sides;

	name_end(namer->from, namer->from_kind, sides[DIRECTION_EGRESS].pod,
		 &key->src);
	name_end(namer->to, namer->to_kind, sides[DIRECTION_INGRESS].pod,
		 &key->dst);
}

/* ---- why ----------------------------------------------------------------- */

static void append_isolating(char text[FLOW_ROW_TEXT],
			     const struct side_explanation *side)
{
	append(text, "isolated by ");
	for (size_t i = 0; i < side->n_isolating; i++)
		append(text, "%s%s/%s", i > 0 ? ", " : "",
		       side->isolating[i]->namespace, side->isolating[i]->name);
	if (side->n_unlisted > 0)
		append(text, " and %zu more", side->n_unlisted);
	append(text, ", no rule matches");
}

static void append_side(char text[FLOW_ROW_TEXT],
			const struct side_explanation *side, bool is_known)
{
	static const char *const words[] = {
		[REASON_NO_RULE_MATCHES] = "isolated, no rule matches",
		[REASON_RULE] = "a rule",
		[REASON_NOT_ISOLATED] = "not isolated",
		[REASON_SELF] = "a pod to itself",
		[REASON_OWN_NODE] = "from the pod's own node",
		[REASON_NOT_A_POD] = "not a pod",
		[REASON_NOT_LOCAL] = "another node decides",
	};

	if (is_known && side->side.reason == REASON_NO_RULE_MATCHES)
		append_isolating(text, side);
	else if (is_known && side->side.reason == REASON_RULE)
		append(text, "%s/%s rule %zu", side->policy->namespace,
		       side->policy->name, side->rule + 1);
	else
		append(text, "%s", words[side->side.reason]);
}

/* Of a flow that is denied, what denies it; of another, what was asked. */
static bool is_worth_telling(const struct explanation *explanation,
			     enum direction dir)
{
	const struct side *side = &explanation->sides[dir].side;

	if (explanation->decision.verdict == VERDICT_DENY)
		return side->verdict == VERDICT_DENY;
	return side->reason != REASON_NOT_A_POD &&
	       side->reason != REASON_NOT_LOCAL;
}

static void name_reason(char text[FLOW_ROW_TEXT],
			const struct explanation *explanation, bool is_known)
{
	text[0] = '\0';
	for (int i = 0; i < N_DIRECTIONS; i++) {
		enum direction dir = (enum direction)i;

		if (!is_worth_telling(explanation, dir))
			continue;
		append(text, "%s%s: ", *text ? "; " : "", direction_name(dir));
		append_side(text, &explanation->sides[dir], is_known);
	}
	if (!*text)
		append(text, "no pod of this node");
	if (!is_known)
		append(text, " (policies have changed since)");
}

/* No policy was asked. */
static void name_note(char text[FLOW_ROW_TEXT], uint8_t note)
{
	static const char *const words[] = {
		[NOTE_NONE] = "",
		[NOTE_DISCOVERY] = "neighbour discovery",
		[NOTE_UNPARSABLE] = "its headers cannot be read",
		[NOTE_UNCLAIMED] = "no pod had the address in time",
		[FLOW_NOTE_REMEMBERED] =
			"the kernel remembers it (policies have changed since)",
	};

	text[0] = '\0';
	append(text, "%s", words[note]);
}

/* ---- all of it ----------------------------------------------------------- */

static int say_reasons(struct flow_namer *namer,
		       const struct snapshot *snapshot,
		       const struct flow_event *event)
{
	const struct snapshot *planned =
		snapshot ? snapshot_planned(snapshot) : NULL;
	struct explanation explanation;
	int known = flow_explain(snapshot, &event->key, &event->decision,
				 &bound, &namer->scratch, &explanation);

	if (known < 0)
		return known;
	name_ends(namer, &event->key, &explanation);
	name_reason(namer->why, &explanation, known);
	namer->would_why[0] = '\0';
	if (event->planned.verdict == event->decision.verdict)
		return 0;
	known = flow_explain(planned, &event->key, &event->planned, &bound,
			     &namer->scratch, &explanation);
	if (known < 0)
		return known;
	name_reason(namer->would_why, &explanation, known);
	return 0;
}

static void say_note(struct flow_namer *namer, const struct snapshot *snapshot,
		     const struct flow_event *event)
{
	struct explanation explanation;

	flow_explain_only(snapshot, &event->key, &event->decision,
			  &explanation);
	name_ends(namer, &event->key, &explanation);
	name_note(namer->why, event->note);
	namer->would_why[0] = '\0';
}

static void clear_scratch(struct flow_namer *namer)
{
	if (namer->scratch.total > MAX_SCRATCH)
		arena_release(&namer->scratch);
	else
		arena_clear(&namer->scratch);
}

int flow_namer_say(struct flow_namer *namer, const struct snapshot *snapshot,
		   const struct flow_event *event, struct flow_about *out)
{
	bool is_asked = event->note == NOTE_NONE;
	enum verdict verdict = is_asked ? event->decision.verdict
			       : event->answer == ANSWER_DENY ? VERDICT_DENY
							      : VERDICT_ALLOW;
	int r = 0;

	if (is_asked)
		r = say_reasons(namer, snapshot, event);
	else
		say_note(namer, snapshot, event);
	clear_scratch(namer);
	if (r < 0)
		return r;
	*out = (struct flow_about){
		.from = namer->from,
		.from_kind = namer->from_kind,
		.to = namer->to,
		.to_kind = namer->to_kind,
		.why = namer->why,
		.would_why = namer->would_why,
		.port = event->key.dst_port,
		.protocol = event->key.protocol,
		.has_port = event->key.has_port,
		.is_audit = event->is_audit,
		.verdict = verdict,
		.would = is_asked ? event->planned.verdict : verdict,
	};
	return 0;
}
