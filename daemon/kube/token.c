/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kube/token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "netpold/cleanup.h"
#include "whole_file.h"

struct token {
	char *path; /* NULL: it never changes */
	char *text; /* NULL: none */
	int64_t read_us;
	unsigned int edition;
};

/* ---- reading ------------------------------------------------------------- */

static void close_file(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static void free_secret(char **text)
{
	if (*text)
		explicit_bzero(*text, strlen(*text));
	free(*text);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* In its place; the new length. */
static size_t trim(char *text, size_t len)
{
	size_t start = 0;

	while (len > 0 && is_blank(text[len - 1]))
		len--;
	while (start < len && is_blank(text[start]))
		start++;
	memmove(text, text + start, len - start);
	text[len - start] = '\0';
	return len - start;
}

/* It is going to be part of one line, between blanks. */
static bool is_usable(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	}
	return len > 0 && len <= TOKEN_MAX_LEN;
}

static int read_file(const char *path, char **out)
{
	CLEANUP(close_file) int fd = -1;
	CLEANUP(free_secret) char *text = NULL;
	struct stat stat;
	ssize_t n;

	/* Not to wait for the writer of a pipe. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &stat) < 0)
		return -errno;
	if (!S_ISREG(stat.st_mode))
		return -EBADMSG;
	text = calloc(1, TOKEN_MAX_LEN + 2);
	if (!text)
		return -ENOMEM;
	n = whole_file_read(fd, text, TOKEN_MAX_LEN);
	if (n < 0)
		return (int)n;
	if (!is_usable(text, trim(text, (size_t)n)))
		return -EBADMSG;
	*out = text;
	text = NULL;
	return 0;
}

/* True where it is another one than before. */
static bool read_again(struct token *token, int64_t now_us)
{
	char *text = NULL;
	bool has_changed;

	token->read_us = now_us;
	if (!token->path || read_file(token->path, &text) < 0)
		return false;
	has_changed = strcmp(text, token->text) != 0;
	free_secret(&token->text);
	token->text = text;
	token->edition += has_changed;
	return has_changed;
}

/* ---- for callers --------------------------------------------------------- */

static int open_file(struct token *token, const char *path, struct err *err)
{
	int r;

	token->path = strdup(path);
	if (!token->path)
		return err_set(err, -ENOMEM, "no memory for a token");
	r = read_file(path, &token->text);
	if (r == -EBADMSG)
		return err_set(err, r,
			       "%s: expected a token, one word, found "
			       "something else",
			       path);
	if (r < 0)
		return err_set(err, r, "%s: cannot read the token: %s", path,
			       strerror(-r));
	return 0;
}

static int open_fixed(struct token *token, const char *fixed, struct err *err)
{
	size_t len;

	if (!fixed)
		return 0;
	token->text = strdup(fixed);
	if (!token->text)
		return err_set(err, -ENOMEM, "no memory for a token");
	len = trim(token->text, strlen(fixed));
	if (!is_usable(token->text, len))
		return err_set(err, -EBADMSG,
			       "the token: expected one word, found something "
			       "else");
	return 0;
}

static void close_token(struct token **token)
{
	token_close(*token);
}

int token_open(const char *path, const char *fixed, int64_t now_us,
	       struct token **out, struct err *err)
{
	CLEANUP(close_token) struct token *token = calloc(1, sizeof(*token));
	int r;

	if (!token)
		return err_set(err, -ENOMEM, "no memory for a token");
	token->read_us = now_us;
	r = path ? open_file(token, path, err) : open_fixed(token, fixed, err);
	if (r < 0)
		return r;
	*out = token;
	token = NULL;
	return 0;
}

void token_close(struct token *token)
{
	if (!token)
		return;
	free_secret(&token->text);
	free(token->path);
	free(token);
}

const char *token_get(struct token *token, int64_t now_us)
{
	if (now_us - token->read_us >= TOKEN_AGE_US)
		read_again(token, now_us);
	return token->text;
}

bool token_renew(struct token *token, int64_t now_us)
{
	return read_again(token, now_us);
}

unsigned int token_edition(const struct token *token)
{
	return token->edition;
}
