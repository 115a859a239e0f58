/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A capture may hold any packets at any times. Whatever comes, each flow is
 * handed out once, in the order of opening, with all of its packets counted,
 * and no more flows are kept than were asked for.
 *
 * The text of an input: a byte, how many flows at most, then packets, each as
 *
 *	time since the one before it, tenths of seconds, 16 bits, may be
 * negative a byte below 128, so many bytes of a packet; or one from 128 on and
 * two more, from which a packet between a few hosts is made
 *
 * Made packets share addresses and ports far more often than random bytes
 * would, so that flows are answered, closed, reset and opened anew.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "netpold/track.h"

#include "policy/packet_build.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TENTH_NS INT64_C(100000000)

/* ---- packets ------------------------------------------------------------ */

enum made {
	MADE_TCP = 0,
	MADE_UDP,
	MADE_PING,
	MADE_PONG,
	MADE_FIRST_FRAGMENT,
	MADE_LATER_FRAGMENT,
	MADE_DISCOVERY,
	MADE_ERROR, /* quotes a packet of TCP or UDP */
};
#define N_MADE 8

struct hosts {
	const char *src;
	const char *dst;
	bool v6;
};

static struct bytes packet_between(struct hosts hosts, uint8_t protocol,
				   struct bytes payload)
{
	if (!hosts.v6)
		return ipv4(hosts.src, hosts.dst, protocol, payload);
	if (protocol == PROTOCOL_ICMP)
		protocol = PROTOCOL_ICMPV6;
	return ipv6(hosts.src, hosts.dst, protocol, payload);
}

static struct bytes fragment_between(struct hosts hosts, uint16_t id,
				     size_t offset, struct bytes payload)
{
	if (!hosts.v6)
		return ipv4_fragment(
			packet_between(hosts, PROTOCOL_UDP, payload), id,
			offset, offset == 0);
	return packet_between(
		hosts, 44,
		fragment(PROTOCOL_UDP, id, offset, offset == 0, payload));
}

/* @op     kind of packet, who sends it, family
 * @ports  the two ports, or the id, out of few
 * @more   TCP flags; type of an ICMP error */
static struct bytes make_packet(uint8_t op, uint8_t ports, uint8_t more)
{
	static const char *const v4[] = { "10.0.0.1", "10.0.0.2" };
	static const char *const v6[] = { "fd00::1", "fd00::2" };
	bool v6_wanted = op & 0x20, back = op & 0x10;
	const char *const *names = v6_wanted ? v6 : v4;
	struct hosts hosts = { names[back], names[!back], v6_wanted };
	uint16_t src_port = ports & 3, dst_port = ports >> 2 & 3;
	uint8_t type = hosts.v6 ? 1 : 3;
	struct hosts turned = { hosts.dst, hosts.src, hosts.v6 };
	struct bytes quoted;

	switch ((enum made)(op % N_MADE)) {
	case MADE_TCP:
		return packet_between(hosts, PROTOCOL_TCP,
				      tcp(src_port, dst_port, more));
	case MADE_UDP:
		return packet_between(hosts, PROTOCOL_UDP,
				      udp(src_port, dst_port));
	case MADE_PING:
		return packet_between(hosts, PROTOCOL_ICMP,
				      icmp(hosts.v6 ? 128 : 8, 0, src_port));
	case MADE_PONG:
		return packet_between(hosts, PROTOCOL_ICMP,
				      icmp(hosts.v6 ? 129 : 0, 0, src_port));
	case MADE_FIRST_FRAGMENT:
		return fragment_between(hosts, more & 3, 0,
					udp(src_port, dst_port));
	case MADE_LATER_FRAGMENT:
		return fragment_between(hosts, more & 3, 8, bytes_zero(8));
	case MADE_DISCOVERY:
		return ipv6_hops(v6[back], v6[!back], PROTOCOL_ICMPV6,
				 more & 1 ? 255 : 1, icmp(135, 0, 0));
	case MADE_ERROR:
		break;
	}
	quoted = ports & 0x10 ? tcp(dst_port, src_port, TCP_ACK)
			      : udp(dst_port, src_port);
	quoted = packet_between(
		turned, ports & 0x10 ? PROTOCOL_TCP : PROTOCOL_UDP, quoted);
	return packet_between(hosts, PROTOCOL_ICMP,
			      bytes_join(icmp(type, more & 3, 0), quoted));
}

/* ---- what has to hold --------------------------------------------------- */

static void demand(bool holds)
{
	if (!holds)
		abort();
}

struct tally {
	struct track *track;
	size_t max_flows;
	int64_t now_ns;
	uint64_t opened;     /* flows that were said to begin */
	uint64_t handed_out; /* and that were done */
	uint64_t packets;    /* packets and errors that were given a flow */
	uint64_t counted;    /* the same, as flows say that were handed out */
};

static void flow_done(void *ctx, struct flow *flow)
{
	struct tally *tally = ctx;
	uint64_t n = flow->packets[WAY_ORIGINAL] + flow->packets[WAY_REPLY];

	demand(flow->number == tally->handed_out);
	demand(flow->data == (void *)(uintptr_t)(flow->number + 1));
	demand(flow->first_ns <= flow->last_ns);
	demand(n > 0);
	tally->handed_out++;
	tally->counted += n + flow->errors;
}

static bool ends_are(const struct flow *flow, const struct packet *packet)
{
	bool along = ip_addr_equal(&flow->src, &packet->src) &&
		     ip_addr_equal(&flow->dst, &packet->dst);
	bool against = ip_addr_equal(&flow->src, &packet->dst) &&
		       ip_addr_equal(&flow->dst, &packet->src);

	return (along || against) && flow->protocol == packet->protocol;
}

static void check_tracked(struct tally *tally, const struct tracked *tracked,
			  const struct packet *packet)
{
	struct flow *flow = tracked->flow;
	bool related = tracked->class == CLASS_RELATED ||
		       tracked->class == CLASS_RELATED_REPLY;

	tally->packets++;
	if (tracked->opened) {
		demand(flow->number == tally->opened++);
		demand(flow->data == NULL);
		demand(flow->packets[WAY_ORIGINAL] + flow->packets[WAY_REPLY] ==
		       1);
		flow->data = (void *)(uintptr_t)(flow->number + 1);
	}
	demand(flow->data == (void *)(uintptr_t)(flow->number + 1));
	demand(flow->number >= tally->handed_out);
	demand(!related || packet_is_icmp_error(packet));
	demand(related || ends_are(flow, packet));
	demand(!(tracked->class == CLASS_ORIGINAL_NEW) || tracked->opened);
	demand(flow->last_ns <= tally->now_ns);
}

static void take(struct tally *tally, const uint8_t *data, size_t len,
		 int64_t time_ns)
{
	enum packet_status status;
	struct packet packet;
	struct tracked tracked;

	if (time_ns > tally->now_ns)
		tally->now_ns = time_ns;
	status = packet_parse(data, len, &packet);
	if (track_packet(tally->track, status, &packet, data, len, time_ns,
			 &tracked) < 0)
		abort();
	demand((tracked.flow != NULL) ==
	       (status == PACKET_OK || status == PACKET_FRAGMENT));
	if (tracked.flow)
		check_tracked(tally, &tracked, &packet);
	demand(track_counts(tally->track).flows == tally->opened);
	demand(tally->opened - tally->handed_out <= tally->max_flows);
}

/* ---- input -------------------------------------------------------------- */

static void feed(struct tally *tally, const uint8_t *data, size_t size)
{
	int64_t time_ns = 0;

	while (size >= 3) {
		uint8_t op = data[2];
		size_t len = op;

		time_ns += (int16_t)(data[0] | data[1] << 8) * TENTH_NS;
		data += 3;
		size -= 3;
		if (op >= 128) {
			struct bytes made;

			if (size < 2)
				return;
			made = make_packet(op, data[0], data[1]);
			take(tally, made.data, made.len, time_ns);
			len = 2;
		} else {
			if (len > size)
				len = size;
			take(tally, data, len, time_ns);
		}
		data += len;
		size -= len;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tally tally = { .max_flows = 1 };
	struct track_options options = {
		.hash_key = { 1, 2 },
		.done = flow_done,
		.done_ctx = &tally,
	};

	if (size == 0)
		return 0;
	tally.max_flows += data[0] % 8;
	options.max_flows = tally.max_flows;
	tally.track = track_new(&options);
	if (!tally.track)
		return 0;
	feed(&tally, data + 1, size - 1);
	track_finish(tally.track);
	demand(tally.handed_out == tally.opened);
	demand(tally.counted == tally.packets);
	demand(track_counts(tally.track).evicted <= tally.opened);
	track_free(tally.track);
	return 0;
}
