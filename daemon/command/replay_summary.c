/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/replay_summary.h"

#include <errno.h>
#include <search.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "netpold/object.h"

/* Policies that isolate a pod: most have no more, and nothing is allocated. */
#define FEW 64

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

/* Policies stay where they are as long as their snapshot:
   replay_summary_forget(). */
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

/* The policies that one side's answer is due to. */
struct credit {
	struct side side;
	const struct network_policy *few[FEW];
	const struct network_policy *
		*policies; /* few, or the caller's to free */
	size_t n;
};

static int ask_credit(const struct snapshot *snapshot,
		      const struct flow_key *key, enum direction dir,
		      struct credit *out)
{
	out->policies = out->few;
	out->n = snapshot_credit(snapshot, key, dir, &out->side, out->few, FEW);
	if (out->n <= FEW)
		return 0;
	out->policies = calloc(out->n, sizeof(void *));
	if (!out->policies)
		return -ENOMEM;
	snapshot_credit(snapshot, key, dir, &out->side, out->policies, out->n);
	return 0;
}

static void credit_release(struct credit *credit)
{
	if (credit->policies != credit->few)
		free(credit->policies);
}

static int add_side(struct replay_summary *summary, const struct credit *credit,
		    enum direction dir, uint64_t packets)
{
	int r = 0;

	for (size_t i = 0; i < credit->n && r == 0; i++)
		r = count(summary, credit->policies[i], dir,
			  credit->side.verdict, packets);
	return r;
}

/* A side that allows what the other one denies is not behind that. */
static int add_sides(struct replay_summary *summary,
		     const struct credit credits[N_DIRECTIONS],
		     uint64_t packets)
{
	enum verdict verdict = VERDICT_ALLOW;
	size_t n_behind = 0;
	int r = 0;

	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		if (credits[dir].side.verdict == VERDICT_DENY)
			verdict = VERDICT_DENY;
	}
	for (int dir = 0; dir < N_DIRECTIONS && r == 0; dir++) {
		if (credits[dir].side.verdict != verdict)
			continue;
		n_behind += credits[dir].n;
		r = add_side(summary, &credits[dir], (enum direction)dir,
			     packets);
	}
	if (r < 0 || n_behind > 0)
		return r;
	return count(summary, NULL, 0, verdict, packets);
}

int replay_summary_add(struct replay_summary *summary,
		       const struct snapshot *snapshot,
		       const struct flow_key *key, uint64_t packets)
{
	struct credit credits[N_DIRECTIONS];
	int n = 0, r = 0;

	while (n < N_DIRECTIONS && r == 0) {
		r = ask_credit(snapshot, key, (enum direction)n, &credits[n]);
		n += r == 0;
	}
	if (r == 0)
		r = add_sides(summary, credits, packets);
	while (n > 0)
		credit_release(&credits[--n]);
	return r;
}

void replay_summary_forget(struct replay_summary *summary)
{
	memset(summary->recent, 0, sizeof(summary->recent));
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
