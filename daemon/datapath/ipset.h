/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_IPSET_H
#define NETPOLD_DAEMON_DATAPATH_IPSET_H

#include <linux/netfilter/ipset/ip_set.h>
#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

#include "netpold/addr.h"
#include "netpold/err.h"

#include "datapath/netlink.h"

/**
 * Kernel sets of addresses (ipset's hash:ip), by netlink.
 *
 * A policy change touches no rule, only the members of sets: rules name the
 * sets, and the sets say which pods are diverted. Changes go out in messages
 * of many entries each, and are in effect when the call returns (NF-88).
 *
 * Threads  one at a time for each connection.
 */
struct ipset;

/**
 * Connect.
 *
 * Returns  0; -EPERM without CAP_NET_ADMIN; -EOPNOTSUPP where the kernel has
 *          no ipset; both with a message that says what to do.
 */
int ipset_open(struct ipset **out, struct err *err);

/** NULL is fine. The sets stay. */
void ipset_close(struct ipset *ipset);

/**
 * Make a set of addresses of one family; one that stands already, with the
 * same type and family, is kept as it is, members included.
 *
 * Returns  0; -EEXIST where a set of that name has another type or family;
 *          another negative errno.
 */
int ipset_create(struct ipset *ipset, const char *name, enum ip_family family,
		 struct err *err);

/** Add members; those that are there already are fine. All of one family. */
int ipset_add(struct ipset *ipset, const char *name,
	      const struct ip_addr *members, size_t n, struct err *err);

/** Remove members; those that are not there are fine. */
int ipset_remove(struct ipset *ipset, const char *name,
		 const struct ip_addr *members, size_t n, struct err *err);

/**
 * The members of a set, sorted.
 *
 * @members  malloc()ed; the caller frees it
 *
 * Returns  0; -ENOENT where there is no such set.
 */
int ipset_list(struct ipset *ipset, const char *name, struct ip_addr **members,
	       size_t *n, struct err *err);

/** Returns 0, also where there is no such set; -EBUSY while a rule uses it. */
int ipset_destroy(struct ipset *ipset, const char *name, struct err *err);

/*
 * For sets of other types, whose members are somebody else's to write and read
 * (ipset_message.h).
 */

/** How much goes into one message. */
#define IPSET_MESSAGE_LEN 32768

/** Start a message about one set, in the connection's own buffer. */
struct nlmsghdr *ipset_begin(struct ipset *ipset, enum ipset_cmd command,
			     uint16_t flags, const char *name);

/** Send it, and read the answer. Returns as netlink_request(). */
int ipset_end(struct ipset *ipset, struct nlmsghdr *message,
	      netlink_message_fn each, void *ctx);

/** The newest revision of a type that the kernel has. 0 or a code for
 *  ipset_err_set(). */
int ipset_find_revision(struct ipset *ipset, const char *type_name,
			enum ip_family family, uint8_t *revision);

#endif
