/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_API_PARTS_H
#define NETPOLD_API_PARTS_H

#include "cut.h"
#include "manifest/json_tree.h"
#include "manifest/report.h"
#include "manifest/schema.h"
#include "manifest/text.h"
#include "netpold/api_reader.h"
#include "netpold/arena.h"
#include "span.h"

/**
 * What the files of policy/api/ share.
 *
 *	bytes   -> values           list.c, watch.c, with cut.c
 *	        -> what decides     prune.c
 *	        -> a tree           manifest/json_tree.c
 *	        -> names, an object item.c, narrow.c; status.c
 */

/* What comes next. */
enum api_place {
	AT_BEGIN = 0,  /* of a list, or of an event */
	IN_EVENT,      /* a watch: the event is coming in */
	AT_FIRST_KEY,  /* a list: a key, or '}' */
	AT_KEY,	       /* … a key */
	IN_KEY,	       /* … the key is coming in */
	AT_COLON,      /* … ':' */
	AT_VALUE,      /* … the value of a key */
	IN_VALUE,      /* … it is coming in */
	AFTER_VALUE,   /* … ',' or '}' */
	AT_FIRST_ITEM, /* … an item, or ']' */
	AT_ITEM,       /* … an item */
	IN_ITEM,       /* … it is coming in */
	AFTER_ITEM,    /* … ',' or ']' */
	AT_END,	       /* … nothing */
};

/* A list, as far as it has come. */
struct api_list {
	struct text key;  /* of the value that comes next */
	struct text kind; /* empty: not yet */
	struct text api_version;
	struct text resource_version;
	struct text continue_token;
	bool has_items;
};

struct api_reader {
	struct api_reader_options options;
	const struct schema *schema; /* of the objects */
	enum api_place place;
	struct api_list list;

	/* The value that is coming in: where it ends, and what of it came
	   before. */
	struct cut cut;
	struct text pending;

	/* Of one value, and of its event. */
	struct json_tree json;
	struct text kept;
	struct arena arena;
	struct report report;
	bool is_tolerant; /* what is found is no more than a warning */
	bool is_silent;	  /* … is nobody's business */
};

/** Says what the answer is of, in front of a message. Returns @code. */
int api_fail(const struct api_reader *reader, struct err *err, int code,
	     const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/**
 * Take the bytes of the value that is coming in.
 *
 * @value  the whole of it, until the next call; left empty while there is
 *         more to come
 *
 * Returns  0; -EBADMSG where it is too large; -ENOMEM.
 */
int api_take(struct api_reader *reader, struct span *bytes, struct span *value,
	     struct err *err);

/** A value begins here: api_take() takes it. */
void api_take_begin(struct api_reader *reader, struct span bytes);

/** Forget the last value; small ones leave their memory behind. */
void api_take_end(struct api_reader *reader);

/** Make a tree of a value, which lives until the next event. Returns 0,
 *  -EBADMSG, -ENOMEM. */
int api_tree(struct api_reader *reader, struct span value, struct tree **out,
	     struct err *err);

/** A string without zero bytes, else "". */
const char *api_text(const struct tree *tree);

/** Take out of a policy what nobody knows here (narrow.c). Returns 1; 0 where
 *  that would not leave a policy; -ENOMEM. */
int api_narrow(struct api_reader *reader, struct tree *policy);

/** Tell of an object, decoded if it is to be. Returns 0, -EBADMSG, -ENOMEM, or
 *  what the event function returned. */
int api_tell_object(struct api_reader *reader, enum api_event_type type,
		    struct span object, struct err *err);

/** Tell of a bookmark: only its version counts (API-22). */
int api_tell_bookmark(struct api_reader *reader, struct span object,
		      struct err *err);

/** Tell of an error, which is a Status (API-26). */
int api_tell_error(struct api_reader *reader, struct span object,
		   struct err *err);

/** Of a tree; strings are those of the tree. */
void api_status_of(const struct tree *tree, struct api_status *out);

int api_list_feed(struct api_reader *reader, struct span bytes,
		  struct err *err);
int api_watch_feed(struct api_reader *reader, struct span bytes,
		   struct err *err);

#endif
