/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_TESTS_FUZZ_ANSWER_FEED_H
#define NETPOLD_TESTS_FUZZ_ANSWER_FEED_H

/*
 * Feeds bytes to the reader of API answers twice, whole and in pieces whose
 * size depends on the bytes: what is told is the same. Objects are looked at as
 * those of manifests are. The first byte says of which kind they are: '0' pods,
 * '1' namespaces, '2' policies, '3' nodes, '4' names only.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "manifest/text.h"
#include "manifest_feed.h"
#include "netpold/api_reader.h"

struct answer_feed {
	struct feed feed;
	struct text told;
	int result;
};

static inline int answer_feed_event(void *ctx, const struct api_event *event)
{
	struct answer_feed *answer = ctx;

	text_put(&answer->told, "%d %s %s %s %s %s %d\n", event->type,
		 event->resource_version, event->continue_token,
		 event->namespace, event->name, event->uid,
		 event->is_initial_end);
	if (event->status)
		text_put(&answer->told, "%d %s %s %d\n", event->status->code,
			 event->status->reason, event->status->message,
			 event->status->retry_after_s);
	if (event->object)
		feed_object(&answer->feed, event->object);
	return 0;
}

static inline void answer_feed_finding(void *ctx, const struct finding *finding)
{
	struct answer_feed *answer = ctx;

	feed_finding(&answer->feed, finding);
	text_put(&answer->told, "%s %s\n", finding->path, finding->message);
}

static inline void answer_feed_read(struct answer_feed *answer,
				    enum api_form form, uint8_t which,
				    const uint8_t *data, size_t size,
				    size_t piece)
{
	const struct api_reader_options options = {
		.form = form,
		.kind = (enum object_kind)(which % N_OBJECT_KINDS),
		.names_only = which / N_OBJECT_KINDS % 2,
		.source = "fuzz",
		.event = answer_feed_event,
		.event_ctx = answer,
		.report = answer_feed_finding,
		.report_ctx = answer,
	};
	struct api_reader *reader = NULL;

	if (api_reader_new(&options, &reader) < 0)
		return;
	for (size_t at = 0; at < size && answer->result == 0; at += piece) {
		size_t n = size - at < piece ? size - at : piece;
		/* A copy, so that reading beyond it is seen. */
		char *copy = malloc(n);

		if (!copy)
			abort();
		memcpy(copy, data + at, n);
		answer->result = api_reader_feed(reader, copy, n, NULL);
		free(copy);
	}
	if (answer->result == 0)
		answer->result = api_reader_end(reader, NULL);
	api_reader_free(reader);
}

static inline void feed_answer(enum api_form form, const uint8_t *data,
			       size_t size)
{
	struct answer_feed whole = { .result = 0 }, pieces = { .result = 0 };

	if (size == 0)
		return;
	answer_feed_read(&whole, form, data[0], data + 1, size - 1, size);
	answer_feed_read(&pieces, form, data[0], data + 1, size - 1,
			 size % 61 + 1);
	if (whole.result != pieces.result ||
	    strcmp(text_string(&whole.told), text_string(&pieces.told)) != 0)
		abort();
	text_release(&whole.told);
	text_release(&pieces.told);
}

#endif
