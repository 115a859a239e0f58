/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_WHO_TEXT_H
#define NETPOLD_DAEMON_WHO_TEXT_H

#include <stdbool.h>
#include <stdio.h>

#include "who.h"

/**
 * Units in words. A star stands for all pods of a namespace:
 *
 *	everyone			all pods, and all addresses outside
 *	all pods but shop/db
 *	shop/{web, api}, dev/tool
 *	{ns1, ns2}/{web, api}		the same groups of both
 *	web of the same namespace
 *	outside
 *	everywhere else			outside, but for what blocks name
 *	10.0.0.0/8 except 10.1.0.0/16
 *
 * Names are those of Kubernetes, or of a hostile file: bytes that a terminal
 * would obey come out as ?.
 */

struct who_text_options {
	/* Items that are listed before they are counted; 0: no limit. */
	size_t limit;
	/* A namespace that is told as "the same namespace"; NULL: none. */
	const struct who_namespace *own;
};

/**
 * Write some units.
 *
 * @units     ascending
 * @told_own  becomes true where the own namespace was told as such; may be NULL
 *
 * Returns  0 or -ENOMEM.
 */
int who_text_write(FILE *out, struct who_index *index, const uint32_t *units,
		   size_t n, const struct who_text_options *options,
		   bool *told_own);

#endif
