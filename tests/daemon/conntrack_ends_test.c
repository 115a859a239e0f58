/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Real connections, on loopback in a network namespace of the test's own, which
   end when conntrack(8) deletes them. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "datapath/conntrack_ends.h"
#include "datapath/conntrack_key.h"
#include "datapath/conntrack_setting.h"
#include "netns.h"
#include "netpold/object.h"

#define PORT 7001
#define IPV4_HEADERS 28 /* with UDP's */
#define IPV6_HEADERS 48
#define MARK 0x1000u

static const char rules[] =
	"for cmd in iptables ip6tables; do"
	" $cmd -t mangle -A OUTPUT -m conntrack --ctstate NEW"
	" -j CONNMARK --set-mark 0x1000 || exit 1; done";

static int enter(void **state)
{
	if (netns_enter(state) < 0)
		return -1;
	if (netns_run("%s", rules) != 0) {
		fprintf(stderr, "this test needs iptables and ip6tables\n");
		return -1;
	}
	return 0;
}

static void set(enum conntrack_setting setting, int value)
{
	assert_int_equal(0, netns_run("sysctl -qw %s=%d",
				      conntrack_setting_name(setting), value));
	assert_int_equal(value != 0, conntrack_setting_is_on(setting));
}

static struct conntrack_ends *open_ends(void)
{
	struct conntrack_ends *ends;
	struct err err;

	if (conntrack_ends_open(&ends, &err) < 0 ||
	    conntrack_ends_join(ends, &err) < 0)
		fail_msg("%s", err.message);
	return ends;
}

struct seen {
	struct conntrack_end last;
	size_t n;
};

static void see(void *ctx, const struct conntrack_end *end)
{
	struct seen *seen = ctx;

	if (seen->n++ == 0)
		seen->last = *end;
}

/* Of what conntrack(8) has deleted by now. */
static struct seen read_all(struct conntrack_ends *ends)
{
	struct seen seen = { .n = 0 };

	while (conntrack_ends_read(ends, see, &seen) > 0)
		;
	return seen;
}

static void address(struct sockaddr_storage *out, bool v6, uint16_t port)
{
	memset(out, 0, sizeof(*out));
	if (v6) {
		struct sockaddr_in6 *in6 = (void *)out;

		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		in6->sin6_addr = in6addr_loopback;
	} else {
		struct sockaddr_in *in = (void *)out;

		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	}
}

static int bound_socket(bool v6, uint16_t port)
{
	int s = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_storage at;

	address(&at, v6, port);
	assert_true(s >= 0);
	assert_int_equal(0, bind(s, (void *)&at,
				 v6 ? sizeof(struct sockaddr_in6)
				    : sizeof(struct sockaddr_in)));
	return s;
}

static void say(int from, bool v6, uint16_t port, size_t len)
{
	static const char data[1000];
	struct sockaddr_storage to;

	address(&to, v6, port);
	assert_int_equal(len, sendto(from, data, len, 0, (void *)&to,
				     v6 ? sizeof(struct sockaddr_in6)
					: sizeof(struct sockaddr_in)));
}

/* Three packets of 100 bytes there, one of 1,000 back. */
static void talk(bool v6)
{
	int client = bound_socket(v6, PORT + 1),
	    server = bound_socket(v6, PORT);

	for (int i = 0; i < 3; i++)
		say(client, v6, PORT, 100);
	say(server, v6, PORT + 1, 1000);
	close(client);
	close(server);
}

static void forget_all(void)
{
	assert_int_equal(0, netns_run("conntrack -F 2>/dev/null"));
}

static const struct {
	const char *name;
	bool acct, timestamp, v6;
} cases[] = {
	{ "IPv4, with bytes and times", true, true, false },
	{ "IPv6, with bytes and times", true, true, true },
	{ "without bytes, which are not taken for 0", false, true, false },
	{ "without times", true, false, false },
};

static void check_counts(const char *name, const struct conntrack_end *end,
			 uint64_t headers)
{
	if (end->original.packets != 3 ||
	    end->original.bytes != 3 * (100 + headers) ||
	    end->reply.packets != 1 || end->reply.bytes != 1000 + headers)
		fail_msg("%s: %lu packets, %lu bytes there, %lu, %lu back",
			 name, end->original.packets, end->original.bytes,
			 end->reply.packets, end->reply.bytes);
}

static void an_end_is_told_with_what_was_counted(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct conntrack_ends *ends;
		struct flow_key key;
		struct seen seen;

		set(CONNTRACK_ACCT, cases[i].acct);
		set(CONNTRACK_TIMESTAMP, cases[i].timestamp);
		ends = open_ends();
		assert_int_equal(0, read_all(ends).n);
		talk(cases[i].v6);
		forget_all();
		seen = read_all(ends);
		key = conntrack_key(&seen.last.entry);
		if (seen.n != 1 || key.dst_port != PORT ||
		    key.protocol != PROTOCOL_UDP ||
		    seen.last.entry.mark != MARK)
			fail_msg("%s: %zu ends, the first of port %u, mark %#x",
				 cases[i].name, seen.n, key.dst_port,
				 seen.last.entry.mark);
		if (seen.last.is_counted != cases[i].acct ||
		    seen.last.is_timed != cases[i].timestamp)
			fail_msg("%s: counted %d, timed %d", cases[i].name,
				 seen.last.is_counted, seen.last.is_timed);
		if (cases[i].acct)
			check_counts(cases[i].name, &seen.last,
				     cases[i].v6 ? IPV6_HEADERS : IPV4_HEADERS);
		if (cases[i].timestamp &&
		    (seen.last.ended_us < seen.last.began_us ||
		     seen.last.ended_us / 1000000 > time(NULL) + 1 ||
		     seen.last.began_us / 1000000 < time(NULL) - 60))
			fail_msg("%s: from %ld to %ld", cases[i].name,
				 seen.last.began_us, seen.last.ended_us);
		conntrack_ends_close(ends);
	}
}

#define MANY 60000

/* Nobody waits for who does not read. */
static void what_finds_no_room_is_said_to_be_lost(void **state)
{
	struct conntrack_ends *ends = open_ends();
	int client = bound_socket(false, PORT + 1);
	struct seen seen = { .n = 0 };
	int r;

	(void)state;
	for (uint16_t i = 0; i < MANY; i++)
		say(client, false, (uint16_t)(i + 1), 1);
	close(client);
	forget_all();
	r = conntrack_ends_read(ends, see, &seen);
	assert_int_equal(-ENOBUFS, r);
	/* What had come before is there. */
	seen = read_all(ends);
	assert_true(seen.n > 0 && seen.n < MANY);
	/* And so is what comes after. */
	talk(false);
	forget_all();
	assert_int_equal(1, read_all(ends).n);
	conntrack_ends_close(ends);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_end_is_told_with_what_was_counted),
		cmocka_unit_test(what_finds_no_room_is_said_to_be_lost),
	};

	return cmocka_run_group_tests(tests, enter, NULL);
}
