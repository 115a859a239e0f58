/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From bytes to what a decision depends on.
 *
 * Whoever sends a packet chooses every byte of it, its lengths as well. So
 * there is one representation, and only three ways to touch it: a `struct
 * span` is the bytes that are both at hand and the packet's own, span_has()
 * asks whether some of them are there, and be16_at() and be32_at() read where
 * span_has() said yes.
 *
 *	data                                              data + len
 *	| IPv4 or IPv6 | extension headers | TCP … |  padding  |
 *	|<-------------------- span.len ---------->|
 *	               ^ walk_extensions()
 *	                                   ^ l4_offset
 *
 * A span ends at the smaller of two lengths: how much was copied (a queue
 * copies 512 bytes, a capture its snap length), and what the IP header says,
 * because what lies behind is padding of the link and no part of the packet.
 * An IP length of zero says nothing: that is how the kernel shows a packet of
 * more than 64 KiB that segmentation offload put together, and an IPv6
 * jumbogram. It has trimmed such a packet itself already.
 *
 * A chain of extension headers is followed to wherever it leads inside the
 * span, however long: a limit on their number would be a way around a policy
 * (L7). Each is at least eight bytes long, so the walk ends. A chain that
 * leaves the span hides the protocol, so nothing can be said: malformed.
 *
 * TCP counts as read only when its flags are there too. A SYN whose flags lie
 * beyond the copied bytes would otherwise look like a packet from the middle
 * of a flow, and those are asked both ways (NF-53). A quote inside an ICMP
 * error is about a packet that was judged before, so its ports are enough.
 */
#include "netpold/packet.h"

#include <string.h>

#include "netpold/object.h"

enum {
	IPV4_MIN_LEN = 20,
	IPV6_LEN = 40,
	TCP_FLAGS_END = 14, /* ports to flags (RFC 9293 §3.1) */
	PORTS_END = 4,
	ICMP_CODE_END = 2,
	ICMP_ID_END = 6,
	ICMP_QUOTE_START = 8, /* the same in both families */
	EXTENSION_MIN_LEN = 8,
};

/* IPv6 headers that are stepped over (NF-10). 50 (ESP) and 59 (nothing
   follows) end the chain as any other protocol does. */
enum {
	NEXT_HOP_BY_HOP = 0,
	NEXT_ROUTING = 43,
	NEXT_FRAGMENT = 44,
	NEXT_AUTHENTICATION = 51,
	NEXT_DESTINATION = 60,
};

enum { ICMP_ECHO_REPLY = 0, ICMP_ECHO_REQUEST = 8 };
enum { ICMPV6_ECHO_REQUEST = 128, ICMPV6_ECHO_REPLY = 129 };

/* How much of a TCP header has to be there. */
enum tcp_need { NEED_FLAGS = 0, NEED_PORTS };

struct span {
	const uint8_t *data;
	size_t len;
};

static bool span_has(const struct span *span, size_t offset, size_t n)
{
	return offset <= span->len && n <= span->len - offset;
}

static uint16_t be16_at(const struct span *span, size_t offset)
{
	const uint8_t *p = span->data + offset;

	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t be32_at(const struct span *span, size_t offset)
{
	return (uint32_t)be16_at(span, offset) << 16 |
	       be16_at(span, offset + 2);
}

/* ---- transport headers -------------------------------------------------- */

static enum packet_status read_ports(const struct span *span,
				     enum tcp_need need, struct packet *out)
{
	size_t l4 = out->l4_offset;
	bool has_flags = out->protocol == PROTOCOL_TCP &&
			 span_has(span, l4, TCP_FLAGS_END);

	if (!span_has(span, l4, PORTS_END))
		return PACKET_TRUNCATED;
	if (out->protocol == PROTOCOL_TCP && !has_flags && need == NEED_FLAGS)
		return PACKET_TRUNCATED;

	out->src_port = be16_at(span, l4);
	out->dst_port = be16_at(span, l4 + 2);
	out->has_ports = true;
	if (has_flags)
		out->tcp_flags = span->data[l4 + 13];
	return PACKET_OK;
}

static bool is_echo(const struct packet *packet)
{
	if (packet->protocol == PROTOCOL_ICMP)
		return packet->icmp_type == ICMP_ECHO_REQUEST ||
		       packet->icmp_type == ICMP_ECHO_REPLY;
	return packet->icmp_type == ICMPV6_ECHO_REQUEST ||
	       packet->icmp_type == ICMPV6_ECHO_REPLY;
}

static enum packet_status read_icmp(const struct span *span, struct packet *out)
{
	size_t l4 = out->l4_offset;

	if (!span_has(span, l4, ICMP_CODE_END))
		return PACKET_TRUNCATED;
	out->icmp_type = span->data[l4];
	out->icmp_code = span->data[l4 + 1];
	if (!is_echo(out))
		return PACKET_OK;
	if (!span_has(span, l4, ICMP_ID_END))
		return PACKET_TRUNCATED;
	out->icmp_id = be16_at(span, l4 + 4);
	return PACKET_OK;
}

/* ICMPv6 in IPv4, or the other way round, is a protocol like any other. */
static bool is_icmp_of_its_family(const struct packet *packet)
{
	if (packet->src.family == IP_V4)
		return packet->protocol == PROTOCOL_ICMP;
	return packet->protocol == PROTOCOL_ICMPV6;
}

static enum packet_status read_transport(const struct span *span,
					 enum tcp_need need, struct packet *out)
{
	if (protocol_has_ports(out->protocol))
		return read_ports(span, need, out);
	if (is_icmp_of_its_family(out))
		return read_icmp(span, out);
	return PACKET_OK;
}

/* ---- IP headers --------------------------------------------------------- */

/* The span of an IPv4 packet; false when the header contradicts itself. */
static bool ipv4_span(const uint8_t *data, size_t len, struct span *span)
{
	size_t header_len, total_len;

	*span = (struct span){ data, len };
	if (!span_has(span, 0, IPV4_MIN_LEN))
		return false;
	header_len = (size_t)(data[0] & 0x0f) * 4;
	total_len = be16_at(span, 2);
	if (header_len < IPV4_MIN_LEN || !span_has(span, 0, header_len))
		return false;
	if (total_len == 0)
		return true;
	if (total_len < header_len)
		return false;
	if (total_len < len)
		span->len = total_len;
	return true;
}

static bool ipv6_span(const uint8_t *data, size_t len, struct span *span)
{
	size_t payload_len;

	*span = (struct span){ data, len };
	if (!span_has(span, 0, IPV6_LEN))
		return false;
	payload_len = be16_at(span, 4);
	if (payload_len > 0 && payload_len < len - IPV6_LEN)
		span->len = IPV6_LEN + payload_len;
	return true;
}

/* ip_addr_v4(), without a call for each packet. */
static void set_v4(struct ip_addr *out, const uint8_t *bytes)
{
	*out = (struct ip_addr){ .family = IP_V4 };
	memcpy(out->bytes, bytes, 4);
}

static enum packet_status parse_ipv4(const uint8_t *data, size_t len,
				     enum tcp_need need, struct packet *out)
{
	struct span span;
	uint16_t fragment;

	if (!ipv4_span(data, len, &span))
		return PACKET_MALFORMED;
	set_v4(&out->src, data + 12);
	set_v4(&out->dst, data + 16);
	out->protocol = data[9];
	out->hop_limit = data[8];
	out->l4_offset = (size_t)(data[0] & 0x0f) * 4;

	/* One bit for "more follow", thirteen for the offset. */
	fragment = be16_at(&span, 6) & 0x3fff;
	if (fragment) {
		out->is_fragment = true;
		out->fragment_id = be16_at(&span, 4);
	}
	if (fragment & 0x1fff)
		return PACKET_FRAGMENT;
	return read_transport(&span, need, out);
}

/* The whole length of the extension header at @offset, whose first eight
   bytes are there; 0 when @next is none. */
static size_t extension_len(const struct span *span, uint8_t next,
			    size_t offset)
{
	size_t units = span->data[offset + 1];

	switch (next) {
	case NEXT_HOP_BY_HOP:
	case NEXT_ROUTING:
	case NEXT_DESTINATION:
		return (units + 1) * 8;
	case NEXT_AUTHENTICATION:
		return (units + 2) * 4; /* RFC 4302 §2.2 counts differently */
	case NEXT_FRAGMENT:
		return EXTENSION_MIN_LEN;
	default:
		return 0;
	}
}

static bool is_extension(uint8_t next)
{
	return next == NEXT_HOP_BY_HOP || next == NEXT_ROUTING ||
	       next == NEXT_FRAGMENT || next == NEXT_AUTHENTICATION ||
	       next == NEXT_DESTINATION;
}

/*
 * Step over extension headers; protocol and l4_offset come out of it.
 *
 * Behind the header of a later fragment there is no other header, only a piece
 * of the datagram: the walk ends there, whatever the next number says.
 */
static enum packet_status walk_extensions(const struct span *span,
					  struct packet *out)
{
	uint8_t next = span->data[6];
	size_t at = IPV6_LEN;

	while (is_extension(next)) {
		size_t header_len;
		bool later = false;

		if (!span_has(span, at, EXTENSION_MIN_LEN))
			return PACKET_MALFORMED;
		header_len = extension_len(span, next, at);
		if (!span_has(span, at, header_len))
			return PACKET_MALFORMED;
		if (next == NEXT_FRAGMENT) {
			out->is_fragment = true;
			out->fragment_id = be32_at(span, at + 4);
			later = (be16_at(span, at + 2) & 0xfff8) != 0;
		}
		next = span->data[at];
		at += header_len;
		if (later) {
			out->protocol = next;
			out->l4_offset = at;
			return PACKET_FRAGMENT;
		}
	}
	out->protocol = next;
	out->l4_offset = at;
	return PACKET_OK;
}

static enum packet_status parse_ipv6(const uint8_t *data, size_t len,
				     enum tcp_need need, struct packet *out)
{
	enum packet_status status;
	struct span span;

	if (!ipv6_span(data, len, &span))
		return PACKET_MALFORMED;
	out->hop_limit = data[7];
	out->src = ip_addr_v6(data + 8);
	out->dst = ip_addr_v6(data + 24);
	status = walk_extensions(&span, out);
	if (status != PACKET_OK)
		return status;
	return read_transport(&span, need, out);
}

static enum packet_status parse(const uint8_t *data, size_t len,
				enum tcp_need need, struct packet *out)
{
	memset(out, 0, sizeof(*out));
	if (len == 0)
		return PACKET_MALFORMED;
	switch (data[0] >> 4) {
	case 4:
		return parse_ipv4(data, len, need, out);
	case 6:
		return parse_ipv6(data, len, need, out);
	default:
		return PACKET_MALFORMED;
	}
}

/* ---- what others call --------------------------------------------------- */

enum packet_status packet_parse(const uint8_t *data, size_t len,
				struct packet *out)
{
	return parse(data, len, NEED_FLAGS, out);
}

bool packet_opens_tcp(const struct packet *packet)
{
	return packet->protocol == PROTOCOL_TCP &&
	       (packet->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

/* The types that connection tracking relates to the flow they quote. */
bool packet_is_icmp_error(const struct packet *packet)
{
	if (!is_icmp_of_its_family(packet))
		return false;
	if (packet->protocol == PROTOCOL_ICMPV6)
		return packet->icmp_type >= 1 && packet->icmp_type <= 4;
	switch (packet->icmp_type) {
	case 3:	 /* unreachable, too big */
	case 4:	 /* source quench */
	case 5:	 /* redirect */
	case 11: /* time exceeded */
	case 12: /* parameter problem */
		return true;
	default:
		return false;
	}
}

enum packet_status packet_parse_quoted(const uint8_t *data, size_t len,
				       const struct packet *error,
				       struct packet *out)
{
	size_t start = error->l4_offset + ICMP_QUOTE_START;
	enum packet_status status;
	struct span span;
	bool whole;

	memset(out, 0, sizeof(*out));
	whole = error->src.family == IP_V4 ? ipv4_span(data, len, &span)
					   : ipv6_span(data, len, &span);
	if (!whole || start >= span.len)
		return PACKET_MALFORMED;
	status = parse(data + start, span.len - start, NEED_PORTS, out);
	if (status != PACKET_MALFORMED && out->src.family != error->src.family)
		return PACKET_MALFORMED;
	return status;
}
