/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JUnit XML, as GitLab, Jenkins and others read it: a testsuite for each suite,
 * a testcase for each case.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "suite/report.h"

static void begin(struct suite_report *report)
{
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	      "<testsuites name=\"netpold test\">\n",
	      report->out);
}

/* XML has no control characters but blanks and ends of lines, not even escaped;
   and an end of a line is one line more in a log that shows it. */
static void write_escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '&')
			fputs("&amp;", out);
		else if (*text == '<')
			fputs("&lt;", out);
		else if (*text == '>')
			fputs("&gt;", out);
		else if (*text == '"')
			fputs("&quot;", out);
		else if ((unsigned char)*text < ' ')
			fputc('?', out);
		else
			fputc(*text, out);
	}
}

static void write_attribute(FILE *out, const char *name, const char *text)
{
	fprintf(out, " %s=\"", name);
	write_escaped(out, text);
	fputc('"', out);
}

static void write_time(FILE *out, int64_t ns)
{
	fputs(" time=\"", out);
	suite_report_write_seconds(out, ns);
	fputc('"', out);
}

static void write_failure(FILE *out, const struct suite_result *suite,
			  const struct failure *failure)
{
	write_escaped(out, suite->file);
	fprintf(out, ":%u: ", failure->line);
	write_escaped(out, failure->what);
	fputs("\n  expected ", out);
	write_escaped(out, failure->expected);
	fputs("\n  got      ", out);
	write_escaped(out, failure->got);
	if (*failure->why) {
		fputs("\n  because  ", out);
		write_escaped(out, failure->why);
	}
	fputc('\n', out);
}

static void write_case(FILE *out, const struct suite_result *suite,
		       const struct case_result *result)
{
	fputs("    <testcase", out);
	write_attribute(out, "classname", suite->name);
	write_attribute(out, "name", result->test->name);
	write_attribute(out, "file", suite->file);
	fprintf(out, " line=\"%u\"", result->test->line);
	write_time(out, result->took_ns);
	if (result->n_failures == 0) {
		fputs("/>\n", out);
		return;
	}
	fputs(">\n      <failure message=\"", out);
	suite_report_write_summary(out, result);
	fputs("\">", out);
	for (size_t i = 0; i < case_result_n_told(result); i++)
		write_failure(out, suite, &result->failures[i]);
	fputs("</failure>\n    </testcase>\n", out);
}

static void write_error(FILE *out, const struct suite_result *suite)
{
	fputs("    <testcase", out);
	write_attribute(out, "classname", suite->name);
	write_attribute(out, "name", "the suite can be run");
	write_attribute(out, "file", suite->file);
	fputs(">\n      <error", out);
	write_attribute(out, "message", suite->error);
	fputs("/>\n    </testcase>\n", out);
}

static void write_suite(struct suite_report *report,
			const struct suite_result *suite)
{
	FILE *out = report->out;

	fputs("  <testsuite", out);
	write_attribute(out, "name", suite->name);
	fprintf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%d\"",
		suite->error ? 1 : suite->n_cases,
		suite->error ? 0 : suite->n_failed, suite->error != NULL);
	write_time(out, suite->took_ns);
	fputs(">\n", out);
	if (suite->error)
		write_error(out, suite);
	for (size_t i = 0; !suite->error && i < suite->n_cases; i++)
		write_case(out, suite, &suite->cases[i]);
	fputs("  </testsuite>\n", out);
}

static void end(struct suite_report *report)
{
	fputs("</testsuites>\n", report->out);
}

const struct suite_format suite_as_junit = { "junit", begin, write_suite, end };
