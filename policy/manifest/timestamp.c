/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * By hand, because mktime(3) and its kin ask the machine for its time zone,
 * and a pod would be older on one machine than on another.
 */
#include "timestamp.h"

#include <errno.h>
#include <stdbool.h>

struct cursor {
	const char *at;
	const char *end;
};

static bool skip_char(struct cursor *c, char wanted)
{
	if (c->at == c->end || *c->at != wanted)
		return false;
	c->at++;
	return true;
}

/* Exactly n digits, within a range. */
static bool read_number(struct cursor *c, int n, int low, int high, int *out)
{
	int value = 0;

	for (int i = 0; i < n; i++) {
		if (c->at == c->end || *c->at < '0' || *c->at > '9')
			return false;
		value = value * 10 + (*c->at++ - '0');
	}
	*out = value;
	return value >= low && value <= high;
}

static bool is_leap_year(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30,
				    31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && is_leap_year(year));
}

/*
 * Days since 1970-01-01 in the Gregorian calendar. Years are counted from
 * March, so that the leap day is the last of its year, and from 400 years,
 * which are 146,097 days, before the year 0, so that none is negative.
 */
static int64_t days_since_epoch(int year, int month, int day)
{
	int64_t y = 400 + (month > 2 ? year : year - 1);
	int64_t months_since_march = (month + 9) % 12;
	int64_t day_of_year = (153 * months_since_march + 2) / 5 + day - 1;

	return 365 * y + y / 4 - y / 100 + y / 400 + day_of_year - 719468 -
	       146097;
}

static void skip_fraction(struct cursor *c)
{
	struct cursor before = *c;

	if (!skip_char(c, '.') && !skip_char(c, ','))
		return;
	if (c->at == c->end || *c->at < '0' || *c->at > '9') {
		*c = before;
		return;
	}
	while (c->at < c->end && *c->at >= '0' && *c->at <= '9')
		c->at++;
}

/* "Z", or "+02:00" as seconds. */
static bool read_offset(struct cursor *c, int *out)
{
	int hours, minutes, sign = 1;

	*out = 0;
	if (skip_char(c, 'Z'))
		return true;
	if (skip_char(c, '-'))
		sign = -1;
	else if (!skip_char(c, '+'))
		return false;
	if (!read_number(c, 2, 0, 24, &hours) || !skip_char(c, ':') ||
	    !read_number(c, 2, 0, 60, &minutes))
		return false;
	*out = sign * (hours * 3600 + minutes * 60);
	return true;
}

int timestamp_parse(const char *text, size_t len, int64_t *out)
{
	struct cursor c = { .at = text, .end = text + len };
	int year, month, day, hour, minute, second, offset;

	if (!read_number(&c, 4, 0, 9999, &year) || !skip_char(&c, '-') ||
	    !read_number(&c, 2, 1, 12, &month) || !skip_char(&c, '-') ||
	    !read_number(&c, 2, 1, days_in_month(year, month), &day) ||
	    !skip_char(&c, 'T') || !read_number(&c, 2, 0, 23, &hour) ||
	    !skip_char(&c, ':') || !read_number(&c, 2, 0, 59, &minute) ||
	    !skip_char(&c, ':') || !read_number(&c, 2, 0, 59, &second))
		return -EINVAL;
	skip_fraction(&c);
	if (!read_offset(&c, &offset) || c.at != c.end)
		return -EINVAL;
	*out = days_since_epoch(year, month, day) * 86400 + hour * 3600 +
	       minute * 60 + second - offset;
	return 0;
}
