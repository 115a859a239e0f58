/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_TESTS_DAEMON_SHELF_WATCH_H
#define NETPOLD_TESTS_DAEMON_SHELF_WATCH_H

#include <stddef.h>
#include <time.h>

/** How many manifests were opened; a test sets it to 0. */
extern size_t n_manifests_opened;

/** How many seconds the clock is ahead. With some of them all files are old. */
extern time_t clock_ahead_s;

/** Wait until a file that is written has another time: they go by the tick. */
void wait_a_tick(void);

#endif
