/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_POD_RANGE_H
#define NETPOLD_DAEMON_DATAPATH_POD_RANGE_H

#include <stdbool.h>
#include <stddef.h>

#include "netpold/addr.h"
#include "netpold/err.h"
#include "netpold/object.h"

/**
 * The addresses that pods of this node get (NP-67): a plain value. Whoever has
 * one of them and is no pod that is known, may be one that is not known yet.
 */
#define POD_RANGE_MAX 8 /* blocks; a node has one of each family, mostly */

struct pod_range {
	struct cidr blocks[POD_RANGE_MAX];
	size_t n; /* 0: it is not known */
};

/** Room for the text of a range, with its zero byte. */
#define POD_RANGE_TEXT_LEN (POD_RANGE_MAX * CIDR_TEXT_LEN)

/**
 * Read blocks of either family, with commas between them:
 * "10.244.1.0/24,fd00:1::/64". One that covers a whole family is refused: it
 * would make everybody a pod of this node.
 *
 * Returns  0; -EINVAL with a message that says what was expected.
 */
int pod_range_parse(const char *text, struct pod_range *out, struct err *err);

/** What a Node object says: its first POD_RANGE_MAX blocks, none that covers a
 *  whole family. */
struct pod_range pod_range_of_node(const struct node *node);

/** "10.244.1.0/24,fd00:1::/64"; returns @text. */
char *pod_range_format(const struct pod_range *range,
		       char text[POD_RANGE_TEXT_LEN]);

bool pod_range_contains(const struct pod_range *range,
			const struct ip_addr *addr);

bool pod_range_equal(const struct pod_range *a, const struct pod_range *b);

#endif
