/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Real interfaces, in a network namespace of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "datapath/local.h"
#include "netns.h"

/* Every row starts with loopback and a pair of links, v0 and v1, that are down
   and have no address. */
static const struct {
	const char *name, *setup, *addresses;
} cases[] = {
	{ "loopback counts", "true", "127.0.0.1 ::1 " },
	{ "an address of a link that is down counts",
	  "ip addr add 10.1.0.1/24 dev v0", "10.1.0.1 127.0.0.1 ::1 " },
	{ "so does an IPv6 address of a link",
	  "ip addr add fd00::1/64 dev v0 nodad", "127.0.0.1 ::1 fd00::1 " },
	{ "a second address on a link counts",
	  "ip addr add 10.1.0.1/24 dev v0 && ip addr add 10.1.0.2/24 dev v0",
	  "10.1.0.1 10.1.0.2 127.0.0.1 ::1 " },
	{ "an address on two links is listed once",
	  "ip addr add 10.1.0.1/24 dev v0 && ip addr add 10.1.0.1/24 dev v1",
	  "10.1.0.1 127.0.0.1 ::1 " },
	{ "of a point-to-point link, our end is ours",
	  "ip addr add 10.1.0.1 peer 10.1.0.2/32 dev v0",
	  "10.1.0.1 127.0.0.1 ::1 " },
	{ "of a point-to-point link over IPv6, too",
	  "ip addr add fd00::1 peer fd00::2/128 dev v0 nodad",
	  "127.0.0.1 ::1 fd00::1 " },
};

static void every_address_of_this_host_is_listed(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ip_addr *addresses = NULL;
		char got[512] = "";
		size_t n = 0, len = 0;
		struct err err;

		assert_int_equal(0, netns_run("ip link add v0 type veth "
					      "peer name v1"));
		assert_int_equal(0, netns_run("%s", cases[i].setup));
		if (local_addresses(&addresses, &n, &err) != 0)
			fail_msg("%s: %s", cases[i].name, err.message);
		for (size_t j = 0; j < n; j++) {
			char text[IP_ADDR_TEXT_LEN];

			len += (size_t)snprintf(
				got + len, sizeof(got) - len, "%s ",
				ip_addr_format(&addresses[j], text));
		}
		free(addresses);
		if (strcmp(got, cases[i].addresses) != 0)
			fail_msg("%s: expected '%s', got '%s'", cases[i].name,
				 cases[i].addresses, got);
		assert_int_equal(0, netns_run("ip link del v0"));
	}
}

static void thousands_of_addresses_are_listed(void **state)
{
	struct ip_addr *addresses = NULL;
	struct err err;
	size_t n = 0;

	(void)state;
	assert_int_equal(0, netns_run("i=0; while [ $i -lt 3000 ]; do "
				      "echo addr add 10.0.$((i / 200))."
				      "$((i %% 200))/32 dev lo; "
				      "i=$((i + 1)); done | ip -batch -"));
	assert_int_equal(0, local_addresses(&addresses, &n, &err));
	assert_int_equal(3002, n);
	free(addresses);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_address_of_this_host_is_listed),
		cmocka_unit_test(thousands_of_addresses_are_listed),
	};

	return cmocka_run_group_tests(tests, netns_enter, NULL);
}
