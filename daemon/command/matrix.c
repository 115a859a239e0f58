/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netpold matrix: who may reach whom, in all of a cluster.
 *
 * What is shown is worked out from the tables that decide about packets
 * (netpold/reach.h), and is exact: nothing is sampled.
 */
#include "command/matrix.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "command/command.h"
#include "command/grouping.h"
#include "command/usage.h"
#include "log.h"
#include "netpold/cleanup.h"
#include "progress.h"
#include "source/objects.h"
#include "source/offline.h"

/* clang-format off */
static const char help[] =
"Usage: netpold matrix [OPTION]... PATH...\n"
"       netpold matrix [OPTION]... --kubeconfig FILE [PATH]...\n"
"\n"
"Say who may reach whom, on which ports, as the policies have it: for each group\n"
"of pods, and for what policies tell apart outside. Groups that may the same and\n"
"that the same may reach are put together. PATH is a file, a folder (of which the\n"
".yaml, .yml and .json files are read), or - for standard input.\n"
"\n"
"  --kubeconfig FILE  the cluster that FILE names, and what PATH has besides\n"
"  --by WHAT          how pods are grouped: workload (default), pod or namespace;\n"
"                     of pods without an owner labels are told: (app=web)\n"
"  --staged           enforce staged policies (netpold.io/mode: audit), too\n"
"  --namespace NS     only what NS reaches or is reached by; may be repeated\n"
"  --output FORMAT    text (default), json, dot for Graphviz, or html: a page\n"
"                     that needs nothing but a browser\n"
"\n"
"\"Between some of them\" marks what is true of some flows of groups only. A pod\n"
"always reaches itself, and a node its own pods, whatever is shown.\n"
"\n"
"Examples:\n"
"  kubectl get ns,pod,netpol,node -A -o yaml | netpold matrix --by pod -\n"
"  netpold matrix --kubeconfig ~/.kube/config --output html > matrix.html\n"
"  netpold matrix --output dot --namespace shop dump.yaml | dot -Tsvg > shop.svg\n"
"\n"
"Exit status: 0 done; 2 wrong usage, or trouble with what is to be read.\n";
/* clang-format on */

enum format { FORMAT_TEXT = 0, FORMAT_JSON, FORMAT_DOT, FORMAT_HTML };

struct options {
	const char *kubeconfig; /* NULL: no cluster is asked */
	struct path_list paths;
	struct path_list namespaces;
	enum grid_by by;
	enum format format;
	bool staged;
	bool help;
};

static const struct {
	const char *name;
	int (*write)(FILE *out, struct matrix *matrix, struct err *err);
} formats[] = {
	[FORMAT_TEXT] = { "text", matrix_text_write },
	[FORMAT_JSON] = { "json", matrix_json_write },
	[FORMAT_DOT] = { "dot", matrix_dot_write },
	[FORMAT_HTML] = { "html", matrix_html_write },
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
	return usage_error("matrix",
			   "--output: '%s' is none of text, json, dot and "
			   "html",
			   text);
}

static int read_option(int id, int argc, char **argv, struct options *out)
{
	switch (id) {
	case 'b':
		return grouping_read("matrix", optarg, &out->by);
	case 'k':
		out->kubeconfig = optarg;
		return EXIT_OK;
	case 'n':
		if (path_list_add(&out->namespaces, optarg) < 0)
			return usage_error("matrix", "out of memory");
		return EXIT_OK;
	case 'o':
		return read_format(optarg, &out->format);
	case 's':
		out->staged = true;
		return EXIT_OK;
	}
	return usage_bad_option("matrix", argc, argv);
}

static int read_paths(int argc, char **argv, struct options *out)
{
	unsigned int n_stdin = 0;

	if (optind == argc && !out->kubeconfig)
		return usage_error("matrix", "a file or folder, or "
					     "--kubeconfig, is missing");
	for (int i = optind; i < argc; i++) {
		n_stdin += strcmp(argv[i], "-") == 0;
		if (path_list_add(&out->paths, argv[i]) < 0)
			return usage_error("matrix", "out of memory");
	}
	if (n_stdin > 1)
		return usage_error("matrix",
				   "standard input (-) can be read only once");
	return EXIT_OK;
}

static int read_options(int argc, char **argv, struct options *out)
{
	static const struct option long_options[] = {
		{ "by", required_argument, NULL, 'b' },
		{ "help", no_argument, NULL, 'h' },
		{ "kubeconfig", required_argument, NULL, 'k' },
		{ "namespace", required_argument, NULL, 'n' },
		{ "output", required_argument, NULL, 'o' },
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
		     const struct offline *offline, struct progress *progress,
		     struct grid **out, struct err *err)
{
	struct grid_options grid = {
		.snapshots = { offline->snapshot },
		.n_snapshots = 1,
		.by = options->by,
		.namespaces = options->namespaces.items,
		.n_namespaces = options->namespaces.n,
		.tell = grouping_tell_asked,
		.tell_ctx = progress,
	};

	if (offline->n_pods == 0)
		return err_set(
			err, -ENODATA,
			"there is no pod with an address, and so nobody to "
			"reach: add what `kubectl get ns,pod -A -o yaml` "
			"prints, or ask the cluster itself with --kubeconfig");
	if (getrandom(grid.hash_key, sizeof(grid.hash_key), 0) < 0)
		return err_set(err, -errno, "cannot get random bytes: %s",
			       strerror(errno));
	return grid_new(&grid, out, err);
}

/* A name that is misspelt would give an empty answer. */
static int check_namespaces(const struct options *options,
			    const struct who_index *index, struct err *err)
{
	for (size_t i = 0; i < options->namespaces.n; i++) {
		const char *name = options->namespaces.items[i];
		bool found = false;

		for (size_t k = 0; k < index->n_namespaces && !found; k++)
			found = strcmp(index->namespaces[k].name, name) == 0;
		if (!found)
			return err_set(err, -ENOENT,
				       "--namespace: no pod with an address is "
				       "in namespace '%s'",
				       name);
	}
	return 0;
}

static int write_grid(const struct options *options,
		      const struct offline *offline, struct grid *grid,
		      struct progress *progress, struct err *err)
{
	struct matrix matrix = {
		.offline = offline,
		.grid = grid,
		.by = options->by,
		.namespaces = &options->namespaces,
		.progress = progress,
	};
	int r = who_index_init(&matrix.index, grid);

	if (r < 0)
		r = err_set(err, r, "out of memory");
	if (r == 0)
		r = check_namespaces(options, &matrix.index, err);
	/* Two of them would write over each other. */
	if (isatty(STDOUT_FILENO))
		progress_end(progress);
	if (r == 0)
		r = formats[options->format].write(stdout, &matrix, err);
	who_index_release(&matrix.index);
	if (r == 0 && (fflush(stdout) != 0 || ferror(stdout)))
		r = err_set(err, -EIO, "cannot write to standard output");
	return r;
}

static int run(const struct options *options, struct progress *progress,
	       struct err *err)
{
	CLEANUP(grid_freep) struct grid *grid = NULL;
	CLEANUP(offline_release) struct offline offline = { 0 };
	const struct objects_from from = {
		.paths = options->paths.items,
		.n_paths = options->paths.n,
		.kubeconfig = options->kubeconfig,
		.progress = progress,
	};
	struct cluster *cluster;
	int r = objects_load(&from, NULL, &cluster, NULL, err);

	if (r == 0)
		r = offline_compile(cluster, options->staged, &offline, err);
	if (r == 0)
		r = make_grid(options, &offline, progress, &grid, err);
	return r < 0 ? r : write_grid(options, &offline, grid, progress, err);
}

static void release_options(struct options *options)
{
	path_list_release(&options->paths);
	path_list_release(&options->namespaces);
}

int command_matrix(int argc, char **argv)
{
	CLEANUP(release_options) struct options options = { 0 };
	struct progress progress;
	struct err err;
	int r = read_options(argc, argv, &options);

	if (r != EXIT_OK)
		return r;
	if (options.help) {
		fputs(help, stdout);
		return EXIT_OK;
	}
	progress_begin(&progress);
	r = run(&options, &progress, &err);
	progress_end(&progress);
	if (r == 0)
		return EXIT_OK;
	log_error("%s", err.message);
	return EXIT_TROUBLE;
}
