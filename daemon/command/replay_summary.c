/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/replay_summary.h"

#include <errno.h>
#include <search.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "netpold/object.h"

static int compare_rows(const void *a, const void *b)
{
	const struct replay_row *p = a, *q = b;
	int order = strcmp(p->namespace, q->namespace);

	if (order == 0)
		order = strcmp(p->name, q->name);
	if (order != 0)
		return order;
	return (p->direction > q->direction) - (p->direction < q->direction);
}

static int make_row(struct replay_summary *summary,
		    const struct replay_row *key, struct replay_row **out)
{
	struct arena *arena = &summary->arena;
	struct replay_row *row = arena_alloc(arena, sizeof(*row));

	if (!row)
		return -ENOMEM;
	*row = *key;
	row->namespace = arena_strdup(arena, key->namespace);
	row->name = arena_strdup(arena, key->name);
	if (!row->namespace || !row->name ||
	    !tsearch(row, &summary->rows, compare_rows))
		return -ENOMEM;
	*out = row;
	return 0;
}

/* @policy  NULL: none */
static int find_row(struct replay_summary *summary,
		    const struct network_policy *policy,
		    enum direction direction, struct replay_row **out)
{
	const struct replay_row key = {
		.namespace = policy ? policy->namespace : "",
		.name = policy ? policy->name : "",
		.direction = direction,
	};
	struct replay_row *const *found =
		tfind(&key, &summary->rows, compare_rows);

	if (!found)
		return make_row(summary, &key, out);
	*out = *found;
	return 0;
}

/* Policies stay where they are as long as their snapshot, and that is longer
   than the summary. */
static int recall_row(struct replay_summary *summary,
		      const struct network_policy *policy,
		      enum direction direction, struct replay_row **out)
{
	struct replay_recent *recent =
		&summary->recent[direction][(uintptr_t)policy / 64 %
					    REPLAY_SUMMARY_RECENT];

	if (!recent->row || recent->policy != policy) {
		if (find_row(summary, policy, direction, &recent->row) < 0) {
			recent->row = NULL;
			return -ENOMEM;
		}
		recent->policy = policy;
	}
	*out = recent->row;
	return 0;
}

static int count(struct replay_summary *summary,
		 const struct network_policy *policy, enum direction direction,
		 enum verdict verdict, uint64_t packets)
{
	struct replay_row *row;

	if (recall_row(summary, policy, direction, &row) < 0)
		return -ENOMEM;
	row->by_verdict[verdict].flows++;
	row->by_verdict[verdict].packets += packets;
	return 0;
}

/* Whether a policy had a word on a side, and the flow is as it says. */
static bool is_behind(const struct explanation *explanation,
		      const struct side_explanation *side)
{
	return side->side.verdict == explanation->decision.verdict &&
	       (side->side.reason == REASON_RULE ||
		side->side.reason == REASON_NO_RULE_MATCHES);
}

static int add_side(struct replay_summary *summary,
		    const struct explanation *explanation, enum direction dir,
		    uint64_t packets)
{
	const struct side_explanation *side = &explanation->sides[dir];
	int r = 0;

	if (side->side.reason == REASON_RULE)
		return count(summary, side->policy, dir, VERDICT_ALLOW,
			     packets);
	for (size_t i = 0; i < side->n_isolating && r == 0; i++)
		r = count(summary, side->isolating[i], dir, VERDICT_DENY,
			  packets);
	return r;
}

int replay_summary_add(struct replay_summary *summary,
		       const struct explanation *explanation, uint64_t packets)
{
	size_t n_behind = 0;
	int r = 0;

	for (int dir = 0; dir < N_DIRECTIONS && r == 0; dir++) {
		if (!is_behind(explanation, &explanation->sides[dir]))
			continue;
		n_behind++;
		r = add_side(summary, explanation, (enum direction)dir,
			     packets);
	}
	if (r < 0 || n_behind > 0)
		return r;
	return count(summary, NULL, 0, explanation->decision.verdict, packets);
}

struct visiting {
	void (*visit)(const struct replay_row *row, void *ctx);
	void *ctx;
};

static void visit_node(const void *node, VISIT which, void *ctx)
{
	const struct replay_row *const *row = node;
	const struct visiting *visiting = ctx;

	if (which == postorder || which == leaf)
		visiting->visit(*row, visiting->ctx);
}

void replay_summary_each(const struct replay_summary *summary,
			 void (*visit)(const struct replay_row *row, void *ctx),
			 void *ctx)
{
	struct visiting visiting = { visit, ctx };

	twalk_r(summary->rows, visit_node, &visiting);
}

/* Rows are the arena's. */
static void keep(void *row)
{
	(void)row;
}

void replay_summary_release(struct replay_summary *summary)
{
	tdestroy(summary->rows, keep);
	arena_release(&summary->arena);
	*summary = (struct replay_summary){ 0 };
}
