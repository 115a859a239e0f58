/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kube/retry_after.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <curl/curl.h>

static int within_limits(int64_t seconds)
{
	if (seconds < 0)
		return 0;
	return seconds > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S : (int)seconds;
}

int retry_after_read(const char *text, int64_t now_us)
{
	size_t n_digits = strspn(text, "0123456789");
	time_t date;

	if (n_digits > 0 && !text[n_digits]) /* strtoll() stops at its limit */
		return within_limits(strtoll(text, NULL, 10));
	date = curl_getdate(text, NULL);
	return date < 0 ? -1 : within_limits(date - now_us / 1000000);
}
