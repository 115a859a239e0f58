/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "time_text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define US_PER_S INT64_C(1000000)

bool time_text_format(int64_t time_us, char out[TIME_TEXT_LEN])
{
	int64_t us = (time_us % US_PER_S + US_PER_S) % US_PER_S;
	time_t seconds = (time_t)((time_us - us) / US_PER_S);
	char text[sizeof("2006-01-02T15:04:05")];
	struct tm tm;

	out[0] = '\0';
	if (!gmtime_r(&seconds, &tm) ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		return false;
	snprintf(out, TIME_TEXT_LEN, "%s.%03uZ", text,
		 (unsigned int)(us / 1000) % 1000);
	return strlen(out) + 1 == TIME_TEXT_LEN;
}
