/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_TOP_TOP_PAGE_H
#define NETPOLD_DAEMON_TOP_TOP_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/**
 * What is shown, as lines of text:
 *
 *	netpold 0.1.0 on node-a: all is in force
 *	judged 1203/s  allowed 1100/s  denied 103/s  queue 3 of 1024  …
 *	[flows] denials would-denials  by rate  17 rows
 *
 *	FROM         TO         PORT      VERDICT  RATE/s  COUNT  WHY
 *	guests/cat   shop/web   8080/TCP  deny        2.4     12  ingress: …
 *
 * Columns that there is no room for are left out, those that tell least first;
 * names that are too long end in ~. No line is longer than the width.
 */
struct top_choice;
struct top_numbers;
struct top_rows;
struct top_sample;

struct top_page {
	const struct top_sample *sample;
	const struct top_numbers *numbers;
	const struct top_rows *rows;
	const struct top_choice *choice;
	const char *trouble; /* in place of an answer; NULL: there is one */
	size_t width;	     /* columns; 0: as many as it takes */
	size_t height;	     /* lines; 0: likewise */
	bool has_keys;	     /* there is somebody to press them */
	bool has_colours;
};

/** How many rows are shown at a time; 0: all there are. */
size_t top_page_n_shown(const struct top_page *page);

/** Write it. Every line has its end, the last one too. */
void top_page_write(FILE *out, const struct top_page *page);

#endif
