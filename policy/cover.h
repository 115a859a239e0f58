/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_COVER_H
#define NETPOLD_POLICY_COVER_H

#include <stdbool.h>
#include <stddef.h>

#include "netpold/object.h"

#include "budget.h"

/**
 * Does one thing let in all that another lets in?
 *
 * Decided from what is written, never from the pods and namespaces there are
 * today: labels change. The answer "yes" is proven, true of every cluster; "no"
 * may mean that nobody has seen it. `app=web` covers `app=web,tier=a`; that
 * `a In [1]` and `a NotIn [1]` together cover everything is not seen.
 *
 * @budget  once it is spent, every answer is "no"
 */

/** All labels that @narrow matches, @wide matches. */
bool selector_covers(const struct selector *wide, const struct selector *narrow,
		     struct budget *budget);

/** All flows that @narrow allows, @wide allows. @namespace  of both policies */
bool rule_covers(const struct rule *wide, const struct rule *narrow,
		 const char *namespace, struct budget *budget);

/**
 * No address of @block is left when @set is taken away.
 *
 * @set  is sorted on the way
 *
 * Exact, in time n log n.
 */
bool cidrs_cover(struct cidr *set, size_t n, const struct cidr *block);

#endif
