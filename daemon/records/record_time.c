/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "records/record_time.h"

#include <stddef.h>
#include <string.h>
#include <time.h>

#define US_PER_S INT64_C(1000000)
#define US_DIGITS 6
#define MAX_DIGITS 9

/* Of a time, up to its seconds: 0 is any digit. */
static const char shape[] = "0000-00-00T00:00:00";

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool has_shape(const char *text)
{
	for (size_t i = 0; shape[i]; i++) {
		if (shape[i] == '0' ? !is_digit(text[i]) : text[i] != shape[i])
			return false;
	}
	return true;
}

static int number_at(const char *text, int n)
{
	int value = 0;

	for (int i = 0; i < n; i++)
		value = value * 10 + (text[i] - '0');
	return value;
}

/* What is behind the seconds. */
static bool read_fraction(const char *text, int64_t *us)
{
	size_t n;

	*us = 0;
	if (*text != '.')
		return strcmp(text, "Z") == 0;
	text++;
	n = strspn(text, "0123456789");
	if (n == 0 || n > MAX_DIGITS || strcmp(text + n, "Z") != 0)
		return false;
	for (size_t i = 0; i < US_DIGITS; i++)
		*us = *us * 10 + (i < n ? text[i] - '0' : 0);
	return true;
}

bool record_time_read(const char *text, int64_t *out)
{
	struct tm tm = { 0 };
	int64_t us;

	if (!has_shape(text) || !read_fraction(text + strlen(shape), &us))
		return false;
	tm.tm_year = number_at(text, 4) - 1900;
	tm.tm_mon = number_at(text + 5, 2) - 1;
	tm.tm_mday = number_at(text + 8, 2);
	tm.tm_hour = number_at(text + 11, 2);
	tm.tm_min = number_at(text + 14, 2);
	tm.tm_sec = number_at(text + 17, 2);
	if (tm.tm_mon < 0 || tm.tm_mon > 11 || tm.tm_mday < 1 ||
	    tm.tm_mday > 31 || tm.tm_hour > 23 || tm.tm_min > 59 ||
	    tm.tm_sec > 60)
		return false;
	*out = (int64_t)timegm(&tm) * US_PER_S + us;
	return true;
}
