/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The answer to a list can be hundreds of megabytes, of which a few hundred
 * bytes of each object decide. So nothing is read that does not have to be:
 *
 *	{"kind":"PodList","metadata":{…},"items":[{…},{…},{…
 *	                                           ^  ^
 *	cut       quotes and brackets alone tell where an item ends
 *	prune     of the item, only the values that decide are copied
 *	decode    what is left is read as a manifest is, and by the same code
 *
 * An item that lies within one piece of what arrives is never copied as a
 * whole; of one that does not, the beginning is kept until the rest is there.
 */
#include "netpold/api_reader.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parts.h"

/* An item this large is rare: its memory is given back. */
#define USUAL_ITEM (256 << 10)

/* There are no lines in an answer. */
static void pass_on(void *ctx, const struct finding *finding)
{
	const struct api_reader *reader = ctx;
	struct finding passed = *finding;

	if (reader->is_silent)
		return;
	passed.line = 0;
	if (reader->is_tolerant)
		passed.severity = FINDING_WARNING;
	if (reader->options.report)
		reader->options.report(reader->options.report_ctx, &passed);
}

int api_reader_new(const struct api_reader_options *options,
		   struct api_reader **out)
{
	struct api_reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return -ENOMEM;
	if (json_tree_init(&reader->json) < 0) {
		free(reader);
		return -ENOMEM;
	}
	reader->options = *options;
	reader->schema = options->names_only ? schema_of_names()
					     : schema_of_served(options->kind);
	reader->report.fn = pass_on;
	reader->report.ctx = reader;
	reader->report.file = options->source;
	*out = reader;
	return 0;
}

static void list_release(struct api_list *list)
{
	text_release(&list->key);
	text_release(&list->kind);
	text_release(&list->api_version);
	text_release(&list->resource_version);
	text_release(&list->continue_token);
}

void api_reader_free(struct api_reader *reader)
{
	if (!reader)
		return;
	list_release(&reader->list);
	text_release(&reader->pending);
	text_release(&reader->kept);
	json_tree_release(&reader->json);
	report_release(&reader->report);
	arena_release(&reader->arena);
	free(reader);
}

/* ---- bytes -------------------------------------------------------------- */

int api_reader_feed(struct api_reader *reader, const char *bytes, size_t len,
		    struct err *err)
{
	struct span span = { bytes, bytes + len };

	return reader->options.form == API_LIST
		       ? api_list_feed(reader, span, err)
		       : api_watch_feed(reader, span, err);
}

int api_reader_end(struct api_reader *reader, struct err *err)
{
	bool is_list = reader->options.form == API_LIST;

	if (reader->place == (is_list ? AT_END : AT_BEGIN))
		return 0;
	if (reader->place == AT_BEGIN)
		return api_fail(reader, err, -EPIPE, "the answer is empty");
	return api_fail(reader, err, -EPIPE, "the answer ends in the middle");
}

void api_take_begin(struct api_reader *reader, struct span bytes)
{
	reader->cut = cut_begin(*bytes.at);
}

int api_take(struct api_reader *reader, struct span *bytes, struct span *value,
	     struct err *err)
{
	struct text *pending = &reader->pending;
	size_t n = cut_feed(&reader->cut, bytes->at, span_len(*bytes));
	struct span taken = { bytes->at, bytes->at + n };

	bytes->at += n;
	if (pending->len + n > API_MAX_ITEM)
		return api_fail(reader, err, -EBADMSG,
				"a single object is longer than %d MiB",
				API_MAX_ITEM >> 20);
	if (reader->cut.is_done && pending->len == 0) {
		*value = taken;
		return 0;
	}
	text_put_bytes(pending, taken.at, n);
	if (pending->failed)
		return api_fail(reader, err, -ENOMEM, "not enough memory");
	if (reader->cut.is_done)
		*value = (struct span){ pending->data,
					pending->data + pending->len };
	return 0;
}

void api_take_end(struct api_reader *reader)
{
	if (reader->pending.size > USUAL_ITEM)
		text_release(&reader->pending);
	else
		text_clear(&reader->pending);
	if (reader->kept.size > USUAL_ITEM)
		text_release(&reader->kept);
}

/* ---- values ------------------------------------------------------------- */

int api_tree(struct api_reader *reader, struct span value, struct tree **out,
	     struct err *err)
{
	int r = json_tree_read(&reader->json, value.at, span_len(value),
			       &reader->arena, out, err);

	if (r < 0)
		err_prefix(err, "%s: ", reader->options.source);
	return r;
}

const char *api_text(const struct tree *tree)
{
	const char *text = tree_text(tree);

	return tree && tree->type == TREE_STRING && strlen(text) == tree->len
		       ? text
		       : "";
}

int api_fail(const struct api_reader *reader, struct err *err, int code,
	     const char *fmt, ...)
{
	char message[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	return err_set(err, code, "%s: %s", reader->options.source, message);
}
