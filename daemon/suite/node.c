/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libyaml is read event by event, so that the first thing that does not belong
 * ends it: of deep nesting and of anchors it makes minutes of work for a
 * mebibyte.
 *
 * It counts places in characters. Those of values come in ascending order, so
 * that one walk over the text finds the bytes of all of them.
 */
#include "suite/node.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <yaml.h>

/* A suite is a map of lists of maps of lists of maps. */
#define MAX_DEPTH 8
/* No map of a suite has as many fields; looking for doubled ones is quadratic.
 */
#define MAX_FIELDS 64

struct reader {
	const char *file;
	const char *text;
	size_t len;
	struct arena *arena;
	yaml_parser_t parser;
	yaml_event_t event; /* the last one; its text is still in use */
	unsigned int depth;
	/* How far places have been turned into bytes. */
	size_t at_char, at_byte;
};

/* ---- messages ------------------------------------------------------------ */

static unsigned int line_of(const struct reader *reader)
{
	return (unsigned int)reader->event.start_mark.line + 1;
}

static int refuse(const struct reader *reader, const char *expected,
		  const char *found, struct err *err)
{
	return err_set(err, -EINVAL, "%s:%u: expected %s, found %s",
		       reader->file, line_of(reader), expected, found);
}

static int no_memory(const struct reader *reader, struct err *err)
{
	return err_set(err, -ENOMEM, "no memory to read %s", reader->file);
}

static int syntax_error(const struct reader *reader, struct err *err)
{
	const yaml_parser_t *parser = &reader->parser;
	size_t line = parser->error == YAML_READER_ERROR
			      ? parser->mark.line
			      : parser->problem_mark.line;

	if (parser->error == YAML_MEMORY_ERROR)
		return no_memory(reader, err);
	return err_set(err, -EINVAL, "%s:%zu: not YAML: %s", reader->file,
		       line + 1, parser->problem ? parser->problem : "unknown");
}

const char *suite_node_type_name(enum suite_node_type type)
{
	switch (type) {
	case NODE_NULL:
		return "nothing";
	case NODE_TEXT:
		return "text";
	case NODE_LIST:
		return "a list";
	case NODE_MAP:
		return "a mapping";
	}
	return "";
}

/* ---- events -------------------------------------------------------------- */

static bool is_type(const struct reader *reader, yaml_event_type_t type)
{
	return reader->event.type == type;
}

/* What could make a value something else than what is written. */
static bool is_marked(const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_ALIAS_EVENT:
		return true;
	case YAML_SCALAR_EVENT:
		return event->data.scalar.anchor || event->data.scalar.tag;
	case YAML_SEQUENCE_START_EVENT:
		return event->data.sequence_start.anchor ||
		       event->data.sequence_start.tag;
	case YAML_MAPPING_START_EVENT:
		return event->data.mapping_start.anchor ||
		       event->data.mapping_start.tag;
	default:
		return false;
	}
}

static int next(struct reader *reader, struct err *err)
{
	yaml_event_delete(&reader->event);
	if (!yaml_parser_parse(&reader->parser, &reader->event))
		return syntax_error(reader, err);
	if (is_marked(&reader->event))
		return refuse(reader, "a plain value",
			      "an anchor, an alias or a tag", err);
	if (is_type(reader, YAML_SEQUENCE_START_EVENT) ||
	    is_type(reader, YAML_MAPPING_START_EVENT))
		reader->depth++;
	if (is_type(reader, YAML_SEQUENCE_END_EVENT) ||
	    is_type(reader, YAML_MAPPING_END_EVENT))
		reader->depth--;
	if (reader->depth > MAX_DEPTH)
		return refuse(reader, "a PolicyTest", "deeper nesting", err);
	return 0;
}

/* ---- places -------------------------------------------------------------- */

static bool begins_char(char byte)
{
	return ((unsigned char)byte & 0xc0) != 0x80;
}

static size_t byte_of(struct reader *reader, size_t index)
{
	if (index < reader->at_char)
		reader->at_char = reader->at_byte = 0;
	while (reader->at_char < index && reader->at_byte < reader->len) {
		do {
			reader->at_byte++;
		} while (reader->at_byte < reader->len &&
			 !begins_char(reader->text[reader->at_byte]));
		reader->at_char++;
	}
	return reader->at_byte;
}

/* ---- values -------------------------------------------------------------- */

static int read_value(struct reader *reader, struct suite_node *node,
		      struct err *err);

static bool is_null(const yaml_event_t *event)
{
	static const char *const words[] = { "", "~", "null", "Null", "NULL" };

	if (event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp((const char *)event->data.scalar.value, words[i]) ==
		    0)
			return true;
	}
	return false;
}

static int read_scalar(struct reader *reader, struct suite_node *node,
		       struct err *err)
{
	const yaml_event_t *event = &reader->event;
	const char *text = (const char *)event->data.scalar.value;

	if (strlen(text) != event->data.scalar.length)
		return refuse(reader, "text", "a zero byte", err);
	node->type = is_null(event) ? NODE_NULL : NODE_TEXT;
	node->text = arena_strdup(reader->arena, text);
	if (!node->text)
		return no_memory(reader, err);
	node->is_block =
		event->data.scalar.style == YAML_LITERAL_SCALAR_STYLE ||
		event->data.scalar.style == YAML_FOLDED_SCALAR_STYLE;
	node->begin = byte_of(reader, event->start_mark.index);
	node->end = byte_of(reader, event->end_mark.index);
	return 0;
}

static struct suite_node *add_child(struct reader *reader,
				    struct suite_node *parent,
				    struct suite_node *last, const char *key)
{
	struct suite_node *child = arena_alloc(reader->arena, sizeof(*child));

	if (!child)
		return NULL;
	child->key = key;
	child->line = line_of(reader);
	if (last)
		last->next = child;
	else
		parent->first = child;
	parent->n++;
	return child;
}

static int read_list(struct reader *reader, struct suite_node *list,
		     struct err *err)
{
	struct suite_node *last = NULL;
	int r;

	list->type = NODE_LIST;
	while ((r = next(reader, err)) == 0 &&
	       !is_type(reader, YAML_SEQUENCE_END_EVENT)) {
		last = add_child(reader, list, last, NULL);
		if (!last)
			return no_memory(reader, err);
		r = read_value(reader, last, err);
		if (r < 0)
			return r;
	}
	return r;
}

static const struct suite_node *find_field(const struct suite_node *map,
					   const char *key)
{
	for (const struct suite_node *field = map->first; field;
	     field = field->next) {
		if (strcmp(field->key, key) == 0)
			return field;
	}
	return NULL;
}

static int read_key(struct reader *reader, const struct suite_node *map,
		    const char **out, struct err *err)
{
	const yaml_event_t *event = &reader->event;
	const char *key;

	if (!is_type(reader, YAML_SCALAR_EVENT))
		return refuse(reader, "the name of a field",
			      "a list or a mapping", err);
	key = arena_strdup(reader->arena,
			   (const char *)event->data.scalar.value);
	if (!key)
		return no_memory(reader, err);
	if (find_field(map, key))
		return refuse(reader, "each field once", "one twice", err);
	if (map->n == MAX_FIELDS)
		return refuse(reader, "the fields of a PolicyTest",
			      "many more of them", err);
	*out = key;
	return 0;
}

static int read_map(struct reader *reader, struct suite_node *map,
		    struct err *err)
{
	struct suite_node *last = NULL;
	int r;

	map->type = NODE_MAP;
	while ((r = next(reader, err)) == 0 &&
	       !is_type(reader, YAML_MAPPING_END_EVENT)) {
		const char *key = NULL;

		r = read_key(reader, map, &key, err);
		if (r < 0)
			return r;
		last = add_child(reader, map, last, key);
		if (!last)
			return no_memory(reader, err);
		r = next(reader, err);
		if (r == 0)
			r = read_value(reader, last, err);
		if (r < 0)
			return r;
	}
	return r;
}

/* The value whose first event has been read; all of it. */
static int read_value(struct reader *reader, struct suite_node *node,
		      struct err *err)
{
	node->value_line = line_of(reader);
	switch (reader->event.type) {
	case YAML_SCALAR_EVENT:
		return read_scalar(reader, node, err);
	case YAML_SEQUENCE_START_EVENT:
		return read_list(reader, node, err);
	case YAML_MAPPING_START_EVENT:
		return read_map(reader, node, err);
	default:
		return refuse(reader, "a value", "none", err);
	}
}

/* ---- the text ------------------------------------------------------------ */

static int read_stream(struct reader *reader, struct suite_node *root,
		       struct err *err)
{
	int r = next(reader, err); /* its start */

	if (r == 0)
		r = next(reader, err);
	if (r < 0)
		return r;
	if (is_type(reader, YAML_STREAM_END_EVENT))
		return refuse(reader, "a PolicyTest", "nothing", err);
	r = next(reader, err);
	if (r == 0) {
		root->line = line_of(reader);
		r = read_value(reader, root, err);
	}
	if (r == 0)
		r = next(reader, err); /* the document's end */
	if (r == 0)
		r = next(reader, err);
	if (r < 0 || is_type(reader, YAML_STREAM_END_EVENT))
		return r;
	return refuse(reader, "one document", "another", err);
}

int suite_node_read(const char *file, const char *text, size_t len,
		    struct arena *arena, const struct suite_node **out,
		    struct err *err)
{
	struct reader reader = {
		.file = file,
		.text = text,
		.len = len,
		.arena = arena,
	};
	struct suite_node *root = arena_alloc(arena, sizeof(*root));
	int r;

	if (!root || !yaml_parser_initialize(&reader.parser))
		return no_memory(&reader, err);
	yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reader.parser,
				     (const unsigned char *)text, len);
	r = read_stream(&reader, root, err);
	yaml_event_delete(&reader.event);
	yaml_parser_delete(&reader.parser);
	if (r == 0)
		*out = root;
	return r;
}

const struct suite_node *suite_node_get(const struct suite_node *map,
					const char *key)
{
	const struct suite_node *field =
		map->type == NODE_MAP ? find_field(map, key) : NULL;

	return field && field->type != NODE_NULL ? field : NULL;
}
