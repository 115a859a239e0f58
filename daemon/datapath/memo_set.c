/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/memo_set.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/ipset/ip_set.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <libmnl/libmnl.h>

#include "datapath/attr.h"
#include "datapath/ipset_message.h"
#include "datapath/netlink.h"

#define TYPE_NAME "hash:ip,port,ip"

/* Room that one member needs at most: DATA { IP { 16 bytes }, PORT, PROTO,
   IP2 { 16 bytes }, LINENO }, with headers of four bytes each, padded. */
#define MEMBER_LEN (4 + 4 + 4 + 16 + 8 + 8 + 4 + 4 + 16 + 8)

/* ---- making ------------------------------------------------------------- */

/* How a set that stands was made. */
struct header {
	char type_name[IPSET_MAXNAMELEN];
	uint32_t max, timeout_s, flags, n_members;
};

static void read_data(struct header *header, const struct attr *data)
{
	struct attrs attrs = attrs_nested(data);
	struct attr attr;

	while (attrs_next(&attrs, &attr)) {
		if (attr.type == IPSET_ATTR_MAXELEM)
			attr_be32(&attr, &header->max);
		else if (attr.type == IPSET_ATTR_TIMEOUT)
			attr_be32(&attr, &header->timeout_s);
		else if (attr.type == IPSET_ATTR_CADT_FLAGS)
			attr_be32(&attr, &header->flags);
		else if (attr.type == IPSET_ATTR_ELEMENTS)
			attr_be32(&attr, &header->n_members);
	}
}

static int read_header(void *ctx, const struct nlmsghdr *message)
{
	struct attrs attrs = attrs_of_message(message, sizeof(struct nfgenmsg));
	struct header *header = ctx;
	struct attr attr;

	while (attrs_next(&attrs, &attr)) {
		if (attr.type == IPSET_ATTR_TYPENAME)
			attr_string(&attr, header->type_name,
				    sizeof(header->type_name));
		else if (attr.type == IPSET_ATTR_DATA)
			read_data(header, &attr);
	}
	return 0;
}

/* Returns 0 or a code for ipset_err_set(). */
static int find_header(struct ipset *ipset, const char *name,
		       struct header *header)
{
	struct nlmsghdr *message =
		ipset_begin(ipset, IPSET_CMD_LIST, NLM_F_DUMP, name);

	*header = (struct header){ .max = 0 };
	mnl_attr_put_u32(message, IPSET_ATTR_FLAGS | NLA_F_NET_BYTEORDER,
			 htonl(IPSET_FLAG_LIST_HEADER));
	return ipset_end(ipset, message, read_header, header);
}

static void put_number(struct nlmsghdr *message, uint16_t type, uint32_t value)
{
	mnl_attr_put_u32(message, type | NLA_F_NET_BYTEORDER, htonl(value));
}

static int create(struct ipset *ipset, const char *name,
		  const struct memo_set_options *options, struct err *err)
{
	uint8_t family = netlink_netfilter_family((uint8_t)options->family);
	struct nlmsghdr *message;
	struct nlattr *data;
	uint8_t revision = 0;
	int r = ipset_find_revision(ipset, TYPE_NAME, options->family,
				    &revision);

	if (r == -IPSET_ERR_FIND_TYPE)
		return err_set(err, -EOPNOTSUPP,
			       "set '%s' cannot be created: the kernel has no "
			       "sets of type " TYPE_NAME
			       " (option CONFIG_IP_SET_HASH_IPPORTIP, module "
			       "ip_set_hash_ipportip); --kernel-cache=off does "
			       "without",
			       name);
	if (r < 0)
		return ipset_err_set(err, r, "set '%s' cannot be created",
				     name);
	message = ipset_begin(ipset, IPSET_CMD_CREATE,
			      NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, name);
	mnl_attr_put_strz(message, IPSET_ATTR_TYPENAME, TYPE_NAME);
	mnl_attr_put_u8(message, IPSET_ATTR_REVISION, revision);
	mnl_attr_put_u8(message, IPSET_ATTR_FAMILY, family);
	data = mnl_attr_nest_start(message, IPSET_ATTR_DATA);
	put_number(message, IPSET_ATTR_HASHSIZE, options->max);
	put_number(message, IPSET_ATTR_MAXELEM, options->max);
	put_number(message, IPSET_ATTR_TIMEOUT, options->timeout_s);
	put_number(message, IPSET_ATTR_CADT_FLAGS, IPSET_FLAG_WITH_COUNTERS);
	mnl_attr_nest_end(message, data);
	r = ipset_end(ipset, message, NULL, NULL);
	return r < 0 ? ipset_err_set(err, r, "set '%s' cannot be created", name)
		     : 0;
}

/* Rules follow the name. */
static int exchange(struct ipset *ipset, const struct memo_set_options *options,
		    struct err *err)
{
	char other[IPSET_MAXNAMELEN];
	struct nlmsghdr *message;
	int r;

	snprintf(other, sizeof(other), "%s-new", options->name);
	r = ipset_destroy(ipset, other, err);
	if (r == 0)
		r = create(ipset, other, options, err);
	if (r < 0)
		return r;
	message = ipset_begin(ipset, IPSET_CMD_SWAP, NLM_F_ACK, options->name);
	mnl_attr_put_strz(message, IPSET_ATTR_SETNAME2, other);
	r = ipset_end(ipset, message, NULL, NULL);
	if (r < 0) {
		ipset_destroy(ipset, other, NULL);
		return ipset_err_set(err, r, "set '%s' cannot be made anew",
				     options->name);
	}
	return ipset_destroy(ipset, other, err);
}

int memo_set_create(struct ipset *ipset, const struct memo_set_options *options,
		    struct err *err)
{
	const char *name = options->name;
	struct header header;
	int r = find_header(ipset, name, &header);

	if (r == -ENOENT)
		return create(ipset, name, options, err);
	if (r < 0)
		return ipset_err_set(err, r, "set '%s' cannot be looked at",
				     name);
	if (strcmp(header.type_name, TYPE_NAME) != 0)
		return err_set(
			err, -EEXIST,
			"set '%s' is of type %s; expected type " TYPE_NAME
			"; if nobody else uses that set, "
			"'ipset destroy %s' makes room",
			name, header.type_name, name);
	if (header.max == options->max &&
	    header.timeout_s == options->timeout_s &&
	    header.flags & IPSET_FLAG_WITH_COUNTERS)
		return 0;
	return exchange(ipset, options, err);
}

/* ---- members ------------------------------------------------------------ */

static void put_address(struct nlmsghdr *message, uint16_t type,
			const struct ip_addr *addr)
{
	struct nlattr *nest = mnl_attr_nest_start(message, type);
	uint16_t kind = addr->family == IP_V4 ? IPSET_ATTR_IPADDR_IPV4
					      : IPSET_ATTR_IPADDR_IPV6;

	mnl_attr_put(message, kind | NLA_F_NET_BYTEORDER, ip_addr_len(addr),
		     addr->bytes);
	mnl_attr_nest_end(message, nest);
}

static void put_member(struct nlmsghdr *message, const struct memo *member,
		       uint32_t line)
{
	struct nlattr *data = mnl_attr_nest_start(message, IPSET_ATTR_DATA);

	put_address(message, IPSET_ATTR_IP, &member->src);
	mnl_attr_put_u16(message, IPSET_ATTR_PORT | NLA_F_NET_BYTEORDER,
			 htons(member->port));
	mnl_attr_put_u8(message, IPSET_ATTR_PROTO, member->protocol);
	put_address(message, IPSET_ATTR_IP2, &member->dst);
	mnl_attr_put_u32(message, IPSET_ATTR_LINENO, line);
	mnl_attr_nest_end(message, data);
}

/* As many as one message takes. */
static int change_some(struct ipset *ipset, enum ipset_cmd command,
		       const char *name, const struct memo *members, size_t n,
		       size_t *n_taken)
{
	struct nlmsghdr *message = ipset_begin(ipset, command, NLM_F_ACK, name);
	struct nlattr *adt;
	size_t i;

	mnl_attr_put_u32(message, IPSET_ATTR_LINENO, 0);
	adt = mnl_attr_nest_start(message, IPSET_ATTR_ADT);
	for (i = 0;
	     i < n && message->nlmsg_len + MEMBER_LEN <= IPSET_MESSAGE_LEN; i++)
		put_member(message, &members[i], (uint32_t)i + 1);
	mnl_attr_nest_end(message, adt);
	*n_taken = i;
	return ipset_end(ipset, message, NULL, NULL);
}

static int change(struct ipset *ipset, enum ipset_cmd command, const char *name,
		  const struct memo *members, size_t n, struct err *err)
{
	while (n > 0) {
		size_t n_taken;
		int r = change_some(ipset, command, name, members, n, &n_taken);

		if (r < 0)
			return ipset_err_set(
				err, r, "set '%s': cannot %s members", name,
				command == IPSET_CMD_ADD ? "add" : "remove");
		members += n_taken;
		n -= n_taken;
	}
	return 0;
}

int memo_set_add(struct ipset *ipset, const char *name,
		 const struct memo *members, size_t n, struct err *err)
{
	return change(ipset, IPSET_CMD_ADD, name, members, n, err);
}

int memo_set_remove(struct ipset *ipset, const char *name,
		    const struct memo *members, size_t n, struct err *err)
{
	return change(ipset, IPSET_CMD_DEL, name, members, n, err);
}

int memo_set_flush(struct ipset *ipset, const char *name, struct err *err)
{
	int r = ipset_end(ipset,
			  ipset_begin(ipset, IPSET_CMD_FLUSH, NLM_F_ACK, name),
			  NULL, NULL);

	return r < 0 ? ipset_err_set(err, r, "set '%s' cannot be flushed", name)
		     : 0;
}

/* ---- reading ------------------------------------------------------------ */

int memo_set_count(struct ipset *ipset, const char *name, size_t *n,
		   struct err *err)
{
	struct header header;
	int r = find_header(ipset, name, &header);

	if (r < 0)
		return ipset_err_set(err, r, "set '%s' cannot be looked at",
				     name);
	*n = header.n_members;
	return 0;
}

static bool read_address(const struct attr *nest, struct ip_addr *out)
{
	struct attr addr;

	return (attrs_find(attrs_nested(nest), IPSET_ATTR_IPADDR_IPV4, &addr) ||
		attrs_find(attrs_nested(nest), IPSET_ATTR_IPADDR_IPV6,
			   &addr)) &&
	       attr_ip(&addr, out);
}

static bool read_member(const struct attr *data, struct memo *out,
			struct memo_counters *counters)
{
	struct attrs attrs = attrs_nested(data);
	struct memo member = { .port = 0 };
	bool ok = true;
	struct attr attr;

	*counters = (struct memo_counters){ .packets = 0 };
	while (attrs_next(&attrs, &attr)) {
		if (attr.type == IPSET_ATTR_IP)
			ok &= read_address(&attr, &member.src);
		else if (attr.type == IPSET_ATTR_IP2)
			ok &= read_address(&attr, &member.dst);
		else if (attr.type == IPSET_ATTR_PORT)
			ok &= attr_be16(&attr, &member.port);
		else if (attr.type == IPSET_ATTR_PROTO)
			ok &= attr_u8(&attr, &member.protocol);
		else if (attr.type == IPSET_ATTR_PACKETS)
			ok &= attr_be64(&attr, &counters->packets);
		else if (attr.type == IPSET_ATTR_BYTES)
			ok &= attr_be64(&attr, &counters->bytes);
		else if (attr.type == IPSET_ATTR_TIMEOUT)
			ok &= attr_be32(&attr, &counters->left_s);
	}
	*out = member;
	return ok && member.src.family &&
	       member.src.family == member.dst.family;
}

struct walk {
	memo_member_fn each;
	void *ctx;
	bool stopped; /* by the callback */
};

static int walk_message(void *ctx, const struct nlmsghdr *message)
{
	struct ipset_reply reply = { 0 };
	struct walk *walk = ctx;
	struct attrs members;
	struct attr data;
	int r = 0;

	ipset_reply_read(&reply, message);
	members = attrs_nested(&reply.members);
	while (r == 0 && attrs_next(&members, &data)) {
		struct memo_counters counters;
		struct memo member;

		if (!read_member(&data, &member, &counters))
			return -EBADMSG;
		r = walk->each(walk->ctx, &member, &counters);
		walk->stopped = r != 0;
	}
	return r;
}

int memo_set_walk(struct ipset *ipset, const char *name, memo_member_fn each,
		  void *ctx, struct err *err)
{
	struct walk walk = { .each = each, .ctx = ctx };
	int r = ipset_end(ipset,
			  ipset_begin(ipset, IPSET_CMD_LIST, NLM_F_DUMP, name),
			  walk_message, &walk);

	if (r < 0 && !walk.stopped)
		return ipset_err_set(err, r, "set '%s' cannot be listed", name);
	return r;
}
