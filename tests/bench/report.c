/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void report_add(struct report *report, double sample)
{
	if (report->n < REPORT_MAX_SAMPLES)
		report->samples[report->n++] = sample;
}

void report_note(struct report *report, const char *fmt, ...)
{
	size_t used = strlen(report->note);
	va_list args;

	if (used > 0)
		used += (size_t)snprintf(report->note + used,
					 sizeof(report->note) - used, "; ");
	if (used >= sizeof(report->note))
		return;
	va_start(args, fmt);
	vsnprintf(report->note + used, sizeof(report->note) - used, fmt, args);
	va_end(args);
}

void report_print(const struct report *report)
{
	printf("{\"samples\": [");
	for (size_t i = 0; i < report->n; i++)
		printf("%s%.4f", i > 0 ? ", " : "", report->samples[i]);
	printf("], \"note\": \"%s\"}\n", report->note);
}
