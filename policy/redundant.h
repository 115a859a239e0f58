/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_REDUNDANT_H
#define NETPOLD_POLICY_REDUNDANT_H

#include <stddef.h>

#include "netpold/arena.h"
#include "netpold/object.h"

#include "budget.h"

/**
 * Rules that another rule makes redundant: all they allow, it allows, to at
 * least the same pods.
 *
 * Without all of the rules that are found, at once, every verdict is what it
 * was with them. Of two that allow the same the later one is found, and a rule
 * that is named as the reason is never found itself.
 */

/** A rule of a policy that isolates in the direction asked about. */
struct rule_place {
	const struct network_policy *policy;
	size_t rule; /* from 0 */
	/* What makes it redundant, in the same list; NULL: nothing does. */
	const struct rule_place *cover;
};

struct rule_places {
	struct rule_place *items; /* in the order of policies and rules */
	size_t n;
};

/**
 * All rules of one direction.
 *
 * @policies  sorted by namespace
 * @budget    once it is spent, what is found stays true, but more may be there
 * @arena     where the list goes; policies have to outlive it
 *
 * Returns  0 or -ENOMEM.
 */
int redundant_find(const struct network_policy *const *policies,
		   size_t n_policies, enum direction dir, struct budget *budget,
		   struct arena *arena, struct rule_places *out);

#endif
