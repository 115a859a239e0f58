/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netpold check: what the API server would say to these manifests.
 *
 * The same reader that `run` and `replay` use, with its findings shown. What
 * passes here is what they accept.
 */
#include "command/command.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "command/usage.h"
#include "netpold/cleanup.h"
#include "source/manifests.h"

/* clang-format off */
static const char help[] =
"Usage: netpold check [OPTION]... PATH...\n"
"\n"
"Say what is wrong with manifests, as the API server would say it: a line for\n"
"each finding, and counts on standard error. PATH is a file, a folder (of which\n"
"the .yaml, .yml and .json files are read), or - for standard input.\n"
"\n"
"  --strict         odd forms of CIDRs are errors, as they are for servers\n"
"                   from 1.36 on; otherwise they are warnings\n"
"  --output FORMAT  text (default), or json: one object with all findings\n"
"\n"
"Lines have the form FILE:LINE: KIND NAMESPACE/NAME: FIELD: WHAT IS WRONG.\n"
"NetworkPolicies are checked in every field; pods, namespaces and nodes in\n"
"those that decide about packets; other kinds are counted as ignored.\n"
"\n"
"Examples:\n"
"  netpold check policies/\n"
"  kubectl get networkpolicy -A -o yaml | netpold check --strict -\n"
"  netpold check --output json shop.yaml | jq '.findings[].message'\n"
"\n"
"Exit status: 0 no errors, though there may be warnings; 1 errors; 2 wrong\n"
"usage, or a file that cannot be read.\n";
/* clang-format on */

enum format { FORMAT_TEXT = 0, FORMAT_JSON };

struct check {
	struct path_list paths;
	enum format format;
	struct manifests_options manifests;
	json_t *findings; /* FORMAT_JSON only */
	bool failed;	  /* a finding could not be kept or written */
};

static void check_release(struct check *check)
{
	path_list_release(&check->paths);
	json_decref(check->findings);
}

/* ---- findings ----------------------------------------------------------- */

static void print_finding(void *ctx, const struct finding *finding)
{
	struct check *check = ctx;
	int n = finding_format(finding, NULL, 0);
	char *line = malloc((size_t)n + 1);

	if (!line) {
		check->failed = true;
		return;
	}
	finding_format(finding, line, (size_t)n + 1);
	puts(line);
	free(line);
}

/* A file may have any name; JSON is UTF-8. */
static json_t *json_text(const char *text)
{
	json_t *string = json_string(text);

	return string ? string : json_string("(not UTF-8)");
}

static void keep_finding(void *ctx, const struct finding *finding)
{
	struct check *check = ctx;
	bool is_error = finding->severity == FINDING_ERROR;
	json_t *object;

	object = json_pack("{ss so si so so so so so}", "severity",
			   is_error ? "error" : "warning", "file",
			   json_text(finding->file), "line", (int)finding->line,
			   "kind", json_text(finding->kind), "namespace",
			   json_text(finding->namespace), "name",
			   json_text(finding->name), "path",
			   json_text(finding->path), "message",
			   json_text(finding->message));
	if (!object || json_array_append_new(check->findings, object) < 0)
		check->failed = true;
}

static int write_json(const struct check *check,
		      const struct manifests_report *report)
{
	json_t *document;
	int r;

	document = json_pack(
		"{sI sI sI sI sI sO}", "files", (json_int_t)report->n_files,
		"objects", (json_int_t)report->n_objects, "ignored",
		(json_int_t)report->n_ignored, "errors",
		(json_int_t)report->n_errors, "warnings",
		(json_int_t)report->n_warnings, "findings", check->findings);
	if (!document)
		return -ENOMEM;
	r = json_dumpf(document, stdout, JSON_INDENT(2));
	json_decref(document);
	putchar('\n');
	return r < 0 ? -EIO : 0;
}

/* ---- counts ------------------------------------------------------------- */

static void print_count(size_t n, const char *one, const char *many,
			const char *behind)
{
	fprintf(stderr, "%zu %s%s", n, n == 1 ? one : many, behind);
}

static void print_summary(const struct manifests_report *report)
{
	fputs("netpold check: ", stderr);
	print_count(report->n_files, "file", "files", ", ");
	print_count(report->n_objects, "object", "objects", " in order, ");
	print_count(report->n_ignored, "object", "objects", " ignored: ");
	print_count(report->n_errors, "error", "errors", ", ");
	print_count(report->n_warnings, "warning", "warnings", "\n");
}

/* ---- command line ------------------------------------------------------- */

static int read_format(const char *text, enum format *out)
{
	if (strcmp(text, "text") == 0)
		*out = FORMAT_TEXT;
	else if (strcmp(text, "json") == 0)
		*out = FORMAT_JSON;
	else
		return usage_error("check",
				   "--output: '%s' is neither text nor json",
				   text);
	return EXIT_OK;
}

static int read_paths(int argc, char **argv, struct check *check)
{
	unsigned int n_stdin = 0;

	if (optind == argc)
		return usage_error("check", "a file or folder is missing");
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
	struct manifests_report report = { 0 };
	struct err err;
	int r;

	r = manifests_load(check->paths.items, check->paths.n,
			   &check->manifests, &cluster, &report, &err);
	if (r < 0 && report.n_errors == 0)
		return trouble(err.message);
	if (check->failed)
		return trouble("not enough memory for the findings");
	if (check->format == FORMAT_JSON && write_json(check, &report) < 0)
		return trouble("cannot write the findings");
	if (fflush(stdout) != 0)
		return trouble("cannot write the findings");
	if (r < 0 && r != -EINVAL)
		return trouble(err.message);
	if (report.n_files == 0)
		return trouble(
			"there is no .yaml, .yml or .json file to check");
	print_summary(&report);
	return report.n_errors > 0 ? EXIT_NEGATIVE : EXIT_OK;
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
	check.manifests.report_ctx = &check;
	check.manifests.report = print_finding;
	if (check.format == FORMAT_JSON) {
		check.manifests.report = keep_finding;
		check.findings = json_array();
		if (!check.findings)
			return trouble("not enough memory");
	}
	return run_check(&check);
}
