/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_WEB_PAGE_H
#define NETPOLD_DAEMON_OBSERVE_WEB_PAGE_H

#include <stdbool.h>
#include <stddef.h>

/** One GET, for as long as it is answered. */
struct web_request {
	const char *path;	   /* without what follows a question mark */
	const char *authorization; /* the header; NULL: none */
	const char *host;	   /* likewise */
};

/** What is answered to it. */
struct web_page {
	unsigned int status;	  /* 200, 404, 503 … */
	const char *content_type; /* outlives the page, like the next */
	const char *authenticate; /* the header WWW-Authenticate; NULL: none */
	const char *policy;	  /* Content-Security-Policy, likewise */
	char *body;		  /* malloc()ed; NULL: there was no memory */
	size_t len;
};

/** Answer one line of text. */
void web_page_say(struct web_page *out, unsigned int status, const char *line);

/** Ask for a token (RFC 6750, 3). @is_tried: it was, and is another one. */
void web_page_refuse(struct web_page *out, bool is_tried);

#endif
