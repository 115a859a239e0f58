/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A flow is held against the filter that its opening packet matches. Filters
 * see packets from the IP header on, whatever link they were captured on, so
 * that one suite is good for captures of any of them.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include <pcap/pcap.h>

#include "netpold/cleanup.h"
#include "netpold/judge.h"
#include "netpold/snapshot.h"
#include "netpold/track.h"
#include "source/capture.h"
#include "source/playback.h"
#include "suite/run.h"

#define SNAPLEN 65535

struct filter {
	const struct suite_filter *suite;
	struct bpf_program program;
	bool is_compiled;
	uint64_t n_flows;
	uint64_t n_as_expected;
};

struct playing {
	struct run *run;
	struct playback playback;
	struct filter filters[SUITE_MAX_FILTERS];
	size_t n_filters;
	struct err *err;
};

/* What a flow is marked with that was told of already. */
static char told;

/* ---- filters ------------------------------------------------------------- */

static void playing_release(struct playing *playing)
{
	for (size_t i = 0; i < playing->n_filters; i++) {
		if (playing->filters[i].is_compiled)
			pcap_freecode(&playing->filters[i].program);
	}
	track_free(playing->playback.track);
}

static int compile(struct playing *playing, struct filter *filter, pcap_t *pcap,
		   struct err *err)
{
	const struct suite_text *text = &filter->suite->text;

	if (!text->text)
		return 0;
	if (pcap_compile(pcap, &filter->program, text->text, 1,
			 PCAP_NETMASK_UNKNOWN) < 0)
		return suite_refuse(playing->run->suite, text->line, text->path,
				    err, "expected a filter as of pcap: %s",
				    pcap_geterr(pcap));
	filter->is_compiled = true;
	return 0;
}

static int compile_all(struct playing *playing, const struct suite_case *test,
		       struct err *err)
{
	pcap_t *pcap = pcap_open_dead(DLT_RAW, SNAPLEN);
	int r = pcap ? 0 : err_set(err, -ENOMEM, "out of memory");

	for (size_t i = 0; i < test->n_filters && r == 0; i++) {
		playing->filters[i].suite = &test->filters[i];
		playing->n_filters++;
		r = compile(playing, &playing->filters[i], pcap, err);
	}
	if (pcap)
		pcap_close(pcap);
	return r;
}

static bool filter_matches(const struct filter *filter,
			   const struct capture_packet *bytes)
{
	const struct pcap_pkthdr header = {
		.caplen = bytes->len,
		.len = bytes->len,
	};

	return !filter->is_compiled ||
	       pcap_offline_filter(&filter->program, &header, bytes->ip) != 0;
}

/* ---- flows --------------------------------------------------------------- */

static int explain(struct playing *playing, const struct judgement *judgement,
		   struct explanation *out)
{
	struct run *run = playing->run;

	arena_clear(&run->scratch);
	return snapshot_explain(run->world->snapshot, &judgement->key,
				&run->scratch, out);
}

static bool is_as_expected(const struct filter *filter,
			   const struct judgement *judgement)
{
	bool is_allowed = judgement->answer != ANSWER_DENY;

	return is_allowed == (filter->suite->expected == VERDICT_ALLOW);
}

static int fail(struct playing *playing, const struct filter *filter,
		const struct tracked *tracked,
		const struct judgement *judgement)
{
	const struct flow *flow = tracked->flow;
	struct explanation explanation;
	struct run_failure failure = {
		.line = filter->suite->text.line,
		.key = &judgement->key,
		.src_port =
			judgement->reversed ? flow->dst_port : flow->src_port,
		.explanation = &explanation,
		.expected = verdict_name(filter->suite->expected),
		.got = judgement->answer == ANSWER_DENY ? VERDICT_DENY
							: VERDICT_ALLOW,
		.note = flow->picked_up ? "met in its middle" : NULL,
	};

	/* Once for each flow, however often it knocks. */
	if (flow->data)
		return 0;
	tracked->flow->data = &told;
	if (explain(playing, judgement, &explanation) < 0)
		return -ENOMEM;
	return run_fail(playing->run, &failure, playing->err);
}

static int cover(struct playing *playing, const struct judgement *judgement)
{
	struct explanation explanation;

	if (!playing->run->coverage)
		return 0;
	if (explain(playing, judgement, &explanation) < 0)
		return -ENOMEM;
	coverage_take(playing->run->coverage, &explanation);
	return 0;
}

static int hold_against(struct playing *playing, struct filter *filter,
			const struct tracked *tracked,
			const struct judgement *judgement)
{
	filter->n_flows += tracked->opened;
	if (is_as_expected(filter, judgement)) {
		filter->n_as_expected++;
		return 0;
	}
	return fail(playing, filter, tracked, judgement);
}

static int take_packet(void *ctx, const struct played *played)
{
	const struct judgement *judgement = played->judgement;
	struct playing *playing = ctx;
	bool is_held = false;
	int r = 0;

	/* Discovery is no flow, and what cannot be read asks no policy. */
	if (!judgement || judgement->note != NOTE_NONE)
		return 0;
	for (size_t i = 0; i < playing->n_filters && r == 0; i++) {
		if (!filter_matches(&playing->filters[i], played->bytes))
			continue;
		r = hold_against(playing, &playing->filters[i], played->tracked,
				 judgement);
		is_held = true;
	}
	playing->run->now->n_checked += is_held && played->tracked->opened;
	playing->run->now->n_unmatched += !is_held && played->tracked->opened;
	/* What nobody expects anything of exercises nothing. */
	return r == 0 && is_held ? cover(playing, judgement) : r;
}

/* ---- the case ------------------------------------------------------------ */

/* What is about no flow at all cannot be otherwise than expected, and so says
   nothing. */
static void need_flows(struct playing *playing, const struct filter *filter)
{
	const struct failure failure = {
		.line = filter->suite->text.line,
		.what = "the capture",
		.expected = filter->is_compiled ? "a flow that the filter "
						  "matches"
						: "flows",
		.got = "none",
		.why = "",
	};

	if (filter->n_flows == 0)
		case_result_fail(playing->run->now, &failure);
}

/* A node drops what it cannot read, of whatever flow it is. */
static int need_readable(struct playing *playing, const struct filter *filter,
			 struct err *err)
{
	uint64_t n = playing->playback.unparsable;
	struct failure failure = {
		.line = filter->suite->text.line,
		.what = "the capture",
		.expected = verdict_name(VERDICT_ALLOW),
		.got = verdict_name(VERDICT_DENY),
	};
	struct result_words words;

	if (n == 0 || filter->is_compiled ||
	    filter->suite->expected != VERDICT_ALLOW)
		return 0;
	result_words_begin(&words);
	if (words.out)
		fprintf(words.out,
			"%" PRIu64 " %s cannot be read, and would be dropped",
			n, n == 1 ? "packet" : "packets");
	failure.why = result_words_end(&words, &playing->run->result->arena);
	if (!failure.why)
		return err_set(err, -ENOMEM, "out of memory");
	playing->run->now->n_unreadable = n;
	case_result_fail(playing->run->now, &failure);
	return 0;
}

/* Of a capture that is all the other way, the one word can be turned. */
static int suggest(struct playing *playing, const struct filter *filter,
		   struct err *err)
{
	enum verdict other = filter->suite->expected == VERDICT_ALLOW
				     ? VERDICT_DENY
				     : VERDICT_ALLOW;

	if (filter->n_flows == 0 || filter->n_as_expected > 0 ||
	    filter->suite->end == 0)
		return 0;
	if (suite_result_edit(playing->run->result, filter->suite->begin,
			      filter->suite->end, verdict_name(other)) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	return 0;
}

static int play(struct playing *playing, const struct suite_case *test,
		struct err *err)
{
	CLEANUP(capture_closep) struct capture *capture = NULL;
	struct playback *playback = &playing->playback;
	struct track_options track = { 0 };
	int r = capture_open(test->capture.text, &capture, err);

	if (r < 0)
		return suite_place(playing->run->suite, test->capture.line,
				   test->capture.path, err);
	if (test->inner)
		capture_look_inside(capture);
	if (getrandom(track.hash_key, sizeof(track.hash_key), 0) < 0)
		return err_set(err, -errno, "cannot get random bytes: %s",
			       strerror(errno));
	playback->snapshot = playing->run->world->snapshot;
	playback->track = track_new(&track);
	playback->packet = take_packet;
	playback->packet_ctx = playing;
	if (!playback->track)
		return err_set(err, -ENOMEM, "out of memory");
	r = playback_run(playback, capture, err);
	return r < 0 ? suite_place(playing->run->suite, test->capture.line,
				   test->capture.path, err)
		     : 0;
}

int run_pcap(struct run *run, const struct suite_case *test, struct err *err)
{
	CLEANUP(playing_release)
	struct playing playing = { .run = run, .err = err };
	int r = compile_all(&playing, test, err);

	if (r == 0)
		r = play(&playing, test, err);
	for (size_t i = 0; i < playing.n_filters && r == 0; i++) {
		need_flows(&playing, &playing.filters[i]);
		r = need_readable(&playing, &playing.filters[i], err);
		if (r == 0)
			r = suggest(&playing, &playing.filters[i], err);
	}
	return r;
}
