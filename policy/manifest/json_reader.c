/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a reader of our own, where jansson is linked anyway: findings name a
 * line, doubled keys have to be seen to be refused, and a list of all pods of
 * a cluster must not be in memory as a whole. jansson keeps no lines, drops
 * all but one of doubled keys, and builds the whole document.
 *
 * The grammar is RFC 8259 to the letter: no comments, no trailing commas, no
 * leading zeros, no bare control characters, UTF-8 checked. Half a surrogate
 * pair in an escape is legal there and means nothing; it becomes U+FFFD, as in
 * the API server.
 */
#include "json_reader.h"

#include <errno.h>
#include <stdlib.h>

#include "json_scanner.h"

/* What may stand at the cursor. */
enum place {
	AT_DOCUMENT = 0, /* a value, or the end of the text */
	AT_VALUE,	 /* a value */
	AT_FIRST_ITEM,	 /* a value or ']' */
	AT_FIRST_KEY,	 /* a string or '}' */
	AT_KEY,		 /* a string */
	AFTER_VALUE,	 /* a comma or a closing bracket */
	AFTER_DOCUMENT,	 /* its end has to be told */
};

struct json_reader {
	struct json_scanner scanner;
	enum place place;
	size_t depth;
	bool in_map[TREE_MAX_DEPTH + 1]; /* per level: a map or a list */
};

int json_reader_new(manifest_read_fn read, void *read_ctx,
		    struct json_reader **out)
{
	struct json_reader *json = calloc(1, sizeof(*json));

	if (!json)
		return -ENOMEM;
	json->scanner.read = read;
	json->scanner.read_ctx = read_ctx;
	json_reader_restart(json);
	*out = json;
	return 0;
}

void json_reader_restart(struct json_reader *json)
{
	json_scanner_restart(&json->scanner);
	json->place = AT_DOCUMENT;
	json->depth = 0;
}

void json_reader_free(struct json_reader *json)
{
	if (!json)
		return;
	json_scanner_release(&json->scanner);
	free(json);
}

static void value_ended(struct json_reader *json)
{
	json->place = json->depth > 0 ? AFTER_VALUE : AFTER_DOCUMENT;
}

static int begin_collection(struct json_reader *json, bool is_map,
			    struct err *err)
{
	if (json->depth == TREE_MAX_DEPTH)
		return err_set(err, -EBADMSG,
			       "values are nested more than %d levels deep",
			       TREE_MAX_DEPTH);
	json->scanner.at++;
	json->in_map[++json->depth] = is_map;
	json->place = is_map ? AT_FIRST_KEY : AT_FIRST_ITEM;
	return 0;
}

static void end_collection(struct json_reader *json, struct event *event)
{
	json->scanner.at++;
	event->type =
		json->in_map[json->depth] ? EVENT_MAP_END : EVENT_LIST_END;
	json->depth--;
	value_ended(json);
}

static int read_scalar(struct json_reader *json, int ch, struct tree *out,
		       struct err *err)
{
	if (ch == '-' || (ch >= '0' && ch <= '9'))
		return json_scanner_number(&json->scanner, out, err);
	if (ch == 't' || ch == 'f') {
		out->type = TREE_BOOL;
		out->boolean = ch == 't';
		return json_scanner_word(&json->scanner,
					 ch == 't' ? "true" : "false", err);
	}
	if (ch == 'n') {
		out->type = TREE_NULL;
		return json_scanner_word(&json->scanner, "null", err);
	}
	return json_scanner_error(&json->scanner, "a value", err);
}

static int read_quoted(struct json_reader *json, struct event *event,
		       struct err *err)
{
	int r;

	json->scanner.at++;
	r = json_scanner_string(&json->scanner, err);
	event->type = EVENT_SCALAR;
	event->scalar.type = TREE_STRING;
	event->scalar.text = text_string(&json->scanner.token);
	event->scalar.len = (uint32_t)json->scanner.token.len;
	return r;
}

static int read_value(struct json_reader *json, struct event *event,
		      struct err *err)
{
	int ch = json_scanner_peek(&json->scanner);
	int r;

	if (ch == '{' || ch == '[') {
		event->type = ch == '{' ? EVENT_MAP : EVENT_LIST;
		return begin_collection(json, ch == '{', err);
	}
	if (ch == '"') {
		r = read_quoted(json, event, err);
	} else {
		event->type = EVENT_SCALAR;
		r = read_scalar(json, ch, &event->scalar, err);
	}
	value_ended(json);
	return r;
}

static int read_key(struct json_reader *json, struct event *event,
		    struct err *err)
{
	int r;

	if (json_scanner_peek(&json->scanner) != '"')
		return json_scanner_error(&json->scanner, "a key in quotes",
					  err);
	r = read_quoted(json, event, err);
	if (r < 0)
		return r;
	json_scanner_skip_blanks(&json->scanner);
	json->place = AT_VALUE;
	return json_scanner_skip(&json->scanner, ':', "a colon", err);
}

/* A comma, which is no event, or the end of the list or map. */
static int read_separator(struct json_reader *json, struct event *event,
			  bool *ended, struct err *err)
{
	bool is_map = json->in_map[json->depth];

	*ended = json_scanner_peek(&json->scanner) == (is_map ? '}' : ']');
	if (*ended) {
		end_collection(json, event);
		return 0;
	}
	json->place = is_map ? AT_KEY : AT_VALUE;
	return json_scanner_skip(&json->scanner, ',',
				 is_map ? "',' or '}'" : "',' or ']'", err);
}

static int json_reader_next(void *reader, struct event *event, struct err *err)
{
	struct json_reader *json = reader;

	*event = (struct event){ .type = EVENT_END };
	json_scanner_skip_blanks(&json->scanner);
	if (json->place == AFTER_VALUE) {
		bool ended;
		int r;

		event->line = json->scanner.line;
		r = read_separator(json, event, &ended, err);
		if (r < 0 || ended)
			return r;
		json_scanner_skip_blanks(&json->scanner);
	}
	event->line = json->scanner.line;
	switch (json->place) {
	case AFTER_DOCUMENT:
		event->type = EVENT_DOCUMENT_END;
		json->place = AT_DOCUMENT;
		return 0;
	case AT_DOCUMENT:
		if (json_scanner_peek(&json->scanner) == END_OF_TEXT &&
		    !json->scanner.read_error)
			return 0;
		return read_value(json, event, err);
	case AT_FIRST_ITEM:
		if (json_scanner_peek(&json->scanner) != ']')
			return read_value(json, event, err);
		end_collection(json, event);
		return 0;
	case AT_FIRST_KEY:
		if (json_scanner_peek(&json->scanner) != '}')
			return read_key(json, event, err);
		end_collection(json, event);
		return 0;
	case AT_KEY:
		return read_key(json, event, err);
	default:
		return read_value(json, event, err);
	}
}

static unsigned int json_reader_line(const void *reader)
{
	const struct json_reader *json = reader;

	return json->scanner.line;
}

struct event_source json_reader_source(struct json_reader *json)
{
	return (struct event_source){
		.next = json_reader_next,
		.line = json_reader_line,
		.reader = json,
	};
}
