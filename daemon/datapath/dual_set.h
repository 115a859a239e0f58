/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_DUAL_SET_H
#define NETPOLD_DAEMON_DATAPATH_DUAL_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "netpold/err.h"

#include "datapath/address_list.h"
#include "datapath/ipset.h"
#include "datapath/rules.h"

/**
 * A set of addresses of both families: in the kernel, one set for each.
 *
 * Threads  one at a time.
 */
struct dual_set {
	struct ipset *ipset;	     /* somebody else's */
	enum rules_set set;	     /* which names it has */
	struct address_list members; /* of both families, sorted */
	size_t n_moved;		     /* members added or removed, in all */
	bool made[2];		     /* IPv4, IPv6: by dual_set_open() */
	bool anew[2];		     /* likewise: by dual_set_renew() */
};

/** Make what is missing, and see what is in it. Returns 0 or a negative
 *  errno. Release it in either case. */
int dual_set_open(struct dual_set *set, struct ipset *ipset,
		  enum rules_set which, struct err *err);

/** Make what is missing since, and see what is in it; @anew tells whether there
 *  was anything. 0 or negative errno. */
int dual_set_renew(struct dual_set *set, struct err *err);

/** Destroy what dual_set_open() has made, unless a rule uses it. What stood
 *  before stays. Release it afterwards. */
void dual_set_undo(struct dual_set *set);

/** The sets and their members stay. */
void dual_set_release(struct dual_set *set);

/** See what is in it now: somebody may have flushed it. */
int dual_set_read(struct dual_set *set, struct err *err);

/** Add what is in @wanted, which is sorted, and not in the set. */
int dual_set_add_missing(struct dual_set *set,
			 const struct address_list *wanted, struct err *err);

/** Remove what is in the set and not in @wanted, which is sorted. */
int dual_set_remove_others(struct dual_set *set,
			   const struct address_list *wanted, struct err *err);

/** Destroy both; 0 also where there are none. */
int dual_set_destroy(struct ipset *ipset, enum rules_set which,
		     struct err *err);

#endif
