/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_REACH_OUTSIDE_H
#define NETPOLD_POLICY_REACH_OUTSIDE_H

#include "reach/parts.h"

/** Cut the addresses of each family that some pod has, by the blocks of all
 *  crowds: reach->cuts. 0 or -ENOMEM. */
int outside_cut(struct reach *reach);

/** List what is left of the cuts without the pods of any snapshot:
 *  reach->ranges, their classes still those of the cuts. 0 or -ENOMEM. */
int outside_list(struct reach *reach);

#endif
