/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_SELECTOR_H
#define NETPOLD_SELECTOR_H

#include "netpold/object.h"

/**
 * Label selectors: does this set of labels match?
 *
 * Matching compares strings byte for byte and never re-validates label syntax
 * (NP-25). A requirement that cannot be evaluated (unknown operator, In or
 * NotIn without values, Exists or DoesNotExist with values) matches nothing,
 * and its whole selector with it.
 */

/** False when it cannot be evaluated (NP-25). */
bool requirement_is_evaluable(const struct requirement *requirement);

/** False when a requirement cannot be evaluated (NP-25). */
bool selector_is_evaluable(const struct selector *selector);

/** True when every requirement holds (NP-20 … NP-24). */
bool selector_matches(const struct selector *selector,
		      const struct labels *labels);

/** True when this one requirement holds; for saying which part failed. */
bool requirement_matches(const struct requirement *requirement,
			 const struct labels *labels);

/**
 * Write a requirement the way kubectl does: "app=web", "tier in (a,b)",
 * "tier notin (a)", "tier", "!tier". Cut when it does not fit.
 *
 * Returns  the length it would have had, as snprintf(3).
 */
int requirement_format(const struct requirement *requirement, char *text,
		       size_t size);

/** The same for all requirements, joined by commas; "<all>" for none. */
int selector_format(const struct selector *selector, char *text, size_t size);

#endif
