/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whatever is in a suite: a message that names the file and is fit for a
 * terminal; or cases of which each has its place, so that what is written anew
 * is a suite again, and expects the other thing of each.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "suite/pod_line.h"
#include "suite/result.h"
#include "suite/rewrite.h"
#include "suite/suite.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_message(const struct err *err)
{
	if (strncmp(err->message, "fuzz:", 5) != 0)
		abort();
	for (const char *p = err->message; *p; p++) {
		if (*p < ' ' && *p >= 0)
			abort();
	}
}

static void edit(struct suite_result *result, const struct suite *suite,
		 size_t begin, size_t end, enum verdict expected)
{
	const struct edit *last = result->n_edits > 0
					  ? &result->edits[result->n_edits - 1]
					  : NULL;

	if (begin >= end || end > suite->len || (last && last->end > begin))
		abort();
	if (suite_result_edit(result, begin, end,
			      expected == VERDICT_ALLOW ? "deny" : "allow") < 0)
		abort();
}

static void turn(const struct suite *suite, struct suite_result *result)
{
	for (size_t i = 0; i < suite->n_cases; i++) {
		const struct suite_case *test = &suite->cases[i];

		for (size_t k = 0; k < test->n_flows; k++)
			edit(result, suite, test->flows[k].begin,
			     test->flows[k].end, test->flows[k].expected);
		for (size_t k = 0; k < test->n_filters; k++) {
			if (test->filters[k].end > 0)
				edit(result, suite, test->filters[k].begin,
				     test->filters[k].end,
				     test->filters[k].expected);
		}
	}
}

static void check_turned(const struct suite *was, const char *text, size_t len)
{
	struct suite is;
	struct err err;

	if (suite_parse("fuzz", text, len, &is, &err) < 0 ||
	    is.n_cases != was->n_cases)
		abort();
	for (size_t i = 0; i < is.n_cases; i++) {
		if (is.cases[i].n_flows != was->cases[i].n_flows)
			abort();
		for (size_t k = 0; k < is.cases[i].n_flows; k++) {
			if (is.cases[i].flows[k].expected ==
			    was->cases[i].flows[k].expected)
				abort();
		}
	}
	suite_release(&is);
}

static void check_rewriting(const struct suite *suite)
{
	struct suite_result result;
	char *text = NULL;
	size_t len = 0;

	if (suite_result_init(&result, suite) < 0)
		abort();
	turn(suite, &result);
	if (suite_rewrite_text(suite, &result, &text, &len) < 0)
		abort();
	check_turned(suite, text, len);
	free(text);
	suite_result_release(&result);
}

static void check_lines(const struct suite *suite)
{
	struct arena arena = { 0 };
	struct pod pod;
	struct namespace namespace;

	for (size_t i = 0; i < suite->n_pods; i++)
		pod_line_read(suite->pods[i].text, &arena, &pod, NULL);
	for (size_t i = 0; i < suite->n_namespaces; i++)
		namespace_line_read(suite->namespaces[i].text, &arena,
				    &namespace, NULL);
	arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct suite suite;
	struct err err = { 0 };

	suite_is_one((const char *)data, size);
	if (suite_parse("fuzz", (const char *)data, size, &suite, &err) < 0) {
		check_message(&err);
	} else {
		check_rewriting(&suite);
		check_lines(&suite);
	}
	suite_release(&suite);
	return 0;
}
