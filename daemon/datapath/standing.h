/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_STANDING_H
#define NETPOLD_DAEMON_DATAPATH_STANDING_H

#include <stdbool.h>
#include <stddef.h>

/**
 * What stands of netpold's rules in a listing of iptables-save(8).
 */
#define N_STANDING_CHAINS 11
extern const char *const standing_chains[N_STANDING_CHAINS];

/** How packets get from a chain of the kernel to one of netpold's. */
struct standing_jump {
	const char *hook, *chain;
};

#define N_STANDING_JUMPS 3
extern const struct standing_jump standing_jumps[N_STANDING_JUMPS];

bool standing_has_chain(const char *chain, const char *saved);

/** Whether these rules copy packets, as those of --mode=audit do. */
bool standing_audits(const char *saved);

/** How often a jump stands: more than once where somebody restored a saved copy
 *  over it. */
size_t standing_count(const struct standing_jump *jump, const char *saved);

/** Whether a jump is the first rule of its hook (NF-71). */
bool standing_first(const struct standing_jump *jump, const char *saved);

/**
 * All of netpold's rules in a listing, in order, without counters, and the
 * place of the jumps. Equal where nothing has been changed in between.
 *
 * Returns  malloc()ed, for the caller; NULL without memory.
 */
char *standing_extract(const char *saved);

#endif
