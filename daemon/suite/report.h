/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_SUITE_REPORT_H
#define NETPOLD_DAEMON_SUITE_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "suite/result.h"

/**
 * What came of some suites, told suite by suite: for people, for scripts
 * (JSON), for test runners (TAP 14), for CI servers (JUnit XML), and as
 * annotations of a pull request (GitHub).
 */
struct suite_report;

/** One way to tell it; each in a file of its own. */
struct suite_format {
	const char *name;
	void (*begin)(struct suite_report *report);
	void (*suite)(struct suite_report *report,
		      const struct suite_result *suite);
	void (*end)(struct suite_report *report);
};

extern const struct suite_format suite_as_text;
extern const struct suite_format suite_as_json;
extern const struct suite_format suite_as_tap;
extern const struct suite_format suite_as_junit;
extern const struct suite_format suite_as_github;

struct suite_report {
	const struct suite_format *format;
	FILE *out;
	bool has_colour;
	/* Counted as they are told. */
	size_t n_suites, n_cases, n_failed;
	size_t n_errors; /* suites that could not be run */
	bool failed;	 /* memory has run out, and something is missing */
};

/** The format of a name; NULL: there is none. */
const struct suite_format *suite_format_find(const char *name);

/** @format is set, and @out; the rest is zero. */
void suite_report_begin(struct suite_report *report);
void suite_report_add(struct suite_report *report,
		      const struct suite_result *suite);
void suite_report_end(struct suite_report *report);

/* ---- what formats share -------------------------------------------------- */

/** "3 of 7 flows are not as expected" */
void suite_report_write_summary(FILE *out, const struct case_result *result);

/** Seconds, with six digits behind the point. */
void suite_report_write_seconds(FILE *out, int64_t ns);

#endif
