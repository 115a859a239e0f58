/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_IPTABLES_H
#define NETPOLD_DAEMON_DATAPATH_IPTABLES_H

#include "netpold/addr.h"
#include "netpold/err.h"

/**
 * The iptables programs: which flavour this node uses, and how to run it.
 *
 * Rules of the nft and of the legacy flavour live side by side in the kernel;
 * netpold uses the one that the node's other components use, never both
 * (NF-71). The shared xtables lock is waited for, but not for ever (L14).
 */
enum iptables_flavour { IPTABLES_AUTO = 0, IPTABLES_NFT, IPTABLES_LEGACY };

/** "auto", "nft" or "legacy". */
const char *iptables_flavour_name(enum iptables_flavour flavour);

/**
 * Find out which flavour this network namespace uses: the one in which kubelet
 * has left its hint; else the one that has more rules; else the one that plain
 * `iptables` is.
 *
 * Returns  IPTABLES_NFT or IPTABLES_LEGACY; -ENOENT where no iptables is
 *          installed.
 */
int iptables_detect(enum iptables_flavour *flavour, struct err *err);

/**
 * Apply a text as iptables-restore(8) reads it, in one transaction, leaving
 * all that it does not name as it is (--noflush).
 *
 * Returns  0; -EINVAL where it is refused, with what the program said; -EBUSY
 *          where another program keeps the lock.
 */
int iptables_restore(enum iptables_flavour flavour, enum ip_family family,
		     const char *text, struct err *err);

/**
 * All tables as iptables-save(8) prints them.
 *
 * @out  malloc()ed; the caller frees it. "" where the program is missing.
 *
 * Returns  0; -EOPNOTSUPP where the mangle table holds what iptables cannot
 *          show; -EIO where the program fails.
 */
int iptables_save(enum iptables_flavour flavour, enum ip_family family,
		  char **out, struct err *err);

/** The same of the mangle table alone, which is made where there is none. */
int iptables_save_mangle(enum iptables_flavour flavour, enum ip_family family,
			 char **out, struct err *err);

/**
 * The rules of one chain of the mangle table with their counters, one a line:
 * "-A CHAIN -c PACKETS BYTES …". For the shared lock it waits a second at most.
 *
 * @out  malloc()ed; the caller frees it
 *
 * Returns  0; -EBUSY where another program keeps the lock; -EIO where the
 *          program fails, as for a chain that is not there.
 * Threads  any.
 */
int iptables_list_chain(enum iptables_flavour flavour, enum ip_family family,
			const char *chain, char **out, struct err *err);

#endif
