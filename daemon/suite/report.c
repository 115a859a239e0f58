/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "suite/report.h"

#include <inttypes.h>
#include <string.h>

#define NS_PER_S INT64_C(1000000000)
#define NS_PER_US 1000

static const struct suite_format *const formats[] = {
	&suite_as_text,	 &suite_as_json,   &suite_as_tap,
	&suite_as_junit, &suite_as_github,
};

const struct suite_format *suite_format_find(const char *name)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (strcmp(formats[i]->name, name) == 0)
			return formats[i];
	}
	return NULL;
}

void suite_report_begin(struct suite_report *report)
{
	report->format->begin(report);
}

void suite_report_add(struct suite_report *report,
		      const struct suite_result *suite)
{
	report->n_suites++;
	report->n_errors += suite->error != NULL;
	if (!suite->error)
		report->n_failed += suite->n_failed;
	report->format->suite(report, suite);
	if (!suite->error)
		report->n_cases += suite->n_cases;
}

void suite_report_end(struct suite_report *report)
{
	report->format->end(report);
}

/* ---- shared -------------------------------------------------------------- */

void suite_report_write_summary(FILE *out, const struct case_result *result)
{
	size_t n_failures = result->n_failures;

	if (result->n_unreadable > 0) {
		fprintf(out, "%" PRIu64 " %s cannot be read",
			result->n_unreadable,
			result->n_unreadable == 1 ? "packet" : "packets");
		if (--n_failures == 0)
			return;
		fputs(", and ", out);
	}
	if (result->n_checked == 0) {
		fputs("nothing was there to be asked", out);
		return;
	}
	fprintf(out, "%zu of %zu %s %s not as expected", n_failures,
		result->n_checked, result->n_checked == 1 ? "flow" : "flows",
		n_failures == 1 ? "is" : "are");
}

void suite_report_write_seconds(FILE *out, int64_t ns)
{
	fprintf(out, "%" PRId64 ".%06" PRId64, ns / NS_PER_S,
		ns % NS_PER_S / NS_PER_US);
}
