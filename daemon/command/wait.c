/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netpold wait: whether a policy has taken effect on this node (L36).
 *
 * The daemon keeps its answer back while it is not the one that is waited for
 * (observe/receipt_request.h), so that this returns when it is, and nobody asks
 * every few milliseconds. It is asked again after a few seconds, and when it
 * hangs up: then it hands over to another one, which is asked in its place, or
 * is started again.
 */
#include "command/command.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "netpold/cleanup.h"

#include "clock.h"
#include "command/duration.h"
#include "command/status_client.h"
#include "command/usage.h"
#include "command/wait_report.h"
#include "log.h"
#include "observe/receipt_request.h"
#include "observe/receipt_uid.h"
#include "observe/status_socket.h"
#include "plain_text.h"

static const char help[] =
	"Usage: netpold wait --policy NAMESPACE/NAME [OPTION]...\n"
	"\n"
	"Wait until a NetworkPolicy is in force on this node: every packet and every\n"
	"open connection obeys it, which none does while it is staged.\n"
	"\n"
	"  --policy NAMESPACE/NAME  of the NetworkPolicy\n"
	"  --generation N           its metadata.generation, or a later one (default:\n"
	"                           any: then a change of it is not waited for)\n"
	"  --uid UID                its metadata.uid: no other policy of that name counts\n"
	"  --staged                 wait until it is staged (netpold.io/mode: audit):\n"
	"                           packets are judged by it, and none denied for it\n"
	"  --deleted                wait until it is in force no more\n"
	"  --timeout TIME           how long: 90s, 10m; 0s looks once (default: 30s)\n"
	"  --status-socket PATH     where `netpold run` listens (default:\n"
	"                           $NETPOLD_STATUS_SOCKET or " STATUS_SOCKET_PATH
	")\n"
	"  --output FORMAT          text or json (default: text)\n"
	"\n"
	"  kubectl apply -f allow-web.yaml\n"
	"  netpold wait --policy shop/allow-web --generation \"$(kubectl -n shop get \\\n"
	"    netpol allow-web -o jsonpath='{.metadata.generation}')\"\n"
	"\n"
	"Exit status: 0 when it is so; 1 when the time is over, with what is in the way,\n"
	"or when netpold goes by the policy and only audits, which enforces nothing; 2\n"
	"for wrong usage, or when no netpold answers.\n";

#define DEFAULT_TIMEOUT_S 30
#define MAX_TIMEOUT_S 86400

/* How often at most to ask: of a daemon that has nobody else to wait for it
   answers once in two seconds. */
#define ASK_AGAIN_MS 50

struct wait_options {
	const char *path;
	char *namespace, *name;
	const char *uid;     /* NULL: any */
	uint64_t generation; /* 0: any */
	bool staged, deleted;
	int64_t timeout_s;
	bool json, help;
};

static void release_options(struct wait_options *options)
{
	free(options->namespace);
	free(options->name);
}

/* ---- asking -------------------------------------------------------------- */

static json_t *question(const struct wait_options *options, int64_t left_ms)
{
	json_int_t keep_ms =
		left_ms < RECEIPT_KEEP_MAX_MS ? left_ms : RECEIPT_KEEP_MAX_MS;

	return json_pack(
		"{s{ss ss ss* sI sb sb sI}}", "receipt", "namespace",
		options->namespace, "name", options->name, "uid", options->uid,
		"generation", (json_int_t)options->generation, "staged",
		options->staged, "gone", options->deleted, "keep_ms", keep_ms);
}

static bool is_met(const struct wait_report *report)
{
	return json_is_true(json_object_get(report->receipt, "met"));
}

/* What else there is to be told, once it is clear what the answer is. */
static int ask_once(const struct wait_options *options, int64_t left_ms,
		    struct wait_report *out, struct err *err)
{
	CLEANUP(status_client_close) struct status_client client;
	CLEANUP(json_decrefp) json_t *asked = question(options, left_ms);
	int r = status_client_open(options->path, &client, err);

	if (r == 0)
		r = status_client_ask(&client, asked, "receipt", &out->receipt,
				      err);
	if (r == 0 && (is_met(out) || left_ms == 0))
		r = status_client_get(&client, "status", &out->status, err);
	return r;
}

/* Whether there may be another netpold to ask, in a moment. */
static bool may_come_back(int r, bool *was_there)
{
	if (r == 0 || r == -EPIPE || r == -ECONNRESET)
		*was_there = true;
	return *was_there && (r == 0 || r == -EPIPE || r == -ECONNRESET ||
			      r == -ENOENT || r == -ECONNREFUSED);
}

static void wait_until(int64_t time_us)
{
	int64_t left_us = time_us - clock_us();

	if (left_us > 0)
		poll(NULL, 0, (int)(left_us / 1000) + 1);
}

/* Returns 0 with the last answer there was time for. */
static int wait_for_it(const struct wait_options *options,
		       struct wait_report *out, struct err *err)
{
	int64_t end_us = clock_us() + options->timeout_s * INT64_C(1000000);
	bool was_there = false;

	for (;;) {
		int64_t now_us = clock_us();
		int64_t left_us = end_us > now_us ? end_us - now_us : 0;
		int r = ask_once(options, left_us / 1000, out, err);

		if (out->status)
			return 0;
		if (!may_come_back(r, &was_there) || left_us == 0)
			return r;
		wait_report_release(out);
		wait_until(now_us + ASK_AGAIN_MS * 1000);
	}
}

static int tell(const struct wait_options *options)
{
	CLEANUP(wait_report_release)
	struct wait_report report = { .generation = options->generation,
				      .staged = options->staged,
				      .deleted = options->deleted,
				      .uid = options->uid,
				      .timeout_s = options->timeout_s };
	struct err err;
	int r = wait_for_it(options, &report, &err);

	report.now_us = clock_wall_us();
	if (r == 0)
		r = options->json ? wait_report_write_json(stdout, &report)
				  : wait_report_write_text(stdout, &report);
	if (r == -ENOMEM)
		err_set(&err, r, "out of memory");
	if (r == 0 && (fflush(stdout) != 0 || ferror(stdout)))
		r = err_set(&err, -EIO, "cannot write to standard output");
	if (r == 0)
		return is_met(&report) && (options->staged ||
					   !wait_report_is_audit(&report))
			       ? EXIT_OK
			       : EXIT_NEGATIVE;
	log_error("%s", err.message);
	return EXIT_TROUBLE;
}

/* ---- the command --------------------------------------------------------- */

static int read_policy(const char *text, struct wait_options *out,
		       struct err *err)
{
	const char *slash = strchr(text, '/');
	char plain[PLAIN_TEXT_LEN];

	if (!slash || slash == text || !slash[1] || strchr(slash + 1, '/') ||
	    !plain_text_is(text))
		return err_set(err, -EINVAL,
			       "--policy: '%s' is not NAMESPACE/NAME",
			       plain_text(text, plain));
	release_options(out);
	out->namespace = strndup(text, (size_t)(slash - text));
	out->name = strdup(slash + 1);
	return out->namespace && out->name
		       ? 0
		       : err_set(err, -ENOMEM, "out of memory");
}

static int read_uid(const char *text, const char **out, struct err *err)
{
	char plain[PLAIN_TEXT_LEN];

	if (!*text || strlen(text) >= RECEIPT_UID_SIZE || !plain_text_is(text))
		return err_set(err, -EINVAL, "--uid: '%s' is no UID",
			       plain_text(text, plain));
	*out = text;
	return 0;
}

static int read_format(const char *text, bool *json, struct err *err)
{
	*json = strcmp(text, "json") == 0;
	if (*json || strcmp(text, "text") == 0)
		return 0;
	return err_set(err, -EINVAL, "--output: '%s' is neither text nor json",
		       text);
}

static int read_option(int id, const char *value, struct wait_options *out,
		       struct err *err)
{
	switch (id) {
	case 'd':
		out->deleted = true;
		return 0;
	case 'g':
		return parse_number("--generation", value, 1, INT64_MAX,
				    &out->generation, err);
	case 'o':
		return read_format(value, &out->json, err);
	case 'p':
		return read_policy(value, out, err);
	case 's':
		out->path = value;
		return 0;
	case 'S':
		out->staged = true;
		return 0;
	case 't':
		return duration_parse("--timeout", value, 0, MAX_TIMEOUT_S,
				      &out->timeout_s, err);
	case 'u':
		return read_uid(value, &out->uid, err);
	}
	return err_set(err, -EINVAL, "unknown option");
}

static int check(const struct wait_options *options, int argc, char **argv)
{
	if (optind < argc)
		return usage_error("wait", "'%s' is not expected here",
				   argv[optind]);
	if (!options->name)
		return usage_error("wait", "--policy is missing");
	if (options->deleted && options->generation)
		return usage_error("wait",
				   "--generation and --deleted exclude each "
				   "other");
	if (options->deleted && options->staged)
		return usage_error("wait",
				   "--staged and --deleted exclude each other");
	return EXIT_OK;
}

static int parse(int argc, char **argv, struct wait_options *out)
{
	static const struct option options[] = {
		{ "deleted", no_argument, NULL, 'd' },
		{ "generation", required_argument, NULL, 'g' },
		{ "help", no_argument, NULL, 'h' },
		{ "output", required_argument, NULL, 'o' },
		{ "policy", required_argument, NULL, 'p' },
		{ "staged", no_argument, NULL, 'S' },
		{ "status-socket", required_argument, NULL, 's' },
		{ "timeout", required_argument, NULL, 't' },
		{ "uid", required_argument, NULL, 'u' },
		{ NULL, 0, NULL, 0 },
	};
	struct err err;
	int id;

	opterr = 0;
	while ((id = getopt_long(argc, argv, ":", options, NULL)) >= 0) {
		if (id == '?' || id == ':')
			return usage_bad_option("wait", argc, argv);
		if (id == 'h') {
			out->help = true;
			return EXIT_OK;
		}
		if (read_option(id, optarg, out, &err) < 0)
			return usage_error("wait", "%s", err.message);
	}
	return check(out, argc, argv);
}

int command_wait(int argc, char **argv)
{
	CLEANUP(release_options)
	struct wait_options options = { .path = status_client_default_path(),
					.timeout_s = DEFAULT_TIMEOUT_S };
	int status = parse(argc, argv, &options);

	if (status != EXIT_OK)
		return status;
	if (options.help) {
		fputs(help, stdout);
		return EXIT_OK;
	}
	return tell(&options);
}
