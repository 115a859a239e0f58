/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <curl/curl.h>

#include "kube/http_parts.h"

/* 30 seconds of silence, and three questions without an answer; or 45 seconds
   in which nothing of what was sent has been acknowledged (API-29). */
static const struct {
	int level, option, value;
} options[] = {
	{ SOL_SOCKET, SO_KEEPALIVE, 1 },
	{ IPPROTO_TCP, TCP_KEEPIDLE, 30 },
	{ IPPROTO_TCP, TCP_KEEPINTVL, 5 },
	{ IPPROTO_TCP, TCP_KEEPCNT, 3 },
	{ IPPROTO_TCP, TCP_USER_TIMEOUT, 45000 },
};

curl_socket_t http_socket_open(void *ctx, curlsocktype purpose,
			       struct curl_sockaddr *address)
{
	int fd = socket(address->family,
			address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
			address->protocol);

	(void)ctx;
	(void)purpose;
	if (fd < 0)
		return CURL_SOCKET_BAD;
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		setsockopt(fd, options[i].level, options[i].option,
			   &options[i].value, sizeof(options[i].value));
	return fd;
}
