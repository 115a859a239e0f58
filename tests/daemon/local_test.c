/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Real interfaces, in a network namespace of the test's own. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "datapath/local.h"
#include "netns.h"

#define PATIENCE_MS 10000

/* Every row starts with loopback and a pair of links, v0 and v1, that are down
   and have no address. */
static const struct {
	const char *name, *setup, *addresses, *services;
} cases[] = {
	{ "loopback counts", "true", "127.0.0.1 ::1 ", "" },
	{ "an address of a link that is down counts",
	  "ip addr add 10.1.0.1/24 dev v0", "10.1.0.1 127.0.0.1 ::1 ", "" },
	{ "so does an IPv6 address of a link",
	  "ip addr add fd00::1/64 dev v0 nodad", "127.0.0.1 ::1 fd00::1 ", "" },
	{ "a second address on a link counts",
	  "ip addr add 10.1.0.1/24 dev v0 && ip addr add 10.1.0.2/24 dev v0",
	  "10.1.0.1 10.1.0.2 127.0.0.1 ::1 ", "" },
	{ "an address on two links is listed once",
	  "ip addr add 10.1.0.1/24 dev v0 && ip addr add 10.1.0.1/24 dev v1",
	  "10.1.0.1 127.0.0.1 ::1 ", "" },
	{ "of a point-to-point link, our end is ours",
	  "ip addr add 10.1.0.1 peer 10.1.0.2/32 dev v0",
	  "10.1.0.1 127.0.0.1 ::1 ", "" },
	{ "of a point-to-point link over IPv6, too",
	  "ip addr add fd00::1 peer fd00::2/128 dev v0 nodad",
	  "127.0.0.1 ::1 fd00::1 ", "" },
	{ "NF-70: what a proxy binds to its interface is a Service's",
	  "ip link set v0 name kube-ipvs0 && "
	  "ip addr add 10.96.0.10/32 dev kube-ipvs0 && "
	  "ip addr add fd96::10/128 dev kube-ipvs0 nodad",
	  "10.96.0.10 127.0.0.1 ::1 fd96::10 ", "10.96.0.10 fd96::10 " },
	{ "NF-5, NF-70: of kube-router, too",
	  "ip link set v0 name kube-dummy-if && "
	  "ip addr add 10.96.0.10/32 dev kube-dummy-if",
	  "10.96.0.10 127.0.0.1 ::1 ", "10.96.0.10 " },
	{ "NF-70: but not what the host has on another interface as well",
	  "ip link set v0 name kube-ipvs0 && "
	  "ip addr add 10.1.0.1/32 dev kube-ipvs0 && "
	  "ip addr add 10.1.0.1/24 dev v1",
	  "10.1.0.1 127.0.0.1 ::1 ", "" },
	{ "NF-70: a DNS cache of the node is the node's",
	  "ip link set v0 name nodelocaldns && "
	  "ip addr add 169.254.20.10/32 dev nodelocaldns",
	  "127.0.0.1 169.254.20.10 ::1 ", "" },
};

static void format_list(char *text, size_t size,
			const struct address_list *list)
{
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < list->n; i++) {
		char addr[IP_ADDR_TEXT_LEN];

		len += (size_t)snprintf(text + len, size - len, "%s ",
					ip_addr_format(&list->items[i], addr));
	}
}

static void check_list(const char *name, const struct address_list *list,
		       const char *expected)
{
	char got[512];

	format_list(got, sizeof(got), list);
	if (strcmp(got, expected) != 0)
		fail_msg("%s: expected '%s', got '%s'", name, expected, got);
}

static void every_address_of_this_host_is_listed(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct local_addresses local;
		struct err err;

		assert_int_equal(0, netns_run("ip link add v0 type veth "
					      "peer name v1"));
		assert_int_equal(0, netns_run("%s", cases[i].setup));
		if (local_addresses_read(&local, &err) != 0)
			fail_msg("%s: %s", cases[i].name, err.message);
		check_list(cases[i].name, &local.all, cases[i].addresses);
		check_list(cases[i].name, &local.services, cases[i].services);
		local_addresses_release(&local);
		assert_int_equal(0, netns_run("ip link del v1"));
	}
}

static void thousands_of_addresses_are_listed(void **state)
{
	struct local_addresses local;
	struct err err;

	(void)state;
	assert_int_equal(0, netns_run("i=0; while [ $i -lt 3000 ]; do "
				      "echo addr add 10.0.$((i / 200))."
				      "$((i %% 200))/32 dev lo; "
				      "i=$((i + 1)); done | ip -batch -"));
	assert_int_equal(0, local_addresses_read(&local, &err));
	assert_int_equal(3002, local.all.n);
	local_addresses_release(&local);
}

/* The kernel tells of an IPv6 address from a queue of work, after `ip` has
   ended. */
static void check_told(int fd, const char *change)
{
	struct pollfd told = { .fd = fd, .events = POLLIN };

	assert_int_equal(0, netns_run("%s", change));
	if (poll(&told, 1, PATIENCE_MS) != 1 || !local_watch_changed(fd))
		fail_msg("%s: nothing was told", change);
}

static void a_watch_tells_of_what_comes_and_goes(void **state)
{
	struct err err;
	int fd = local_watch_open(&err);

	(void)state;
	assert_true(fd >= 0);
	assert_false(local_watch_changed(fd));
	check_told(fd, "ip addr add 10.7.0.1/32 dev lo");
	assert_false(local_watch_changed(fd));
	check_told(fd, "ip addr del 10.7.0.1/32 dev lo");
	check_told(fd, "ip addr add fd07::1/128 dev lo nodad");
	check_told(fd, "ip addr del fd07::1/128 dev lo");
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_address_of_this_host_is_listed),
		cmocka_unit_test(thousands_of_addresses_are_listed),
		cmocka_unit_test(a_watch_tells_of_what_comes_and_goes),
	};

	return cmocka_run_group_tests(tests, netns_enter, NULL);
}
