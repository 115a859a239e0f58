/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_CONNTRACK_MESSAGE_H
#define NETPOLD_DAEMON_DATAPATH_CONNTRACK_MESSAGE_H

#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stdint.h>

#include "datapath/conntrack.h"
#include "datapath/conntrack_ends.h"

/**
 * The messages of ctnetlink.
 *
 * An entry is named by its original tuple and its zone (NF-55). An update of
 * its mark is
 *
 *	TUPLE_ORIG { IP { V4_SRC, V4_DST }, PROTO { NUM, SRC_PORT, DST_PORT } },
 *	ZONE, MARK, MARK_MASK
 *
 * and without NLM_F_CREATE the kernel only ever changes what exists.
 */

/** Room that conntrack_message_put_mark() needs at most: the headers,
 *  TUPLE_ORIG { IP { 16, 16 }, PROTO { 3 values } } and the rest, rounded up.
 */
#define CONNTRACK_MARK_LEN 160

/** Start a message. @family IP_NONE: of no family. */
struct nlmsghdr *conntrack_message_put(void *buffer,
				       enum cntl_msg_types command,
				       uint16_t flags, uint8_t family);

/** Write the request for the entries that a filter lets through. */
struct nlmsghdr *
conntrack_message_put_dump(void *buffer, const struct conntrack_filter *filter);

/** Write the request for the one entry that was opened with a tuple. */
struct nlmsghdr *
conntrack_message_put_find(void *buffer, const struct conntrack_tuple *original,
			   uint8_t protocol, uint16_t zone);

/** Write the update that sets the bits under @mask to @value. */
struct nlmsghdr *conntrack_message_put_mark(void *buffer,
					    const struct conntrack_entry *entry,
					    uint32_t value, uint32_t mask);

/** Read an entry from a message; false where it is no such message. */
bool conntrack_message_read(const struct nlmsghdr *message,
			    struct conntrack_entry *out);

/** The same of one that has ended, with what was counted. */
bool conntrack_message_read_end(const struct nlmsghdr *message,
				struct conntrack_end *out);

#endif
