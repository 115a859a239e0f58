/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "validate.h"

#include <errno.h>

#include "syntax.h"

int validate_labels(const struct validation *v, const struct tree *labels,
		    const struct path *path)
{
	struct tree **sorted;

	if (!tree_first(labels))
		return 0;
	sorted = tree_sort(labels, v->scratch);
	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < labels->len; i++) {
		struct subject key = subject_of_key(v->report, sorted[i], path);
		struct subject value = subject_of(v->report, sorted[i], path);

		syntax_check_label_key(&key, key.value, key.len);
		syntax_check_label_value(&value);
	}
	return 0;
}

static void check_operator(const struct validation *v,
			   const struct tree *expression,
			   const struct path *path)
{
	const struct tree *op = tree_get_set(expression, "operator");
	const struct tree *values = tree_get_set(expression, "values");
	struct path at_values = path_field(path, "values");
	struct path at_op = path_field(path, "operator");
	unsigned int line = values ? values->line : expression->line;

	if (tree_text_is(op, "In") || tree_text_is(op, "NotIn")) {
		if (!tree_first(values))
			report_error(v->report, line, &at_values,
				     "Required value: must be specified when "
				     "`operator` is 'In' or 'NotIn'");
	} else if (tree_text_is(op, "Exists") ||
		   tree_text_is(op, "DoesNotExist")) {
		if (tree_first(values))
			report_error(v->report, line, &at_values,
				     "Forbidden: may not be specified when "
				     "`operator` is 'Exists' or "
				     "'DoesNotExist'");
	} else {
		struct subject subject =
			subject_of(v->report, op ? op : expression, &at_op);

		syntax_invalid(&subject, "not a valid selector operator");
	}
}

static void check_expression(const struct validation *v,
			     const struct tree *expression,
			     const struct path *path)
{
	const struct tree *key = tree_get_set(expression, "key");
	const struct tree *values = tree_get_set(expression, "values");
	struct path at_key = path_field(path, "key");
	struct path at_values = path_field(path, "values");
	struct subject subject =
		subject_of(v->report, key ? key : expression, &at_key);
	size_t i = 0;

	check_operator(v, expression, path);
	syntax_check_label_key(&subject, subject.value, subject.len);
	for (const struct tree *e = tree_first(values); e; e = e->next) {
		struct path at = path_item(&at_values, i++);
		struct subject value = subject_of(v->report, e, &at);

		syntax_check_label_value(&value);
	}
}

int validate_selector(const struct validation *v, const struct tree *selector,
		      const struct path *path)
{
	const struct tree *expressions = tree_get(selector, "matchExpressions");
	struct path at_labels = path_field(path, "matchLabels");
	struct path at_expressions = path_field(path, "matchExpressions");
	size_t i = 0;
	int r;

	r = validate_labels(v, tree_get(selector, "matchLabels"), &at_labels);
	if (r < 0)
		return r;
	for (const struct tree *e = tree_first(expressions); e; e = e->next) {
		struct path at = path_item(&at_expressions, i++);

		check_expression(v, e, &at);
	}
	return 0;
}
