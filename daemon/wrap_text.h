/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_WRAP_TEXT_H
#define NETPOLD_DAEMON_WRAP_TEXT_H

#include <stdio.h>

/** Of lines, in characters. */
#define WRAP_WIDTH 100

/**
 * Write a list, and end the line.
 *
 * Where it does not fit, it goes on in the next line. Breaks are only behind
 * commas, so that names stay whole.
 *
 * @column  where the line has come to, and where the next ones begin
 */
void wrap_text_write(FILE *out, const char *text, int column);

/** The same for sentences: breaks are between any two words. */
void wrap_text_write_words(FILE *out, const char *text, int column);

#endif
