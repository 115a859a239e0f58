/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "clock.h"
#include "kube/http_parts.h"
#include "kube/token.h"
#include "netpold/cleanup.h"
#include "version.h"

/* From here on a CA file is read for each connection only where it is asked
   for (API-62), and an end does not wait for names to be looked up. */
#if LIBCURL_VERSION_NUM < 0x075700
#error "libcurl 7.87 or later is needed"
#endif

#define CONNECT_TIMEOUT_MS 30000L

static void free_text(char **text)
{
	free(*text);
}

/* A failure of curl_easy_setopt() is one of memory: what is set is known. */
static bool set_text(struct http_call *call, CURLoption option,
		     const char *text)
{
	return curl_easy_setopt(call->easy, option, text) == CURLE_OK;
}

static bool set_number(struct http_call *call, CURLoption option, long number)
{
	return curl_easy_setopt(call->easy, option, number) == CURLE_OK;
}

static bool set_bytes(struct http_call *call, CURLoption option,
		      const char *text)
{
	struct curl_blob blob = {
		.data = (void *)(uintptr_t)text,
		.len = strlen(text),
		.flags = CURL_BLOB_NOCOPY, /* the access outlives the call */
	};

	return curl_easy_setopt(call->easy, option, &blob) == CURLE_OK;
}

/* ---- what is asked ------------------------------------------------------- */

static bool set_url(struct http_call *call, const char *path)
{
	CLEANUP(free_text) char *url = NULL;

	if (asprintf(&url, "%s%s", call->http->server.text, path) < 0) {
		url = NULL;
		return false;
	}
	return set_text(call, CURLOPT_URL, url);
}

__attribute__((format(printf, 2, 3))) static bool
add_header(struct http_call *call, const char *fmt, ...)
{
	CLEANUP(free_text) char *line = NULL;
	struct curl_slist *headers;
	va_list args;
	int len;

	va_start(args, fmt);
	len = vasprintf(&line, fmt, args);
	va_end(args);
	if (len < 0) {
		line = NULL;
		return false;
	}
	headers = curl_slist_append(call->headers, line);
	explicit_bzero(line, (size_t)len); /* it may be the token */
	if (!headers)
		return false;
	call->headers = headers;
	return true;
}

static bool set_headers(struct http_call *call, const char *accept)
{
	struct http *http = call->http;
	const char *token = token_get(http->token, clock_us());

	return add_header(call, "Accept: %s", accept) &&
	       (!token ||
		add_header(call, "Authorization: Bearer %s", token)) &&
	       (!http->host_header ||
		add_header(call, "Host: %s", http->host_header)) &&
	       curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER,
				call->headers) == CURLE_OK &&
	       /* a proxy is not told the token */
	       set_number(call, CURLOPT_HEADEROPT, CURLHEADER_SEPARATE) &&
	       /* not one that begins with "curl": API-44 */
	       set_text(call, CURLOPT_USERAGENT, "netpold/" VERSION_TEXT) &&
	       (http->access->no_compression ||
		set_text(call, CURLOPT_ACCEPT_ENCODING, "gzip"));
}

static bool set_password(struct http_call *call)
{
	const struct kube_access *access = call->http->access;

	return !access->username ||
	       (set_number(call, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC) &&
		set_text(call, CURLOPT_USERNAME, access->username) &&
		set_text(call, CURLOPT_PASSWORD,
			 access->password ? access->password : ""));
}

/* ---- who answers --------------------------------------------------------- */

/* The CA that is named, and no other: libcurl has a folder of its own, too. */
static bool set_ca(struct http_call *call)
{
	const struct kube_access *access = call->http->access;

	if (!access->ca_data && !access->ca_file)
		return true;
	return set_text(call, CURLOPT_CAPATH, NULL) &&
	       (access->ca_data
			? set_bytes(call, CURLOPT_CAINFO_BLOB, access->ca_data)
			: set_text(call, CURLOPT_CAINFO, access->ca_file));
}

static bool set_certificate(struct http_call *call)
{
	const struct kube_access *access = call->http->access;

	if (!access->cert_data && !access->cert_file)
		return true;
	return (access->cert_data
			? set_bytes(call, CURLOPT_SSLCERT_BLOB,
				    access->cert_data)
			: set_text(call, CURLOPT_SSLCERT, access->cert_file)) &&
	       (access->key_data
			? set_bytes(call, CURLOPT_SSLKEY_BLOB, access->key_data)
			: set_text(call, CURLOPT_SSLKEY, access->key_file)) &&
	       /* or OpenSSL asks for it, and waits */
	       set_text(call, CURLOPT_KEYPASSWD, "");
}

/* Resumed sessions are not verified: each connection has its own (API-62). */
static bool set_tls(struct http_call *call)
{
	bool verify = !call->http->access->insecure;

	return set_ca(call) && set_certificate(call) &&
	       set_number(call, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2) &&
	       set_number(call, CURLOPT_SSL_VERIFYPEER, verify ? 1 : 0) &&
	       set_number(call, CURLOPT_SSL_VERIFYHOST, verify ? 2 : 0) &&
	       set_number(call, CURLOPT_SSL_SESSIONID_CACHE, 0) &&
	       set_number(call, CURLOPT_CA_CACHE_TIMEOUT, 0);
}

static bool set_connect_to(struct http_call *call)
{
	if (!call->http->connect_to)
		return true;
	call->connect_to = curl_slist_append(NULL, call->http->connect_to);
	return call->connect_to &&
	       curl_easy_setopt(call->easy, CURLOPT_CONNECT_TO,
				call->connect_to) == CURLE_OK;
}

static bool has_tls(const struct http_call *call)
{
	return strncmp(call->http->access->server, "https:", 6) == 0;
}

/* Without one, libcurl looks into the variables: https_proxy, no_proxy, … Not
   without TLS: a token that stays on this machine would come to the proxy. */
static bool set_proxy(struct http_call *call)
{
	const char *url = call->http->access->proxy_url;
	CLEANUP(free_text) char *by_name = NULL;

	if (!url)
		return has_tls(call) || set_text(call, CURLOPT_PROXY, "");
	if (strncmp(url, "socks5://", 9) != 0)
		return set_text(call, CURLOPT_PROXY, url);
	/* To libcurl the h says that the proxy looks names up, which is what
	   kubectl's socks5 does. */
	if (asprintf(&by_name, "socks5h://%s", url + 9) < 0) {
		by_name = NULL;
		return false;
	}
	return set_text(call, CURLOPT_PROXY, by_name);
}

static bool set_connection(struct http_call *call)
{
	return set_connect_to(call) && set_proxy(call) &&
	       set_text(call, CURLOPT_PROTOCOLS_STR, "http,https") &&
	       set_number(call, CURLOPT_FOLLOWLOCATION, 0) &&
	       set_number(call, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1) &&
	       set_number(call, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS) &&
	       set_number(call, CURLOPT_CONNECTTIMEOUT_MS,
			  CONNECT_TIMEOUT_MS) &&
	       set_number(call, CURLOPT_TIMEOUT_MS, 0) && /* a watch lasts */
	       set_number(call, CURLOPT_BUFFERSIZE, HTTP_BUFFER_SIZE) &&
	       set_number(call, CURLOPT_NOSIGNAL, 1) &&
	       set_number(call, CURLOPT_QUICK_EXIT, 1);
}

static bool set_functions(struct http_call *call)
{
	CURL *easy = call->easy;

	return curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION,
				http_socket_open) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PRIVATE, call) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, http_call_head) ==
		       CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HEADERDATA, call) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, http_call_body) ==
		       CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEDATA, call) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->detail) ==
		       CURLE_OK;
}

bool http_options_set(struct http_call *call, const struct http_get *get)
{
	return set_url(call, get->path) && set_headers(call, get->accept) &&
	       set_password(call) && set_tls(call) && set_connection(call) &&
	       set_functions(call);
}
