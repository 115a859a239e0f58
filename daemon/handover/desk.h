/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_HANDOVER_DESK_H
#define NETPOLD_DAEMON_HANDOVER_DESK_H

#include <stdatomic.h>

#include <jansson.h>

#include "netpold/err.h"

#include "handover/terms.h"

/**
 * Where a new netpold asks to take over, and the conversation goes from the
 * thread that answers requests to the controller.
 */
struct desk {
	int asked[2]; /* a pipe: descriptors of conversations, as numbers */
	atomic_bool open;
	struct terms terms; /* written before it is open */
};

int desk_init(struct desk *desk, struct err *err);
void desk_release(struct desk *desk);

/** From now on who agrees to the terms may take over. Controller only. */
void desk_open(struct desk *desk, const struct terms *terms);

/** The answer to {"hand-over": {terms}} (request.h). Observer only. */
json_t *desk_answer(struct desk *desk, const json_t *request, struct err *err);

/** Who has been answered goes to the controller. Owns @fd. Observer only. */
void desk_take(struct desk *desk, int fd);

/** Readable when somebody has asked. */
int desk_fd(const struct desk *desk);

/** Who has asked: a descriptor for the caller; -1: nobody. Controller only. */
int desk_next(struct desk *desk);

#endif
