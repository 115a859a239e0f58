/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way of an object:
 *
 *   text -> events         yaml_reader.c, json_reader.c
 *        -> one tree       document.c, builder.c
 *        -> fields, types  schema.c
 *        -> values         validate.c
 *        -> struct object  decode.c
 *
 * An object that fails at one step does not reach the next; what is wrong with
 * it has been reported, and the next object is read.
 */
#include "netpold/manifest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "document.h"
#include "json_reader.h"
#include "kind.h"
#include "netpold/arena.h"
#include "report.h"
#include "schema.h"
#include "validate.h"
#include "yaml_reader.h"

/* Enough to see whether text is JSON: its first character that is no blank. */
#define HEAD_SIZE 4096

/* One list can have any number of fields that it should not have. */
#define MAX_LIST_ERRORS 10

struct manifest {
	struct manifest_options options;

	/* The beginning of the text, read before it was known what it is. */
	char head[HEAD_SIZE];
	size_t head_at;
	size_t head_len;

	struct yaml_reader *yaml;
	struct json_reader *json;
	struct document *document;
	struct arena arena; /* of the object last returned */
	struct report report;
	unsigned int line;
	size_t n_errors;
	size_t n_ignored;
	size_t n_pod_makers;
	int failure; /* reading ended with this */
};

int manifest_open(const struct manifest_options *options, struct manifest **out)
{
	struct manifest *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->options = *options;
	m->report.fn = options->report;
	m->report.ctx = options->report_ctx;
	m->report.file = options->file;
	*out = m;
	return 0;
}

void manifest_close(struct manifest *manifest)
{
	if (!manifest)
		return;
	document_free(manifest->document);
	yaml_reader_free(manifest->yaml);
	json_reader_free(manifest->json);
	arena_release(&manifest->arena);
	report_release(&manifest->report);
	free(manifest);
}

void manifest_closep(struct manifest **manifest)
{
	manifest_close(*manifest);
}

unsigned int manifest_line(const struct manifest *manifest)
{
	return manifest->line;
}

size_t manifest_n_errors(const struct manifest *manifest)
{
	return manifest->n_errors;
}

size_t manifest_n_ignored(const struct manifest *manifest)
{
	return manifest->n_ignored;
}

size_t manifest_n_pod_makers(const struct manifest *manifest)
{
	return manifest->n_pod_makers;
}

/* ---- YAML or JSON ------------------------------------------------------- */

static long read_text(void *ctx, char *buf, size_t size)
{
	struct manifest *m = ctx;
	size_t n = m->head_len - m->head_at;

	if (n == 0)
		return m->options.read(m->options.read_ctx, buf, size);
	if (n > size)
		n = size;
	memcpy(buf, m->head + m->head_at, n);
	m->head_at += n;
	return (long)n;
}

/* U+FEFF, which some editors put in front. */
static const char byte_order_mark[] = "\xef\xbb\xbf";
#define MARK_LEN (sizeof(byte_order_mark) - 1)

/* Where the first character that is no blank is; the end if there is none. */
static size_t first_character(const struct manifest *m)
{
	size_t n = m->head_len < MARK_LEN ? m->head_len : MARK_LEN;
	size_t at = memcmp(m->head, byte_order_mark, n) == 0 ? n : 0;

	while (at < m->head_len && strchr(" \t\r\n", m->head[at]))
		at++;
	return at;
}

/* Text that begins with '{' is JSON, all other text YAML. */
static int sniff(struct manifest *m, bool *is_json, struct err *err)
{
	size_t at = 0;

	while (at == m->head_len && m->head_len < HEAD_SIZE) {
		long n = m->options.read(m->options.read_ctx,
					 m->head + m->head_len,
					 HEAD_SIZE - m->head_len);

		if (n < 0)
			return err_set(err, (int)n, "cannot read '%s': %s",
				       m->options.file, strerror((int)-n));
		if (n == 0)
			break;
		m->head_len += (size_t)n;
		at = first_character(m);
	}
	*is_json = at < m->head_len && m->head[at] == '{';
	/* libyaml knows the mark, RFC 8259 forbids it. */
	if (*is_json && m->head[0] == byte_order_mark[0])
		m->head_at = MARK_LEN;
	return 0;
}

static int open_text(struct manifest *m, struct err *err)
{
	struct event_source source;
	bool is_json = false;
	int r;

	r = sniff(m, &is_json, err);
	if (r < 0)
		return r;
	r = is_json ? json_reader_new(read_text, m, &m->json)
		    : yaml_reader_new(read_text, m, &m->yaml);
	if (r < 0)
		return err_set(err, r, "not enough memory to read '%s'",
			       m->options.file);
	source = is_json ? json_reader_source(m->json)
			 : yaml_reader_source(m->yaml);
	r = document_new(&source, &m->document);
	if (r < 0)
		return err_set(err, r, "not enough memory to read '%s'",
			       m->options.file);
	return 0;
}

/* ---- which object ------------------------------------------------------- */

static void name_nothing(struct manifest *m)
{
	m->report.kind = "";
	m->report.namespace = "";
	m->report.name = "";
}

/* A string without zero bytes, or "". */
static const char *plain_text(const struct tree *tree)
{
	const char *text = tree_text(tree);

	return tree && tree->type == TREE_STRING && strlen(text) == tree->len
		       ? text
		       : "";
}

/* From here on, findings name the object. */
static void name_object(struct manifest *m, const struct tree *object,
			const char *kind)
{
	const struct tree *metadata = tree_get(object, "metadata");
	const char *namespace = tree_text(tree_get(metadata, "namespace"));
	bool needs_namespace =
		strcmp(kind, "NetworkPolicy") == 0 || strcmp(kind, "Pod") == 0;

	m->report.kind = kind;
	m->report.name = tree_text(tree_get(metadata, "name"));
	m->report.namespace =
		needs_namespace && !*namespace ? "default" : namespace;
}

/* ---- kinds -------------------------------------------------------------- */

static bool is_list(const char *kind)
{
	size_t len = strlen(kind), ending = strlen("List");

	return len >= ending && strcmp(kind + len - ending, "List") == 0;
}

struct type_meta {
	const char *api_version;
	const char *kind;
};

/*
 * API-16: the items of a typed list have neither kind nor apiVersion; both are
 * those of the list. A "List" as such says nothing about its items.
 */
static int inherit(struct manifest *m, const struct part *part,
		   struct type_meta *meta)
{
	const char *kind = plain_text(part->list_kind);
	size_t len = strlen(kind), ending = strlen("List");

	if (len <= ending || !is_list(kind))
		return 0;
	if (!*meta->kind)
		meta->kind = arena_strndup(&m->arena, kind, len - ending);
	if (!*meta->api_version)
		meta->api_version = plain_text(part->list_api_version);
	return meta->kind ? 0 : -ENOMEM;
}

static void missing(struct manifest *m, const struct part *part,
		    const char *field)
{
	const struct tree *value = tree_get_set(part->tree, field);
	struct path path = path_field(NULL, field);

	if (value)
		report_error(&m->report, value->line, &path,
			     "Invalid value: must be a string that is not "
			     "empty");
	else if (part->type == PART_ITEM)
		report_error(&m->report, part->tree->line, &path,
			     "Required value: an item needs its own, unless "
			     "that of the list stands before the items");
	else
		report_error(&m->report, part->tree->line, &path,
			     "Required value: every object has one");
}

static void refuse_kind(struct manifest *m, const struct tree *object,
			const char *api_version, const char *kind)
{
	struct text *message = report_begin(&m->report);

	m->report.code = FINDING_UNSUPPORTED_KIND;
	text_put(message, "no kind ");
	text_put_quoted(message, kind, strlen(kind));
	text_put(message, " is registered for version ");
	text_put_quoted(message, api_version, strlen(api_version));
	text_put(message, ": it is not supported and would not be enforced");
	report_send(&m->report, object->line, NULL);
}

/* Returns 1 if the object is to be read, 0 if not, or -ENOMEM. */
static int identify(struct manifest *m, const struct part *part,
		    enum object_kind *out)
{
	struct type_meta meta = {
		.api_version = plain_text(tree_get(part->tree, "apiVersion")),
		.kind = plain_text(tree_get(part->tree, "kind")),
	};
	int r = inherit(m, part, &meta);

	if (r < 0)
		return r;
	name_object(m, part->tree, meta.kind);
	if (!*meta.kind)
		missing(m, part, "kind");
	if (!*meta.api_version)
		missing(m, part, "apiVersion");
	if (m->report.n_errors > 0)
		return 0;
	if (is_list(meta.kind)) {
		report_error(&m->report, part->tree->line, NULL,
			     "a list inside a list is not supported");
		return 0;
	}
	switch (kind_lookup(meta.api_version, meta.kind, out)) {
	case KIND_READ:
		return 1;
	case KIND_IGNORED:
		m->n_ignored++;
		m->n_pod_makers +=
			kind_may_make_pods(meta.api_version, meta.kind);
		return 0;
	case KIND_REFUSED:
		break;
	}
	refuse_kind(m, part->tree, meta.api_version, meta.kind);
	return 0;
}

/* ---- objects ------------------------------------------------------------ */

static const char *type_name(enum tree_type type)
{
	switch (type) {
	case TREE_LIST:
		return "a list";
	case TREE_MAP:
		return "a map";
	case TREE_NULL:
		return "null";
	default:
		return "a single value";
	}
}

static void refuse_type(struct manifest *m, const struct tree *tree)
{
	name_nothing(m);
	report_error(&m->report, tree->line, NULL,
		     "this is %s; a Kubernetes object is a map",
		     type_name(tree->type));
}

static int check_and_decode(struct manifest *m, enum object_kind kind,
			    const struct tree *tree, struct object *out)
{
	struct validation validation = {
		.report = &m->report,
		.scratch = &m->arena,
		.strict = m->options.strict,
	};
	int r;

	m->report.code = FINDING_DECODING;
	r = schema_check(schema_of(kind), tree, &m->arena, &m->report);
	if (r < 0 || m->report.n_errors > 0)
		return r;
	m->report.code = FINDING_INVALID;
	r = validate_object(&validation, kind, tree);
	if (r < 0 || m->report.n_errors > 0)
		return r;
	r = decode_object(kind, tree, &m->arena, out);
	if (r == -EINVAL) {
		report_error(&m->report, tree->line, NULL,
			     "a value of this object has no meaning here");
		return 0;
	}
	return r < 0 ? r : 1;
}

/* Returns 1 with an object, 0 without, or -ENOMEM. */
static int read_object(struct manifest *m, const struct part *part,
		       struct object *out)
{
	enum object_kind kind = OBJECT_POD;
	int r;

	if (part->tree->type != TREE_MAP) {
		refuse_type(m, part->tree);
		return 0;
	}
	r = identify(m, part, &kind);
	return r <= 0 ? r : check_and_decode(m, kind, part->tree, out);
}

/* Lists of what decides about packets have these fields and no others; kinds of
   other products may only be called so. */
static bool is_closed_list(struct manifest *m, const char *api_version,
			   const char *kind)
{
	size_t len = strlen(kind) - strlen("List");
	enum object_kind ignored;
	const char *of = arena_strndup(&m->arena, kind, len);

	return len == 0 || !of ||
	       kind_lookup(api_version, of, &ignored) != KIND_IGNORED;
}

/* A misspelt `items` would hide a whole list. */
static void check_list_entry(struct manifest *m, const struct tree *entry)
{
	static const char *const known[] = { "apiVersion", "kind", "metadata" };
	struct path path = path_key(NULL, entry->key, entry->key_len);

	if (tree_key_is(entry, "items")) {
		if (entry->type != TREE_LIST && entry->type != TREE_NULL)
			report_error(&m->report, entry->line, &path,
				     "Invalid value: must be a list");
		return;
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (tree_key_is(entry, known[i]))
			return;
	}
	report_error(&m->report, entry->line, &path,
		     "strict decoding error: unknown field of a list");
}

/* A list is over: was it one? */
static void check_list(struct manifest *m, const struct tree *list)
{
	const char *kind = plain_text(tree_get(list, "kind"));
	size_t n_items = 0;
	bool closed;

	name_nothing(m);
	m->report.kind = kind;
	if (!is_list(kind)) {
		report_error(&m->report, list->line, NULL,
			     "a document with items is a list, and its kind "
			     "ends in List");
		return;
	}
	closed = is_closed_list(m, plain_text(tree_get(list, "apiVersion")),
				kind);
	for (const struct tree *e = tree_first(list); e; e = e->next) {
		n_items += tree_key_is(e, "items");
		if (closed && m->report.n_errors < MAX_LIST_ERRORS)
			check_list_entry(m, e);
	}
	if (n_items > 1)
		report_error(&m->report, list->line, NULL,
			     "strict decoding error: duplicate field "
			     "\"items\"");
}

/* ---- reading ------------------------------------------------------------ */

/* Text that cannot be read on is a finding as well; trouble with the file is
   not. */
static int give_up(struct manifest *m, int r, struct err *err)
{
	struct finding finding = {
		.code = FINDING_UNREADABLE,
		.file = m->options.file,
		.kind = "",
		.namespace = "",
		.name = "",
		.path = "",
	};
	struct err why = { 0 };

	m->failure = r;
	if (err)
		why = *err;
	if (r != -EBADMSG)
		return err_prefix(err, "%s: ", m->options.file);
	m->n_errors++;
	finding.line = document_line(m->document);
	finding.message = why.message;
	if (m->options.report)
		m->options.report(m->options.report_ctx, &finding);
	if (err)
		finding_format(&finding, err->message, sizeof(err->message));
	return r;
}

static int handle_part(struct manifest *m, const struct part *part,
		       struct object *out, struct err *err)
{
	int r = 0;

	arena_clear(&m->arena);
	m->report.n_errors = 0;
	m->report.code = FINDING_NO_OBJECT;
	if (part->type == PART_LIST)
		check_list(m, part->tree);
	else if (part->type == PART_NO_OBJECT)
		refuse_type(m, part->tree);
	else
		r = read_object(m, part, out);
	m->n_errors += m->report.n_errors;
	if (r == 1)
		m->line = part->tree->line;
	if (r == -ENOMEM || m->report.failed)
		return err_set(err, -ENOMEM,
			       "not enough memory to read an object");
	return r;
}

int manifest_next(struct manifest *manifest, struct object *out,
		  struct err *err)
{
	struct manifest *m = manifest;
	struct err own = { 0 };
	int r = 0;

	if (!err)
		err = &own;
	if (m->failure)
		return err_set(err, m->failure,
			       "reading '%s' has failed before",
			       m->options.file);
	if (!m->document) {
		m->failure = open_text(m, err);
		if (m->failure)
			return m->failure;
	}
	while (r == 0) {
		struct part part;

		r = document_next(m->document, &part, err);
		if (r < 0)
			return give_up(m, r, err);
		if (part.type == PART_END)
			return 0;
		r = handle_part(m, &part, out, err);
	}
	return r < 0 ? give_up(m, r, err) : 1;
}
