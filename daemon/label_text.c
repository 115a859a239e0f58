/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "label_text.h"

#include <string.h>

#include "netpold/selector.h"

#include "list_text.h"

bool label_text_is_negative(const struct requirement *requirement)
{
	return requirement->op == SELECTOR_NOT_IN ||
	       requirement->op == SELECTOR_DOES_NOT_EXIST;
}

static bool is_about_presence(const struct requirement *requirement)
{
	return requirement->op == SELECTOR_EXISTS ||
	       requirement->op == SELECTOR_DOES_NOT_EXIST;
}

void label_text_write(FILE *out, const struct requirement *requirement)
{
	struct requirement what = *requirement;
	char text[1024];

	if (is_about_presence(requirement)) {
		fprintf(out, "the label %s", requirement->key);
		return;
	}
	what.op = SELECTOR_IN;
	if (what.n_values > LIST_TEXT_MAX)
		what.n_values = LIST_TEXT_MAX;
	requirement_format(&what, text, sizeof(text));
	fprintf(out, "%s", text);
	if (requirement->n_values > LIST_TEXT_MAX)
		fprintf(out, " or %zu more",
			requirement->n_values - LIST_TEXT_MAX);
}

bool label_text_is_name(const struct requirement *requirement)
{
	return strcmp(requirement->key, NAMESPACE_NAME_LABEL) == 0 &&
	       !is_about_presence(requirement);
}

void label_text_write_names(FILE *out, const struct requirement *requirement,
			    const char *joint)
{
	size_t n = requirement->n_values;

	for (size_t i = 0; i < n; i++) {
		if (!list_text_begin_item(out, i, n, joint))
			return;
		fprintf(out, "%s", requirement->values[i]);
	}
}
