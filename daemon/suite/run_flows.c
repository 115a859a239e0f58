/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "plain_text.h"
#include "question.h"
#include "suite/run.h"

/* ---- reasons ------------------------------------------------------------- */

static bool is_policy(const struct network_policy *policy, const char *name)
{
	size_t len = strlen(policy->namespace);

	return strncmp(name, policy->namespace, len) == 0 && name[len] == '/' &&
	       strcmp(name + len + 1, policy->name) == 0;
}

/* Of an allowed side, every policy with a rule that allows it is one; of a
   denied side, every policy that isolates. */
static bool is_reason_of_side(const struct side_explanation *side,
			      const char *name)
{
	if (side->side.reason == REASON_RULE) {
		for (size_t i = 0; i < side->n_rules; i++) {
			if (side->rules[i].misses == 0 &&
			    is_policy(side->rules[i].policy, name))
				return true;
		}
	}
	if (side->side.reason == REASON_NO_RULE_MATCHES) {
		for (size_t i = 0; i < side->n_isolating; i++) {
			if (is_policy(side->isolating[i], name))
				return true;
		}
	}
	return false;
}

static bool is_reason(const struct explanation *explanation, const char *name)
{
	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		const struct side_explanation *side = &explanation->sides[dir];

		if (side->side.verdict == explanation->decision.verdict &&
		    is_reason_of_side(side, name))
			return true;
	}
	return false;
}

/* One that is misspelt would fail for the wrong reason. */
static int check_because(const struct run *run, const struct suite_flow *flow,
			 struct err *err)
{
	char namespace[256], plain[PLAIN_TEXT_LEN];
	const char *slash;

	if (!flow->because)
		return 0;
	slash = strchr(flow->because, '/');
	snprintf(namespace, sizeof(namespace), "%.*s",
		 (int)(slash - flow->because), flow->because);
	if (cluster_find(run->world->cluster, OBJECT_NETWORK_POLICY, namespace,
			 slash + 1))
		return 0;
	return suite_refuse(run->suite, flow->line, flow->path, err,
			    "because: there is no policy %s in the manifests",
			    plain_text(flow->because, plain));
}

/* ---- one flow ------------------------------------------------------------ */

static const char *expected_words(struct run *run,
				  const struct suite_flow *flow)
{
	struct result_words words;

	if (!flow->because)
		return verdict_name(flow->expected);
	result_words_begin(&words);
	if (words.out)
		fprintf(words.out, "%s because of %s",
			verdict_name(flow->expected), flow->because);
	return result_words_end(&words, &run->result->arena);
}

/* What makes a pod that was named not the one that is asked about, and over
   which family; "" where there is nothing to say. */
static const char *note_words(struct run *run, const struct question *question)
{
	const struct asker *asker = &run->world->asker;
	struct result_words words;
	size_t n = 0;

	result_words_begin(&words);
	for (int dir = 0; dir < N_DIRECTIONS && words.out; dir++) {
		if (!question_has_note(asker, question, dir))
			continue;
		fputs(n++ > 0 ? "; " : "", words.out);
		question_write_note(words.out, asker, question, dir);
	}
	if (words.out && question->has_other)
		fprintf(words.out, "%sover IPv%d", n > 0 ? "; " : "",
			question->key.src.family);
	return result_words_end(&words, &run->result->arena);
}

static int fail(struct run *run, const struct suite_flow *flow,
		const struct question *question,
		const struct explanation *explanation, struct err *err)
{
	const struct run_failure failure = {
		.line = flow->line,
		.key = &question->key,
		.explanation = explanation,
		.got = explanation->decision.verdict,
		.expected = expected_words(run, flow),
		.note = note_words(run, question),
	};

	return run_fail(run, &failure, err);
}

/* Asks by question->key. Returns 1 where it is as expected, 0 where not. */
static int ask(struct run *run, const struct suite_flow *flow,
	       const struct question *question, enum verdict *got,
	       struct err *err)
{
	struct explanation explanation;
	int r;

	if (snapshot_explain(run->world->snapshot, &question->key,
			     &run->scratch, &explanation) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	run->now->n_checked++;
	if (run->coverage)
		coverage_take(run->coverage, &explanation);
	*got = explanation.decision.verdict;
	if (*got == flow->expected &&
	    (!flow->because || is_reason(&explanation, flow->because)))
		return 1;
	r = fail(run, flow, question, &explanation, err);
	return r < 0 ? r : 0;
}

/* What would have been expected rightly, where both families agree. */
static int suggest(struct run *run, const struct suite_flow *flow,
		   enum verdict got, struct err *err)
{
	if (got == flow->expected)
		return 0;
	if (suite_result_edit(run->result, flow->begin, flow->end,
			      verdict_name(got)) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	return 0;
}

static int run_flow(struct run *run, const struct suite_flow *flow,
		    struct err *err)
{
	enum verdict got = VERDICT_DENY, other_got;
	struct question question;
	int r;

	arena_clear(&run->scratch);
	r = check_because(run, flow, err);
	if (r < 0)
		return r;
	r = question_resolve(&run->world->asker, &flow->words, &run->scratch,
			     &question, err);
	if (r < 0)
		return suite_place(run->suite, flow->line, flow->path, err);
	r = ask(run, flow, &question, &got, err);
	other_got = got;
	if (r >= 0 && question.has_other) {
		struct question other = question;

		other.key = question.other;
		r = ask(run, flow, &other, &other_got, err);
	}
	if (r < 0 || got != other_got)
		return r < 0 ? r : 0;
	return suggest(run, flow, got, err);
}

int run_flows(struct run *run, const struct suite_case *test, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < test->n_flows && r == 0; i++)
		r = run_flow(run, &test->flows[i], err);
	return r;
}
