/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <curl/curl.h>

#include "kube/http.h"
#include "kube/http_parts.h"
#include "plain_text.h"

/* What libcurl calls a failure, and what we do; what it found goes behind. */
static const struct {
	CURLcode code;
	int error;
	const char *words; /* followed by the server's name */
} failures[] = {
	{ CURLE_COULDNT_RESOLVE_HOST, EHOSTUNREACH, "cannot find" },
	{ CURLE_COULDNT_RESOLVE_PROXY, EHOSTUNREACH,
	  "cannot find the proxy to" },
	{ CURLE_COULDNT_CONNECT, ECONNREFUSED, "cannot connect to" },
	{ CURLE_OPERATION_TIMEDOUT, ETIMEDOUT,
	  "cannot connect within 30 seconds to" },
	{ CURLE_PROXY, ECONNREFUSED, "the proxy does not connect to" },
	{ CURLE_PEER_FAILED_VERIFICATION, EKEYREJECTED, "cannot trust" },
	{ CURLE_SSL_ISSUER_ERROR, EKEYREJECTED, "cannot trust" },
	{ CURLE_SSL_CACERT_BADFILE, EINVAL,
	  "cannot use the certificate authority for" },
	{ CURLE_SSL_CERTPROBLEM, EINVAL,
	  "cannot use the client certificate for" },
	{ CURLE_SSL_CONNECT_ERROR, EPROTO, "cannot agree on TLS with" },
	{ CURLE_SSL_CIPHER, EPROTO, "cannot agree on TLS with" },
	{ CURLE_OUT_OF_MEMORY, ENOMEM, "no memory to ask" },
	{ CURLE_UNSUPPORTED_PROTOCOL, EPROTO, "no HTTP comes from" },
	{ CURLE_WEIRD_SERVER_REPLY, EPROTO, "no HTTP comes from" },
	{ CURLE_BAD_CONTENT_ENCODING, EBADMSG,
	  "cannot uncompress what comes from" },
	{ CURLE_PARTIAL_FILE, ECONNRESET, "the answer breaks off from" },
	/* libcurl is content with half a head */
	{ CURLE_OK, ECONNRESET, "no whole answer comes from" },
	{ CURLE_GOT_NOTHING, ECONNRESET, "no answer comes from" },
	{ CURLE_SEND_ERROR, ECONNRESET, "the connection breaks off to" },
	{ CURLE_RECV_ERROR, ECONNRESET, "the connection breaks off to" },
	{ CURLE_HTTP2, ECONNRESET, "the connection breaks off to" },
	{ CURLE_HTTP2_STREAM, ECONNRESET, "the answer breaks off from" },
};

#define N_FAILURES (sizeof(failures) / sizeof(failures[0]))

/* libcurl knows why the system refused; not always. */
static int system_error(const struct http_call *call)
{
	long error = 0;

	if (curl_easy_getinfo(call->easy, CURLINFO_OS_ERRNO, &error) !=
	    CURLE_OK)
		return 0;
	return (int)error;
}

static const char *detail_of(const struct http_call *call, CURLcode code,
			     int error)
{
	if (code == CURLE_COULDNT_CONNECT && error)
		return strerror(error);
	if (code == CURLE_OK)
		return "it ends in its head";
	return *call->detail ? call->detail : curl_easy_strerror(code);
}

void http_failure_tell(const struct http_call *call, CURLcode code,
		       struct http_end *end)
{
	int system = code == CURLE_COULDNT_CONNECT ? system_error(call) : 0;
	char detail[PLAIN_TEXT_LEN];
	size_t i = 0;

	if (call->broken) {
		end->error = call->broken;
		snprintf(end->message, sizeof(end->message),
			 "the answer of %s was broken off: %s",
			 call->http->place, strerror(-call->broken));
		return;
	}
	while (i < N_FAILURES && failures[i].code != code)
		i++;
	end->error = -(system		? system
		       : i < N_FAILURES ? failures[i].error
					: EIO);
	snprintf(end->message, sizeof(end->message), "%s %s: %s",
		 i < N_FAILURES ? failures[i].words : "cannot ask",
		 call->http->place,
		 plain_text(detail_of(call, code, system), detail));
}
