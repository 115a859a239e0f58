/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_ATTR_H
#define NETPOLD_DAEMON_DATAPATH_ATTR_H

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "netpold/addr.h"

/**
 * Reading netlink attributes: a run of (length, type, value), each padded to
 * four bytes. A value may be such a run again.
 *
 *	struct attrs attrs = attrs_of_message(message, sizeof(header));
 *	struct attr attr;
 *
 *	while (attrs_next(&attrs, &attr))
 *		…
 *
 * Nothing outside the run is ever read; a length that does not fit ends it.
 * Inline, because a dump of the connection table runs through millions.
 */
struct attr {
	const uint8_t *data;
	uint16_t len;
	uint16_t type; /* without the flag bits */
};

struct attrs {
	const uint8_t *data;
	size_t len;
};

/** The attributes after a message's own header; none if it is too short. */
static inline struct attrs attrs_of_message(const struct nlmsghdr *message,
					    size_t header_len)
{
	size_t skip = NLMSG_HDRLEN + NLMSG_ALIGN(header_len);

	if (message->nlmsg_len < skip)
		return (struct attrs){ 0 };
	return (struct attrs){ (const uint8_t *)message + skip,
			       message->nlmsg_len - skip };
}

/** The attributes inside one. */
static inline struct attrs attrs_nested(const struct attr *nest)
{
	return (struct attrs){ nest->data, nest->len };
}

/** Take the next one; false at the end. */
static inline bool attrs_next(struct attrs *attrs, struct attr *attr)
{
	struct nlattr header;
	size_t step;

	if (attrs->len < sizeof(header))
		return false;
	memcpy(&header, attrs->data, sizeof(header));
	if (header.nla_len < sizeof(header) || header.nla_len > attrs->len)
		return false;
	attr->data = attrs->data + sizeof(header);
	attr->len = (uint16_t)(header.nla_len - sizeof(header));
	attr->type = header.nla_type & NLA_TYPE_MASK;

	step = NLA_ALIGN(header.nla_len);
	if (step > attrs->len)
		step = attrs->len; /* the last one need not be padded */
	attrs->data += step;
	attrs->len -= step;
	return true;
}

/** The first of a type; false when there is none. */
static inline bool attrs_find(struct attrs attrs, uint16_t type,
			      struct attr *attr)
{
	while (attrs_next(&attrs, attr))
		if (attr->type == type)
			return true;
	return false;
}

/* Values. Each returns false, with @out untouched, where the length is another
   one. */

static inline bool attr_u8(const struct attr *attr, uint8_t *out)
{
	if (attr->len != sizeof(*out))
		return false;
	*out = attr->data[0];
	return true;
}

/** Host order, as rtnetlink writes. */
static inline bool attr_u32(const struct attr *attr, uint32_t *out)
{
	if (attr->len != sizeof(*out))
		return false;
	memcpy(out, attr->data, sizeof(*out));
	return true;
}

/** From network order, as netfilter writes. */
static inline bool attr_be16(const struct attr *attr, uint16_t *out)
{
	uint16_t value_be;

	if (attr->len != sizeof(value_be))
		return false;
	memcpy(&value_be, attr->data, sizeof(value_be));
	*out = ntohs(value_be);
	return true;
}

/** From network order. */
static inline bool attr_be32(const struct attr *attr, uint32_t *out)
{
	if (!attr_u32(attr, out))
		return false;
	*out = ntohl(*out);
	return true;
}

/** From network order. */
static inline bool attr_be64(const struct attr *attr, uint64_t *out)
{
	uint64_t value = 0;

	if (attr->len != sizeof(value))
		return false;
	for (size_t i = 0; i < sizeof(value); i++)
		value = value << 8 | attr->data[i];
	*out = value;
	return true;
}

/** An address; its length says of which family. */
static inline bool attr_ip(const struct attr *attr, struct ip_addr *out)
{
	if (attr->len == 4)
		*out = ip_addr_v4(attr->data);
	else if (attr->len == 16)
		*out = ip_addr_v6(attr->data);
	else
		return false;
	return true;
}

/** A string, cut to what fits; it need not end in a zero byte. */
static inline void attr_string(const struct attr *attr, char *text, size_t size)
{
	size_t len = strnlen((const char *)attr->data, attr->len);

	if (len >= size)
		len = size - 1;
	memcpy(text, attr->data, len);
	text[len] = '\0';
}

#endif
