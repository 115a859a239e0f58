/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OUTSIDE_TEXT_H
#define NETPOLD_DAEMON_OUTSIDE_TEXT_H

#include "netpold/arena.h"
#include "netpold/grid.h"

/**
 * Names for the units of a grid that are outside: "outside", where it is all of
 * it; "everywhere else", where it is the largest part; else its addresses, as a
 * policy might say it: "10.0.0.0/8 except 10.1.0.0/16" or
 * "10.2.0.0-10.2.0.99". With two families each is named: "outside (IPv6)".
 */
struct outside_names {
	const char **names; /* by unit; NULL for those of pods */
	/* Of which family a unit is; IP_NONE: of both, or of pods. */
	enum ip_family *families;
	size_t n_of_family[2]; /* units of IPv4 alone, of IPv6 alone */
};

/** All in @arena. 0 or -ENOMEM. */
int outside_text_name(struct arena *arena, const struct grid *grid,
		      struct outside_names *out);

#endif
