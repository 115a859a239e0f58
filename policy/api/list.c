/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * {"kind": "PodList", "apiVersion": "v1", "metadata": {…}, "items": […]}, in
 * any order. Of the fields around the items those four are read; the list may
 * turn out to be none when its items have been told of: whoever heard of them
 * must not believe in them before API_LIST_END.
 */
#include <errno.h>
#include <string.h>

#include "manifest/kind.h"
#include "parts.h"

static int bad_list(const struct api_reader *reader, struct err *err)
{
	return api_fail(reader, err, -EBADMSG,
			"this is no list of Kubernetes objects");
}

/* ---- which list --------------------------------------------------------- */

static const char ending[] = "List";
#define ENDING_LEN (sizeof(ending) - 1)

/* API-40: names are all that is in a list of this kind. */
static bool is_partial(const struct api_list *list)
{
	return strcmp(text_string(&list->kind), "PartialObjectMetadataList") ==
		       0 &&
	       strncmp(text_string(&list->api_version), "meta.k8s.io/", 12) ==
		       0;
}

static bool is_of_kind(const struct api_reader *reader)
{
	const struct api_list *list = &reader->list;
	const char *kind = text_string(&list->kind);
	const char *name = object_kind_name(reader->options.kind);
	size_t len = strlen(name);
	enum object_kind found;

	return strncmp(kind, name, len) == 0 &&
	       strcmp(kind + len, ending) == 0 &&
	       kind_lookup(text_string(&list->api_version), name, &found) ==
		       KIND_READ;
}

static bool is_expected(const struct api_reader *reader)
{
	const struct text *kind = &reader->list.kind;

	if (reader->options.names_only)
		return kind->len > ENDING_LEN &&
		       strcmp(kind->data + kind->len - ENDING_LEN, ending) == 0;
	if (reader->options.kind == OBJECT_NAMESPACE &&
	    is_partial(&reader->list))
		return true;
	return is_of_kind(reader);
}

static int check_kind(const struct api_reader *reader, struct err *err)
{
	const struct api_list *list = &reader->list;

	if (is_expected(reader))
		return 0;
	if (list->kind.len == 0)
		return bad_list(reader, err);
	return api_fail(reader, err, -EBADMSG,
			"a list was expected, not a %.60s of version %.60s",
			text_string(&list->kind),
			text_string(&list->api_version));
}

/* ---- fields of the list ------------------------------------------------- */

static int keep_text(const struct api_reader *reader, const struct tree *tree,
		     struct text *out, struct err *err)
{
	const char *text = api_text(tree);

	text_clear(out);
	text_put_bytes(out, text, strlen(text));
	if (out->failed)
		return api_fail(reader, err, -ENOMEM, "not enough memory");
	return 0;
}

static int keep_metadata(struct api_reader *reader, const struct tree *metadata,
			 struct err *err)
{
	int r = keep_text(reader, tree_get(metadata, "resourceVersion"),
			  &reader->list.resource_version, err);

	if (r < 0)
		return r;
	return keep_text(reader, tree_get(metadata, "continue"),
			 &reader->list.continue_token, err);
}

/* `items: null` is an empty list. */
static int read_items(struct api_reader *reader, struct span value,
		      struct err *err)
{
	if (reader->list.has_items || span_len(value) != 4 ||
	    memcmp(value.at, "null", 4) != 0)
		return bad_list(reader, err);
	reader->list.has_items = true;
	return 0;
}

static int read_field(struct api_reader *reader, struct span value,
		      struct err *err)
{
	struct api_list *list = &reader->list;
	const char *key = text_string(&list->key);
	struct tree *tree = NULL;
	int r;

	if (strcmp(key, "items") == 0)
		return read_items(reader, value, err);
	if (strcmp(key, "kind") != 0 && strcmp(key, "apiVersion") != 0 &&
	    strcmp(key, "metadata") != 0)
		return 0;
	arena_clear(&reader->arena);
	r = api_tree(reader, value, &tree, err);
	if (r < 0)
		return r;
	if (strcmp(key, "kind") == 0)
		return keep_text(reader, tree, &list->kind, err);
	if (strcmp(key, "apiVersion") == 0)
		return keep_text(reader, tree, &list->api_version, err);
	return keep_metadata(reader, tree, err);
}

/* ---- values ------------------------------------------------------------- */

static int read_key(struct api_reader *reader, struct span key, struct err *err)
{
	struct text *text = &reader->list.key;

	text_clear(text);
	text_put_bytes(text, key.at + 1, span_len(key) - 2);
	reader->place = AT_COLON;
	if (text->failed)
		return api_fail(reader, err, -ENOMEM, "not enough memory");
	return 0;
}

/* More of the value that is coming in; where it is whole, what becomes of
   it. */
static int take_value(struct api_reader *reader, struct span *bytes,
		      struct err *err)
{
	struct span value = { NULL, NULL };
	int r = api_take(reader, bytes, &value, err);

	if (r < 0 || !value.at)
		return r;
	if (span_len(value) == 0)
		return bad_list(reader, err);
	if (reader->place == IN_KEY) {
		r = read_key(reader, value, err);
	} else if (reader->place == IN_ITEM) {
		reader->place = AFTER_ITEM;
		r = api_tell_object(reader, API_ITEM, value, err);
	} else {
		reader->place = AFTER_VALUE;
		r = read_field(reader, value, err);
	}
	api_take_end(reader);
	return r;
}

/* ---- between values ----------------------------------------------------- */

static int end_list(struct api_reader *reader, struct err *err)
{
	struct api_list *list = &reader->list;
	struct api_event event = {
		.type = API_LIST_END,
		.resource_version = text_string(&list->resource_version),
		.continue_token = text_string(&list->continue_token),
		.namespace = "",
		.name = "",
		.uid = "",
	};
	int r = check_kind(reader, err);

	if (r < 0)
		return r;
	if (!list->has_items)
		return bad_list(reader, err);
	return reader->options.event(reader->options.event_ctx, &event);
}

static int begin_items(struct api_reader *reader, struct err *err)
{
	struct api_list *list = &reader->list;

	if (list->has_items)
		return bad_list(reader, err);
	list->has_items = true;
	reader->place = AT_FIRST_ITEM;
	/* Where it is known already, it is better known before. */
	return list->kind.len && list->api_version.len ? check_kind(reader, err)
						       : 0;
}

/* What may stand between values, and what comes after it. */
static const struct {
	enum api_place place;
	char ch;
	enum api_place next;
} steps[] = {
	{ AT_BEGIN, '{', AT_FIRST_KEY }, { AT_FIRST_KEY, '}', AT_END },
	{ AT_COLON, ':', AT_VALUE },	 { AFTER_VALUE, ',', AT_KEY },
	{ AFTER_VALUE, '}', AT_END },	 { AT_FIRST_ITEM, ']', AFTER_VALUE },
	{ AFTER_ITEM, ',', AT_ITEM },	 { AFTER_ITEM, ']', AFTER_VALUE },
};

static bool step(struct api_reader *reader, char ch)
{
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (steps[i].place == reader->place && steps[i].ch == ch) {
			reader->place = steps[i].next;
			return true;
		}
	}
	return false;
}

static bool is_items(const struct api_reader *reader, char ch)
{
	return reader->place == AT_VALUE && ch == '[' &&
	       strcmp(text_string(&reader->list.key), "items") == 0;
}

/* Which value begins with this byte; AT_END where none may. */
static enum api_place value_at(const struct api_reader *reader, char ch)
{
	switch (reader->place) {
	case AT_FIRST_KEY:
	case AT_KEY:
		return ch == '"' ? IN_KEY : AT_END;
	case AT_FIRST_ITEM:
	case AT_ITEM:
		return ch == '{' ? IN_ITEM : AT_END;
	case AT_VALUE:
		return IN_VALUE;
	default:
		return AT_END;
	}
}

/* One byte between values, or the first of one. */
static int read_between(struct api_reader *reader, struct span *bytes,
			struct err *err)
{
	char ch = *bytes->at;
	enum api_place value;

	if (is_items(reader, ch)) {
		bytes->at++;
		return begin_items(reader, err);
	}
	if (step(reader, ch)) {
		bytes->at++;
		return reader->place == AT_END ? end_list(reader, err) : 0;
	}
	value = value_at(reader, ch);
	if (value == AT_END)
		return bad_list(reader, err);
	api_take_begin(reader, *bytes);
	reader->place = value;
	return 0;
}

static bool is_inside(const struct api_reader *reader)
{
	return reader->place == IN_KEY || reader->place == IN_VALUE ||
	       reader->place == IN_ITEM;
}

int api_list_feed(struct api_reader *reader, struct span bytes, struct err *err)
{
	int r = 0;

	while (r == 0) {
		if (!is_inside(reader))
			bytes = span_skip_blanks(bytes);
		if (bytes.at == bytes.end)
			return 0;
		r = is_inside(reader) ? take_value(reader, &bytes, err)
				      : read_between(reader, &bytes, err);
	}
	return r;
}
