/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules behind each cell. Pods of a unit may be of several classes: with
 * addresses of both families, or of different labels. What is told of a unit is
 * what any of its classes has, towards any of the other unit's.
 */
#include "command/matrix_html.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "command/matrix.h"
#include "rule_text.h"

/* Rules that are named as the reason of a cell; more are counted. */
#define MAX_RULES 12

/* ---- what is named by its place ----------------------------------------- */

int html_get_policy(struct matrix_html *h, const struct network_policy *policy,
		    uint32_t *out)
{
	uint64_t word = (uintptr_t)policy;
	const uint32_t halves[2] = { (uint32_t)word, (uint32_t)(word >> 32) };

	return list_pool_get(&h->policies, halves, 2, out);
}

static const struct network_policy *policy_at(const struct matrix_html *h,
					      uint32_t i)
{
	const uint32_t *halves = h->policies.lists[i].items;

	return (const struct network_policy *)(uintptr_t)((uint64_t)halves[1]
								  << 32 |
							  halves[0]);
}

/* Rules in the list that is made. */
struct rule_list {
	struct matrix_html *html;
	enum direction dir;
	uint32_t items[MAX_RULES + 1];
	uint32_t n, n_more;
};

/* Whether a rule is new to the list in work. 0 or 1; -ENOMEM. */
static int see_rule(struct matrix_html *h, uint32_t rule)
{
	if (rule >= h->n_seen) {
		size_t n = (size_t)rule * 2 + 64;
		uint32_t *grown = realloc(h->seen, n * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		memset(grown + h->n_seen, 0, (n - h->n_seen) * sizeof(*grown));
		h->seen = grown;
		h->n_seen = n;
	}
	if (h->seen[rule] == h->n_made)
		return 0;
	h->seen[rule] = h->n_made;
	return 1;
}

static int add_rule(void *ctx, const struct network_policy *policy, size_t rule)
{
	struct rule_list *list = ctx;
	uint32_t key[3] = { 0, list->dir, (uint32_t)rule }, place;
	int r = html_get_policy(list->html, policy, &key[0]);

	if (r == 0)
		r = list_pool_get(&list->html->rules, key, 3, &place);
	if (r == 0)
		r = see_rule(list->html, place);
	if (r <= 0)
		return r;
	if (list->n == MAX_RULES)
		list->n_more++;
	else
		list->items[list->n++] = place;
	return 0;
}

/* ---- tables of rules ---------------------------------------------------- */

/* A class that stands for all that have its rules and its family. */
struct ruled {
	const struct object *const *policies; /* the list is the rules' own */
	enum ip_family family;
	uint32_t class;
};

static int compare_ruled(const void *a, const void *b)
{
	const struct ruled *p = a, *q = b;

	if (p->policies != q->policies)
		return (uintptr_t)p->policies < (uintptr_t)q->policies ? -1 : 1;
	return (int)p->family - (int)q->family;
}

/* Those of a unit, in scratch; NULL without memory. */
static struct ruled *list_ruled(struct matrix_html *h, uint32_t unit,
				enum direction dir, size_t *n)
{
	const struct reach *reach = grid_reach(h->matrix->grid);
	size_t n_units_classes, n_classes, kept = 0;
	const uint32_t *classes =
		grid_classes(h->matrix->grid, unit, &n_units_classes);
	const struct reach_class *all = reach_classes(reach, &n_classes);
	struct ruled *list =
		arena_array(&h->scratch, n_units_classes, sizeof(*list));

	*n = 0;
	for (size_t i = 0; list && i < n_units_classes; i++) {
		struct ruled *ruled = &list[*n];

		ruled->class = classes[i];
		ruled->family = all[classes[i]].family;
		reach_policies(reach, REACH_OLD, classes[i], dir,
			       &ruled->policies);
		*n += ruled->policies != NULL;
	}
	if (*n > 1)
		qsort(list, *n, sizeof(*list), compare_ruled);
	for (size_t i = 0; i < *n; i++) {
		if (kept == 0 || compare_ruled(&list[kept - 1], &list[i]))
			list[kept++] = list[i];
	}
	*n = kept;
	return list;
}

/* Units of the same rules are of one table. */
static int find_table(struct matrix_html *h, uint32_t unit, enum direction dir)
{
	struct ruled *list;
	uint32_t *key;
	uint32_t n_key = 0;
	size_t n;

	arena_clear(&h->scratch);
	list = list_ruled(h, unit, dir, &n);
	key = arena_array(&h->scratch, list ? 3 * n : 0, sizeof(*key));
	if (!list || !key)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		uint64_t word = (uintptr_t)list[i].policies;

		key[n_key++] = (uint32_t)word;
		key[n_key++] = (uint32_t)(word >> 32);
		key[n_key++] = list[i].family;
	}
	return list_pool_get(&h->tables[dir], key, n_key,
			     &h->table_of[dir][unit]);
}

/* The rules of some classes whose peers any class of a unit is. */
static int get_rules(struct matrix_html *h, const struct ruled *list, size_t n,
		     enum direction dir, uint32_t other, uint32_t *out)
{
	const struct reach *reach = grid_reach(h->matrix->grid);
	struct rule_list rules = { .html = h, .dir = dir };
	size_t n_others, n_classes;
	const uint32_t *others =
		grid_classes(h->matrix->grid, other, &n_others);
	const struct reach_class *classes = reach_classes(reach, &n_classes);
	int r = 0;

	h->n_made++;
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < n_others && r == 0; k++) {
			if (classes[others[k]].family == list[i].family)
				r = reach_each_rule(
					reach, REACH_OLD, list[i].class, dir,
					others[k], add_rule, &rules);
		}
	}
	rules.items[rules.n] = rules.n_more;
	return r < 0 ? r
		     : list_pool_get(&h->lists, rules.items, rules.n + 1, out);
}

/* Of a table that is a unit's. */
static int write_table(struct matrix_html *h, uint32_t unit, enum direction dir)
{
	const struct ruled *list;
	size_t n;
	int r = 0;

	arena_clear(&h->scratch);
	list = list_ruled(h, unit, dir, &n);
	if (!list)
		return -ENOMEM;
	for (uint32_t i = 0; i < h->n_units && r == 0; i++)
		r = get_rules(h, list, n, dir, i, &h->row[i]);
	html_write_row(h);
	fputc(',', h->out);
	return r < 0 ? r : html_end_line(h);
}

int html_find_tables(struct matrix_html *h, enum direction dir)
{
	uint32_t first;
	int r = list_pool_get(&h->tables[dir], NULL, 0, &first);

	for (uint32_t i = 0; i < h->n_units && r == 0; i++)
		r = find_table(h, i, dir);
	return r;
}

/* Of each table a row: for each unit the rules whose peers it is. */
int html_write_tables(struct matrix_html *h, enum direction dir)
{
	size_t n_told = 1;
	int r = 0;

	html_begin_key(h, direction_name(dir));
	/* The first one is that of who is not isolated. */
	fputs("[null\n", h->out);
	for (uint32_t i = 0; i < h->n_units && r == 0; i++) {
		/* Tables are numbered in the order of their first units. */
		if (h->table_of[dir][i] != n_told)
			continue;
		n_told++;
		r = write_table(h, i, dir);
	}
	fputs("]\n", h->out);
	return r;
}

/* ---- policies and rules ------------------------------------------------- */

static int write_rule(struct matrix_html *h, size_t i)
{
	static const struct receiver nobody;
	const uint32_t *rule = h->rules.lists[i].items;
	FILE *words;

	json_text_begin_array(&h->text);
	json_text_number(&h->text, rule[0]);
	json_text_number(&h->text, rule[2] + 1);
	words = json_text_begin_words(&h->text);
	if (!words)
		return -ENOMEM;
	rule_text_write(words, policy_at(h, rule[0]), rule[1], rule[2],
			&nobody);
	json_text_end_words(&h->text);
	json_text_end_array(&h->text);
	return 0;
}

int html_write_rules(struct matrix_html *h)
{
	int r = 0;

	html_begin_key(h, "rules");
	json_text_begin_array(&h->text);
	for (size_t i = 0; i < h->rules.n && r == 0; i++)
		r = write_rule(h, i);
	json_text_end_array(&h->text);
	if (r < 0 || html_end_line(h) < 0)
		return -ENOMEM;
	html_begin_key(h, "lists");
	json_text_begin_array(&h->text);
	for (size_t i = 0; i < h->lists.n; i++) {
		json_text_begin_array(&h->text);
		for (uint32_t k = 0; k < h->lists.lists[i].n; k++)
			json_text_number(&h->text, h->lists.lists[i].items[k]);
		json_text_end_array(&h->text);
	}
	json_text_end_array(&h->text);
	return html_end_line(h);
}

int html_write_policies(struct matrix_html *h)
{
	html_begin_key(h, "policies");
	json_text_begin_array(&h->text);
	for (uint32_t i = 0; i < h->policies.n; i++) {
		const struct network_policy *policy = policy_at(h, i);
		FILE *words = json_text_begin_words(&h->text);

		if (!words)
			return -ENOMEM;
		fprintf(words, "%s/%s", policy->namespace, policy->name);
		json_text_end_words(&h->text);
	}
	json_text_end_array(&h->text);
	return html_end_line(h);
}
