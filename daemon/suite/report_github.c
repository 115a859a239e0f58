/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For a log of GitHub Actions: what people read, and for each failure a command
 * that puts it beside its line in the pull request.
 */
#include <stdbool.h>
#include <stdio.h>

#include "suite/report.h"

static void begin(struct suite_report *report)
{
	suite_as_text.begin(report);
}

/* A command ends with its line; in its properties some characters more have a
   meaning. */
static void write_escaped(FILE *out, const char *text, bool is_property)
{
	for (; *text; text++) {
		if (*text == '%')
			fputs("%25", out);
		else if (*text == '\r')
			fputs("%0D", out);
		else if (*text == '\n')
			fputs("%0A", out);
		else if (is_property && *text == ':')
			fputs("%3A", out);
		else if (is_property && *text == ',')
			fputs("%2C", out);
		else if ((unsigned char)*text < ' ' || *text == 0x7f)
			fputc('?', out);
		else
			fputc(*text, out);
	}
}

static void write_property(FILE *out, const char *name, const char *text)
{
	fputs(name, out);
	write_escaped(out, text, true);
}

static void write_failure(FILE *out, const struct suite_result *suite,
			  const struct case_result *result,
			  const struct failure *failure)
{
	write_property(out, "::error file=", suite->file);
	fprintf(out, ",line=%u", failure->line);
	write_property(out, ",title=", result->test->name);
	fputs("::", out);
	write_escaped(out, failure->what, false);
	fputs(": expected ", out);
	write_escaped(out, failure->expected, false);
	fputs(", got ", out);
	write_escaped(out, failure->got, false);
	if (*failure->why) {
		fputs("%0A", out);
		write_escaped(out, failure->why, false);
	}
	fputc('\n', out);
}

static void write_suite(struct suite_report *report,
			const struct suite_result *suite)
{
	FILE *out = report->out;

	suite_as_text.suite(report, suite);
	if (suite->error) {
		write_property(out, "::error file=", suite->file);
		fputs("::", out);
		write_escaped(out, suite->error, false);
		fputc('\n', out);
		return;
	}
	for (size_t i = 0; i < suite->n_cases; i++) {
		const struct case_result *result = &suite->cases[i];

		for (size_t k = 0; k < case_result_n_told(result); k++)
			write_failure(out, suite, result, &result->failures[k]);
	}
}

static void end(struct suite_report *report)
{
	suite_as_text.end(report);
}

const struct suite_format suite_as_github = {
	"github",
	begin,
	write_suite,
	end,
};
