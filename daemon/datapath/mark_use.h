/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_MARK_USE_H
#define NETPOLD_DAEMON_DATAPATH_MARK_USE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * Rules of others that use bits of marks which netpold takes for its own
 * (NF-60): a listing of iptables-save(8) tells.
 *
 * A rule that writes them takes answers away, so that every packet is queued,
 * or forges them, so that packets pass unjudged. One that only reads them finds
 * values that mean something else.
 */
struct mark_use {
	const char *rule; /* in the listing, up to the end of its line */
	size_t len;
	uint32_t bits; /* those of ours that it uses */
	bool writes;
};

/**
 * Go through a listing.
 *
 * @mask  netpold's bits
 * @use   called with @ctx for each rule of others that uses some of them
 */
void mark_uses_find(const char *saved, uint32_t mask,
		    void (*use)(void *ctx, const struct mark_use *use),
		    void *ctx);

#endif
