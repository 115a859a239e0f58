/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_COMMAND_MATRIX_BODY_H
#define NETPOLD_DAEMON_COMMAND_MATRIX_BODY_H

#include "command/matrix.h"

/**
 * Who may reach one unit, as lines of text: on which ports, and who.
 *
 *	    8080/TCP                  web of the same namespace
 *	    9102/TCP                  monitoring/prometheus
 */
struct matrix_body {
	char *text; /* in the arena; "" where nobody may */
	bool told_own;
};

/**
 * @own  a namespace that is told as "the same namespace", or NULL
 *
 * Returns  0 or -ENOMEM.
 */
int matrix_body_make(struct matrix *matrix, uint32_t to,
		     const struct who_namespace *own, struct arena *arena,
		     struct matrix_body *out);

#endif
