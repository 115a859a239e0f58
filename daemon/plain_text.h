/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_PLAIN_TEXT_H
#define NETPOLD_DAEMON_PLAIN_TEXT_H

#include <stdbool.h>
#include <stdio.h>

/**
 * Words from outside, made fit for a message: a terminal obeys some bytes, and
 * half a character is no JSON.
 */

/** Longer than any name of Kubernetes, and short enough for a message. */
#define PLAIN_TEXT_LEN 320

/** Copy @text, with ? for all that is not printable ASCII, and "..." for what
 *  does not fit; returns @out. */
const char *plain_text(const char *text, char out[PLAIN_TEXT_LEN]);

/** Write @text, however long it is, with ? for all that is not printable
 *  ASCII. */
void plain_text_write(FILE *out, const char *text);

/** Make @text fit for a message where it is, as long as it is: ? for all that
 *  is not printable ASCII. */
void plain_text_clean(char *text);

/** Whether plain_text() would leave @text as it is. */
bool plain_text_is(const char *text);

#endif
