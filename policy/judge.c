/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which question a packet asks, by its class. P is the packet's own direction,
 * -P the reverse; Q is the packet that an ICMP error quotes.
 *
 *	a SYN without ACK, any class	P			its own, always
 *	ORIGINAL-NEW, TCP without SYN	P, then -P		picked up
 *	ORIGINAL-NEW, else		P
 *	ORIGINAL			P
 *	REPLY				-P
 *	RELATED, an ICMP error		-Q	the quoted packet was a reply
 *	RELATED-REPLY, an ICMP error	Q	it was on its way to the server
 *	RELATED…, else			P	an expected flow (FTP data)
 *	UNTRACKED			P, then -P
 *
 * The reverse of a question has the packet's source port as its destination
 * port: a reply comes from the port that the flow was opened to. Where the
 * packet was delivered to this node, the reverse is what the node opens.
 *
 * Why a SYN is asked in its own direction, whatever conntrack says: a stray ACK
 * from a server may have made an entry whose "original" direction is the
 * server's. Were the client's SYN taken for a reply of that entry, it would be
 * judged as the server's flow (NF-53). Where such a SYN passes, the entry gets
 * PICKED-UP, which later sweeps judge both ways.
 */
#include "netpold/judge.h"

#define HOP_LIMIT_ON_LINK 255 /* RFC 4861 §7.1: never forwarded */
#define HOP_LIMIT_MLD 1	      /* RFC 3810 §5 */

/* Types of neighbour and listener discovery (RFC 4861, 2710, 3810). */
enum {
	ICMPV6_ROUTER_SOLICITATION = 133,
	ICMPV6_REDIRECT = 137,
	ICMPV6_LISTENER_QUERY = 130,
	ICMPV6_LISTENER_DONE = 132,
	ICMPV6_LISTENER_REPORT_V2 = 143,
};

/* NP-72: IPv6 does not work without these, and no router passes them on. */
static bool is_discovery(const struct packet *packet)
{
	uint8_t type = packet->icmp_type;

	if (packet->protocol != PROTOCOL_ICMPV6)
		return false;
	if (type >= ICMPV6_ROUTER_SOLICITATION && type <= ICMPV6_REDIRECT)
		return packet->hop_limit == HOP_LIMIT_ON_LINK;
	return ((type >= ICMPV6_LISTENER_QUERY &&
		 type <= ICMPV6_LISTENER_DONE) ||
		type == ICMPV6_LISTENER_REPORT_V2) &&
	       packet->hop_limit == HOP_LIMIT_MLD;
}

static struct flow_key key_of(const struct packet *packet, enum node_part node)
{
	return (struct flow_key){
		.src = packet->src,
		.dst = packet->dst,
		.dst_port = packet->has_ports ? packet->dst_port : 0,
		.protocol = packet->protocol,
		.has_port = packet->has_ports,
		.from_own_node = node == NODE_SENDS,
	};
}

/* Who receives a packet is who opened the flow, if the packet is an answer. */
static struct flow_key reverse_key_of(const struct packet *packet,
				      enum node_part node)
{
	return (struct flow_key){
		.src = packet->dst,
		.dst = packet->src,
		.dst_port = packet->has_ports ? packet->src_port : 0,
		.protocol = packet->protocol,
		.has_port = packet->has_ports,
		.from_own_node = node == NODE_RECEIVES,
	};
}

/* Ask one question and note it; true when it is allowed. */
static bool ask(struct judgement *judgement, const struct snapshot *snapshot,
		struct flow_key key, bool reversed)
{
	judgement->key = key;
	judgement->reversed = reversed;
	judgement->decision = snapshot_decide(snapshot, &key);
	return judgement->decision.verdict == VERDICT_ALLOW;
}

/* Either way will do. Where neither does, the packet's own way is reported. */
static bool ask_both_ways(struct judgement *judgement,
			  const struct snapshot *snapshot,
			  const struct packet *packet, enum node_part node)
{
	struct judgement forward;

	if (ask(judgement, snapshot, key_of(packet, node), false))
		return true;
	forward = *judgement;
	if (ask(judgement, snapshot, reverse_key_of(packet, node), true))
		return true;
	*judgement = forward;
	return false;
}

static void judge_syn(struct judgement *judgement,
		      const struct snapshot *snapshot, enum packet_class class,
		      const struct packet *packet, enum node_part node)
{
	if (!ask(judgement, snapshot, key_of(packet, node), false))
		return;
	if (class == CLASS_UNTRACKED)
		judgement->answer = ANSWER_PASS;
	else if (class == CLASS_REPLY || class == CLASS_RELATED_REPLY)
		judgement->answer = ANSWER_ALLOW_PICKED_UP;
	else
		judgement->answer = ANSWER_ALLOW;
}

static void judge_error(struct judgement *judgement,
			const struct snapshot *snapshot,
			enum packet_class class, const struct packet *error,
			const uint8_t *data, size_t len)
{
	struct packet quoted;
	enum packet_status status;
	bool allowed;

	status = packet_parse_quoted(data, len, error, &quoted);
	if (status == PACKET_MALFORMED || status == PACKET_TRUNCATED) {
		judgement->note = NOTE_UNPARSABLE;
		return;
	}
	allowed = class == CLASS_RELATED
			  ? ask(judgement, snapshot,
				reverse_key_of(&quoted, NODE_FORWARDS), true)
			  : ask(judgement, snapshot,
				key_of(&quoted, NODE_FORWARDS), false);
	/* The error passes; what becomes of its flow is for the flow's own
	   packets to settle. */
	if (allowed)
		judgement->answer = ANSWER_PASS;
}

/* Such a flow has the mark OWN-NODE, or gets it when the node speaks next. */
static bool opened_by_own_node(const struct judgement *judgement)
{
	return judgement->decision.sides[DIRECTION_INGRESS].reason ==
	       REASON_OWN_NODE;
}

static void judge_by_class(struct judgement *judgement,
			   const struct snapshot *snapshot,
			   enum packet_class class, const struct packet *packet,
			   enum node_part node)
{
	switch (class) {
	case CLASS_ORIGINAL_NEW:
		if (packet->protocol == PROTOCOL_TCP) {
			if (ask_both_ways(judgement, snapshot, packet, node))
				judgement->answer = ANSWER_ALLOW_PICKED_UP;
			return;
		}
		/* fall through */
	case CLASS_ORIGINAL:
	case CLASS_RELATED:
	case CLASS_RELATED_REPLY:
		if (ask(judgement, snapshot, key_of(packet, node), false))
			judgement->answer = ANSWER_ALLOW;
		return;
	case CLASS_REPLY:
		if (ask(judgement, snapshot, reverse_key_of(packet, node),
			true))
			judgement->answer = opened_by_own_node(judgement)
						    ? ANSWER_PASS
						    : ANSWER_ALLOW;
		return;
	case CLASS_UNTRACKED:
		if (ask_both_ways(judgement, snapshot, packet, node))
			judgement->answer = ANSWER_PASS;
		return;
	}
}

struct judgement judge_parsed(const struct snapshot *snapshot,
			      enum packet_class class,
			      enum packet_status status,
			      const struct packet *packet, const uint8_t *data,
			      size_t len, enum node_part node)
{
	struct judgement judgement = { .answer = ANSWER_DENY };
	bool related = class == CLASS_RELATED || class == CLASS_RELATED_REPLY;

	if (status == PACKET_MALFORMED || status == PACKET_TRUNCATED)
		judgement.note = NOTE_UNPARSABLE;
	else if (is_discovery(packet)) {
		judgement.note = NOTE_DISCOVERY;
		judgement.answer = ANSWER_PASS;
	} else if (packet_opens_tcp(packet))
		judge_syn(&judgement, snapshot, class, packet, node);
	else if (related && packet_is_icmp_error(packet))
		judge_error(&judgement, snapshot, class, packet, data, len);
	else
		judge_by_class(&judgement, snapshot, class, packet, node);
	/* Judged without its port, it says nothing of its flow (NP-74). */
	if (status == PACKET_FRAGMENT && judgement.answer != ANSWER_DENY)
		judgement.answer = ANSWER_PASS;
	return judgement;
}

struct judgement judge_packet(const struct snapshot *snapshot,
			      enum packet_class class, const uint8_t *data,
			      size_t len, enum node_part node,
			      struct packet *packet)
{
	enum packet_status status = packet_parse(data, len, packet);

	return judge_parsed(snapshot, class, status, packet, data, len, node);
}
