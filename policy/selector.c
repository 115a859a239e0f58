/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netpold/selector.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool requirement_is_evaluable(const struct requirement *requirement)
{
	switch (requirement->op) {
	case SELECTOR_IN:
	case SELECTOR_NOT_IN:
		return requirement->n_values > 0;
	case SELECTOR_EXISTS:
	case SELECTOR_DOES_NOT_EXIST:
		return requirement->n_values == 0;
	case SELECTOR_UNKNOWN:
		break;
	}
	return false;
}

bool selector_is_evaluable(const struct selector *selector)
{
	for (size_t i = 0; i < selector->n; i++) {
		if (!requirement_is_evaluable(&selector->requirements[i]))
			return false;
	}
	return true;
}

static bool has_value(const struct requirement *requirement, const char *value)
{
	for (size_t i = 0; i < requirement->n_values; i++) {
		if (strcmp(requirement->values[i], value) == 0)
			return true;
	}
	return false;
}

bool requirement_matches(const struct requirement *requirement,
			 const struct labels *labels)
{
	const char *value = labels_get(labels, requirement->key);

	if (!requirement_is_evaluable(requirement))
		return false;
	switch (requirement->op) {
	case SELECTOR_IN:
		return value && has_value(requirement, value);
	case SELECTOR_NOT_IN:
		return !value || !has_value(requirement, value);
	case SELECTOR_EXISTS:
		return value != NULL;
	case SELECTOR_DOES_NOT_EXIST:
		return value == NULL;
	case SELECTOR_UNKNOWN:
		break;
	}
	return false;
}

bool selector_matches(const struct selector *selector,
		      const struct labels *labels)
{
	for (size_t i = 0; i < selector->n; i++) {
		if (!requirement_matches(&selector->requirements[i], labels))
			return false;
	}
	return true;
}

/* ---- text --------------------------------------------------------------- */

/* Writes behind each other into a buffer of fixed size; counts what would
   have been written. */
struct writer {
	char *text;
	size_t size;
	size_t len;
};

static void __attribute__((format(printf, 2, 3)))
put(struct writer *w, const char *fmt, ...)
{
	size_t room = w->len < w->size ? w->size - w->len : 0;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(room ? w->text + w->len : NULL, room, fmt, args);
	va_end(args);
	if (n > 0)
		w->len += (size_t)n;
}

static void put_requirement(struct writer *w,
			    const struct requirement *requirement)
{
	static const char *const words[] = {
		[SELECTOR_UNKNOWN] = "?",
		[SELECTOR_IN] = "in",
		[SELECTOR_NOT_IN] = "notin",
	};

	if (requirement->op == SELECTOR_EXISTS ||
	    requirement->op == SELECTOR_DOES_NOT_EXIST) {
		put(w, "%s%s", requirement->op == SELECTOR_EXISTS ? "" : "!",
		    requirement->key);
		return;
	}
	if (requirement->op == SELECTOR_IN && requirement->n_values == 1) {
		put(w, "%s=%s", requirement->key, requirement->values[0]);
		return;
	}
	put(w, "%s %s (", requirement->key, words[requirement->op]);
	for (size_t i = 0; i < requirement->n_values; i++)
		put(w, "%s%s", i ? "," : "", requirement->values[i]);
	put(w, ")");
}

int requirement_format(const struct requirement *requirement, char *text,
		       size_t size)
{
	struct writer w = { .text = text, .size = size };

	put_requirement(&w, requirement);
	return (int)w.len;
}

int selector_format(const struct selector *selector, char *text, size_t size)
{
	struct writer w = { .text = text, .size = size };

	if (selector->n == 0)
		put(&w, "<all>");
	for (size_t i = 0; i < selector->n; i++) {
		put(&w, "%s", i ? "," : "");
		put_requirement(&w, &selector->requirements[i]);
	}
	return (int)w.len;
}
