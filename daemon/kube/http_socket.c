/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

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
	struct http *http = ctx;
	int fd = socket(address->family,
			address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
			address->protocol);

	(void)purpose;
	if (fd < 0)
		return CURL_SOCKET_BAD;
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		setsockopt(fd, options[i].level, options[i].option,
			   &options[i].value, sizeof(options[i].value));
	if (http->n_sockets < HTTP_MAX_SOCKETS)
		http->sockets[http->n_sockets++] = fd;
	return fd;
}

int http_socket_close(void *ctx, curl_socket_t fd)
{
	struct http *http = ctx;

	for (size_t i = 0; i < http->n_sockets; i++) {
		if (http->sockets[i] == fd)
			http->sockets[i] = http->sockets[--http->n_sockets];
	}
	return close(fd);
}

static long local_port_of(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} address = { .any.sa_family = AF_UNSPEC };
	socklen_t len = sizeof(address);

	if (getsockname(fd, &address.any, &len) < 0)
		return 0;
	if (address.any.sa_family == AF_INET6)
		return ntohs(address.v6.sin6_port);
	return address.any.sa_family == AF_INET ? ntohs(address.v4.sin_port)
						: 0;
}

void http_socket_break(const struct http *http, long local_port)
{
	for (size_t i = 0; i < http->n_sockets; i++) {
		if (local_port_of(http->sockets[i]) == local_port)
			shutdown(http->sockets[i], SHUT_RDWR);
	}
}
