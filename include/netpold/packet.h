/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_PACKET_H
#define NETPOLD_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netpold/addr.h"

/**
 * What a packet says about itself, read from its first bytes.
 *
 * The same parser reads packets from the queue and from captures. Everything
 * in a packet is hostile: each length is checked before it is used, nothing is
 * allocated, and a packet that cannot be read is reported, never guessed at.
 */
enum packet_status {
	/** Addresses or headers cannot be read: no judgement is possible. */
	PACKET_MALFORMED = 0,
	/** Everything that the protocol has was read. */
	PACKET_OK,
	/** A non-first fragment: addresses and protocol, no ports (NP-74). */
	PACKET_FRAGMENT,
	/** The transport header cannot be read (NP-75): TCP without ports and
	 *  flags, UDP or SCTP without ports, ICMP without type and code.
	 *  Addresses and protocol are there, has_ports is not set. */
	PACKET_TRUNCATED,
};

/* Bits of packet.tcp_flags, as they stand in the header. */
enum tcp_flag {
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_PSH = 0x08,
	TCP_ACK = 0x10,
};

struct packet {
	struct ip_addr src;
	struct ip_addr dst;
	uint16_t src_port;    /* host order; valid where has_ports */
	uint16_t dst_port;    /* host order; valid where has_ports */
	uint8_t protocol;     /* after IPv6 extension headers (NF-10) */
	uint8_t hop_limit;    /* TTL in IPv4 */
	uint8_t tcp_flags;    /* enum tcp_flag, or-ed; TCP only */
	uint8_t icmp_type;    /* ICMP and ICMPv6 only */
	uint8_t icmp_code;    /* ICMP and ICMPv6 only */
	uint16_t icmp_id;     /* host order; echo request and reply only */
	bool has_ports;	      /* TCP, UDP and SCTP whose ports were read */
	bool is_fragment;     /* a part of a datagram, the first one too */
	uint32_t fragment_id; /* host order; where is_fragment is set */
	size_t l4_offset;     /* bytes from the start of its own IP header */
};

/**
 * Read an IPv4 or IPv6 packet, from its IP header on.
 *
 * @data  the bytes that were copied, possibly fewer than the packet has
 * @len   how many there are
 * @out   filled in as far as the packet could be read
 *
 * Returns  what was read. For PACKET_MALFORMED, @out holds nothing of use but
 *          src and dst, whose family is IP_NONE where not even they could be
 *          read.
 * Threads  any.
 */
enum packet_status packet_parse(const uint8_t *data, size_t len,
				struct packet *out);

/** SYN set and ACK not: the opening of a TCP connection. */
bool packet_opens_tcp(const struct packet *packet);

/** An ICMP or ICMPv6 error, which quotes the packet that it is about
 *  (NP-71). */
bool packet_is_icmp_error(const struct packet *packet);

/**
 * Read the packet that an ICMP error quotes.
 *
 * @error  a packet for which packet_is_icmp_error() holds, parsed from @data
 *
 * Quotes are often cut after eight bytes of the inner transport header; ports
 * are all that is needed of it, so tcp_flags stay 0 where the quote ends before
 * them.
 */
enum packet_status packet_parse_quoted(const uint8_t *data, size_t len,
				       const struct packet *error,
				       struct packet *out);

#endif
