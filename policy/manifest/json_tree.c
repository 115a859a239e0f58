/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "json_tree.h"

#include <errno.h>
#include <string.h>

#include "event.h"
#include "json_reader.h"
#include "plot.h"

static long read_text(void *ctx, char *buf, size_t size)
{
	struct json_tree *json = ctx;
	size_t n = (size_t)(json->end - json->at);

	if (n > size)
		n = size;
	if (n > 0)
		memcpy(buf, json->at, n);
	json->at += n;
	return (long)n;
}

int json_tree_init(struct json_tree *json)
{
	int r = json_reader_new(read_text, json, &json->reader);

	if (r == 0)
		json->builder.source = json_reader_source(json->reader);
	return r;
}

void json_tree_release(struct json_tree *json)
{
	json_reader_free(json->reader);
	json->reader = NULL;
}

/* Behind the value there is nothing more. */
static int check_end(struct builder *builder, struct err *err)
{
	struct event event;
	int r = builder_next(builder, &event, err); /* of the document */

	if (r == 0)
		r = builder_next(builder, &event, err);
	if (r < 0)
		return r;
	if (event.type != EVENT_END)
		return err_set(err, -EBADMSG,
			       "not JSON: something follows the value");
	return 0;
}

int json_tree_read(struct json_tree *json, const char *text, size_t len,
		   struct arena *arena, struct tree **out, struct err *err)
{
	struct builder *builder = &json->builder;
	struct plot plot = { .arena = arena };
	struct tree *tree = NULL;
	struct event event;
	int r;

	json->at = text;
	json->end = text + len;
	json_reader_restart(json->reader);
	r = builder_next(builder, &event, err);
	if (r < 0)
		return r;
	if (event.type == EVENT_END)
		return err_set(err, -EBADMSG, "not JSON: there is no text");
	r = plot_node(&plot, event.line, &tree, err);
	if (r < 0)
		return r;
	r = builder_value(builder, &plot, &event, 0, tree, err);
	if (r < 0)
		return r;
	r = check_end(builder, err);
	if (r == 0)
		*out = tree;
	return r;
}
