/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/replay_options.h"

#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/command.h"
#include "command/replay_report.h"

/* What a tracker can number. */
#define MAX_FLOWS (1UL << 31)

/* clang-format off */
static const char help[] =
"Usage: netpold replay --manifests PATH [OPTION]... FILE\n"
"       netpold replay --kubeconfig FILE [OPTION]... FILE\n"
"\n"
"Say what the policies would do to the traffic of a capture: a line for each\n"
"flow, in the order in which they were opened, and counts on standard error.\n"
"FILE is a pcap or pcapng file, or - for standard input.\n"
"\n"
"  --manifests PATH      pods, namespaces, nodes and policies: a file, a folder,\n"
"                        or - for standard input; may be repeated\n"
"  --kubeconfig FILE     those of the cluster that FILE names, as it is now; in\n"
"                        place of --manifests or besides\n"
"  --timeline FOLDER     those that change in time: a folder for each time from\n"
"                        which its objects are in force (2026-11-26T18:00:00Z)\n"
"  --inner               judge what VXLAN and Geneve tunnels carry\n"
"  --max-flows N         follow so many flows at a time, which is what memory is\n"
"                        for: about 300 bytes each (default: 1048576)\n"
"  --staged              enforce staged policies (netpold.io/mode: audit), too\n"
"  --output FORMAT       text (default), json: an object on each line, or csv\n"
"  --summary             in place of flows, how many came of which policy; with\n"
"                        --timeline a flow counts for each verdict that it had\n"
"  --write-allowed FILE  write packets that are allowed into a pcapng file, with\n"
"  --write-denied FILE   the reason as comment; and those that are denied\n"
"\n"
"Exit status: 0 done; 2 wrong usage, or trouble with what is to be read.\n";
/* clang-format on */

/* Each returns EXIT_OK, or EXIT_TROUBLE after telling why. */

static int check_inputs(const struct replay_options *options)
{
	unsigned int n_stdin = strcmp(options->capture, "-") == 0;

	if (options->manifests.n == 0 && !options->kubeconfig &&
	    !options->timeline)
		return usage_error("replay", "--manifests, --kubeconfig or "
					     "--timeline is missing");
	if (options->kubeconfig && options->timeline)
		return usage_error("replay", "--kubeconfig and --timeline: a "
					     "cluster says only how it is now");
	for (size_t i = 0; i < options->manifests.n; i++)
		n_stdin += strcmp(options->manifests.items[i], "-") == 0;
	if (n_stdin > 1)
		return usage_error("replay",
				   "standard input (-) can be read only once");
	if (options->timeline && n_stdin > 0 &&
	    strcmp(options->capture, "-") != 0)
		return usage_error("replay", "--timeline: standard input (-) "
					     "would have to be read again at "
					     "each time");
	return EXIT_OK;
}

static int read_operand(int argc, char **argv, struct replay_options *out)
{
	if (optind == argc)
		return usage_error("replay", "the capture file is missing");
	if (argc - optind > 1)
		return usage_error("replay", "'%s' is not expected here",
				   argv[optind + 1]);
	out->capture = argv[optind];
	return check_inputs(out);
}

static int read_format(const char *text, const struct replay_format **out)
{
	static const struct replay_format *const formats[] = {
		&replay_text,
		&replay_json,
		&replay_csv,
	};

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (strcmp(text, formats[i]->name) != 0)
			continue;
		*out = formats[i];
		return EXIT_OK;
	}
	return usage_error(
		"replay", "--output: '%s' is none of text, json and csv", text);
}

static int read_max_flows(const char *text, size_t *out)
{
	char *end = NULL;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno != 0 || *text < '1' || *text > '9' || *end != '\0' ||
	    n > MAX_FLOWS)
		return usage_error("replay",
				   "--max-flows: '%s' is no number from 1 to "
				   "%lu",
				   text, MAX_FLOWS);
	*out = n;
	return EXIT_OK;
}

static int take_option(int id, struct replay_options *out)
{
	switch (id) {
	case 'a':
		out->write_allowed = optarg;
		return EXIT_OK;
	case 'd':
		out->write_denied = optarg;
		return EXIT_OK;
	case 'h':
		out->help = true;
		return EXIT_OK;
	case 'i':
		out->inner = true;
		return EXIT_OK;
	case 'k':
		out->kubeconfig = optarg;
		return EXIT_OK;
	case 'm':
		if (path_list_add(&out->manifests, optarg) < 0)
			return usage_error("replay", "out of memory");
		return EXIT_OK;
	case 'n':
		return read_max_flows(optarg, &out->max_flows);
	case 'o':
		return read_format(optarg, &out->format);
	case 's':
		out->staged = true;
		return EXIT_OK;
	case 't':
		out->timeline = optarg;
		return EXIT_OK;
	default: /* 'u' */
		out->summary = true;
		return EXIT_OK;
	}
}

int replay_options_read(int argc, char **argv, struct replay_options *out)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "inner", no_argument, NULL, 'i' },
		{ "kubeconfig", required_argument, NULL, 'k' },
		{ "manifests", required_argument, NULL, 'm' },
		{ "max-flows", required_argument, NULL, 'n' },
		{ "output", required_argument, NULL, 'o' },
		{ "staged", no_argument, NULL, 's' },
		{ "summary", no_argument, NULL, 'u' },
		{ "timeline", required_argument, NULL, 't' },
		{ "write-allowed", required_argument, NULL, 'a' },
		{ "write-denied", required_argument, NULL, 'd' },
		{ NULL, 0, NULL, 0 },
	};
	int id, r = EXIT_OK;

	opterr = 0;
	while (r == EXIT_OK && !out->help &&
	       (id = getopt_long(argc, argv, ":", options, NULL)) >= 0) {
		if (id == '?' || id == ':')
			r = usage_bad_option("replay", argc, argv);
		else
			r = take_option(id, out);
	}
	return r == EXIT_OK && !out->help ? read_operand(argc, argv, out) : r;
}

void replay_options_write_help(void)
{
	fputs(help, stdout);
}

void replay_options_release(struct replay_options *options)
{
	path_list_release(&options->manifests);
}
