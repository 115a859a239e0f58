/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_STORE_BUNDLE_H
#define NETPOLD_POLICY_STORE_BUNDLE_H

#include <stdint.h>

#include "store/record.h"

/**
 * Records that came together: those of one file, say.
 *
 * A bundle is a list that goes through its records, so that to replace one
 * costs what is in it, however much else there is. Only a record that is
 * PRESENT is in a bundle: what is remembered (NP-66) came from nowhere that
 * could say more about it.
 */
struct bundles {
	struct record **first; /* by number; 0 is no bundle */
	uint32_t n;
};

/** Make room for a bundle of this number. 0 or -ENOMEM. */
int bundles_reserve(struct bundles *bundles, uint32_t bundle);

/** Put a record, of whatever bundle, into one that has room, or into none. */
void bundles_take(struct bundles *bundles, struct record *record,
		  uint32_t bundle);

/** Move all records of a bundle to lists of the caller's, by kind; each goes
 *  on naming its bundle. */
void bundles_set_aside(struct bundles *bundles, uint32_t bundle,
		       struct record *aside[N_OBJECT_KINDS]);

/** Take a record out of the bundle, or the list, that it is in, if any. */
void bundle_leave(struct record *record);

/** One record takes the other's place, in whatever it is in; @from is in
 *  nothing then. What is in no bundle keeps when it was deleted. */
void bundle_pass_on(struct record *from, struct record *to);

void bundles_release(struct bundles *bundles);

#endif
