/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libyaml is read event by event, so that the first thing that does not belong
 * ends it. A whole document would take its time: 1 MiB of brackets takes
 * libyaml minutes, and as much of anchors 43 s.
 */
#include "command/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <yaml.h>

#include "netpold/cleanup.h"
#include "whole_file.h"

#define MAX_SIZE (1 << 20)

struct config {
	const char *file;
	struct settings *settings;
	yaml_parser_t parser;
	yaml_event_t event; /* the last one; its text is still in use */
	/* the key that is being read, and its name; "" outside of keys */
	const struct setting *setting;
	char key[SETTING_QUOTE_LEN];
	/* the keys that have been read, and their lines */
	const struct setting *seen[SETTINGS_MAX];
	unsigned int lines[SETTINGS_MAX];
	size_t n_seen;
};

#define SUBJECT_LEN sizeof(((struct err *)NULL)->message)

/* ---- messages ------------------------------------------------------------ */

static unsigned int line_of(const struct config *config)
{
	return (unsigned int)config->event.start_mark.line + 1;
}

/* "netpold.yaml:3: workers", at the last event */
static const char *subject(const struct config *config, char text[SUBJECT_LEN])
{
	snprintf(text, SUBJECT_LEN, "%s:%u%s%s", config->file, line_of(config),
		 *config->key ? ": " : "", config->key);
	return text;
}

static int refuse(const struct config *config, const char *expected,
		  const char *found, struct err *err)
{
	char text[SUBJECT_LEN];

	return err_set(err, -EINVAL, "%s: expected %s, found %s",
		       subject(config, text), expected, found);
}

static int mismatch(const struct config *config, const char *found,
		    struct err *err)
{
	char text[SUBJECT_LEN];

	return setting_mismatch(config->setting, subject(config, text), found,
				err);
}

static int syntax_error(const struct config *config, struct err *err)
{
	const yaml_parser_t *parser = &config->parser;
	size_t line = parser->error == YAML_READER_ERROR
			      ? parser->mark.line
			      : parser->problem_mark.line;

	if (parser->error == YAML_MEMORY_ERROR)
		return err_set(err, -ENOMEM, "no memory to read %s",
			       config->file);
	return err_set(err, -EINVAL, "%s:%zu: not YAML: %s", config->file,
		       line + 1, parser->problem ? parser->problem : "unknown");
}

/* ---- events -------------------------------------------------------------- */

static const char *tag_of(const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return (const char *)event->data.scalar.tag;
	case YAML_SEQUENCE_START_EVENT:
		return (const char *)event->data.sequence_start.tag;
	case YAML_MAPPING_START_EVENT:
		return (const char *)event->data.mapping_start.tag;
	default:
		return NULL;
	}
}

/* What could make a value something else than what is written. */
static int next(struct config *config, struct err *err)
{
	yaml_event_delete(&config->event);
	if (!yaml_parser_parse(&config->parser, &config->event))
		return syntax_error(config, err);
	if (config->event.type == YAML_ALIAS_EVENT)
		return refuse(config, "a plain value", "an alias", err);
	if (tag_of(&config->event))
		return refuse(config, "a plain value", "a tag", err);
	return 0;
}

static const char *kind_of(const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_SEQUENCE_START_EVENT:
		return "a list";
	case YAML_MAPPING_START_EVENT:
		return "a mapping";
	default:
		return "a single value";
	}
}

static const char *scalar_text(const struct config *config)
{
	return (const char *)config->event.data.scalar.value;
}

static bool has_zero_byte(const struct config *config)
{
	return strlen(scalar_text(config)) != config->event.data.scalar.length;
}

static bool is_null(const struct config *config)
{
	static const char *const words[] = { "", "~", "null", "Null", "NULL" };

	if (config->event.type != YAML_SCALAR_EVENT ||
	    config->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(scalar_text(config), words[i]) == 0)
			return true;
	}
	return false;
}

/* ---- values -------------------------------------------------------------- */

static int read_scalar(struct config *config, struct err *err)
{
	char text[SUBJECT_LEN];

	if (config->event.type != YAML_SCALAR_EVENT)
		return mismatch(config, kind_of(&config->event), err);
	if (is_null(config))
		return mismatch(config, "nothing", err);
	if (has_zero_byte(config))
		return mismatch(config, "a zero byte", err);
	return settings_take(config->settings, config->setting, SOURCE_FILE,
			     subject(config, text), scalar_text(config), err);
}

static int read_list(struct config *config, struct err *err)
{
	size_t n = 0;
	int r;

	while ((r = next(config, err)) == 0 &&
	       config->event.type != YAML_SEQUENCE_END_EVENT) {
		r = read_scalar(config, err);
		if (r < 0)
			return r;
		n++;
	}
	return r == 0 && n == 0 ? mismatch(config, "an empty list", err) : r;
}

static int read_value(struct config *config, struct err *err)
{
	if (config->event.type == YAML_SEQUENCE_START_EVENT &&
	    config->setting->type == SETTING_PATHS)
		return read_list(config, err);
	return read_scalar(config, err);
}

/* ---- keys ---------------------------------------------------------------- */

static int check_repeated(const struct config *config, struct err *err)
{
	char found[64];

	for (size_t i = 0; i < config->n_seen; i++) {
		if (config->seen[i] != config->setting)
			continue;
		snprintf(found, sizeof(found), "it in line %u, too",
			 config->lines[i]);
		return refuse(config, "it once", found, err);
	}
	return 0;
}

static int read_key(struct config *config, struct err *err)
{
	if (config->event.type != YAML_SCALAR_EVENT)
		return refuse(config, "the name of a setting",
			      kind_of(&config->event), err);
	config->setting = has_zero_byte(config)
				  ? NULL
				  : setting_find(scalar_text(config));
	setting_quote(scalar_text(config), config->key);
	if (!config->setting)
		return refuse(config, "the name of a setting", "none", err);
	if (config->setting->names_file)
		return refuse(config,
			      "it on the command line or in the environment",
			      "it in the file", err);
	return check_repeated(config, err);
}

static int read_pair(struct config *config, struct err *err)
{
	int r = read_key(config, err);

	if (r < 0)
		return r;
	config->seen[config->n_seen] = config->setting;
	config->lines[config->n_seen++] = line_of(config);
	r = next(config, err);
	if (r == 0)
		r = read_value(config, err);
	config->key[0] = '\0';
	return r;
}

/* ---- the file ------------------------------------------------------------ */

static int read_mapping(struct config *config, struct err *err)
{
	int r;

	while ((r = next(config, err)) == 0 &&
	       config->event.type != YAML_MAPPING_END_EVENT) {
		r = read_pair(config, err);
		if (r < 0)
			return r;
	}
	return r;
}

static int read_document(struct config *config, struct err *err)
{
	int r = next(config, err);

	if (r < 0)
		return r;
	if (config->event.type == YAML_MAPPING_START_EVENT)
		r = read_mapping(config, err);
	else if (!is_null(config))
		r = refuse(config, "a mapping from settings to values",
			   kind_of(&config->event), err);
	return r < 0 ? r : next(config, err); /* its end */
}

static int read_stream(struct config *config, struct err *err)
{
	int r = next(config, err); /* its start */

	if (r == 0)
		r = next(config, err);
	if (r < 0 || config->event.type == YAML_STREAM_END_EVENT)
		return r;
	r = read_document(config, err);
	if (r == 0)
		r = next(config, err);
	if (r < 0 || config->event.type == YAML_STREAM_END_EVENT)
		return r;
	return refuse(config, "one document", "another", err);
}

int config_parse(const char *file, const char *text, size_t len,
		 struct settings *settings, struct err *err)
{
	struct config config = { .file = file, .settings = settings };
	int r;

	if (!yaml_parser_initialize(&config.parser))
		return err_set(err, -ENOMEM, "no memory to read %s", file);
	yaml_parser_set_input_string(&config.parser,
				     (const unsigned char *)text, len);
	r = read_stream(&config, err);
	yaml_event_delete(&config.event);
	yaml_parser_delete(&config.parser);
	return r;
}

static void close_file(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static void free_text(char **text)
{
	free(*text);
}

static int cannot_read(const char *path, int error, struct err *err)
{
	return err_set(err, -error,
		       "%s: cannot read the configuration file: %s", path,
		       strerror(error));
}

int config_read(struct settings *settings, struct err *err)
{
	const char *path = settings->config;
	CLEANUP(close_file) int fd = -1;
	CLEANUP(free_text) char *text = NULL;
	struct stat stat;
	ssize_t len;

	if (!path)
		return 0;
	/* Not to wait for the writer of a pipe. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &stat) < 0)
		return cannot_read(path, errno, err);
	if (!S_ISREG(stat.st_mode))
		return err_set(err, -EINVAL,
			       "%s: expected a configuration file, found "
			       "something that is no regular file",
			       path);
	text = malloc(MAX_SIZE + 1);
	if (!text)
		return err_set(err, -ENOMEM, "no memory to read %s", path);
	len = whole_file_read(fd, text, MAX_SIZE);
	if (len < 0)
		return cannot_read(path, (int)-len, err);
	if (len > MAX_SIZE)
		return err_set(err, -EFBIG,
			       "%s: expected a configuration file of at most "
			       "%d MiB, found more",
			       path, MAX_SIZE >> 20);
	return config_parse(path, text, (size_t)len, settings, err);
}
