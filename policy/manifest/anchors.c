/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "anchors.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

struct anchor {
	const char *name;
	const struct tree *value; /* NULL until it is complete */
};

void anchors_clear(struct anchors *anchors)
{
	arena_clear(&anchors->arena);
	anchors->plot = (struct plot){ 0 };
	anchors->n_given = anchors->n_sorted = 0;
}

void anchors_release(struct anchors *anchors)
{
	arena_release(&anchors->arena);
	memset(anchors, 0, sizeof(*anchors));
}

/* Text is copied where the copy is to outlive the original. */
enum text_mode { SHARE_TEXT = 0, COPY_TEXT };

static int copy_text(struct plot *plot, const char *text, size_t len,
		     enum text_mode mode, const char **out, struct err *err)
{
	if (mode == COPY_TEXT)
		return plot_text(plot, text, len, out, err);
	*out = text;
	return plot_charge(plot, 0, len, err);
}

static int copy_value(struct plot *plot, const struct tree *from,
		      unsigned int depth, enum text_mode mode, struct tree *to,
		      struct err *err);

static int copy_children(struct plot *plot, const struct tree *from,
			 unsigned int depth, enum text_mode mode,
			 struct tree *to, struct err *err)
{
	struct tree **end = &to->first;

	to->len = from->len;
	for (const struct tree *c = from->first; c; c = c->next) {
		struct tree *copy = NULL;
		int r = plot_node(plot, c->line, &copy, err);

		if (r < 0)
			return r;
		*end = copy;
		end = &copy->next;
		copy->merged = c->merged;
		copy->key_len = c->key_len;
		if (c->key) {
			r = copy_text(plot, c->key, c->key_len, mode,
				      &copy->key, err);
			if (r < 0)
				return r;
		}
		r = copy_value(plot, c, depth + 1, mode, copy, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Fill in @to; its key and its place among others stay. */
static int copy_value(struct plot *plot, const struct tree *from,
		      unsigned int depth, enum text_mode mode, struct tree *to,
		      struct err *err)
{
	if (depth > TREE_MAX_DEPTH)
		return plot_too_deep(err);
	to->type = from->type;
	switch (from->type) {
	case TREE_LIST:
	case TREE_MAP:
		return copy_children(plot, from, depth, mode, to, err);
	case TREE_STRING:
		to->len = from->len;
		return copy_text(plot, from->text, from->len, mode, &to->text,
				 err);
	case TREE_BOOL:
		to->boolean = from->boolean;
		break;
	case TREE_INT:
		to->integer = from->integer;
		break;
	case TREE_FLOAT:
		to->real = from->real;
		break;
	default:
		break;
	}
	return 0;
}

/* Where a name stands, or would; *@found tells which. */
static size_t search(const struct anchors *anchors, const char *name,
		     bool *found)
{
	size_t low = 0, high = anchors->n_sorted;

	*found = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(anchors->sorted[middle]->name, name);

		if (order == 0) {
			*found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* In the place of an older one with the same name, if there is one. */
static void insert(struct anchors *anchors, struct anchor *anchor)
{
	bool found;
	size_t at = search(anchors, anchor->name, &found);
	struct anchor **place = &anchors->sorted[at];

	if (!found)
		memmove(place + 1, place,
			(anchors->n_sorted++ - at) * sizeof(void *));
	*place = anchor;
}

int anchors_begin(struct anchors *anchors, const char *name,
		  struct anchor **out, struct err *err)
{
	struct anchor *anchor;
	int r;

	if (++anchors->n_given > TREE_MAX_ANCHORS)
		return err_set(err, -EBADMSG,
			       "the document has more than %d anchors",
			       TREE_MAX_ANCHORS);
	anchors->plot.arena = &anchors->arena;
	anchor = arena_alloc(&anchors->arena, sizeof(*anchor));
	if (!anchor)
		return plot_no_memory(err);
	r = plot_text(&anchors->plot, name, strlen(name), &anchor->name, err);
	if (r < 0)
		return r;
	insert(anchors, anchor);
	*out = anchor;
	return 0;
}

int anchors_complete(struct anchors *anchors, struct anchor *anchor,
		     const struct tree *value, struct err *err)
{
	struct tree *copy = NULL;
	int r = plot_node(&anchors->plot, value->line, &copy, err);

	if (r < 0)
		return r;
	r = copy_value(&anchors->plot, value, 0, COPY_TEXT, copy, err);
	if (r < 0)
		return r;
	anchor->value = copy;
	return 0;
}

int anchors_find(const struct anchors *anchors, const char *name,
		 const struct tree **out, struct err *err)
{
	bool found;
	size_t at = search(anchors, name, &found);

	if (!found)
		return err_set(err, -EBADMSG,
			       "the alias '*%.80s' has no anchor '&%.80s' "
			       "before it",
			       name, name);
	*out = anchors->sorted[at]->value;
	if (*out)
		return 0;
	return err_set(err, -EBADMSG,
		       "the alias '*%.80s' stands inside the value that it "
		       "stands for",
		       name);
}

int anchors_expand(const struct anchors *anchors, const char *name,
		   struct plot *plot, unsigned int depth, struct tree *node,
		   struct err *err)
{
	const struct tree *value = NULL;
	int r = anchors_find(anchors, name, &value, err);

	if (r < 0)
		return r;
	return copy_value(plot, value, depth, SHARE_TEXT, node, err);
}
