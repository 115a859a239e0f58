/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_STATUS_BOARD_H
#define NETPOLD_DAEMON_OBSERVE_STATUS_BOARD_H

#include <pthread.h>

#include "observe/status.h"

/**
 * Where the controller puts the status up, and the watchdog what it has seen,
 * and observers read both as one: always whole, under a lock that is held for
 * the time of a copy.
 *
 * Threads  any, between init and release.
 */
struct status_board {
	pthread_mutex_t lock;
	/* under the lock */
	struct status status;
	struct status_trouble stalled;
};

void status_board_init(struct status_board *board);
void status_board_release(struct status_board *board);

/** All but status.stalled, which is passed over. */
void status_board_put(struct status_board *board, const struct status *status);

/** The rest. since_us is 0 when all workers move. */
void status_board_put_stalled(struct status_board *board,
			      const struct status_trouble *stalled);

void status_board_get(struct status_board *board, struct status *out);

#endif
