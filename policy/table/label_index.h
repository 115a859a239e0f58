/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_TABLE_LABEL_INDEX_H
#define NETPOLD_POLICY_TABLE_LABEL_INDEX_H

#include <stdbool.h>
#include <stddef.h>

#include "netpold/object.h"

#include "table/parts.h"

/**
 * Which selectors may match these labels?
 *
 * A thing with a selector (a policy, a peer) is entered under one requirement
 * that labels have to meet for the selector to match: under each value that an
 * `In` accepts, or under the key of an `Exists`. Only what has neither is
 * looked at every time. So the labels of a pod lead to the few things that may
 * match it, however many there are; whether they do is for the caller to see.
 *
 *	app In [web, api]; tier NotIn [x]	under (app, web) and (app, api)
 *	tier Exists				under (tier)
 *	tier NotIn [x]; and {}			under nothing
 *
 * Everything is in a space, named by any pointer: the pods of one namespace,
 * say. Strings are of one pool, and compared by their pointers.
 */
struct label_index {
	struct index_entry **buckets;
	size_t n_buckets; /* a power of two */
	size_t n_entries;
};

/** Whether labels lead to a selector at all: it has an `In` or an `Exists`. */
bool label_index_can_lead_to(const struct selector *selector);

/** Enter a thing. 0; -ENOMEM with nothing entered. */
int label_index_add(struct parts *parts, struct label_index *index,
		    const void *space, const struct selector *selector,
		    void *thing);

/** Take a thing out that was entered with the same space and selector. */
void label_index_remove(struct parts *parts, struct label_index *index,
			const void *space, const struct selector *selector,
			const void *thing);

/** Called for each thing that may match, perhaps more than once; not to change
 *  the index. Anything but 0 ends the walk and is its result. */
typedef int (*label_index_fn)(void *ctx, void *thing);
int label_index_each(const struct label_index *index, const void *space,
		     const struct labels *labels, label_index_fn each,
		     void *ctx);

void label_index_release(struct parts *parts, struct label_index *index);

#endif
