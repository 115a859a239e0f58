/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_TESTS_BENCH_LATENCY_H
#define NETPOLD_TESTS_BENCH_LATENCY_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define LATENCY_STEP_NS 100
#define LATENCY_STEPS 65536 /* the last one holds all that took longer */

/** How often something took how long. Any thread may count and read. */
struct latency {
	_Atomic uint32_t counts[LATENCY_STEPS];
};

void latency_count(struct latency *latency, uint64_t ns);

/** The median in microseconds; 0 if nothing was counted. */
double latency_median_us(const struct latency *latency);

/** Forget what has been counted; what is counted meanwhile may be, too. */
void latency_reset(struct latency *latency);

#endif
