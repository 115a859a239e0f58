/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes become labels and one requirement; the answer has to be that of the
 * table in the documentation of label selectors, looked up the slow way. Every
 * length of the buffer has to give the same text, cut.
 *
 * The text of an input: key SPACE value LF, as often as wanted, an empty line,
 * an operator character (i n e d, or another), key LF value LF value …
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "netpold/selector.h"

#define MAX_ITEMS 16

struct input {
	struct label labels[MAX_ITEMS];
	size_t n_labels;
	struct requirement requirement;
	const char *values[MAX_ITEMS];
};

static int compare_labels(const void *a, const void *b)
{
	const struct label *p = a, *q = b;

	return strcmp(p->key, q->key);
}

static bool has_label(const struct input *in, const char *key)
{
	for (size_t i = 0; i < in->n_labels; i++) {
		if (strcmp(in->labels[i].key, key) == 0)
			return true;
	}
	return false;
}

static char *next_line(char **rest)
{
	return *rest ? strsep(rest, "\n") : NULL;
}

static bool read_input(char *text, struct input *in)
{
	static const char operators[] = "?ined";
	char *line;
	const char *op;

	while ((line = next_line(&text)) && *line) {
		char *value = strchr(line, ' ');

		if (!value || in->n_labels == MAX_ITEMS)
			return false;
		*value++ = '\0';
		if (has_label(in, line))
			return false;
		in->labels[in->n_labels++] = (struct label){ line, value };
	}
	qsort(in->labels, in->n_labels, sizeof(in->labels[0]), compare_labels);
	line = next_line(&text);
	if (!line || !*line)
		return false;
	op = strchr(operators, *line);
	in->requirement.op = op ? (enum selector_operator)(op - operators)
				: SELECTOR_UNKNOWN;
	in->requirement.key = line + 1;
	in->requirement.values = in->values;
	while ((line = next_line(&text)) &&
	       in->requirement.n_values < MAX_ITEMS)
		in->values[in->requirement.n_values++] = line;
	return true;
}

static bool expected(const struct input *in)
{
	const struct requirement *r = &in->requirement;
	const char *value = NULL;
	bool listed = false;

	for (size_t i = 0; i < in->n_labels; i++) {
		if (strcmp(in->labels[i].key, r->key) == 0)
			value = in->labels[i].value;
	}
	for (size_t i = 0; value && i < r->n_values; i++)
		listed |= strcmp(value, r->values[i]) == 0;
	switch (r->op) {
	case SELECTOR_IN:
		return r->n_values && listed;
	case SELECTOR_NOT_IN:
		return r->n_values && !listed;
	case SELECTOR_EXISTS:
		return r->n_values == 0 && value;
	case SELECTOR_DOES_NOT_EXIST:
		return r->n_values == 0 && !value;
	case SELECTOR_UNKNOWN:
		break;
	}
	return false;
}

static void check_text(const struct selector *selector)
{
	char whole[512], cut[512];
	int len = selector_format(selector, whole, sizeof(whole));

	for (size_t size = 1; size < 64; size++) {
		size_t kept = (size_t)len < size ? (size_t)len : size - 1;

		if (selector_format(selector, cut, size) != len ||
		    strlen(cut) != kept || memcmp(cut, whole, kept) != 0)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { .n_labels = 0 };
	const struct selector selector = { &in.requirement, 1 };
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (read_input(text, &in)) {
		const struct labels labels = { in.labels, in.n_labels };

		if (selector_matches(&selector, &labels) != expected(&in))
			abort();
		check_text(&selector);
	}
	free(text);
	return 0;
}
