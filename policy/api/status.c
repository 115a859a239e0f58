/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "parts.h"

/* ---- a Status ----------------------------------------------------------- */

static int natural(const struct tree *tree)
{
	int64_t number = 0;

	if (!tree_integer(tree, &number) || number < 0)
		return 0;
	return number < INT32_MAX ? (int)number : INT32_MAX;
}

/* API-14. */
static bool is_too_large(const struct tree *details)
{
	const struct tree *causes = tree_get(details, "causes");

	for (const struct tree *e = tree_first(causes); e; e = e->next) {
		if (tree_text_is(tree_get(e, "reason"),
				 "ResourceVersionTooLarge"))
			return true;
	}
	return false;
}

void api_status_of(const struct tree *tree, struct api_status *out)
{
	const struct tree *details = tree_get(tree, "details");

	*out = (struct api_status){
		.code = natural(tree_get(tree, "code")),
		.reason = api_text(tree_get(tree, "reason")),
		.message = api_text(tree_get(tree, "message")),
		.retry_after_s =
			natural(tree_get(details, "retryAfterSeconds")),
		.is_too_large = is_too_large(details),
	};
}

/* ---- bodies ------------------------------------------------------------- */

/* Puts strings behind each other into a buffer; what does not fit is cut. */
struct shelf {
	char *at;
	char *end; /* the last byte, which is a zero byte */
};

static const char *put(struct shelf *shelf, const char *text, size_t len)
{
	const char *copy = shelf->at;

	if (len > (size_t)(shelf->end - shelf->at))
		len = (size_t)(shelf->end - shelf->at);
	memcpy(shelf->at, text, len);
	shelf->at += len;
	*shelf->at = '\0';
	if (shelf->at < shelf->end)
		shelf->at++;
	return copy;
}

/* What a proxy says goes to a log: no control characters. */
static const char *first_line(struct shelf *shelf, const char *body, size_t len)
{
	struct span text = span_skip_blanks((struct span){ body, body + len });
	size_t n = 0;
	char *line = shelf->at;

	while (n < span_len(text) && text.at[n] != '\n' && text.at[n] != '\r')
		n++;
	put(shelf, text.at, n);
	for (char *p = line; p < shelf->at; p++) {
		if ((*p > '\0' && *p < ' ') || *p == 0x7f)
			*p = ' ';
	}
	return line;
}

static int read_status(const char *body, size_t len, struct arena *arena,
		       struct tree **out)
{
	struct json_tree json = { 0 };
	int r = json_tree_init(&json);

	if (r == 0)
		r = json_tree_read(&json, body, len, arena, out, NULL);
	json_tree_release(&json);
	return r;
}

void api_status_read(const char *body, size_t len, char *buf, size_t buf_size,
		     struct api_status *out)
{
	struct shelf shelf = { buf, buf + buf_size - 1 };
	struct arena arena = { 0 };
	struct tree *tree = NULL;

	*out = (struct api_status){ .reason = "", .message = "" };
	if (read_status(body, len, &arena, &tree) == 0 &&
	    tree_text_is(tree_get(tree, "kind"), "Status")) {
		api_status_of(tree, out);
		out->reason = put(&shelf, out->reason, strlen(out->reason));
		out->message = put(&shelf, out->message, strlen(out->message));
	} else {
		out->message = first_line(&shelf, body, len);
	}
	arena_release(&arena);
}
