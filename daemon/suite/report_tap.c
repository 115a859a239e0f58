/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TAP 14 (https://testanything.org): a test point for each case, with a YAML
 * block where it fails. A suite that cannot be run is a point that failed.
 *
 * Texts in the block are JSON strings, which YAML reads alike.
 */
#include <stdio.h>

#include "json_text.h"
#include "suite/report.h"

static void begin(struct suite_report *report)
{
	fputs("TAP version 14\n", report->out);
}

/* # begins a directive. The name of a file can have any bytes. */
static void write_escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '#' || *text == '\\')
			fputc('\\', out);
		fputc((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text,
		      out);
	}
}

static void write_quoted(FILE *out, const char *text)
{
	struct json_text json = { 0 };

	json_text_string(&json, text);
	if (json.failed)
		fputs("\"\"", out);
	else
		fwrite(json.data, 1, json.len, out);
	json_text_release(&json);
}

static void write_field(FILE *out, const char *before, const char *text)
{
	fputs(before, out);
	write_quoted(out, text);
	fputc('\n', out);
}

static void write_failures(FILE *out, const struct case_result *result)
{
	for (size_t i = 0; i < case_result_n_told(result); i++) {
		const struct failure *failure = &result->failures[i];

		write_field(out, "    - flow: ", failure->what);
		write_field(out, "      expected: ", failure->expected);
		write_field(out, "      got: ", failure->got);
		write_field(out, "      because: ", failure->why);
		fprintf(out, "      line: %u\n", failure->line);
	}
}

static void write_case(FILE *out, const struct suite_result *suite,
		       const struct case_result *result, size_t number)
{
	fprintf(out, "%s %zu - ", result->n_failures > 0 ? "not ok" : "ok",
		number);
	write_escaped(out, suite->name);
	fputs(": ", out);
	write_escaped(out, result->test->name);
	fputc('\n', out);
	if (result->n_failures == 0)
		return;
	fputs("  ---\n  message: \"", out);
	suite_report_write_summary(out, result);
	fputs("\"\n", out);
	write_field(out, "  at:\n    file: ", suite->file);
	fprintf(out, "    line: %u\n", result->test->line);
	fputs("  failures:\n", out);
	write_failures(out, result);
	fputs("  ...\n", out);
}

static size_t n_points(const struct suite_report *report)
{
	return report->n_cases + report->n_errors;
}

static void write_suite(struct suite_report *report,
			const struct suite_result *suite)
{
	FILE *out = report->out;

	if (suite->error) {
		/* Counted already. */
		fprintf(out, "not ok %zu - ", n_points(report));
		write_escaped(out, suite->file);
		fputs(" can be run\n", out);
		write_field(out, "  ---\n  message: ", suite->error);
		fputs("  ...\n", out);
		return;
	}
	for (size_t i = 0; i < suite->n_cases; i++)
		write_case(out, suite, &suite->cases[i],
			   n_points(report) + i + 1);
}

static void end(struct suite_report *report)
{
	fprintf(report->out, "1..%zu\n", n_points(report));
}

const struct suite_format suite_as_tap = { "tap", begin, write_suite, end };
