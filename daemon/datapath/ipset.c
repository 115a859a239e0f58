/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The operations; what their messages look like is in ipset_message.h.
 *
 * "Is there already" and "is not there" are no failures, because NLM_F_EXCL is
 * left out of adds and removals. It is not left out of creation: the kernel
 * takes two hash:ip sets of different families for the same, so what stands
 * there is asked for and compared here.
 */
#include "datapath/ipset.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/ipset/ip_set.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>

#include "datapath/address_list.h"
#include "datapath/attr.h"
#include "datapath/ipset_message.h"
#include "datapath/netlink.h"

/* Members are pods of one node, some hundreds. */
#define MAX_MEMBERS 65536

/* The length of an attribute, ADT here, is sixteen bits. Half of that keeps the
   set locked for well under a millisecond, and costs no speed. */
#define BATCH_LEN IPSET_MESSAGE_LEN

struct ipset {
	struct netlink netlink;
	uint8_t protocol; /* that this kernel speaks */
	_Alignas(struct nlmsghdr) uint8_t batch[BATCH_LEN];
};

/* A longer name would be refused by the kernel as a bare EINVAL. */
static int check_name(const char *name, struct err *err)
{
	size_t len = strlen(name);

	if (len > 0 && len < IPSET_MAXNAMELEN)
		return 0;
	return err_set(err, -EINVAL,
		       "set '%s': a name has 1 to %d characters, not %zu", name,
		       IPSET_MAXNAMELEN - 1, len);
}

/* Start a message about one set. */
static struct nlmsghdr *put_command(const struct ipset *ipset, void *buffer,
				    enum ipset_cmd command, uint16_t flags,
				    const char *name)
{
	struct nlmsghdr *message;

	message = ipset_message_put(ipset->protocol, buffer, command, flags);
	mnl_attr_put_strz(message, IPSET_ATTR_SETNAME, name);
	return message;
}

/* ---- open, create, destroy ----------------------------------------------- */

static int negotiate(struct ipset *ipset, struct err *err)
{
	struct ipset_reply reply = { 0 };
	struct netlink_buffer buffer;
	struct nlmsghdr *request;
	int r;

	ipset->protocol = IPSET_PROTOCOL;
	request = ipset_message_put(ipset->protocol, buffer.bytes,
				    IPSET_CMD_PROTOCOL, NLM_F_ACK);
	r = netlink_request(&ipset->netlink, request, ipset_reply_read, &reply,
			    NULL);
	/* EINVAL: netfilter knows no such subsystem. */
	if (r == -EINVAL || r == -EPROTONOSUPPORT)
		return err_set(err, -EOPNOTSUPP,
			       "ipset: the kernel has none (option "
			       "CONFIG_IP_SET, module ip_set)");
	if (r < 0)
		return netlink_err_set(err, r, "ipset");
	if (reply.protocol < IPSET_PROTOCOL)
		ipset->protocol = reply.protocol;
	if (ipset->protocol < IPSET_PROTOCOL_MIN ||
	    reply.protocol_min > IPSET_PROTOCOL)
		return err_set(err, -EOPNOTSUPP,
			       "ipset: the kernel speaks protocol %u to %u; "
			       "%d to %d are understood",
			       reply.protocol_min, reply.protocol,
			       IPSET_PROTOCOL_MIN, IPSET_PROTOCOL);
	return 0;
}

int ipset_open(struct ipset **out, struct err *err)
{
	struct ipset *ipset;
	int r;

	ipset = calloc(1, sizeof(*ipset));
	if (!ipset)
		return err_set(err, -ENOMEM, "ipset: no memory");
	r = netlink_init(&ipset->netlink, NETLINK_NETFILTER);
	if (r == -EPROTONOSUPPORT)
		err_set(err, r = -EOPNOTSUPP,
			"ipset: the kernel has no netfilter netlink (option "
			"CONFIG_NETFILTER_NETLINK, module nfnetlink)");
	else if (r < 0)
		netlink_err_set(err, r, "ipset: cannot open a socket");
	else
		r = negotiate(ipset, err);
	if (r < 0) {
		ipset_close(ipset);
		return r;
	}
	*out = ipset;
	return 0;
}

void ipset_close(struct ipset *ipset)
{
	if (!ipset)
		return;
	netlink_release(&ipset->netlink);
	free(ipset);
}

struct nlmsghdr *ipset_begin(struct ipset *ipset, enum ipset_cmd command,
			     uint16_t flags, const char *name)
{
	return put_command(ipset, ipset->batch, command, flags, name);
}

int ipset_end(struct ipset *ipset, struct nlmsghdr *message,
	      netlink_message_fn each, void *ctx)
{
	return netlink_request(&ipset->netlink, message, each, ctx, NULL);
}

/* All of them understand what is asked of them here. */
int ipset_find_revision(struct ipset *ipset, const char *type_name,
			enum ip_family family, uint8_t *revision)
{
	struct ipset_reply reply = { 0 };
	struct netlink_buffer buffer;
	struct nlmsghdr *request;
	int r;

	request = ipset_message_put(ipset->protocol, buffer.bytes,
				    IPSET_CMD_TYPE, NLM_F_ACK);
	mnl_attr_put_strz(request, IPSET_ATTR_TYPENAME, type_name);
	mnl_attr_put_u8(request, IPSET_ATTR_FAMILY,
			netlink_netfilter_family((uint8_t)family));
	r = netlink_request(&ipset->netlink, request, ipset_reply_read, &reply,
			    NULL);
	if (r == 0)
		*revision = reply.revision;
	return r;
}

static const char *family_name(uint8_t kernel_family)
{
	switch (kernel_family) {
	case NFPROTO_IPV4:
		return "inet";
	case NFPROTO_IPV6:
		return "inet6";
	default:
		return "unspec";
	}
}

/* Fails with @code where the set that stands there is of another kind. */
static int check_kind(struct ipset *ipset, const char *name, uint8_t family,
		      int code, struct err *err)
{
	uint8_t kernel_family = netlink_netfilter_family(family);
	struct ipset_reply reply = { 0 };
	struct netlink_buffer buffer;
	struct nlmsghdr *request;
	int r;

	request = put_command(ipset, buffer.bytes, IPSET_CMD_HEADER, NLM_F_ACK,
			      name);
	r = netlink_request(&ipset->netlink, request, ipset_reply_read, &reply,
			    NULL);
	if (r < 0)
		return ipset_err_set(err, r, "set '%s' cannot be looked at",
				     name);
	if (strcmp(reply.type_name, IPSET_TYPE_NAME) == 0 &&
	    reply.family == kernel_family)
		return 0;
	return err_set(err, code,
		       "set '%s' is of type %s, family %s; expected type %s, "
		       "family %s; if nobody else uses that set, "
		       "'ipset destroy %s' makes room",
		       name, reply.type_name, family_name(reply.family),
		       IPSET_TYPE_NAME, family_name(kernel_family), name);
}

int ipset_create(struct ipset *ipset, const char *name, enum ip_family family,
		 struct err *err)
{
	uint8_t kernel_family = netlink_netfilter_family((uint8_t)family);
	struct netlink_buffer buffer;
	struct nlmsghdr *request;
	uint8_t revision = 0;
	struct nlattr *data;
	int r;

	r = check_name(name, err);
	if (r < 0)
		return r;
	r = ipset_find_revision(ipset, IPSET_TYPE_NAME, family, &revision);
	if (r < 0)
		return ipset_err_set(err, r, "set '%s' cannot be created",
				     name);

	request = put_command(ipset, buffer.bytes, IPSET_CMD_CREATE,
			      NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, name);
	mnl_attr_put_strz(request, IPSET_ATTR_TYPENAME, IPSET_TYPE_NAME);
	mnl_attr_put_u8(request, IPSET_ATTR_REVISION, revision);
	mnl_attr_put_u8(request, IPSET_ATTR_FAMILY, kernel_family);
	data = mnl_attr_nest_start(request, IPSET_ATTR_DATA);
	mnl_attr_put_u32(request, IPSET_ATTR_MAXELEM | NLA_F_NET_BYTEORDER,
			 htonl(MAX_MEMBERS));
	mnl_attr_nest_end(request, data);
	r = netlink_request(&ipset->netlink, request, NULL, NULL, NULL);
	if (r == -EEXIST)
		return check_kind(ipset, name, (uint8_t)family, -EEXIST, err);
	return r < 0 ? ipset_err_set(err, r, "set '%s' cannot be created", name)
		     : 0;
}

int ipset_destroy(struct ipset *ipset, const char *name, struct err *err)
{
	struct netlink_buffer buffer;
	struct nlmsghdr *request;
	int r;

	r = check_name(name, err);
	if (r < 0)
		return r;
	request = put_command(ipset, buffer.bytes, IPSET_CMD_DESTROY, NLM_F_ACK,
			      name);
	r = netlink_request(&ipset->netlink, request, NULL, NULL, NULL);
	if (r == -ENOENT) /* newer kernels leave that out by themselves */
		return 0;
	return r < 0 ? ipset_err_set(err, r, "set '%s' cannot be destroyed",
				     name)
		     : 0;
}

/* ---- members ------------------------------------------------------------- */

static struct nlmsghdr *put_change(struct ipset *ipset, enum ipset_cmd command,
				   const char *name,
				   const struct ip_addr *members, size_t n,
				   size_t *n_taken)
{
	struct nlmsghdr *message;
	struct nlattr *adt;
	size_t i;

	message = put_command(ipset, ipset->batch, command, NLM_F_ACK, name);
	mnl_attr_put_u32(message, IPSET_ATTR_LINENO, 0);
	adt = mnl_attr_nest_start(message, IPSET_ATTR_ADT);
	for (i = 0; i < n && message->nlmsg_len + IPSET_MEMBER_LEN <= BATCH_LEN;
	     i++)
		ipset_message_put_member(message, &members[i], (uint32_t)i + 1);
	mnl_attr_nest_end(message, adt);
	*n_taken = i;
	return message;
}

static int change_failed(struct ipset *ipset, int code, const char *name,
			 const char *verb, const struct ip_addr *batch,
			 size_t n, struct err *err)
{
	uint32_t line = ipset_failed_line(ipset->netlink.failed);
	bool known = line >= 1 && line <= n;
	const struct ip_addr *member = &batch[known ? line - 1 : 0];
	char text[IP_ADDR_TEXT_LEN];
	int r;

	/* An address of the other family looks to the kernel like a request
	   without an address. */
	if (code == -IPSET_ERR_PROTOCOL) {
		r = check_kind(ipset, name, member->family, -EMEDIUMTYPE, err);
		if (r < 0)
			return r;
	}
	if (!known)
		return ipset_err_set(err, code, "set '%s': cannot %s members",
				     name, verb);
	return ipset_err_set(err, code, "set '%s': cannot %s %s", name, verb,
			     ip_addr_format(member, text));
}

/* Members before the one that fails are changed. */
static int change(struct ipset *ipset, enum ipset_cmd command, const char *name,
		  const struct ip_addr *members, size_t n, struct err *err)
{
	const char *verb = command == IPSET_CMD_ADD ? "add" : "remove";
	int r;

	r = check_name(name, err);
	if (r < 0)
		return r;
	while (n > 0) {
		struct nlmsghdr *message;
		size_t n_taken;

		message =
			put_change(ipset, command, name, members, n, &n_taken);
		r = netlink_request(&ipset->netlink, message, NULL, NULL, NULL);
		if (r < 0)
			return change_failed(ipset, r, name, verb, members,
					     n_taken, err);
		members += n_taken;
		n -= n_taken;
	}
	return 0;
}

int ipset_add(struct ipset *ipset, const char *name,
	      const struct ip_addr *members, size_t n, struct err *err)
{
	return change(ipset, IPSET_CMD_ADD, name, members, n, err);
}

int ipset_remove(struct ipset *ipset, const char *name,
		 const struct ip_addr *members, size_t n, struct err *err)
{
	return change(ipset, IPSET_CMD_DEL, name, members, n, err);
}

/* ---- listing ------------------------------------------------------------- */

struct listing {
	struct address_list members;
	char type_name[IPSET_MAXNAMELEN]; /* "" until the kernel has said */
};

/* The first message of a list carries the set's header, each one members. */
static int listing_read(void *ctx, const struct nlmsghdr *message)
{
	struct listing *listing = ctx;
	struct ipset_reply reply = { 0 };
	struct ip_addr member;
	struct attrs members;
	struct attr data;
	int r;

	ipset_reply_read(&reply, message);
	if (reply.type_name[0])
		strcpy(listing->type_name, reply.type_name);
	if (strcmp(listing->type_name, IPSET_TYPE_NAME) != 0)
		return -EMEDIUMTYPE;
	members = attrs_nested(&reply.members);
	while (attrs_next(&members, &data)) {
		r = ipset_member_read(&data, &member);
		if (r == 0)
			r = address_list_append(&listing->members, &member);
		if (r < 0)
			return r;
	}
	return 0;
}

int ipset_list(struct ipset *ipset, const char *name, struct ip_addr **members,
	       size_t *n, struct err *err)
{
	struct listing listing = { 0 };
	struct netlink_buffer buffer;
	struct nlmsghdr *request;
	int r;

	r = check_name(name, err);
	if (r < 0)
		return r;
	request = put_command(ipset, buffer.bytes, IPSET_CMD_LIST, NLM_F_DUMP,
			      name);
	r = netlink_request(&ipset->netlink, request, listing_read, &listing,
			    NULL);
	if (r < 0) {
		free(listing.members.items);
		if (r == -EMEDIUMTYPE)
			return err_set(
				err, r, "set '%s' is of type %s; expected %s",
				name, listing.type_name, IPSET_TYPE_NAME);
		return ipset_err_set(err, r, "set '%s' cannot be listed", name);
	}
	address_list_sort(&listing.members);
	*members = listing.members.items;
	*n = listing.members.n;
	return 0;
}
