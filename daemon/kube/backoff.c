/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kube/backoff.h"

#define FIRST_US INT64_C(800000)
#define MOST_US INT64_C(30000000)
#define FORGET_US INT64_C(120000000)
#define US_PER_S INT64_C(1000000)

/* A server that asks for a day is asked again within ten minutes or twenty. */
#define MAX_RETRY_AFTER_S 600

int64_t backoff_jitter(int64_t us, uint32_t random)
{
	return us + (us * (random >> 8) >> 24);
}

static void count(struct backoff *backoff, int64_t now_us)
{
	if (now_us - backoff->last_us >= FORGET_US)
		backoff->n_failures = 0;
	backoff->last_us = now_us;
	backoff->n_failures++;
}

int64_t backoff_fail(struct backoff *backoff, int64_t now_us, uint32_t random,
		     int retry_after_s)
{
	int64_t wait_us = FIRST_US;

	count(backoff, now_us);
	for (unsigned int i = 1; i < backoff->n_failures && wait_us < MOST_US;
	     i++)
		wait_us *= 2;
	if (wait_us > MOST_US)
		wait_us = MOST_US;
	if (retry_after_s > MAX_RETRY_AFTER_S)
		retry_after_s = MAX_RETRY_AFTER_S;
	if (wait_us < retry_after_s * US_PER_S)
		wait_us = retry_after_s * US_PER_S;
	return backoff_jitter(wait_us, random);
}

int64_t backoff_fail_slowly(struct backoff *backoff, int64_t now_us,
			    uint32_t random)
{
	count(backoff, now_us);
	return backoff_jitter(MOST_US, random);
}
