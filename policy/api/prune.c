/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "prune.h"

#include <string.h>

static const struct schema_field *find_field(const struct schema *schema,
					     struct span key)
{
	for (size_t i = 0; i < schema->n_fields; i++) {
		if (span_is(key, schema->fields[i].name))
			return &schema->fields[i];
	}
	return NULL;
}

/* An object of which no field counts does not count itself. */
static bool is_empty(const struct schema_field *field)
{
	return field->type == SCHEMA_OBJECT && field->object->n_fields == 0;
}

/* A key with an escape is left to those who read it. */
static bool is_kept(const struct schema *schema,
		    const struct schema_field *field, struct span key)
{
	if (field)
		return !is_empty(field);
	return !schema->is_open || memchr(key.at, '\\', span_len(key));
}

static void keep(struct span text, struct text *out)
{
	text_put_bytes(out, text.at, span_len(text));
}

static int prune_map(const struct schema *schema, struct span map,
		     struct text *out);

static int prune_value(const struct schema *schema, struct span value,
		       struct text *out)
{
	if (span_first(value) == '{')
		return prune_map(schema, value, out);
	keep(value, out);
	return 0;
}

static int prune_list(const struct schema *schema, struct span list,
		      struct text *out)
{
	struct span_cursor cursor = span_open(list);
	const char *before = "";
	struct span item;
	int r;

	text_put_bytes(out, "[", 1);
	while ((r = span_next_item(&cursor, &item)) == 1) {
		text_put_bytes(out, before, strlen(before));
		before = ",";
		r = prune_value(schema, item, out);
		if (r < 0)
			return r;
	}
	text_put_bytes(out, "]", 1);
	return r;
}

static int prune_field(const struct schema_field *field, struct span value,
		       struct text *out)
{
	if (!field || field->type != SCHEMA_OBJECT) {
		keep(value, out);
		return 0;
	}
	if (field->is_list && span_first(value) == '[')
		return prune_list(field->object, value, out);
	return prune_value(field->object, value, out);
}

/* With the quotes around it, a colon behind. */
static void keep_key(struct span key, struct text *out)
{
	keep((struct span){ key.at - 1, key.end + 1 }, out);
	text_put_bytes(out, ":", 1);
}

static int prune_map(const struct schema *schema, struct span map,
		     struct text *out)
{
	struct span_cursor cursor = span_open(map);
	const char *before = "";
	struct span key, value;
	int r;

	text_put_bytes(out, "{", 1);
	while ((r = span_next_entry(&cursor, &key, &value)) == 1) {
		const struct schema_field *field = find_field(schema, key);

		if (!is_kept(schema, field, key))
			continue;
		text_put_bytes(out, before, strlen(before));
		before = ",";
		keep_key(key, out);
		r = prune_field(field, value, out);
		if (r < 0)
			return r;
	}
	text_put_bytes(out, "}", 1);
	return r;
}

int prune_object(const struct schema *schema, struct span object,
		 struct text *out)
{
	return prune_map(schema, object, out);
}
