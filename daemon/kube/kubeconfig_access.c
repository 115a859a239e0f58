/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "kube/access.h"
#include "kube/base64.h"
#include "kube/kubeconfig.h"
#include "kube/server_url.h"
#include "netpold/cleanup.h"
#include "plain_text.h"

/* ---- messages ------------------------------------------------------------ */

static int no_memory(struct err *err)
{
	return err_set(err, -ENOMEM, "no memory to read a kubeconfig");
}

/* "/root/.kube/config:12: user 'me': token: …" */
static int refuse(const struct kubeconfig_entry *entry,
		  const struct kubeconfig_value *value, const char *reason,
		  struct err *err)
{
	char name[PLAIN_TEXT_LEN];

	return err_set(err, -EINVAL, "%s:%u: %s '%s': %s%s%s", entry->file,
		       value ? value->line : entry->line,
		       kubeconfig_section_name(entry->section),
		       plain_text(entry->name, name), value ? value->field : "",
		       value ? ": " : "", reason);
}

/* @found  what may be told of it */
static int refuse_found(const struct kubeconfig_entry *entry,
			const struct kubeconfig_value *value,
			const char *expected, const char *found,
			struct err *err)
{
	char reason[2 * PLAIN_TEXT_LEN];

	snprintf(reason, sizeof(reason), "expected %s, found '%s'", expected,
		 found);
	return refuse(entry, value, reason, err);
}

static int refuse_text(const struct kubeconfig_entry *entry,
		       const struct kubeconfig_value *value,
		       const char *expected, struct err *err)
{
	char found[PLAIN_TEXT_LEN];

	return refuse_found(entry, value, expected,
			    plain_text(value->text, found), err);
}

/* ---- values -------------------------------------------------------------- */

static int take_text(const struct kubeconfig_entry *entry, const char *field,
		     char **out, struct err *err)
{
	const struct kubeconfig_value *value = kubeconfig_get(entry, field);

	if (!value)
		return 0;
	*out = strdup(value->text);
	return *out ? 0 : no_memory(err);
}

/* A path is relative to the folder of its kubeconfig. */
static int take_path(const struct kubeconfig_entry *entry, const char *field,
		     char **out, struct err *err)
{
	const struct kubeconfig_value *value = kubeconfig_get(entry, field);
	size_t folder_len;

	if (!value || *value->text == '/')
		return take_text(entry, field, out, err);
	folder_len = (size_t)(strrchr(entry->file, '/') + 1 - entry->file);
	if (asprintf(out, "%.*s%s", (int)folder_len, entry->file, value->text) <
	    0) {
		*out = NULL;
		return no_memory(err);
	}
	return 0;
}

static int take_pem(const struct kubeconfig_entry *entry, const char *field,
		    char **out, struct err *err)
{
	const struct kubeconfig_value *value = kubeconfig_get(entry, field);
	int r;

	if (!value)
		return 0;
	r = base64_decode(value->text, out);
	if (r == -ENOMEM)
		return no_memory(err);
	if (r < 0 || !strstr(*out, "-----BEGIN "))
		return refuse(entry, value,
			      "expected PEM text in base64, found none", err);
	return 0;
}

static int take_bool(const struct kubeconfig_entry *entry, const char *field,
		     bool *out, struct err *err)
{
	const struct kubeconfig_value *value = kubeconfig_get(entry, field);

	*out = value && strcmp(value->text, "true") == 0;
	if (!value || *out || strcmp(value->text, "false") == 0)
		return 0;
	return refuse_text(entry, value, "true or false", err);
}

/* ---- the cluster --------------------------------------------------------- */

static int take_server(const struct kubeconfig_entry *cluster,
		       struct kube_access *access, struct err *err)
{
	const struct kubeconfig_value *value =
		kubeconfig_get(cluster, "server");
	CLEANUP(server_url_release) struct server_url url = { 0 };
	char found[PLAIN_TEXT_LEN];
	int r;

	if (!value)
		return refuse(cluster, NULL,
			      "server: expected a URL, found "
			      "nothing",
			      err);
	r = server_url_parse(value->text, &url);
	if (r == -ENOMEM)
		return no_memory(err);
	if (r < 0)
		return refuse_found(cluster, value, SERVER_URL_EXPECTED,
				    server_url_show(value->text, found), err);
	access->server = url.text;
	url.text = NULL;
	return 0;
}

/* libcurl knows it; what it knows besides makes no sense here. */
static int take_proxy(const struct kubeconfig_entry *cluster,
		      struct kube_access *access, struct err *err)
{
	static const char *const schemes[] = { "http://", "https://",
					       "socks5://", "socks5h://" };
	const struct kubeconfig_value *value =
		kubeconfig_get(cluster, "proxy-url");

	for (size_t i = 0; value && i < sizeof(schemes) / sizeof(*schemes);
	     i++) {
		if (strncmp(value->text, schemes[i], strlen(schemes[i])) == 0)
			return take_text(cluster, "proxy-url",
					 &access->proxy_url, err);
	}
	return value ? refuse(cluster, value,
			      "expected http://, https:// or socks5://, "
			      "found something else",
			      err)
		     : 0;
}

/* Who asks for both means one of them, and nobody knows which. */
static int check_insecure(const struct kubeconfig_entry *cluster,
			  const struct kube_access *access, struct err *err)
{
	if (!access->insecure || (!access->ca_file && !access->ca_data))
		return 0;
	return refuse(cluster,
		      kubeconfig_get(cluster, "insecure-skip-tls-verify"),
		      "expected false where there is a certificate authority, "
		      "found true",
		      err);
}

static int take_cluster(const struct kubeconfig_entry *cluster,
			struct kube_access *access, struct err *err)
{
	int r = take_server(cluster, access, err);

	if (r == 0)
		r = take_text(cluster, "tls-server-name",
			      &access->tls_server_name, err);
	if (r == 0)
		r = take_bool(cluster, "insecure-skip-tls-verify",
			      &access->insecure, err);
	if (r == 0)
		r = take_path(cluster, "certificate-authority",
			      &access->ca_file, err);
	if (r == 0)
		r = take_pem(cluster, "certificate-authority-data",
			     &access->ca_data, err);
	if (r == 0)
		r = take_proxy(cluster, access, err);
	if (r == 0)
		r = take_bool(cluster, "disable-compression",
			      &access->no_compression, err);
	return r < 0 ? r : check_insecure(cluster, access, err);
}

/* ---- the user ------------------------------------------------------------ */

/* What would be somebody else's rights, were it passed over. */
static int check_supported(const struct kubeconfig_entry *user, struct err *err)
{
	static const char *const fields[] = { "exec",	   "auth-provider",
					      "as",	   "as-uid",
					      "as-groups", "as-user-extra" };

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		const struct kubeconfig_value *value =
			kubeconfig_get(user, fields[i]);

		if (value)
			return refuse(user, value,
				      "not supported: expected a token, a "
				      "client certificate, or a username and "
				      "a password",
				      err);
	}
	return 0;
}

static int check_pairs(const struct kubeconfig_entry *user,
		       const struct kube_access *access, struct err *err)
{
	bool has_cert = access->cert_file || access->cert_data;
	bool has_key = access->key_file || access->key_data;

	if (has_cert != has_key)
		return refuse(user, NULL,
			      has_cert ? "client-key: expected one for the "
					 "client certificate, found none"
				       : "client-certificate: expected one for "
					 "the client key, found none",
			      err);
	if (access->username && (access->token || access->token_file))
		return refuse(user, kubeconfig_get(user, "username"),
			      "expected none beside a token, found one", err);
	if (access->password && !access->username)
		return refuse(user, kubeconfig_get(user, "password"),
			      "expected a username beside it, found none", err);
	return 0;
}

static int take_user(const struct kubeconfig_entry *user,
		     struct kube_access *access, struct err *err)
{
	int r = check_supported(user, err);

	if (r == 0)
		r = take_path(user, "client-certificate", &access->cert_file,
			      err);
	if (r == 0)
		r = take_pem(user, "client-certificate-data",
			     &access->cert_data, err);
	if (r == 0)
		r = take_path(user, "client-key", &access->key_file, err);
	if (r == 0)
		r = take_pem(user, "client-key-data", &access->key_data, err);
	if (r == 0)
		r = take_path(user, "tokenFile", &access->token_file, err);
	if (r == 0)
		r = take_text(user, "token", &access->token, err);
	if (r == 0)
		r = take_text(user, "username", &access->username, err);
	if (r == 0)
		r = take_text(user, "password", &access->password, err);
	return r < 0 ? r : check_pairs(user, access, err);
}

/* ---- the context --------------------------------------------------------- */

static int find_context(const struct kubeconfig *config,
			const struct kubeconfig_entry **out, struct err *err)
{
	char name[PLAIN_TEXT_LEN];

	if (!config->current_context)
		return err_set(err, -EINVAL,
			       "%s: current-context: expected the name of a "
			       "context, found nothing",
			       kubeconfig_file(config));
	*out = kubeconfig_find(config, KUBECONFIG_CONTEXT,
			       config->current_context);
	if (*out)
		return 0;
	return err_set(err, -EINVAL,
		       "%s:%u: current-context: no context is called '%s'",
		       config->current_file, config->current_line,
		       plain_text(config->current_context, name));
}

/* What the context refers to; NULL where it refers to nothing. */
static int find_entry(const struct kubeconfig *config,
		      const struct kubeconfig_entry *context,
		      enum kubeconfig_section section,
		      const struct kubeconfig_entry **out, struct err *err)
{
	const struct kubeconfig_value *value =
		kubeconfig_get(context, kubeconfig_section_name(section));

	*out = value ? kubeconfig_find(config, section, value->text) : NULL;
	if (!value || *out)
		return 0;
	return refuse_text(context, value,
			   section == KUBECONFIG_CLUSTER
				   ? "the name of a cluster"
				   : "the name of a user",
			   err);
}

int kubeconfig_access(const struct kubeconfig *config, struct kube_access *out,
		      struct err *err)
{
	CLEANUP(kube_access_release) struct kube_access access = { 0 };
	const struct kubeconfig_entry *context, *cluster, *user = NULL;
	int r = find_context(config, &context, err);

	if (r == 0)
		r = find_entry(config, context, KUBECONFIG_CLUSTER, &cluster,
			       err);
	if (r == 0 && !cluster)
		r = refuse(context, NULL,
			   "cluster: expected a name, found nothing", err);
	if (r == 0)
		r = find_entry(config, context, KUBECONFIG_USER, &user, err);
	if (r == 0)
		r = take_cluster(cluster, &access, err);
	if (r == 0 && user)
		r = take_user(user, &access, err);
	if (r < 0)
		return r;
	access.origin = strdup(context->file);
	if (!access.origin)
		return no_memory(err);

	*out = access;
	access = (struct kube_access){ 0 };
	return 0;
}
