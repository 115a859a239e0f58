/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Seconds of the clock stand in a circle, each at its remainder by the size of
 * it. What is older than the circle is overwritten when it is met again, and
 * not counted until then:
 *
 *	now 12.4 s	   7    8    9   10   11   12
 *			gone [....counted..............]
 *
 * The second that is under way is not over, so that the window is 4.4 seconds
 * long here.
 */
#include "flowlog/flow_rate.h"

#include <string.h>

#define US_PER_S 1000000

/* Forget the seconds between the last one that was added to and this one. */
static void move_to(struct flow_rate *rate, int64_t second)
{
	int64_t n = second - rate->second;

	if (n >= FLOW_RATE_S)
		memset(rate->counts, 0, sizeof(rate->counts));
	for (int64_t i = 1; n < FLOW_RATE_S && i <= n; i++)
		rate->counts[(rate->second + i) % FLOW_RATE_S] = 0;
	rate->second = second;
}

void flow_rate_add(struct flow_rate *rate, uint64_t n, int64_t now_us)
{
	int64_t second = now_us / US_PER_S;

	if (second > rate->second)
		move_to(rate, second);
	rate->counts[rate->second % FLOW_RATE_S] += n;
}

double flow_rate_per_second(const struct flow_rate *rate, int64_t began_us,
			    int64_t now_us)
{
	struct flow_rate moved = *rate;
	int64_t second = now_us / US_PER_S;
	int64_t from_us = (second - FLOW_RATE_S + 1) * US_PER_S;
	double sum = 0;

	if (second > moved.second)
		move_to(&moved, second);
	for (int i = 0; i < FLOW_RATE_S; i++)
		sum += (double)moved.counts[i];
	if (began_us > from_us)
		from_us = began_us;
	/* Of a moment there is no rate. */
	if (now_us - from_us < US_PER_S)
		return sum;
	return sum * US_PER_S / (double)(now_us - from_us);
}
