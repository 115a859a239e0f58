/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/suggest_staged.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* ---- the list ----------------------------------------------------------- */

static int compare(const struct network_policy *a,
		   const struct network_policy *b)
{
	int order = strcmp(a->namespace, b->namespace);

	return order ? order : strcmp(a->name, b->name);
}

static int compare_staged(const void *a, const void *b)
{
	const struct staged_policy *x = a, *y = b;

	return compare(x->policy, y->policy);
}

static int compare_partners(const void *a, const void *b)
{
	const struct network_policy *const *x = a, *const *y = b;

	return compare(*x, *y);
}

static int add_policy(void *ctx, const struct object *object)
{
	struct staged *staged = ctx;

	if (!object->policy.staged)
		return 0;
	staged->items = arena_room(&staged->arena, staged->items, staged->n,
				   &staged->room, sizeof(*staged->items));
	if (!staged->items)
		return -ENOMEM;
	staged->items[staged->n++] =
		(struct staged_policy){ .policy = &object->policy };
	return 0;
}

int staged_init(struct staged *staged, const struct cluster *cluster)
{
	*staged = (struct staged){ 0 };
	if (cluster_each(cluster, OBJECT_NETWORK_POLICY, add_policy, staged) <
	    0)
		return -ENOMEM;
	if (staged->n > 0)
		qsort(staged->items, staged->n, sizeof(*staged->items),
		      compare_staged);
	return 0;
}

void staged_release(struct staged *staged)
{
	arena_release(&staged->arena);
	arena_release(&staged->asking);
	*staged = (struct staged){ 0 };
}

struct staged_policy *staged_find(const struct staged *staged,
				  const struct network_policy *policy)
{
	const struct staged_policy wanted = { .policy = policy };

	if (staged->n == 0)
		return NULL;
	return bsearch(&wanted, staged->items, staged->n,
		       sizeof(*staged->items), compare_staged);
}

/* ---- partners ----------------------------------------------------------- */

void staged_sort_partners(struct staged *staged)
{
	for (size_t i = 0; i < staged->n; i++) {
		struct staged_policy *policy = &staged->items[i];

		if (policy->n_partners > 0)
			qsort(policy->partners, policy->n_partners,
			      sizeof(void *), compare_partners);
	}
}

static int add_partner(struct staged *staged, struct staged_policy *policy,
		       const struct network_policy *partner)
{
	for (size_t i = 0; i < policy->n_partners; i++) {
		if (compare(policy->partners[i], partner) == 0)
			return 0;
	}
	policy->partners =
		arena_room(&staged->arena, policy->partners, policy->n_partners,
			   &policy->room, sizeof(void *));
	if (!policy->partners)
		return -ENOMEM;
	policy->partners[policy->n_partners++] = partner;
	return 0;
}

/* By a rule of what is staged, and till now by none: all that isolate are
   staged. */
static bool is_newly_allowed(const struct decision *now,
			     const struct decision *then, enum direction dir)
{
	return now->sides[dir].reason != REASON_RULE &&
	       then->sides[dir].reason == REASON_RULE;
}

/* Whether the next of a side's policies allows, whose rules begin with @rule,
   which moves on behind them. */
static bool allows(const struct side_explanation *side,
		   const struct network_policy *policy, size_t *rule)
{
	bool found = false;

	while (*rule < side->n_rules && side->rules[*rule].policy == policy)
		found |= side->rules[(*rule)++].misses == 0;
	return found;
}

/* Each that does not allow by itself needs the one that does. */
static int note_side(struct staged *staged, const struct side_explanation *side)
{
	size_t rule = 0;

	for (size_t i = 0; i < side->n_isolating; i++) {
		const struct network_policy *policy = side->isolating[i];
		struct staged_policy *found;

		if (allows(side, policy, &rule))
			continue;
		found = staged_find(staged, policy);
		if (found && add_partner(staged, found, side->policy) < 0)
			return -ENOMEM;
	}
	return 0;
}

int staged_note_flow(struct staged *staged, const struct snapshot *planned,
		     const struct flow_key *key, const struct decision *now,
		     const struct decision *then)
{
	struct explanation why;
	int r = 0;

	if (!is_newly_allowed(now, then, DIRECTION_EGRESS) &&
	    !is_newly_allowed(now, then, DIRECTION_INGRESS))
		return 0;
	arena_clear(&staged->asking);
	if (snapshot_explain_nearest(planned, key, &staged->asking, &why) < 0)
		return -ENOMEM;
	for (int dir = 0; r == 0 && dir < N_DIRECTIONS; dir++) {
		if (is_newly_allowed(now, then, (enum direction)dir))
			r = note_side(staged, &why.sides[dir]);
	}
	return r;
}
