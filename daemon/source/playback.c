/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/playback.h"

#include <stdbool.h>

#include "netpold/judge.h"
#include "netpold/packet.h"
#include "netpold/snapshot.h"
#include "netpold/track.h"
#include "progress.h"
#include "source/ahead.h"

/* Often enough for who waits, and nothing beside what packets cost. */
#define TELL_EVERY 4096

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

/* ---- judging ------------------------------------------------------------- */

static bool is_error(enum packet_class class)
{
	return class == CLASS_RELATED || class == CLASS_RELATED_REPLY;
}

/* Judged by policies that are not in force any more. Errors about a flow say
   nothing of it, and neither does a later fragment, which has no ports (NP-74):
   the flow waits for a packet that has all that is asked about. */
static bool is_stale(const struct playback *playback,
		     const struct tracked *tracked, enum packet_status status)
{
	return tracked->flow->round != playback->round &&
	       !is_error(tracked->class) &&
	       (status == PACKET_OK || !tracked->flow->has_ports);
}

static bool is_asked(const struct playback *playback,
		     const struct tracked *tracked,
		     const struct ahead_packet *ahead)
{
	const struct packet *packet = &ahead->packet;

	if (tracked->opened || packet_opens_tcp(packet) ||
	    tracked->class == CLASS_UNTRACKED)
		return true;
	/* Each quotes what it is about. */
	if (packet_is_icmp_error(packet))
		return !is_error(tracked->class);
	return is_stale(playback, tracked, ahead->status);
}

/* A flow that was met in its middle is asked both ways whenever it is judged
   (NF-53). */
static enum packet_class class_of(const struct tracked *tracked)
{
	if (tracked->flow->picked_up && !is_error(tracked->class))
		return CLASS_ORIGINAL_NEW;
	return tracked->class;
}

static int tell_of(struct playback *playback, const struct played *played,
		   struct err *err)
{
	int r = playback->packet(playback->packet_ctx, played);

	return r < 0 ? err_set(err, r, "out of memory") : 0;
}

static int play_packet(struct playback *playback,
		       const struct capture_packet *bytes,
		       const struct ahead_packet *ahead, struct err *err)
{
	const struct snapshot *snapshot = playback->snapshot;
	const struct packet *packet = &ahead->packet;
	struct tracked tracked;
	struct judgement judgement;
	struct played played = {
		.tracked = &tracked,
		.snapshot = snapshot,
		.bytes = bytes,
	};
	int r;

	r = track_packet_ahead(playback->track, ahead->status, packet,
			       bytes->ip, bytes->len, bytes->time_ns,
			       &ahead->place, &tracked);
	if (r < 0)
		return err_set(err, r, "out of memory");
	if (!tracked.flow) {
		playback->unparsable++;
		return tell_of(playback, &played, err);
	}
	if (is_asked(playback, &tracked, ahead)) {
		judgement = judge_parsed(
			snapshot, class_of(&tracked), ahead->status, packet,
			bytes->ip, bytes->len, part_of_node(snapshot, packet));
		played.judgement = &judgement;
		played.is_again = !tracked.opened &&
				  is_stale(playback, &tracked, ahead->status);
		if (tracked.opened || played.is_again)
			tracked.flow->round = playback->round;
	}
	return tell_of(playback, &played, err);
}

/* ---- the capture --------------------------------------------------------- */

static int turn(struct playback *playback, int64_t time_ns, struct err *err)
{
	const struct snapshot *before = playback->snapshot;
	int r;

	if (!playback->turn || time_ns < playback->turn_ns)
		return 0;
	r = playback->turn(playback->turn_ctx, playback, time_ns, err);
	if (playback->snapshot != before)
		playback->round++;
	return r;
}

static int begin_packet(struct playback *playback,
			const struct capture *capture,
			const struct capture_packet *bytes, struct err *err)
{
	if (playback->packets++ == 0)
		playback->start_ns = bytes->time_ns;
	if (playback->progress && playback->packets % TELL_EVERY == 0)
		progress_tell_part(playback->progress,
				   (size_t)playback->packets, "packets",
				   capture_part(capture));
	return turn(playback, bytes->time_ns, err);
}

/* Too short to say what it is: a node could not read it either. */
static int play_cut(struct playback *playback,
		    const struct capture_packet *bytes, struct err *err)
{
	const struct tracked tracked = { 0 };
	const struct played played = {
		.tracked = &tracked,
		.snapshot = playback->snapshot,
		.bytes = bytes,
	};

	playback->unparsable++;
	return tell_of(playback, &played, err);
}

static int play(struct playback *playback, const struct capture *capture,
		const struct capture_packet *bytes,
		const struct ahead_packet *packet, struct err *err)
{
	int r = begin_packet(playback, capture, bytes, err);

	if (r < 0)
		return r;
	if (bytes->kind == CAPTURE_IP)
		return play_packet(playback, bytes, packet, err);
	if (bytes->kind == CAPTURE_CUT)
		return play_cut(playback, bytes, err);
	playback->not_ip++;
	return 0;
}

/* What was read before trouble is played before the trouble is told. */
int playback_run(struct playback *playback, struct capture *capture,
		 struct err *err)
{
	struct ahead ahead = { 0 };
	int r;

	do {
		r = ahead_read(&ahead, capture, playback->track, err);
		for (size_t i = 0; i < ahead.n && r == 0; i++)
			r = play(playback, capture, &ahead.bytes[i],
				 &ahead.packets[i], err);
	} while (r == 0 && ahead.n > 0);
	return r;
}
