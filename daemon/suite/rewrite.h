/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_SUITE_REWRITE_H
#define NETPOLD_DAEMON_SUITE_REWRITE_H

#include "netpold/err.h"

#include "suite/result.h"
#include "suite/suite.h"

/**
 * Write what was seen into the file of a suite as what is expected.
 *
 * Only the words of the expectations change: comments, order and layout stay.
 * In a table, columns keep their places where there are blanks to keep them by.
 * The new file takes the place of the old one at once, with its mode.
 *
 * Returns  0; a negative errno with a message, and the file is as it was.
 */
int suite_rewrite(const struct suite *suite, const struct suite_result *result,
		  struct err *err);

/**
 * The new text alone.
 *
 * Returns  0 or -ENOMEM.
 * Owns     @out is the caller's to free.
 */
int suite_rewrite_text(const struct suite *suite,
		       const struct suite_result *result, char **out,
		       size_t *len);

#endif
