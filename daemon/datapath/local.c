/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/local.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libmnl/libmnl.h>

#include "datapath/attr.h"
#include "datapath/netlink.h"

/* A dump during which addresses come and go may have missed some; it is made
   again. They do not change that often for long. */
#define MAX_TRIES 10

/* Where kube-proxy and kube-router bind the addresses of Services. Other
   interfaces of that kind hold what the host itself answers, such as a DNS
   cache. */
static const char *const service_interfaces[] = { "kube-ipvs0",
						  "kube-dummy-if" };
#define N_SERVICE_INTERFACES                                                   \
	(sizeof(service_interfaces) / sizeof(service_interfaces[0]))

struct reading {
	uint32_t service_interfaces[N_SERVICE_INTERFACES]; /* 0: is not there */
	struct address_list own, services;
};

static bool is_service_interface(const struct reading *reading, uint32_t index)
{
	for (size_t i = 0; i < N_SERVICE_INTERFACES; i++)
		if (reading->service_interfaces[i] == index)
			return true;
	return false;
}

/* On a point-to-point link IFA_ADDRESS is the other end, and IFA_LOCAL is ours.
   IPv6 has IFA_LOCAL on such links only. */
static int read_address(void *ctx, const struct nlmsghdr *message)
{
	struct attrs attrs =
		attrs_of_message(message, sizeof(struct ifaddrmsg));
	struct reading *reading = ctx;
	const struct ifaddrmsg *header;
	struct ip_addr addr;
	struct attr attr;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*header))
		return -EBADMSG;
	header = mnl_nlmsg_get_payload(message);
	if (!attrs_find(attrs, IFA_LOCAL, &attr) &&
	    !attrs_find(attrs, IFA_ADDRESS, &attr))
		return 0;
	if (!attr_ip(&attr, &addr))
		return -EBADMSG;
	return address_list_append(
		is_service_interface(reading, header->ifa_index)
			? &reading->services
			: &reading->own,
		&addr);
}

static int dump(struct netlink *netlink, struct reading *reading)
{
	struct netlink_buffer buffer;
	struct nlmsghdr *request;
	bool interrupted = true;
	int r = 0;

	for (int i = 0; i < MAX_TRIES && interrupted && r == 0; i++) {
		reading->own.n = reading->services.n = 0;
		request = netlink_put_header(buffer.bytes, RTM_GETADDR,
					     NLM_F_DUMP,
					     sizeof(struct ifaddrmsg));
		r = netlink_request(netlink, request, read_address, reading,
				    &interrupted);
	}
	return r == 0 && interrupted ? -EAGAIN : r;
}

/* Address of a Service and of the host: the host's. */
static int sort_out(struct reading *reading, struct local_addresses *local)
{
	static const struct address_list none = { 0 };
	int r;

	address_list_sort(&reading->own);
	address_list_sort(&reading->services);
	r = address_list_subtract(&reading->services, &reading->own,
				  &local->services);
	if (r == 0)
		r = address_list_subtract(&reading->own, &none, &local->all);
	if (r == 0)
		r = address_list_subtract(&local->services, &none, &local->all);
	address_list_sort(&local->all);
	return r;
}

int local_addresses_read(struct local_addresses *local, struct err *err)
{
	struct reading reading = { 0 };
	struct netlink netlink;
	int r;

	*local = (struct local_addresses){ 0 };
	for (size_t i = 0; i < N_SERVICE_INTERFACES; i++)
		reading.service_interfaces[i] =
			if_nametoindex(service_interfaces[i]);
	r = netlink_init(&netlink, NETLINK_ROUTE);
	if (r == 0)
		r = dump(&netlink, &reading);
	netlink_release(&netlink);
	if (r == 0)
		r = sort_out(&reading, local);
	address_list_release(&reading.own);
	address_list_release(&reading.services);
	return r < 0 ? netlink_err_set(err, r, "reading this host's addresses")
		     : 0;
}

void local_addresses_release(struct local_addresses *local)
{
	address_list_release(&local->all);
	address_list_release(&local->services);
}

/* ---- watching ------------------------------------------------------------ */

int local_watch_open(struct err *err)
{
	const struct sockaddr_nl groups = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR,
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
			NETLINK_ROUTE);

	if (fd >= 0 &&
	    bind(fd, (const struct sockaddr *)&groups, sizeof(groups)) == 0)
		return fd;
	err_set(err, -errno, "cannot watch this host's addresses: %s",
		strerror(errno));
	if (fd >= 0)
		close(fd);
	return err->code;
}

/* What was lost (ENOBUFS) is a change, too. */
bool local_watch_changed(int fd)
{
	char message[4096];
	bool changed = false;

	while (recv(fd, message, sizeof(message), 0) >= 0 || errno == ENOBUFS)
		changed = true;
	return changed;
}
