/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_KUBE_REFLECTOR_PARTS_H
#define NETPOLD_DAEMON_KUBE_REFLECTOR_PARTS_H

#include "netpold/api_reader.h"

#include "kube/backoff.h"
#include "kube/http.h"
#include "kube/name_set.h"
#include "kube/reflector.h"
#include "kube/resource.h"

/**
 * What the files of the reflector share, and nobody else includes: what is
 * asked and what comes is in reflector.c, what the end of an answer means in
 * reflector_end.c.
 */

enum phase {
	PHASE_WAIT,   /* nothing is on its way */
	PHASE_LIST,   /* a page of a list is */
	PHASE_STREAM, /* a streaming list is, up to its mark; then a watch */
	PHASE_WATCH,
};

/** What the server itself said in the middle of an answer (API-26). */
struct said {
	int code; /* 0: nothing */
	int retry_after_s;
	bool is_too_large;
};

struct reflector {
	struct reflector_options options;
	const struct resource *resource;
	char source[300]; /* for findings */
	uint64_t random;

	enum phase phase;
	int64_t due_us;	 /* PHASE_WAIT: when the next request is made */
	bool is_cut_off; /* … for the server was not reached, while so many */
	unsigned int n_answers; /* of its answers were known */
	struct http_call *call;
	struct api_reader *reader;
	int64_t active_us;   /* when something came last */
	bool has_begun;	     /* a success has, on this call */
	bool has_bookmarks;  /* the server sends some (API-22) */
	size_t n_page_items; /* of the list's page that comes in */
	int64_t began_us;
	int timeout_s;		   /* of the watch */
	uint64_t had_events;	   /* when it began */
	struct err broken;	   /* why we broke it off; code 0: we did not */
	struct name_set odd_modes; /* objects that were told of already */
	struct said said;

	char *version;	      /* the last one that was seen; "" */
	char *continue_token; /* of the next page; "" */
	bool needs_list;
	bool fresh;	 /* the list is not to be of a version (API-15) */
	bool unlimited;	 /* nor in pages (API-11) */
	bool is_listing; /* the sink has been told so */
	bool list_ended; /* the page is whole */
	bool renewed;	 /* the token, since something was answered */
	unsigned int token_edition;    /* of the call, or the last one */
	unsigned int n_watch_failures; /* in a row */
	unsigned int n_stream_failures;
	int64_t lost_us; /* when history was lost; 0: it never was */
	struct backoff backoff;
	struct kube_resource_status status;
};

/** Replace a string by a copy. 0 or -ENOMEM. */
int reflector_set(char **where, const char *text);

uint32_t reflector_random(struct reflector *r);

/** The next request is made after so many microseconds. */
void reflector_wait(struct reflector *r, int64_t us);

/** Make the next request now. */
void reflector_ask(struct reflector *r, int64_t now_us);

/** A whole list has come. 0 or a negative errno. */
int reflector_end_list(struct reflector *r);

/** A list is given up. */
void reflector_abort_list(struct reflector *r);

/** It is listed or watched: what the trouble was is over. */
void reflector_report_good(struct reflector *r);

/** The call is over: go on from here. */
void reflector_conclude(struct reflector *r, const struct http_end *end,
			const char *body, size_t body_len);

#endif
