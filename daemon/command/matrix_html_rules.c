/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/matrix_html.h"

#include <errno.h>
#include <stdlib.h>

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

static int add_rule(void *ctx, const struct network_policy *policy, size_t rule)
{
	struct rule_list *list = ctx;
	uint32_t key[3] = { 0, list->dir, (uint32_t)rule };
	int r;

	if (list->n == MAX_RULES) {
		list->n_more++;
		return 0;
	}
	r = html_get_policy(list->html, policy, &key[0]);
	if (r == 0)
		r = list_pool_get(&list->html->rules, key, 3,
				  &list->items[list->n++]);
	return r;
}

/* The rules of a unit whose peers are another one. */
static int get_rules(struct matrix_html *h, uint32_t unit, enum direction dir,
		     uint32_t other, uint32_t *out)
{
	struct rule_list list = { .html = h, .dir = dir };
	uint32_t class, other_class;
	int r = 0;

	if (grid_classes(h->matrix->grid, unit, other, &class, &other_class))
		r = reach_each_rule(grid_reach(h->matrix->grid), REACH_OLD,
				    class, dir, other_class, add_rule, &list);
	list.items[list.n] = list.n_more;
	return r < 0 ? r
		     : list_pool_get(&h->lists, list.items, list.n + 1, out);
}

/* ---- tables of rules ---------------------------------------------------- */

/* Units of the same rules are of one table; the list of policies is the
   table's own. */
static int find_table(struct matrix_html *h, uint32_t unit, enum direction dir)
{
	const struct object *const *policies = NULL;
	uint32_t class, unused;
	uint64_t word;
	uint32_t halves[2];

	if (!h->units[unit].is_outside &&
	    grid_classes(h->matrix->grid, unit, unit, &class, &unused))
		reach_policies(grid_reach(h->matrix->grid), REACH_OLD, class,
			       dir, &policies);
	word = (uintptr_t)policies;
	halves[0] = (uint32_t)word;
	halves[1] = (uint32_t)(word >> 32);
	return list_pool_get(&h->tables[dir], halves, 2,
			     &h->table_of[dir][unit]);
}

int html_find_tables(struct matrix_html *h, enum direction dir)
{
	static const uint32_t none[2];
	uint32_t first;
	int r = list_pool_get(&h->tables[dir], none, 2, &first);

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
		for (uint32_t k = 0; k < h->n_units && r == 0; k++)
			r = get_rules(h, i, dir, k, &h->row[k]);
		html_write_row(h);
		fputc(',', h->out);
		r = r < 0 ? r : html_end_line(h);
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
