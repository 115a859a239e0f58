/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "top/top_choice.h"

#include <string.h>

static const char *const views[N_TOP_VIEWS] = { "flows", "denials",
						"would-denials" };
static const char *const sorts[N_TOP_SORTS] = { "rate", "count", "time" };

const char *top_view_name(enum top_view view)
{
	return views[view];
}

const char *top_sort_name(enum top_sort sort)
{
	return sorts[sort];
}

bool top_view_parse(const char *text, enum top_view *out)
{
	for (int i = 0; i < N_TOP_VIEWS; i++) {
		if (strcmp(text, views[i]) != 0)
			continue;
		*out = (enum top_view)i;
		return true;
	}
	return false;
}

bool top_sort_parse(const char *text, enum top_sort *out)
{
	for (int i = 0; i < N_TOP_SORTS; i++) {
		if (strcmp(text, sorts[i]) != 0)
			continue;
		*out = (enum top_sort)i;
		return true;
	}
	return false;
}

/* ---- the filter ---------------------------------------------------------- */

static void type(struct top_choice *choice, char c)
{
	size_t len = strlen(choice->filter);

	if (c < ' ' || c > '~' || len + 1 >= TOP_FILTER)
		return;
	choice->filter[len] = c;
	choice->filter[len + 1] = '\0';
}

void top_choice_filter(struct top_choice *choice, const char *text)
{
	choice->filter[0] = '\0';
	for (; *text; text++)
		type(choice, *text);
}

static void rub_out(struct top_choice *choice)
{
	size_t len = strlen(choice->filter);

	if (len > 0)
		choice->filter[len - 1] = '\0';
}

static void press_while_typing(struct top_choice *choice,
			       const struct top_key *key)
{
	choice->first = 0;
	switch (key->kind) {
	case TOP_KEY_ENTER:
		choice->is_typing = false;
		return;
	case TOP_KEY_ESCAPE:
		choice->is_typing = false;
		choice->filter[0] = '\0';
		return;
	case TOP_KEY_RUBOUT:
		rub_out(choice);
		return;
	case TOP_KEY_CHAR:
		type(choice, key->c);
		return;
	case TOP_KEY_END_OF_FILE:
		choice->is_over = true;
		return;
	default:
		return;
	}
}

/* ---- keys ---------------------------------------------------------------- */

static void turn_view(struct top_choice *choice, int by)
{
	choice->view = (enum top_view)(((int)choice->view + N_TOP_VIEWS + by) %
				       N_TOP_VIEWS);
	choice->first = 0;
}

static void press_char(struct top_choice *choice, char c)
{
	switch (c) {
	case 'q':
	case 'Q':
		choice->is_over = true;
		return;
	case '/':
		choice->is_typing = true;
		return;
	case 's':
		choice->sort =
			(enum top_sort)((choice->sort + 1) % N_TOP_SORTS);
		return;
	case 'p':
	case ' ':
		choice->is_paused = !choice->is_paused;
		return;
	case '1':
	case '2':
	case '3':
		choice->view = (enum top_view)(c - '1');
		choice->first = 0;
		return;
	case 'k':
		if (choice->first > 0)
			choice->first--;
		return;
	case 'j':
		choice->first++;
		return;
	default:
		return;
	}
}

static void move_up(struct top_choice *choice, size_t by)
{
	choice->first = choice->first > by ? choice->first - by : 0;
}

static void press(struct top_choice *choice, const struct top_key *key,
		  size_t n_rows, size_t n_shown)
{
	switch (key->kind) {
	case TOP_KEY_CHAR:
		press_char(choice, key->c);
		return;
	case TOP_KEY_TAB:
	case TOP_KEY_RIGHT:
		turn_view(choice, 1);
		return;
	case TOP_KEY_LEFT:
		turn_view(choice, -1);
		return;
	case TOP_KEY_UP:
		move_up(choice, 1);
		return;
	case TOP_KEY_DOWN:
		choice->first++;
		return;
	case TOP_KEY_PAGE_UP:
		move_up(choice, n_shown);
		return;
	case TOP_KEY_PAGE_DOWN:
		choice->first += n_shown;
		return;
	case TOP_KEY_HOME:
		choice->first = 0;
		return;
	case TOP_KEY_END:
		choice->first = n_rows;
		return;
	case TOP_KEY_ESCAPE:
		choice->filter[0] = '\0';
		return;
	case TOP_KEY_END_OF_FILE:
		choice->is_over = true;
		return;
	case TOP_KEY_ENTER:
	case TOP_KEY_RUBOUT:
	case TOP_KEY_NONE:
		return;
	}
}

void top_choice_press(struct top_choice *choice, const struct top_key *key,
		      size_t n_rows, size_t n_shown)
{
	if (choice->is_typing)
		press_while_typing(choice, key);
	else
		press(choice, key, n_rows, n_shown);
	top_choice_bound(choice, n_rows, n_shown);
}

void top_choice_bound(struct top_choice *choice, size_t n_rows, size_t n_shown)
{
	size_t last = n_rows > n_shown ? n_rows - n_shown : 0;

	if (choice->first > last)
		choice->first = last;
}
