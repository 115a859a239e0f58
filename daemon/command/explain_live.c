/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/explain_live.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "netpold/cleanup.h"

#include "clock.h"
#include "command/hindrances.h"
#include "command/status_client.h"
#include "command/told.h"
#include "observe/question_desk.h"

/* How long to let somebody else have his answer. */
#define ASK_AGAIN_MS 20

#define ASKED_AT_MOST 5 /* hand-overs do not follow each other that fast */

/* What the daemon says. */
struct told {
	json_t *answer; /* its text, record and policies */
	json_t *status;
};

static void told_release(struct told *told)
{
	json_decref(told->answer);
	json_decref(told->status);
	*told = (struct told){ NULL, NULL };
}

/* ---- asking -------------------------------------------------------------- */

static json_t *question_of(const struct explain_live *live, struct err *err)
{
	json_t *wish = json_pack("{ss ss ss}", "from", live->from, "to",
				 live->to, "port", live->port);

	if (!wish) {
		err_set(err, -EINVAL,
			"--from, --to and --port take text in UTF-8");
		return NULL;
	}
	if (live->all)
		json_object_set_new(wish, "all", json_true());
	if (live->staged)
		json_object_set_new(wish, "staged", json_true());
	if (live->family)
		json_object_set_new(wish, "family", json_integer(live->family));
	return json_pack("{so}", "explain", wish);
}

/* Ask until what comes has a member @key. */
static int ask_for(struct status_client *client, const json_t *question,
		   const char *key, json_t **out, struct err *err)
{
	for (;;) {
		CLEANUP(json_decrefp) json_t *said = NULL;
		int r = status_client_ask(client, question, "explain", &said,
					  err);

		if (r < 0)
			return r;
		*out = json_incref(json_object_get(said, key));
		if (*out)
			return 0;
		if (json_object_get(said, "busy"))
			poll(NULL, 0, ASK_AGAIN_MS);
	}
}

static int ask_once(const struct explain_live *live, const json_t *question,
		    struct told *out, struct err *err)
{
	CLEANUP(status_client_close) struct status_client client;
	CLEANUP(json_decrefp) json_t *number = NULL, *again = NULL;
	int r = status_client_open(live->socket, &client, err);

	if (r == 0)
		r = ask_for(&client, question, "number", &number, err);
	if (r < 0)
		return r;
	again = json_pack("{s{sO si}}", "explain", "number", number, "keep_ms",
			  QUESTION_KEEP_MAX_MS);
	r = ask_for(&client, again, "answer", &out->answer, err);
	if (r == 0)
		r = status_client_get(&client, "status", &out->status, err);
	return r;
}

/* A netpold that hangs up hands over, and the next one is asked. */
static int ask(const struct explain_live *live, struct told *out,
	       struct err *err)
{
	CLEANUP(json_decrefp) json_t *question = question_of(live, err);
	int r = question ? -EPIPE : err->code;

	for (int i = 0; i < ASKED_AT_MOST && (r == -EPIPE || r == -ECONNRESET);
	     i++) {
		told_release(out);
		r = ask_once(live, question, out, err);
	}
	return r;
}

/* ---- telling ------------------------------------------------------------- */

/* "in force on node-a since … (2 min 5 s):" */
static void write_in_force(const struct told *told, int64_t now_us)
{
	int64_t since_us = told_time_us(told->status, "in_force_since");

	fputs(hindrances_audit(told->status) ? "\naudited on "
					     : "\nin force on ",
	      stdout);
	told_write_text(stdout, told_text(told->status, "node"));
	if (since_us) {
		fputs(" since ", stdout);
		told_write_text(stdout,
				told_text(told->status, "in_force_since"));
		fputs(" (", stdout);
		told_write_duration(stdout, now_us - since_us);
		fputc(')', stdout);
	}
	if (json_object_get(told->status, "paused"))
		fputs(" when the pause is over", stdout);
	fputs(":\n", stdout);
}

static void write_policy(const json_t *policy, int64_t now_us)
{
	fputs("  ", stdout);
	told_write_text(stdout, told_text(policy, "namespace"));
	fputc('/', stdout);
	told_write_text(stdout, told_text(policy, "name"));
	if (json_object_get(policy, "generation")) {
		fputs(" generation ", stdout);
		told_write_number(stdout, 0, told_number(policy, "generation"));
	}
	if (json_object_get(policy, "in_force_since")) {
		fputs(" since ", stdout);
		told_write_text(stdout, told_text(policy, "in_force_since"));
		fputs(" (", stdout);
		told_write_duration(
			stdout,
			now_us - told_time_us(policy, "in_force_since"));
		fputc(')', stdout);
	}
	if (json_is_true(json_object_get(policy, "staged")))
		fputs(", staged", stdout);
	fputc('\n', stdout);
}

/* Where there is a pause, or the like, that has to be read first. */
static void write_text(const struct told *told)
{
	int64_t now_us = clock_wall_us();
	const json_t *policy;
	size_t i;

	if (hindrances_audit(told->status))
		fputs("AUDIT: every packet passes on this node; where netpold "
		      "enforces it would be:\n\n",
		      stdout);
	else if (json_object_get(told->status, "paused"))
		fputs("PAUSED: every packet passes on this node; without the "
		      "pause it would be:\n\n",
		      stdout);
	fputs(json_string_value(json_object_get(told->answer, "text")), stdout);
	write_in_force(told, now_us);
	json_array_foreach(json_object_get(told->answer, "policies"), i, policy)
	{
		write_policy(policy, now_us);
	}
	hindrances_write(stdout, told->status);
}

/* A decision record, and beside it what is known of it here alone. */
static int write_json(const struct explain_live *live, const struct told *told)
{
	json_t *record = json_object_get(told->answer, "record");
	const json_t *node = json_object_get(told->status, "node");
	const json_t *since = json_object_get(told->status, "in_force_since");
	json_t *here = json_pack(
		"{sO sO* sO so}", "node", node, "in_force_since", since,
		"policies", json_object_get(told->answer, "policies"),
		"in_the_way", hindrances_to_json(told->status));
	int r = here ? json_object_set_new(record, "live", here) : -1;

	if (r == 0 && live->has_expected)
		r = json_object_set_new(
			record, "expected",
			json_string(verdict_name(live->expected)));
	if (r == 0)
		r = json_dumpf(record, stdout, JSON_COMPACT);
	putchar('\n');
	return r < 0 ? -ENOMEM : 0;
}

static int verdict_of(const struct told *told)
{
	const json_t *record = json_object_get(told->answer, "record");

	return strcmp(told_text(record, "verdict"),
		      verdict_name(VERDICT_ALLOW)) == 0
		       ? VERDICT_ALLOW
		       : VERDICT_DENY;
}

static bool is_whole(const struct told *told)
{
	const json_t *record = json_object_get(told->answer, "record");

	return json_is_string(json_object_get(told->answer, "text")) &&
	       json_is_string(json_object_get(record, "verdict"));
}

int explain_live_run(const struct explain_live *live, struct err *err)
{
	CLEANUP(told_release) struct told told = { NULL, NULL };
	int r = ask(live, &told, err);

	if (r < 0)
		return r;
	if (!is_whole(&told))
		return err_set(err, -EPROTO,
			       "the netpold at '%s' answers in another way "
			       "than this version understands",
			       live->socket);
	if (!live->json)
		write_text(&told);
	else if (write_json(live, &told) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	return verdict_of(&told);
}
