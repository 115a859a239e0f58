/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_DAEMON_CAPTURE_BUILD_H
#define TESTS_DAEMON_CAPTURE_BUILD_H

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include <pcap/dlt.h>

#include "policy/packet_build.h"

/**
 * Capture files in memory: the same packets in every container and behind every
 * link header that netpold reads.
 */
struct capture_bytes {
	uint8_t data[16384];
	size_t len;
};

enum container { PCAP = 0, PCAP_SWAPPED, PCAP_NANOSECONDS, PCAPNG };
#define N_CONTAINERS 4

static const struct {
	int in_memory; /* DLT_* */
	uint16_t in_file;
} capture_links[] = {
	{ DLT_EN10MB, 1 }, { DLT_LINUX_SLL, 113 }, { DLT_LINUX_SLL2, 276 },
	{ DLT_NULL, 0 },   { DLT_LOOP, 108 },	   { DLT_RAW, 101 },
};
#define N_CAPTURE_LINKS (sizeof(capture_links) / sizeof(capture_links[0]))

static inline void capture_add(struct capture_bytes *to, const void *data,
			       size_t len)
{
	assert(to->len + len <= sizeof(to->data));
	memcpy(to->data + to->len, data, len);
	to->len += len;
}

static inline void capture_add32(struct capture_bytes *to, uint32_t value)
{
	capture_add(to, &value, sizeof(value));
}

static inline void capture_add16(struct capture_bytes *to, uint16_t value)
{
	capture_add(to, &value, sizeof(value));
}

/* ---- frames ---------------------------------------------------------------
 */

static inline uint16_t type_of(struct bytes packet)
{
	return packet.data[0] >> 4 == 6 ? 0x86dd : 0x0800;
}

/** @type_at  where the EtherType stands in a header of @len bytes */
static inline struct bytes typed(struct bytes packet, size_t len,
				 size_t type_at)
{
	struct bytes header = bytes_zero(len);

	put_be16(header.data + type_at, type_of(packet));
	return bytes_join(header, packet);
}

/** Ethernet, with a VLAN tag. */
static inline struct bytes tagged(struct bytes packet)
{
	struct bytes header = bytes_zero(18);

	put_be16(header.data + 12, 0x8100);
	put_be16(header.data + 16, type_of(packet));
	return bytes_join(header, packet);
}

static inline struct bytes framed(int link, struct bytes packet)
{
	switch (link) {
	case DLT_EN10MB:
		return typed(packet, 14, 12);
	case DLT_LINUX_SLL:
		return typed(packet, 16, 14);
	case DLT_LINUX_SLL2:
		return typed(packet, 20, 0);
	case DLT_NULL:
	case DLT_LOOP:
		return bytes_join(bytes_zero(4), packet);
	default:
		return packet;
	}
}

/** A packet in Ethernet in VXLAN, or in Geneve. */
static inline struct bytes tunnelled(struct bytes packet, bool geneve)
{
	struct bytes header = bytes_zero(8);

	if (geneve)
		put_be16(header.data + 2, 0x6558);
	else
		header.data[0] = 0x08;
	header = bytes_join(header, typed(packet, 14, 12));
	header = bytes_join(udp(50000, geneve ? 6081 : 4789), header);
	return ipv4("192.168.7.1", "192.168.7.2", PROTOCOL_UDP, header);
}

/* ---- containers ------------------------------------------------------------
 */

static inline uint32_t swapped(uint32_t value, bool swap)
{
	return swap ? __builtin_bswap32(value) : value;
}

static inline void begin_pcap(struct capture_bytes *to, enum container kind,
			      uint16_t link)
{
	bool swap = kind == PCAP_SWAPPED;
	uint32_t magic = kind == PCAP_NANOSECONDS ? 0xa1b23c4d : 0xa1b2c3d4;

	capture_add32(to, swapped(magic, swap));
	capture_add16(to, swap ? __builtin_bswap16(2) : 2);
	capture_add16(to, swap ? __builtin_bswap16(4) : 4);
	capture_add32(to, 0);
	capture_add32(to, 0);
	capture_add32(to, swapped(65535, swap));
	capture_add32(to, swapped(link, swap));
}

static inline void begin_pcapng(struct capture_bytes *to, uint16_t link)
{
	capture_add32(to, 0x0a0d0d0a);
	capture_add32(to, 28);
	capture_add32(to, 0x1a2b3c4d);
	capture_add32(to, 1);
	capture_add32(to, UINT32_MAX);
	capture_add32(to, UINT32_MAX);
	capture_add32(to, 28);
	capture_add32(to, 1);
	capture_add32(to, 20);
	capture_add32(to, link);
	capture_add32(to, 65535);
	capture_add32(to, 20);
}

static inline void add_frame(struct capture_bytes *to, enum container kind,
			     uint32_t number, struct bytes frame)
{
	bool swap = kind == PCAP_SWAPPED;
	uint32_t len = (uint32_t)frame.len;
	uint32_t block = 32 + (len + 3) / 4 * 4;

	if (kind == PCAPNG) {
		capture_add32(to, 6);
		capture_add32(to, block);
		capture_add32(to, 0);
		capture_add32(to, 0x60a25);
		capture_add32(to, number * 1000);
		capture_add32(to, len);
		capture_add32(to, len);
		capture_add(to, frame.data, len);
		capture_add(to, "\0\0\0", (len + 3) / 4 * 4 - len);
		capture_add32(to, block);
		return;
	}
	capture_add32(to, swapped(1700000000, swap));
	capture_add32(to, swapped(number * 1000, swap));
	capture_add32(to, swapped(len, swap));
	capture_add32(to, swapped(len, swap));
	capture_add(to, frame.data, len);
}

/* ---- traffic ---------------------------------------------------------------
 */

/** Something of everything, between 10.0.0.1 and 10.0.0.2 and their like. */
static inline void build_capture(struct capture_bytes *to, enum container kind,
				 size_t link_number)
{
	static const char a[] = "10.0.0.1", b[] = "10.0.0.2";
	static const char a6[] = "fd00::1", b6[] = "fd00::2";
	const struct bytes syn =
		ipv4(a, b, PROTOCOL_TCP, tcp(40000, 80, TCP_SYN));
	const struct bytes syn6 =
		ipv6(a6, b6, PROTOCOL_TCP, tcp(40000, 80, TCP_SYN));
	const struct bytes packets[] = {
		syn,
		ipv4(b, a, PROTOCOL_TCP, tcp(80, 40000, TCP_SYN | TCP_ACK)),
		ipv4(a, b, PROTOCOL_TCP, tcp(40000, 80, TCP_FIN | TCP_ACK)),
		ipv4(a, b, PROTOCOL_TCP, tcp(40001, 81, TCP_ACK)),
		ipv4(a, b, PROTOCOL_UDP, udp(5000, 53)),
		ipv4(b, a, PROTOCOL_ICMP,
		     bytes_join(icmp(3, 3, 0),
				ipv4(a, b, PROTOCOL_UDP, udp(5000, 53)))),
		ipv4(b, a, PROTOCOL_ICMP,
		     bytes_join(icmp(3, 3, 0), bytes_cut(syn, 10))),
		ipv4(a, b, PROTOCOL_ICMP, icmp(8, 0, 7)),
		ipv4(a, b, PROTOCOL_SCTP, sctp(1, 2)),
		ipv4_fragment(ipv4(a, b, PROTOCOL_UDP, udp(5001, 53)), 9, 0,
			      true),
		ipv4_fragment(ipv4(a, b, PROTOCOL_UDP, bytes_zero(8)), 9, 8,
			      false),
		syn6,
		ipv6(a6, b6, PROTOCOL_ICMPV6, icmp(128, 0, 7)),
		ipv6_hops(a6, b6, PROTOCOL_ICMPV6, 255, icmp(135, 0, 0)),
		tunnelled(syn, false),
		tunnelled(syn6, true),
	};
	uint16_t link = capture_links[link_number].in_file;

	to->len = 0;
	if (kind == PCAPNG)
		begin_pcapng(to, link);
	else
		begin_pcap(to, kind, link);
	for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++)
		add_frame(to, kind, (uint32_t)i,
			  framed(capture_links[link_number].in_memory,
				 packets[i]));
	if (link == 1)
		add_frame(to, kind, 100, tagged(syn));
}

#endif
