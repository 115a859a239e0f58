/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_POLICY_PACKET_BUILD_H
#define TESTS_POLICY_PACKET_BUILD_H

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "netpold/addr.h"
#include "netpold/object.h"
#include "netpold/packet.h"

/**
 * Packets in one readable line, from the outside in:
 *
 *	ipv4("10.0.0.1", "10.0.0.2", PROTOCOL_TCP, tcp(40000, 80, TCP_SYN))
 *
 * Lengths are right; checksums are zero, since nobody here reads them.
 */
struct bytes {
	uint8_t data[640];
	size_t len;
};

static inline void bytes_add(struct bytes *to, const void *data, size_t len)
{
	assert(to->len + len <= sizeof(to->data));
	memcpy(to->data + to->len, data, len);
	to->len += len;
}

static inline struct bytes bytes_join(struct bytes a, struct bytes b)
{
	bytes_add(&a, b.data, b.len);
	return a;
}

/** The first @len bytes of it. */
static inline struct bytes bytes_cut(struct bytes a, size_t len)
{
	assert(len <= a.len);
	a.len = len;
	return a;
}

/** With one byte changed. */
static inline struct bytes bytes_set(struct bytes a, size_t at, uint8_t value)
{
	assert(at < a.len);
	a.data[at] = value;
	return a;
}

static inline struct bytes bytes_zero(size_t len)
{
	struct bytes out = { .len = len };

	assert(len <= sizeof(out.data));
	return out;
}

static inline void put_be16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static inline struct ip_addr addr(const char *text)
{
	struct ip_addr out = { .family = IP_NONE };

	ip_addr_parse(text, strlen(text), &out);
	assert(out.family != IP_NONE);
	return out;
}

static inline struct bytes tcp(uint16_t from, uint16_t to, uint8_t flags)
{
	struct bytes out = bytes_zero(20);

	put_be16(out.data, from);
	put_be16(out.data + 2, to);
	out.data[12] = 5 << 4;
	out.data[13] = flags;
	return out;
}

static inline struct bytes udp(uint16_t from, uint16_t to)
{
	struct bytes out = bytes_zero(8);

	put_be16(out.data, from);
	put_be16(out.data + 2, to);
	put_be16(out.data + 4, 8);
	return out;
}

static inline struct bytes sctp(uint16_t from, uint16_t to)
{
	struct bytes out = bytes_zero(12);

	put_be16(out.data, from);
	put_be16(out.data + 2, to);
	return out;
}

static inline struct bytes icmp(uint8_t type, uint8_t code, uint16_t id)
{
	struct bytes out = bytes_zero(8);

	out.data[0] = type;
	out.data[1] = code;
	put_be16(out.data + 4, id);
	return out;
}

static inline struct bytes ipv4_options(const char *src, const char *dst,
					uint8_t protocol, size_t options_len,
					struct bytes payload)
{
	struct bytes out = bytes_zero(20 + options_len);
	struct ip_addr from = addr(src), to = addr(dst);

	out.data[0] = (uint8_t)(0x40 | out.len / 4);
	out.data[8] = 64;
	out.data[9] = protocol;
	memcpy(out.data + 12, from.bytes, 4);
	memcpy(out.data + 16, to.bytes, 4);
	bytes_add(&out, payload.data, payload.len);
	put_be16(out.data + 2, out.len);
	return out;
}

static inline struct bytes ipv4(const char *src, const char *dst,
				uint8_t protocol, struct bytes payload)
{
	return ipv4_options(src, dst, protocol, 0, payload);
}

/** @offset in bytes, as fragments count it: a multiple of 8. */
static inline struct bytes ipv4_fragment(struct bytes packet, uint16_t id,
					 size_t offset, bool more)
{
	put_be16(packet.data + 4, id);
	put_be16(packet.data + 6, (more ? 0x2000 : 0) | offset / 8);
	return packet;
}

static inline struct bytes ipv6_hops(const char *src, const char *dst,
				     uint8_t next, uint8_t hop_limit,
				     struct bytes payload)
{
	struct bytes out = bytes_zero(40);
	struct ip_addr from = addr(src), to = addr(dst);

	out.data[0] = 0x60;
	put_be16(out.data + 4, payload.len);
	out.data[6] = next;
	out.data[7] = hop_limit;
	memcpy(out.data + 8, from.bytes, 16);
	memcpy(out.data + 24, to.bytes, 16);
	return bytes_join(out, payload);
}

static inline struct bytes ipv6(const char *src, const char *dst, uint8_t next,
				struct bytes payload)
{
	return ipv6_hops(src, dst, next, 64, payload);
}

/** An extension header of @len bytes (a multiple of 8) in front. */
static inline struct bytes extension(uint8_t next, size_t len,
				     struct bytes payload)
{
	struct bytes out = bytes_zero(len);

	out.data[0] = next;
	out.data[1] = (uint8_t)(len / 8 - 1);
	return bytes_join(out, payload);
}

/** An authentication header of @len bytes (a multiple of 4) in front. */
static inline struct bytes authentication(uint8_t next, size_t len,
					  struct bytes payload)
{
	struct bytes out = bytes_zero(len);

	out.data[0] = next;
	out.data[1] = (uint8_t)(len / 4 - 2);
	return bytes_join(out, payload);
}

static inline struct bytes fragment(uint8_t next, uint16_t id, size_t offset,
				    bool more, struct bytes payload)
{
	struct bytes out = bytes_zero(8);

	out.data[0] = next;
	put_be16(out.data + 2, offset | (more ? 1 : 0));
	put_be16(out.data + 6, id);
	return bytes_join(out, payload);
}

#endif
