/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_WEB_OPTIONS_H
#define NETPOLD_DAEMON_OBSERVE_WEB_OPTIONS_H

#include <stdbool.h>

#include "observe/web_address.h"

/** Where and how to answer over HTTP. Paths are NULL or "" where there is none.
 */
struct web_options {
	struct web_address
		address; /* of health and metrics; all-zero: nowhere */
	struct web_address page_address; /* of the page for people, likewise */
	const char *tls_cert; /* with its key, or neither (web_tls.h) */
	const char *tls_key;
	const char *token_file; /* for who reads metrics, or the page's
				   data (web_token.h) */
};

/** Whether a path is there. */
static inline bool web_options_has(const char *path)
{
	return path && *path;
}

#endif
