/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/denied.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "netpold/addr.h"
#include "netpold/arena.h"
#include "netpold/cleanup.h"
#include "netpold/snapshot.h"

#include "current.h"
#include "datapath/ipset.h"
#include "datapath/memo.h"
#include "datapath/memo_set.h"
#include "datapath/rules.h"
#include "decision_record.h"
#include "json_text.h"
#include "rcu.h"

#define N_TOP 5

/* The most packets first. */
struct top {
	struct memo memos[N_TOP];
	uint64_t packets[N_TOP];
	size_t n;
};

/* A denial that was given once and not again is nobody's trouble. */
static int consider(void *ctx, const struct memo *member,
		    const struct memo_counters *counters)
{
	/* The first is the one that it was put in for: that was judged. */
	uint64_t packets = counters->packets ? counters->packets - 1 : 0;
	struct top *top = ctx;
	size_t at = top->n, n_after;

	while (at > 0 && top->packets[at - 1] < packets)
		at--;
	if (packets == 0 || at == N_TOP)
		return 0;
	if (top->n < N_TOP)
		top->n++;
	n_after = top->n - at - 1;
	memmove(&top->memos[at + 1], &top->memos[at],
		n_after * sizeof(top->memos[0]));
	memmove(&top->packets[at + 1], &top->packets[at],
		n_after * sizeof(top->packets[0]));
	top->memos[at] = *member;
	top->packets[at] = packets;
	return 0;
}

/* What cannot be listed has nothing in it that is worth telling. */
static void find_top(struct top *top)
{
	static const enum ip_family families[] = { IP_V4, IP_V6 };
	struct ipset *ipset;

	if (ipset_open(&ipset, NULL) < 0)
		return;
	for (size_t i = 0; i < 2; i++)
		memo_set_walk(ipset,
			      rules_answers_name(VERDICT_DENY, families[i]),
			      consider, top, NULL);
	ipset_close(ipset);
}

static void write_why(struct json_text *text,
		      const struct decision_record *record)
{
	FILE *words;

	json_text_key(text, "why");
	words = json_text_begin_words(text);
	if (!words)
		return;
	decision_record_write_why(words, record);
	json_text_end_words(text);
}

static void write_flow(struct json_text *text,
		       const struct decision_record *record)
{
	FILE *words;

	json_text_key(text, "flow");
	words = json_text_begin_words(text);
	if (!words)
		return;
	decision_record_write_flow(words, record);
	json_text_end_words(text);
}

static void write_denial(struct json_text *text,
			 const struct snapshot *snapshot,
			 const struct memo *memo, uint64_t packets)
{
	const struct flow_key key = memo_question(memo);
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct explanation explanation;
	const struct decision_record record = { .key = key,
						.explanation = &explanation };

	/* A change may just be taking it out. */
	if (snapshot_explain_nearest(snapshot, &key, &arena, &explanation) <
		    0 ||
	    explanation.decision.verdict == VERDICT_ALLOW)
		return;
	json_text_begin_object(text);
	json_text_key(text, "packets");
	json_text_number(text, packets);
	write_flow(text, &record);
	write_why(text, &record);
	json_text_key(text, "decision");
	json_text_begin_object(text);
	decision_record_write_json(text, &record);
	json_text_end_object(text);
	json_text_end_object(text);
}

static void write_top(struct json_text *text, const struct top *top)
{
	const struct snapshot *snapshot;

	rcu_thread_begin();
	rcu_section_begin();
	snapshot = current_load();
	json_text_begin_array(text);
	for (size_t i = 0; snapshot && i < top->n; i++)
		write_denial(text, snapshot, &top->memos[i], top->packets[i]);
	json_text_end_array(text);
	rcu_section_end();
	rcu_thread_end();
}

json_t *denied_to_json(void)
{
	CLEANUP(json_text_release) struct json_text text = { 0 };
	struct top top = { .n = 0 };

	find_top(&top);
	write_top(&text, &top);
	return text.failed ? NULL : json_loadb(text.data, text.len, 0, NULL);
}
