/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "records/record_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "plain_text.h"
#include "records/record_fields.h"

struct record_reader {
	FILE *in;
	char *name;
	size_t line;
	char buffer[RECORD_LINE_MAX];
};

int record_reader_open(FILE *in, const char *name, struct record_reader **out,
		       struct err *err)
{
	struct record_reader *reader = malloc(sizeof(*reader));
	char *copy = strdup(name);

	if (!reader || !copy) {
		free(reader);
		free(copy);
		return err_set(err, -ENOMEM, "out of memory");
	}
	reader->in = in;
	reader->name = copy;
	reader->line = 0;
	*out = reader;
	return 0;
}

void record_reader_close(struct record_reader *reader)
{
	if (reader)
		free(reader->name);
	free(reader);
}

/* ---- lines -------------------------------------------------------------- */

/* A bad line has a number of its own. */
static int read_error(void)
{
	return errno > 0 && errno != EINVAL ? -errno : -EIO;
}

/*
 * The next line, without its end. What there is no room for is read as well,
 * and @len says how long the line is.
 *
 * Returns 1; 0 at the end; a negative errno other than -EINVAL.
 */
static int read_line(struct record_reader *reader, size_t *len)
{
	size_t n = 0;
	int c;

	errno = 0;
	while ((c = getc_unlocked(reader->in)) != EOF && c != '\n') {
		if (n < sizeof(reader->buffer))
			reader->buffer[n] = (char)c;
		n++;
	}
	if (c == EOF && ferror(reader->in))
		return read_error();
	if (c == EOF && n == 0)
		return 0;
	reader->line++;
	*len = n;
	return 1;
}

static bool is_blank(const struct record_reader *reader, size_t len)
{
	for (size_t i = 0; i < len && i < sizeof(reader->buffer); i++) {
		char c = reader->buffer[i];

		if (c != ' ' && c != '\t' && c != '\r')
			return false;
	}
	return len <= sizeof(reader->buffer);
}

/* ---- records ------------------------------------------------------------ */

static int parse(const struct record_reader *reader, size_t len, json_t **out,
		 struct err *err)
{
	char plain[PLAIN_TEXT_LEN];
	json_error_t error;

	if (len > sizeof(reader->buffer))
		return err_set(err, -EINVAL, "the line is longer than %d bytes",
			       RECORD_LINE_MAX);
	*out = json_loadb(reader->buffer, len, JSON_REJECT_DUPLICATES, &error);
	if (*out)
		return 0;
	if (json_error_code(&error) == json_error_out_of_memory)
		return err_set(err, -ENOMEM, "out of memory");
	return err_set(err, -EINVAL, "not JSON: %s",
		       plain_text(error.text, plain));
}

static int read_record(const struct record_reader *reader, size_t len,
		       struct record_seen *out, struct err *err)
{
	struct record_seen seen = { .line = reader->line };
	json_t *root = NULL;
	int r = parse(reader, len, &root, err);

	if (r < 0)
		return r;
	r = record_fields_read(root, &seen, err);
	json_decref(root);
	if (r < 0)
		return r;
	*out = seen;
	return 1;
}

int record_reader_next(struct record_reader *reader, struct record_seen *out,
		       struct err *err)
{
	size_t len = 0;
	int r;

	do {
		r = read_line(reader, &len);
	} while (r > 0 && is_blank(reader, len));
	if (r < 0)
		return err_set(err, r, "cannot read '%s': %s", reader->name,
			       strerror(-r));
	if (r == 0)
		return 0;
	r = read_record(reader, len, out, err);
	if (r < 0)
		err_prefix(err, "%s:%zu: ", reader->name, reader->line);
	return r;
}
