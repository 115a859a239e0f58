/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_MEMORY_TEXT_H
#define NETPOLD_DAEMON_MEMORY_TEXT_H

#include <stdbool.h>
#include <stdio.h>

/**
 * Text that is written with stdio and stays in memory. All-zero is empty.
 */
struct memory_text {
	FILE *out; /* while it is open */
	char *text;
	size_t len;
};

/** False without memory. */
bool memory_text_open(struct memory_text *text);

/** No more is written. Returns the text, which stays @text's; NULL where it is
 *  not whole. */
const char *memory_text_close(struct memory_text *text);

void memory_text_release(struct memory_text *text);

#endif
