/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What comes from a server has been let in by it, perhaps long ago and under
 * rules that were laxer than those of today, or by a server that is newer than
 * we are. So what the decoder can make sense of is taken, and what the server
 * of today would say of it is a warning (NP-25, AV-57). Only what makes no
 * sense at all is an error. Names are the exception: they are printed and
 * compared, and no server has ever let in one with other characters.
 */
#include <errno.h>
#include <string.h>

#include "manifest/decode.h"
#include "manifest/syntax.h"
#include "manifest/validate.h"
#include "parts.h"
#include "prune.h"

/* ---- names -------------------------------------------------------------- */

static struct api_event event_of(enum api_event_type type,
				 const struct tree *object)
{
	const struct tree *metadata = tree_get(object, "metadata");

	return (struct api_event){
		.type = type,
		.resource_version =
			api_text(tree_get(metadata, "resourceVersion")),
		.continue_token = "",
		.namespace = api_text(tree_get(metadata, "namespace")),
		.name = api_text(tree_get(metadata, "name")),
		.uid = api_text(tree_get(metadata, "uid")),
	};
}

/* From here on, findings name the object. */
static void report_on(struct api_reader *reader, const struct api_event *event)
{
	struct report *report = &reader->report;

	report->kind = object_kind_name(reader->options.kind);
	report->namespace = event->namespace;
	report->name = event->name;
	report->code = FINDING_NO_OBJECT;
	report->n_errors = 0;
	report->failed = false;
	reader->is_tolerant = false;
}

static void check_name(struct api_reader *reader, const struct tree *object,
		       const char *field)
{
	const struct tree *metadata = tree_get_set(object, "metadata");
	const struct tree *name = tree_get_set(metadata, field);
	struct path at = path_field(NULL, "metadata");
	struct path path = path_field(&at, field);
	struct subject subject;

	if (!name || name->type != TREE_STRING || name->len == 0)
		return;
	subject = subject_of(&reader->report, name, &path);
	syntax_check_subdomain(&subject, name->text, name->len);
}

static void check_names(struct api_reader *reader, const struct tree *object)
{
	const struct tree *metadata = tree_get_set(object, "metadata");

	reader->report.code = FINDING_INVALID;
	if (!*tree_text(tree_get(metadata, "name")))
		report_error(&reader->report, 0, NULL,
			     "Required value: an object has a name");
	check_name(reader, object, "name");
	check_name(reader, object, "namespace");
}

/* ---- kinds -------------------------------------------------------------- */

/* Items of typed lists do not say what they are (API-16); namespaces may come
   with nothing but their metadata (API-40). */
static void check_kind(struct api_reader *reader, const struct tree *object)
{
	const struct tree *kind = tree_get_set(object, "kind");
	const char *expected = object_kind_name(reader->options.kind);

	if (!kind || tree_text_is(kind, expected))
		return;
	if (reader->options.kind == OBJECT_NAMESPACE &&
	    tree_text_is(kind, "PartialObjectMetadata"))
		return;
	report_error(&reader->report, 0, NULL, "this is a %.60s, not a %s",
		     api_text(kind), expected);
}

/* ---- objects ------------------------------------------------------------ */

static int validate(struct api_reader *reader, const struct tree *tree,
		    bool is_tolerant)
{
	const struct validation validation = {
		.report = &reader->report,
		.scratch = &reader->arena,
	};

	reader->report.code = FINDING_INVALID;
	reader->is_tolerant = is_tolerant;
	return validate_object(&validation, reader->options.kind, tree);
}

/* Nothing is to be said of a server's objects but why they mean nothing. */
static int explain_failure(struct api_reader *reader, const struct tree *tree)
{
	int r = validate(reader, tree, false);

	if (r == 0 && reader->report.n_errors == 0)
		report_error(&reader->report, 0, NULL,
			     "a value of this object has no meaning here");
	return r;
}

/* Values of policies are not checked, and a zero byte would cut them short. */
static void check_zero_bytes(struct api_reader *reader)
{
	reader->report.code = FINDING_INVALID;
	if (reader->options.kind == OBJECT_NETWORK_POLICY &&
	    strstr(text_string(&reader->kept), "\\u0000"))
		report_error(&reader->report, 0, NULL,
			     "Invalid value: must not contain a zero byte");
}

/* Returns 1 with an object, 0 without, or -ENOMEM. */
static int decode_tree(struct api_reader *reader, const struct tree *tree,
		       struct object *out)
{
	int r;

	reader->report.n_errors = 0;
	reader->report.code = FINDING_DECODING;
	r = schema_check(reader->schema, tree, &reader->arena, &reader->report);
	if (r < 0 || reader->report.n_errors > 0)
		return r;
	r = decode_object(reader->options.kind, tree, &reader->arena, out);
	if (r == -EINVAL)
		return explain_failure(reader, tree);
	if (r < 0)
		return r;
	r = validate(reader, tree, true);
	return r < 0 ? r : 1;
}

/* What was wrong with it has been told. */
static int decode_narrowed(struct api_reader *reader, struct tree *tree,
			   struct object *out)
{
	int r;

	if (reader->options.kind != OBJECT_NETWORK_POLICY)
		return 0;
	reader->is_silent = true;
	r = api_narrow(reader, tree);
	if (r == 1)
		r = decode_tree(reader, tree, out);
	reader->is_silent = false;
	return r;
}

/* Returns 1 with an object, 0 without, or -ENOMEM. */
static int decode(struct api_reader *reader, struct tree *tree,
		  struct object *out, bool *is_narrowed)
{
	int r;

	check_kind(reader, tree);
	check_names(reader, tree);
	check_zero_bytes(reader);
	if (reader->report.n_errors > 0)
		return 0;
	r = decode_tree(reader, tree, out);
	if (r != 0)
		return r;
	r = decode_narrowed(reader, tree, out);
	*is_narrowed = r == 1;
	return r;
}

static int tell(struct api_reader *reader, enum api_event_type type,
		struct tree *tree, struct err *err)
{
	struct api_event event = event_of(type, tree);
	struct object object;
	int r = 0;

	report_on(reader, &event);
	if (!reader->options.names_only)
		r = decode(reader, tree, &object, &event.is_narrowed);
	if (r < 0 || reader->report.failed)
		return api_fail(reader, err, -ENOMEM, "not enough memory");
	if (r == 1)
		event.object = &object;
	return reader->options.event(reader->options.event_ctx, &event);
}

int api_tell_object(struct api_reader *reader, enum api_event_type type,
		    struct span object, struct err *err)
{
	struct tree *tree = NULL;
	struct span kept;
	int r;

	arena_clear(&reader->arena);
	text_clear(&reader->kept);
	r = prune_object(reader->schema, object, &reader->kept);
	if (reader->kept.failed)
		r = -ENOMEM;
	if (r < 0)
		return api_fail(reader, err, r, "%s",
				r == -ENOMEM ? "not enough memory"
					     : "an object is no JSON");
	kept.at = reader->kept.data;
	kept.end = kept.at + reader->kept.len;
	r = api_tree(reader, kept, &tree, err);
	return r < 0 ? r : tell(reader, type, tree, err);
}

/* ---- bookmarks and errors ----------------------------------------------- */

/* API-30. */
static bool is_initial_end(const struct tree *bookmark)
{
	const struct tree *metadata = tree_get(bookmark, "metadata");
	const struct tree *annotations = tree_get(metadata, "annotations");

	return tree_text_is(tree_get(annotations, "k8s.io/initial-events-end"),
			    "true");
}

int api_tell_bookmark(struct api_reader *reader, struct span object,
		      struct err *err)
{
	struct tree *tree = NULL;
	struct api_event event;
	int r;

	arena_clear(&reader->arena);
	r = api_tree(reader, object, &tree, err);
	if (r < 0)
		return r;
	event = event_of(API_BOOKMARK, tree);
	event.is_initial_end = is_initial_end(tree);
	return reader->options.event(reader->options.event_ctx, &event);
}

int api_tell_error(struct api_reader *reader, struct span object,
		   struct err *err)
{
	struct tree *tree = NULL;
	struct api_status status;
	struct api_event event;
	int r;

	arena_clear(&reader->arena);
	r = api_tree(reader, object, &tree, err);
	if (r < 0)
		return r;
	api_status_of(tree, &status);
	event = event_of(API_ERROR, tree);
	event.status = &status;
	return reader->options.event(reader->options.event_ctx, &event);
}
