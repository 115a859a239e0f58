/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netpold explain: whether a flow may pass, and why.
 *
 * A flow in words becomes the question that the datapath would ask
 * (question.h), and snapshot_explain() answers it: the code that decides about
 * packets. With --live the netpold that runs does so, by what is in force.
 */
#include "command/command.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command/explain_flows.h"
#include "command/explain_live.h"
#include "command/status_client.h"
#include "explain_json.h"
#include "explain_text.h"
#include "command/usage.h"
#include "decision_record.h"
#include "log.h"
#include "netpold/arena.h"
#include "netpold/cleanup.h"
#include "netpold/snapshot.h"
#include "planned.h"
#include "progress.h"
#include "question.h"
#include "source/objects.h"

/* clang-format off */
static const char help[] =
"Usage: netpold explain SOURCE --from END --to END --port PORT\n"
"       netpold explain SOURCE --flows FILE\n"
"\n"
"Say whether a flow may pass, and which policies and rules are behind it. SOURCE:\n"
"  --manifests PATH   pods, namespaces, nodes and policies: a file, a folder, or\n"
"                     - for standard input; may be repeated\n"
"  --kubeconfig FILE  those of the cluster that FILE names, alone or besides\n"
"  --live             ask the netpold that runs here, of ends that are its pods\n"
"  --status-socket PATH  where that listens (default: as `netpold status`)\n"
"  --from, --to END   NAMESPACE/POD or an IP address (a Service is none)\n"
"  --port PORT        80 (TCP), 80/UDP, http or http/UDP as the receiver has it,\n"
"                     ICMP, ICMPv6, or /47 for a protocol by its number\n"
"  --family 4|6       IPv4 or IPv6 (default: what both ends have, IPv4 first)\n"
"  --all              tell of all policies and rules, not of the first few\n"
"  --staged           enforce staged policies (netpold.io/mode: audit), too\n"
"  --expect VERDICT   allow or deny: exit status 1 where it is otherwise\n"
"  --flows FILE       answer many flows, one a line, as JSON; - is standard input\n"
"  --output FORMAT    text, or json: decision records (default with --flows)\n"
"\n"
"  netpold explain --kubeconfig k --from shop/web --to shop/db --port 5432\n"
"  echo '{\"from\":\"shop/web\",\"to\":\"shop/db\",\"port\":5432}' |\n"
"    netpold explain --manifests dump.yaml --flows - --expect allow\n"
"\n"
"Exit status: 0 answered; 1 not as expected; 2 wrong usage, or trouble.\n";
/* clang-format on */

enum format { FORMAT_DEFAULT = 0, FORMAT_TEXT, FORMAT_JSON };

struct options {
	struct path_list manifests;
	const char *kubeconfig; /* NULL: no cluster is asked */
	const char *flows;
	const char *port;
	struct flow_words words;
	enum format format;
	bool has_expected;
	enum verdict expected;
	bool all;
	bool staged;
	bool live;
	const char *socket; /* NULL: the usual one */
	bool help;
};

/* What is known once the objects are read. */
struct explain {
	const struct options *options;
	struct cluster *cluster;
	struct snapshot *snapshot;
	struct progress progress;
};

/* ---- command line ------------------------------------------------------- */

enum option_id {
	OPTION_ALL = 1,
	OPTION_EXPECT,
	OPTION_FAMILY,
	OPTION_FLOWS,
	OPTION_FROM,
	OPTION_HELP,
	OPTION_KUBECONFIG,
	OPTION_LIVE,
	OPTION_MANIFESTS,
	OPTION_OUTPUT,
	OPTION_PORT,
	OPTION_STAGED,
	OPTION_STATUS_SOCKET,
	OPTION_TO,
};

static const struct option long_options[] = {
	{ "all", no_argument, NULL, OPTION_ALL },
	{ "expect", required_argument, NULL, OPTION_EXPECT },
	{ "family", required_argument, NULL, OPTION_FAMILY },
	{ "flows", required_argument, NULL, OPTION_FLOWS },
	{ "from", required_argument, NULL, OPTION_FROM },
	{ "help", no_argument, NULL, OPTION_HELP },
	{ "kubeconfig", required_argument, NULL, OPTION_KUBECONFIG },
	{ "live", no_argument, NULL, OPTION_LIVE },
	{ "manifests", required_argument, NULL, OPTION_MANIFESTS },
	{ "output", required_argument, NULL, OPTION_OUTPUT },
	{ "port", required_argument, NULL, OPTION_PORT },
	{ "staged", no_argument, NULL, OPTION_STAGED },
	{ "status-socket", required_argument, NULL, OPTION_STATUS_SOCKET },
	{ "to", required_argument, NULL, OPTION_TO },
	{ NULL, 0, NULL, 0 },
};

/* Each returns 0, or a negative errno with a message. */

static int read_format(const char *text, enum format *out, struct err *err)
{
	if (strcmp(text, "text") == 0)
		*out = FORMAT_TEXT;
	else if (strcmp(text, "json") == 0)
		*out = FORMAT_JSON;
	else
		return err_set(err, -EINVAL,
			       "--output: '%s' is neither text nor json", text);
	return 0;
}

static int read_expected(const char *text, struct options *out, struct err *err)
{
	if (strcmp(text, "allow") == 0)
		out->expected = VERDICT_ALLOW;
	else if (strcmp(text, "deny") == 0)
		out->expected = VERDICT_DENY;
	else
		return err_set(err, -EINVAL,
			       "--expect: '%s' is neither allow nor deny",
			       text);
	out->has_expected = true;
	return 0;
}

static int read_family(const char *text, enum ip_family *out, struct err *err)
{
	if (strcmp(text, "4") == 0)
		*out = IP_V4;
	else if (strcmp(text, "6") == 0)
		*out = IP_V6;
	else
		return err_set(err, -EINVAL,
			       "--family: '%s' is neither 4 nor 6", text);
	return 0;
}

static int read_option(int id, const char *value, struct options *out,
		       struct err *err)
{
	switch (id) {
	case OPTION_ALL:
		out->all = true;
		return 0;
	case OPTION_EXPECT:
		return read_expected(value, out, err);
	case OPTION_FAMILY:
		return read_family(value, &out->words.family, err);
	case OPTION_FLOWS:
		out->flows = value;
		return 0;
	case OPTION_FROM:
		out->words.from = value;
		return 0;
	case OPTION_KUBECONFIG:
		out->kubeconfig = value;
		return 0;
	case OPTION_LIVE:
		out->live = true;
		return 0;
	case OPTION_MANIFESTS:
		return path_list_add(&out->manifests, value) < 0
			       ? err_set(err, -ENOMEM, "out of memory")
			       : 0;
	case OPTION_OUTPUT:
		return read_format(value, &out->format, err);
	case OPTION_PORT:
		out->port = value;
		return 0;
	case OPTION_STAGED:
		out->staged = true;
		return 0;
	case OPTION_STATUS_SOCKET:
		out->socket = value;
		return 0;
	case OPTION_TO:
		out->words.to = value;
		return 0;
	}
	return err_set(err, -EINVAL, "unknown option");
}

/* The running netpold has objects of its own. */
static int check_live(const struct options *options, struct err *err)
{
	if (!options->live)
		return options->socket ? err_set(err, -EINVAL,
						 "--status-socket needs --live")
				       : 0;
	if (options->manifests.n > 0)
		return err_set(err, -EINVAL,
			       "--manifests and --live exclude each other");
	if (options->kubeconfig)
		return err_set(err, -EINVAL,
			       "--kubeconfig and --live exclude each other");
	if (options->flows)
		return err_set(err, -EINVAL,
			       "--flows and --live exclude each other");
	return 0;
}

static int check_inputs(const struct options *options, struct err *err)
{
	unsigned int n_stdin =
		options->flows && strcmp(options->flows, "-") == 0;

	if (options->live)
		return 0;
	if (options->manifests.n == 0 && !options->kubeconfig)
		return err_set(err, -EINVAL,
			       "--manifests, --kubeconfig or --live is "
			       "missing");
	for (size_t i = 0; i < options->manifests.n; i++)
		n_stdin += strcmp(options->manifests.items[i], "-") == 0;
	if (n_stdin > 1)
		return err_set(err, -EINVAL,
			       "standard input (-) can be read only once");
	return 0;
}

/* One flow, or a file of flows. */
static int check_question(const struct options *options, struct err *err)
{
	const struct {
		const char *name;
		bool is_there;
	} parts[] = {
		{ "--from", options->words.from != NULL },
		{ "--to", options->words.to != NULL },
		{ "--port", options->port != NULL },
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (options->flows && parts[i].is_there)
			return err_set(err, -EINVAL,
				       "%s and --flows exclude each other",
				       parts[i].name);
		if (!options->flows && !parts[i].is_there)
			return err_set(err, -EINVAL, "%s is missing",
				       parts[i].name);
	}
	if (options->flows && options->words.family != IP_NONE)
		return err_set(err, -EINVAL,
			       "--family and --flows exclude each other: a "
			       "flow has a field family");
	if (options->flows && options->all)
		return err_set(err, -EINVAL,
			       "--all and --flows exclude each other");
	return 0;
}

static int read_options(int argc, char **argv, struct options *out,
			struct err *err)
{
	int id;

	opterr = 0;
	while ((id = getopt_long(argc, argv, ":", long_options, NULL)) >= 0) {
		if (id == '?' || id == ':')
			return err_set(err, -ENOENT, "unknown option");
		if (id == OPTION_HELP) {
			out->help = true;
			return 0;
		}
		if (read_option(id, optarg, out, err) < 0)
			return -EINVAL;
	}
	if (optind < argc)
		return err_set(err, -EINVAL, "'%s' is not expected here",
			       argv[optind]);
	if (check_live(out, err) < 0 || check_inputs(out, err) < 0)
		return -EINVAL;
	return check_question(out, err);
}

/* ---- one flow ----------------------------------------------------------- */

static int write_json(const struct explain_json *json)
{
	CLEANUP(json_text_release) struct json_text text = { 0 };

	return explain_json_write(stdout, json, &text);
}

static int write_answer(const struct explain *explain,
			const struct asker *asker,
			const struct question *question,
			const struct decision_record *record,
			const struct explanation *planned)
{
	const struct options *options = explain->options;
	const struct explain_json json = {
		.asker = asker,
		.question = question,
		.record = record,
		.planned = planned,
		.has_expected = options->has_expected,
		.expected = options->expected,
	};
	const struct explain_text text = {
		.asker = asker,
		.question = question,
		.record = record,
		.planned = planned,
		.all = options->all,
	};

	if (options->format == FORMAT_JSON)
		return write_json(&json);
	return explain_text_write(stdout, &text);
}

/* Returns EXIT_OK or EXIT_NEGATIVE. */
static int compare(const struct options *options, enum verdict verdict)
{
	if (!options->has_expected || verdict == options->expected)
		return EXIT_OK;
	if (options->format != FORMAT_JSON)
		printf("\nnot as expected: %s was expected, and the answer is "
		       "%s\n",
		       verdict_name(options->expected), verdict_name(verdict));
	return EXIT_NEGATIVE;
}

static const char *where_it_is(const struct options *options)
{
	if (!options->kubeconfig)
		return "in the manifests";
	return options->manifests.n > 0 ? "in the manifests or the cluster"
					: "in the cluster";
}

/* Each returns an exit status, or a negative errno with a message. */

static int explain_one(const struct explain *explain, struct arena *arena,
		       struct err *err)
{
	const struct asker asker = {
		.cluster = explain->cluster,
		.snapshot = explain->snapshot,
		.where = where_it_is(explain->options),
		.suggests = true,
	};
	struct flow_words words = explain->options->words;
	struct explanation explanation, room;
	const struct explanation *planned;
	struct decision_record record = { .explanation = &explanation };
	struct question question;
	int r;

	r = flow_words_read_port(explain->options->port, arena, &words, err);
	if (r == 0)
		r = question_resolve(&asker, &words, arena, &question, err);
	if (r < 0)
		return r;
	record.key = question.key;
	if (snapshot_explain(explain->snapshot, &record.key, arena,
			     &explanation) < 0 ||
	    planned_explain(explain->snapshot, &record.key,
			    &explanation.decision, arena, &room,
			    &planned) < 0 ||
	    write_answer(explain, &asker, &question, &record, planned) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	return compare(explain->options, explanation.decision.verdict);
}

/* ---- many flows --------------------------------------------------------- */

static int explain_many(struct explain *explain, struct err *err)
{
	const struct options *options = explain->options;
	const struct asker asker = {
		.cluster = explain->cluster,
		.snapshot = explain->snapshot,
		.where = where_it_is(explain->options),
	};
	const struct explain_flows flows = {
		.asker = &asker,
		.path = options->flows,
		.as_text = options->format == FORMAT_TEXT,
		.has_expected = options->has_expected,
		.expected = options->expected,
		.progress = &explain->progress,
	};
	struct explain_flows_counts counts;
	int r;

	/* Two of them would write over each other. */
	if (isatty(STDOUT_FILENO))
		progress_end(&explain->progress);
	r = explain_flows_run(&flows, &counts, err);
	progress_end(&explain->progress);
	if (r < 0)
		return r;
	if (counts.otherwise > 0)
		log_error("%s was expected; %zu of %zu %s %s",
			  verdict_name(options->expected), counts.otherwise,
			  counts.answered,
			  counts.answered == 1 ? "flow is" : "flows are",
			  options->expected == VERDICT_ALLOW ? "denied"
							     : "allowed");
	if (counts.failed > 0)
		return EXIT_TROUBLE;
	return counts.otherwise > 0 ? EXIT_NEGATIVE : EXIT_OK;
}

/* ---- the command -------------------------------------------------------- */

static int load(struct explain *explain, struct err *err)
{
	const struct objects_from from = {
		.progress = &explain->progress,
		.paths = explain->options->manifests.items,
		.n_paths = explain->options->manifests.n,
		.kubeconfig = explain->options->kubeconfig,
	};
	const struct snapshot_options everywhere = {
		.node_name = NULL,
		.enforce_staged = explain->options->staged,
	};
	int r;

	progress_begin(&explain->progress);
	r = objects_load(&from, NULL, &explain->cluster, NULL, err);
	if (r < 0)
		return r;
	return snapshot_compile(explain->cluster, &everywhere,
				&explain->snapshot, err);
}

static void explain_release(struct explain *explain)
{
	progress_end(&explain->progress);
	snapshot_free(explain->snapshot);
	cluster_free(explain->cluster);
}

static int run_offline(const struct options *options, struct err *err)
{
	CLEANUP(explain_release)
	struct explain explain = { .options = options };
	CLEANUP(arena_release) struct arena arena = { 0 };
	int r = load(&explain, err);

	if (r < 0)
		return r;
	if (options->flows) {
		r = explain_many(&explain, err);
	} else {
		progress_end(&explain.progress);
		r = explain_one(&explain, &arena, err);
	}
	return r;
}

/* ---- the netpold that runs ---------------------------------------------- */

/* What can be seen to be wrong without it is not asked. */
static int run_live(const struct options *options, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct flow_words words = options->words;
	const struct explain_live live = {
		.socket = options->socket ? options->socket
					  : status_client_default_path(),
		.from = words.from,
		.to = words.to,
		.port = options->port,
		.family = words.family == IP_NONE ? 0
			  : words.family == IP_V4 ? 4
						  : 6,
		.all = options->all,
		.staged = options->staged,
		.json = options->format == FORMAT_JSON,
		.has_expected = options->has_expected,
		.expected = options->expected,
	};
	int r = flow_words_read_port(options->port, &arena, &words, err);

	if (r == 0)
		r = explain_live_run(&live, err);
	return r < 0 ? r : compare(options, (enum verdict)r);
}

static int run(const struct options *options, struct err *err)
{
	int r = options->live ? run_live(options, err)
			      : run_offline(options, err);

	if (r >= 0 && (fflush(stdout) != 0 || ferror(stdout)))
		return err_set(err, -EIO, "cannot write to standard output");
	return r;
}

static void release_options(struct options *options)
{
	path_list_release(&options->manifests);
}

int command_explain(int argc, char **argv)
{
	CLEANUP(release_options) struct options options = { .help = false };
	struct err err;
	int r = read_options(argc, argv, &options, &err);

	if (r == -ENOENT)
		return usage_bad_option("explain", argc, argv);
	if (r < 0)
		return usage_error("explain", "%s", err.message);
	if (options.help) {
		fputs(help, stdout);
		return EXIT_OK;
	}
	r = run(&options, &err);
	if (r < 0) {
		log_error("%s", err.message);
		return EXIT_TROUBLE;
	}
	return r;
}
