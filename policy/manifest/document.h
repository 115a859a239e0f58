/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DOCUMENT_H
#define NETPOLD_DOCUMENT_H

#include "event.h"
#include "netpold/err.h"

/**
 * From the events of a reader to one tree per Kubernetes object.
 *
 * The items of a list (`items` at the top level of a document) are handed out
 * one by one and forgotten, wherever they stand in it: kubectl prints
 * `apiVersion, items, kind`, so the kind of the list may be known only after
 * its items. As kubectl does, a document is taken for a list because it has
 * `items`, unless a kind that does not end in "List" came before.
 *
 * Anchors, aliases and merge keys are resolved here. Every tree is within the
 * bounds of tree.h.
 */
struct document;

enum part_type {
	PART_END = 0,	/* no more documents */
	PART_OBJECT,	/* a document that is one object */
	PART_ITEM,	/* one item of a list */
	PART_LIST,	/* a list has ended */
	PART_NO_OBJECT, /* a document that is no map */
};

struct part {
	enum part_type type;
	/* The object or the item, which may be of any type; for PART_LIST the
	   list itself, its items left out; for PART_NO_OBJECT only line and
	   type count. */
	const struct tree *tree;
	/* PART_ITEM: these fields of its list, NULL where they have not come
	   yet. Else NULL. */
	const struct tree *list_kind;
	const struct tree *list_api_version;
};

/** Returns 0 or -ENOMEM. @source is copied; its reader stays the caller's. */
int document_new(const struct event_source *source, struct document **out);

/** NULL is fine. */
void document_free(struct document *document);

/**
 * Read on to the next object, item or end of a list. Empty documents are
 * passed over.
 *
 * @part  its trees live until the next call
 *
 * Returns  0; -EBADMSG where the text is wrong or exceeds a bound; another
 *          negative errno where it cannot be read. No call after a failure.
 */
int document_next(struct document *document, struct part *part,
		  struct err *err);

/** The line where reading stands; for errors. */
unsigned int document_line(const struct document *document);

#endif
