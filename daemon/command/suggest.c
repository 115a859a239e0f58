/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netpold suggest: policies that allow what was seen, and whether policies that
 * are staged would (L37).
 */
#include "command/command.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "command/suggest_counts.h"
#include "command/suggest_flows.h"
#include "command/suggest_output.h"
#include "command/suggest_report.h"
#include "command/usage.h"
#include "log.h"
#include "netpold/cleanup.h"
#include "netpold/suggest.h"
#include "source/objects.h"
#include "source/offline.h"

#define DEFAULT_MIN_COUNT 2

/* clang-format off */
static const char help[] =
"Usage: netpold suggest --manifests PATH|--kubeconfig FILE [OPTION]... FILE...\n"
"\n"
"Write the NetworkPolicies that allow what was seen, one for each workload. FILE\n"
"is a flow log of `netpold run`, what `netpold replay --output json` has said, a\n"
"pcap or pcapng file, or - for standard input.\n"
"\n"
"  --manifests PATH   pods, namespaces, nodes and policies: a file, a folder, or\n"
"                     - for standard input; may be repeated\n"
"  --kubeconfig FILE  or besides, those of the cluster that FILE names\n"
"  --diff             only what the policies there are do not allow yet\n"
"  --staged           with --diff: staged policies (netpold.io/mode: audit), too\n"
"  --min-count N      set apart what was seen less than N times (default: 2)\n"
"  --to-decide FILE   where that goes; otherwise it comes last, commented out,\n"
"                     and with --output json nowhere\n"
"  --merge-prefix N[/M]  the lengths of blocks that addresses outside become, of\n"
"                     IPv4 and IPv6 (default: 24/64)\n"
"  --report           instead: what staged policies would have denied, and which\n"
"                     of their workloads were not observed\n"
"  --output FORMAT    text (default: YAML with comments), or json\n"
"\n"
"Example: netpold suggest --kubeconfig ~/.kube/config flows.log > policies.yaml\n"
"\n"
"Exit status: 0 done; 1 with --report, where something would have been denied or\n"
"was not observed; 2 wrong usage, or trouble.\n";
/* clang-format on */

struct options {
	struct path_list manifests;
	const char *kubeconfig; /* NULL: no cluster is asked */
	char **files;
	size_t n_files;
	struct suggest_output output;
	uint64_t min_count, merge_v4, merge_v6;
	bool diff, staged, report;
	bool for_policies; /* an option that --report has no use for */
	bool help;
};

/* ---- command line ------------------------------------------------------- */

/* Each returns EXIT_OK, or EXIT_TROUBLE after telling why. */

static int read_number(const char *name, const char *text, uint64_t max,
		       uint64_t *out)
{
	struct err err;

	if (parse_number(name, text, 1, max, out, &err) < 0)
		return usage_error("suggest", "%s", err.message);
	return EXIT_OK;
}

/* "24", "24/64". */
static int read_prefix(struct options *out)
{
	static const char name[] = "--merge-prefix";
	const char *slash = strchr(optarg, '/');
	char first[8] = "";
	int r;

	if (!slash)
		return read_number(name, optarg, 32, &out->merge_v4);
	if ((size_t)(slash - optarg) < sizeof(first))
		memcpy(first, optarg, (size_t)(slash - optarg));
	r = read_number(name, first, 32, &out->merge_v4);
	return r != EXIT_OK ? r
			    : read_number(name, slash + 1, 128, &out->merge_v6);
}

static int read_format(bool *json)
{
	*json = strcmp(optarg, "json") == 0;
	if (!*json && strcmp(optarg, "text") != 0)
		return usage_error("suggest",
				   "--output: '%s' is neither text nor json",
				   optarg);
	return EXIT_OK;
}

/* Those that say which policies are wanted. */
static int read_policy_option(int id, int argc, char **argv,
			      struct options *out)
{
	out->for_policies = true;
	switch (id) {
	case 'c':
		return read_number("--min-count", optarg, UINT32_MAX,
				   &out->min_count);
	case 'd':
		out->diff = true;
		return EXIT_OK;
	case 's':
		out->staged = true;
		return EXIT_OK;
	case 't':
		out->output.to_decide = optarg;
		return EXIT_OK;
	case 'p':
		return read_prefix(out);
	}
	return usage_bad_option("suggest", argc, argv);
}

static int read_option(int id, int argc, char **argv, struct options *out)
{
	switch (id) {
	case 'h':
		out->help = true;
		return EXIT_OK;
	case 'k':
		out->kubeconfig = optarg;
		return EXIT_OK;
	case 'm':
		if (path_list_add(&out->manifests, optarg) < 0)
			return usage_error("suggest", "out of memory");
		return EXIT_OK;
	case 'o':
		return read_format(&out->output.json);
	case 'r':
		out->report = true;
		return EXIT_OK;
	}
	return read_policy_option(id, argc, argv, out);
}

static int check(const struct options *options)
{
	unsigned int n_stdin = 0;

	if (options->manifests.n == 0 && !options->kubeconfig)
		return usage_error("suggest", "--manifests or --kubeconfig is "
					      "missing");
	if (options->n_files == 0)
		return usage_error("suggest", "the flow log or capture is "
					      "missing");
	if (options->report && options->for_policies)
		return usage_error("suggest",
				   "--report judges the policies there are: "
				   "of the others it takes --manifests, "
				   "--kubeconfig and --output alone");
	if (options->staged && !options->diff)
		return usage_error("suggest", "--staged is for --diff");
	for (size_t i = 0; i < options->manifests.n; i++)
		n_stdin += strcmp(options->manifests.items[i], "-") == 0;
	for (size_t i = 0; i < options->n_files; i++)
		n_stdin += strcmp(options->files[i], "-") == 0;
	if (n_stdin > 1)
		return usage_error("suggest",
				   "standard input (-) can be read only once");
	return EXIT_OK;
}

static int read_options(int argc, char **argv, struct options *out)
{
	static const struct option options[] = {
		{ "diff", no_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' },
		{ "kubeconfig", required_argument, NULL, 'k' },
		{ "manifests", required_argument, NULL, 'm' },
		{ "merge-prefix", required_argument, NULL, 'p' },
		{ "min-count", required_argument, NULL, 'c' },
		{ "output", required_argument, NULL, 'o' },
		{ "report", no_argument, NULL, 'r' },
		{ "staged", no_argument, NULL, 's' },
		{ "to-decide", required_argument, NULL, 't' },
		{ NULL, 0, NULL, 0 },
	};
	int id;

	opterr = 0;
	while ((id = getopt_long(argc, argv, ":", options, NULL)) >= 0) {
		int r = read_option(id, argc, argv, out);

		if (r != EXIT_OK || out->help)
			return r;
	}
	out->files = argv + optind;
	out->n_files = (size_t)(argc - optind);
	return check(out);
}

/* ---- reading ------------------------------------------------------------ */

static int read_flows(const struct options *options,
		      const struct offline *offline, suggest_flow_fn each,
		      void *ctx, struct suggest_counts *counts, struct err *err)
{
	CLEANUP(suggest_flows_freep) struct suggest_flows *flows = NULL;
	int r = suggest_flows_new(offline->cluster, offline->snapshot, each,
				  ctx, &flows);

	if (r < 0)
		return err_set(err, r, "out of memory");
	for (size_t i = 0; r == 0 && i < options->n_files; i++)
		r = suggest_flows_read(flows, options->files[i], err);
	*counts = *suggest_flows_counts(flows);
	if (r == 0)
		suggest_counts_write_line(stderr, counts);
	return r;
}

static int read_objects(const struct options *options, struct offline *out,
			struct err *err)
{
	const struct objects_from from = {
		.paths = options->manifests.items,
		.n_paths = options->manifests.n,
		.kubeconfig = options->kubeconfig,
	};
	const struct manifests_options lenient = { .strict = false };
	struct cluster *cluster = NULL;
	int r = objects_load(&from, &lenient, &cluster, NULL, err);

	return r < 0 ? r : offline_compile(cluster, options->staged, out, err);
}

/* ---- the two uses ------------------------------------------------------- */

static int add_to_suggest(void *suggest, const struct suggest_flow *flow)
{
	return suggest_add(suggest, flow);
}

static int suggest_policies(const struct options *options,
			    const struct offline *offline, struct err *err)
{
	CLEANUP(suggest_freep) struct suggest *suggest = NULL;
	struct suggest_options wanted = {
		.merge_v4 = (uint8_t)options->merge_v4,
		.merge_v6 = (uint8_t)options->merge_v6,
		.min_count = options->min_count,
		.existing = options->diff ? offline->snapshot : NULL,
	};
	struct suggest_counts counts;
	struct suggestion suggestion;
	int r;

	if (getrandom(wanted.hash_key, sizeof(wanted.hash_key), 0) < 0)
		return err_set(err, -errno, "cannot get random bytes: %s",
			       strerror(errno));
	r = suggest_new(offline->cluster, &wanted, &suggest, err);
	if (r < 0)
		return r;
	r = read_flows(options, offline, add_to_suggest, suggest, &counts, err);
	if (r < 0)
		return r;
	r = suggest_finish(suggest, &suggestion, err);
	return r < 0 ? r
		     : suggest_output_write(&options->output, &counts,
					    &suggestion, err);
}

static int add_to_report(void *report, const struct suggest_flow *flow)
{
	return suggest_report_add(report, flow);
}

static int report_staged(const struct options *options,
			 const struct offline *offline, bool *is_safe,
			 struct err *err)
{
	CLEANUP(suggest_report_freep) struct suggest_report *report = NULL;
	struct suggest_counts counts;
	int r = suggest_report_new(offline->cluster, offline->snapshot,
				   &report);

	if (r < 0)
		return err_set(err, r, "out of memory");
	r = read_flows(options, offline, add_to_report, report, &counts, err);
	if (r < 0)
		return r;
	return suggest_report_write(report, &counts, options->output.json,
				    stdout, is_safe, err);
}

static int run(const struct options *options, bool *is_safe, struct err *err)
{
	CLEANUP(offline_release) struct offline offline = { 0 };
	int r = read_objects(options, &offline, err);

	if (r < 0)
		return r;
	r = options->report ? report_staged(options, &offline, is_safe, err)
			    : suggest_policies(options, &offline, err);
	if (r == 0 && (fflush(stdout) != 0 || ferror(stdout)))
		r = err_set(err, -EIO, "cannot write to standard output");
	return r;
}

static void release_options(struct options *options)
{
	path_list_release(&options->manifests);
}

int command_suggest(int argc, char **argv)
{
	CLEANUP(release_options)
	struct options options = {
		.min_count = DEFAULT_MIN_COUNT,
		.merge_v4 = SUGGEST_MERGE_V4,
		.merge_v6 = SUGGEST_MERGE_V6,
	};
	bool is_safe = true;
	struct err err;
	int r = read_options(argc, argv, &options);

	if (r != EXIT_OK)
		return r;
	if (options.help) {
		fputs(help, stdout);
		return EXIT_OK;
	}
	if (run(&options, &is_safe, &err) < 0) {
		log_error("%s", err.message);
		return EXIT_TROUBLE;
	}
	return is_safe ? EXIT_OK : EXIT_NEGATIVE;
}
