/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netpold replay: what the policies would have done to captured traffic.
 *
 * The capture is played (source/playback.h), and a line is printed for each
 * flow. Nothing is dropped: what a denied opening led to in the capture is
 * counted for its flow.
 */
#include "command/command.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command/replay_options.h"
#include "command/replay_report.h"
#include "log.h"
#include "netpold/cleanup.h"
#include "netpold/snapshot.h"
#include "netpold/track.h"
#include "progress.h"
#include "source/capture.h"
#include "source/objects.h"
#include "source/pcapng.h"
#include "source/playback.h"
#include "source/timeline.h"

struct replay {
	struct snapshot *snapshot; /* NULL: they are the timeline's */
	struct timeline *timeline;
	struct track *track;
	struct progress progress;
	struct playback playback;
	struct replay_report report;
};

/* ---- the capture -------------------------------------------------------- */

static int take_packet(void *ctx, const struct played *played)
{
	struct replay *replay = ctx;

	replay->report.start_ns = replay->playback.start_ns;
	return replay_report_packet(&replay->report, played);
}

static int take_turn(void *ctx, struct playback *playback, int64_t time_ns,
		     struct err *err)
{
	struct replay *replay = ctx;

	replay_summary_forget(&replay->report.summary);
	return timeline_turn(replay->timeline, time_ns, &playback->snapshot,
			     &playback->turn_ns, err);
}

static int replay_capture(struct replay *replay, struct capture *capture,
			  struct err *err)
{
	struct replay_counts *counts = &replay->report.counts;
	struct playback *playback = &replay->playback;
	int r;

	playback->snapshot = replay->snapshot;
	playback->track = replay->track;
	playback->packet = take_packet;
	playback->packet_ctx = replay;
	playback->progress = &replay->progress;
	if (replay->timeline) {
		replay->report.timeline = replay->timeline;
		playback->turn = take_turn;
		playback->turn_ctx = replay;
		playback->turn_ns = INT64_MIN;
	}
	r = playback_run(playback, capture, err);
	counts->packets = playback->packets;
	counts->unparsable = playback->unparsable;
	counts->not_ip = playback->not_ip;
	return r;
}

/* ---- what it is judged by ------------------------------------------------ */

static void close_replay(struct replay *replay)
{
	progress_end(&replay->progress);
	track_free(replay->track);
	snapshot_free(replay->snapshot);
	timeline_free(replay->timeline);
	replay_report_release(&replay->report);
}

static int load_objects(const struct replay_options *options,
			const struct snapshot_options *everywhere,
			struct replay *replay, struct err *err)
{
	const struct manifests_options lenient = { .strict = false };
	CLEANUP(cluster_freep) struct cluster *cluster = NULL;
	const struct objects_from from = {
		.paths = options->manifests.items,
		.n_paths = options->manifests.n,
		.kubeconfig = options->kubeconfig,
	};
	int r = objects_load(&from, &lenient, &cluster, NULL, err);

	if (r < 0)
		return r;
	return snapshot_compile(cluster, everywhere, &replay->snapshot, err);
}

static int load(const struct replay_options *options, struct replay *replay,
		struct err *err)
{
	struct timeline_options timeline = {
		.paths = options->manifests.items,
		.n_paths = options->manifests.n,
		.snapshot = {
			.node_name = NULL, /* everywhere */
			.enforce_staged = options->staged,
		},
	};
	uint64_t *key = timeline.snapshot.hash_key;

	if (getrandom(key, sizeof(timeline.snapshot.hash_key), 0) < 0)
		return err_set(err, -errno, "cannot get random bytes: %s",
			       strerror(errno));
	if (options->timeline)
		return timeline_open(options->timeline, &timeline,
				     &replay->timeline, err);
	return load_objects(options, &timeline.snapshot, replay, err);
}

static int open_track(const struct replay_options *options,
		      struct replay *replay, struct err *err)
{
	struct track_options track = { .max_flows = options->max_flows,
				       .done = replay_report_flow,
				       .done_ctx = &replay->report };

	if (getrandom(track.hash_key, sizeof(track.hash_key), 0) < 0)
		return err_set(err, -errno, "cannot get random bytes: %s",
			       strerror(errno));
	replay->track = track_new(&track);
	return replay->track ? 0 : err_set(err, -ENOMEM, "out of memory");
}

/* By whatever names. Devices (/dev/null) may be written to as often as anybody
   likes. */
static bool is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	       !S_ISCHR(a->st_mode);
}

static int look_at_capture(const struct replay_options *options,
			   struct stat *out)
{
	return strcmp(options->capture, "-") == 0 ? fstat(STDIN_FILENO, out)
						  : stat(options->capture, out);
}

/* A capture that is written over while it is read is lost. */
static int check_capture(const struct replay_options *options,
			 const struct pcapng *to, struct err *err)
{
	struct stat capture, written;

	if (to && look_at_capture(options, &capture) == 0 &&
	    pcapng_stat(to, &written) == 0 && is_same_file(&capture, &written))
		return err_set(err, -EINVAL,
			       "'%s' is to be read, and not to be written over",
			       options->capture);
	return 0;
}

static int check_both(const struct replay_options *options,
		      const struct replay_report *report, struct err *err)
{
	struct stat allowed, denied;

	if (report->allowed && report->denied &&
	    pcapng_stat(report->allowed, &allowed) == 0 &&
	    pcapng_stat(report->denied, &denied) == 0 &&
	    is_same_file(&allowed, &denied))
		return err_set(err, -EINVAL,
			       "'%s' cannot be for both what is allowed and "
			       "what is denied",
			       options->write_allowed);
	return 0;
}

/* Nothing is emptied before it is known which files they are. */
static int open_files(const struct replay_options *options,
		      struct replay_report *report, struct err *err)
{
	int r = 0;

	if (options->write_allowed)
		r = pcapng_open(options->write_allowed, &report->allowed, err);
	if (r == 0 && options->write_denied)
		r = pcapng_open(options->write_denied, &report->denied, err);
	if (r == 0)
		r = check_capture(options, report->allowed, err);
	if (r == 0)
		r = check_capture(options, report->denied, err);
	if (r == 0)
		r = check_both(options, report, err);
	if (r == 0 && report->allowed)
		r = pcapng_begin(report->allowed, err);
	if (r == 0 && report->denied)
		r = pcapng_begin(report->denied, err);
	return r;
}

/* ---- the command -------------------------------------------------------- */

static int open_capture(const struct replay_options *options,
			struct replay *replay, struct capture **out,
			struct err *err)
{
	int r = capture_open(options->capture, out, err);

	if (r < 0)
		return r;
	if (options->inner)
		capture_look_inside(*out);
	r = open_files(options, &replay->report, err);
	replay->report.format = options->format;
	replay->report.summarizes = options->summary;
	replay->report.progress = &replay->progress;
	return r;
}

/* In `tcpdump -w - | netpold replay -` Ctrl-C is for both. tcpdump ends its
   file, and what was in it is still to be told. */
static void leave_interrupts_to_writer(const struct replay_options *options)
{
	struct stat status;

	if (strcmp(options->capture, "-") == 0 &&
	    fstat(STDIN_FILENO, &status) == 0 && S_ISFIFO(status.st_mode))
		signal(SIGINT, SIG_IGN);
}

/* What was read before trouble is reported before the trouble is. */
static int run(const struct replay_options *options, struct err *err)
{
	CLEANUP(capture_closep) struct capture *capture = NULL;
	CLEANUP(close_replay) struct replay replay = { 0 };
	struct err report_err;
	int r, reported;

	r = load(options, &replay, err);
	if (r == 0)
		r = open_track(options, &replay, err);
	if (r == 0)
		r = open_capture(options, &replay, &capture, err);
	if (r < 0)
		return r;
	replay_report_begin(&replay.report);
	progress_begin(&replay.progress);
	r = replay_capture(&replay, capture, err);
	track_finish(replay.track);
	progress_end(&replay.progress);
	replay.report.counts.evicted = track_counts(replay.track).evicted;
	reported = replay_report_end(&replay.report, &report_err);
	if (r == 0 && reported < 0)
		*err = report_err;
	return r < 0 ? r : reported;
}

int command_replay(int argc, char **argv)
{
	CLEANUP(replay_options_release)
	struct replay_options options = { .format = &replay_text };
	struct err err;
	int r;

	r = replay_options_read(argc, argv, &options);
	if (r != EXIT_OK)
		return r;
	if (options.help) {
		replay_options_write_help();
		return EXIT_OK;
	}
	leave_interrupts_to_writer(&options);
	if (run(&options, &err) < 0) {
		log_error("%s", err.message);
		return EXIT_TROUBLE;
	}
	return EXIT_OK;
}
