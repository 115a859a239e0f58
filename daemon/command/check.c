/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netpold check: what the API server would say to these manifests, or to what
 * is in it.
 *
 * The same reader that `run` and `replay` use, with its findings shown. What
 * passes here is what they accept. Warnings of what is surely not meant come
 * when all is read and in order, because they compare objects with each other.
 */
#include "command/command.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "command/check_report.h"
#include "command/usage.h"
#include "netpold/advice.h"
#include "netpold/cleanup.h"
#include "source/manifests.h"
#include "source/objects.h"
#include "source/origins.h"

/* clang-format off */
static const char help[] =
"Usage: netpold check [OPTION]... PATH...\n"
"       netpold check [OPTION]... --kubeconfig FILE [PATH]...\n"
"\n"
"Say what is wrong with manifests, as the API server would say it, and, where\n"
"nothing is, what is surely not meant: a line for each finding, and counts on\n"
"standard error. PATH is a file, a folder (of which the .yaml, .yml and .json\n"
"files are read), or - for standard input.\n"
"\n"
"  --kubeconfig FILE  check the cluster that FILE names; with PATH, check PATH as\n"
"                     if it had been applied there\n"
"  --strict           odd forms of CIDRs are errors, as they are for servers from\n"
"                     1.36 on; otherwise they are warnings\n"
"  --output FORMAT    text (default), json, or sarif for code scanning\n"
"\n"
"Lines are FILE:LINE: KIND NAMESPACE/NAME: FIELD: WHAT IS WRONG. All fields of\n"
"NetworkPolicies are checked; of pods, namespaces and nodes those that decide\n"
"about packets; other kinds are ignored, and what is in a cluster has no FILE.\n"
"\n"
"Examples:\n"
"  netpold check --strict policies/\n"
"  netpold check --kubeconfig ~/.kube/config policies/\n"
"\n"
"Exit status: 0 no errors, though there may be warnings; 1 errors; 2 wrong\n"
"usage, or something that cannot be read.\n";
/* clang-format on */

struct check {
	struct path_list paths;
	const char *kubeconfig; /* NULL: no cluster is asked */
	enum check_format format;
	struct manifests_options manifests;
	struct manifests_report counts;
	struct check_report report;
	struct origins origins;
	bool has_api_pods; /* as the API server prints them, with a UID */
};

static void check_release(struct check *check)
{
	path_list_release(&check->paths);
	check_report_release(&check->report);
	origins_release(&check->origins);
}

/* ---- findings ----------------------------------------------------------- */

static void take_finding(void *ctx, const struct finding *finding)
{
	struct check *check = ctx;

	check_report_add(&check->report, finding);
}

static int take_object(void *ctx, const struct object *object, const char *file,
		       unsigned int line)
{
	struct check *check = ctx;

	if (object->kind == OBJECT_POD && *object->pod.uid)
		check->has_api_pods = true;
	/* Advice is about policies only; and where there are files, about what
	   is in them. */
	if (object->kind != OBJECT_NETWORK_POLICY || !*file)
		return 0;
	return origins_add(&check->origins, &object->policy, file, line);
}

/* Where there are Deployments and the like, but no pods that they made, the
   manifests are to be applied, and pods and namespaces are elsewhere. */
static enum advice_scope find_scope(const struct check *check)
{
	return check->counts.n_pod_makers > 0 && !check->has_api_pods &&
			       !check->kubeconfig
		       ? ADVICE_RULES
		       : ADVICE_CLUSTER;
}

/* What is about no object in particular is about what was named first. */
static const char *first_file(const struct check *check)
{
	return check->paths.n > 0 ? check->paths.items[0] : "";
}

static void take_advice(void *ctx, const struct finding *finding)
{
	struct check *check = ctx;
	struct finding placed = *finding;
	const struct origin *origin = origins_find(
		&check->origins, finding->namespace, finding->name);

	/* Files are what somebody can mend; the cluster is what they are
	   compared with. */
	if (!origin && check->paths.n > 0 && *finding->name)
		return;
	placed.file = origin ? origin->file : first_file(check);
	placed.line = origin ? origin->line : 0;
	check->counts.n_warnings++;
	check_report_add(&check->report, &placed);
}

/* ---- counts ------------------------------------------------------------- */

static void print_count(size_t n, const char *one, const char *many,
			const char *behind)
{
	fprintf(stderr, "%zu %s%s", n, n == 1 ? one : many, behind);
}

static void print_summary(const struct check *check)
{
	const struct manifests_report *report = &check->counts;

	fputs("netpold check: ", stderr);
	if (check->paths.n > 0)
		print_count(report->n_files, "file", "files",
			    check->kubeconfig ? " and " : ", ");
	if (check->kubeconfig)
		fputs("the cluster, ", stderr);
	print_count(report->n_objects, "object", "objects", " in order, ");
	print_count(report->n_ignored, "object", "objects", " ignored: ");
	print_count(report->n_errors, "error", "errors", ", ");
	print_count(report->n_warnings, "warning", "warnings", "\n");
}

/* ---- command line ------------------------------------------------------- */

static int read_format(const char *text, enum check_format *out)
{
	if (strcmp(text, "text") == 0)
		*out = CHECK_TEXT;
	else if (strcmp(text, "json") == 0)
		*out = CHECK_JSON;
	else if (strcmp(text, "sarif") == 0)
		*out = CHECK_SARIF;
	else
		return usage_error("check",
				   "--output: '%s' is none of text, json "
				   "and sarif",
				   text);
	return EXIT_OK;
}

static int read_paths(int argc, char **argv, struct check *check)
{
	unsigned int n_stdin = 0;

	if (optind == argc && !check->kubeconfig)
		return usage_error("check", "a file or folder, or "
					    "--kubeconfig, is missing");
	for (int i = optind; i < argc; i++) {
		n_stdin += strcmp(argv[i], "-") == 0;
		if (path_list_add(&check->paths, argv[i]) < 0)
			return usage_error("check", "not enough memory");
	}
	if (n_stdin > 1)
		return usage_error("check",
				   "standard input (-) can be read only once");
	return EXIT_OK;
}

/* Returns EXIT_OK, or EXIT_TROUBLE after telling why. */
static int read_arguments(int argc, char **argv, struct check *check,
			  bool *wants_help)
{
	static const struct option long_options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "kubeconfig", required_argument, NULL, 'k' },
		{ "output", required_argument, NULL, 'o' },
		{ "strict", no_argument, NULL, 's' },
		{ 0 },
	};
	int option, r;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":", long_options, NULL)) !=
	       -1) {
		switch (option) {
		case 'h':
			*wants_help = true;
			return EXIT_OK;
		case 'k':
			check->kubeconfig = optarg;
			break;
		case 'o':
			r = read_format(optarg, &check->format);
			if (r != EXIT_OK)
				return r;
			break;
		case 's':
			check->manifests.strict = true;
			break;
		default:
			return usage_bad_option("check", argc, argv);
		}
	}
	return read_paths(argc, argv, check);
}

/* ---- the command -------------------------------------------------------- */

static int trouble(const char *what)
{
	fprintf(stderr, "netpold check: %s\n", what);
	return EXIT_TROUBLE;
}

static int run_check(struct check *check)
{
	CLEANUP(cluster_freep) struct cluster *cluster = NULL;
	struct manifests_report *counts = &check->counts;
	const struct objects_from from = {
		.paths = check->paths.items,
		.n_paths = check->paths.n,
		.kubeconfig = check->kubeconfig,
		.files_win = true,
	};
	struct err err;
	int r, failure;

	r = objects_load(&from, &check->manifests, &cluster, counts, &err);
	if (r < 0 && counts->n_errors == 0)
		return trouble(err.message);
	if (r == 0) {
		origins_sort(&check->origins);
		if (advice_report(cluster, find_scope(check), take_advice,
				  check) < 0)
			return trouble("not enough memory to compare rules");
	}
	failure = check_report_end(&check->report, counts);
	if (failure < 0)
		return trouble(failure == -ENOMEM
				       ? "not enough memory for the findings"
				       : "cannot write the findings");
	if (r < 0 && r != -EINVAL)
		return trouble(err.message);
	if (check->paths.n > 0 && counts->n_files == 0)
		return trouble(
			"there is no .yaml, .yml or .json file to check");
	print_summary(check);
	return counts->n_errors > 0 ? EXIT_NEGATIVE : EXIT_OK;
}

int command_check(int argc, char **argv)
{
	CLEANUP(check_release) struct check check = { 0 };
	bool wants_help = false;
	int r = read_arguments(argc, argv, &check, &wants_help);

	if (r != EXIT_OK)
		return r;
	if (wants_help) {
		fputs(help, stdout);
		return EXIT_OK;
	}
	check.manifests.report = take_finding;
	check.manifests.report_ctx = &check;
	check.manifests.object = take_object;
	check.manifests.object_ctx = &check;
	if (check_report_init(&check.report, check.format) < 0)
		return trouble("not enough memory");
	return run_check(&check);
}
