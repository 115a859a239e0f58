/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/kube/access_words.h"

#include <stdio.h>
#include <string.h>

static void add(char *out, const char *name, const char *value)
{
	size_t len = strlen(out);

	if (value)
		snprintf(out + len, ACCESS_WORDS_LEN - len, "%s%s=%s",
			 len > 0 ? " " : "", name, value);
}

const char *access_words(const struct kube_access *access,
			 char out[ACCESS_WORDS_LEN])
{
	*out = '\0';
	add(out, "server", access->server);
	add(out, "name", access->tls_server_name);
	add(out, "ca", access->ca_file);
	add(out, "ca-data", access->ca_data);
	add(out, "cert", access->cert_file);
	add(out, "cert-data", access->cert_data);
	add(out, "key", access->key_file);
	add(out, "key-data", access->key_data);
	add(out, "token-file", access->token_file);
	add(out, "token", access->token);
	add(out, "username", access->username);
	add(out, "password", access->password);
	add(out, "proxy", access->proxy_url);
	add(out, "insecure", access->insecure ? "yes" : NULL);
	add(out, "compression", access->no_compression ? "no" : NULL);
	return out;
}
