/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "suite/rewrite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "netpold/cleanup.h"

/* ---- the text ------------------------------------------------------------ */

/* How many blanks stand at a byte, before something else in its line. */
static size_t n_blanks(const struct suite *suite, size_t at)
{
	size_t n = 0;

	while (at + n < suite->len && suite->text[at + n] == ' ')
		n++;
	if (at + n == suite->len || suite->text[at + n] == '\n' ||
	    suite->text[at + n] == '\r')
		return 0;
	return n;
}

/* Writes a word, and blanks so that what follows stays where it is; returns
   where the old text goes on. Two blanks or more are layout, one is none. */
static size_t write_word(FILE *out, const struct suite *suite,
			 const struct edit *edit)
{
	size_t blanks = n_blanks(suite, edit->end);
	size_t was = edit->end - edit->begin, is = strlen(edit->word);

	fwrite(edit->word, 1, is, out);
	if (is > was && blanks > is - was)
		return edit->end + (is - was);
	if (is < was && blanks > 1)
		fprintf(out, "%*s", (int)(was - is), "");
	return edit->end;
}

int suite_rewrite_text(const struct suite *suite,
		       const struct suite_result *result, char **out,
		       size_t *len)
{
	char *text = NULL;
	FILE *memory = open_memstream(&text, len);
	size_t at = 0;

	if (!memory)
		return -ENOMEM;
	for (size_t i = 0; i < result->n_edits; i++) {
		const struct edit *edit = &result->edits[i];

		fwrite(suite->text + at, 1, edit->begin - at, memory);
		at = write_word(memory, suite, edit);
	}
	fwrite(suite->text + at, 1, suite->len - at, memory);
	if (fclose(memory) != 0) {
		free(text);
		return -ENOMEM;
	}
	*out = text;
	return 0;
}

/* ---- the file ------------------------------------------------------------ */

static int cannot_write(const char *path, struct err *err)
{
	int code = -errno;

	return err_set(err, code, "cannot write '%s': %s", path,
		       strerror(-code));
}

static int write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		text += n;
		len -= (size_t)n;
	}
	return fsync(fd);
}

static int replace(const char *file, const char *text, size_t len,
		   struct err *err)
{
	char path[4096];
	struct stat st;
	int fd, r = 0;

	if (snprintf(path, sizeof(path), "%s.XXXXXX", file) >=
	    (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return cannot_write(file, err);
	}
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return cannot_write(file, err);
	if (stat(file, &st) < 0 || fchmod(fd, st.st_mode & 07777) < 0 ||
	    write_all(fd, text, len) < 0 || rename(path, file) < 0) {
		r = cannot_write(file, err);
		unlink(path);
	}
	close(fd);
	return r;
}

static void free_text(char **text)
{
	free(*text);
}

/* Through a link, so that it stays one. */
int suite_rewrite(const struct suite *suite, const struct suite_result *result,
		  struct err *err)
{
	CLEANUP(free_text) char *text = NULL;
	CLEANUP(free_text) char *file = realpath(suite->file, NULL);
	size_t len = 0;

	if (!file)
		return cannot_write(suite->file, err);
	if (suite_rewrite_text(suite, result, &text, &len) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	return replace(file, text, len, err);
}
