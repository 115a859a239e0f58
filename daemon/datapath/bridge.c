/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which pods are on a bridge is asked of the kernel, not guessed from names:
 * the route to a pod's address says the device, and the device says its kind. A
 * route through a gateway leads to another node, whatever the device is.
 */
#include "datapath/bridge.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>

#include "datapath/attr.h"
#include "datapath/netlink.h"

/* ---- settings ------------------------------------------------------------ */

static const char *setting_name(enum ip_family family)
{
	return family == IP_V4 ? "bridge-nf-call-iptables"
			       : "bridge-nf-call-ip6tables";
}

enum setting { SETTING_ABSENT = 0, SETTING_OFF, SETTING_ON };

/* The setting of the whole network namespace. */
static enum setting read_setting(const char *name)
{
	enum setting setting = SETTING_ABSENT;
	char path[128];
	FILE *file;
	int c;

	snprintf(path, sizeof(path), "/proc/sys/net/bridge/%s", name);
	file = fopen(path, "re");
	if (!file)
		return setting;
	c = fgetc(file);
	if (c != EOF)
		setting = c == '0' ? SETTING_OFF : SETTING_ON;
	fclose(file);
	return setting;
}

/* ---- routes -------------------------------------------------------------- */

/* Where a pod is: the device of the route to it; 0 where there is none. */
struct route {
	uint32_t device;
	bool via_gateway;
};

static int read_route(void *ctx, const struct nlmsghdr *message)
{
	struct attrs attrs = attrs_of_message(message, sizeof(struct rtmsg));
	struct route *route = ctx;
	struct attr attr;

	while (attrs_next(&attrs, &attr)) {
		if (attr.type == RTA_OIF)
			attr_u32(&attr, &route->device);
		else if (attr.type == RTA_GATEWAY || attr.type == RTA_VIA)
			route->via_gateway = true;
	}
	return 0;
}

static int ask_route(struct netlink *netlink, const struct ip_addr *pod,
		     struct route *route)
{
	struct netlink_buffer buffer;
	struct nlmsghdr *request;
	struct rtmsg *header;
	int r;

	*route = (struct route){ 0 };
	request = netlink_put_header(buffer.bytes, RTM_GETROUTE, NLM_F_ACK,
				     sizeof(*header));
	header = mnl_nlmsg_get_payload(request);
	header->rtm_family = pod->family == IP_V4 ? AF_INET : AF_INET6;
	header->rtm_dst_len = (uint8_t)(ip_addr_len(pod) * 8);
	mnl_attr_put(request, RTA_DST, ip_addr_len(pod), pod->bytes);
	r = netlink_request(netlink, request, read_route, route, NULL);
	/* No route, or one that says no. */
	if (r == -ENETUNREACH || r == -EHOSTUNREACH || r == -EACCES ||
	    r == -EINVAL)
		return 0;
	return r;
}

/* ---- devices ------------------------------------------------------------- */

struct device {
	uint32_t index;
	char name[IFNAMSIZ];
	char kind[16]; /* "bridge"; "" for what has no kind */
	/* A bridge can be told by itself, beside the whole namespace. */
	uint8_t call_iptables;
	uint8_t call_ip6tables;
};

static void read_bridge(const struct attr *data, struct device *device)
{
	struct attrs attrs = attrs_nested(data);
	struct attr attr;

	while (attrs_next(&attrs, &attr)) {
		if (attr.type == IFLA_BR_NF_CALL_IPTABLES)
			attr_u8(&attr, &device->call_iptables);
		else if (attr.type == IFLA_BR_NF_CALL_IP6TABLES)
			attr_u8(&attr, &device->call_ip6tables);
	}
}

static int read_device(void *ctx, const struct nlmsghdr *message)
{
	struct attrs attrs =
		attrs_of_message(message, sizeof(struct ifinfomsg));
	struct device *device = ctx;
	struct attr attr, inner;

	if (attrs_find(attrs, IFLA_IFNAME, &attr))
		attr_string(&attr, device->name, sizeof(device->name));
	if (!attrs_find(attrs, IFLA_LINKINFO, &attr))
		return 0;
	if (attrs_find(attrs_nested(&attr), IFLA_INFO_KIND, &inner))
		attr_string(&inner, device->kind, sizeof(device->kind));
	/* Other kinds have other attributes under the same numbers. */
	if (strcmp(device->kind, "bridge") == 0 &&
	    attrs_find(attrs_nested(&attr), IFLA_INFO_DATA, &inner))
		read_bridge(&inner, device);
	return 0;
}

static int ask_device(struct netlink *netlink, uint32_t index,
		      struct device *device)
{
	struct netlink_buffer buffer;
	struct ifinfomsg *header;
	struct nlmsghdr *request;
	int r;

	*device = (struct device){ .index = index };
	request = netlink_put_header(buffer.bytes, RTM_GETLINK, NLM_F_ACK,
				     sizeof(*header));
	header = mnl_nlmsg_get_payload(request);
	header->ifi_index = (int)index;
	r = netlink_request(netlink, request, read_device, device, NULL);
	return r == -ENODEV ? 0 : r; /* gone since */
}

/* ---- the check ----------------------------------------------------------- */

static int unseen(const struct ip_addr *pod, const struct device *bridge,
		  enum setting setting, struct err *err)
{
	const char *name = setting_name(pod->family);
	char text[IP_ADDR_TEXT_LEN];

	ip_addr_format(pod, text);
	if (setting == SETTING_ABSENT)
		return err_set(
			err, -EOPNOTSUPP,
			"pod address %s is reached through the bridge "
			"'%s', and br_netfilter is not loaded: policies "
			"between pods on that bridge would have no "
			"effect; run 'modprobe br_netfilter' and 'sysctl "
			"-w net.bridge.%s=1'",
			text, bridge->name, name);
	return err_set(err, -EOPNOTSUPP,
		       "pod address %s is reached through the bridge '%s', and "
		       "net.bridge.%s is 0: policies between pods on that "
		       "bridge would have no effect; run 'sysctl -w "
		       "net.bridge.%s=1'",
		       text, bridge->name, name, name);
}

/* @device  the one that was asked for last, kept for the next pod */
static int check_pod(struct netlink *netlink, const struct ip_addr *pod,
		     enum setting setting, struct device *device,
		     struct err *err)
{
	struct route route;
	bool called;
	int r;

	r = ask_route(netlink, pod, &route);
	if (r < 0)
		return netlink_err_set(err, r, "asking for a pod's route");
	if (route.device == 0 || route.via_gateway)
		return 0;
	if (route.device != device->index) {
		r = ask_device(netlink, route.device, device);
		if (r < 0)
			return netlink_err_set(err, r,
					       "asking for a pod's device");
	}
	if (strcmp(device->kind, "bridge") != 0)
		return 0;
	called = pod->family == IP_V4 ? device->call_iptables
				      : device->call_ip6tables;
	return called ? 0 : unseen(pod, device, setting, err);
}

static int check_pods(const struct ip_addr *pods, size_t n,
		      const enum setting settings[2], struct err *err)
{
	struct device device = { 0 };
	struct netlink netlink;
	int r;

	r = netlink_init(&netlink, NETLINK_ROUTE);
	if (r < 0)
		netlink_err_set(err, r, "cannot ask the kernel for routes");
	for (size_t i = 0; i < n && r == 0; i++) {
		enum setting setting = settings[pods[i].family == IP_V6];

		if (setting != SETTING_ON)
			r = check_pod(&netlink, &pods[i], setting, &device,
				      err);
	}
	netlink_release(&netlink);
	return r;
}

int bridge_check(const struct ip_addr *pods, size_t n, struct err *err)
{
	const enum setting settings[2] = {
		read_setting(setting_name(IP_V4)),
		read_setting(setting_name(IP_V6)),
	};

	if (settings[0] == SETTING_ON && settings[1] == SETTING_ON)
		return 0;
	return check_pods(pods, n, settings, err);
}
