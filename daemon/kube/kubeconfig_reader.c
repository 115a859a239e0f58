/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libyaml is read event by event, and never far down: deep nesting takes it
 * minutes for a mebibyte, and documents with aliases grow without end.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "kube/kubeconfig.h"
#include "kube/kubeconfig_parts.h"
#include "netpold/cleanup.h"
#include "plain_text.h"

/* Extensions are any tool's own, and stand in a kubeconfig six levels down. */
#define MAX_DEPTH 32

struct reader {
	struct kubeconfig *config;
	const char *file;
	yaml_parser_t parser;
	yaml_event_t event; /* the last one; its text is still in use */
	unsigned int depth; /* of lists and mappings */
	const char *field;  /* that is being read, for messages; "" */
};

/* ---- messages ------------------------------------------------------------ */

static unsigned int line_of(const struct reader *reader)
{
	return (unsigned int)reader->event.start_mark.line + 1;
}

static int refuse(const struct reader *reader, const char *expected,
		  const char *found, struct err *err)
{
	return err_set(err, -EINVAL, "%s:%u: %s%sexpected %s, found %s",
		       reader->file, line_of(reader), reader->field,
		       *reader->field ? ": " : "", expected, found);
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

/* ---- events -------------------------------------------------------------- */

static bool is_type(const struct reader *reader, yaml_event_type_t type)
{
	return reader->event.type == type;
}

static const char *kind_of(const struct reader *reader)
{
	switch (reader->event.type) {
	case YAML_SEQUENCE_START_EVENT:
		return "a list";
	case YAML_MAPPING_START_EVENT:
		return "a mapping";
	case YAML_SCALAR_EVENT:
		return "a single value";
	default:
		return "nothing";
	}
}

static int next(struct reader *reader, struct err *err)
{
	yaml_event_delete(&reader->event);
	if (!yaml_parser_parse(&reader->parser, &reader->event))
		return syntax_error(reader, err);
	if (is_type(reader, YAML_ALIAS_EVENT))
		return refuse(reader, "a plain value", "an alias", err);
	if (is_type(reader, YAML_SEQUENCE_START_EVENT) ||
	    is_type(reader, YAML_MAPPING_START_EVENT))
		reader->depth++;
	if (is_type(reader, YAML_SEQUENCE_END_EVENT) ||
	    is_type(reader, YAML_MAPPING_END_EVENT))
		reader->depth--;
	if (reader->depth > MAX_DEPTH)
		return refuse(reader, "a kubeconfig", "deeper nesting", err);
	return 0;
}

/* Past the value whose first event has been read. */
static int skip(struct reader *reader, struct err *err)
{
	bool is_inside = !is_type(reader, YAML_SCALAR_EVENT);
	unsigned int outside = reader->depth - 1;
	int r = 0;

	while (r == 0 && is_inside) {
		r = next(reader, err);
		is_inside = reader->depth != outside;
	}
	return r;
}

static const char *scalar_text(const struct reader *reader)
{
	return (const char *)reader->event.data.scalar.value;
}

static bool is_null(const struct reader *reader)
{
	static const char *const words[] = { "", "~", "null", "Null", "NULL" };

	if (!is_type(reader, YAML_SCALAR_EVENT) ||
	    reader->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(scalar_text(reader), words[i]) == 0)
			return true;
	}
	return false;
}

/* A copy of the text; NULL where it is null or empty. */
static int take_text(const struct reader *reader, char **out, struct err *err)
{
	*out = NULL;
	if (!is_type(reader, YAML_SCALAR_EVENT))
		return refuse(reader, "a single value", kind_of(reader), err);
	if (is_null(reader) || !*scalar_text(reader))
		return 0;
	if (strlen(scalar_text(reader)) != reader->event.data.scalar.length)
		return refuse(reader, "text", "a zero byte", err);
	*out = strdup(scalar_text(reader));
	return *out ? 0 : no_memory(reader, err);
}

/* ---- mappings ------------------------------------------------------------ */

/* Reads one value, whose first event has been read; all of it. */
typedef int (*value_fn)(struct reader *reader, const char *key, void *ctx,
			struct err *err);

static int read_pair(struct reader *reader, value_fn read_value, void *ctx,
		     struct err *err)
{
	char key[64];
	int r;

	if (!is_type(reader, YAML_SCALAR_EVENT))
		return refuse(reader, "the name of a field", kind_of(reader),
			      err);
	/* Longer ones are none of those that are looked for. */
	snprintf(key, sizeof(key), "%s", scalar_text(reader));
	r = next(reader, err);
	return r < 0 ? r : read_value(reader, key, ctx, err);
}

static int read_mapping(struct reader *reader, value_fn read_value, void *ctx,
			struct err *err)
{
	int r;

	if (is_null(reader))
		return 0;
	if (!is_type(reader, YAML_MAPPING_START_EVENT))
		return refuse(reader, "a mapping", kind_of(reader), err);
	while ((r = next(reader, err)) == 0 &&
	       !is_type(reader, YAML_MAPPING_END_EVENT)) {
		r = read_pair(reader, read_value, ctx, err);
		if (r < 0)
			return r;
	}
	return r;
}

/* ---- one cluster, context or user ---------------------------------------- */

/* Those that are text come first; behind them, those that count by being
   there. */
static const char *const text_fields[][12] = {
	[KUBECONFIG_CLUSTER] = { "server", "tls-server-name",
				 "insecure-skip-tls-verify",
				 "certificate-authority",
				 "certificate-authority-data", "proxy-url",
				 "disable-compression" },
	[KUBECONFIG_CONTEXT] = { "cluster", "user" },
	[KUBECONFIG_USER] = { "client-certificate", "client-certificate-data",
			      "client-key", "client-key-data", "token",
			      "tokenFile", "username", "password", "as",
			      "as-uid" },
};
static const char *const other_fields[][5] = {
	[KUBECONFIG_CLUSTER] = { NULL },
	[KUBECONFIG_CONTEXT] = { NULL },
	[KUBECONFIG_USER] = { "exec", "auth-provider", "as-groups",
			      "as-user-extra" },
};

static const char *find_name(const char *const *names, const char *name)
{
	while (*names && strcmp(*names, name) != 0)
		names++;
	return *names;
}

static int add_value(const struct reader *reader,
		     struct kubeconfig_entry *entry, char *text,
		     struct err *err)
{
	struct kubeconfig_value *value;

	if (kubeconfig_get(entry, reader->field)) {
		free(text);
		return refuse(reader, "it once", "it again", err);
	}
	value = malloc(sizeof(*value));
	if (!value) {
		free(text);
		return no_memory(reader, err);
	}
	*value = (struct kubeconfig_value){
		.next = entry->values,
		.field = reader->field,
		.text = text,
		.line = line_of(reader),
	};
	entry->values = value;
	return 0;
}

static int read_text_field(struct reader *reader,
			   struct kubeconfig_entry *entry, struct err *err)
{
	char *text;
	int r = take_text(reader, &text, err);

	return r < 0 || !text ? r : add_value(reader, entry, text, err);
}

static int read_other_field(struct reader *reader,
			    struct kubeconfig_entry *entry, struct err *err)
{
	char *nothing;
	int r;

	if (is_null(reader))
		return 0;
	nothing = strdup("");
	r = nothing ? add_value(reader, entry, nothing, err)
		    : no_memory(reader, err);
	return r < 0 ? r : skip(reader, err);
}

static int read_field(struct reader *reader, const char *key, void *ctx,
		      struct err *err)
{
	struct kubeconfig_entry *entry = ctx;
	const char *text = find_name(text_fields[entry->section], key);
	const char *other = find_name(other_fields[entry->section], key);
	const char *outer = reader->field;
	int r;

	if (!text && !other)
		return skip(reader, err);
	reader->field = text ? text : other;
	r = text ? read_text_field(reader, entry, err)
		 : read_other_field(reader, entry, err);
	reader->field = outer;
	return r;
}

static int read_part_of_entry(struct reader *reader, const char *key, void *ctx,
			      struct err *err)
{
	struct kubeconfig_entry *entry = ctx;

	if (strcmp(key, kubeconfig_section_name(entry->section)) == 0)
		return read_mapping(reader, read_field, entry, err);
	if (strcmp(key, "name") != 0)
		return skip(reader, err);
	if (entry->name)
		return refuse(reader, "a name", "another one", err);
	return take_text(reader, &entry->name, err);
}

/* ---- a list of them ------------------------------------------------------ */

static void free_entry(struct kubeconfig_entry **entry)
{
	kubeconfig_entry_free(*entry);
}

/* Its own line, for the reader stands at its end. */
static int refuse_entry(const struct kubeconfig_entry *entry,
			const char *expected, const char *found,
			struct err *err)
{
	return err_set(err, -EINVAL, "%s:%u: %s: expected %s, found %s",
		       entry->file, entry->line,
		       kubeconfig_section_name(entry->section), expected,
		       found);
}

static int check_entry(const struct kubeconfig *config,
		       const struct kubeconfig_entry *entry, struct err *err)
{
	const struct kubeconfig_entry *other;
	char name[PLAIN_TEXT_LEN], found[PLAIN_TEXT_LEN + 32];

	if (!entry->name)
		return refuse_entry(entry, "a name", "none", err);
	if (config->n_entries >= KUBECONFIG_MAX_ENTRIES)
		return refuse_entry(entry, "fewer entries",
				    "more than a kubeconfig may have", err);
	other = kubeconfig_find(config, entry->section, entry->name);
	if (!other || other->file != entry->file)
		return 0;
	snprintf(found, sizeof(found), "'%s' in line %u, too",
		 plain_text(entry->name, name), other->line);
	return refuse_entry(entry, "each name once", found, err);
}

static int read_entry(struct reader *reader, enum kubeconfig_section section,
		      struct err *err)
{
	CLEANUP(free_entry)
	struct kubeconfig_entry *entry = calloc(1, sizeof(*entry));
	struct kubeconfig *config = reader->config;
	int r;

	if (!entry)
		return no_memory(reader, err);
	entry->section = section;
	entry->file = reader->file;
	entry->line = line_of(reader);
	r = read_mapping(reader, read_part_of_entry, entry, err);
	if (r == 0)
		r = check_entry(config, entry, err);
	if (r < 0)
		return r;

	*config->end = entry;
	config->end = &entry->next;
	config->n_entries++;
	entry = NULL;
	return 0;
}

static int read_list(struct reader *reader, enum kubeconfig_section section,
		     struct err *err)
{
	int r;

	if (is_null(reader))
		return 0;
	if (!is_type(reader, YAML_SEQUENCE_START_EVENT))
		return refuse(reader, "a list", kind_of(reader), err);
	while ((r = next(reader, err)) == 0 &&
	       !is_type(reader, YAML_SEQUENCE_END_EVENT)) {
		r = read_entry(reader, section, err);
		if (r < 0)
			return r;
	}
	return r;
}

/* ---- the file ------------------------------------------------------------ */

static int read_current(struct reader *reader, struct err *err)
{
	struct kubeconfig *config = reader->config;
	char *text;
	int r = take_text(reader, &text, err);

	if (r < 0 || !text)
		return r;
	if (config->current_context) {
		free(text); /* the first file has said it */
		return 0;
	}
	config->current_context = text;
	config->current_file = reader->file;
	config->current_line = line_of(reader);
	return 0;
}

static int read_kind(struct reader *reader, struct err *err)
{
	char found[PLAIN_TEXT_LEN];

	if (!is_type(reader, YAML_SCALAR_EVENT))
		return refuse(reader, "Config", kind_of(reader), err);
	if (is_null(reader) || strcmp(scalar_text(reader), "Config") == 0)
		return 0;
	return refuse(reader, "Config", plain_text(scalar_text(reader), found),
		      err);
}

static int read_top(struct reader *reader, const char *key, void *ctx,
		    struct err *err)
{
	static const char *const names[] = { "clusters", "contexts",
					     "users",	 "current-context",
					     "kind",	 NULL };
	int r;

	(void)ctx;
	reader->field = find_name(names, key);
	if (!reader->field) {
		reader->field = "";
		return skip(reader, err);
	}
	if (strcmp(key, "clusters") == 0)
		r = read_list(reader, KUBECONFIG_CLUSTER, err);
	else if (strcmp(key, "contexts") == 0)
		r = read_list(reader, KUBECONFIG_CONTEXT, err);
	else if (strcmp(key, "users") == 0)
		r = read_list(reader, KUBECONFIG_USER, err);
	else if (strcmp(key, "kind") == 0)
		r = read_kind(reader, err);
	else
		r = read_current(reader, err);
	reader->field = "";
	return r;
}

static int read_stream(struct reader *reader, struct err *err)
{
	int r = next(reader, err); /* its start */

	if (r == 0)
		r = next(reader, err);
	if (r < 0 || is_type(reader, YAML_STREAM_END_EVENT))
		return r;
	r = next(reader, err);
	if (r == 0)
		r = read_mapping(reader, read_top, NULL, err);
	if (r == 0)
		r = next(reader, err); /* the document's end */
	if (r == 0)
		r = next(reader, err);
	if (r < 0 || is_type(reader, YAML_STREAM_END_EVENT))
		return r;
	return refuse(reader, "one document", "another", err);
}

int kubeconfig_read_text(struct kubeconfig *config, const char *file,
			 const char *text, size_t len, struct err *err)
{
	struct reader reader = { .config = config, .file = file, .field = "" };
	int r;

	if (!config->end)
		config->end = &config->entries;
	if (!yaml_parser_initialize(&reader.parser))
		return no_memory(&reader, err);
	yaml_parser_set_input_string(&reader.parser,
				     (const unsigned char *)text, len);
	r = read_stream(&reader, err);
	yaml_event_delete(&reader.event);
	yaml_parser_delete(&reader.parser);
	return r;
}
