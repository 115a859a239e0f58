/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/conntrack_ends.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>

#include "datapath/conntrack_message.h"
#include "datapath/netlink.h"

/* What waits takes about 1 KiB each: this is a tenth of a second of 80,000
   ends. The kernel takes no memory for what is not used. */
#define BUFFER_LEN (8 << 20)

#define MESSAGE_TYPE (NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE)

struct conntrack_ends {
	struct netlink netlink;
};

static int prepare(struct netlink *netlink)
{
	int fd = mnl_socket_get_fd(netlink->socket);
	int size = BUFFER_LEN;

	/* As in netlink.c: what this is for is counted where it fails. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

static int set_membership(struct conntrack_ends *ends, int option)
{
	int group = NFNLGRP_CONNTRACK_DESTROY;

	return mnl_socket_setsockopt(ends->netlink.socket, option, &group,
				     sizeof(group)) < 0
		       ? -errno
		       : 0;
}

static int fail(struct err *err, int r)
{
	return netlink_err_set(err, r,
			       "the ends of connections cannot be listened to");
}

int conntrack_ends_open(struct conntrack_ends **out, struct err *err)
{
	struct conntrack_ends *ends = calloc(1, sizeof(*ends));
	int r;

	if (!ends)
		return err_set(err, -ENOMEM, "conntrack: no memory");
	r = netlink_init(&ends->netlink, NETLINK_NETFILTER);
	if (r == 0)
		r = prepare(&ends->netlink);
	if (r < 0) {
		conntrack_ends_close(ends);
		return fail(err, r);
	}
	*out = ends;
	return 0;
}

int conntrack_ends_join(struct conntrack_ends *ends, struct err *err)
{
	int r = set_membership(ends, NETLINK_ADD_MEMBERSHIP);

	return r < 0 ? fail(err, r) : 0;
}

void conntrack_ends_leave(struct conntrack_ends *ends)
{
	set_membership(ends, NETLINK_DROP_MEMBERSHIP);
}

void conntrack_ends_close(struct conntrack_ends *ends)
{
	if (!ends)
		return;
	netlink_release(&ends->netlink);
	free(ends);
}

int conntrack_ends_read(struct conntrack_ends *ends, conntrack_end_fn each,
			void *ctx)
{
	const struct nlmsghdr *message = (const void *)ends->netlink.buffer;
	struct conntrack_end end;
	int len = 0, r;

	r = netlink_receive(&ends->netlink, &len);
	if (r < 0)
		return r == -ETIMEDOUT ? 0 : r;
	for (; mnl_nlmsg_ok(message, len);
	     message = mnl_nlmsg_next(message, &len))
		if (message->nlmsg_type == MESSAGE_TYPE &&
		    conntrack_message_read_end(message, &end))
			each(ctx, &end);
	return 1;
}
