/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/command.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "netpold/cleanup.h"

#include "clock.h"
#include "command/receipt_list.h"
#include "command/status_client.h"
#include "command/status_page.h"
#include "command/told.h"
#include "command/usage.h"
#include "log.h"
#include "observe/request.h"
#include "observe/status_socket.h"
#include "pid_namespace.h"

static const char help[] =
	"Usage: netpold status [OPTION]...\n"
	"\n"
	"Say how the netpold on this node stands: what is in force and since when,\n"
	"what is refused and why, whose packets are judged and how they fared.\n"
	"\n"
	"  --status-socket PATH   where `netpold run` listens (default:\n"
	"                         $NETPOLD_STATUS_SOCKET, then\n"
	"                         " STATUS_SOCKET_PATH ")\n"
	"  --policies             list the policies in force, too, each with its\n"
	"                         generation and since when (see netpold wait)\n"
	"  --output FORMAT        text, or json for all numbers (default: text)\n"
	"  --ready                only whether it is ready, in one line, for a probe:\n"
	"                         whether something that was really read is in force,\n"
	"                         by the netpold of this container, where there are two\n"
	"  --live                 only whether it lives, likewise: not where something in\n"
	"                         it stands still for a minute and is this container's\n"
	"\n"
	"Exit status: 0 when all that the objects say is in force; 1 when something is\n"
	"refused, or open connections do not obey yet, or netpold is still starting, or\n"
	"enforcement is paused, or packets wait for a worker that stands still, or the\n"
	"API server is out of reach or has objects that are not enforced, or not in full;\n"
	"2 when no netpold answers within 5 seconds. With --ready or --live: 0 when it\n"
	"is, 1 when it is not.\n";

struct status_options {
	const char *path;
	bool policies;
	bool json;
	bool ready; /* that, and nothing else */
	bool live;  /* likewise */
};

/* What a daemon has told. */
struct told {
	json_t *status, *metrics;
	json_t *denied;	  /* NULL: it does not tell, being an older one */
	json_t *receipts; /* NULL: it was not asked */
};

static void told_release(struct told *told)
{
	json_decref(told->status);
	json_decref(told->metrics);
	json_decref(told->denied);
	json_decref(told->receipts);
}

static int ask(const struct status_options *options, struct told *told,
	       struct err *err)
{
	CLEANUP(status_client_close) struct status_client client;
	int r;

	r = status_client_open(options->path, &client, err);
	if (r < 0)
		return r;
	r = status_client_get(&client, "status", &told->status, err);
	if (r < 0)
		return r;
	r = status_client_get(&client, "metrics", &told->metrics, err);
	if (r == 0)
		status_client_get(&client, "denied", &told->denied, NULL);
	if (r == 0 && options->policies)
		r = status_client_get(&client, "receipts", &told->receipts,
				      err);
	return r;
}

static int print_json(const struct told *told, struct err *err)
{
	json_t *all =
		json_pack("{si sO sO sO* sO*}", "version", REQUEST_VERSION,
			  "status", told->status, "metrics", told->metrics,
			  "denied", told->denied, "receipts", told->receipts);
	int r = all && json_dumpf(all, stdout, JSON_INDENT(1)) == 0 ? 0 : -EIO;

	json_decref(all);
	putchar('\n');
	return r < 0 ? err_set(err, r, "cannot write to standard output") : 0;
}

static int print(const struct told *told, const struct status_page *page,
		 bool json, struct err *err)
{
	int r = 0;

	if (json)
		r = print_json(told, err);
	else
		status_page_write(stdout, page);
	if (!json && told->receipts)
		receipt_list_write(stdout, told->receipts, page->now_us);
	if (r < 0)
		return r;
	if (fflush(stdout) != 0 || ferror(stdout))
		return err_set(err, -EIO, "cannot write to standard output");
	return 0;
}

/* While one netpold takes over from another, the old one answers for both: the
   probe of the new one's container must not take the answer for its own. */
static bool is_of_another(const json_t *status)
{
	json_int_t number =
		json_integer_value(json_object_get(status, "pid_namespace"));

	return number && (uint64_t)number != pid_namespace_number();
}

static int ask_status(const struct status_options *options, json_t **out)
{
	CLEANUP(status_client_close) struct status_client client;
	struct err err;
	int r = status_client_open(options->path, &client, &err);

	if (r == 0)
		r = status_client_get(&client, "status", out, &err);
	if (r < 0)
		log_error("%s", err.message);
	return r;
}

static int tell_ready(const struct status_options *options)
{
	CLEANUP(told_release) struct told told = { .status = NULL };
	bool other, ready;

	if (ask_status(options, &told.status) < 0)
		return EXIT_TROUBLE;
	other = is_of_another(told.status);
	ready = json_object_get(told.status, "ready_since") && !other;
	if (other) {
		fputs("not ready: the netpold that answers is that of another "
		      "container",
		      stdout);
	} else if (ready) {
		fputs("ready since ", stdout);
		told_write_text(stdout, told_text(told.status, "ready_since"));
	} else {
		told_write_text(stdout, told_text(told.status, "unready"));
	}
	putchar('\n');
	return ready ? EXIT_OK : EXIT_NEGATIVE;
}

/* Who waits to take over, or was replaced and waits for its end, is not to be
   started again for what the other one does: that has a probe of its own. */
static int tell_live(const struct status_options *options)
{
	CLEANUP(told_release) struct told told = { .status = NULL };
	bool other, stuck;

	if (ask_status(options, &told.status) < 0)
		return EXIT_TROUBLE;
	other = is_of_another(told.status);
	stuck = json_object_get(told.status, "stuck") && !other;
	if (stuck)
		told_write_text(stdout, told_text(told.status, "stuck"));
	else
		fputs(other ? "alive: the netpold that answers is that of "
			      "another container"
			    : "alive",
		      stdout);
	putchar('\n');
	return stuck ? EXIT_NEGATIVE : EXIT_OK;
}

static int tell_status(const struct status_options *options)
{
	CLEANUP(told_release) struct told told = { .status = NULL };
	struct status_page page;
	struct err err;

	if (ask(options, &told, &err) < 0) {
		log_error("%s", err.message);
		return EXIT_TROUBLE;
	}
	page = (struct status_page){ .status = told.status,
				     .metrics = told.metrics,
				     .denied = told.denied,
				     .now_us = clock_wall_us() };
	if (print(&told, &page, options->json, &err) < 0) {
		log_error("%s", err.message);
		return EXIT_TROUBLE;
	}
	return status_page_is_good(&page) ? EXIT_OK : EXIT_NEGATIVE;
}

int command_status(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "live", no_argument, NULL, 'l' },
		{ "output", required_argument, NULL, 'o' },
		{ "policies", no_argument, NULL, 'p' },
		{ "ready", no_argument, NULL, 'r' },
		{ "status-socket", required_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 },
	};
	struct status_options status = { .path = status_client_default_path() };
	int id;

	opterr = 0;
	while ((id = getopt_long(argc, argv, ":", options, NULL)) >= 0) {
		switch (id) {
		case 'h':
			fputs(help, stdout);
			return EXIT_OK;
		case 'p':
			status.policies = true;
			break;
		case 's':
			status.path = optarg;
			break;
		case 'l':
			status.live = true;
			break;
		case 'r':
			status.ready = true;
			break;
		case 'o':
			status.json = strcmp(optarg, "json") == 0;
			if (status.json || strcmp(optarg, "text") == 0)
				break;
			return usage_error("status",
					   "--output: '%s' is neither text "
					   "nor json",
					   optarg);
		default:
			return usage_bad_option("status", argc, argv);
		}
	}
	if (optind < argc)
		return usage_error("status", "'%s' is not expected here",
				   argv[optind]);
	if (status.ready + status.live + status.policies > 1)
		return usage_error("status",
				   "--ready, --live and --policies exclude "
				   "each other");
	if (status.live)
		return tell_live(&status);
	return status.ready ? tell_ready(&status) : tell_status(&status);
}
