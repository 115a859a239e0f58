/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the last rule to the first, each is compared with all of its namespace
 * that are still in; one that another covers is taken out. Whatever is taken
 * out is covered by one that was in at that time, and if that is taken out
 * later, by the one that covers it: the chain ends at a rule that stays, and
 * covering is transitive. So the rules that stay allow what all of them
 * allowed, and of equal rules the first stays.
 */
#include "redundant.h"

#include <errno.h>
#include <string.h>

#include "cover.h"

static size_t count_rules(const struct network_policy *const *policies,
			  size_t n_policies, enum direction dir)
{
	size_t n = 0;

	for (size_t i = 0; i < n_policies; i++) {
		if (policies[i]->isolates[dir])
			n += policies[i]->n_rules[dir];
	}
	return n;
}

/* Rules of a direction that the policy does not govern decide nothing (NP-5);
   they are neither redundant nor a reason to be. */
static int list_rules(const struct network_policy *const *policies,
		      size_t n_policies, enum direction dir,
		      struct arena *arena, struct rule_places *out)
{
	size_t n = count_rules(policies, n_policies, dir);

	out->n = 0;
	out->items = arena_array(arena, n, sizeof(*out->items));
	if (!out->items)
		return -ENOMEM;
	for (size_t i = 0; i < n_policies; i++) {
		const struct network_policy *policy = policies[i];

		if (!policy->isolates[dir])
			continue;
		for (size_t k = 0; k < policy->n_rules[dir]; k++)
			out->items[out->n++] =
				(struct rule_place){ policy, k, NULL };
	}
	return 0;
}

/* Both are of one namespace. What is enforced does not count on what is
   staged (NP-8). */
static bool place_covers(const struct rule_place *wide,
			 const struct rule_place *narrow, enum direction dir,
			 struct budget *budget)
{
	const struct network_policy *w = wide->policy, *n = narrow->policy;

	return (n->staged || !w->staged) &&
	       rule_covers(&w->rules[dir][wide->rule],
			   &n->rules[dir][narrow->rule], n->namespace,
			   budget) &&
	       (w == n ||
		selector_covers(&w->pod_selector, &n->pod_selector, budget));
}

/* @first … @end is one namespace. */
static void find_cover(struct rule_place *place, struct rule_place *first,
		       const struct rule_place *end, enum direction dir,
		       struct budget *budget)
{
	for (struct rule_place *p = first; p < end && budget_spend(budget, 1);
	     p++) {
		if (p == place || p->cover ||
		    !place_covers(p, place, dir, budget))
			continue;
		place->cover = p;
		return;
	}
}

static void find_in_namespace(struct rule_place *first, struct rule_place *end,
			      enum direction dir, struct budget *budget)
{
	for (struct rule_place *p = end; p > first;)
		find_cover(--p, first, end, dir, budget);
	for (struct rule_place *p = first; p < end; p++) {
		while (p->cover && p->cover->cover)
			p->cover = p->cover->cover;
	}
}

int redundant_find(const struct network_policy *const *policies,
		   size_t n_policies, enum direction dir, struct budget *budget,
		   struct arena *arena, struct rule_places *out)
{
	int r = list_rules(policies, n_policies, dir, arena, out);
	size_t i = 0;

	if (r < 0)
		return r;
	while (i < out->n) {
		const char *namespace = out->items[i].policy->namespace;
		size_t end = i;

		while (end < out->n && strcmp(out->items[end].policy->namespace,
					      namespace) == 0)
			end++;
		find_in_namespace(&out->items[i], &out->items[end], dir,
				  budget);
		i = end;
	}
	return 0;
}
