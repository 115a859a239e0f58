/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_TESTS_POLICY_RANDOM_H
#define NETPOLD_TESTS_POLICY_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * Random numbers that a seed brings back on every machine (SplitMix64).
 */
struct random {
	uint64_t state;
};

uint64_t random_next(struct random *random);

/** 0 … n - 1; n > 0. */
size_t random_below(struct random *random, size_t n);

/** first … last, both included. */
long random_between(struct random *random, long first, long last);

/** True in this many cases of a hundred. */
bool random_percent(struct random *random, unsigned int percent);

/** One item of an array. */
#define random_pick(random, array)                                             \
	((array)[random_below(random, sizeof(array) / sizeof((array)[0]))])

/** Put numbers 0 … n - 1 into random order. */
void random_order(struct random *random, size_t *order, size_t n);

/** A number that whoever runs the test has put into the environment. */
uint64_t random_setting(const char *variable, uint64_t otherwise);

/** Text that grows. An all-zero struct is empty. */
struct writer {
	char *data;
	size_t len;
	size_t room;
};

void writer_add(struct writer *writer, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void writer_release(struct writer *writer);
/** What was written, for the caller to free; the writer is empty after it. */
char *writer_take(struct writer *writer);

#endif
