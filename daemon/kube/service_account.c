/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kube/service_account.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kube/server_url.h"
#include "netpold/cleanup.h"
#include "plain_text.h"

static const char host_variable[] = "KUBERNETES_SERVICE_HOST";
static const char port_variable[] = "KUBERNETES_SERVICE_PORT";

static bool is_set(const char *variable)
{
	const char *value = getenv(variable);

	return value && *value;
}

bool service_account_is_here(const char *folder, bool has_server)
{
	char token[PATH_MAX];

	if (is_set(host_variable) && is_set(port_variable))
		return true;
	snprintf(token, sizeof(token), "%s/token", folder);
	return has_server && access(token, F_OK) == 0;
}

static int no_memory(struct err *err)
{
	return err_set(err, -ENOMEM, "no memory to find the API server");
}

static void free_text(char **text)
{
	free(*text);
}

static int find_server(char **out, struct err *err)
{
	const char *host = getenv(host_variable);
	const char *port = getenv(port_variable);
	bool is_ipv6 = strchr(host, ':');
	CLEANUP(server_url_release) struct server_url url = { 0 };
	CLEANUP(free_text) char *text = NULL;
	char found[PLAIN_TEXT_LEN];
	int r;

	if (asprintf(&text, "https://%s%s%s:%s", is_ipv6 ? "[" : "", host,
		     is_ipv6 ? "]" : "", port) < 0) {
		text = NULL;
		return no_memory(err);
	}
	r = server_url_parse(text, &url);
	if (r == -ENOMEM)
		return no_memory(err);
	if (r < 0 || *url.prefix)
		return err_set(err, -EINVAL,
			       "%s and %s: expected a host and a port, found "
			       "what makes '%s'",
			       host_variable, port_variable,
			       plain_text(text, found));
	*out = url.text;
	url.text = NULL;
	return 0;
}

int service_account_access(const char *folder, bool has_server,
			   struct kube_access *out, struct err *err)
{
	CLEANUP(kube_access_release) struct kube_access access = { 0 };
	int r = has_server ? 0 : find_server(&access.server, err);

	if (r < 0)
		return r;
	if (asprintf(&access.token_file, "%s/token", folder) < 0)
		access.token_file = NULL;
	if (asprintf(&access.ca_file, "%s/ca.crt", folder) < 0)
		access.ca_file = NULL;
	access.origin = strdup("the cluster of this pod");
	if (!access.token_file || !access.ca_file || !access.origin)
		return no_memory(err);

	*out = access;
	access = (struct kube_access){ 0 };
	return 0;
}
