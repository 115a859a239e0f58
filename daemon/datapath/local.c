/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/local.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>

#include "datapath/address_list.h"
#include "datapath/attr.h"
#include "datapath/netlink.h"

/* A dump during which addresses come and go may have missed some; it is made
   again. They do not change that often for long. */
#define MAX_TRIES 10

/* On a point-to-point link IFA_ADDRESS is the other end, and IFA_LOCAL is ours.
   IPv6 has IFA_LOCAL on such links only. */
static int read_address(void *ctx, const struct nlmsghdr *message)
{
	struct attrs attrs =
		attrs_of_message(message, sizeof(struct ifaddrmsg));
	struct address_list *list = ctx;
	struct ip_addr addr;
	struct attr attr;

	if (!attrs_find(attrs, IFA_LOCAL, &attr) &&
	    !attrs_find(attrs, IFA_ADDRESS, &attr))
		return 0;
	if (!attr_ip(&attr, &addr))
		return -EBADMSG;
	return address_list_append(list, &addr);
}

static int dump(struct netlink *netlink, struct address_list *list)
{
	struct netlink_buffer buffer;
	struct nlmsghdr *request;
	bool interrupted = true;
	int r = 0;

	for (int i = 0; i < MAX_TRIES && interrupted && r == 0; i++) {
		list->n = 0;
		request = netlink_put_header(buffer.bytes, RTM_GETADDR,
					     NLM_F_DUMP,
					     sizeof(struct ifaddrmsg));
		r = netlink_request(netlink, request, read_address, list,
				    &interrupted);
	}
	return r == 0 && interrupted ? -EAGAIN : r;
}

int local_addresses(struct ip_addr **out, size_t *n, struct err *err)
{
	struct address_list list = { 0 };
	struct netlink netlink;
	int r;

	r = netlink_init(&netlink, NETLINK_ROUTE);
	if (r == 0)
		r = dump(&netlink, &list);
	netlink_release(&netlink);
	if (r < 0) {
		free(list.items);
		return netlink_err_set(err, r, "reading this host's addresses");
	}
	address_list_sort(&list);
	*out = list.items;
	*n = list.n;
	return 0;
}
