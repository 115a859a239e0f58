/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_IPSET_MESSAGE_H
#define NETPOLD_DAEMON_DATAPATH_IPSET_MESSAGE_H

#include <linux/netfilter/ipset/ip_set.h>
#include <linux/netlink.h>
#include <stdint.h>

#include "datapath/attr.h"
#include "netpold/addr.h"
#include "netpold/err.h"

/**
 * The messages of ipset, one of netfilter's subsystems.
 *
 * A change of many members is one message: the set's name, and a nest (ADT)
 * with one DATA nest for each member. The kernel goes through them in order and
 * stops at the first that fails; it answers by sending the whole message back
 * with the number of that member written into the message's LINENO attribute,
 * so members carry numbers, from 1 (0 means "no number").
 *
 *	PROTOCOL, SETNAME "pods", LINENO 0,
 *	ADT { DATA { IP { IPADDR_IPV4 10.0.0.1 }, LINENO 1 },
 *	      DATA { IP { IPADDR_IPV4 10.0.0.2 }, LINENO 2 } }
 *
 * What a member is, is known to ipset_message_put_member() and
 * ipset_member_read() alone. Sets of another type bring their own pair.
 */
#define IPSET_TYPE_NAME "hash:ip"

/** Room that one member needs at most: DATA { IP { 16 bytes }, LINENO }, with
 *  headers of four bytes each. */
#define IPSET_MEMBER_LEN (4 + 4 + 4 + 16 + 4 + 4)

/** Start a message. @protocol is the version that the kernel speaks. */
struct nlmsghdr *ipset_message_put(uint8_t protocol, void *buffer,
				   enum ipset_cmd command, uint16_t flags);

/** Add a member to the ADT nest that was started last. */
void ipset_message_put_member(struct nlmsghdr *message,
			      const struct ip_addr *member, uint32_t line);

/** The top level of an answer: what of it is of use here, 0 where absent. */
struct ipset_reply {
	uint8_t protocol;
	uint8_t protocol_min;
	uint8_t revision;
	uint8_t family; /* NFPROTO_… */
	char type_name[IPSET_MAXNAMELEN];
	struct attr members; /* ADT; points into the message */
	uint32_t line;
};

/** Read it into @ctx, a struct ipset_reply; a netlink_message_fn. */
int ipset_reply_read(void *ctx, const struct nlmsghdr *message);

/** Read one of the members of ADT. Returns 0 or -EBADMSG. */
int ipset_member_read(const struct attr *data, struct ip_addr *out);

/**
 * The number of the member that a change stopped at.
 *
 * @failed  the kernel's error message, or NULL
 *
 * Returns  0 where the kernel did not say.
 */
uint32_t ipset_failed_line(const struct nlmsghdr *failed);

/**
 * Fill in @err: the words, a colon, what the kernel means by @code.
 *
 * @code  negative errno, or minus one of ipset's own numbers
 *
 * Returns  a negative errno.
 */
int ipset_err_set(struct err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
