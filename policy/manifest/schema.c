/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages are those of the API server, so that what a search engine knows
 * about them helps here too. A wrong type is named by the path without
 * indexes, as there, and the finding's own path has the indexes. Unknown and
 * doubled fields of one object are one message, as there.
 *
 * The server stops at the first wrong type; here all are reported.
 */
#include "schema.h"

#include <errno.h>
#include <string.h>

#include "scalar.h"
#include "timestamp.h"

/* As many as the server lists. */
#define MAX_STRICT_ERRORS 100

struct walk {
	struct report *report;
	struct arena *arena;
	/* Unknown and doubled fields so far: one message in the end. */
	struct text strict;
	size_t n_strict;
	unsigned int strict_line;
	bool no_memory;
};

/* ---- messages ----------------------------------------------------------- */

static void put_go_type(const struct schema_field *field, struct text *text)
{
	static const char *const names[] = {
		[SCHEMA_FREE] = "interface {}",
		[SCHEMA_STRING] = "string",
		[SCHEMA_BOOL] = "bool",
		[SCHEMA_INT32] = "int32",
		[SCHEMA_INT64] = "int64",
		[SCHEMA_INT_OR_STRING] = "int32",
		[SCHEMA_TIME] = "string",
		[SCHEMA_STRING_MAP] = "map[string]string",
	};

	if (field->go_type)
		text_put(text, "%s", field->go_type);
	else if (field->type == SCHEMA_OBJECT)
		text_put(text, "v1.%s", field->object->go_type);
	else
		text_put(text, "%s", names[field->type]);
}

static bool is_number_type(enum schema_type type)
{
	return type == SCHEMA_INT32 || type == SCHEMA_INT64 ||
	       type == SCHEMA_INT_OR_STRING;
}

/* The server prints a number that is refused only where another number would
   have been fine. */
static void put_json_type(const struct tree *value, bool with_number,
			  struct text *text)
{
	static const char *const names[] = {
		[TREE_NULL] = "null",	  [TREE_BOOL] = "bool",
		[TREE_INT] = "number",	  [TREE_FLOAT] = "number",
		[TREE_STRING] = "string", [TREE_LIST] = "array",
		[TREE_MAP] = "object",
	};
	char real[SCALAR_REAL_LEN];

	text_put(text, "%s", names[value->type]);
	if (with_number && value->type == TREE_INT)
		text_put(text, " %lld", (long long)value->integer);
	if (with_number && value->type == TREE_FLOAT)
		text_put(text, " %s", scalar_format_real(value->real, real));
}

enum expectation { THE_FIELD = 0, AN_ITEM, AN_ENTRY };

/* AV-11. */
static void wrong_type(struct walk *walk, const struct schema *owner,
		       const struct schema_field *field,
		       enum expectation expected, const struct tree *value,
		       const struct path *path)
{
	bool wants_list = field->is_list && expected == THE_FIELD;
	struct text *message = report_begin(walk->report);

	text_put(message, "json: cannot unmarshal ");
	put_json_type(value, is_number_type(field->type) && !wants_list,
		      message);
	text_put(message, " into Go struct field %s.", owner->go_type);
	path_put(path, PATH_OF_FIELDS, message);
	text_put(message, " of type %s", wants_list ? "[]" : "");
	if (expected == AN_ENTRY)
		text_put(message, "string");
	else
		put_go_type(field, message);
	report_send(walk->report, value->line, path);
}

/* AV-12. */
static void strict_error(struct walk *walk, const char *what, unsigned int line,
			 const struct path *path)
{
	struct text *where = report_begin(walk->report);

	if (walk->n_strict++ == 0)
		walk->strict_line = line;
	if (walk->n_strict > MAX_STRICT_ERRORS)
		return;
	path_put(path, PATH_WITH_INDEXES, where);
	text_put(&walk->strict, "%s%s ", walk->n_strict > 1 ? ", " : "", what);
	text_put_quoted(&walk->strict, text_string(where), where->len);
}

static void send_strict_errors(struct walk *walk)
{
	struct text *message;

	if (walk->n_strict == 0)
		return;
	message = report_begin(walk->report);
	text_put(message, "strict decoding error: ");
	text_put_bytes(message, text_string(&walk->strict), walk->strict.len);
	if (walk->n_strict > MAX_STRICT_ERRORS)
		text_put(message, ", and %zu more",
			 walk->n_strict - MAX_STRICT_ERRORS);
	walk->report->failed |= walk->strict.failed;
	report_send(walk->report, walk->strict_line, NULL);
}

/*
 * Text of closed kinds is checked later, value by value. Of the open ones it
 * is not, and a zero byte would cut it short.
 */
static void check_zero_bytes(struct walk *walk, const struct schema *owner,
			     const char *text, size_t len, unsigned int line,
			     const struct path *path)
{
	struct text *message;

	if (!owner->is_open || memchr(text, '\0', len) == NULL)
		return;
	message = report_begin(walk->report);
	text_put(message, "Invalid value: ");
	text_put_quoted(message, text, len);
	text_put(message, ": must not contain a zero byte");
	report_send(walk->report, line, path);
}

/* ---- values ------------------------------------------------------------- */

static void walk_object(struct walk *walk, const struct schema *schema,
			const struct tree *object, const struct path *path);

static void walk_time(struct walk *walk, const struct tree *value,
		      const struct path *path)
{
	struct text *message;
	int64_t seconds;

	if (timestamp_parse(value->text, value->len, &seconds) == 0)
		return;
	message = report_begin(walk->report);
	text_put(message, "parsing time ");
	text_put_quoted(message, value->text, value->len);
	text_put(message, ": must be in RFC 3339, like "
			  "\"2006-01-02T15:04:05Z\"");
	report_send(walk->report, value->line, path);
}

static void walk_string_map(struct walk *walk, const struct schema *owner,
			    const struct schema_field *field,
			    const struct tree *map, const struct path *path)
{
	struct tree **sorted = tree_sort(map, walk->arena);

	if (!sorted) {
		walk->no_memory = true;
		return;
	}
	for (const struct tree *e = map->first; e; e = e->next) {
		if (e->type != TREE_STRING && e->type != TREE_NULL)
			wrong_type(walk, owner, field, AN_ENTRY, e, path);
		check_zero_bytes(walk, owner, e->key, e->key_len, e->line,
				 path);
		if (e->type == TREE_STRING)
			check_zero_bytes(walk, owner, e->text, e->len, e->line,
					 path);
	}
	for (size_t i = 1; i < map->len; i++) {
		struct path key =
			path_key(path, sorted[i]->key, sorted[i]->key_len);

		if (tree_compare_keys(sorted[i - 1], sorted[i]) != 0)
			continue;
		/* Three of a kind are one error. */
		if (i == 1 || tree_compare_keys(sorted[i - 2], sorted[i]) != 0)
			strict_error(walk, "duplicate field", sorted[i]->line,
				     &key);
	}
}

static bool has_type(const struct schema_field *field, const struct tree *value)
{
	int64_t number;

	switch (field->type) {
	case SCHEMA_FREE:
		return true;
	case SCHEMA_STRING:
	case SCHEMA_TIME:
		return value->type == TREE_STRING;
	case SCHEMA_BOOL:
		return value->type == TREE_BOOL;
	case SCHEMA_INT_OR_STRING:
		if (value->type == TREE_STRING)
			return true;
		/* fall through */
	case SCHEMA_INT32:
		return tree_integer(value, &number) && number >= INT32_MIN &&
		       number <= INT32_MAX;
	case SCHEMA_INT64:
		return tree_integer(value, &number);
	case SCHEMA_STRING_MAP:
	case SCHEMA_OBJECT:
		return value->type == TREE_MAP;
	}
	return false;
}

/* The value of a field that is no list, or one item of a list. */
static void walk_value(struct walk *walk, const struct schema *owner,
		       const struct schema_field *field,
		       enum expectation expected, const struct tree *value,
		       const struct path *path)
{
	if (value->type == TREE_NULL)
		return;
	if (!has_type(field, value)) {
		wrong_type(walk, owner, field, expected, value, path);
		return;
	}
	if (field->type == SCHEMA_OBJECT)
		walk_object(walk, field->object, value, path);
	else if (field->type == SCHEMA_STRING_MAP)
		walk_string_map(walk, owner, field, value, path);
	else if (field->type == SCHEMA_TIME)
		walk_time(walk, value, path);
	else if (field->type != SCHEMA_FREE && value->type == TREE_STRING)
		check_zero_bytes(walk, owner, value->text, value->len,
				 value->line, path);
}

static void walk_field(struct walk *walk, const struct schema *owner,
		       const struct schema_field *field,
		       const struct tree *value, const struct path *path)
{
	size_t i = 0;

	if (!field->is_list) {
		walk_value(walk, owner, field, THE_FIELD, value, path);
		return;
	}
	if (value->type == TREE_NULL)
		return;
	if (value->type != TREE_LIST) {
		wrong_type(walk, owner, field, THE_FIELD, value, path);
		return;
	}
	for (const struct tree *item = value->first; item; item = item->next) {
		struct path at = path_item(path, i++);

		walk_value(walk, owner, field, AN_ITEM, item, &at);
	}
}

/* ---- objects ------------------------------------------------------------ */

const struct schema_field *schema_find(const struct schema *schema,
				       const char *name, size_t len)
{
	for (size_t i = 0; i < schema->n_fields; i++) {
		const struct schema_field *field = &schema->fields[i];

		if (field->name_len == len &&
		    memcmp(field->name, name, len) == 0)
			return field;
	}
	return NULL;
}

/* The unknown fields of one object that were told of, so that each is told
   once; there are never more than may be told of at all. */
struct told {
	const struct tree *entries[MAX_STRICT_ERRORS];
	size_t n;
};

static bool was_told(const struct told *told, const struct tree *entry)
{
	for (size_t i = 0; i < told->n; i++) {
		if (tree_compare_keys(told->entries[i], entry) == 0)
			return true;
	}
	return false;
}

static void tell_unknown(struct walk *walk, struct told *told,
			 const struct tree *entry, const struct path *at)
{
	if (was_told(told, entry))
		return;
	if (told->n < MAX_STRICT_ERRORS)
		told->entries[told->n++] = entry;
	strict_error(walk, "unknown field", entry->line, at);
}

static void walk_object(struct walk *walk, const struct schema *schema,
			const struct tree *object, const struct path *path)
{
	uint64_t seen = 0, doubled = 0;
	struct told told = { .n = 0 };

	for (const struct tree *e = object->first; e; e = e->next) {
		const struct schema_field *field =
			schema_find(schema, e->key, e->key_len);
		struct path at = path_key(path, e->key, e->key_len);
		uint64_t bit;

		if (!field) {
			if (!schema->is_open)
				tell_unknown(walk, &told, e, &at);
			continue;
		}
		bit = UINT64_C(1) << (field - schema->fields);
		if (seen & bit & ~doubled) {
			strict_error(walk, "duplicate field", e->line, &at);
			doubled |= bit;
		}
		seen |= bit;
		walk_field(walk, schema, field, e, &at);
	}
}

int schema_check(const struct schema *schema, const struct tree *object,
		 struct arena *arena, struct report *report)
{
	struct walk walk = { .report = report, .arena = arena };

	walk_object(&walk, schema, object, NULL);
	send_strict_errors(&walk);
	text_release(&walk.strict);
	return walk.no_memory || report->failed ? -ENOMEM : 0;
}
