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

/* RFC 792, RFC 4443 §4.1. */
enum { ICMP_ECHO_REQUEST = 8, ICMPV6_ECHO_REQUEST = 128 };

/* Groups are the link's: no router passes on what goes to one of them, unless
   it is set up to. */
static bool is_multicast(const struct ip_addr *addr)
{
	return addr->family == IP_V6 && addr->bytes[0] == 0xff;
}

/* NP-72: IPv6 does not work without these, and no router passes them on. A hop
   limit of 1 alone does not say so: the sender may have written 2. */
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
	       packet->hop_limit == HOP_LIMIT_MLD && is_multicast(&packet->dst);
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

static void ask_own_way(struct inquiry *inquiry, const struct packet *packet,
			enum node_part node)
{
	inquiry->keys[inquiry->n_keys++] = key_of(packet, node);
}

static void ask_reverse(struct inquiry *inquiry, const struct packet *packet,
			enum node_part node)
{
	inquiry->reversed[inquiry->n_keys] = true;
	inquiry->keys[inquiry->n_keys++] = reverse_key_of(packet, node);
}

static void begin_syn(struct inquiry *inquiry, enum packet_class class,
		      const struct packet *packet, enum node_part node)
{
	ask_own_way(inquiry, packet, node);
	if (class == CLASS_UNTRACKED)
		inquiry->allowed = ANSWER_PASS;
	else if (class == CLASS_REPLY || class == CLASS_RELATED_REPLY)
		inquiry->allowed = ANSWER_ALLOW_PICKED_UP;
	else
		inquiry->allowed = ANSWER_ALLOW;
}

/* The error passes; what becomes of its flow is for the flow's own packets to
   settle. */
static void begin_error(struct inquiry *inquiry, enum packet_class class,
			const struct packet *error, const uint8_t *data,
			size_t len)
{
	enum packet_status status;
	struct packet quoted;

	status = packet_parse_quoted(data, len, error, &quoted);
	if (status == PACKET_MALFORMED || status == PACKET_TRUNCATED) {
		inquiry->note = NOTE_UNPARSABLE;
		return;
	}
	if (class == CLASS_RELATED)
		ask_reverse(inquiry, &quoted, NODE_FORWARDS);
	else
		ask_own_way(inquiry, &quoted, NODE_FORWARDS);
	inquiry->allowed = ANSWER_PASS;
}

static void begin_by_class(struct inquiry *inquiry, enum packet_class class,
			   const struct packet *packet, enum node_part node)
{
	inquiry->allowed = ANSWER_ALLOW;
	switch (class) {
	case CLASS_ORIGINAL_NEW:
		ask_own_way(inquiry, packet, node);
		if (packet->protocol != PROTOCOL_TCP)
			return;
		ask_reverse(inquiry, packet, node);
		inquiry->allowed = ANSWER_ALLOW_PICKED_UP;
		return;
	case CLASS_ORIGINAL:
	case CLASS_RELATED:
	case CLASS_RELATED_REPLY:
		ask_own_way(inquiry, packet, node);
		return;
	case CLASS_REPLY:
		ask_reverse(inquiry, packet, node);
		/* What this node opened has the mark OWN-NODE, or gets it when
		   the node speaks next. */
		if (node == NODE_RECEIVES)
			inquiry->allowed = ANSWER_PASS;
		return;
	case CLASS_UNTRACKED:
		ask_own_way(inquiry, packet, node);
		ask_reverse(inquiry, packet, node);
		inquiry->allowed = ANSWER_PASS;
		return;
	}
}

/* Of what a kernel can find again: by ports, or as an echo. Of the rest it
   would know only the protocol. */
static bool opens_by_key(const struct packet *packet)
{
	switch (packet->protocol) {
	case PROTOCOL_TCP:
		return packet_opens_tcp(packet);
	case PROTOCOL_UDP:
	case PROTOCOL_SCTP:
		return packet->has_ports;
	case PROTOCOL_ICMP:
		return packet->icmp_type == ICMP_ECHO_REQUEST &&
		       packet->icmp_code == 0;
	case PROTOCOL_ICMPV6:
		return packet->icmp_type == ICMPV6_ECHO_REQUEST &&
		       packet->icmp_code == 0;
	default:
		return false;
	}
}

static bool is_memorable(const struct inquiry *inquiry, enum packet_class class,
			 enum packet_status status, const struct packet *packet)
{
	return status == PACKET_OK &&
	       (class == CLASS_ORIGINAL_NEW || class == CLASS_ORIGINAL) &&
	       inquiry->n_keys == 1 && !inquiry->reversed[0] &&
	       !inquiry->keys[0].from_own_node &&
	       inquiry->allowed == ANSWER_ALLOW && opens_by_key(packet);
}

struct inquiry judge_begin(enum packet_class class, enum packet_status status,
			   const struct packet *packet, const uint8_t *data,
			   size_t len, enum node_part node)
{
	bool related = class == CLASS_RELATED || class == CLASS_RELATED_REPLY;
	struct inquiry inquiry = { .allowed = ANSWER_DENY };

	if (status == PACKET_MALFORMED || status == PACKET_TRUNCATED) {
		inquiry.note = NOTE_UNPARSABLE;
	} else if (is_discovery(packet)) {
		inquiry.note = NOTE_DISCOVERY;
		inquiry.allowed = ANSWER_PASS;
	} else if (packet_opens_tcp(packet)) {
		begin_syn(&inquiry, class, packet, node);
	} else if (related && packet_is_icmp_error(packet)) {
		begin_error(&inquiry, class, packet, data, len);
	} else {
		begin_by_class(&inquiry, class, packet, node);
	}
	/* Judged without its port, it says nothing of its flow (NP-74). */
	if (status == PACKET_FRAGMENT && inquiry.allowed != ANSWER_DENY)
		inquiry.allowed = ANSWER_PASS;
	inquiry.memorable = is_memorable(&inquiry, class, status, packet);
	return inquiry;
}

static void ask_about(struct judgement *judgement,
		      const struct inquiry *inquiry, size_t way)
{
	judgement->key = inquiry->keys[way];
	judgement->reversed = inquiry->reversed[way];
}

/* Where neither way is allowed, the packet's own way is reported. */
struct judgement judge_end(const struct inquiry *inquiry,
			   const struct decision *first,
			   const struct decision *second)
{
	struct judgement judgement = { .answer = inquiry->allowed,
				       .note = inquiry->note,
				       .memorable = inquiry->memorable };
	size_t i = 0;

	if (inquiry->n_keys == 0)
		return judgement;
	judgement.decision = *first;
	if (first->verdict == VERDICT_DENY && inquiry->n_keys > 1 &&
	    second->verdict == VERDICT_ALLOW) {
		judgement.decision = *second;
		i = 1;
	}
	judgement.planned = judgement.decision;
	ask_about(&judgement, inquiry, i);
	if (judgement.decision.verdict == VERDICT_DENY)
		judgement.answer = ANSWER_DENY;
	return judgement;
}

/* The way that decided, unless the other one alone is open. */
static size_t planned_way(const struct inquiry *inquiry,
			  const struct decision *first,
			  const struct decision *second,
			  const struct judgement *judgement)
{
	if (inquiry->n_keys == 1 || first->verdict == VERDICT_ALLOW)
		return 0;
	if (second->verdict == VERDICT_ALLOW)
		return 1;
	return judgement->reversed == inquiry->reversed[0] ? 0 : 1;
}

void judge_plan(const struct inquiry *inquiry, const struct decision *first,
		const struct decision *second, const struct decision *enforced,
		struct judgement *judgement)
{
	size_t way;

	if (inquiry->n_keys == 0)
		return;
	way = planned_way(inquiry, first, second, judgement);
	judgement->planned = way == 0 ? *first : *second;
	if (judgement->planned.verdict == judgement->decision.verdict)
		return;
	judgement->memorable = false;
	/* Both are told of one question. The way back is another one than was
	   reported only where that was denied, and it was, too. */
	if (way == 1 && judgement->decision.verdict == VERDICT_DENY) {
		judgement->decision = *enforced;
		ask_about(judgement, inquiry, way);
	}
}

static void ask(const struct snapshot *snapshot, const struct inquiry *inquiry,
		struct decision *first, struct decision *second)
{
	*first = *second = (struct decision){ .verdict = VERDICT_DENY };
	if (inquiry->n_keys > 0)
		*first = snapshot_decide(snapshot, &inquiry->keys[0]);
	if (inquiry->n_keys > 1 && first->verdict == VERDICT_DENY)
		*second = snapshot_decide(snapshot, &inquiry->keys[1]);
}

struct judgement judge_parsed(const struct snapshot *snapshot,
			      enum packet_class class,
			      enum packet_status status,
			      const struct packet *packet, const uint8_t *data,
			      size_t len, enum node_part node)
{
	struct inquiry inquiry =
		judge_begin(class, status, packet, data, len, node);
	const struct snapshot *planned = snapshot_planned(snapshot);
	struct decision first, second, planned_first, planned_second;
	struct judgement judgement;

	ask(snapshot, &inquiry, &first, &second);
	judgement = judge_end(&inquiry, &first, &second);
	if (!planned)
		return judgement;
	ask(planned, &inquiry, &planned_first, &planned_second);
	judge_plan(&inquiry, &planned_first, &planned_second, &second,
		   &judgement);
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
