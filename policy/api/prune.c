/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "prune.h"

#include <errno.h>
#include <string.h>

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

/* A comma, unless the last byte opens. */
static void separate(struct text *out, size_t begin)
{
	if (out->len > begin)
		text_put_bytes(out, ",", 1);
}

static int prune_map(const struct schema *schema, struct span *rest,
		     struct text *out);

static int keep_value(struct span *rest, struct text *out)
{
	struct span value;
	int r = span_take_value(rest, &value);

	if (r == 0)
		keep(value, out);
	return r;
}

static int prune_value(const struct schema *schema, struct span *rest,
		       struct text *out)
{
	return span_first(*rest) == '{' ? prune_map(schema, rest, out)
					: keep_value(rest, out);
}

static int prune_list(const struct schema *schema, struct span *rest,
		      struct text *out)
{
	struct span_level level = span_enter(rest);
	size_t begin;
	int r;

	text_put_bytes(out, "[", 1);
	begin = out->len;
	while ((r = span_next(rest, &level)) == 1) {
		separate(out, begin);
		r = prune_value(schema, rest, out);
		if (r < 0)
			return r;
	}
	text_put_bytes(out, "]", 1);
	return r;
}

static int prune_field(const struct schema_field *field, struct span *rest,
		       struct text *out)
{
	if (!field || field->type != SCHEMA_OBJECT)
		return keep_value(rest, out);
	if (field->is_list && span_first(*rest) == '[')
		return prune_list(field->object, rest, out);
	return prune_value(field->object, rest, out);
}

static int prune_entry(const struct schema *schema, struct span *rest,
		       size_t begin, struct text *out)
{
	const struct schema_field *field;
	struct span key, value;
	int r = span_take_key(rest, &key);

	if (r < 0)
		return r;
	field = schema_find(schema, key.at, span_len(key));
	if (!is_kept(schema, field, key))
		return span_take_value(rest, &value);
	separate(out, begin);
	/* With the quotes around the key, and the colon. */
	keep((struct span){ key.at - 1, rest->at }, out);
	return prune_field(field, rest, out);
}

static int prune_map(const struct schema *schema, struct span *rest,
		     struct text *out)
{
	struct span_level level = span_enter(rest);
	size_t begin;
	int r;

	text_put_bytes(out, "{", 1);
	begin = out->len;
	while ((r = span_next(rest, &level)) == 1) {
		r = prune_entry(schema, rest, begin, out);
		if (r < 0)
			return r;
	}
	text_put_bytes(out, "}", 1);
	return r;
}

int prune_object(const struct schema *schema, struct span object,
		 struct text *out)
{
	int r = prune_map(schema, &object, out);

	if (r == 0 && span_len(object) > 0)
		return -EBADMSG;
	return r;
}
