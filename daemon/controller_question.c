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
#include "planned.h"
#include "question.h"

/* So many policies are told with their receipts, unless all are asked for. */
#define MAX_RECEIPTS 5

/* Where more policies and rules than these are about a flow, all is not told by
   who has changes to put in force. */
#define MAX_ALL 10000

struct live_question {
	const char *from, *to, *port;
	int family, all, staged;
};

/* What an answer is made of. */
struct live_answer {
	const struct controller *controller;
	const struct asker *asker;
	const struct question *question;
	const struct decision_record *record;
	const struct explanation *planned; /* of planned_explain() */
	bool all;
	size_t n_untold; /* too many for it; 0: they are not */
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
		.planned = a->planned,
		.all = a->all,
	};
	CLEANUP(free_text) char *data = NULL;
	size_t len;
	FILE *out = open_memstream(&data, &len);
	int r;

	if (!out)
		return NULL;
	r = explain_text_write(out, &text);
	if (a->n_untold > 0)
		fprintf(out,
			"note: %zu policies and rules are too many for --all "
			"here (%d at most): --manifests or --kubeconfig in "
			"place of --live tells of all\n",
			a->n_untold, MAX_ALL);
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
		.planned = a->planned,
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

/* Receipts of policies, each once: a pod may be isolated by ten thousand. */
struct receipt_list {
	json_t *items;
	json_t *names; /* "shop/web": null */
};

static int receipt_list_init(struct receipt_list *list)
{
	list->items = json_array();
	list->names = json_object();
	return list->items && list->names ? 0 : -ENOMEM;
}

static void receipt_list_release(struct receipt_list *list)
{
	json_decref(list->items);
	json_decref(list->names);
}

/* Returns 1, 0 where it was there already, or -ENOMEM. */
static int add_name(json_t *names, const struct network_policy *policy)
{
	CLEANUP(free_text) char *name = NULL;

	if (asprintf(&name, "%s/%s", policy->namespace, policy->name) < 0) {
		name = NULL;
		return -ENOMEM;
	}
	if (json_object_get(names, name))
		return 0;
	return json_object_set_new(names, name, json_null()) < 0 ? -ENOMEM : 1;
}

/* Who it is and its generation are those of the snapshot, which has judged. */
static int add_policy(const struct live_answer *a, struct receipt_list *list,
		      const struct network_policy *policy)
{
	struct receipt receipt;
	int r;

	if (!policy ||
	    (!a->all && json_array_size(list->items) == MAX_RECEIPTS))
		return 0;
	r = add_name(list->names, policy);
	if (r <= 0)
		return r;
	observer_receipt(a->controller->observer, policy->namespace,
			 policy->name, &receipt);
	snprintf(receipt.uid, sizeof(receipt.uid), "%s", policy->uid);
	receipt.generation = policy->generation;
	return json_array_append_new(
		list->items,
		receipt_to_json(policy->namespace, policy->name, &receipt));
}

/* The one that allows comes first. */
static json_t *policies_to_json(const struct live_answer *a)
{
	CLEANUP(receipt_list_release) struct receipt_list list;
	const struct explanation *explanation = a->record->explanation;
	int r = receipt_list_init(&list);

	for (int dir = 0; dir < N_DIRECTIONS && r == 0; dir++)
		r = add_policy(a, &list, explanation->sides[dir].policy);
	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		const struct side_explanation *side = &explanation->sides[dir];

		for (size_t i = 0; i < side->n_isolating && r == 0; i++)
			r = add_policy(a, &list, side->isolating[i]);
	}
	return r == 0 ? json_incref(list.items) : NULL;
}

/* ---- a question ---------------------------------------------------------- */

static size_t count(const struct explanation *explanation)
{
	size_t n = 0;

	for (int dir = 0; dir < N_DIRECTIONS; dir++)
		n += explanation->sides[dir].n_isolating +
		     explanation->sides[dir].n_rules;
	return n;
}

static json_t *explain(const struct controller *c,
		       const struct live_question *wish,
		       const struct asker *asker, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct flow_words words = { .from = wish->from, .to = wish->to };
	struct explanation explanation, room;
	struct decision_record record = { .explanation = &explanation };
	struct question question;
	struct live_answer answer = {
		.controller = c,
		.asker = asker,
		.question = &question,
		.record = &record,
		.all = wish->all,
	};

	if (wish->family)
		words.family = wish->family == 4 ? IP_V4 : IP_V6;
	if (flow_words_read_port(wish->port, &arena, &words, err) < 0 ||
	    question_resolve(asker, &words, &arena, &question, err) < 0)
		return NULL;
	record.key = question.key;
	err_set(err, -ENOMEM, "out of memory");
	if (snapshot_explain(asker->snapshot, &record.key, &arena,
			     &explanation) < 0 ||
	    planned_explain(asker->snapshot, &record.key, &explanation.decision,
			    &arena, &room, &answer.planned) < 0)
		return NULL;
	if (wish->all && count(&explanation) > MAX_ALL) {
		answer.all = false;
		answer.n_untold = count(&explanation);
	}
	return json_pack("{so so so}", "text", text_to_json(&answer), "record",
			 record_to_json(&answer), "policies",
			 policies_to_json(&answer));
}

/* In a pause workers judge by a snapshot without policies: then it is the one
   that will be in force when it is over. Whatever is taken up meanwhile leaves
   one here; who asks before compiles it, once. */
static int find_snapshot(struct controller *c, struct asker *asker,
			 struct err *err)
{
	const struct snapshot_options options = {
		.node_name = c->options->node_name
	};

	if (!pause_switch_pause(c->pauses))
		return 0;
	if (!c->later &&
	    snapshot_compile(asker->cluster, &options, &c->later, err) < 0)
		return err->code;
	asker->snapshot = c->later;
	return 0;
}

static json_t *answer(struct controller *c, json_t *question, struct err *err)
{
	struct live_question wish = { .from = NULL };
	struct asker asker = {
		.cluster = c->standing.cluster ? c->standing.cluster
					       : intake_store(c->intake),
		.snapshot = current_load(),
		.where = "among what netpold has read",
		.suggests = true,
	};

	if (json_unpack(question, "{ss ss ss s?i s?b s?b}", "from", &wish.from,
			"to", &wish.to, "port", &wish.port, "family",
			&wish.family, "all", &wish.all, "staged",
			&wish.staged) < 0) {
		err_set(err, -EINVAL, "that is no question");
		return NULL;
	}
	if (!asker.cluster || !asker.snapshot) {
		err_set(err, -EAGAIN, "nothing is in force yet");
		return NULL;
	}
	if (find_snapshot(c, &asker, err) < 0)
		return NULL;
	if (wish.staged && snapshot_planned(asker.snapshot))
		asker.snapshot = snapshot_planned(asker.snapshot);
	return explain(c, &wish, &asker, err);
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
