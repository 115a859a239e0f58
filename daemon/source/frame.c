/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/frame.h"

#include <pcap/sll.h>

#include "netpold/object.h"
#include "netpold/packet.h"

enum {
	ETHER_HEADER_LEN = 14,
	VLAN_TAG_LEN = 4, /* IEEE 802.1Q: two bytes of tag, the next type */
	FAMILY_LEN = 4,	  /* of both loopbacks */
};

enum {
	ETHER_IPV4 = 0x0800,
	ETHER_IPV6 = 0x86dd,
	ETHER_VLAN = 0x8100,
	ETHER_SERVICE_VLAN = 0x88a8, /* 802.1ad */
	ETHER_OLD_SERVICE_VLAN = 0x9100,
};

static uint16_t be16_at(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static bool skip(struct frame *frame, size_t n)
{
	if (frame->len < n)
		return false;
	frame->at += n;
	frame->len -= n;
	return true;
}

/* ---- link headers ------------------------------------------------------- */

/* From an EtherType on; the frame begins behind it. */
static enum frame_kind read_type(struct frame *frame, uint16_t type)
{
	while (type == ETHER_VLAN || type == ETHER_SERVICE_VLAN ||
	       type == ETHER_OLD_SERVICE_VLAN) {
		const uint8_t *tag = frame->at;

		if (!skip(frame, VLAN_TAG_LEN))
			return FRAME_CUT;
		type = be16_at(tag + 2);
	}
	if (type == ETHER_IPV4 || type == ETHER_IPV6)
		return FRAME_IP;
	return FRAME_NOT_IP;
}

/* A header of fixed length with an EtherType somewhere in it. */
static enum frame_kind read_typed(struct frame *frame, size_t header_len,
				  size_t type_offset)
{
	const uint8_t *header = frame->at;

	if (!skip(frame, header_len))
		return FRAME_CUT;
	return read_type(frame, be16_at(header + type_offset));
}

/* The address family comes in the byte order, and by the number, of the
   machine that captured. The IP version says the same more plainly. */
static enum frame_kind read_raw(const struct frame *frame)
{
	uint8_t version;

	if (frame->len == 0)
		return FRAME_CUT;
	version = frame->at[0] >> 4;
	return version == 4 || version == 6 ? FRAME_IP : FRAME_NOT_IP;
}

static enum frame_kind read_loopback(struct frame *frame)
{
	if (!skip(frame, FAMILY_LEN))
		return FRAME_CUT;
	return read_raw(frame);
}

enum frame_kind frame_read(int link_type, struct frame *frame)
{
	switch (link_type) {
	case LINK_ETHERNET:
		return read_typed(frame, ETHER_HEADER_LEN, 12);
	case LINK_COOKED:
		return read_typed(frame, SLL_HDR_LEN, 14);
	case LINK_COOKED_2:
		return read_typed(frame, SLL2_HDR_LEN, 0);
	case LINK_LOOPBACK:
	case LINK_OPENBSD_LOOPBACK:
		return read_loopback(frame);
	default:
		return read_raw(frame);
	}
}

bool frame_knows(int link_type)
{
	switch (link_type) {
	case LINK_ETHERNET:
	case LINK_COOKED:
	case LINK_COOKED_2:
	case LINK_LOOPBACK:
	case LINK_OPENBSD_LOOPBACK:
	case LINK_OLD_RAW:
	case LINK_RAW:
	case LINK_IPV4:
	case LINK_IPV6:
		return true;
	default:
		return false;
	}
}

/* ---- tunnels --------------------------------------------------------------
 */

enum {
	UDP_HEADER_LEN = 8,
	VXLAN_LEN = 8,		/* RFC 7348 §5 */
	GENEVE_MIN_LEN = 8,	/* RFC 8926 §3.4 */
	ETHER_BRIDGED = 0x6558, /* Ethernet in another protocol */
};

enum { PORT_VXLAN = 4789, PORT_OLD_VXLAN = 8472, PORT_GENEVE = 6081 };

#define VXLAN_HAS_NETWORK 0x08
#define GENEVE_VERSION 0xc0
#define GENEVE_WORDS 0x3f /* of four bytes, that options take */

/* Each leaves the frame behind the header; false where it is none. */

static bool skip_vxlan(struct frame *frame)
{
	const uint8_t *header = frame->at;

	return skip(frame, VXLAN_LEN) && (header[0] & VXLAN_HAS_NETWORK);
}

static bool skip_geneve(struct frame *frame, uint16_t *type)
{
	const uint8_t *header = frame->at;

	if (!skip(frame, GENEVE_MIN_LEN) || (header[0] & GENEVE_VERSION) != 0)
		return false;
	*type = be16_at(header + 2);
	return skip(frame, (size_t)(header[0] & GENEVE_WORDS) * 4);
}

bool frame_enter(struct frame *frame, enum frame_kind *kind)
{
	uint16_t type = ETHER_BRIDGED;
	struct frame inner = *frame;
	struct packet packet;
	bool is_tunnel;

	if (packet_parse(frame->at, frame->len, &packet) != PACKET_OK ||
	    packet.protocol != PROTOCOL_UDP || packet.is_fragment ||
	    !skip(&inner, packet.l4_offset + UDP_HEADER_LEN))
		return false;
	if (packet.dst_port == PORT_GENEVE)
		is_tunnel = skip_geneve(&inner, &type);
	else
		is_tunnel = (packet.dst_port == PORT_VXLAN ||
			     packet.dst_port == PORT_OLD_VXLAN) &&
			    skip_vxlan(&inner);
	if (!is_tunnel)
		return false;
	*kind = type == ETHER_BRIDGED ? read_typed(&inner, ETHER_HEADER_LEN, 12)
				      : read_type(&inner, type);
	*frame = inner;
	return true;
}
