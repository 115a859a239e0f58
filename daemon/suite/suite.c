/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "suite/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "netpold/cleanup.h"
#include "plain_text.h"
#include "suite/fields.h"
#include "suite/node.h"
#include "whole_file.h"

#define API_VERSION "netpold.io/v1alpha1"

/* Enough for people, and no more than what a case costs in memory. */
#define MAX_CASES 10000
#define MAX_PODS 10000
#define MAX_PATHS 1000

/* ---- messages ------------------------------------------------------------ */

int suite_refuse(const struct suite *suite, unsigned int line, const char *path,
		 struct err *err, const char *fmt, ...)
{
	char message[sizeof(err->message)];
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	return err_set(err, -EINVAL, "%s:%u: %s%s%s", suite->file, line, path,
		       *path ? ": " : "", message);
}

int suite_place(const struct suite *suite, unsigned int line, const char *path,
		struct err *err)
{
	return err_prefix(err, "%s:%u: %s: ", suite->file, line, path);
}

/* ---- lists of texts ------------------------------------------------------ */

typedef int (*text_fn)(struct suite *suite, const struct field *field,
		       const char **out, struct err *err);

static int read_line(struct suite *suite, const struct field *field,
		     const char **out, struct err *err)
{
	return field_text(suite, field, out, err);
}

static int read_texts(struct suite *suite, const struct field *root,
		      const char *name, text_fn read, size_t max,
		      struct suite_text **out, size_t *n, struct err *err)
{
	struct field list, item;
	size_t i = 0;
	int r = field_get(suite, root, name, &list, err);

	if (r == 0)
		r = field_check_list(suite, &list, max, err);
	if (r < 0 || !list.node)
		return r;
	*out = arena_array(&suite->arena, list.node->n, sizeof(**out));
	if (!*out)
		return field_no_memory(suite, err);
	for (const struct suite_node *node = list.node->first; node;
	     node = node->next, i++) {
		struct suite_text *text = &(*out)[i];

		r = field_item(suite, &list, i, node, &item, err);
		if (r == 0)
			r = read(suite, &item, &text->text, err);
		if (r < 0)
			return r;
		text->line = item.line;
		text->path = item.path;
	}
	*n = i;
	return 0;
}

/* ---- cases --------------------------------------------------------------- */

static const struct {
	const char *name;
	int (*read)(struct suite *suite, const struct field *field,
		    struct suite_case *out, struct err *err);
} kinds[] = {
	[SUITE_FLOWS] = { "flows", flow_case_read },
	[SUITE_MATRIX] = { "matrix", matrix_case_read },
	[SUITE_PCAP] = { "pcap", pcap_case_read },
};
#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static int find_kind(struct suite *suite, const struct field *field,
		     size_t *out, struct err *err)
{
	size_t n = 0;

	for (size_t i = 0; i < N_KINDS; i++) {
		if (!suite_node_get(field->node, kinds[i].name))
			continue;
		*out = i;
		n++;
	}
	if (n == 1)
		return 0;
	return suite_refuse(suite, field->line, field->path, err,
			    "expected one of flows, matrix and pcap, found %s",
			    n == 0 ? "none" : "several");
}

static int read_case(struct suite *suite, const struct field *field,
		     struct suite_case *out, struct err *err)
{
	static const char *const names[] = { "name", "flows", "matrix", "pcap",
					     NULL };
	struct field name, body;
	size_t kind = 0;
	int r = field_check_map(suite, field, names, err);

	if (r == 0)
		r = field_need(suite, field, "name", &name, err);
	if (r == 0)
		r = field_text(suite, &name, &out->name, err);
	if (r == 0)
		r = find_kind(suite, field, &kind, err);
	if (r == 0)
		r = field_get(suite, field, kinds[kind].name, &body, err);
	if (r < 0)
		return r;
	out->line = name.line;
	out->path = field->path;
	out->kind = kind;
	return kinds[kind].read(suite, &body, out, err);
}

static int check_name(const struct suite *suite, size_t i, struct err *err)
{
	const struct suite_case *a = &suite->cases[i];

	for (size_t k = 0; k < i; k++) {
		const struct suite_case *b = &suite->cases[k];

		if (strcmp(a->name, b->name) == 0)
			return suite_refuse(suite, a->line, a->path, err,
					    "expected a name of its own, found "
					    "that of the case in line %u",
					    b->line);
	}
	return 0;
}

static int read_cases(struct suite *suite, const struct field *root,
		      struct err *err)
{
	struct field list, item;
	size_t i = 0;
	int r = field_need(suite, root, "cases", &list, err);

	if (r == 0)
		r = field_check_list(suite, &list, MAX_CASES, err);
	if (r < 0)
		return r;
	if (list.node->n == 0)
		return suite_refuse(suite, list.line, list.path, err,
				    "expected cases, found none");
	suite->cases =
		arena_array(&suite->arena, list.node->n, sizeof(*suite->cases));
	if (!suite->cases)
		return field_no_memory(suite, err);
	for (const struct suite_node *node = list.node->first; node;
	     node = node->next, i++) {
		r = field_item(suite, &list, i, node, &item, err);
		if (r == 0)
			r = read_case(suite, &item, &suite->cases[i], err);
		if (r == 0)
			r = check_name(suite, i, err);
		if (r < 0)
			return r;
	}
	suite->n_cases = i;
	return 0;
}

/* ---- the whole ----------------------------------------------------------- */

static int need_word(struct suite *suite, const struct field *root,
		     const char *name, const char *word, struct err *err)
{
	char plain[PLAIN_TEXT_LEN];
	const char *text = NULL;
	struct field field;
	int r = field_need(suite, root, name, &field, err);

	if (r == 0)
		r = field_text(suite, &field, &text, err);
	if (r == 0 && strcmp(text, word) != 0)
		return suite_refuse(suite, field.line, field.path, err,
				    "expected %s, found '%.100s'", word,
				    plain_text(text, plain));
	return r;
}

static int read_name(struct suite *suite, const struct field *root,
		     struct err *err)
{
	static const char *const names[] = { "name", "labels", "annotations",
					     NULL };
	struct field metadata, name = { 0 };
	int r = field_get(suite, root, "metadata", &metadata, err);

	suite->name = suite->file;
	if (r < 0 || !metadata.node)
		return r;
	r = field_check_map(suite, &metadata, names, err);
	if (r == 0)
		r = field_get(suite, &metadata, "name", &name, err);
	if (r < 0 || !name.node)
		return r;
	return field_text(suite, &name, &suite->name, err);
}

static int read_root(struct suite *suite, const struct field *root,
		     struct err *err)
{
	static const char *const names[] = {
		"apiVersion", "kind",	"metadata", "manifests", "pods",
		"namespaces", "staged", "cases",    NULL,
	};
	struct field staged;
	int r = field_check_map(suite, root, names, err);

	if (r == 0)
		r = need_word(suite, root, "kind", "PolicyTest", err);
	if (r == 0)
		r = need_word(suite, root, "apiVersion", API_VERSION, err);
	if (r == 0)
		r = read_name(suite, root, err);
	if (r == 0)
		r = read_texts(suite, root, "manifests", field_path, MAX_PATHS,
			       &suite->manifests, &suite->n_manifests, err);
	if (r == 0)
		r = read_texts(suite, root, "pods", read_line, MAX_PODS,
			       &suite->pods, &suite->n_pods, err);
	if (r == 0)
		r = read_texts(suite, root, "namespaces", read_line, MAX_PODS,
			       &suite->namespaces, &suite->n_namespaces, err);
	if (r == 0)
		r = field_get(suite, root, "staged", &staged, err);
	if (r == 0)
		r = field_bool(suite, &staged, &suite->staged, err);
	return r == 0 ? read_cases(suite, root, err) : r;
}

int suite_parse(const char *file, const char *text, size_t len,
		struct suite *out, struct err *err)
{
	struct field root = { .path = "" };
	int r;

	*out = (struct suite){ .file = file, .name = file };
	out->text = arena_strndup(&out->arena, text, len);
	if (!out->text)
		return field_no_memory(out, err);
	out->len = len;
	r = suite_node_read(file, out->text, len, &out->arena, &root.node, err);
	if (r < 0)
		return r;
	root.line = root.node->line;
	return read_root(out, &root, err);
}

/* ---- files --------------------------------------------------------------- */

static void free_text(char **text)
{
	free(*text);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

int suite_read(const char *file, struct suite *out, struct err *err)
{
	CLEANUP(close_fd) int fd = open(file, O_RDONLY | O_CLOEXEC);
	CLEANUP(free_text) char *text = malloc(SUITE_MAX_SIZE + 1);
	ssize_t len;

	*out = (struct suite){ .file = file };
	if (!text)
		return field_no_memory(out, err);
	len = fd < 0 ? -errno : whole_file_read(fd, text, SUITE_MAX_SIZE);
	if (len < 0)
		return err_set(err, (int)len, "cannot read '%s': %s", file,
			       strerror((int)-len));
	if ((size_t)len > SUITE_MAX_SIZE)
		return err_set(err, -EFBIG,
			       "%s: expected a PolicyTest of at most %zu MiB, "
			       "found more",
			       file, SUITE_MAX_SIZE >> 20);
	return suite_parse(file, text, (size_t)len, out, err);
}

/* What stands before the value: end is behind the last of it. */
static size_t skip_back(const char *text, size_t end, const char *set)
{
	while (end > 0 && strchr(set, text[end - 1]) && text[end - 1])
		end--;
	return end;
}

static bool is_word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

static bool begins_with(const char *text, size_t len, const char *word)
{
	return len >= strlen(word) && memcmp(text, word, strlen(word)) == 0;
}

/* Whether "kind" and a colon stand before @end, quoted or not. *begin is where
   the key does. */
static bool has_key_before(const char *text, size_t end, size_t *begin)
{
	static const char key[] = "kind";
	const size_t len = sizeof(key) - 1;
	bool is_quoted;

	end = skip_back(text, end, " \t\r\n\"'");
	if (end == 0 || text[end - 1] != ':')
		return false;
	end = skip_back(text, end - 1, " \t");
	is_quoted = end > 0 && strchr("\"'", text[end - 1]);
	end -= is_quoted;
	if (end < len || memcmp(text + end - len, key, len) != 0)
		return false;
	*begin = end - len;
	if (*begin > 0 && is_word_char(text[*begin - 1]))
		return false;
	*begin -= is_quoted && *begin > 0;
	return true;
}

/* Where a document in braces begins; @len: nowhere. */
static size_t find_braces(const char *text, size_t len, size_t begin)
{
	while (begin < len) {
		const char *line = text + begin;
		const char *newline = memchr(line, '\n', len - begin);

		if (begins_with(line, len - begin, "{") ||
		    begins_with(line, len - begin, "--- {"))
			return begin;
		begin = newline ? (size_t)(newline - text) + 1 : len;
	}
	return len;
}

/* A field of the whole begins a line, or is in braces. In any way in which it
   can be written; who reads the whole says what is wrong with it. */
bool suite_is_one(const char *text, size_t len)
{
	static const char word[] = "PolicyTest";
	const size_t n = sizeof(word) - 1;
	const char *at = text, *end = text + len;
	/* There may be a byte order mark. */
	size_t first = begins_with(text, len, "\xef\xbb\xbf") ? 3 : 0;
	size_t braces = find_braces(text, len, first), key;

	while ((at = memmem(at, (size_t)(end - at), word, n))) {
		size_t begin = (size_t)(at - text);

		at += n;
		if ((at == end || !is_word_char(*at)) &&
		    has_key_before(text, begin, &key) &&
		    (key == first || key > braces || text[key - 1] == '\n'))
			return true;
	}
	return false;
}

void suite_release(struct suite *suite)
{
	arena_release(&suite->arena);
	*suite = (struct suite){ 0 };
}
