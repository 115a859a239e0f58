/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_REACH_SORT_NAMES_H
#define NETPOLD_POLICY_REACH_SORT_NAMES_H

#include "reach/identity_index.h"
#include "reach/partition.h"

/** Tell pods apart by the numbers of those named ports that egress rules of
 *  others look up (NP-45). 0 or -ENOMEM. */
int sort_by_names(const struct view *view, const struct identity_index *index,
		  struct partition *partition);

#endif
