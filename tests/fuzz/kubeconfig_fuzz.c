/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whatever is in a kubeconfig, a server comes out that can be asked, or a
 * message of one line that names the file. The second half, where there is one,
 * is another file of the same list.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kube/access.h"
#include "kube/kubeconfig.h"
#include "kube/server_url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BETWEEN "\n=====\n"

static void check_access(const struct kube_access *access)
{
	struct server_url url;

	if (server_url_parse(access->server, &url) < 0)
		abort();
	server_url_release(&url);
	if (!access->origin || (access->insecure && access->ca_file))
		abort();
	if (!access->cert_file + !access->cert_data < 2 &&
	    !access->key_file + !access->key_data == 2)
		abort();
	if ((access->ca_file && *access->ca_file != '/') ||
	    (access->cert_file && *access->cert_file != '/') ||
	    (access->key_file && *access->key_file != '/') ||
	    (access->token_file && *access->token_file != '/'))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	const char *cut = memmem(text, size, BETWEEN, strlen(BETWEEN));
	const char *other = cut ? cut + strlen(BETWEEN) : NULL;
	size_t len = cut ? (size_t)(cut - text) : size;
	struct kubeconfig config = { 0 };
	struct kube_access access = { 0 };
	struct err err = { 0 };
	int r = kubeconfig_parse(&config, "/fuzz/one", text, len, &err);

	if (r == 0 && other)
		r = kubeconfig_parse(&config, "/fuzz/two", other,
				     size - (size_t)(other - text), &err);
	if (r == 0)
		r = kubeconfig_access(&config, &access, &err);
	if (r == 0)
		check_access(&access);
	else if (strncmp(err.message, "/fuzz/", 6) != 0 ||
		 strchr(err.message, '\n'))
		abort();
	kube_access_release(&access);
	kubeconfig_release(&config);
	return 0;
}
