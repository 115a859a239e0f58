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
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "command/replay_report.h"
#include "command/usage.h"
#include "log.h"
#include "netpold/cleanup.h"
#include "netpold/judge.h"
#include "netpold/snapshot.h"
#include "netpold/track.h"
#include "source/capture.h"
#include "source/objects.h"
#include "source/playback.h"

static const char help[] =
	"Usage: netpold replay --manifests PATH [OPTION]... FILE\n"
	"       netpold replay --kubeconfig FILE [OPTION]... FILE\n"
	"\n"
	"Say what the policies would do to the traffic of a capture: a line for each\n"
	"flow, in the order in which they were opened, and counts on standard error.\n"
	"FILE is a pcap or pcapng file, or - for standard input.\n"
	"\n"
	"  --manifests PATH   pods, namespaces, nodes and policies: a file, a folder,\n"
	"                     or - for standard input; may be repeated\n"
	"  --kubeconfig FILE  those of the cluster that FILE names, as it is now; in\n"
	"                     place of --manifests or besides\n"
	"  --staged           enforce staged policies (netpold.io/mode: audit), too\n"
	"  --output FORMAT    text (default), or json: an object on each line\n"
	"\n"
	"Exit status: 0 done; 2 wrong usage, or trouble with what is to be read.\n";

struct options {
	struct path_list manifests;
	const char *kubeconfig; /* NULL: no cluster is asked */
	const char *capture;
	enum replay_format format;
	bool staged;
};

struct replay {
	struct snapshot *snapshot;
	struct track *track;
	struct playback playback;
	struct replay_report report;
};

/* ---- command line ------------------------------------------------------- */

/* Each returns EXIT_OK, or EXIT_TROUBLE after telling why. */

static int check_inputs(const struct options *options)
{
	unsigned int n_stdin = strcmp(options->capture, "-") == 0;

	if (options->manifests.n == 0 && !options->kubeconfig)
		return usage_error("replay", "--manifests or --kubeconfig is "
					     "missing");
	for (size_t i = 0; i < options->manifests.n; i++)
		n_stdin += strcmp(options->manifests.items[i], "-") == 0;
	if (n_stdin > 1)
		return usage_error("replay",
				   "standard input (-) can be read only once");
	return EXIT_OK;
}

static int read_operand(int argc, char **argv, struct options *out)
{
	if (optind == argc)
		return usage_error("replay", "the capture file is missing");
	if (argc - optind > 1)
		return usage_error("replay", "'%s' is not expected here",
				   argv[optind + 1]);
	out->capture = argv[optind];
	return check_inputs(out);
}

static int read_format(const char *text, enum replay_format *out)
{
	if (strcmp(text, "text") == 0)
		*out = REPLAY_TEXT;
	else if (strcmp(text, "json") == 0)
		*out = REPLAY_JSON;
	else
		return usage_error("replay",
				   "--output: '%s' is neither text "
				   "nor json",
				   text);
	return EXIT_OK;
}

static int read_options(int argc, char **argv, struct options *out,
			bool *wants_help)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "kubeconfig", required_argument, NULL, 'k' },
		{ "manifests", required_argument, NULL, 'm' },
		{ "output", required_argument, NULL, 'o' },
		{ "staged", no_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 },
	};
	int id;

	opterr = 0;
	while ((id = getopt_long(argc, argv, ":", options, NULL)) >= 0) {
		int r = EXIT_OK;

		if (id == 'h') {
			*wants_help = true;
			return EXIT_OK;
		}
		if (id == 'k')
			out->kubeconfig = optarg;
		else if (id == 's')
			out->staged = true;
		else if (id == 'o')
			r = read_format(optarg, &out->format);
		else if (id != 'm')
			r = usage_bad_option("replay", argc, argv);
		else if (path_list_add(&out->manifests, optarg) < 0)
			r = usage_error("replay", "out of memory");
		if (r != EXIT_OK)
			return r;
	}
	return read_operand(argc, argv, out);
}

/* ---- the capture -------------------------------------------------------- */

static int take_judgement(void *ctx, const struct tracked *tracked,
			  const struct judgement *judgement,
			  const struct capture_packet *bytes)
{
	struct replay *replay = ctx;

	(void)bytes;
	replay->report.start_ns = replay->playback.start_ns;
	return replay_report_judgement(&replay->report, tracked, judgement);
}

static int replay_capture(struct replay *replay, struct capture *capture,
			  struct err *err)
{
	struct replay_counts *counts = &replay->report.counts;
	struct playback *playback = &replay->playback;
	int r;

	playback->snapshot = replay->snapshot;
	playback->track = replay->track;
	playback->judged = take_judgement;
	playback->judged_ctx = replay;
	r = playback_run(playback, capture, err);
	counts->packets = playback->packets;
	counts->unparsable = playback->unparsable;
	counts->not_ip = playback->not_ip;
	return r;
}

/* ---- the command -------------------------------------------------------- */

static void close_replay(struct replay *replay)
{
	track_free(replay->track);
	snapshot_free(replay->snapshot);
	replay_report_release(&replay->report);
}

static int open_replay(const struct options *options, struct replay *replay,
		       struct err *err)
{
	const struct snapshot_options everywhere = {
		.node_name = NULL,
		.enforce_staged = options->staged,
	};
	const struct manifests_options lenient = { .strict = false };
	CLEANUP(cluster_freep) struct cluster *cluster = NULL;
	struct track_options track = { .done = replay_report_flow,
				       .done_ctx = &replay->report };
	const struct objects_from from = {
		.paths = options->manifests.items,
		.n_paths = options->manifests.n,
		.kubeconfig = options->kubeconfig,
	};
	int r;

	r = objects_load(&from, &lenient, &cluster, NULL, err);
	if (r < 0)
		return r;
	r = snapshot_compile(cluster, &everywhere, &replay->snapshot, err);
	if (r < 0)
		return r;
	if (getrandom(track.hash_key, sizeof(track.hash_key), 0) < 0)
		return err_set(err, -errno, "cannot get random bytes: %s",
			       strerror(errno));
	replay->track = track_new(&track);
	if (!replay->track)
		return err_set(err, -ENOMEM, "out of memory");
	replay->report.snapshot = replay->snapshot;
	replay->report.format = options->format;
	return 0;
}

/* What was read before trouble is reported before the trouble is. */
static int run(const struct options *options, struct err *err)
{
	CLEANUP(capture_closep) struct capture *capture = NULL;
	CLEANUP(close_replay) struct replay replay = { 0 };
	struct err report_err;
	int r, reported;

	r = open_replay(options, &replay, err);
	if (r < 0)
		return r;
	r = capture_open(options->capture, &capture, err);
	if (r < 0)
		return r;
	replay_report_begin(&replay.report);
	r = replay_capture(&replay, capture, err);
	track_finish(replay.track);
	replay.report.counts.evicted = track_counts(replay.track).evicted;
	reported = replay_report_end(&replay.report, &report_err);
	if (r == 0 && reported < 0)
		*err = report_err;
	return r < 0 ? r : reported;
}

static void release_options(struct options *options)
{
	path_list_release(&options->manifests);
}

int command_replay(int argc, char **argv)
{
	CLEANUP(release_options) struct options options = { 0 };
	bool wants_help = false;
	struct err err;
	int r;

	r = read_options(argc, argv, &options, &wants_help);
	if (r != EXIT_OK)
		return r;
	if (wants_help) {
		fputs(help, stdout);
		return EXIT_OK;
	}
	if (run(&options, &err) < 0) {
		log_error("%s", err.message);
		return EXIT_TROUBLE;
	}
	return EXIT_OK;
}
