/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_TESTS_REWRITING_H
#define NETPOLD_TESTS_REWRITING_H

/*
 * An object is written and read again, which changes nothing.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netpold/manifest.h"
#include "netpold/manifest_write.h"
#include "store/object_equal.h"

/** What was written: release it with free(text). */
struct written {
	char *text;
	size_t len;
};

static inline void written_put(void *ctx, const char *text, size_t len)
{
	struct written *written = ctx;

	written->text = realloc(written->text, written->len + len + 1);
	if (!written->text)
		abort();
	memcpy(written->text + written->len, text, len);
	written->len += len;
	written->text[written->len] = '\0';
}

static inline struct written write_object(const struct object *object)
{
	struct written written = { NULL, 0 };

	manifest_write(object, written_put, &written);
	return written;
}

struct rereading {
	const struct written *written;
	size_t at;
	char complaint[512];
};

static inline long reread(void *ctx, char *buf, size_t size)
{
	struct rereading *reading = ctx;
	size_t n = reading->written->len - reading->at;

	if (n > size)
		n = size;
	memcpy(buf, reading->written->text + reading->at, n);
	reading->at += n;
	return (long)n;
}

static inline void complain(void *ctx, const struct finding *finding)
{
	struct rereading *reading = ctx;

	if (finding->severity == FINDING_ERROR)
		finding_format(finding, reading->complaint,
			       sizeof(reading->complaint));
}

/** False, and a sentence on standard error, where what is read is not what was
 *  written. */
static inline bool survives_writing(const struct object *object)
{
	struct written written = write_object(object);
	struct rereading reading = { .written = &written };
	struct manifest_options options = {
		.file = "written",
		.read = reread,
		.read_ctx = &reading,
		.report = complain,
		.report_ctx = &reading,
	};
	struct manifest *manifest;
	struct object again;
	struct err err;
	bool same;

	if (manifest_open(&options, &manifest) < 0)
		abort();
	same = manifest_next(manifest, &again, &err) == 1 &&
	       object_equal(object, &again) &&
	       manifest_next(manifest, &again, &err) == 0 &&
	       strchr(written.text, '\n') == written.text + written.len - 1;
	if (!same)
		fprintf(stderr, "not read as it was written: %s%s",
			written.text, reading.complaint);
	manifest_close(manifest);
	free(written.text);
	return same;
}

#endif
