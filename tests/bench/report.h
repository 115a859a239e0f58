/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_TESTS_BENCH_REPORT_H
#define NETPOLD_TESTS_BENCH_REPORT_H

#include <stddef.h>

#define REPORT_MAX_SAMPLES 1000

/**
 * What a row has measured: samples, of which the caller of the program takes
 * the median, and what else is worth reading. All zero is an empty one.
 */
struct report {
	double samples[REPORT_MAX_SAMPLES];
	size_t n;
	char note[2048];
};

void report_add(struct report *report, double sample);

/** One more sentence; no quotation marks, please. */
void report_note(struct report *report, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/** One line of JSON, {"samples": […], "note": "…"}. */
void report_print(const struct report *report);

#endif
