/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/rejection.h"

#include <arpa/inet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <string.h>

#define HOP_LIMIT 64

/* ---- checksums (RFC 1071) ------------------------------------------------ */

static uint32_t add_bytes(uint32_t sum, const void *data, size_t len)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	if (len % 2)
		sum += (uint32_t)bytes[len - 1] << 8;
	return sum;
}

/* In network order. */
static uint16_t finish(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

/* Over a transport header and what is behind it, with the pseudo header. */
static uint16_t transport_checksum(const struct rejection *r,
				   const struct packet *packet,
				   uint8_t protocol, size_t offset)
{
	size_t len = r->len - offset;
	uint32_t sum = (uint32_t)len + protocol;

	sum = add_bytes(sum, packet->src.bytes, ip_addr_len(&packet->src));
	sum = add_bytes(sum, packet->dst.bytes, ip_addr_len(&packet->dst));
	return finish(add_bytes(sum, r->data + offset, len));
}

/* ---- IP headers, from who was called to who has called ------------------- */

static size_t begin_v4(struct rejection *r, const struct packet *packet,
		       uint8_t protocol)
{
	struct iphdr header = {
		.version = 4,
		.ihl = 5,
		.ttl = HOP_LIMIT,
		.protocol = protocol,
		.frag_off = htons(IP_DF),
	};

	memcpy(&header.saddr, packet->dst.bytes, sizeof(header.saddr));
	memcpy(&header.daddr, packet->src.bytes, sizeof(header.daddr));
	memcpy(r->data, &header, sizeof(header));
	return sizeof(header);
}

static void end_v4(struct rejection *r)
{
	struct iphdr header;

	memcpy(&header, r->data, sizeof(header));
	header.tot_len = htons((uint16_t)r->len);
	header.check = finish(add_bytes(0, &header, sizeof(header)));
	memcpy(r->data, &header, sizeof(header));
}

static size_t begin_v6(struct rejection *r, const struct packet *packet,
		       uint8_t protocol)
{
	struct ip6_hdr header = {
		.ip6_flow = htonl(6u << 28),
		.ip6_nxt = protocol,
		.ip6_hlim = HOP_LIMIT,
	};

	memcpy(&header.ip6_src, packet->dst.bytes, sizeof(header.ip6_src));
	memcpy(&header.ip6_dst, packet->src.bytes, sizeof(header.ip6_dst));
	memcpy(r->data, &header, sizeof(header));
	return sizeof(header);
}

static void end_v6(struct rejection *r)
{
	uint16_t len_be = htons((uint16_t)(r->len - sizeof(struct ip6_hdr)));

	memcpy(r->data + offsetof(struct ip6_hdr, ip6_plen), &len_be,
	       sizeof(len_be));
}

static size_t begin_ip(struct rejection *r, const struct packet *packet,
		       uint8_t protocol)
{
	return packet->src.family == IP_V4 ? begin_v4(r, packet, protocol)
					   : begin_v6(r, packet, protocol);
}

static void end_ip(struct rejection *r, const struct packet *packet)
{
	if (packet->src.family == IP_V4)
		end_v4(r);
	else
		end_v6(r);
}

/* ---- TCP resets ---------------------------------------------------------- */

/* How much of the sequence space a segment takes, by its IP header's length:
   fewer bytes may have been copied. */
static uint32_t segment_len(const uint8_t *data, const struct packet *packet,
			    const struct tcphdr *header)
{
	uint16_t be;
	size_t total, headers = packet->l4_offset + header->doff * 4u;

	if (packet->src.family == IP_V4) {
		memcpy(&be, data + offsetof(struct iphdr, tot_len), sizeof(be));
		total = ntohs(be);
	} else {
		memcpy(&be, data + offsetof(struct ip6_hdr, ip6_plen),
		       sizeof(be));
		total = ntohs(be) + sizeof(struct ip6_hdr);
	}
	return (uint32_t)(total > headers ? total - headers : 0) + header->syn +
	       header->fin;
}

static bool write_reset(const uint8_t *data, size_t len,
			const struct packet *packet, struct rejection *r)
{
	struct tcphdr theirs, ours = { .doff = sizeof(ours) / 4, .rst = 1 };
	size_t offset;

	if (packet->tcp_flags & TCP_RST ||
	    len < packet->l4_offset + sizeof(theirs))
		return false;
	memcpy(&theirs, data + packet->l4_offset, sizeof(theirs));
	ours.source = theirs.dest;
	ours.dest = theirs.source;
	if (theirs.ack) {
		ours.seq = theirs.ack_seq;
	} else {
		ours.ack = 1;
		ours.ack_seq = htonl(ntohl(theirs.seq) +
				     segment_len(data, packet, &theirs));
	}
	offset = begin_ip(r, packet, IPPROTO_TCP);
	memcpy(r->data + offset, &ours, sizeof(ours));
	r->len = offset + sizeof(ours);
	ours.check = transport_checksum(r, packet, IPPROTO_TCP, offset);
	memcpy(r->data + offset, &ours, sizeof(ours));
	return true;
}

/* ---- ICMP errors --------------------------------------------------------- */

/* Both versions have eight bytes before the quote: type, code, checksum and
   four that are not used. */
struct icmp_error {
	uint8_t type;
	uint8_t code;
	uint16_t checksum_be;
	uint32_t unused;
};

static void write_error(const uint8_t *data, size_t len,
			const struct packet *packet, struct rejection *r)
{
	bool v4 = packet->src.family == IP_V4;
	struct icmp_error error = {
		.type = v4 ? ICMP_DEST_UNREACH : ICMP6_DST_UNREACH,
		.code = v4 ? ICMP_PKT_FILTERED : ICMP6_DST_UNREACH_ADMIN,
	};
	size_t offset = begin_ip(r, packet, v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);

	if (len > REJECTION_QUOTE_MAX)
		len = REJECTION_QUOTE_MAX;
	memcpy(r->data + offset, &error, sizeof(error));
	memcpy(r->data + offset + sizeof(error), data, len);
	r->len = offset + sizeof(error) + len;
	error.checksum_be =
		v4 ? finish(add_bytes(0, r->data + offset, r->len - offset))
		   : transport_checksum(r, packet, IPPROTO_ICMPV6, offset);
	memcpy(r->data + offset, &error, sizeof(error));
}

/* ---- whom one may tell --------------------------------------------------- */

/* Unspecified, loopback, multicast, broadcast and what is reserved. */
static bool is_for_one(const struct ip_addr *addr)
{
	static const uint8_t zero[15] = { 0 };

	if (addr->family == IP_V4)
		return addr->bytes[0] != 0 && addr->bytes[0] != 127 &&
		       addr->bytes[0] < 224;
	return addr->bytes[0] != 0xff &&
	       !(memcmp(addr->bytes, zero, sizeof(zero)) == 0 &&
		 addr->bytes[15] <= 1);
}

/* Of ICMP, only who asks for an echo waits for an answer. */
static bool is_worth_telling(const struct packet *packet)
{
	if (packet->protocol == IPPROTO_ICMP)
		return packet->icmp_type == ICMP_ECHO;
	if (packet->protocol == IPPROTO_ICMPV6)
		return packet->icmp_type == ICMP6_ECHO_REQUEST;
	return !packet->is_fragment || packet->has_ports;
}

bool rejection_write(const uint8_t *data, size_t len,
		     const struct packet *packet, struct rejection *out)
{
	if (!is_for_one(&packet->src) || !is_for_one(&packet->dst) ||
	    !is_worth_telling(packet))
		return false;
	out->to = packet->src;
	if (packet->protocol != IPPROTO_TCP)
		write_error(data, len, packet, out);
	else if (!write_reset(data, len, packet, out))
		return false;
	end_ip(out, packet);
	return true;
}
