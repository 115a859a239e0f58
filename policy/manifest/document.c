/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two arenas. The fields around `items` live in `shared` for as long as the
 * document is being read; the item being read lives in `item`, which is
 * emptied before the next one. So a list of any length costs the memory of its
 * largest item.
 */
#include "document.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "builder.h"
#include "netpold/arena.h"
#include "plot.h"

enum state {
	BETWEEN_DOCUMENTS = 0,
	IN_DOCUMENT, /* the next event is a key of the top level or its end */
	IN_ITEMS,    /* the next event is an item or the end of items */
	IN_BUILT_ITEMS, /* items could not be streamed and stand in a tree */
};

struct document {
	struct builder builder;
	struct arena shared;
	struct arena item;
	struct plot plot; /* of the top level, in `shared` */
	enum state state;
	/* While in a document. What is known of the top level is kept here and
	   not looked up, because it may have any number of entries. */
	struct tree *top;
	struct growing_map growing;
	const struct tree *kind;
	const struct tree *api_version;
	const struct tree *cursor; /* IN_BUILT_ITEMS: next to hand out */
	bool is_list;
};

int document_new(const struct event_source *source, struct document **out)
{
	struct document *document = calloc(1, sizeof(*document));

	if (!document)
		return -ENOMEM;
	document->builder.source = *source;
	*out = document;
	return 0;
}

void document_free(struct document *document)
{
	if (!document)
		return;
	anchors_release(&document->builder.anchors);
	arena_release(&document->shared);
	arena_release(&document->item);
	free(document);
}

unsigned int document_line(const struct document *document)
{
	const struct event_source *source = &document->builder.source;

	return source->line(source->reader);
}

/* ---- the top level ------------------------------------------------------ */

static bool is_list_kind(const struct tree *kind)
{
	static const char ending[] = "List";
	const size_t n = sizeof(ending) - 1;

	return kind->type == TREE_STRING && kind->len >= n &&
	       memcmp(kind->text + kind->len - n, ending, n) == 0;
}

/* A list with an anchor is kept as a whole: aliases may stand for it. */
static bool may_stream(const struct document *document,
		       const struct tree *entry, const struct event *event)
{
	return tree_key_is(entry, "items") && event->type == EVENT_LIST &&
	       !event->anchor &&
	       (!document->kind || is_list_kind(document->kind));
}

/* Of several entries with one key the last one counts, merged or not. */
static void note_entry(struct document *document, const struct tree *entry)
{
	if (tree_key_is(entry, "kind"))
		document->kind = entry;
	if (tree_key_is(entry, "apiVersion"))
		document->api_version = entry;
}

static int read_top_merge(struct document *document, struct event *event,
			  struct err *err)
{
	struct tree *const *merged = document->growing.end;
	int r = builder_entry(&document->builder, &document->plot, event, 1,
			      &document->growing, err);

	if (r < 0)
		return r;
	for (const struct tree *e = *merged; e; e = e->next)
		note_entry(document, e);
	return 0;
}

static int read_top_entry(struct document *document, struct event *event,
			  struct err *err)
{
	struct builder *builder = &document->builder;
	struct plot *plot = &document->plot;
	struct tree *entry = NULL;
	int r;

	if (event->type == EVENT_SCALAR && event->merge)
		return read_top_merge(document, event, err);
	r = builder_key(builder, plot, event, &entry, err);
	if (r < 0)
		return r;
	if (may_stream(document, entry, event)) {
		entry->type = TREE_LIST;
		entry->streamed = true;
		document->state = IN_ITEMS;
		document->is_list = true;
	} else {
		r = builder_value(builder, plot, event, 1, entry, err);
		if (r < 0)
			return r;
	}
	note_entry(document, entry);
	growing_map_add(&document->growing, entry);
	return 0;
}

static int end_document(struct document *document, struct part *part,
			struct err *err)
{
	const struct tree *items;
	struct event event;
	int r = growing_map_finish(&document->growing, &document->plot, err);

	if (r < 0)
		return r;
	/* What was noted may have gone into another entry. */
	document->kind = tree_get(document->top, "kind");
	document->api_version = tree_get(document->top, "apiVersion");
	items = tree_get(document->top, "items");
	r = builder_next(&document->builder, &event, err);
	if (r < 0)
		return r;
	document->state = BETWEEN_DOCUMENTS;
	if (!document->is_list && document->kind &&
	    is_list_kind(document->kind)) {
		document->is_list = true;
		document->cursor = items && items->type == TREE_LIST
					   ? tree_first(items)
					   : NULL;
		document->state = IN_BUILT_ITEMS;
	}
	part->type = document->is_list ? PART_LIST : PART_OBJECT;
	part->tree = document->top;
	return 0;
}

/* Read on at the top level, up to the first item or to the end. */
static int read_top(struct document *document, struct part *part,
		    struct err *err)
{
	while (document->state == IN_DOCUMENT) {
		struct event event;
		int r = builder_next(&document->builder, &event, err);

		if (r < 0)
			return r;
		if (event.type == EVENT_MAP_END)
			return end_document(document, part, err);
		r = read_top_entry(document, &event, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- items -------------------------------------------------------------- */

static void hand_out_item(const struct document *document, struct part *part,
			  const struct tree *item)
{
	part->type = PART_ITEM;
	part->tree = item;
	part->list_kind = document->kind;
	part->list_api_version = document->api_version;
}

/* The next item, or back to the top level when there are no more. */
static int read_item(struct document *document, struct part *part,
		     struct err *err)
{
	struct plot plot = { .arena = &document->item };
	struct event event;
	struct tree *item = NULL;
	int r;

	arena_clear(&document->item);
	r = builder_next(&document->builder, &event, err);
	if (r < 0)
		return r;
	if (event.type == EVENT_LIST_END) {
		document->state = IN_DOCUMENT;
		return 0;
	}
	r = plot_node(&plot, event.line, &item, err);
	if (r < 0)
		return r;
	r = builder_value(&document->builder, &plot, &event, 0, item, err);
	if (r < 0)
		return r;
	hand_out_item(document, part, item);
	return 0;
}

static void next_built_item(struct document *document, struct part *part)
{
	if (!document->cursor) {
		document->state = BETWEEN_DOCUMENTS;
		return;
	}
	hand_out_item(document, part, document->cursor);
	document->cursor = document->cursor->next;
}

/* ---- documents ---------------------------------------------------------- */

static void forget_document(struct document *document)
{
	arena_clear(&document->shared);
	arena_clear(&document->item);
	anchors_clear(&document->builder.anchors);
	document->plot = (struct plot){ .arena = &document->shared };
	document->is_list = false;
	document->top = NULL;
	document->kind = document->api_version = NULL;
}

/* A document that is no map: nothing at all, or no Kubernetes object. */
static int read_odd_document(struct document *document, struct event *event,
			     struct part *part, struct err *err)
{
	int r;

	if (event->type != EVENT_SCALAR || event->scalar.type != TREE_NULL) {
		document->top->type =
			event->type == EVENT_LIST ? TREE_LIST : TREE_STRING;
		part->type = PART_NO_OBJECT;
		part->tree = document->top;
	}
	r = builder_skip(&document->builder, event, err);
	if (r < 0)
		return r;
	return builder_next(&document->builder, event, err);
}

/* The next document, or the end of the text. */
static int begin_document(struct document *document, struct part *part,
			  bool *ended, struct err *err)
{
	struct event event;
	int r;

	forget_document(document);
	r = builder_next(&document->builder, &event, err);
	if (r < 0)
		return r;
	*ended = event.type == EVENT_END;
	if (*ended)
		return 0;
	r = plot_node(&document->plot, event.line, &document->top, err);
	if (r < 0)
		return r;
	if (event.type != EVENT_MAP)
		return read_odd_document(document, &event, part, err);
	document->top->type = TREE_MAP;
	document->growing = growing_map(document->top);
	document->state = IN_DOCUMENT;
	return 0;
}

int document_next(struct document *document, struct part *part, struct err *err)
{
	bool ended = false;
	int r = 0;

	*part = (struct part){ .type = PART_END };
	while (r == 0 && !ended && part->type == PART_END) {
		switch (document->state) {
		case BETWEEN_DOCUMENTS:
			r = begin_document(document, part, &ended, err);
			break;
		case IN_DOCUMENT:
			r = read_top(document, part, err);
			break;
		case IN_ITEMS:
			r = read_item(document, part, err);
			break;
		case IN_BUILT_ITEMS:
			next_built_item(document, part);
			break;
		}
	}
	return r;
}
