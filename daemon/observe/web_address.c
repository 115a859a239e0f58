/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/web_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* So many wait while all places are taken; the kernel drops the others. */
#define BACKLOG 64

/* ---- reading ------------------------------------------------------------ */

/* 0 where it is none. */
static uint16_t parse_port(const char *text)
{
	unsigned long port;

	if (strspn(text, "0123456789") != strlen(text) || strlen(text) > 5)
		return 0;
	port = strtoul(text, NULL, 10);
	return port <= UINT16_MAX ? (uint16_t)port : 0;
}

static void set_v4(struct web_address *out, struct in_addr address,
		   uint16_t port)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&out->where;

	in->sin_family = AF_INET;
	in->sin_addr = address;
	in->sin_port = htons(port);
	out->len = sizeof(*in);
}

static void set_v6(struct web_address *out, const struct in6_addr *address,
		   uint16_t port)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&out->where;

	in6->sin6_family = AF_INET6;
	in6->sin6_addr = *address;
	in6->sin6_port = htons(port);
	out->len = sizeof(*in6);
}

/* @host  "", "127.0.0.1" or "[::1]"; it is changed */
static bool set_host(struct web_address *out, char *host, uint16_t port)
{
	size_t len = strlen(host);
	struct in6_addr v6;
	struct in_addr v4;

	if (len == 0) {
		set_v6(out, &in6addr_any, port);
		return true;
	}
	if (inet_pton(AF_INET, host, &v4) == 1) {
		set_v4(out, v4, port);
		return true;
	}
	if (host[0] != '[' || host[len - 1] != ']')
		return false;
	host[len - 1] = '\0';
	if (inet_pton(AF_INET6, host + 1, &v6) != 1)
		return false;
	set_v6(out, &v6, port);
	return true;
}

int web_address_parse(const char *text, struct web_address *out,
		      struct err *err)
{
	const char *colon = strrchr(text, ':');
	uint16_t port = colon ? parse_port(colon + 1) : 0;
	struct web_address address = { 0 };
	char host[WEB_ADDRESS_TEXT_LEN];

	if (port > 0 && strlen(text) < WEB_ADDRESS_TEXT_LEN) {
		snprintf(host, sizeof(host), "%.*s", (int)(colon - text), text);
		snprintf(address.text, sizeof(address.text), "%s", text);
		if (set_host(&address, host, port)) {
			*out = address;
			return 0;
		}
	}
	return err_set(err, -EINVAL,
		       "expected an address and a port from 1 to 65535, such "
		       "as 127.0.0.1:9500, [::1]:9500 or :9500, found '%.64s'",
		       text);
}

bool web_address_is_loopback(const struct web_address *address)
{
	const struct sockaddr_in *in =
		(const struct sockaddr_in *)&address->where;
	const struct sockaddr_in6 *in6 =
		(const struct sockaddr_in6 *)&address->where;

	switch (address->where.ss_family) {
	case AF_INET:
		return ntohl(in->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	case AF_INET6:
		return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
	default:
		return false;
	}
}

bool web_address_is_low(const struct web_address *address)
{
	const struct sockaddr_in *in =
		(const struct sockaddr_in *)&address->where;
	const struct sockaddr_in6 *in6 =
		(const struct sockaddr_in6 *)&address->where;

	switch (address->where.ss_family) {
	case AF_INET:
		return ntohs(in->sin_port) < IPPORT_RESERVED;
	case AF_INET6:
		return ntohs(in6->sin6_port) < IPPORT_RESERVED;
	default:
		return false;
	}
}

/* ---- listening ---------------------------------------------------------- */

/* SO_REUSEADDR passes over connections that are over, not over those who
   listen. IPV6_V6ONLY: "all addresses" are those of IPv4, too. */
static int try_listen(const struct web_address *address)
{
	int on = 1, off = 0;
	int fd = socket(address->where.ss_family,
			SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int code;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	    (address->where.ss_family != AF_INET6 ||
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) ==
		     0) &&
	    bind(fd, (const struct sockaddr *)&address->where, address->len) ==
		    0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	code = -errno;
	close(fd);
	return code;
}

static bool is_everything(const struct web_address *address)
{
	return address->text[0] == ':';
}

static int explain(const struct web_address *address, int code, struct err *err)
{
	static const struct {
		int code;
		const char *why;
	} known[] = {
		{ -EADDRINUSE, "another program listens there" },
		{ -EADDRNOTAVAIL, "this node has no such address" },
		{ -EACCES, "a port below 1024 needs CAP_NET_BIND_SERVICE" },
		{ -EAFNOSUPPORT, "this kernel has no IPv6" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].code == code)
			return err_set(err, code,
				       "cannot listen at '%s': %s "
				       "(--metrics-listen)",
				       address->text, known[i].why);
	}
	return err_set(err, code,
		       "cannot listen at '%s': %s "
		       "(--metrics-listen)",
		       address->text, strerror(-code));
}

int web_address_listen(const struct web_address *address, struct err *err)
{
	struct web_address v4 = *address;
	int fd = try_listen(address);

	if (fd == -EAFNOSUPPORT && is_everything(address)) {
		set_v4(&v4, (struct in_addr){ INADDR_ANY },
		       ntohs(((const struct sockaddr_in6 *)&address->where)
				     ->sin6_port));
		fd = try_listen(&v4);
	}
	return fd >= 0 ? fd : explain(address, fd, err);
}
