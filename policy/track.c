/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Both directions of a flow are one entry of the flow table. Which end opened
 * it is kept there; a packet whose source is that end travels the original
 * way. A ping is an exception. Two hosts may ping each other with the same id,
 * and these are two flows, so who asks is a part of the key.
 *
 * A flow leaves the table when it is over, or when another one takes its key.
 * It is over when nothing came for a time that depends on its protocol and
 * state: those are the defaults of the kernel's connection tracking (NF-54).
 *
 * A SYN makes a new flow of one that is closed or reset, and of one that was
 * picked up in its middle: whatever that was, this is an opening, and it says
 * who opens. On any other flow it is a packet of the flow, and whoever judges
 * it asks in its own direction anyway.
 */
#include "netpold/track.h"

#include <stdlib.h>
#include <string.h>

#include "flow_table.h"
#include "fragments.h"
#include "netpold/object.h"

#define NS_PER_S INT64_C(1000000000)
#define MAX_FLOWS ((size_t)1 << 31) /* what the flow table can number */

enum flow_state {
	STATE_OPENING = 0, /* for good, where it is not TCP */
	STATE_ANSWERED,
	STATE_ESTABLISHED,
	STATE_HALF_CLOSED,
	STATE_CLOSED,
	STATE_RESET,
};

struct track {
	struct track_options options;
	struct flow_table table;
	struct fragments fragments;
	int64_t now_ns; /* never negative, never runs backwards */
	uint64_t evicted;
};

/* ---- keys --------------------------------------------------------------- */

/* A packet, as the table sees it. */
struct place {
	struct flow_table_key key;
	uint32_t hash;	    /* of the key */
	bool from_low;	    /* its source is the lower end */
	bool opened_by_low; /* if this packet were to open the flow */
};

static bool is_echo_request(const struct packet *packet)
{
	return (packet->protocol == PROTOCOL_ICMP && packet->icmp_type == 8) ||
	       (packet->protocol == PROTOCOL_ICMPV6 &&
		packet->icmp_type == 128);
}

static bool is_echo_reply(const struct packet *packet)
{
	return (packet->src.family == IP_V4 &&
		packet->protocol == PROTOCOL_ICMP && packet->icmp_type == 0) ||
	       (packet->protocol == PROTOCOL_ICMPV6 &&
		packet->icmp_type == 129);
}

/* An answer, even where what it answers was not seen. */
static bool is_answer(enum packet_status status, const struct packet *packet)
{
	if (status != PACKET_OK)
		return false;
	if (packet->protocol == PROTOCOL_TCP)
		return (packet->tcp_flags & (TCP_SYN | TCP_ACK)) ==
		       (TCP_SYN | TCP_ACK);
	return is_echo_reply(packet);
}

/* Connection tracking leaves discovery alone. Whether it is worthy of its name
   is for the hop limit to say (NP-72), which is a part of the key. */
static bool is_untracked(const struct packet *packet)
{
	return packet->protocol == PROTOCOL_ICMPV6 &&
	       packet->src.family == IP_V6 &&
	       ((packet->icmp_type >= 130 && packet->icmp_type <= 137) ||
		packet->icmp_type == 143);
}

static struct place place_of(enum packet_status status,
			     const struct packet *packet)
{
	bool echo = status == PACKET_OK &&
		    (is_echo_request(packet) || is_echo_reply(packet));
	uint16_t src_port = packet->has_ports ? packet->src_port : 0;
	uint16_t dst_port = packet->has_ports ? packet->dst_port : 0;
	int order = ip_addr_compare(&packet->src, &packet->dst);
	struct place place;

	memset(&place, 0, sizeof(place));
	if (echo)
		src_port = dst_port = packet->icmp_id;
	else if (is_untracked(packet))
		src_port = dst_port = packet->hop_limit;
	place.from_low = order < 0 || (order == 0 && src_port <= dst_port);
	place.opened_by_low = place.from_low != is_answer(status, packet);

	memcpy(place.key.low,
	       place.from_low ? packet->src.bytes : packet->dst.bytes, 16);
	memcpy(place.key.high,
	       place.from_low ? packet->dst.bytes : packet->src.bytes, 16);
	place.key.low_port = place.from_low ? src_port : dst_port;
	place.key.high_port = place.from_low ? dst_port : src_port;
	place.key.family = packet->src.family;
	place.key.protocol = packet->protocol;
	if (echo)
		place.key.kind = place.opened_by_low ? KEY_ECHO_FROM_LOW
						     : KEY_ECHO_FROM_HIGH;
	else if (is_untracked(packet))
		place.key.kind = KEY_UNTRACKED;
	else if (packet->has_ports)
		place.key.kind = KEY_PORTS;
	return place;
}

/* ---- the life of a flow ------------------------------------------------- */

static int64_t tcp_timeout_s(enum flow_state state)
{
	switch (state) {
	case STATE_OPENING:
		return 120;
	case STATE_ANSWERED:
		return 60;
	case STATE_ESTABLISHED:
		return 432000;
	case STATE_HALF_CLOSED:
	case STATE_CLOSED:
		return 120;
	case STATE_RESET:
		return 10;
	}
	return 0;
}

static int64_t timeout_s(const struct flow_entry *entry)
{
	switch (entry->flow.protocol) {
	case PROTOCOL_TCP:
		return tcp_timeout_s(entry->state);
	case PROTOCOL_UDP:
		return entry->flow.packets[WAY_REPLY] > 0 ? 120 : 30;
	case PROTOCOL_SCTP:
		return 210;
	case PROTOCOL_ICMP:
	case PROTOCOL_ICMPV6:
		return 30;
	default:
		return 600;
	}
}

static bool is_over(const struct track *track, const struct flow_entry *entry)
{
	int64_t idle_ns = track->now_ns - entry->flow.last_ns;

	return !entry->in_table || idle_ns > timeout_s(entry) * NS_PER_S;
}

static void hand_out_first(struct track *track)
{
	struct flow_entry *first = flow_table_first(&track->table);

	if (track->options.done)
		track->options.done(track->options.done_ctx, &first->flow);
	flow_table_drop_first(&track->table);
}

static void hand_out_over(struct track *track)
{
	const struct flow_entry *first = flow_table_first(&track->table);

	while (first && is_over(track, first)) {
		hand_out_first(track);
		first = flow_table_first(&track->table);
	}
}

static bool makes_new_flow(const struct flow_entry *entry,
			   const struct packet *packet)
{
	return packet_opens_tcp(packet) &&
	       (entry->state == STATE_CLOSED || entry->state == STATE_RESET ||
		entry->flow.picked_up);
}

static int open_flow(struct track *track, const struct packet *packet,
		     const struct place *place, struct flow_entry **out)
{
	bool along = place->from_low == place->opened_by_low;
	struct flow_entry *entry;
	struct flow *flow;
	int r;

	if (track->table.count >= track->options.max_flows) {
		hand_out_first(track);
		track->evicted++;
	}
	r = flow_table_add(&track->table, &place->key, place->hash, &entry);
	if (r < 0)
		return r;
	entry->opened_by_low = place->opened_by_low;

	flow = &entry->flow;
	flow->src = along ? packet->src : packet->dst;
	flow->dst = along ? packet->dst : packet->src;
	flow->protocol = packet->protocol;
	flow->has_ports = packet->has_ports;
	if (packet->has_ports) {
		flow->src_port = along ? packet->src_port : packet->dst_port;
		flow->dst_port = along ? packet->dst_port : packet->src_port;
	}
	flow->picked_up = packet->protocol == PROTOCOL_TCP && along &&
			  packet->has_ports && !packet_opens_tcp(packet);
	if (flow->picked_up)
		entry->state = STATE_ESTABLISHED;
	flow->first_ns = flow->last_ns = track->now_ns;
	*out = entry;
	return 0;
}

static void tcp_advance(struct flow_entry *entry, const struct packet *packet,
			enum flow_way way)
{
	if (packet->tcp_flags & TCP_RST) {
		entry->state = STATE_RESET;
		return;
	}
	if (packet->tcp_flags & TCP_FIN)
		entry->closed[way] = true;
	if (entry->closed[WAY_ORIGINAL] && entry->closed[WAY_REPLY])
		entry->state = STATE_CLOSED;
	else if (entry->closed[WAY_ORIGINAL] || entry->closed[WAY_REPLY])
		entry->state = STATE_HALF_CLOSED;
	else if (entry->state == STATE_OPENING && way == WAY_REPLY)
		entry->state = STATE_ANSWERED;
	else if (entry->state == STATE_ANSWERED && way == WAY_ORIGINAL &&
		 packet->tcp_flags & TCP_ACK)
		entry->state = STATE_ESTABLISHED;
}

/* ---- packets ------------------------------------------------------------ */

/* The flow that a packet belongs to, if it is there and not over. */
static struct flow_entry *find(struct track *track, enum packet_status status,
			       const struct packet *packet,
			       const struct place *place)
{
	struct flow_entry *entry;
	uint64_t number;

	if (status == PACKET_FRAGMENT &&
	    fragments_find(&track->fragments, packet, track->now_ns, &number)) {
		entry = flow_table_by_number(&track->table, number);
		if (entry && !is_over(track, entry))
			return entry;
	}
	entry = flow_table_find(&track->table, &place->key, place->hash);
	return entry && !is_over(track, entry) ? entry : NULL;
}

static enum flow_way way_of(const struct flow_entry *entry,
			    const struct packet *packet,
			    const struct place *place)
{
	/* A later fragment has no ports: its addresses have to do. */
	if (entry->flow.has_ports != packet->has_ports)
		return ip_addr_equal(&packet->src, &entry->flow.src)
			       ? WAY_ORIGINAL
			       : WAY_REPLY;
	return place->from_low == entry->opened_by_low ? WAY_ORIGINAL
						       : WAY_REPLY;
}

/* An ICMP error about a flow that is known; false when it is none. */
static bool relate(struct track *track, const struct packet *packet,
		   const uint8_t *data, size_t len, struct tracked *out)
{
	enum packet_status status;
	struct packet quoted;
	struct flow_entry *entry;
	struct place place;

	if (!packet_is_icmp_error(packet))
		return false;
	status = packet_parse_quoted(data, len, packet, &quoted);
	if (status != PACKET_OK && status != PACKET_FRAGMENT)
		return false;
	place = place_of(status, &quoted);
	place.hash = flow_table_hash(&track->table, &place.key);
	entry = find(track, status, &quoted, &place);
	if (!entry)
		return false;

	/* The error travels against the packet that it quotes. */
	out->class = way_of(entry, &quoted, &place) == WAY_ORIGINAL
			     ? CLASS_RELATED_REPLY
			     : CLASS_RELATED;
	out->flow = &entry->flow;
	entry->flow.errors++;
	return true;
}

static void count(struct track *track, struct flow_entry *entry,
		  enum packet_status status, const struct packet *packet,
		  const struct place *place, struct tracked *out)
{
	enum flow_way way = way_of(entry, packet, place);
	struct flow *flow = &entry->flow;

	flow->packets[way]++;
	flow->last_ns = track->now_ns;
	if (packet->protocol == PROTOCOL_TCP && status == PACKET_OK)
		tcp_advance(entry, packet, way);
	if (packet->is_fragment && status == PACKET_OK)
		fragments_remember(&track->fragments, packet, flow->number,
				   track->now_ns);

	out->flow = flow;
	if (is_untracked(packet))
		out->class = CLASS_UNTRACKED;
	else if (way == WAY_REPLY)
		out->class = CLASS_REPLY;
	else
		out->class = out->opened ? CLASS_ORIGINAL_NEW : CLASS_ORIGINAL;
}

/* ---- ahead of time ------------------------------------------------------- */

static bool has_flow(enum packet_status status)
{
	return status == PACKET_OK || status == PACKET_FRAGMENT;
}

_Static_assert(sizeof(struct place) <=
		       sizeof(((struct track_ahead *)NULL)->place),
	       "a place fits");

struct track_ahead track_look_ahead(const struct track *track,
				    enum packet_status status,
				    const struct packet *packet)
{
	struct track_ahead ahead = { .is_known = has_flow(status) };
	struct place place;

	if (!ahead.is_known)
		return ahead;
	place = place_of(status, packet);
	place.hash = flow_table_hash(&track->table, &place.key);
	flow_table_fetch(&track->table, place.hash);
	memcpy(ahead.place, &place, sizeof(place));
	return ahead;
}

void track_fetch_ahead(const struct track *track,
		       const struct track_ahead *ahead)
{
	struct place place;

	if (!ahead->is_known)
		return;
	memcpy(&place, ahead->place, sizeof(place));
	flow_table_fetch_entry(&track->table, place.hash);
}

/* Where a packet belongs, as it was found ahead of time or not. */
static struct place find_place(const struct track *track,
			       enum packet_status status,
			       const struct packet *packet,
			       const struct track_ahead *ahead)
{
	struct place place;

	if (ahead->is_known) {
		memcpy(&place, ahead->place, sizeof(place));
		return place;
	}
	place = place_of(status, packet);
	place.hash = flow_table_hash(&track->table, &place.key);
	return place;
}

/* ---- one packet ---------------------------------------------------------- */

int track_packet(struct track *track, enum packet_status status,
		 const struct packet *packet, const uint8_t *data, size_t len,
		 int64_t now_ns, struct tracked *out)
{
	const struct track_ahead ahead = { 0 };

	return track_packet_ahead(track, status, packet, data, len, now_ns,
				  &ahead, out);
}

int track_packet_ahead(struct track *track, enum packet_status status,
		       const struct packet *packet, const uint8_t *data,
		       size_t len, int64_t now_ns,
		       const struct track_ahead *ahead, struct tracked *out)
{
	struct tracked tracked = { .class = CLASS_ORIGINAL_NEW };
	struct flow_entry *entry;
	struct place place;
	int r;

	if (now_ns > track->now_ns)
		track->now_ns = now_ns;
	hand_out_over(track);
	if (!has_flow(status)) {
		*out = tracked;
		return 0;
	}
	if (relate(track, packet, data, len, &tracked)) {
		*out = tracked;
		return 0;
	}

	place = find_place(track, status, packet, ahead);
	entry = find(track, status, packet, &place);
	if (!entry || makes_new_flow(entry, packet)) {
		entry = flow_table_find(&track->table, &place.key, place.hash);
		if (entry)
			flow_table_remove(&track->table, entry);
		hand_out_over(track);
		r = open_flow(track, packet, &place, &entry);
		if (r < 0)
			return r;
		tracked.opened = true;
	}
	count(track, entry, status, packet, &place, &tracked);
	*out = tracked;
	return 0;
}

/* ---- the tracker -------------------------------------------------------- */

struct track *track_new(const struct track_options *options)
{
	struct track *track = calloc(1, sizeof(*track));

	if (!track)
		return NULL;
	track->options = *options;
	if (options->max_flows == 0)
		track->options.max_flows = TRACK_MAX_FLOWS_DEFAULT;
	if (options->max_flows > MAX_FLOWS)
		track->options.max_flows = MAX_FLOWS;
	memcpy(track->fragments.hash_key, options->hash_key,
	       sizeof(track->fragments.hash_key));
	if (flow_table_init(&track->table, options->hash_key) < 0) {
		free(track);
		return NULL;
	}
	return track;
}

void track_free(struct track *track)
{
	if (!track)
		return;
	flow_table_release(&track->table);
	free(track);
}

void track_freep(struct track **track)
{
	track_free(*track);
	*track = NULL;
}

void track_finish(struct track *track)
{
	while (flow_table_first(&track->table))
		hand_out_first(track);
}

struct track_counts track_counts(const struct track *track)
{
	return (struct track_counts){
		.flows = track->table.head + track->table.count,
		.evicted = track->evicted,
	};
}
