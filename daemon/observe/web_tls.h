/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_WEB_TLS_H
#define NETPOLD_DAEMON_OBSERVE_WEB_TLS_H

#include <stdint.h>

#include <gnutls/abstract.h>

#include "netpold/err.h"

/**
 * By which a client knows who answers: a certificate and its key, in PEM files,
 * which are looked at again when somebody comes. Where one of them has changed
 * both are read; where that fails, or they do not belong together yet, the old
 * ones stay.
 *
 * Threads  one at a time.
 */
struct web_tls;

/** The certificate, and those that vouch for it. */
#define WEB_TLS_CHAIN_MAX 8

/** A file that is larger is none. */
#define WEB_TLS_FILE_MAX 65536

/** How often files are looked at. */
#define WEB_TLS_LOOK_US INT64_C(1000000)

/** How long one pair is used at least. Connections that were begun with the one
 *  before it are over by then. */
#define WEB_TLS_KEEP_US INT64_C(10000000)

/** What a handshake needs; valid until WEB_TLS_KEEP_US after the next one that
 *  differs. */
struct web_tls_pair {
	gnutls_pcert_st chain[WEB_TLS_CHAIN_MAX];
	unsigned int n_chain;
	gnutls_privkey_t key;
};

/**
 * Read both files.
 *
 * @now_us  clock_us()
 *
 * Returns  0; a negative errno with a message for the operator, which names
 *          the file.
 */
int web_tls_open(const char *cert_path, const char *key_path, int64_t now_us,
		 struct web_tls **out, struct err *err);

/** After the last connection. NULL is fine. */
void web_tls_close(struct web_tls *tls);

/** What to show to who comes now. */
struct web_tls_pair *web_tls_get(struct web_tls *tls, int64_t now_us);

#endif
