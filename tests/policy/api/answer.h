/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_TESTS_ANSWER_H
#define NETPOLD_TESTS_ANSWER_H

/*
 * The answer of an API server that lies in a string, for tests: handed to a
 * reader in pieces, and what it tells written down, a line for each event and
 * each finding.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manifest/text.h"
#include "netpold/api_reader.h"
#include "netpold/manifest_write.h"

struct answer {
	struct text told;
	size_t n_events;
	size_t n_objects;
	bool has_texts; /* objects are written down, and warnings are not */
	size_t stop_at; /* the event that ends the reading; 0: none */
	int result;	/* of feeding, or of the end */
	struct err err;
};

static inline void answer_put(void *ctx, const char *text, size_t len)
{
	struct answer *answer = ctx;

	text_put_bytes(&answer->told, text, len);
}

static inline void answer_put_status(struct answer *answer,
				     const struct api_status *status)
{
	text_put(&answer->told, " %d %s '%s' after %d%s", status->code,
		 status->reason, status->message, status->retry_after_s,
		 status->is_too_large ? " too-large" : "");
}

static inline int answer_event(void *ctx, const struct api_event *event)
{
	static const char *const names[] = {
		[API_ITEM] = "item",	   [API_LIST_END] = "end",
		[API_ADDED] = "added",	   [API_MODIFIED] = "modified",
		[API_DELETED] = "deleted", [API_BOOKMARK] = "bookmark",
		[API_ERROR] = "error",	   [API_UNKNOWN] = "unknown",
	};
	struct answer *answer = ctx;
	struct text *told = &answer->told;

	text_put(told, "%s", names[event->type]);
	if (*event->name)
		text_put(told, " %s/%s", event->namespace, event->name);
	if (*event->uid)
		text_put(told, " uid=%s", event->uid);
	if (*event->resource_version)
		text_put(told, " rv=%s", event->resource_version);
	if (*event->continue_token)
		text_put(told, " continue=%s", event->continue_token);
	if (event->is_initial_end)
		text_put(told, " initial-end");
	if (event->status)
		answer_put_status(answer, event->status);
	text_put(told, "%s%s\n", event->is_narrowed ? " narrowed" : "",
		 event->object ? " object" : "");
	answer->n_objects += event->object != NULL;
	if (event->object && answer->has_texts)
		manifest_write(event->object, answer_put, answer);
	return ++answer->n_events == answer->stop_at ? 77 : 0;
}

static inline void answer_finding(void *ctx, const struct finding *finding)
{
	struct answer *answer = ctx;
	char line[2048];

	if (answer->has_texts && finding->severity == FINDING_WARNING)
		return;
	finding_format(finding, line, sizeof(line));
	text_put(&answer->told, "%s\n", line);
}

/** Feed what lies between two marks, which go up from 0 to the length. */
static inline void answer_read(const struct api_reader_options *how,
			       const char *text, const size_t *marks,
			       size_t n_marks, struct answer *out)
{
	struct api_reader_options options = *how;
	struct api_reader *reader = NULL;

	options.source = "f";
	options.event = answer_event;
	options.event_ctx = out;
	options.report = answer_finding;
	options.report_ctx = out;
	out->result = api_reader_new(&options, &reader);
	for (size_t i = 1; i < n_marks && out->result == 0; i++) {
		/* A copy, so that a sanitizer sees reading beyond it. */
		size_t n = marks[i] - marks[i - 1];
		char *piece = malloc(n ? n : 1);

		if (!piece)
			abort();
		memcpy(piece, text + marks[i - 1], n);
		out->result = api_reader_feed(reader, piece, n, &out->err);
		free(piece);
	}
	if (out->result == 0)
		out->result = api_reader_end(reader, &out->err);
	api_reader_free(reader);
}

static inline void answer_read_whole(const struct api_reader_options *how,
				     const char *text, size_t len,
				     struct answer *out)
{
	size_t marks[] = { 0, len };

	answer_read(how, text, marks, 2, out);
}

static inline void answer_release(struct answer *answer)
{
	text_release(&answer->told);
	memset(answer, 0, sizeof(*answer));
}

#endif
