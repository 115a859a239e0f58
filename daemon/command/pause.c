/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/command.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

#include "netpold/cleanup.h"

#include "clock.h"
#include "command/duration.h"
#include "command/status_client.h"
#include "command/told.h"
#include "command/usage.h"
#include "log.h"
#include "observe/status_socket.h"
#include "pause.h"

#define ASKED_AT_MOST 5 /* hand-overs do not follow each other that fast */

static const char help[] =
	"Usage: netpold pause [--for TIME [--reason TEXT] | --end] [OPTION]...\n"
	"\n"
	"The emergency switch: let everything pass on this node for a while. Nothing\n"
	"is diverted, judged or dropped meanwhile; enforcement comes back by itself,\n"
	"with what has changed, and cuts what is not allowed. A pause goes on when\n"
	"netpold is restarted, and ends when the node is. Without --for or --end: say\n"
	"whether there is one.\n"
	"\n"
	"  --for TIME             how long, from now on: 90s, 10m, 1h; 24h at most\n"
	"  --reason TEXT          for the log and the status\n"
	"  --end                  end it now\n"
	"  --status-socket PATH   where `netpold run` listens (default:\n"
	"                         $NETPOLD_STATUS_SOCKET, then\n"
	"                         " STATUS_SOCKET_PATH ")\n"
	"\n"
	"Exit status: 0 when it is done; 2 when it could not be, or no netpold answers.\n"
	"`netpold status` has exit status 1 during a pause.\n";

/* How often to ask whether it is done. */
#define ASK_AGAIN_MS 10

struct wish {
	const char *path;
	int64_t for_s;	    /* 0: not given */
	const char *reason; /* NULL: none */
	bool end, help;
};

/* ---- asking -------------------------------------------------------------- */

static json_t *begin_or_end(const struct wish *wish)
{
	if (wish->end)
		return json_pack("{s{sb}}", "pause", "end", 1);
	return json_pack("{s{sI ss}}", "pause", "for", (json_int_t)wish->for_s,
			 "reason", wish->reason ? wish->reason : "");
}

/* The number that a wish has got. */
static int hand_in(struct status_client *client, const struct wish *wish,
		   json_t **out, struct err *err)
{
	CLEANUP(json_decrefp) json_t *question = begin_or_end(wish);

	if (!question)
		return err_set(err, -EINVAL, "--reason: it is no UTF-8");
	return status_client_ask(client, question, "pause", out, err);
}

/* Until it is done, or the client's patience is at its end. */
static int ask_once(const struct wish *wish, json_t **out, struct err *err)
{
	CLEANUP(status_client_close) struct status_client client;
	CLEANUP(json_decrefp) json_t *number = NULL, *question = NULL;
	int r;

	r = status_client_open(wish->path, &client, err);
	if (r == 0)
		r = hand_in(&client, wish, &number, err);
	if (r < 0)
		return r;
	question = json_pack("{sO}", "pause", number);
	for (;;) {
		r = status_client_ask(&client, question, "pause", out, err);
		if (r < 0)
			break;
		if (json_object_get(*out, "said"))
			return 0;
		json_decref(*out);
		*out = NULL;
		poll(NULL, 0, ASK_AGAIN_MS);
	}
	if (r == -ETIMEDOUT)
		err_set(err, r,
			"the netpold at '%s' is busy, and has not done it "
			"within %d s: it will; `netpold pause` tells whether "
			"it has",
			wish->path, STATUS_CLIENT_PATIENCE_S);
	return r;
}

/* A netpold that hangs up hands over, and the next one is asked; or it ends,
   and then there is none. To ask twice for a pause makes one. */
static int ask(const struct wish *wish, json_t **out, struct err *err)
{
	int r = -EPIPE;

	for (int i = 0; i < ASKED_AT_MOST && (r == -EPIPE || r == -ECONNRESET);
	     i++)
		r = ask_once(wish, out, err);
	return r;
}

static int order(const struct wish *wish, struct err *err)
{
	CLEANUP(json_decrefp) json_t *answer = NULL;
	int r = ask(wish, &answer, err);

	if (r < 0)
		return r;
	told_write_text(stdout, told_text(answer, "said"));
	putchar('\n');
	return 0;
}

/* ---- looking ------------------------------------------------------------- */

static void write_pause(const json_t *pause)
{
	fputs("enforcement is PAUSED until ", stdout);
	told_write_text(stdout, told_text(pause, "until"));
	fputs(", for ", stdout);
	told_write_duration(stdout,
			    told_time_us(pause, "until") - clock_wall_us());
	if (json_object_get(pause, "reason")) {
		fputs("; reason: ", stdout);
		told_write_text(stdout, told_text(pause, "reason"));
	}
	putchar('\n');
}

static int look(const struct wish *wish, struct err *err)
{
	CLEANUP(status_client_close) struct status_client client;
	CLEANUP(json_decrefp) json_t *status = NULL;
	const json_t *pause;
	int r;

	r = status_client_open(wish->path, &client, err);
	if (r == 0)
		r = status_client_get(&client, "status", &status, err);
	if (r < 0)
		return r;
	pause = json_object_get(status, "paused");
	if (pause)
		write_pause(pause);
	else
		puts("there is no pause; `netpold pause --for 10m` begins one");
	return 0;
}

/* ---- the command --------------------------------------------------------- */

static int check(const struct wish *wish, int argc, char **argv)
{
	struct err err;

	if (optind < argc)
		return usage_error("pause", "'%s' is not expected here",
				   argv[optind]);
	if (wish->end && wish->for_s)
		return usage_error("pause", "--for begins a pause, and --end "
					    "ends it: choose one");
	if (wish->reason && !wish->for_s)
		return usage_error("pause", "--reason needs --for");
	if (wish->reason && pause_check_reason(wish->reason, &err) < 0)
		return usage_error("pause", "--reason: %s", err.message);
	return EXIT_OK;
}

static int parse(int argc, char **argv, struct wish *wish)
{
	static const struct option options[] = {
		{ "end", no_argument, NULL, 'e' },
		{ "for", required_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ "reason", required_argument, NULL, 'r' },
		{ "status-socket", required_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 },
	};
	struct err err;
	int id;

	opterr = 0;
	while ((id = getopt_long(argc, argv, ":", options, NULL)) >= 0) {
		switch (id) {
		case 'h':
			wish->help = true;
			return EXIT_OK;
		case 'e':
			wish->end = true;
			break;
		case 'r':
			wish->reason = optarg;
			break;
		case 's':
			wish->path = optarg;
			break;
		case 'f':
			if (duration_parse("--for", optarg, PAUSE_MIN_S,
					   PAUSE_MAX_S, &wish->for_s,
					   &err) == 0)
				break;
			return usage_error("pause", "%s", err.message);
		default:
			return usage_bad_option("pause", argc, argv);
		}
	}
	return check(wish, argc, argv);
}

static int finish(int r, struct err *err)
{
	if (r == 0 && (fflush(stdout) != 0 || ferror(stdout)))
		r = err_set(err, -EIO, "cannot write to standard output");
	if (r == 0)
		return EXIT_OK;
	log_error("%s", err->message);
	return EXIT_TROUBLE;
}

int command_pause(int argc, char **argv)
{
	struct wish wish = { .path = status_client_default_path() };
	struct err err;
	int status = parse(argc, argv, &wish);

	if (status != EXIT_OK)
		return status;
	if (wish.help) {
		fputs(help, stdout);
		return EXIT_OK;
	}
	return finish(wish.for_s || wish.end ? order(&wish, &err)
					     : look(&wish, &err),
		      &err);
}
