/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/duration.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Longer ones would not fit, and are beyond every bound. */
#define MAX_DIGITS 9

/* 0 where it is no unit. */
static int64_t seconds_of(const char *unit)
{
	static const struct {
		const char *name;
		int64_t seconds;
	} units[] = { { "s", 1 }, { "m", 60 }, { "h", 60 * 60 } };

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(unit, units[i].name) == 0)
			return units[i].seconds;
	return 0;
}

static bool parse(const char *text, int64_t *out_s)
{
	size_t digits = strspn(text, "0123456789");
	int64_t unit_s = seconds_of(text + digits);

	if (digits == 0 || digits > MAX_DIGITS || unit_s == 0)
		return false;
	*out_s = strtol(text, NULL, 10) * unit_s;
	return true;
}

int duration_parse(const char *what, const char *text, int64_t min_s,
		   int64_t max_s, int64_t *out_s, struct err *err)
{
	int64_t s;

	if (parse(text, &s) && s >= min_s && s <= max_s) {
		*out_s = s;
		return 0;
	}
	return err_set(err, -EINVAL,
		       "%s: expected a time from %llds to %lldh, such as 90s, "
		       "10m or 1h, found '%s'",
		       what, (long long)min_s, (long long)max_s / (60 * 60),
		       text);
}
