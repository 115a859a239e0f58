/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_TABLE_MATCH_H
#define NETPOLD_POLICY_TABLE_MATCH_H

#include <stdbool.h>

#include "netpold/object.h"

/**
 * Selectors and labels of one pool: strings are equal when their pointers are.
 * What a selector means is policy/selector.c's; this is the same, faster.
 */

/** The selector has to be one that can be evaluated (NP-25). */
bool match_labels(const struct selector *selector, const struct labels *labels);

/**
 * What is known of a namespace. Never changed: a namespace whose labels change
 * gets new facts.
 */
struct namespace_facts {
	unsigned int n_users;
	const char *name; /* interned */
	struct labels labels;
	/* The Namespace object was seen. Until then labels holds its name, and
	   nothing is assumed of any other key (NP-42). */
	bool known;
};

/** A namespaceSelector, which has to be one that can be evaluated. */
bool match_namespace(const struct selector *selector,
		     const struct namespace_facts *facts);

#endif
