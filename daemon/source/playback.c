/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/playback.h"

#include <stdbool.h>

#include "netpold/packet.h"

static bool is_node_of(const struct snapshot *snapshot,
		       const struct ip_addr *node, const struct ip_addr *pod)
{
	return snapshot_is_node_of(snapshot, node,
				   snapshot_pod_by_address(snapshot, pod));
}

/* A capture shows no hooks, only addresses. */
static enum node_part part_of_node(const struct snapshot *snapshot,
				   const struct packet *packet)
{
	if (is_node_of(snapshot, &packet->src, &packet->dst))
		return NODE_SENDS;
	return is_node_of(snapshot, &packet->dst, &packet->src) ? NODE_RECEIVES
								: NODE_FORWARDS;
}

static int play_packet(struct playback *playback,
		       const struct capture_packet *bytes, struct err *err)
{
	enum packet_status status;
	struct packet packet;
	struct tracked tracked;
	struct judgement judgement;
	int r;

	status = packet_parse(bytes->ip, bytes->len, &packet);
	r = track_packet(playback->track, status, &packet, bytes->ip,
			 bytes->len, bytes->time_ns, &tracked);
	if (r < 0)
		return err_set(err, r, "out of memory");
	if (!tracked.flow) {
		playback->unparsable++;
		return 0;
	}
	if (!tracked.opened && !packet_opens_tcp(&packet) &&
	    tracked.class != CLASS_UNTRACKED)
		return 0;
	judgement = judge_parsed(playback->snapshot, tracked.class, status,
				 &packet, bytes->ip, bytes->len,
				 part_of_node(playback->snapshot, &packet));
	r = playback->judged(playback->judged_ctx, &tracked, &judgement, bytes);
	return r < 0 ? err_set(err, r, "out of memory") : 0;
}

int playback_run(struct playback *playback, struct capture *capture,
		 struct err *err)
{
	struct capture_packet bytes;
	int kind, r = 0;

	while (r == 0) {
		kind = capture_next(capture, &bytes, err);
		if (kind <= CAPTURE_END)
			return kind;
		if (playback->packets++ == 0)
			playback->start_ns = bytes.time_ns;
		if (kind == CAPTURE_IP)
			r = play_packet(playback, &bytes, err);
		else if (kind == CAPTURE_NOT_IP)
			playback->not_ip++;
		else
			playback->unparsable++;
	}
	return r;
}
