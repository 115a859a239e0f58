/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_LIST_TEXT_H
#define NETPOLD_DAEMON_LIST_TEXT_H

#include <stdbool.h>
#include <stdio.h>

/**
 * Lists in a sentence: "a", "a or b", "a, b or c", "a, b, … or 12 more".
 *
 * What a policy can make long is told up to a bound and then counted, so that
 * somebody reads the line to its end.
 */
#define LIST_TEXT_MAX 8

/**
 * Write what stands before item @i of @n.
 *
 * @joint  between the last two: " and ", " or ", ", or "
 *
 * Returns  whether the item is to follow; false where the list ends early,
 *          which has been said.
 */
bool list_text_begin_item(FILE *out, size_t i, size_t n, const char *joint);

#endif
