/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Merge keys (`<<`) are applied the way kubectl's YAML library does it: at the
 * place where they stand, so that they overwrite the entries before them and
 * are overwritten by the entries after them. Of several maps in one merge key
 * the earlier wins.
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

static void append(struct growing_map *growing, struct tree *entry)
{
	*growing->end = entry;
	growing->end = &entry->next;
	growing->map->len++;
}

static struct tree *find_entry(const struct tree *map, const struct tree *like)
{
	for (struct tree *e = map->first; e; e = e->next) {
		if (e->key_len == like->key_len &&
		    memcmp(e->key, like->key, e->key_len) == 0)
			return e;
	}
	return NULL;
}

static void overwrite(struct tree *known, const struct tree *entry)
{
	struct tree *next = known->next;

	*known = *entry;
	known->next = next;
}

void growing_map_add(struct growing_map *growing, struct tree *entry)
{
	/* Looking is worth while only after a merge key, of which few maps
	   have one. */
	struct tree *known =
		growing->has_merge ? find_entry(growing->map, entry) : NULL;

	if (known && known->merged)
		overwrite(known, entry);
	else
		append(growing, entry);
}

/* ---- merge keys --------------------------------------------------------- */

static int too_many_merged(struct err *err)
{
	return err_set(err, -EBADMSG,
		       "a map with a merge key ('<<') has more than %d entries",
		       TREE_MAX_MERGED_ENTRIES);
}

static int bad_merge(struct err *err)
{
	return err_set(err, -EBADMSG,
		       "a merge key ('<<') needs a map or a list of maps");
}

/* Lay the entries of a map over those of the growing one; it loses them. */
static int merge_map(struct growing_map *growing, const struct tree *from,
		     struct err *err)
{
	struct tree *entry, *next;

	if (from->type != TREE_MAP)
		return bad_merge(err);
	if (growing->map->len + from->len > TREE_MAX_MERGED_ENTRIES)
		return too_many_merged(err);
	for (entry = from->first; entry; entry = next) {
		struct tree *known = find_entry(growing->map, entry);

		next = entry->next;
		entry->next = NULL;
		entry->merged = true;
		if (known)
			overwrite(known, entry);
		else
			append(growing, entry);
	}
	return 0;
}

static int merge(struct growing_map *growing, const struct tree *value,
		 struct err *err)
{
	const struct tree *maps[TREE_MAX_MERGED_ENTRIES];
	size_t n = 0;

	growing->has_merge = true;
	if (value->type != TREE_LIST)
		return merge_map(growing, value, err);
	if (value->len > TREE_MAX_MERGED_ENTRIES)
		return too_many_merged(err);
	for (const struct tree *map = value->first; map; map = map->next)
		maps[n++] = map;
	while (n > 0) {
		int r = merge_map(growing, maps[--n], err);

		if (r < 0)
			return r;
	}
	return 0;
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

		if (r < 0 || event->type == EVENT_MAP_END)
			return r;
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
	if (growing->has_merge && growing->map->len >= TREE_MAX_MERGED_ENTRIES)
		return too_many_merged(err);
	growing_map_add(growing, entry);
	return 0;
}
