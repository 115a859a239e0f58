/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/sight.h"

#define IPV4_HEADER_LEN 20
#define IPV6_HEADER_LEN 40
#define IPV4_TOTAL_LENGTH 2   /* where it stands (RFC 791) */
#define IPV6_PAYLOAD_LENGTH 4 /* likewise (RFC 8200) */

struct sight sight_of(enum packet_class class, enum packet_status status,
		      const struct packet *packet)
{
	if (status == PACKET_MALFORMED)
		return (struct sight){ .class = (uint8_t) class };
	return (struct sight){
		.src = packet->src,
		.dst = packet->dst,
		.src_port = packet->has_ports ? packet->src_port : 0,
		.dst_port = packet->has_ports ? packet->dst_port : 0,
		.protocol = packet->protocol,
		.tcp_flags = packet->tcp_flags,
		.icmp_type = packet->icmp_type,
		.icmp_code = packet->icmp_code,
		.class = (uint8_t) class,
	};
}

static uint32_t read_be16(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 8 | bytes[1];
}

/* As its header says: what was copied may be less. */
static uint32_t length_of(const struct queue_packet *packet)
{
	if (packet->len >= IPV6_HEADER_LEN && packet->data[0] >> 4 == 6)
		return IPV6_HEADER_LEN +
		       read_be16(packet->data + IPV6_PAYLOAD_LENGTH);
	if (packet->len >= IPV4_HEADER_LEN && packet->data[0] >> 4 == 4)
		return read_be16(packet->data + IPV4_TOTAL_LENGTH);
	return (uint32_t)packet->len;
}

/* What a packet asks about that was asked nothing. */
static struct flow_key key_of(const struct sight *sight)
{
	return (struct flow_key){ .src = sight->src,
				  .dst = sight->dst,
				  .protocol = sight->protocol };
}

struct flow_event sight_to_event(const struct sight *sight,
				 const struct queue_packet *packet,
				 const struct judgement *judgement,
				 int64_t at_us)
{
	return (struct flow_event){
		.at_us = at_us,
		.key = judgement->note == NOTE_NONE ? judgement->key
						    : key_of(sight),
		.src_port =
			judgement->reversed ? sight->dst_port : sight->src_port,
		.len = length_of(packet),
		.tcp_flags = sight->tcp_flags,
		.icmp_type = sight->icmp_type,
		.icmp_code = sight->icmp_code,
		.class = sight->class,
		.answer = (uint8_t)judgement->answer,
		.note = (uint8_t)judgement->note,
		.reversed = judgement->reversed,
		.decision = judgement->decision,
		.planned = judgement->planned,
	};
}
