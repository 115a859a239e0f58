/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_MEMO_SET_H
#define NETPOLD_DAEMON_DATAPATH_MEMO_SET_H

#include <stddef.h>
#include <stdint.h>

#include "netpold/addr.h"
#include "netpold/err.h"

#include "datapath/memo.h"
#include "datapath/ipset.h"

/**
 * A kernel set of answers (ipset's hash:ip,port,ip), by netlink. Members are
 * put in by a rule (rules_text.c); here they are listed and taken out.
 *
 * Threads  one at a time for each connection.
 */
struct memo_set_options {
	const char *name;
	enum ip_family family;
	uint32_t max;	    /* members; more are not taken in */
	uint32_t timeout_s; /* after which a member goes by itself */
};

/**
 * Make the set, with counters and with room for all its members from the start:
 * a set that grows keeps whoever adds to it waiting (NF-88). One that stands
 * with the same options is kept, members included; one of the same type with
 * others is exchanged for an empty one, also while rules use it.
 *
 * Returns  0; -EEXIST where a set of that name has another type; -EOPNOTSUPP
 *          where the kernel has no such sets; another negative errno.
 */
int memo_set_create(struct ipset *ipset, const struct memo_set_options *options,
		    struct err *err);

/** Add members; those that are there already are fine. For tests and
 *  benchmarks: rules add what netpold remembers. */
int memo_set_add(struct ipset *ipset, const char *name,
		 const struct memo *members, size_t n, struct err *err);

/** Remove members; those that are not there are fine. */
int memo_set_remove(struct ipset *ipset, const char *name,
		    const struct memo *members, size_t n, struct err *err);

/** Remove all of them, at once. -ENOENT where there is no such set. */
int memo_set_flush(struct ipset *ipset, const char *name, struct err *err);

/** How many members there are. -ENOENT where there is no such set. */
int memo_set_count(struct ipset *ipset, const char *name, size_t *n,
		   struct err *err);

/** What the kernel counts of a member since it was put in, or once more. */
struct memo_counters {
	/* Those that it has answered, and, where a rule has put it in, the one
	   that it was put in for, by xt_set's SET. */
	uint64_t packets;
	uint64_t bytes;	 /* of these, from the IP header on */
	uint32_t left_s; /* until it runs out */
};

/** Called for each member. 0 to go on. */
typedef int (*memo_member_fn)(void *ctx, const struct memo *member,
			      const struct memo_counters *counters);

/**
 * Walk through the members. The walk is not atomic, but none is left out that
 * is there all the time.
 *
 * Returns  0; -ENOENT where there is no such set; the callback's result.
 */
int memo_set_walk(struct ipset *ipset, const char *name, memo_member_fn each,
		  void *ctx, struct err *err);

#endif
