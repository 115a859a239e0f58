/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_GRID_TEXT_H
#define NETPOLD_DAEMON_GRID_TEXT_H

#include <stdio.h>

#include "netpold/grid.h"

/** Write a set of slots in words (slot_text.h). 0 or -ENOMEM. */
int grid_text_write_ports(FILE *out, const struct grid *grid, uint32_t set);

#endif
