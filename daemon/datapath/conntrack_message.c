/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/conntrack_message.h"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <netinet/in.h>

#include <libmnl/libmnl.h>

#include "datapath/attr.h"
#include "datapath/netlink.h"

/* What CTA_FILTER compares of a tuple; the kernel has no header for it
   (CTA_FILTER_F_CTA_IP_SRC in net/netfilter/nf_internals.h). */
#define FILTER_IP_SRC (1u << 0)

/* ---- reading ------------------------------------------------------------- */

static bool read_addresses(const struct attr *nest, struct conntrack_tuple *out)
{
	struct attrs attrs = attrs_nested(nest);
	struct attr attr;

	while (attrs_next(&attrs, &attr)) {
		if (attr.type == CTA_IP_V4_SRC || attr.type == CTA_IP_V6_SRC) {
			if (!attr_ip(&attr, &out->src))
				return false;
		} else if (attr.type == CTA_IP_V4_DST ||
			   attr.type == CTA_IP_V6_DST) {
			if (!attr_ip(&attr, &out->dst))
				return false;
		}
	}
	return out->src.family != IP_NONE && out->src.family == out->dst.family;
}

static bool read_protocol_attr(const struct attr *attr,
			       struct conntrack_tuple *out, uint8_t *protocol)
{
	switch (attr->type) {
	case CTA_PROTO_NUM:
		return attr_u8(attr, protocol);
	case CTA_PROTO_SRC_PORT:
		return attr_be16(attr, &out->src_port);
	case CTA_PROTO_DST_PORT:
		return attr_be16(attr, &out->dst_port);
	case CTA_PROTO_ICMP_ID:
	case CTA_PROTO_ICMPV6_ID:
		return attr_be16(attr, &out->icmp_id);
	case CTA_PROTO_ICMP_TYPE:
	case CTA_PROTO_ICMPV6_TYPE:
		return attr_u8(attr, &out->icmp_type);
	case CTA_PROTO_ICMP_CODE:
	case CTA_PROTO_ICMPV6_CODE:
		return attr_u8(attr, &out->icmp_code);
	default:
		return true;
	}
}

static bool read_protocol(const struct attr *nest, struct conntrack_tuple *out,
			  uint8_t *protocol)
{
	struct attrs attrs = attrs_nested(nest);
	struct attr attr;

	while (attrs_next(&attrs, &attr))
		if (!read_protocol_attr(&attr, out, protocol))
			return false;
	return true;
}

static bool read_tuple(const struct attr *nest, struct conntrack_tuple *out,
		       uint8_t *protocol, uint16_t *zone)
{
	struct attrs attrs = attrs_nested(nest);
	struct attr attr;
	bool ok = true;

	while (ok && attrs_next(&attrs, &attr)) {
		if (attr.type == CTA_TUPLE_IP)
			ok = read_addresses(&attr, out);
		else if (attr.type == CTA_TUPLE_PROTO)
			ok = read_protocol(&attr, out, protocol);
		else if (attr.type == CTA_TUPLE_ZONE)
			ok = attr_be16(&attr, zone);
	}
	return ok && out->src.family != IP_NONE;
}

/* PROTOINFO { TCP { STATE } }; other protocols have other nests. */
static bool read_tcp_state(const struct attr *nest, uint8_t *state)
{
	struct attr tcp, attr;

	if (!attrs_find(attrs_nested(nest), CTA_PROTOINFO_TCP, &tcp) ||
	    !attrs_find(attrs_nested(&tcp), CTA_PROTOINFO_TCP_STATE, &attr))
		return true;
	return attr_u8(&attr, state);
}

static bool read_entry_attr(const struct attr *attr,
			    struct conntrack_entry *out)
{
	uint8_t protocol;
	uint16_t zone;

	switch (attr->type) {
	case CTA_TUPLE_ORIG:
		/* A zone of one direction stands inside that direction's
		   tuple. It is the original one that names the entry. */
		return read_tuple(attr, &out->original, &out->protocol,
				  &out->zone);
	case CTA_TUPLE_REPLY:
		return read_tuple(attr, &out->reply, &protocol, &zone);
	case CTA_TUPLE_MASTER:
		return read_tuple(attr, &out->master, &out->master_protocol,
				  &zone);
	case CTA_HELP:
		out->has_helper = true;
		return true;
	case CTA_ZONE:
		return attr_be16(attr, &out->zone);
	case CTA_MARK:
		return attr_be32(attr, &out->mark);
	case CTA_STATUS:
		return attr_be32(attr, &out->status);
	case CTA_PROTOINFO:
		return read_tcp_state(attr, &out->tcp_state);
	default:
		return true;
	}
}

bool conntrack_message_read(const struct nlmsghdr *message,
			    struct conntrack_entry *out)
{
	struct attrs attrs = attrs_of_message(message, sizeof(struct nfgenmsg));
	struct attr attr;

	*out = (struct conntrack_entry){ 0 };
	while (attrs_next(&attrs, &attr))
		if (!read_entry_attr(&attr, out))
			return false;
	return out->original.src.family != IP_NONE &&
	       out->reply.src.family != IP_NONE;
}

/* ---- ends ---------------------------------------------------------------- */

static bool read_count(const struct attr *nest, struct conntrack_count *out)
{
	struct attr packets, bytes;

	return attrs_find(attrs_nested(nest), CTA_COUNTERS_PACKETS, &packets) &&
	       attrs_find(attrs_nested(nest), CTA_COUNTERS_BYTES, &bytes) &&
	       attr_be64(&packets, &out->packets) &&
	       attr_be64(&bytes, &out->bytes);
}

static bool read_time(const struct attr *nest, uint16_t type, int64_t *out)
{
	struct attr attr;
	uint64_t ns;

	if (!attrs_find(attrs_nested(nest), type, &attr) ||
	    !attr_be64(&attr, &ns))
		return false;
	*out = (int64_t)(ns / 1000);
	return true;
}

bool conntrack_message_read_end(const struct nlmsghdr *message,
				struct conntrack_end *out)
{
	struct attrs attrs = attrs_of_message(message, sizeof(struct nfgenmsg));
	struct attr original, reply, times;

	*out = (struct conntrack_end){ .is_counted = false };
	if (!conntrack_message_read(message, &out->entry))
		return false;
	out->is_counted = attrs_find(attrs, CTA_COUNTERS_ORIG, &original) &&
			  attrs_find(attrs, CTA_COUNTERS_REPLY, &reply) &&
			  read_count(&original, &out->original) &&
			  read_count(&reply, &out->reply);
	out->is_timed =
		attrs_find(attrs, CTA_TIMESTAMP, &times) &&
		read_time(&times, CTA_TIMESTAMP_START, &out->began_us) &&
		read_time(&times, CTA_TIMESTAMP_STOP, &out->ended_us);
	return true;
}

/* ---- writing ------------------------------------------------------------- */

struct nlmsghdr *conntrack_message_put(void *buffer,
				       enum cntl_msg_types command,
				       uint16_t flags, uint8_t family)
{
	return netlink_put_netfilter(buffer, NFNL_SUBSYS_CTNETLINK,
				     (uint8_t)command, flags,
				     netlink_netfilter_family(family));
}

static void put_addresses(struct nlmsghdr *message,
			  const struct conntrack_tuple *tuple)
{
	bool v4 = tuple->src.family == IP_V4;
	struct nlattr *nest;

	nest = mnl_attr_nest_start(message, CTA_TUPLE_IP);
	mnl_attr_put(message, v4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC,
		     ip_addr_len(&tuple->src), tuple->src.bytes);
	mnl_attr_put(message, v4 ? CTA_IP_V4_DST : CTA_IP_V6_DST,
		     ip_addr_len(&tuple->dst), tuple->dst.bytes);
	mnl_attr_nest_end(message, nest);
}

/* Where a protocol has no ports, the kernel passes them over. */
static void put_protocol(struct nlmsghdr *message,
			 const struct conntrack_tuple *tuple, uint8_t protocol)
{
	struct nlattr *nest;

	nest = mnl_attr_nest_start(message, CTA_TUPLE_PROTO);
	mnl_attr_put_u8(message, CTA_PROTO_NUM, protocol);
	if (protocol == IPPROTO_ICMP) {
		mnl_attr_put_u16(message, CTA_PROTO_ICMP_ID,
				 htons(tuple->icmp_id));
		mnl_attr_put_u8(message, CTA_PROTO_ICMP_TYPE, tuple->icmp_type);
		mnl_attr_put_u8(message, CTA_PROTO_ICMP_CODE, tuple->icmp_code);
	} else if (protocol == IPPROTO_ICMPV6) {
		mnl_attr_put_u16(message, CTA_PROTO_ICMPV6_ID,
				 htons(tuple->icmp_id));
		mnl_attr_put_u8(message, CTA_PROTO_ICMPV6_TYPE,
				tuple->icmp_type);
		mnl_attr_put_u8(message, CTA_PROTO_ICMPV6_CODE,
				tuple->icmp_code);
	} else {
		mnl_attr_put_u16(message, CTA_PROTO_SRC_PORT,
				 htons(tuple->src_port));
		mnl_attr_put_u16(message, CTA_PROTO_DST_PORT,
				 htons(tuple->dst_port));
	}
	mnl_attr_nest_end(message, nest);
}

/* An entry is named by the tuple that it was opened with, and its zone. */
static void put_name(struct nlmsghdr *message,
		     const struct conntrack_tuple *original, uint8_t protocol,
		     uint16_t zone)
{
	struct nlattr *nest = mnl_attr_nest_start(message, CTA_TUPLE_ORIG);

	put_addresses(message, original);
	put_protocol(message, original, protocol);
	mnl_attr_nest_end(message, nest);
	if (zone != 0)
		mnl_attr_put_u16(message, CTA_ZONE, htons(zone));
}

struct nlmsghdr *
conntrack_message_put_find(void *buffer, const struct conntrack_tuple *original,
			   uint8_t protocol, uint16_t zone)
{
	struct nlmsghdr *message;

	message = conntrack_message_put(buffer, IPCTNL_MSG_CT_GET, NLM_F_ACK,
					original->src.family);
	put_name(message, original, protocol, zone);
	return message;
}

struct nlmsghdr *conntrack_message_put_mark(void *buffer,
					    const struct conntrack_entry *entry,
					    uint32_t value, uint32_t mask)
{
	struct nlmsghdr *message;

	message = conntrack_message_put(buffer, IPCTNL_MSG_CT_NEW, 0,
					entry->original.src.family);
	put_name(message, &entry->original, entry->protocol, entry->zone);
	/* A bit of the value outside the mask would toggle a foreign one. */
	mnl_attr_put_u32(message, CTA_MARK, htonl(value & mask));
	mnl_attr_put_u32(message, CTA_MARK_MASK, htonl(mask));
	return message;
}

/* ---- filters ------------------------------------------------------------- */

/* A tuple of which nothing but the source is compared. */
static void put_source(struct nlmsghdr *message, uint16_t type,
		       const struct ip_addr *src)
{
	struct nlattr *tuple = mnl_attr_nest_start(message, type);
	struct nlattr *ip = mnl_attr_nest_start(message, CTA_TUPLE_IP);

	mnl_attr_put(message,
		     src->family == IP_V4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC,
		     ip_addr_len(src), src->bytes);
	mnl_attr_nest_end(message, ip);
	mnl_attr_nest_end(message, tuple);
}

static void put_ends(struct nlmsghdr *message,
		     const struct conntrack_filter *filter)
{
	struct nlattr *nest;

	if (filter->client)
		put_source(message, CTA_TUPLE_ORIG, filter->client);
	if (filter->server)
		put_source(message, CTA_TUPLE_REPLY, filter->server);
	nest = mnl_attr_nest_start(message, CTA_FILTER);
	mnl_attr_put_u32(message, CTA_FILTER_ORIG_FLAGS,
			 filter->client ? FILTER_IP_SRC : 0);
	mnl_attr_put_u32(message, CTA_FILTER_REPLY_FLAGS,
			 filter->server ? FILTER_IP_SRC : 0);
	mnl_attr_nest_end(message, nest);
}

struct nlmsghdr *
conntrack_message_put_dump(void *buffer, const struct conntrack_filter *filter)
{
	struct nlmsghdr *message;

	message = conntrack_message_put(buffer, IPCTNL_MSG_CT_GET, NLM_F_DUMP,
					(uint8_t)filter->family);
	if (filter->mark_mask != 0) {
		mnl_attr_put_u32(message, CTA_MARK, htonl(filter->mark));
		mnl_attr_put_u32(message, CTA_MARK_MASK,
				 htonl(filter->mark_mask));
	}
	if (filter->client || filter->server)
		put_ends(message, filter);
	return message;
}
