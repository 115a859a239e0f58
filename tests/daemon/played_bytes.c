/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "played_bytes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "decision_record.h"
#include "netpold/arena.h"
#include "netpold/cleanup.h"
#include "netpold/judge.h"
#include "netpold/track.h"
#include "source/capture.h"
#include "source/playback.h"

#include "policy/object_build.h"

#define MAX_FLOWS 64

struct snapshot *played_world(void)
{
	const struct rule from_client = a_pod_rule(NULL, "app=client");
	struct object in =
		a_policy("shop", "in", "app=server", DIRECTION_INGRESS);
	struct object objects[] = {
		a_pod("shop", "client", "app=client", "10.0.0.1,fd00::1"),
		a_pod("shop", "server", "app=server", "10.0.0.2,fd00::2"),
		a_policy("shop", "closed", "app=client", DIRECTION_INGRESS),
		with_rule(in, DIRECTION_INGRESS,
			  on_ports(from_client, PROTOCOL_TCP, 80, 80)),
	};
	struct cluster *cluster = cluster_new();
	struct snapshot *snapshot = NULL;

	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
		if (cluster_put(cluster, &objects[i], 0) < 0)
			abort();
	}
	if (snapshot_compile(cluster, NULL, &snapshot, NULL) < 0)
		abort();
	cluster_free(cluster);
	arena_release(&build_arena);
	return snapshot;
}

struct playing {
	const struct snapshot *snapshot;
	struct played_bytes *out;
	struct arena arena;
	FILE *words;
	uint64_t in_flows; /* packets that flows say they have */
};

/* ---- what is told ---------------------------------------------------------
 */

static void demand(struct playing *playing, bool holds, const char *what)
{
	if (!holds && !playing->out->wrong)
		playing->out->wrong = what;
}

static void tell(struct playing *playing, const struct judgement *judgement)
{
	struct explanation explanation;
	const struct decision_record record = {
		.key = judgement->key,
		.explanation = &explanation,
	};

	arena_clear(&playing->arena);
	if (snapshot_explain_nearest(playing->snapshot, &judgement->key,
				     &playing->arena, &explanation) < 0)
		abort();
	demand(playing,
	       explanation.decision.verdict == judgement->decision.verdict,
	       "what is explained is what was decided");
	decision_record_write_flow(playing->words, &record);
	decision_record_write_why(playing->words, &record);
}

static int take_packet(void *ctx, const struct played *played)
{
	const struct judgement *judgement = played->judgement;
	struct playing *playing = ctx;

	playing->out->handed_out++;
	if (!judgement) {
		demand(playing,
		       !played->tracked->flow || !played->tracked->opened,
		       "what opens a flow is judged");
		return 0;
	}
	demand(playing, played->tracked->flow != NULL,
	       "what is judged has a flow");
	if (judgement->note == NOTE_NONE)
		tell(playing, judgement);
	return 0;
}

static void take_flow(void *ctx, struct flow *flow)
{
	struct playing *playing = ctx;

	playing->out->flows++;
	playing->in_flows += flow->packets[WAY_ORIGINAL] +
			     flow->packets[WAY_REPLY] + flow->errors;
}

/* ---- a capture ------------------------------------------------------------
 */

static int play(struct playing *playing, struct capture *capture,
		struct err *err)
{
	const struct track_options options = {
		.max_flows = MAX_FLOWS,
		.done = take_flow,
		.done_ctx = playing,
	};
	CLEANUP(track_freep) struct track *track = track_new(&options);
	struct playback playback = {
		.snapshot = playing->snapshot,
		.track = track,
		.packet = take_packet,
		.packet_ctx = playing,
	};
	int r;

	if (!track)
		abort();
	r = playback_run(&playback, capture, err);
	track_finish(track);
	playing->out->packets = playback.packets;
	playing->out->not_ip = playback.not_ip;
	playing->out->unparsable = playback.unparsable;
	return r;
}

static void check_counts(struct playing *playing)
{
	const struct played_bytes *out = playing->out;

	demand(playing,
	       out->handed_out + out->not_ip <= out->packets &&
		       out->packets <=
			       out->handed_out + out->not_ip + out->unparsable,
	       "every packet is handed out, or counted");
	demand(playing, playing->in_flows <= out->handed_out,
	       "flows have no more packets than there are");
	demand(playing, out->handed_out <= playing->in_flows + out->unparsable,
	       "every packet that can be read is in a flow");
	demand(playing, out->result >= 0 || out->err.message[0],
	       "what goes wrong is told");
	demand(playing,
	       out->result == 0 || out->result == -EINVAL ||
		       out->result == -EIO,
	       "what goes wrong is the capture");
}

void play_bytes(const struct snapshot *snapshot, const uint8_t *data,
		size_t len, bool looks_inside, struct played_bytes *out)
{
	static FILE *nowhere;
	struct playing playing = { .snapshot = snapshot, .out = out };
	CLEANUP(capture_closep) struct capture *capture = NULL;
	FILE *file = fmemopen((void *)(uintptr_t)data, len, "rb");

	if (!nowhere)
		nowhere = fopen("/dev/null", "we");
	if (!file || !nowhere)
		abort();
	playing.words = nowhere;
	*out = (struct played_bytes){ 0 };
	out->result = capture_open_file(file, "bytes", &capture, &out->err);
	if (out->result == 0) {
		if (looks_inside)
			capture_look_inside(capture);
		out->result = play(&playing, capture, &out->err);
	}
	check_counts(&playing);
	arena_release(&playing.arena);
}
