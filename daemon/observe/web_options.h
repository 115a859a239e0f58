/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_WEB_OPTIONS_H
#define NETPOLD_DAEMON_OBSERVE_WEB_OPTIONS_H

#include "observe/web_address.h"

/** Where and how to answer over HTTP. Paths are NULL or "" where there is none.
 */
struct web_options {
	struct web_address address; /* all-zero: nowhere */
	const char *tls_cert;	    /* with its key, or neither (web_tls.h) */
	const char *tls_key;
	const char *token_file; /* for who reads metrics (web_token.h) */
};

#endif
