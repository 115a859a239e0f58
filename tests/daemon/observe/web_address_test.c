/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/netns.h"
#include "observe/web_address.h"

static const struct {
	const char *name, *text;
	const char *address; /* NULL: refused */
	uint16_t port;
} rows[] = {
	{ "an address of IPv4", "127.0.0.1:9500", "127.0.0.1", 9500 },
	{ "all of IPv4", "0.0.0.0:1", "0.0.0.0", 1 },
	{ "an address of IPv6", "[::1]:65535", "::1", 65535 },
	{ "no address is all of them", ":9500", "::", 9500 },
	{ "all of IPv6 is all of them", "[::]:9500", "::", 9500 },
	{ "nothing is refused", "", NULL, 0 },
	{ "a port alone is refused", "9500", NULL, 0 },
	{ "an address alone is refused", "127.0.0.1", NULL, 0 },
	{ "an address of IPv6 without brackets is refused", "::1:9500", NULL,
	  0 },
	{ "brackets around IPv4 are refused", "[127.0.0.1]:9500", NULL, 0 },
	{ "half a bracket is refused", "[::1:9500", NULL, 0 },
	{ "a name is refused", "localhost:9500", NULL, 0 },
	{ "a zone is refused", "[fe80::1%lo]:9500", NULL, 0 },
	{ "no port is refused", "127.0.0.1:", NULL, 0 },
	{ "port 0 is refused", "127.0.0.1:0", NULL, 0 },
	{ "a port that is too large is refused", ":65536", NULL, 0 },
	{ "one that is much too large, too", ":18446744073709560216", NULL, 0 },
	{ "a port with a sign is refused", ":+9500", NULL, 0 },
	{ "a port with a blank is refused", ": 9500", NULL, 0 },
	{ "a name of a port is refused", ":http", NULL, 0 },
	{ "a URL is refused", "http://127.0.0.1:9500", NULL, 0 },
};

static void format(const struct web_address *address, char *text, size_t size,
		   uint16_t *port)
{
	const struct sockaddr_in *in = (const void *)&address->where;
	const struct sockaddr_in6 *in6 = (const void *)&address->where;
	bool is_v4 = address->where.ss_family == AF_INET;

	inet_ntop(address->where.ss_family,
		  is_v4 ? (const void *)&in->sin_addr
			: (const void *)&in6->sin6_addr,
		  text, (socklen_t)size);
	*port = ntohs(is_v4 ? in->sin_port : in6->sin6_port);
}

static void an_address_is_read_or_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct web_address address = { 0 };
		char text[INET6_ADDRSTRLEN] = "";
		uint16_t port = 0;
		struct err err;
		int r = web_address_parse(rows[i].text, &address, &err);

		if (r == 0)
			format(&address, text, sizeof(text), &port);
		if (rows[i].address
			    ? r < 0 || strcmp(text, rows[i].address) != 0 ||
				      port != rows[i].port
			    : r != -EINVAL || address.len)
			fail_msg("%s: got %d, '%s', %u", rows[i].name, r, text,
				 port);
		if (r < 0)
			assert_non_null(strstr(
				err.message,
				"expected an address and a port from 1 to "
				"65535, such as"));
	}
}

static const struct {
	const char *name, *text;
	bool is_loopback;
} reaches[] = {
	{ "127.0.0.1 is the node's alone", "127.0.0.1:1", true },
	{ "so is all of 127.0.0.0/8", "127.255.0.9:1", true },
	{ "so is ::1", "[::1]:1", true },
	{ "all addresses are not", ":1", false },
	{ "nor all of IPv4", "0.0.0.0:1", false },
	{ "nor is 128.0.0.1", "128.0.0.1:1", false },
	{ "nor is an address of the node", "10.0.0.1:1", false },
	{ "nor is ::2", "[::2]:1", false },
};

static void who_can_reach_it_is_known(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(reaches) / sizeof(reaches[0]); i++) {
		struct web_address address = { 0 };

		assert_int_equal(
			0, web_address_parse(reaches[i].text, &address, NULL));
		if (web_address_is_loopback(&address) != reaches[i].is_loopback)
			fail_msg("%s", reaches[i].name);
	}
}

static int listen_at(const char *text, struct err *err)
{
	struct web_address address;

	assert_int_equal(0, web_address_parse(text, &address, NULL));
	return web_address_listen(&address, err);
}

static uint16_t port_of(int fd)
{
	struct sockaddr_in in;
	socklen_t len = sizeof(in);

	assert_int_equal(0, getsockname(fd, (struct sockaddr *)&in, &len));
	return ntohs(in.sin_port);
}

/* A port that the kernel picks for another is in use. */
static void who_cannot_listen_is_told_why(void **state)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int other = socket(AF_INET, SOCK_STREAM, 0);
	char text[64], everything[64];
	struct err err;

	(void)state;
	assert_int_equal(0, bind(other, (struct sockaddr *)&in, sizeof(in)));
	assert_int_equal(0, listen(other, 1));
	snprintf(text, sizeof(text), "127.0.0.1:%u", port_of(other));
	snprintf(everything, sizeof(everything), ":%u", port_of(other));
	assert_int_equal(-EADDRINUSE, listen_at(text, &err));
	assert_non_null(strstr(err.message, text));
	assert_non_null(strstr(err.message, "another program listens there"));
	assert_int_equal(-EADDRINUSE, listen_at(everything, &err));
	close(other);
	assert_int_equal(-EADDRNOTAVAIL, listen_at("192.0.2.1:9500", &err));
	assert_non_null(strstr(err.message, "this node has no such address"));
}

static int listen_as_nobody(void *ctx)
{
	struct err err;

	(void)ctx;
	return listen_at("127.0.0.1:80", &err) == -EACCES &&
			       strstr(err.message, "needs CAP_NET_BIND_SERVICE")
		       ? 0
		       : 1;
}

static void a_privileged_port_needs_a_privilege(void **state)
{
	static const struct {
		const char *address;
		bool is_low;
	} ports[] = {
		{ "127.0.0.1:80", true },    { ":1023", true },
		{ "127.0.0.1:1024", false }, { "[::1]:1", true },
		{ "[::1]:9500", false },
	};
	struct web_address nowhere = { 0 };
	int fd;

	(void)state;
	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		struct web_address address;

		assert_int_equal(
			0, web_address_parse(ports[i].address, &address, NULL));
		assert_int_equal(ports[i].is_low, web_address_is_low(&address));
	}
	assert_false(web_address_is_low(&nowhere));
	assert_int_equal(0, netns_without_root(listen_as_nobody, NULL));
	fd = listen_at("127.0.0.1:80", NULL);
	assert_true(fd >= 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_is_read_or_refused),
		cmocka_unit_test(who_can_reach_it_is_known),
		cmocka_unit_test(who_cannot_listen_is_told_why),
		cmocka_unit_test(a_privileged_port_needs_a_privilege),
	};

	return cmocka_run_group_tests(tests, netns_enter, NULL);
}
