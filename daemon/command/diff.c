/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netpold diff: which connections open or close between two sets of manifests.
 *
 * Compared are all flows between pods that both sets have, and between these
 * and the addresses that are no pod's in either: not a sample of them, but
 * whatever the tables of the two can tell apart (netpold/reach.h). A pod that
 * one set alone has is named, and its flows are not compared: whether "nobody
 * could reach it" opens or closes is nothing that policies say.
 *
 * With --records, what is compared is what was really seen (diff_seen.h).
 */
#include "command/diff.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "command/command.h"
#include "command/diff_seen.h"
#include "command/diff_worlds.h"
#include "command/grouping.h"
#include "command/usage.h"
#include "log.h"
#include "netpold/cleanup.h"

/* clang-format off */
static const char help[] =
"Usage: netpold diff [OPTION]... OLD NEW\n"
"       netpold diff [OPTION]... --kubeconfig FILE [OLD] NEW\n"
"\n"
"Say which connections open and which close between two sets of manifests, and\n"
"because of which policies, each with an example. OLD and NEW are files, folders\n"
"(of which the .yaml, .yml and .json files are read), or - for standard input.\n"
"\n"
"  --kubeconfig FILE  the cluster that FILE names is OLD, and NEW is put over it;\n"
"                     or, with OLD, it gives both what neither of them names\n"
"  --manifests PATH   the pods and namespaces of both; may be repeated\n"
"  --by WHAT          how pods are grouped: workload (default), pod or namespace;\n"
"                     of pods without an owner labels are told: (app=web)\n"
"  --records FILE     tell of the connections in FILE alone: a flow log, or what\n"
"                     replay --output json prints; may be repeated\n"
"  --staged           enforce staged policies (netpold.io/mode: audit), too\n"
"  --output FORMAT    text (default), json, or markdown for a pull request\n"
"\n"
"All flows are compared between pods that both have (by name, or else by owner),\n"
"and with addresses outside. What one side alone has is named.\n"
"\n"
"Example: netpold diff --kubeconfig ~/.kube/config --records flows.log policies/\n"
"\n"
"Exit status: 0 no connection opens or closes; 1 some do, or (without --records)\n"
"one side alone has pods or addresses of theirs; 2 wrong usage, or trouble.\n";
/* clang-format on */

enum format { FORMAT_TEXT = 0, FORMAT_JSON, FORMAT_MARKDOWN };

struct options {
	struct path_list manifests;
	struct path_list records; /* none: all connections are compared */
	struct diff_sources sources;
	enum grid_by by;
	enum format format;
	bool help;
};

static const struct {
	const char *name;
	int (*write)(FILE *out, struct diff *diff);
	int (*write_seen)(FILE *out, const struct seen *seen);
} formats[] = {
	[FORMAT_TEXT] = { "text", diff_text_write, seen_text_write },
	[FORMAT_JSON] = { "json", diff_json_write, seen_json_write },
	[FORMAT_MARKDOWN] = { "markdown", diff_markdown_write,
			      seen_markdown_write },
};

/* ---- command line ------------------------------------------------------- */

/* Each returns EXIT_OK, or EXIT_TROUBLE after telling why. */

static int read_format(const char *text, enum format *out)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (strcmp(text, formats[i].name) == 0) {
			*out = i;
			return EXIT_OK;
		}
	}
	return usage_error("diff",
			   "--output: '%s' is none of text, json and markdown",
			   text);
}

static int read_option(int id, int argc, char **argv, struct options *out)
{
	switch (id) {
	case 'b':
		return grouping_read("diff", optarg, &out->by);
	case 'k':
		out->sources.kubeconfig = optarg;
		return EXIT_OK;
	case 'm':
		if (path_list_add(&out->manifests, optarg) < 0)
			return usage_error("diff", "out of memory");
		return EXIT_OK;
	case 'o':
		return read_format(optarg, &out->format);
	case 'r':
		if (path_list_add(&out->records, optarg) < 0)
			return usage_error("diff", "out of memory");
		return EXIT_OK;
	case 's':
		out->sources.enforce_staged = true;
		return EXIT_OK;
	}
	return usage_bad_option("diff", argc, argv);
}

static unsigned int count_stdin(const struct path_list *paths)
{
	unsigned int n = 0;

	for (size_t i = 0; i < paths->n; i++)
		n += strcmp(paths->items[i], "-") == 0;
	return n;
}

static int read_paths(int argc, char **argv, struct options *out)
{
	int n = argc - optind;
	unsigned int n_stdin = 0;

	if (n == 0 && out->sources.kubeconfig)
		return usage_error("diff", "NEW is missing");
	if (n < REACH_MAX_VIEWS && !out->sources.kubeconfig)
		return usage_error("diff", "OLD or NEW is missing; OLD may be "
					   "the cluster of --kubeconfig");
	if (n > REACH_MAX_VIEWS)
		return usage_error("diff", "'%s' is not expected here",
				   argv[optind + REACH_MAX_VIEWS]);
	for (int i = 0; i < n; i++) {
		out->sources.paths[REACH_MAX_VIEWS - n + i] = argv[optind + i];
		n_stdin += strcmp(argv[optind + i], "-") == 0;
	}
	out->sources.manifests = out->manifests.items;
	out->sources.n_manifests = out->manifests.n;
	n_stdin += count_stdin(&out->manifests) + count_stdin(&out->records);
	if (n_stdin > 1)
		return usage_error("diff",
				   "standard input (-) can be read only once");
	return EXIT_OK;
}

static int read_options(int argc, char **argv, struct options *out)
{
	static const struct option long_options[] = {
		{ "by", required_argument, NULL, 'b' },
		{ "help", no_argument, NULL, 'h' },
		{ "kubeconfig", required_argument, NULL, 'k' },
		{ "manifests", required_argument, NULL, 'm' },
		{ "output", required_argument, NULL, 'o' },
		{ "records", required_argument, NULL, 'r' },
		{ "staged", no_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 },
	};
	int id, r = EXIT_OK;

	opterr = 0;
	while (r == EXIT_OK &&
	       (id = getopt_long(argc, argv, ":", long_options, NULL)) >= 0) {
		if (id == 'h') {
			out->help = true;
			return EXIT_OK;
		}
		r = read_option(id, argc, argv, out);
	}
	return r == EXIT_OK ? read_paths(argc, argv, out) : r;
}

/* ---- the command -------------------------------------------------------- */

static int make_grid(const struct options *options,
		     const struct diff_worlds *worlds,
		     struct progress *progress, struct grid **out,
		     struct err *err)
{
	struct grid_options grid = {
		.n_snapshots = REACH_MAX_VIEWS,
		.by = options->by,
		.tell = grouping_tell_asked,
		.tell_ctx = progress,
	};

	for (int v = 0; v < REACH_MAX_VIEWS; v++)
		grid.snapshots[v] = worlds->items[v].snapshot;
	if (getrandom(grid.hash_key, sizeof(grid.hash_key), 0) < 0)
		return err_set(err, -errno, "cannot get random bytes: %s",
			       strerror(errno));
	return grid_new(&grid, out, err);
}

/* Returns EXIT_OK or EXIT_NEGATIVE. */
static int verdict_of(const struct diff *diff)
{
	size_t n_leftovers;

	reach_leftovers(grid_reach(diff->grid), &n_leftovers);
	return diff->lines.n > 0 || n_leftovers > 0 ? EXIT_NEGATIVE : EXIT_OK;
}

/* What is written goes out. @r: how writing it went; 0 or a negative errno. */
static int finish(int r, struct err *err)
{
	if (r < 0)
		return err_set(err, r, "out of memory");
	if (fflush(stdout) != 0 || ferror(stdout))
		return err_set(err, -EIO, "cannot write to standard output");
	return 0;
}

static int compare(struct diff *diff, enum format format, struct err *err)
{
	int r = who_index_init(&diff->index, diff->grid);

	if (r == 0)
		r = diff_sides_find(diff->worlds, diff->grid, &diff->sides);
	if (r == 0)
		r = diff_lines_gather(diff->grid, diff->progress, &diff->lines);
	if (isatty(STDOUT_FILENO))
		progress_end(diff->progress);
	if (r == 0)
		r = formats[format].write(stdout, diff);
	r = finish(r, err);
	return r < 0 ? r : verdict_of(diff);
}

static void release_diff(struct diff *diff)
{
	diff_lines_release(&diff->lines);
	diff_sides_release(&diff->sides);
	who_index_release(&diff->index);
	grid_free(diff->grid);
}

/* Both return an exit status, or a negative errno with a message. */

static int compare_all(const struct options *options,
		       const struct diff_worlds *worlds,
		       struct progress *progress, struct err *err)
{
	CLEANUP(release_diff)
	struct diff diff = {
		.worlds = worlds->items,
		.progress = progress,
	};
	int r = make_grid(options, worlds, progress, &diff.grid, err);

	return r < 0 ? r : compare(&diff, options->format, err);
}

static int compare_seen(const struct options *options,
			const struct diff_worlds *worlds,
			struct progress *progress, struct err *err)
{
	const struct seen_from from = {
		.paths = options->records.items,
		.n_paths = options->records.n,
		.worlds = worlds->items,
		.by = options->by,
		.progress = progress,
	};
	CLEANUP(seen_release) struct seen seen = { 0 };
	int r = seen_gather(&from, &seen, err);

	if (r < 0)
		return r;
	if (isatty(STDOUT_FILENO))
		progress_end(progress);
	r = finish(formats[options->format].write_seen(stdout, &seen), err);
	if (r < 0)
		return r;
	return seen_has_changes(&seen) ? EXIT_NEGATIVE : EXIT_OK;
}

static int run(const struct options *options, struct progress *progress,
	       struct err *err)
{
	CLEANUP(diff_worlds_release) struct diff_worlds worlds = { 0 };
	int r = diff_worlds_load(&options->sources, progress, &worlds, err);

	if (r < 0)
		return r;
	return options->records.n > 0
		       ? compare_seen(options, &worlds, progress, err)
		       : compare_all(options, &worlds, progress, err);
}

int command_diff(int argc, char **argv)
{
	struct options options = { 0 };
	struct progress progress;
	struct err err;
	int r = read_options(argc, argv, &options);

	if (r == EXIT_OK && options.help) {
		fputs(help, stdout);
	} else if (r == EXIT_OK) {
		progress_begin(&progress);
		r = run(&options, &progress, &err);
		progress_end(&progress);
		if (r < 0) {
			log_error("%s", err.message);
			r = EXIT_TROUBLE;
		}
	}
	path_list_release(&options.manifests);
	path_list_release(&options.records);
	return r;
}
