/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "validate.h"

#include <ctype.h>
#include <errno.h>

#include "syntax.h"

#define MAX_ANNOTATIONS_LEN (256 * 1024)

/* AV-23. The server puts five characters behind the name; a hyphen at the end
   is fine there. */
static int check_generate_name(const struct validation *v,
			       const struct tree *value,
			       const struct path *metadata)
{
	struct path path = path_field(metadata, "generateName");
	struct subject subject;
	char *text;

	if (!value || value->len == 0)
		return 0;
	subject = subject_of(v->report, value, &path);
	if (value->len < 2 || value->text[value->len - 1] != '-') {
		syntax_check_subdomain(&subject, value->text, value->len);
		return 0;
	}
	text = arena_strndup(v->scratch, value->text, value->len - 1);
	if (!text)
		return -ENOMEM;
	text[value->len - 2] = 'a';
	syntax_check_subdomain(&subject, text, value->len - 1);
	return 0;
}

static void check_name(const struct validation *v, const struct tree *value,
		       unsigned int line, const struct path *metadata)
{
	struct path path = path_field(metadata, "name");
	struct subject subject;

	if (!value || value->len == 0) {
		report_error(v->report, value ? value->line : line, &path,
			     "Required value: name or generateName is "
			     "required");
		return;
	}
	subject = subject_of(v->report, value, &path);
	syntax_check_subdomain(&subject, value->text, value->len);
}

static void check_namespace(const struct validation *v,
			    const struct tree *value,
			    const struct path *metadata)
{
	struct path path = path_field(metadata, "namespace");
	struct subject subject;

	/* Absent is "default" for kubectl. */
	if (!value || value->len == 0)
		return;
	subject = subject_of(v->report, value, &path);
	syntax_check_dns_label(&subject);
}

static void check_generation(const struct validation *v,
			     const struct tree *value,
			     const struct path *metadata)
{
	struct path path = path_field(metadata, "generation");
	int64_t generation;

	if (tree_integer(value, &generation) && generation < 0)
		report_error(v->report, value->line, &path,
			     "Invalid value: %lld: must be greater than or "
			     "equal to 0",
			     (long long)generation);
}

/* AV-28. */
static int check_annotations(const struct validation *v,
			     const struct tree *annotations,
			     const struct path *metadata)
{
	struct path path = path_field(metadata, "annotations");
	struct tree **sorted;
	size_t total = 0;

	if (!tree_first(annotations))
		return 0;
	sorted = tree_sort(annotations, v->scratch);
	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < annotations->len; i++) {
		const struct tree *e = sorted[i];
		struct subject key = subject_of_key(v->report, e, &path);
		char *lower = arena_strndup(v->scratch, e->key, e->key_len);

		if (!lower)
			return -ENOMEM;
		for (size_t j = 0; j < e->key_len; j++)
			lower[j] = (char)tolower((unsigned char)lower[j]);
		syntax_check_label_key(&key, lower, e->key_len);
		total += e->key_len;
		total += e->type == TREE_STRING ? e->len : 0;
	}
	if (total > MAX_ANNOTATIONS_LEN)
		report_error(v->report, annotations->line, &path,
			     "Too long: may not be more than %d bytes",
			     MAX_ANNOTATIONS_LEN);
	return 0;
}

int validate_metadata(const struct validation *v, const struct tree *object)
{
	const struct tree *metadata = tree_get_set(object, "metadata");
	struct path path = path_field(NULL, "metadata");
	struct path labels = path_field(&path, "labels");
	int r;

	r = check_generate_name(v, tree_get_set(metadata, "generateName"),
				&path);
	if (r < 0)
		return r;
	check_name(v, tree_get_set(metadata, "name"),
		   metadata ? metadata->line : object->line, &path);
	check_namespace(v, tree_get_set(metadata, "namespace"), &path);
	check_generation(v, tree_get(metadata, "generation"), &path);
	r = validate_labels(v, tree_get(metadata, "labels"), &labels);
	if (r < 0)
		return r;
	return check_annotations(v, tree_get(metadata, "annotations"), &path);
}

/* No server knows of it, so none refuses anything: a code of its own tells this
   from what servers say. */
void validate_mode(const struct validation *v, const struct tree *object)
{
	const struct tree *metadata = tree_get_set(object, "metadata");
	const struct tree *annotations = tree_get_set(metadata, "annotations");
	const struct tree *mode = tree_get_set(annotations, MODE_ANNOTATION);
	struct path at_metadata = path_field(NULL, "metadata");
	struct path at_annotations = path_field(&at_metadata, "annotations");
	struct path path = path_field(&at_annotations, MODE_ANNOTATION);
	enum finding_code code = v->report->code;
	struct subject subject;

	if (!mode || tree_text_is(mode, "audit") ||
	    tree_text_is(mode, "enforce"))
		return;
	subject = subject_of(v->report, mode, &path);
	v->report->code = FINDING_UNKNOWN_MODE;
	syntax_unsupported(&subject, "\"audit\", \"enforce\"");
	v->report->code = code;
}
