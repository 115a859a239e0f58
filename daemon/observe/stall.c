/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why three looks. A packet that waits may have come a moment ago, and a worker
 * that has received nothing between two looks may have had nothing to receive:
 *
 *	look		1		2		3
 *	waiting		a		b		b
 *	received	7		7		7
 *
 * At look 1 the verdict of a was on its way, at look 2 b had just come, and in
 * between there was silence: all is well so far. But at look 3 b has waited
 * since look 2 without being received; or, were it among the 7 already, it
 * would have waited for its verdict since look 1. Either way the worker has
 * done nothing for one packet for as long as lies between two looks.
 */
#include "observe/stall.h"

bool stall_lasts(const struct stall *stall)
{
	return stall->n_still >= STALL_LOOKS;
}

enum stall_news stall_look(struct stall *stall, uint32_t waiting,
			   uint64_t received, int64_t now_us)
{
	bool lasted = stall_lasts(stall);
	bool moves = waiting == 0 || stall->n_still == 0 ||
		     received != stall->received;

	stall->received = received;
	if (!moves) {
		if (!lasted)
			stall->n_still++;
		return !lasted && stall_lasts(stall) ? STALL_BEGAN
						     : STALL_NO_NEWS;
	}
	stall->n_still = waiting > 0;
	stall->since_us = now_us;
	return lasted ? STALL_ENDED : STALL_NO_NEWS;
}
