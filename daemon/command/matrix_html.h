/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_COMMAND_MATRIX_HTML_H
#define NETPOLD_DAEMON_COMMAND_MATRIX_HTML_H

#include <stdbool.h>

#include "json_text.h"
#include "list_pool.h"
#include "netpold/object.h"

/**
 * The data of a page while they are written.
 *
 * All that comes often comes once, in a list, and is named by its place there:
 * sets of ports, pairs of them (what all may, what some may), policies, rules,
 * and lists of rules. What is by source is a row of numbers, told as runs:
 * [7, 40, 0, 2] are forty sevens and two zeros.
 *
 * Functions return 0 or -ENOMEM.
 */
struct matrix_html {
	FILE *out;
	struct matrix *matrix;
	const struct grid_unit *units;
	uint32_t n_units;
	struct json_text text;
	struct arena arena;
	struct arena scratch;
	struct list_pool cells;	   /* { all, some } */
	struct list_pool policies; /* a pointer, as two numbers */
	struct list_pool rules;	   /* { policy, direction, rule } */
	struct list_pool lists;	   /* of rules; the last is how many more */
	/* Of each direction: tables of rules, by the rules of all classes of a
	   unit (struct ruled); and of each unit its table, 0 being none. */
	struct list_pool tables[N_DIRECTIONS];
	uint32_t *table_of[N_DIRECTIONS];
	uint32_t *row; /* of one number by unit */
	/* By rule the list that it was last put in, counted from 1. */
	uint32_t *seen;
	size_t n_seen;
	uint32_t n_made; /* lists */
	bool has_value;
};

/* ---- matrix_html.c ------------------------------------------------------ */

/** What was written to the text is a line of the page. */
int html_end_line(struct matrix_html *h);

void html_begin_key(struct matrix_html *h, const char *key);

/** Write h->row as runs. */
void html_write_row(struct matrix_html *h);

/* ---- matrix_html_rules.c ------------------------------------------------ */

/** The place of a policy. */
int html_get_policy(struct matrix_html *h, const struct network_policy *policy,
		    uint32_t *out);

/** Find out which units have the same rules: table_of. */
int html_find_tables(struct matrix_html *h, enum direction dir);

/** Of each table a row: for each unit the rules whose peers it is. */
int html_write_tables(struct matrix_html *h, enum direction dir);

/** Everything that was named by its place: rules, lists, policies. */
int html_write_rules(struct matrix_html *h);
int html_write_policies(struct matrix_html *h);

#endif
