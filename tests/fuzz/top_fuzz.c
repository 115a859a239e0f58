/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whatever is typed, and whatever a daemon tells, a page fits into the
 * terminal, and has nothing in it that a terminal would obey.
 *
 *	byte	what it is
 *	0	columns of the terminal
 *	1	lines
 *	2…	keys, up to a zero byte
 *		an answer, JSON
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "top/top_choice.h"
#include "top/top_keys.h"
#include "top/top_numbers.h"
#include "top/top_page.h"
#include "top/top_rows.h"
#include "top/top_sample.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void press_all(struct top_choice *choice, const char *typed, size_t len)
{
	struct top_keys keys = { .n = 0 };
	struct top_key key;
	size_t fed = 0;

	do {
		fed += top_keys_feed(&keys, typed + fed, len - fed);
		while (top_keys_next(&keys, fed == len, &key))
			top_choice_press(choice, &key, 100, 10);
	} while (fed < len);
	if (keys.n != 0 || choice->first > 90)
		abort();
}

static void check_page(const char *text, size_t width, size_t height)
{
	size_t n_lines = 0;

	for (; *text; n_lines++) {
		size_t len = strcspn(text, "\n");

		if (len > width || text[len] != '\n')
			abort();
		for (size_t i = 0; i < len; i++)
			if (text[i] < ' ' || text[i] > '~')
				abort();
		text += len + 1;
	}
	if (n_lines > height)
		abort();
}

static void show(const struct top_sample *sample, struct top_choice *choice,
		 size_t width, size_t height)
{
	struct top_rows rows = { .n = 0 };
	struct top_numbers numbers;
	const struct top_page page = { .sample = sample,
				       .numbers = &numbers,
				       .rows = &rows,
				       .choice = choice,
				       .width = width,
				       .height = height,
				       .has_keys = true };
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out || top_rows_read(&rows, sample->flows, choice) < 0)
		abort();
	top_numbers_read(&numbers, NULL, sample);
	top_choice_bound(choice, rows.n, top_page_n_shown(&page));
	top_page_write(out, &page);
	fclose(out);
	check_page(text, width, height);
	free(text);
	top_rows_release(&rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct top_choice choice = { .view = TOP_FLOWS };
	struct top_sample sample = { .at_us = 1 };
	const uint8_t *end;
	size_t n_keys, n_told;

	if (size < 2)
		return 0;
	end = memchr(data + 2, 0, size - 2);
	n_keys = end ? (size_t)(end - data) - 2 : size - 2;
	press_all(&choice, (const char *)data + 2, n_keys);
	n_told = end ? size - n_keys - 3 : 0;
	sample.flows =
		json_loadb((const char *)data + size - n_told, n_told, 0, NULL);
	/* All of it by one who tells everything in one answer. */
	sample.status = json_incref(json_object_get(sample.flows, "status"));
	sample.metrics = json_incref(json_object_get(sample.flows, "metrics"));
	show(&sample, &choice, data[0] + 1u, data[1] + 1u);
	top_sample_release(&sample);
	return 0;
}
