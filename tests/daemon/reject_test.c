/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Real sockets, in a network namespace of the test's own; what they send ends
   on loopback. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "datapath/reject.h"
#include "netns.h"
#include "packet_build.h"

#define MARK 0x1040

static struct reject *reject;

static int open_reject(void **state)
{
	struct err err;

	if (netns_enter(state) < 0)
		return -1;
	if (netns_run("ip addr add 10.0.0.1/32 dev lo && "
		      "ip addr add fd00::1/128 dev lo nodad && "
		      "iptables -t mangle -A OUTPUT -m mark --mark %#x && "
		      "ip6tables -t mangle -A OUTPUT -m mark --mark %#x",
		      MARK, MARK) != 0)
		return -1;
	if (reject_open(MARK, &reject, &err) < 0) {
		fprintf(stderr, "%s\n", err.message);
		return -1;
	}
	return 0;
}

static int close_reject(void **state)
{
	(void)state;
	reject_close(reject);
	return 0;
}

/* How many packets with the mark have left. */
static long marked(const char *iptables)
{
	char text[64];

	netns_read(text, sizeof(text),
		   "%s -t mangle -L OUTPUT -v -x -n | awk '/mark match/ "
		   "{ print $1 }'",
		   iptables);
	return strtol(text, NULL, 10);
}

static unsigned int refuse(struct bytes bytes, unsigned int n, uint32_t now_ms)
{
	struct packet packet;
	unsigned int told = 0;

	packet_parse(bytes.data, bytes.len, &packet);
	for (unsigned int i = 0; i < n; i++)
		told += reject_packet(reject, bytes.data, bytes.len, &packet,
				      now_ms);
	return told;
}

static void a_flood_is_told_of_in_part(void **state)
{
	struct bytes v4 =
		ipv4("10.0.0.1", "10.0.0.2", PROTOCOL_UDP, udp(4000, 53));
	struct bytes v6 = ipv6("fd00::1", "fd00::2", PROTOCOL_TCP,
			       tcp(4000, 80, TCP_SYN));
	uint32_t now_ms = UINT32_MAX - 1; /* it wraps around */

	(void)state;
	assert_int_equal(REJECT_BURST, refuse(v4, 1000, now_ms));
	assert_int_equal(0, refuse(v6, 1, now_ms));
	assert_int_equal(REJECT_RATE / 100, refuse(v6, 1000, now_ms + 10));
	assert_int_equal(1, refuse(v4, 10, now_ms + 11));
	/* What is saved up in an hour is no more than the burst. */
	assert_int_equal(REJECT_BURST, refuse(v6, 1000, now_ms + 3600000));
	assert_int_equal(REJECT_BURST + 1, marked("iptables"));
	assert_int_equal(REJECT_BURST + REJECT_RATE / 100, marked("ip6tables"));
}

static void what_gets_no_answer_costs_nothing(void **state)
{
	struct bytes reset = ipv4("10.0.0.1", "10.0.0.2", PROTOCOL_TCP,
				  tcp(4000, 80, TCP_RST));
	struct bytes udp_v4 =
		ipv4("10.0.0.1", "10.0.0.2", PROTOCOL_UDP, udp(4000, 53));

	(void)state;
	assert_int_equal(0, refuse(reset, 1000, 7300000));
	assert_int_equal(REJECT_BURST, refuse(udp_v4, 1000, 7300000));
}

static int try_to_open(void *ctx)
{
	struct reject *other = NULL;
	struct err err = { 0 };

	(void)ctx;
	return !(reject_open(MARK, &other, &err) == -EPERM &&
		 strstr(err.message, "CAP_NET_RAW"));
}

static void without_root_it_says_which_capability_is_missing(void **state)
{
	(void)state;
	assert_int_equal(0, netns_without_root(try_to_open, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flood_is_told_of_in_part),
		cmocka_unit_test(what_gets_no_answer_costs_nothing),
		cmocka_unit_test(
			without_root_it_says_which_capability_is_missing),
	};

	return cmocka_run_group_tests(tests, open_reject, close_reject);
}
