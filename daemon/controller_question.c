/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a flow may pass on this node, as somebody asks who sits before it
 * (`netpold explain --live`): the very snapshot that workers judge by is asked
 * (L28), and the same words tell of it as offline.
 */
#include "controller_parts.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "netpold/arena.h"
#include "netpold/cleanup.h"
#include "netpold/snapshot.h"

#include "current.h"
#include "decision_record.h"
#include "explain_json.h"
#include "explain_text.h"
#include "flow_words.h"
#include "json_text.h"
#include "observe/receipts.h"
#include "question.h"

/* So many policies are told with their receipts, unless all are asked for. */
#define MAX_RECEIPTS 5

struct live_question {
	const char *from, *to, *port;
	int family, all;
};

/* What an answer is made of. */
struct live_answer {
	const struct controller *controller;
	const struct asker *asker;
	const struct question *question;
	const struct decision_record *record;
	bool all;
};

/* ---- in words, and as a record ------------------------------------------- */

static void free_text(char **text)
{
	free(*text);
}

/* Whatever writes to a stream, as a JSON value. */
static json_t *text_to_json(const struct live_answer *a)
{
	const struct explain_text text = {
		.asker = a->asker,
		.question = a->question,
		.record = a->record,
		.all = a->all,
	};
	CLEANUP(free_text) char *data = NULL;
	size_t len;
	FILE *out = open_memstream(&data, &len);
	int r;

	if (!out)
		return NULL;
	r = explain_text_write(out, &text);
	if (fclose(out) != 0 || r < 0)
		return NULL;
	return json_stringn(data, len);
}

static json_t *record_to_json(const struct live_answer *a)
{
	const struct explain_json json = {
		.asker = a->asker,
		.question = a->question,
		.record = a->record,
	};
	CLEANUP(json_text_release) struct json_text text = { 0 };
	CLEANUP(free_text) char *data = NULL;
	size_t len;
	FILE *out = open_memstream(&data, &len);
	int r;

	if (!out)
		return NULL;
	r = explain_json_write(out, &json, &text);
	if (fclose(out) != 0 || r < 0)
		return NULL;
	return json_loadb(data, len, 0, NULL);
}

/* ---- receipts ------------------------------------------------------------ */

static bool is_text(const json_t *object, const char *key, const char *text)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value && strcmp(value, text) == 0;
}

static bool has_policy(const json_t *list, const struct network_policy *policy)
{
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one)
	{
		if (is_text(one, "namespace", policy->namespace) &&
		    is_text(one, "name", policy->name))
			return true;
	}
	return false;
}

/* Its generation is that of the snapshot, which has judged. */
static int add_policy(const struct live_answer *a, json_t *list,
		      const struct network_policy *policy)
{
	struct receipt receipt;

	if (!policy || has_policy(list, policy) ||
	    (!a->all && json_array_size(list) == MAX_RECEIPTS))
		return 0;
	observer_receipt(a->controller->observer, policy->namespace,
			 policy->name, &receipt);
	receipt.generation = policy->generation;
	return json_array_append_new(
		list,
		receipt_to_json(policy->namespace, policy->name, &receipt));
}

/* The one that allows comes first. */
static json_t *policies_to_json(const struct live_answer *a)
{
	const struct explanation *explanation = a->record->explanation;
	json_t *list = json_array();
	int r = 0;

	for (int dir = 0; dir < N_DIRECTIONS && r == 0; dir++)
		r = add_policy(a, list, explanation->sides[dir].policy);
	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		const struct side_explanation *side = &explanation->sides[dir];

		for (size_t i = 0; i < side->n_isolating && r == 0; i++)
			r = add_policy(a, list, side->isolating[i]);
	}
	if (r == 0)
		return list;
	json_decref(list);
	return NULL;
}

/* ---- a question ---------------------------------------------------------- */

static json_t *explain(const struct controller *c,
		       const struct live_question *wish,
		       const struct asker *asker, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct flow_words words = { .from = wish->from, .to = wish->to };
	struct explanation explanation;
	struct decision_record record = { .explanation = &explanation };
	struct question question;
	const struct live_answer answer = {
		.controller = c,
		.asker = asker,
		.question = &question,
		.record = &record,
		.all = wish->all,
	};
	json_t *out;

	if (wish->family)
		words.family = wish->family == 4 ? IP_V4 : IP_V6;
	if (flow_words_read_port(wish->port, &arena, &words, err) < 0 ||
	    question_resolve(asker, &words, &arena, &question, err) < 0)
		return NULL;
	record.key = question.key;
	err_set(err, -ENOMEM, "out of memory");
	if (snapshot_explain(asker->snapshot, &record.key, &arena,
			     &explanation) < 0)
		return NULL;
	out = json_pack("{so so so}", "text", text_to_json(&answer), "record",
			record_to_json(&answer), "policies",
			policies_to_json(&answer));
	return out;
}

/* In a pause workers judge by a snapshot without policies: then it is the one
   that will be in force when it is over. */
static json_t *explain_paused(const struct controller *c,
			      const struct live_question *wish,
			      struct asker *asker, struct err *err)
{
	CLEANUP(snapshot_freep) struct snapshot *later = NULL;
	const struct snapshot_options options = {
		.node_name = c->options->node_name
	};

	if (snapshot_compile(asker->cluster, &options, &later, err) < 0)
		return NULL;
	asker->snapshot = later;
	return explain(c, wish, asker, err);
}

static json_t *answer(const struct controller *c, json_t *question,
		      struct err *err)
{
	struct live_question wish = { .from = NULL };
	struct asker asker = {
		.cluster = c->standing.cluster ? c->standing.cluster
					       : intake_store(c->intake),
		.snapshot = current_load(),
		.where = "among what netpold has read",
		.suggests = true,
	};

	if (json_unpack(question, "{ss ss ss s?i s?b}", "from", &wish.from,
			"to", &wish.to, "port", &wish.port, "family",
			&wish.family, "all", &wish.all) < 0) {
		err_set(err, -EINVAL, "that is no question");
		return NULL;
	}
	if (!asker.cluster || !asker.snapshot) {
		err_set(err, -EAGAIN, "nothing is in force yet");
		return NULL;
	}
	return pause_switch_pause(c->pauses)
		       ? explain_paused(c, &wish, &asker, err)
		       : explain(c, &wish, &asker, err);
}

void controller_answer_question(struct controller *c)
{
	json_t *question = observer_question(c->observer);
	json_t *answered;
	struct err err;

	if (!question)
		return;
	answered = answer(c, question, &err);
	json_decref(question);
	observer_explain(c->observer, answered, &err);
}
