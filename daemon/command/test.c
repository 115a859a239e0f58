/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netpold test: whether policies do what their tests say.
 *
 * A suite is read (suite/suite.h), its manifests are (suite/world.h), its cases
 * are asked (suite/run.h), and what came of it is told (suite/report.h), one
 * suite after the other. One that cannot be run does not keep others from it.
 */
#include "command/command.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command/usage.h"
#include "log.h"
#include "netpold/cleanup.h"
#include "netpold/cluster.h"
#include "source/manifests.h"
#include "source/objects.h"
#include "suite/coverage.h"
#include "suite/report.h"
#include "suite/result.h"
#include "suite/rewrite.h"
#include "suite/run.h"
#include "suite/suite.h"
#include "suite/suite_files.h"
#include "suite/watch.h"
#include "suite/world.h"

/* clang-format off */
static const char help[] =
"Usage: netpold test [OPTION]... PATH...\n"
"\n"
"Say whether policies do what their tests expect. PATH is a file of kind\n"
"PolicyTest, or a folder, of which, and of those in it, all .yaml and .yml files\n"
"of that kind are run.\n"
"\n"
"  --coverage         say which policies and rules no case has exercised\n"
"  --kubeconfig FILE  what suites do not say is as in the cluster that FILE names\n"
"  --manifests PATH   or as in a file, a folder or standard input (-); may be\n"
"                     repeated\n"
"  --output FORMAT    text (default), json, tap (TAP 14), junit (JUnit XML), or\n"
"                     github: text, and annotations of a pull request\n"
"  --update           write what is seen into the suites as what is expected;\n"
"                     only the words allow and deny change\n"
"  --watch            run again whenever something of it changes, until stopped\n"
"\n"
"A suite:\n"
"  apiVersion: netpold.io/v1alpha1\n"
"  kind: PolicyTest\n"
"  manifests: [../policies]       # files and folders, from where the suite is\n"
"  pods:                          # besides those of the manifests\n"
"  - shop/web app=web http:8080   # labels, named ports, an address, @NODE\n"
"  - shop/db app=db\n"
"  cases:\n"
"  - name: the shop may ask its database\n"
"    flows:\n"
"    - { from: shop/web, to: shop/db, port: 5432, expect: allow }\n"
"\n"
"Exit status: 0 all as expected; 1 a case failed; 2 wrong usage, or a suite that\n"
"cannot be run.\n";
/* clang-format on */

/* Until a cluster that did not answer is asked again, with --watch. */
#define RETRY_MS 5000

struct options {
	struct path_list paths;
	struct path_list manifests; /* that stand behind every suite */
	const char *kubeconfig;	    /* likewise; NULL: no cluster is asked */
	const struct suite_format *format;
	bool coverage;
	bool update;
	bool watch;
	bool help;
};

/* What goes through one run of everything. */
struct test {
	const struct options *options;
	struct cluster *base; /* NULL: nothing stands behind the suites */
	struct suite_report report;
	struct coverage coverage;
	struct watch *watch; /* or NULL */
	size_t n_rewritten;  /* suites */
	bool lacks_base;     /* it could not be read */
};

/* ---- command line ------------------------------------------------------- */

/* Each returns EXIT_OK, or EXIT_TROUBLE after telling why. */

static int read_format(const char *text, const struct suite_format **out)
{
	*out = suite_format_find(text);
	if (*out)
		return EXIT_OK;
	return usage_error("test",
			   "--output: '%s' is none of text, json, tap, "
			   "junit and github",
			   text);
}

static int check_together(const struct options *options)
{
	size_t n_stdin = 0;

	if (options->update && options->watch)
		return usage_error("test", "--update and --watch: what is "
					   "written anew would be seen as a "
					   "change");
	for (size_t i = 0; i < options->manifests.n; i++)
		n_stdin += strcmp(options->manifests.items[i], "-") == 0;
	if (n_stdin > 1 || (n_stdin > 0 && options->watch))
		return usage_error("test",
				   "standard input (-) can be read only once");
	return EXIT_OK;
}

static int read_paths(int argc, char **argv, struct options *out)
{
	if (optind == argc)
		return usage_error("test", "a file or folder is missing");
	for (int i = optind; i < argc; i++) {
		if (path_list_add(&out->paths, argv[i]) < 0)
			return usage_error("test", "out of memory");
	}
	return check_together(out);
}

static int read_options(int argc, char **argv, struct options *out)
{
	static const struct option long_options[] = {
		{ "coverage", no_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ "kubeconfig", required_argument, NULL, 'k' },
		{ "manifests", required_argument, NULL, 'm' },
		{ "output", required_argument, NULL, 'o' },
		{ "update", no_argument, NULL, 'u' },
		{ "watch", no_argument, NULL, 'w' },
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
		if (id == 'c')
			out->coverage = true;
		else if (id == 'u')
			out->update = true;
		else if (id == 'w')
			out->watch = true;
		else if (id == 'k')
			out->kubeconfig = optarg;
		else if (id == 'o')
			r = read_format(optarg, &out->format);
		else if (id != 'm')
			r = usage_bad_option("test", argc, argv);
		else if (path_list_add(&out->manifests, optarg) < 0)
			r = usage_error("test", "out of memory");
	}
	return r == EXIT_OK ? read_paths(argc, argv, out) : r;
}

/* ---- one suite ---------------------------------------------------------- */

static void watch_suite(struct test *test, const struct suite *suite)
{
	for (size_t i = 0; i < suite->n_manifests; i++)
		watch_add(test->watch, suite->manifests[i].text);
	for (size_t i = 0; i < suite->n_cases; i++) {
		if (suite->cases[i].kind == SUITE_PCAP)
			watch_add(test->watch, suite->cases[i].capture.text);
	}
}

/* @coverage  NULL: nobody asks for it */
static int run_cases(const struct test *test, const struct suite *suite,
		     struct coverage *coverage, struct suite_result *result,
		     struct err *err)
{
	CLEANUP(world_release) struct world world = { 0 };
	int r = world_open(suite, test->base, &world, err);

	if (r < 0)
		return r;
	if (suite_result_init(result, suite) < 0 ||
	    (coverage &&
	     coverage_begin(coverage, world.cluster, &world.origins) < 0))
		return err_set(err, -ENOMEM, "out of memory");
	return suite_run(suite, &world, coverage, result, err);
}

/* Reads and runs it, and with --update once more, for what the new file says.
 */
static int run_suite(struct test *test, const char *file, struct suite *suite,
		     struct suite_result *result, struct err *err)
{
	struct coverage *coverage =
		test->options->coverage ? &test->coverage : NULL;
	int r;

	watch_add(test->watch, file);
	r = suite_read(file, suite, err);
	watch_suite(test, suite);
	if (r == 0)
		r = run_cases(test, suite,
			      test->options->update ? NULL : coverage, result,
			      err);
	if (r < 0 || !test->options->update)
		return r;
	if (result->n_edits > 0) {
		r = suite_rewrite(suite, result, err);
		test->n_rewritten += r == 0;
	}
	suite_result_release(result);
	suite_release(suite);
	if (r == 0)
		r = suite_read(file, suite, err);
	return r == 0 ? run_cases(test, suite, coverage, result, err) : r;
}

/* Beside a report that programs read, what is for people goes elsewhere. */
static FILE *people(const struct options *options)
{
	return options->format == &suite_as_text ||
			       options->format == &suite_as_github
		       ? stdout
		       : stderr;
}

static void test_file(struct test *test, const char *file)
{
	CLEANUP(suite_release) struct suite suite = { .file = file };
	CLEANUP(suite_result_release) struct suite_result result = { 0 };
	struct err err;

	if (run_suite(test, file, &suite, &result, &err) < 0) {
		/* The report says it; one for programs goes where nobody looks.
		 */
		if (people(test->options) == stderr)
			log_error("%s", err.message);
		result.file = file;
		result.name = file;
		result.error = err.message;
	}
	suite_report_add(&test->report, &result);
}

/* ---- all of them -------------------------------------------------------- */

static bool wants_colour(void)
{
	const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0 &&
	       !(no_color && *no_color);
}

static void test_all(struct test *test, const struct suite_files *files)
{
	suite_report_begin(&test->report);
	for (size_t i = 0; i < files->n; i++)
		test_file(test, files->items[i]);
	if (test->options->coverage)
		coverage_write(people(test->options), &test->coverage);
	if (test->options->update)
		fprintf(people(test->options), "%zu %s written anew\n",
			test->n_rewritten,
			test->n_rewritten == 1 ? "suite" : "suites");
	suite_report_end(&test->report);
}

/* What stands behind the suites, once for all of them. */
static int load_base(struct test *test, struct err *err)
{
	const struct options *options = test->options;
	const struct manifests_options lenient = { .strict = false };
	const struct objects_from from = {
		.paths = options->manifests.items,
		.n_paths = options->manifests.n,
		.kubeconfig = options->kubeconfig,
		.files_win = true,
	};
	int r;

	if (from.n_paths == 0 && !from.kubeconfig)
		return 0;
	r = objects_load(&from, &lenient, &test->base, NULL, err);
	test->lacks_base = r < 0;
	return r;
}

/* All that is named, whatever comes of reading it. */
static void watch_options(const struct test *test)
{
	const struct options *options = test->options;

	for (size_t i = 0; i < options->paths.n; i++)
		watch_add(test->watch, options->paths.items[i]);
	for (size_t i = 0; i < options->manifests.n; i++)
		watch_add(test->watch, options->manifests.items[i]);
	if (options->kubeconfig)
		watch_add(test->watch, options->kubeconfig);
}

/* Returns an exit status.

   @lacks_base  set where what stands behind the suites could not be read */
static int run_once(const struct options *options, struct watch *watch,
		    bool *lacks_base)
{
	CLEANUP(suite_files_release) struct suite_files files = { 0 };
	struct test test = {
		.options = options,
		.watch = watch,
		.report = {
			.format = options->format,
			.out = stdout,
			.has_colour = wants_colour(),
		},
	};
	struct err err;
	int r;

	watch_options(&test);
	r = load_base(&test, &err);
	*lacks_base = test.lacks_base;
	for (size_t i = 0; i < options->paths.n && r == 0; i++)
		r = suite_files_add(&files, options->paths.items[i], watch,
				    &err);
	if (r == 0)
		test_all(&test, &files);
	coverage_release(&test.coverage);
	cluster_free(test.base);
	if (r == 0 && test.report.failed)
		r = err_set(&err, -ENOMEM, "out of memory");
	if (r == 0 && (fflush(stdout) != 0 || ferror(stdout)))
		r = err_set(&err, -EIO, "cannot write to standard output");
	if (r < 0) {
		log_error("%s", err.message);
		return EXIT_TROUBLE;
	}
	if (test.report.n_errors > 0)
		return EXIT_TROUBLE;
	return test.report.n_failed > 0 ? EXIT_NEGATIVE : EXIT_OK;
}

static int run_always(const struct options *options)
{
	CLEANUP(watch_closep) struct watch *watch = NULL;
	bool lacks_base = false;
	struct err err;
	int r = watch_open(&watch, &err);

	while (r == 0) {
		run_once(options, watch, &lacks_base);
		/* No file changes when a cluster answers again. */
		r = watch_wait(watch,
			       lacks_base && options->kubeconfig ? RETRY_MS
								 : -1,
			       &err);
		if (r == 0)
			putchar('\n');
	}
	log_error("%s", err.message);
	return EXIT_TROUBLE;
}

static void release_options(struct options *options)
{
	path_list_release(&options->paths);
	path_list_release(&options->manifests);
}

int command_test(int argc, char **argv)
{
	CLEANUP(release_options)
	struct options options = { .format = &suite_as_text };
	bool lacks_base;
	int r = read_options(argc, argv, &options);

	if (r != EXIT_OK)
		return r;
	if (options.help) {
		fputs(help, stdout);
		return EXIT_OK;
	}
	return options.watch ? run_always(&options)
			     : run_once(&options, NULL, &lacks_base);
}
