/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/ipset_message.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/ipset/ip_set_hash.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <libmnl/libmnl.h>

#include "datapath/netlink.h"

/* ---- writing ------------------------------------------------------------- */

struct nlmsghdr *ipset_message_put(uint8_t protocol, void *buffer,
				   enum ipset_cmd command, uint16_t flags)
{
	struct nlmsghdr *message;

	message = netlink_put_netfilter(buffer, NFNL_SUBSYS_IPSET,
					(uint8_t)command, flags, NFPROTO_IPV4);
	mnl_attr_put_u8(message, IPSET_ATTR_PROTOCOL, protocol);
	return message;
}

void ipset_message_put_member(struct nlmsghdr *message,
			      const struct ip_addr *member, uint32_t line)
{
	struct nlattr *data, *ip;
	uint16_t type;

	type = member->family == IP_V4 ? IPSET_ATTR_IPADDR_IPV4
				       : IPSET_ATTR_IPADDR_IPV6;
	data = mnl_attr_nest_start(message, IPSET_ATTR_DATA);
	ip = mnl_attr_nest_start(message, IPSET_ATTR_IP);
	mnl_attr_put(message, type | NLA_F_NET_BYTEORDER, ip_addr_len(member),
		     member->bytes);
	mnl_attr_nest_end(message, ip);
	mnl_attr_put_u32(message, IPSET_ATTR_LINENO, line);
	mnl_attr_nest_end(message, data);
}

/* ---- reading ------------------------------------------------------------- */

int ipset_reply_read(void *ctx, const struct nlmsghdr *message)
{
	struct attrs attrs = attrs_of_message(message, sizeof(struct nfgenmsg));
	struct ipset_reply *reply = ctx;
	struct attr attr;

	while (attrs_next(&attrs, &attr)) {
		if (attr.type == IPSET_ATTR_PROTOCOL)
			attr_u8(&attr, &reply->protocol);
		else if (attr.type == IPSET_ATTR_PROTOCOL_MIN)
			attr_u8(&attr, &reply->protocol_min);
		else if (attr.type == IPSET_ATTR_REVISION)
			attr_u8(&attr, &reply->revision);
		else if (attr.type == IPSET_ATTR_FAMILY)
			attr_u8(&attr, &reply->family);
		else if (attr.type == IPSET_ATTR_TYPENAME)
			attr_string(&attr, reply->type_name,
				    sizeof(reply->type_name));
		else if (attr.type == IPSET_ATTR_LINENO)
			attr_u32(&attr, &reply->line);
		else if (attr.type == IPSET_ATTR_ADT)
			reply->members = attr;
	}
	return 0;
}

int ipset_member_read(const struct attr *data, struct ip_addr *out)
{
	struct attr ip, addr;

	if (!attrs_find(attrs_nested(data), IPSET_ATTR_IP, &ip))
		return -EBADMSG;
	if (!attrs_find(attrs_nested(&ip), IPSET_ATTR_IPADDR_IPV4, &addr) &&
	    !attrs_find(attrs_nested(&ip), IPSET_ATTR_IPADDR_IPV6, &addr))
		return -EBADMSG;
	return attr_ip(&addr, out) ? 0 : -EBADMSG;
}

uint32_t ipset_failed_line(const struct nlmsghdr *failed)
{
	struct ipset_reply reply = { 0 };
	const struct nlmsgerr *error;
	size_t len;

	if (!failed)
		return 0;
	len = mnl_nlmsg_get_payload_len(failed);
	if (len < sizeof(*error))
		return 0;
	error = mnl_nlmsg_get_payload(failed);
	if (error->msg.nlmsg_len > len - offsetof(struct nlmsgerr, msg))
		return 0;
	ipset_reply_read(&reply, &error->msg);
	return reply.line;
}

/* ---- errors -------------------------------------------------------------- */

static const struct {
	int kernel; /* the kernel's own number, beyond errno's */
	int code;
	const char *meaning;
} kernel_errors[] = {
	{ IPSET_ERR_PROTOCOL, EPROTO,
	  "the kernel does not understand the request" },
	{ IPSET_ERR_FIND_TYPE, EOPNOTSUPP,
	  "the kernel has no sets of type " IPSET_TYPE_NAME
	  " (option CONFIG_IP_SET_HASH_IP, module ip_set_hash_ip)" },
	{ IPSET_ERR_MAX_SETS, ENOSPC,
	  "the kernel holds as many sets as it can (option "
	  "CONFIG_IP_SET_MAX)" },
	{ IPSET_ERR_BUSY, EBUSY, "a rule or another set uses it" },
	{ IPSET_ERR_IPADDR_IPV4, EAFNOSUPPORT, "the set holds IPv4 addresses" },
	{ IPSET_ERR_IPADDR_IPV6, EAFNOSUPPORT, "the set holds IPv6 addresses" },
	{ IPSET_ERR_HASH_FULL, ENOSPC, "the set is full" },
	{ IPSET_ERR_HASH_ELEM, EINVAL,
	  "the unspecified address cannot be a member" },
	{ ENOENT, ENOENT, "there is no such set" },
};

int ipset_err_set(struct err *err, int code, const char *fmt, ...)
{
	const size_t n = sizeof(kernel_errors) / sizeof(kernel_errors[0]);
	char words[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(words, sizeof(words), fmt, args);
	va_end(args);
	for (size_t i = 0; i < n; i++)
		if (-code == kernel_errors[i].kernel)
			return err_set(err, -kernel_errors[i].code, "%s: %s",
				       words, kernel_errors[i].meaning);
	if (code <= -IPSET_ERR_PRIVATE)
		return err_set(err, -EPROTO, "%s: ipset error %d of the kernel",
			       words, -code);
	return netlink_err_set(err, code, "%s", words);
}
