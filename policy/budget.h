/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_BUDGET_H
#define NETPOLD_POLICY_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

/**
 * How much work may still be done, where text from outside could ask for any
 * amount. A unit is about one comparison of two strings.
 *
 * Once it is spent it stays spent. Whoever works on a budget may then stop
 * anywhere and with any result, as long as the last to answer asks
 * budget_is_spent() and gives the answer that does no harm.
 */
struct budget {
	uint64_t left;
};

static inline bool budget_is_spent(const struct budget *budget)
{
	return budget->left == 0;
}

/** Take @units; false when that was the end of it. */
static inline bool budget_spend(struct budget *budget, uint64_t units)
{
	budget->left -= units < budget->left ? units : budget->left;
	return budget->left > 0;
}

#endif
