/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libyaml finds the structure; what a word means is decided in scalar.c,
 * because libyaml leaves that open.
 *
 * libyaml collects a scalar of any length before it says anything. So the text
 * is counted on its way in, from one event to the next.
 */
#include "yaml_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "scalar.h"

/* libyaml reads ahead: one buffer full, and up to 1024 characters more to see
   whether a value turns out to be a key. */
#define READ_AHEAD (1 << 17)

#define MERGE_TAG "tag:yaml.org,2002:merge"

struct yaml_reader {
	yaml_parser_t parser;
	yaml_event_t event; /* the last one; its text is still in use */
	manifest_read_fn read;
	void *read_ctx;
	size_t n_read;	/* bytes since the last event */
	int read_error; /* negative errno */
	unsigned int line;
	bool ended;
};

static int read_text(void *data, unsigned char *buf, size_t size,
		     size_t *n_read)
{
	struct yaml_reader *yaml = data;
	long n;

	*n_read = 0;
	if (yaml->n_read > TREE_MAX_TEXT + READ_AHEAD)
		return 0;
	n = yaml->read(yaml->read_ctx, (char *)buf, size);
	if (n < 0) {
		yaml->read_error = (int)n;
		return 0;
	}
	yaml->n_read += (size_t)n;
	*n_read = (size_t)n;
	return 1;
}

int yaml_reader_new(manifest_read_fn read, void *read_ctx,
		    struct yaml_reader **out)
{
	struct yaml_reader *yaml = calloc(1, sizeof(*yaml));

	if (!yaml)
		return -ENOMEM;
	if (!yaml_parser_initialize(&yaml->parser)) {
		free(yaml);
		return -ENOMEM;
	}
	yaml->read = read;
	yaml->read_ctx = read_ctx;
	yaml->line = 1;
	yaml_parser_set_input(&yaml->parser, read_text, yaml);
	*out = yaml;
	return 0;
}

void yaml_reader_free(struct yaml_reader *yaml)
{
	if (!yaml)
		return;
	yaml_event_delete(&yaml->event);
	yaml_parser_delete(&yaml->parser);
	free(yaml);
}

static int syntax_error(struct yaml_reader *yaml, struct err *err)
{
	const yaml_parser_t *parser = &yaml->parser;
	const char *problem = parser->problem ? parser->problem : "unknown";

	if (parser->error == YAML_MEMORY_ERROR)
		return err_set(err, -ENOMEM, "not enough memory to read YAML");
	if (yaml->read_error)
		return err_set(err, yaml->read_error, "reading failed: %s",
			       strerror(-yaml->read_error));
	if (yaml->n_read > TREE_MAX_TEXT)
		return err_set(err, -EBADMSG,
			       "a single value is longer than %d MiB",
			       TREE_MAX_TEXT >> 20);
	if (parser->error == YAML_READER_ERROR) {
		yaml->line = (unsigned int)parser->mark.line + 1;
		return err_set(err, -EBADMSG, "not YAML: %s at byte %zu",
			       problem, parser->problem_offset);
	}
	yaml->line = (unsigned int)parser->problem_mark.line + 1;
	if (!parser->context)
		return err_set(err, -EBADMSG, "not YAML: %s", problem);
	return err_set(err, -EBADMSG, "not YAML: %s %s that began on line %zu",
		       problem, parser->context, parser->context_mark.line + 1);
}

static bool is_merge_key(const yaml_event_t *scalar)
{
	const char *tag = (const char *)scalar->data.scalar.tag;

	if (strcmp((const char *)scalar->data.scalar.value, "<<") != 0)
		return false;
	return scalar->data.scalar.plain_implicit ||
	       (tag && strcmp(tag, MERGE_TAG) == 0);
}

static int read_scalar(const yaml_event_t *from, struct event *event,
		       struct err *err)
{
	const char *text = (const char *)from->data.scalar.value;
	const char *tag = (const char *)from->data.scalar.tag;
	size_t len = from->data.scalar.length;

	event->type = EVENT_SCALAR;
	event->anchor = (const char *)from->data.scalar.anchor;
	event->merge = is_merge_key(from);
	if (tag || from->data.scalar.plain_implicit)
		return scalar_resolve(tag, text, len, &event->scalar, err);
	event->scalar.type = TREE_STRING;
	event->scalar.text = text;
	event->scalar.len = (uint32_t)len;
	return 0;
}

/* Events that say nothing to us leave @event as it is: EVENT_END. */
static int convert(struct yaml_reader *yaml, struct event *event,
		   struct err *err)
{
	const yaml_event_t *from = &yaml->event;

	event->line = (unsigned int)from->start_mark.line + 1;
	yaml->line = event->line;
	switch (from->type) {
	case YAML_SCALAR_EVENT:
		return read_scalar(from, event, err);
	case YAML_ALIAS_EVENT:
		event->type = EVENT_ALIAS;
		event->anchor = (const char *)from->data.alias.anchor;
		return 0;
	case YAML_SEQUENCE_START_EVENT:
		event->type = EVENT_LIST;
		event->anchor = (const char *)from->data.sequence_start.anchor;
		return 0;
	case YAML_SEQUENCE_END_EVENT:
		event->type = EVENT_LIST_END;
		return 0;
	case YAML_MAPPING_START_EVENT:
		event->type = EVENT_MAP;
		event->anchor = (const char *)from->data.mapping_start.anchor;
		return 0;
	case YAML_MAPPING_END_EVENT:
		event->type = EVENT_MAP_END;
		return 0;
	case YAML_DOCUMENT_END_EVENT:
		event->type = EVENT_DOCUMENT_END;
		return 0;
	case YAML_STREAM_END_EVENT:
		yaml->ended = true;
		return 0;
	default:
		return 0;
	}
}

static int yaml_reader_next(void *reader, struct event *event, struct err *err)
{
	struct yaml_reader *yaml = reader;
	int r = 0;

	*event = (struct event){ .type = EVENT_END, .line = yaml->line };
	while (r == 0 && event->type == EVENT_END && !yaml->ended) {
		yaml_event_delete(&yaml->event);
		yaml->n_read = 0;
		if (!yaml_parser_parse(&yaml->parser, &yaml->event))
			return syntax_error(yaml, err);
		r = convert(yaml, event, err);
	}
	return r;
}

static unsigned int yaml_reader_line(const void *reader)
{
	const struct yaml_reader *yaml = reader;

	return yaml->line;
}

struct event_source yaml_reader_source(struct yaml_reader *yaml)
{
	return (struct event_source){
		.next = yaml_reader_next,
		.line = yaml_reader_line,
		.reader = yaml,
		.has_aliases = true,
	};
}
