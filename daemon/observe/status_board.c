/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/status_board.h"

void status_board_init(struct status_board *board)
{
	pthread_mutex_init(&board->lock, NULL);
	board->status = (struct status){ 0 };
	board->stalled = (struct status_trouble){ 0 };
}

void status_board_release(struct status_board *board)
{
	pthread_mutex_destroy(&board->lock);
}

void status_board_put(struct status_board *board, const struct status *status)
{
	pthread_mutex_lock(&board->lock);
	board->status = *status;
	pthread_mutex_unlock(&board->lock);
}

void status_board_put_stalled(struct status_board *board,
			      const struct status_trouble *stalled)
{
	pthread_mutex_lock(&board->lock);
	board->stalled = *stalled;
	pthread_mutex_unlock(&board->lock);
}

void status_board_get(struct status_board *board, struct status *out)
{
	pthread_mutex_lock(&board->lock);
	*out = board->status;
	out->stalled = board->stalled;
	pthread_mutex_unlock(&board->lock);
}
