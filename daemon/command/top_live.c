/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "netpold/cleanup.h"
#include "netpold/err.h"

#include "clock.h"
#include "command/command.h"
#include "command/top.h"
#include "log.h"
#include "top/terminal.h"
#include "top/top_choice.h"
#include "top/top_keys.h"
#include "top/top_numbers.h"
#include "top/top_page.h"
#include "top/top_rows.h"
#include "top/top_sample.h"

/* How long what comes after an escape may take, if it is the beginning of a
   key. */
#define KEY_MS 50

struct live {
	const struct top_options *options;
	struct terminal terminal;
	struct top_choice choice;
	struct top_keys keys;
	struct top_sample before, now; /* what is shown, and what was before */
	struct top_numbers numbers;
	struct top_rows rows;
	struct err trouble; /* code 0: there is none */
	int64_t due_us;	    /* when to ask next */
	int error;	    /* of the terminal; 0 or a negative errno */
};

/* ---- what a daemon tells ------------------------------------------------- */

static void take(struct live *live, const struct top_sample *sample)
{
	bool was_known = live->now.metrics;

	top_sample_release(&live->before);
	live->before = live->now;
	live->now = *sample;
	top_numbers_read(&live->numbers, was_known ? &live->before : NULL,
			 &live->now);
}

/* Where it is paused, it is only asked so that it goes on counting. Where
   nobody answers, what was told last stays to be seen. */
static void ask(struct live *live)
{
	struct top_sample sample;
	int r = top_ask(live->options->path, &sample, &live->trouble);

	live->due_us = clock_us() + live->options->interval_s * 1000000;
	if (r < 0)
		return;
	live->trouble.code = 0;
	if (live->choice.is_paused)
		top_sample_release(&sample);
	else
		take(live, &sample);
}

/* ---- what is seen -------------------------------------------------------- */

static struct top_page page_of(const struct live *live)
{
	struct terminal_size size = terminal_size();

	return (struct top_page){
		.sample = &live->now,
		.numbers = &live->numbers,
		.rows = &live->rows,
		.choice = &live->choice,
		.trouble = live->trouble.code ? live->trouble.message : NULL,
		.width = size.columns,
		.height = size.lines,
		.has_keys = true,
		.has_colours = !getenv("NO_COLOR"),
	};
}

static int show(struct live *live)
{
	struct top_page page;
	char *text = NULL;
	size_t len = 0;
	FILE *out;
	int r = top_rows_read(&live->rows, live->now.flows, &live->choice);

	if (r < 0)
		return r;
	page = page_of(live);
	top_choice_bound(&live->choice, live->rows.n, top_page_n_shown(&page));
	out = open_memstream(&text, &len);
	if (!out)
		return -ENOMEM;
	top_page_write(out, &page);
	r = fclose(out) == 0 ? terminal_show(text) : -ENOMEM;
	free(text);
	return r;
}

/* ---- keys ---------------------------------------------------------------- */

static void press_all(struct live *live, bool is_quiet)
{
	struct top_page page = page_of(live);
	size_t n_shown = top_page_n_shown(&page);
	struct top_key key;

	while (top_keys_next(&live->keys, is_quiet, &key))
		top_choice_press(&live->choice, &key, live->rows.n, n_shown);
}

static void read_keys(struct live *live)
{
	char bytes[32];
	size_t n = terminal_read(bytes, sizeof(bytes)), fed = 0;

	if (n == 0)
		live->choice.is_over = true;
	while (fed < n) {
		fed += top_keys_feed(&live->keys, bytes + fed, n - fed);
		press_all(live, false);
	}
}

static int timeout_ms(const struct live *live)
{
	int64_t left_us = live->due_us - clock_us();
	int left_ms = left_us > 0 ? (int)(left_us / 1000) + 1 : 0;

	return live->keys.n > 0 && left_ms > KEY_MS ? KEY_MS : left_ms;
}

static void wait_for_something(struct live *live)
{
	switch (terminal_wait(&live->terminal, timeout_ms(live))) {
	case TERMINAL_KEYS:
		read_keys(live);
		return;
	case TERMINAL_ENDS:
		live->choice.is_over = true;
		return;
	case TERMINAL_QUIET:
		press_all(live, true);
		return;
	case TERMINAL_RESIZED:
		return;
	}
}

/* ---- all of it ----------------------------------------------------------- */

static void go_on(struct live *live)
{
	while (!live->choice.is_over && live->error == 0) {
		if (clock_us() >= live->due_us)
			ask(live);
		live->error = show(live);
		if (live->error == 0)
			wait_for_something(live);
	}
}

static void release(struct live *live)
{
	terminal_close(&live->terminal);
	top_sample_release(&live->before);
	top_sample_release(&live->now);
	top_rows_release(&live->rows);
}

int top_live(const struct top_options *options)
{
	CLEANUP(release)
	struct live live = { .options = options, .choice = options->choice };
	int r;

	/* Where there is nobody from the start, that is all there is to say. */
	ask(&live);
	r = live.trouble.code;
	if (r == 0)
		r = terminal_open(&live.terminal, &live.trouble);
	if (r < 0) {
		log_error("%s", live.trouble.message);
		return EXIT_TROUBLE;
	}
	go_on(&live);
	terminal_close(&live.terminal);
	if (live.error == -ENOMEM)
		log_error("no memory to show it");
	return live.error == -ENOMEM ? EXIT_TROUBLE : EXIT_OK;
}
