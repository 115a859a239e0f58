/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_TESTS_BENCH_ALLOCATIONS_H
#define NETPOLD_TESTS_BENCH_ALLOCATIONS_H

#include <stddef.h>

/**
 * How often the program has asked for memory so far. The linker leads every
 * call here that the library or the benchmark makes (--wrap); what libc asks
 * for inside itself does not count.
 *
 * Threads  one.
 */
size_t allocations(void);

#endif
