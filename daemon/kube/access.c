/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kube/access.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kube/kubeconfig.h"
#include "kube/server_url.h"
#include "kube/service_account.h"
#include "netpold/cleanup.h"
#include "plain_text.h"

static int no_memory(struct err *err)
{
	return err_set(err, -ENOMEM, "no memory to find the API server");
}

static void free_text(char **text)
{
	free(*text);
}

/* ---- kubeconfigs --------------------------------------------------------- */

static int find_by_file(const char *path, struct kube_access *out,
			struct err *err)
{
	CLEANUP(kubeconfig_release) struct kubeconfig config = { 0 };
	int r = kubeconfig_read(&config, path, err);

	if (r < 0)
		return r == -ENOMEM ? r : -EINVAL;
	return kubeconfig_access(&config, out, err);
}

/* Files of the list that are not there are passed over, as kubectl does. */
static int read_list(struct kubeconfig *config, char *list, struct err *err)
{
	char *rest = NULL;

	for (char *path = strtok_r(list, ":", &rest); path;
	     path = strtok_r(NULL, ":", &rest)) {
		int r = kubeconfig_read(config, path, err);

		if (r < 0 && r != -ENOENT)
			return r == -ENOMEM ? r : -EINVAL;
	}
	return 0;
}

static int find_by_list(const char *paths, struct kube_access *out,
			struct err *err)
{
	CLEANUP(kubeconfig_release) struct kubeconfig config = { 0 };
	CLEANUP(free_text) char *list = strdup(paths);
	char found[PLAIN_TEXT_LEN];
	int r;

	if (!list)
		return no_memory(err);
	r = read_list(&config, list, err);
	if (r < 0)
		return r;
	if (!kubeconfig_file(&config))
		return err_set(err, -EINVAL,
			       "KUBECONFIG: expected paths of kubeconfigs, "
			       "found '%s', where none is",
			       plain_text(paths, found));
	return kubeconfig_access(&config, out, err);
}

static int find_at_home(bool has_server, struct kube_access *out,
			struct err *err)
{
	const char *home = getenv("HOME");
	CLEANUP(free_text) char *path = NULL;

	if (asprintf(&path, "%s/.kube/config", home ? home : "") < 0) {
		path = NULL;
		return no_memory(err);
	}
	if (home && access(path, F_OK) == 0)
		return find_by_file(path, out, err);
	return err_set(err, -ENOENT,
		       "found no %s: there is no --kubeconfig, no "
		       "KUBECONFIG, no service account of a pod, and no %s",
		       has_server ? "way to ask the API server that "
				    "--api-server names"
				  : "API server",
		       home ? path : "~/.kube/config");
}

/* ---- what goes for all of them ------------------------------------------- */

/* Returns as kube_access_find(). */
static int replace_server(const char *text, struct kube_access *access,
			  struct err *err)
{
	CLEANUP(server_url_release) struct server_url url = { 0 };
	char found[PLAIN_TEXT_LEN];
	int r;

	if (!text)
		return 0;
	r = server_url_parse(text, &url);
	if (r == -ENOMEM)
		return no_memory(err);
	if (r < 0)
		return err_set(
			err, -EINVAL, "--api-server: expected %s, found '%s'",
			SERVER_URL_EXPECTED, server_url_show(text, found));
	free(access->server);
	access->server = url.text;
	url.text = NULL;
	return 0;
}

static bool has_secret(const struct kube_access *access)
{
	return access->token || access->token_file || access->username;
}

/* Whoever listens could do from then on what netpold may do. A proxy does: only
   TLS is not its business. */
static int check_privacy(const struct kube_access *access, struct err *err)
{
	CLEANUP(server_url_release) struct server_url url = { 0 };

	if (!has_secret(access))
		return 0;
	if (server_url_parse(access->server, &url) < 0)
		return no_memory(err);
	if (!server_url_is_private(&url))
		return err_set(err, -EINVAL,
			       "%s: expected an https:// server, found %s: no "
			       "secret is sent there in clear text",
			       access->origin, access->server);
	if (access->proxy_url && strcmp(url.scheme, "https") != 0)
		return err_set(err, -EINVAL,
			       "%s: expected an https:// server behind a "
			       "proxy, found %s: no secret is sent to the "
			       "proxy in clear text",
			       access->origin, access->server);
	return 0;
}

static int find(const struct kube_choice *choice, struct kube_access *out,
		struct err *err)
{
	const char *list = getenv("KUBECONFIG");
	bool has_server = choice->api_server;

	if (choice->kubeconfig)
		return find_by_file(choice->kubeconfig, out, err);
	if (list && *list)
		return find_by_list(list, out, err);
	if (service_account_is_here(SERVICE_ACCOUNT_FOLDER, has_server))
		return service_account_access(SERVICE_ACCOUNT_FOLDER,
					      has_server, out, err);
	return find_at_home(has_server, out, err);
}

int kube_access_find(const struct kube_choice *choice, struct kube_access *out,
		     struct err *err)
{
	int r;

	*out = (struct kube_access){ 0 };
	/* A mistake on the command line comes before what is not there. */
	r = replace_server(choice->api_server, out, err);
	kube_access_release(out);
	if (r == 0)
		r = find(choice, out, err);
	if (r == 0)
		r = replace_server(choice->api_server, out, err);
	if (r == 0)
		r = check_privacy(out, err);
	return r;
}

/* Secrets do not stay in memory that is given back. */
static void free_secret(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

void kube_access_release(struct kube_access *access)
{
	free(access->origin);
	free(access->server);
	free(access->tls_server_name);
	free(access->ca_file);
	free(access->ca_data);
	free(access->cert_file);
	free(access->cert_data);
	free(access->key_file);
	free_secret(access->key_data);
	free(access->token_file);
	free_secret(access->token);
	free(access->username);
	free_secret(access->password);
	free(access->proxy_url);
	*access = (struct kube_access){ 0 };
}
