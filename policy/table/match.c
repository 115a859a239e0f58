/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "table/match.h"

static const char *value_of(const struct labels *labels, const char *key)
{
	for (size_t i = 0; i < labels->n; i++) {
		if (labels->items[i].key == key)
			return labels->items[i].value;
	}
	return NULL;
}

static bool has_value(const struct requirement *requirement, const char *value)
{
	for (size_t i = 0; i < requirement->n_values; i++) {
		if (requirement->values[i] == value)
			return true;
	}
	return false;
}

static bool holds(const struct requirement *requirement, const char *value)
{
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

bool match_labels(const struct selector *selector, const struct labels *labels)
{
	for (size_t i = 0; i < selector->n; i++) {
		const struct requirement *r = &selector->requirements[i];

		if (!holds(r, value_of(labels, r->key)))
			return false;
	}
	return true;
}

bool match_namespace(const struct selector *selector,
		     const struct namespace_facts *facts)
{
	const char *name_key;

	if (facts->known)
		return match_labels(selector, &facts->labels);
	name_key = facts->labels.items[0].key;
	for (size_t i = 0; i < selector->n; i++) {
		const struct requirement *r = &selector->requirements[i];

		if (r->key != name_key || !holds(r, facts->name))
			return false;
	}
	return true;
}
