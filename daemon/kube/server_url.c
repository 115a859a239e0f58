/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kube/server_url.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "netpold/cleanup.h"

static void free_parts(CURLU **parts)
{
	curl_url_cleanup(*parts);
}

static int to_errno(CURLUcode code)
{
	if (code == CURLUE_OK)
		return 0;
	return code == CURLUE_OUT_OF_MEMORY ? -ENOMEM : -EINVAL;
}

/* A copy that free() takes. */
static int take_part(CURLU *parts, CURLUPart which, unsigned int flags,
		     char **out)
{
	char *text;
	int r = to_errno(curl_url_get(parts, which, &text, flags));

	if (r < 0)
		return r;
	*out = strdup(text);
	curl_free(text);
	return *out ? 0 : -ENOMEM;
}

static bool has_part(CURLU *parts, CURLUPart which)
{
	char *text;

	if (curl_url_get(parts, which, &text, 0) != CURLUE_OK)
		return false;
	curl_free(text);
	return true;
}

static void strip_slashes(char *text)
{
	size_t len = strlen(text);

	while (len > 0 && text[len - 1] == '/')
		text[--len] = '\0';
}

static int take_parts(CURLU *parts, struct server_url *url)
{
	int r = take_part(parts, CURLUPART_SCHEME, 0, &url->scheme);

	if (r == 0)
		r = take_part(parts, CURLUPART_HOST, 0, &url->host);
	if (r == 0)
		r = take_part(parts, CURLUPART_PORT, CURLU_DEFAULT_PORT,
			      &url->port);
	if (r == 0)
		r = take_part(parts, CURLUPART_PATH, 0, &url->prefix);
	if (r == 0)
		r = take_part(parts, CURLUPART_URL, 0, &url->text);
	if (r < 0)
		return r;
	if (strcmp(url->scheme, "http") != 0 &&
	    strcmp(url->scheme, "https") != 0)
		return -EINVAL;
	strip_slashes(url->prefix);
	strip_slashes(url->text);
	return 0;
}

int server_url_parse(const char *text, struct server_url *out)
{
	CLEANUP(free_parts) CURLU *parts = curl_url();
	CLEANUP(server_url_release) struct server_url url = { 0 };
	int r;

	if (!parts)
		return -ENOMEM;
	r = to_errno(
		curl_url_set(parts, CURLUPART_URL, text, CURLU_DISALLOW_USER));
	if (r == 0 && (has_part(parts, CURLUPART_QUERY) ||
		       has_part(parts, CURLUPART_FRAGMENT)))
		r = -EINVAL;
	if (r == 0)
		r = take_parts(parts, &url);
	if (r < 0)
		return r;
	*out = url;
	url = (struct server_url){ 0 };
	return 0;
}

const char *server_url_show(const char *text, char out[PLAIN_TEXT_LEN])
{
	static const char *const schemes[] = { "https://", "http://", "" };
	const char *at = strrchr(text, '@');
	char shown[2 * PLAIN_TEXT_LEN];
	size_t i = 0;

	if (!at)
		return plain_text(text, out);
	while (strncmp(text, schemes[i], strlen(schemes[i])) != 0)
		i++;
	snprintf(shown, sizeof(shown), "%s...%s", schemes[i], at);
	return plain_text(shown, out);
}

void server_url_release(struct server_url *url)
{
	free(url->text);
	free(url->scheme);
	free(url->host);
	free(url->port);
	free(url->prefix);
	*url = (struct server_url){ 0 };
}

bool server_url_is_private(const struct server_url *url)
{
	/* curl writes addresses in one way: 127.1 has become 127.0.0.1 */
	return strcmp(url->scheme, "https") == 0 ||
	       strcmp(url->host, "localhost") == 0 ||
	       strcmp(url->host, "[::1]") == 0 ||
	       (strncmp(url->host, "127.", 4) == 0 &&
		strspn(url->host, "0123456789.") == strlen(url->host));
}
