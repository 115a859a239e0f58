/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/live_policy.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "page/page.h"

#define SHA256_LEN 32
#define HASH_TEXT_LEN 64 /* in base64, and its end */

static int hash(const char *text, char out[HASH_TEXT_LEN])
{
	uint8_t digest[SHA256_LEN];
	const gnutls_datum_t bytes = { .data = digest, .size = SHA256_LEN };
	gnutls_datum_t base64;

	if (gnutls_hash_fast(GNUTLS_DIG_SHA256, text, strlen(text), digest) <
		    0 ||
	    gnutls_base64_encode2(&bytes, &base64) < 0)
		return -ENOMEM;
	snprintf(out, HASH_TEXT_LEN, "%.*s", (int)base64.size,
		 (const char *)base64.data);
	gnutls_free(base64.data);
	return 0;
}

int live_policy_write(char out[LIVE_POLICY_LEN])
{
	char style[HASH_TEXT_LEN], script[HASH_TEXT_LEN];

	if (hash(page_live_style(), style) < 0 ||
	    hash(page_live_script(), script) < 0)
		return -ENOMEM;
	snprintf(out, LIVE_POLICY_LEN,
		 "default-src 'none'; img-src data:; style-src 'sha256-%s'; "
		 "script-src 'sha256-%s'; connect-src 'self'; "
		 "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
		 style, script);
	return 0;
}
