/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Merge keys (`<<`) are applied the way kubectl's YAML library does it: at the
 * place where they stand, so that they overwrite the entries before them and
 * are overwritten by the entries after them. Of several maps in one merge key
 * the earlier wins.
 *
 * Looking in the map for the key of each entry that comes would cost the square
 * of what a tree may hold. So entries are only strung together while a map
 * grows, those of a merge key where it stands:
 *
 *	{b: 1, <<: [{b: 2}, {b: 3, c: 4}], c: 5}    b:1 b:3 c:4 b:2 c:5
 *
 * and when it is complete they are sorted by key once. Of one key the first
 * keeps its place, and each later one goes over it if either is merged:
 *
 *	b: 1 <- 3 <- 2,  c: 4 <- 5                  {b: 2, c: 5}
 *
 * Entries that were written out, not merged, stay beside each other, doubled.
 */
#include "builder.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "scalar.h"

int builder_next(struct builder *builder, struct event *event, struct err *err)
{
	return builder->source.next(builder->source.reader, event, err);
}

/* ---- maps that grow ----------------------------------------------------- */

struct growing_map growing_map(struct tree *map)
{
	return (struct growing_map){ .map = map, .end = &map->first };
}

void growing_map_add(struct growing_map *growing, struct tree *entry)
{
	*growing->end = entry;
	growing->end = &entry->next;
	growing->map->len++;
}

static void overwrite(struct tree *known, const struct tree *entry)
{
	struct tree *next = known->next;

	*known = *entry;
	known->next = next;
}

/* All entries with one key, in the order in which they came. Those that are
   done with lose their keys. */
static void settle(struct tree *const *entries, size_t n)
{
	struct tree *first = entries[0];

	for (size_t i = 1; i < n; i++) {
		if (!first->merged && !entries[i]->merged)
			continue;
		overwrite(first, entries[i]);
		entries[i]->key = NULL;
	}
}

static void drop_settled(struct tree *map)
{
	struct tree **link = &map->first;

	while (*link) {
		if ((*link)->key) {
			link = &(*link)->next;
		} else {
			*link = (*link)->next;
			map->len--;
		}
	}
}

int growing_map_finish(struct growing_map *growing, struct plot *plot,
		       struct err *err)
{
	struct tree *map = growing->map;
	size_t begin = 0, n = map->len;
	struct tree **sorted;

	if (!growing->has_merge)
		return 0;
	sorted = tree_sort(map, plot->arena);
	if (!sorted)
		return plot_no_memory(err);
	for (size_t end = 1; end <= n; end++) {
		if (end < n &&
		    tree_compare_keys(sorted[begin], sorted[end]) == 0)
			continue;
		settle(&sorted[begin], end - begin);
		begin = end;
	}
	drop_settled(map);
	return 0;
}

/* ---- merge keys --------------------------------------------------------- */

static int bad_merge(struct err *err)
{
	return err_set(err, -EBADMSG,
		       "a merge key ('<<') needs a map or a list of maps");
}

/* String the entries of a map behind those of the growing one; it loses
   them. */
static int merge_map(struct growing_map *growing, const struct tree *from,
		     struct err *err)
{
	struct tree *entry, *next;

	if (from->type != TREE_MAP)
		return bad_merge(err);
	for (entry = from->first; entry; entry = next) {
		next = entry->next;
		entry->next = NULL;
		entry->merged = true;
		growing_map_add(growing, entry);
	}
	return 0;
}

static struct tree *reverse(struct tree *items)
{
	struct tree *reversed = NULL;

	while (items) {
		struct tree *next = items->next;

		items->next = reversed;
		reversed = items;
		items = next;
	}
	return reversed;
}

static int merge(struct growing_map *growing, struct tree *value,
		 struct err *err)
{
	int r = 0;

	growing->has_merge = true;
	if (value->type != TREE_LIST)
		return merge_map(growing, value, err);
	/* What comes last wins, and of a list the first is to win. */
	value->first = reverse(value->first);
	for (const struct tree *map = value->first; r == 0 && map;
	     map = map->next)
		r = merge_map(growing, map, err);
	return r;
}

/* ---- keys --------------------------------------------------------------- */

static int bad_key(struct err *err, const char *what)
{
	return err_set(err, -EBADMSG,
		       "the key of a map must be a string, not %s", what);
}

/* Keys are strings in JSON. In YAML they may be other scalars, which kubectl
   turns into strings; that is how `on:` becomes "true". */
static int key_text(const struct tree *scalar, char buf[SCALAR_REAL_LEN],
		    const char **text, size_t *len, struct err *err)
{
	*text = buf;
	switch (scalar->type) {
	case TREE_STRING:
		*text = scalar->text;
		*len = scalar->len;
		return 0;
	case TREE_BOOL:
		*text = scalar->boolean ? "true" : "false";
		break;
	case TREE_INT:
		snprintf(buf, SCALAR_REAL_LEN, "%lld",
			 (long long)scalar->integer);
		break;
	case TREE_FLOAT:
		scalar_format_real_key(scalar->real, buf);
		break;
	case TREE_NULL:
		return bad_key(err, "null");
	default:
		return bad_key(err, "a list or a map");
	}
	*len = strlen(*text);
	return 0;
}

/* The scalar of a key, which may be an alias or have an anchor. */
static int key_scalar(struct builder *builder, const struct event *event,
		      const struct tree **out, struct err *err)
{
	struct anchor *anchor = NULL;
	int r;

	if (event->type == EVENT_ALIAS)
		return anchors_find(&builder->anchors, event->anchor, out, err);
	if (event->type != EVENT_SCALAR)
		return bad_key(err, "a list or a map");
	*out = &event->scalar;
	if (!event->anchor)
		return 0;
	r = anchors_begin(&builder->anchors, event->anchor, &anchor, err);
	if (r < 0)
		return r;
	return anchors_complete(&builder->anchors, anchor, *out, err);
}

static int read_key_text(struct builder *builder, struct plot *plot,
			 const struct event *event, struct tree *entry,
			 struct err *err)
{
	const struct tree *scalar = NULL;
	char buf[SCALAR_REAL_LEN];
	const char *text = "";
	size_t len = 0;
	int r = key_scalar(builder, event, &scalar, err);

	if (r < 0)
		return r;
	r = key_text(scalar, buf, &text, &len, err);
	if (r < 0)
		return r;
	entry->key_len = (uint32_t)len;
	return plot_text(plot, text, len, &entry->key, err);
}

int builder_key(struct builder *builder, struct plot *plot, struct event *event,
		struct tree **entry, struct err *err)
{
	int r = plot_node(plot, event->line, entry, err);

	if (r < 0)
		return r;
	r = read_key_text(builder, plot, event, *entry, err);
	if (r < 0)
		return r;
	return builder_next(builder, event, err);
}

/* ---- values ------------------------------------------------------------- */

int builder_skip(struct builder *builder, struct event *event, struct err *err)
{
	size_t depth = 0;

	for (;;) {
		int r;

		if (event->type == EVENT_LIST || event->type == EVENT_MAP)
			depth++;
		else if (event->type == EVENT_LIST_END ||
			 event->type == EVENT_MAP_END)
			depth--;
		if (depth == 0)
			return 0;
		if (depth > TREE_MAX_DEPTH)
			return plot_too_deep(err);
		r = builder_next(builder, event, err);
		if (r < 0)
			return r;
	}
}

static int build_scalar(struct plot *plot, const struct tree *scalar,
			struct tree *node, struct err *err)
{
	node->type = scalar->type;
	switch (scalar->type) {
	case TREE_STRING:
		node->len = scalar->len;
		return plot_text(plot, scalar->text, scalar->len, &node->text,
				 err);
	case TREE_BOOL:
		node->boolean = scalar->boolean;
		break;
	case TREE_INT:
		node->integer = scalar->integer;
		break;
	case TREE_FLOAT:
		node->real = scalar->real;
		break;
	default:
		break;
	}
	return 0;
}

static int build_list(struct builder *builder, struct plot *plot,
		      struct event *event, unsigned int depth,
		      struct tree *node, struct err *err)
{
	struct tree **end = &node->first;

	for (;;) {
		struct tree *item = NULL;
		int r = builder_next(builder, event, err);

		if (r < 0 || event->type == EVENT_LIST_END)
			return r;
		r = plot_node(plot, event->line, &item, err);
		if (r < 0)
			return r;
		r = builder_value(builder, plot, event, depth + 1, item, err);
		if (r < 0)
			return r;
		*end = item;
		end = &item->next;
		node->len++;
	}
}

static int build_map(struct builder *builder, struct plot *plot,
		     struct event *event, unsigned int depth, struct tree *node,
		     struct err *err)
{
	struct growing_map growing = growing_map(node);

	for (;;) {
		int r = builder_next(builder, event, err);

		if (r < 0)
			return r;
		if (event->type == EVENT_MAP_END)
			return growing_map_finish(&growing, plot, err);
		r = builder_entry(builder, plot, event, depth + 1, &growing,
				  err);
		if (r < 0)
			return r;
	}
}

static int build_named(struct builder *builder, struct plot *plot,
		       struct event *event, unsigned int depth,
		       struct tree *node, struct err *err)
{
	struct anchor *anchor = NULL;
	int r = anchors_begin(&builder->anchors, event->anchor, &anchor, err);

	if (r < 0)
		return r;
	event->anchor = NULL;
	r = builder_value(builder, plot, event, depth, node, err);
	if (r < 0)
		return r;
	return anchors_complete(&builder->anchors, anchor, node, err);
}

int builder_value(struct builder *builder, struct plot *plot,
		  struct event *event, unsigned int depth, struct tree *node,
		  struct err *err)
{
	if (depth > TREE_MAX_DEPTH)
		return plot_too_deep(err);
	if (event->type == EVENT_ALIAS)
		return anchors_expand(&builder->anchors, event->anchor, plot,
				      depth, node, err);
	if (event->anchor)
		return build_named(builder, plot, event, depth, node, err);
	if (event->type == EVENT_LIST) {
		node->type = TREE_LIST;
		return build_list(builder, plot, event, depth, node, err);
	}
	if (event->type == EVENT_MAP) {
		node->type = TREE_MAP;
		return build_map(builder, plot, event, depth, node, err);
	}
	return build_scalar(plot, &event->scalar, node, err);
}

/* ---- entries ------------------------------------------------------------ */

static int build_merge(struct builder *builder, struct plot *plot,
		       struct event *event, unsigned int depth,
		       struct growing_map *growing, struct err *err)
{
	struct tree *value = NULL;
	int r = plot_node(plot, event->line, &value, err);
	bool is_alias;

	if (r < 0)
		return r;
	r = builder_next(builder, event, err);
	if (r < 0)
		return r;
	is_alias = event->type == EVENT_ALIAS;
	r = builder_value(builder, plot, event, depth, value, err);
	if (r < 0)
		return r;
	/* kubectl wants the list of maps written out. */
	if (is_alias && value->type != TREE_MAP)
		return bad_merge(err);
	return merge(growing, value, err);
}

/*
 * metadata.managedFields decides nothing and can be most of the text of an
 * object (API-40). Where no alias can point into it, it is read past.
 */
static bool may_skip(const struct builder *builder, const struct tree *entry,
		     const struct event *event)
{
	return !builder->source.has_aliases && event->type == EVENT_LIST &&
	       tree_key_is(entry, "managedFields");
}

int builder_entry(struct builder *builder, struct plot *plot,
		  struct event *event, unsigned int depth,
		  struct growing_map *growing, struct err *err)
{
	struct tree *entry = NULL;
	int r;

	if (event->type == EVENT_SCALAR && event->merge)
		return build_merge(builder, plot, event, depth, growing, err);
	r = builder_key(builder, plot, event, &entry, err);
	if (r < 0)
		return r;
	if (may_skip(builder, entry, event)) {
		entry->type = TREE_LIST;
		r = builder_skip(builder, event, err);
	} else {
		r = builder_value(builder, plot, event, depth, entry, err);
	}
	if (r < 0)
		return r;
	growing_map_add(growing, entry);
	return 0;
}
