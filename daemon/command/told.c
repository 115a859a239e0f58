/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/told.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define US_PER_S INT64_C(1000000)

/* ---- reading ------------------------------------------------------------ */

const char *told_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "?";
}

double told_number(const json_t *object, const char *key)
{
	const json_t *number = json_object_get(object, key);

	return json_is_number(number) ? json_number_value(number) : NAN;
}

int64_t told_time_us(const json_t *object, const char *key)
{
	struct tm tm = { 0 };
	const char *fraction =
		strptime(told_text(object, key), "%Y-%m-%dT%H:%M:%S", &tm);

	if (!fraction)
		return 0;
	return (int64_t)timegm(&tm) * US_PER_S +
	       (int64_t)(strtod(fraction, NULL) * (double)US_PER_S);
}

static const json_t *values_of(const json_t *metrics, const char *name)
{
	const json_t *metric;
	size_t i;

	json_array_foreach(metrics, i, metric)
	{
		if (strcmp(told_text(metric, "name"), name) == 0)
			return json_object_get(metric, "values");
	}
	return NULL;
}

double told_sum(const json_t *metrics, const char *name)
{
	const json_t *values = values_of(metrics, name), *value;
	double sum = json_array_size(values) > 0 ? 0 : NAN;
	size_t i;

	json_array_foreach(values, i, value) sum += told_number(value, "value");
	return sum;
}

double told_value(const json_t *metrics, const char *name, const char *label,
		  const char *label_value)
{
	const json_t *value;
	size_t i;

	json_array_foreach(values_of(metrics, name), i, value)
	{
		const json_t *labels = json_object_get(value, "labels");

		if (strcmp(told_text(labels, label), label_value) == 0)
			return told_number(value, "value");
	}
	return NAN;
}

/* ---- writing ------------------------------------------------------------ */

void told_write_text(FILE *out, const char *text)
{
	for (const char *p = text; *p; p++) {
		bool is_c1 = p[0] == '\xc2' && (unsigned char)p[1] < 0xa0;

		if ((unsigned char)*p < ' ' || *p == '\x7f' || is_c1)
			fputc('?', out);
		else
			fputc(*p, out);
		p += is_c1 && p[1];
	}
}

void told_write_number(FILE *out, int width, double number)
{
	if (isnan(number))
		fprintf(out, "%*s", width, "?");
	else
		fprintf(out, "%*.0f", width, number);
}

void told_write_duration(FILE *out, int64_t duration_us)
{
	int64_t s = duration_us > 0 ? duration_us / US_PER_S : 0;

	if (s < 60)
		fprintf(out, "%" PRId64 " s", s);
	else if (s < 3600)
		fprintf(out, "%" PRId64 " min %" PRId64 " s", s / 60, s % 60);
	else if (s < 86400)
		fprintf(out, "%" PRId64 " h %" PRId64 " min", s / 3600,
			s % 3600 / 60);
	else
		fprintf(out, "%" PRId64 " d %" PRId64 " h", s / 86400,
			s % 86400 / 3600);
}
