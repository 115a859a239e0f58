/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_KUBE_HTTP_H
#define NETPOLD_DAEMON_KUBE_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "netpold/err.h"

#include "kube/access.h"

/**
 * GET requests to one API server, many at once, none of which is waited for:
 * libcurl's multi handle behind one descriptor.
 *
 * Each call has a connection, by HTTP/2 where the server has it, by HTTP/1.1
 * where not (API-52); the next one may use it when the call has come to its
 * end, and not where it was broken off or cancelled: perhaps nobody answers
 * there any more. TLS is verified (API-65), its CA read again for each new
 * connection (API-62), the token at least every minute (API-61). Redirects are
 * not followed. A connection whose other end is gone is found within 45 seconds
 * (API-29). Connecting takes 30 seconds at most.
 *
 * Threads  one at a time.
 */
struct http;
struct http_call;

/** How a call ended. */
struct http_end {
	long status;	   /* 200 …; 0: no answer came */
	int error;	   /* 0: a whole answer came; else a negative errno, */
	char message[256]; /* and why: "cannot connect to …: refused" */
	int retry_after_s; /* -1: was not said */
};

struct http_get {
	const char *path;   /* with the query: "/api/v1/pods?limit=500" */
	const char *accept; /* media types */
	/* The answer has begun, and is a success (200) of this content type.
	   Returns 0, or a negative errno to break it off. May be NULL. */
	int (*begin)(void *ctx, const char *content_type);
	/* Bytes of a success, uncompressed. Returns as begin. */
	int (*body)(void *ctx, const char *bytes, size_t len);
	/* It is over; the call is gone. @body: what came with another status
	   than 200, its first 64 KiB. Not called for http_cancel(). A new call
	   may be made here. */
	void (*end)(void *ctx, const struct http_end *end, const char *body,
		    size_t body_len);
	void *ctx;
};

/**
 * @access  has to outlive it
 *
 * Returns  0 or a negative errno with a message: a file of @access cannot be
 *          read, or its token is none. What is in the other files shows when
 *          a connection is made.
 */
int http_open(const struct kube_access *access, struct http **out,
	      struct err *err);

/** NULL is fine. Calls that are not over are cancelled. */
void http_close(struct http *http);

/** Readable when there is something to do. */
int http_fd(const struct http *http);

/** Do some of it, a few megabytes as they are sent (HTTP_BUFFER_SIZE); ends of
 *  calls are told from here.
 *  Never blocks. Returns how many bytes of bodies have come. */
size_t http_work(struct http *http);

/** Begin a call. NULL without memory: @get->end is not called. */
struct http_call *http_begin(struct http *http, const struct http_get *get);

/** Break a call off: nothing is told of it any more. NULL is fine. Not from
 *  within its own functions. */
void http_cancel(struct http_call *call);

/** The token was refused (401): read it again now (API-61). True where it has
 *  changed. */
bool http_renew_token(struct http *http);

/** Which token calls are begun with: another number once it has changed. Who
 * was refused with an earlier one need not wait. */
unsigned int http_token_edition(const struct http *http);

#endif
