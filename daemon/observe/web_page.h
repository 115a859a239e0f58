/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_WEB_PAGE_H
#define NETPOLD_DAEMON_OBSERVE_WEB_PAGE_H

#include <stddef.h>

/** What is answered to one GET. */
struct web_page {
	unsigned int status;	  /* 200, 404, 503 … */
	const char *content_type; /* outlives the page */
	char *body;		  /* malloc()ed; NULL: there was no memory */
	size_t len;
};

#endif
