/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/top.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "netpold/cleanup.h"

#include "clock.h"
#include "command/command.h"
#include "command/duration.h"
#include "command/status_client.h"
#include "command/usage.h"
#include "log.h"
#include "observe/request.h"
#include "observe/status_socket.h"
#include "top/terminal.h"
#include "top/top_numbers.h"
#include "top/top_page.h"
#include "top/top_rows.h"

/* Whoever asks more seldom is taken to have gone (FLOW_WATCH_S). */
#define MAX_INTERVAL_S 5
#define MAX_FOR_S 3600
#define DEFAULT_FOR_S 2

static const char help[] =
	"Usage: netpold top [OPTION]...\n"
	"\n"
	"Show what the netpold on this node judges just now, by workload: who talks to\n"
	"whom, what is denied and what would be, and why.\n"
	"\n"
	"  --view VIEW            flows, denials, or would-denials: by what is staged, or\n"
	"                         in an audit (default: flows)\n"
	"  --sort ORDER           rate, count, or time: seen last (default: rate)\n"
	"  --filter TEXT          only what has TEXT in it, in any case\n"
	"  --interval DURATION    how often to look, 1s to 5s (default: 1s)\n"
	"  --once                 look for 2 seconds, print what there was, and end; so\n"
	"                         it is, too, where this is no terminal\n"
	"  --for DURATION         the same for so long: 10s, 5m, 1h at most\n"
	"  --output FORMAT        text, or json, once, for all there is to tell\n"
	"                         (default: text)\n"
	"  --status-socket PATH   where `netpold run` listens (default:\n"
	"                         $NETPOLD_STATUS_SOCKET, then\n"
	"                         " STATUS_SOCKET_PATH ")\n"
	"\n"
	"Keys: q ends it; arrows change the view and scroll; s changes the order; / asks\n"
	"for a filter, Escape drops it; p stands still.\n"
	"\n"
	"Counts are of packets that netpold judges, since somebody has begun to look, and\n"
	"of those that the kernel answers as netpold has, which is asked about once a\n"
	"second. The other packets of flows that are allowed are not counted.\n"
	"\n"
	"Exit status: 0; 2 when no netpold answers within 5 seconds.\n";

/* ---- what a daemon tells ------------------------------------------------- */

int top_ask(const char *path, struct top_sample *out, struct err *err)
{
	CLEANUP(status_client_close) struct status_client client;
	int r = status_client_open(path, &client, err);

	*out = (struct top_sample){ .at_us = clock_us() };
	if (r == 0)
		r = status_client_get(&client, "flows", &out->flows, err);
	if (r == 0)
		r = status_client_get(&client, "status", &out->status, err);
	if (r == 0)
		r = status_client_get(&client, "metrics", &out->metrics, err);
	if (r < 0)
		top_sample_release(out);
	return r;
}

/* ---- once ---------------------------------------------------------------- */

/* It goes on as long as somebody asks. */
static int look(const struct top_options *options, struct top_sample *first,
		struct top_sample *last, struct err *err)
{
	const struct timespec second = { .tv_sec = 1 };
	int r = top_ask(options->path, first, err);

	for (int64_t i = 0; r == 0 && i < options->for_s; i++) {
		clock_nanosleep(CLOCK_MONOTONIC, 0, &second, NULL);
		top_sample_release(last);
		r = top_ask(options->path, last, err);
	}
	return r;
}

static int print_json(const struct top_sample *sample)
{
	json_t *all = json_pack("{si sO sO sO}", "version", REQUEST_VERSION,
				"status", sample->status, "metrics",
				sample->metrics, "flows", sample->flows);
	int r = all ? json_dumpf(all, stdout, JSON_INDENT(1)) : -1;

	json_decref(all);
	putchar('\n');
	return r < 0 ? -EIO : 0;
}

static int print_text(const struct top_options *options,
		      const struct top_sample *first,
		      const struct top_sample *last)
{
	CLEANUP(top_rows_release) struct top_rows rows = { .n = 0 };
	struct top_numbers numbers;
	const struct top_page page = {
		.sample = last,
		.numbers = &numbers,
		.rows = &rows,
		.choice = &options->choice,
	};
	int r = top_rows_read(&rows, last->flows, &options->choice);

	if (r < 0)
		return r;
	top_numbers_read(&numbers, first, last);
	top_page_write(stdout, &page);
	return 0;
}

static int show_once(const struct top_options *options)
{
	CLEANUP(top_sample_release) struct top_sample first = { .at_us = 0 };
	CLEANUP(top_sample_release) struct top_sample last = { .at_us = 0 };
	struct err err;
	int r;

	if (look(options, &first, &last, &err) < 0) {
		log_error("%s", err.message);
		return EXIT_TROUBLE;
	}
	r = options->json ? print_json(&last)
			  : print_text(options, &first, &last);
	if (r == 0 && fflush(stdout) == 0 && !ferror(stdout))
		return EXIT_OK;
	log_error("%s", r == -ENOMEM ? "no memory"
				     : "cannot write to standard output");
	return EXIT_TROUBLE;
}

/* ---- the command line ---------------------------------------------------- */

struct given {
	bool choice; /* of what is shown as text */
	bool interval, help;
};

static int parse_choice(int id, struct top_options *options,
			struct given *given)
{
	struct top_choice *choice = &options->choice;

	given->choice = true;
	switch (id) {
	case 'f':
		top_choice_filter(choice, optarg);
		if (strcmp(choice->filter, optarg) == 0)
			return EXIT_OK;
		return usage_error("top",
				   "--filter: '%s' is not printable ASCII of "
				   "at most %d characters",
				   optarg, TOP_FILTER - 1);
	case 'r':
		if (top_sort_parse(optarg, &choice->sort))
			return EXIT_OK;
		return usage_error("top",
				   "--sort: '%s' is neither rate, count nor "
				   "time",
				   optarg);
	default:
		if (top_view_parse(optarg, &choice->view))
			return EXIT_OK;
		return usage_error("top",
				   "--view: '%s' is neither flows, denials nor "
				   "would-denials",
				   optarg);
	}
}

static int parse_output(struct top_options *options)
{
	options->json = strcmp(optarg, "json") == 0;
	if (options->json || strcmp(optarg, "text") == 0)
		return EXIT_OK;
	return usage_error("top", "--output: '%s' is neither text nor json",
			   optarg);
}

static int parse_duration(const char *what, int64_t max_s, int64_t *out_s)
{
	struct err err;

	if (duration_parse(what, optarg, 1, max_s, out_s, &err) == 0)
		return EXIT_OK;
	return usage_error("top", "%s", err.message);
}

static int parse_option(int id, struct top_options *options,
			struct given *given)
{
	switch (id) {
	case 'h':
		given->help = true;
		return EXIT_OK;
	case 'i':
		given->interval = true;
		return parse_duration("--interval", MAX_INTERVAL_S,
				      &options->interval_s);
	case 'l':
		options->once = true;
		return parse_duration("--for", MAX_FOR_S, &options->for_s);
	case '1':
		options->once = true;
		return EXIT_OK;
	case 'o':
		return parse_output(options);
	case 's':
		options->path = optarg;
		return EXIT_OK;
	default:
		return parse_choice(id, options, given);
	}
}

/* What would do nothing is refused. */
static int check_options(const struct top_options *options,
			 const struct given *given)
{
	if (options->json && given->choice)
		return usage_error("top",
				   "--output=json tells all: --view, --sort "
				   "and --filter are for text");
	if ((options->json || options->once) && given->interval)
		return usage_error("top",
				   "--interval is for who goes on looking; see "
				   "--for");
	return EXIT_OK;
}

static int parse(int argc, char **argv, struct top_options *options,
		 struct given *given)
{
	static const struct option known[] = {
		{ "filter", required_argument, NULL, 'f' },
		{ "for", required_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ "interval", required_argument, NULL, 'i' },
		{ "once", no_argument, NULL, '1' },
		{ "output", required_argument, NULL, 'o' },
		{ "sort", required_argument, NULL, 'r' },
		{ "status-socket", required_argument, NULL, 's' },
		{ "view", required_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	int id, r = EXIT_OK;

	opterr = 0;
	while (r == EXIT_OK && !given->help &&
	       (id = getopt_long(argc, argv, ":", known, NULL)) >= 0) {
		if (id == '?' || id == ':')
			return usage_bad_option("top", argc, argv);
		r = parse_option(id, options, given);
	}
	if (r != EXIT_OK || given->help)
		return r;
	if (optind < argc)
		return usage_error("top", "'%s' is not expected here",
				   argv[optind]);
	return check_options(options, given);
}

int command_top(int argc, char **argv)
{
	struct top_options options = { .path = status_client_default_path(),
				       .for_s = DEFAULT_FOR_S,
				       .interval_s = 1 };
	struct given given = { .help = false };
	int r = parse(argc, argv, &options, &given);

	if (r != EXIT_OK)
		return r;
	if (given.help) {
		fputs(help, stdout);
		return EXIT_OK;
	}
	if (options.json || options.once || !terminal_is_there())
		return show_once(&options);
	return top_live(&options);
}
