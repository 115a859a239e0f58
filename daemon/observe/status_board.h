/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_STATUS_BOARD_H
#define NETPOLD_DAEMON_OBSERVE_STATUS_BOARD_H

#include <pthread.h>

#include "observe/status.h"

/**
 * Where the controller puts the status up, and observers read it: always a
 * whole one, under a lock that is held for the time of a copy.
 *
 * Threads  any, between init and release.
 */
struct status_board {
	pthread_mutex_t lock;
	struct status status; /* under the lock */
};

void status_board_init(struct status_board *board);
void status_board_release(struct status_board *board);

void status_board_put(struct status_board *board, const struct status *status);
void status_board_get(struct status_board *board, struct status *out);

#endif
