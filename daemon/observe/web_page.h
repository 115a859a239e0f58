/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_WEB_PAGE_H
#define NETPOLD_DAEMON_OBSERVE_WEB_PAGE_H

#include <stddef.h>

/** One GET, for as long as it is answered. */
struct web_request {
	const char *path;	   /* without what follows a question mark */
	const char *authorization; /* the header; NULL: none */
};

/** What is answered to it. */
struct web_page {
	unsigned int status;	  /* 200, 404, 503 … */
	const char *content_type; /* outlives the page, like the next */
	const char *authenticate; /* the header WWW-Authenticate; NULL: none */
	char *body;		  /* malloc()ed; NULL: there was no memory */
	size_t len;
};

#endif
