/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON for scripts: a line for each suite (schema/test-result.schema.json).
 */
#include <stddef.h>

#include "json_text.h"
#include "suite/report.h"

static void begin(struct suite_report *report)
{
	(void)report;
}

static void write_field(struct json_text *json, const char *key,
			const char *text)
{
	json_text_key(json, key);
	json_text_string(json, text);
}

static void write_count(struct json_text *json, const char *key, size_t n)
{
	json_text_key(json, key);
	json_text_number(json, n);
}

static void write_failure(struct json_text *json, const struct failure *failure)
{
	json_text_begin_object(json);
	write_count(json, "line", failure->line);
	write_field(json, "flow", failure->what);
	write_field(json, "expected", failure->expected);
	write_field(json, "got", failure->got);
	write_field(json, "because", failure->why);
	json_text_end_object(json);
}

static void write_case(struct json_text *json, const struct case_result *result)
{
	json_text_begin_object(json);
	write_field(json, "name", result->test->name);
	write_count(json, "line", result->test->line);
	json_text_key(json, "passed");
	json_text_bool(json, result->n_failures == 0);
	write_count(json, "flows", result->n_checked);
	write_count(json, "unmatched", result->n_unmatched);
	write_count(json, "failed", result->n_failures);
	json_text_key(json, "failures");
	json_text_begin_array(json);
	for (size_t i = 0; i < case_result_n_told(result); i++)
		write_failure(json, &result->failures[i]);
	json_text_end_array(json);
	json_text_end_object(json);
}

static void write_suite(struct suite_report *report,
			const struct suite_result *suite)
{
	struct json_text json = { 0 };

	json_text_begin_object(&json);
	write_field(&json, "file", suite->file);
	write_field(&json, "suite", suite->name);
	if (suite->error)
		write_field(&json, "error", suite->error);
	json_text_key(&json, "cases");
	json_text_begin_array(&json);
	for (size_t i = 0; !suite->error && i < suite->n_cases; i++)
		write_case(&json, &suite->cases[i]);
	json_text_end_array(&json);
	json_text_end_object(&json);
	report->failed |= json_text_write_line(&json, report->out) < 0;
	json_text_release(&json);
}

static void end(struct suite_report *report)
{
	(void)report;
}

const struct suite_format suite_as_json = { "json", begin, write_suite, end };
