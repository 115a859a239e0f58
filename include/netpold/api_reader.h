/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_API_READER_H
#define NETPOLD_API_READER_H

#include <stdbool.h>
#include <stddef.h>

#include "netpold/err.h"
#include "netpold/finding.h"
#include "netpold/object.h"

/**
 * Reads what an API server answers to a list or a watch, as its bytes arrive.
 *
 * An answer is cut at its JSON structure, never at the borders of what arrives
 * (API-20), and decoded item by item: of a list nothing is kept but the item
 * that is just coming in, and of that item, only the fields that decide.
 * Whatever else is in it, managedFields above all, is passed over unread
 * (API-40, API-41).
 *
 * Bytes are hostile: an item has at most API_MAX_ITEM bytes (API-46), and the
 * bounds of tree.h hold for what is kept of it.
 *
 * Threads  one at a time.
 */
struct api_reader;

enum { API_MAX_ITEM = 8 << 20 }; /* bytes of one item or event */

enum api_form {
	API_LIST,  /* {"kind": "PodList", "metadata": …, "items": […]} */
	API_WATCH, /* {"type": "ADDED", "object": …} one after another */
};

enum api_event_type {
	API_ITEM, /* one item of a list */
	API_LIST_END,
	API_ADDED,
	API_MODIFIED,
	API_DELETED,
	API_BOOKMARK,
	API_ERROR,   /* status tells */
	API_UNKNOWN, /* of a type that nobody knows yet: to be passed over */
};

/** A Status of meta/v1 (API-45); what is absent is "" or 0. */
struct api_status {
	int code;
	const char *reason;
	const char *message;
	int retry_after_s; /* details.retryAfterSeconds */
	bool is_too_large; /* a cause is ResourceVersionTooLarge (API-14) */
};

/** Valid until the function that is told of it returns. */
struct api_event {
	enum api_event_type type;
	/* of the object, or of the list; "" where there is none (API-22) */
	const char *resource_version;
	const char *continue_token; /* API_LIST_END: "" on the last page */
	bool is_initial_end;	    /* API_BOOKMARK: API-30 */
	const char *namespace;	    /* of the object; "" */
	const char *name;
	const char *uid;
	/* The object, where it could be decoded; else NULL, and what was wrong
	   with it has been reported. NULL too where the reader was asked for
	   names only. A NetworkPolicy that is newer than we are comes without
	   the rules that nobody understands here, and errors say so: closed
	   rather than open. */
	const struct object *object;
	bool is_narrowed; /* so came @object: it is less than the server has */
	const struct api_status *status; /* API_ERROR; else NULL */
};

/** Returns 0 to go on; anything else ends the reading and is its result. */
typedef int (*api_event_fn)(void *ctx, const struct api_event *event);

struct api_reader_options {
	enum api_form form;
	enum object_kind kind; /* what every object has to be */
	/* Objects are of a kind that decides nothing here: say what they are
	   called, and decode nothing. @kind is not read. */
	bool names_only;
	const char *source; /* for findings: "pods of https://10.0.0.1:6443" */
	api_event_fn event;
	void *event_ctx;
	finding_fn report; /* may be NULL */
	void *report_ctx;
};

/** Returns 0 or -ENOMEM. Strings in @options must outlive the reader. */
int api_reader_new(const struct api_reader_options *options,
		   struct api_reader **out);

/** NULL is fine. */
void api_reader_free(struct api_reader *reader);

/**
 * More bytes of the answer.
 *
 * Returns  0; -EBADMSG where they are no such answer, or exceed a bound;
 *          -ENOMEM; what the event function returned. With a message. No call
 *          after a failure, but api_reader_free().
 */
int api_reader_feed(struct api_reader *reader, const char *bytes, size_t len,
		    struct err *err);

/**
 * The answer has ended.
 *
 * Returns  0 where it ended between two events, or behind a whole list;
 *          -EPIPE, with a message, where something is missing (API-27).
 */
int api_reader_end(struct api_reader *reader, struct err *err);

/**
 * Read the body of an answer that is no success (API-45). Text that is no
 * Status makes a message of its first line.
 *
 * @buf       keeps the strings of @out, which are cut where it is too small
 * @buf_size  at least 1
 */
void api_status_read(const char *body, size_t len, char *buf, size_t buf_size,
		     struct api_status *out);

#endif
