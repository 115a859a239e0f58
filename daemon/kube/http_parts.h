/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_KUBE_HTTP_PARTS_H
#define NETPOLD_DAEMON_KUBE_HTTP_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <curl/curl.h>

#include "kube/access.h"
#include "kube/http.h"
#include "kube/server_url.h"

/**
 * What the files of http.c share:
 *
 *	http.c		many calls, and the descriptors that they wait for
 *	http_call.c	one call: its answer as it comes, and its end
 *	http_options.c	what libcurl is told for a call
 *	http_failure.c	why a call failed, in words
 *	http_socket.c	a socket that finds out when its other end is gone
 */

struct token;

/*
 * Bytes of one read: twice what TLS brings at a time, so that there is room for
 * it beside a long head. By HTTP/2, what does not fit into a read libcurl 7.88
 * forgets until something else comes: of an event that is longer the rest, and
 * with it the change, and of an answer its end.
 *
 * It reads up to two hundred times before it comes back, which is three
 * megabytes over TLS, and what is compressed grows about tenfold after that.
 */
#define HTTP_BUFFER_SIZE 32768L

struct http {
	const struct kube_access *access;
	struct token *token;
	struct server_url server; /* as it is called, and proves to be */
	char *place;		  /* "10.0.0.1:6443", for messages */
	/* Where @server is another name than that of the machine which is
	   connected to (tls_server_name): else both NULL. */
	char *connect_to;
	char *host_header;
	CURLM *multi;
	int epoll_fd; /* all sockets of libcurl's, and the timer */
	int timer_fd;
	struct http_call *calls;
	bool is_inside; /* libcurl is at work: its handles stay as they are */
	size_t n_received; /* bytes of bodies, in this round of http_work() */
};

struct http_call {
	struct http *http;
	struct http_call *next, **back; /* **back is this one */
	struct http_get get;		/* no path in it, nor media types */
	CURL *easy;
	struct curl_slist *headers, *connect_to;
	bool is_added; /* libcurl has it */
	bool is_cancelled;
	/* the answer */
	size_t head_len; /* bytes of its head, trailers included */
	long status;	 /* 0 until its head is complete */
	int retry_after_s;
	int broken; /* why we broke it off, a negative errno; or 0 */
	char *body; /* with another status than 200 */
	size_t body_len;
	bool is_cut; /* there is more of it, which nobody wants */
	int64_t begun_us;
	int64_t heard_us; /* when the last of it came; 0: nothing yet */
	char detail[CURL_ERROR_SIZE];
};

/* ---- http_call.c --------------------------------------------------------- */

/** Give it to libcurl. False without memory. */
bool http_call_add(struct http_call *call);

/** libcurl is through with it: tell its end. Frees @call. */
void http_call_finish(struct http_call *call, CURLcode code);

/** Without a word. NULL is fine. */
void http_call_free(struct http_call *call);

/* The functions that libcurl calls (CURLOPT_HEADERFUNCTION, …WRITEFUNCTION);
   @ctx is the call. */
size_t http_call_head(char *bytes, size_t size, size_t n, void *ctx);
size_t http_call_body(char *bytes, size_t size, size_t n, void *ctx);

/* ---- http_options.c ------------------------------------------------------ */

/** Everything that libcurl has to know before it begins. False without memory.
 */
bool http_options_set(struct http_call *call, const struct http_get *get);

/* ---- http_failure.c ------------------------------------------------------ */

/** Fill in error and message of @end. */
void http_failure_tell(const struct http_call *call, CURLcode code,
		       struct http_end *end);

/* ---- http_socket.c ------------------------------------------------------- */

/* For CURLOPT_OPENSOCKETFUNCTION. */
curl_socket_t http_socket_open(void *ctx, curlsocktype purpose,
			       struct curl_sockaddr *address);

#endif
