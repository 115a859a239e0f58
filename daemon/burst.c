/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "burst.h"

bool burst_look(struct burst *burst, uint64_t count, int64_t now_us)
{
	bool quiet =
		!burst->last_us || now_us - burst->last_us >= BURST_QUIET_US;
	bool grown = count > burst->count;

	burst->count = count;
	if (grown)
		burst->last_us = now_us;
	return grown && quiet;
}
