/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For people: a line for each case, and below one that fails what was expected,
 * what came, and why.
 */
#include <stdio.h>

#include "plain_text.h"
#include "suite/report.h"

static void begin(struct suite_report *report)
{
	(void)report;
}

/* @colour  32 is green, 31 red */
static void write_word(const struct suite_report *report, int colour,
		       const char *word)
{
	if (report->has_colour)
		fprintf(report->out, "\033[%dm%s\033[0m", colour, word);
	else
		fputs(word, report->out);
}

static void write_failure(const struct suite_report *report,
			  const struct suite_result *suite,
			  const struct failure *failure)
{
	FILE *out = report->out;

	fputs("        ", out);
	plain_text_write(out, suite->file);
	fprintf(out, ":%u: %s\n", failure->line, failure->what);
	fprintf(out, "          expected %s\n", failure->expected);
	fputs("          got      ", out);
	write_word(report, 31, failure->got);
	fputc('\n', out);
	if (*failure->why)
		fprintf(out, "          because  %s\n", failure->why);
}

/* A filter that is too narrow passes over what it should not. */
static void write_unmatched(FILE *out, const struct case_result *result)
{
	if (result->n_unmatched > 0)
		fprintf(out, " (%zu %s no filter)", result->n_unmatched,
			result->n_unmatched == 1 ? "flow matches"
						 : "flows match");
	fputc('\n', out);
}

static void write_case(const struct suite_report *report,
		       const struct suite_result *suite,
		       const struct case_result *result)
{
	size_t told = case_result_n_told(result);
	FILE *out = report->out;

	fputs("  ", out);
	if (result->n_failures == 0) {
		write_word(report, 32, "ok");
		fprintf(out, "    %s", result->test->name);
		write_unmatched(out, result);
		return;
	}
	write_word(report, 31, "FAIL");
	fprintf(out, "  %s: ", result->test->name);
	suite_report_write_summary(out, result);
	write_unmatched(out, result);
	for (size_t i = 0; i < told; i++)
		write_failure(report, suite, &result->failures[i]);
	if (result->n_failures > told)
		fprintf(out, "        and %zu more\n",
			result->n_failures - told);
}

static void write_suite(struct suite_report *report,
			const struct suite_result *suite)
{
	FILE *out = report->out;

	plain_text_write(out, suite->file);
	if (suite->name != suite->file) {
		fputs(": ", out);
		plain_text_write(out, suite->name);
	}
	fputc('\n', out);
	if (suite->error) {
		fputs("  ", out);
		write_word(report, 31, "ERROR");
		fputc(' ', out);
		plain_text_write(out, suite->error);
		fputc('\n', out);
		return;
	}
	for (size_t i = 0; i < suite->n_cases; i++)
		write_case(report, suite, &suite->cases[i]);
}

static void end(struct suite_report *report)
{
	FILE *out = report->out;

	fprintf(out, "%zu %s, %zu %s: ", report->n_suites,
		report->n_suites == 1 ? "suite" : "suites", report->n_cases,
		report->n_cases == 1 ? "case" : "cases");
	if (report->n_failed == 0 && report->n_errors == 0)
		write_word(report, 32, "all as expected");
	if (report->n_failed > 0)
		fprintf(out, "%zu failed", report->n_failed);
	if (report->n_errors > 0)
		fprintf(out, "%s%zu %s could not be run",
			report->n_failed > 0 ? ", " : "", report->n_errors,
			report->n_errors == 1 ? "suite" : "suites");
	fputc('\n', out);
}

const struct suite_format suite_as_text = { "text", begin, write_suite, end };
