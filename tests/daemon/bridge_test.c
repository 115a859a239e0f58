/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Real links, in a network namespace of the test's own:
 *
 *	br0 (bridge)  10.1.0.1/24 fd01::1/64    v0 ---- v1
 *	  |                                     10.2.0.1/24 fd02::1/64
 *	  p0 ---- p1
 *
 *	10.3.0.0/24 fd03::/64 via 10.1.0.254 and fd01::254, on br0
 *	10.4.0.0/24 blackhole, 10.5.0.0/24 unreachable, 10.6.0.0/24 prohibited
 */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include <cmocka.h>

#include "datapath/bridge.h"
#include "netns.h"

static const char topology[] =
	"set -e;"
	"ip link add br0 type bridge;"
	"ip link add p0 type veth peer name p1;"
	"ip link add v0 type veth peer name v1;"
	"ip link set p0 master br0;"
	"for i in br0 p0 p1 v0 v1; do ip link set $i up; done;"
	"ip addr add 10.1.0.1/24 dev br0;"
	"ip addr add fd01::1/64 dev br0 nodad;"
	"ip addr add 10.2.0.1/24 dev v0;"
	"ip addr add fd02::1/64 dev v0 nodad;"
	"ip route add 10.3.0.0/24 via 10.1.0.254;"
	"ip route add fd03::/64 via fd01::254;"
	"ip route add blackhole 10.4.0.0/24;"
	"ip route add unreachable 10.5.0.0/24;"
	"ip route add prohibit 10.6.0.0/24;";

static int build(void **state)
{
	/* A mount namespace as well, to hide what an absent module would. */
	if (netns_enter(state) < 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -1;
	if (netns_run("%s", topology) != 0) {
		fprintf(stderr, "this test needs 'ip' (iproute2), bridges and "
				"veth links\n");
		return -1;
	}
	return 0;
}

static int configure(const char *ipv4, const char *ipv6, const char *bridge)
{
	return netns_run("sysctl -q -w net.bridge.bridge-nf-call-iptables=%s "
			 "net.bridge.bridge-nf-call-ip6tables=%s && "
			 "ip link set br0 type bridge nf_call_iptables %s "
			 "nf_call_ip6tables %s",
			 ipv4, ipv6, bridge, bridge);
}

static const struct {
	const char *name;
	const char *ipv4, *ipv6, *bridge; /* settings */
	const char *pods;
	const char *says; /* a part of the message; NULL: all is well */
} cases[] = {
	{ "no pods, no problem", "0", "0", "0", "", NULL },
	{ "a pod on a bridge is seen when the setting is on", "1", "1", "0",
	  "10.1.0.5 fd01::5", NULL },
	{ "NF-7: a pod on a bridge is not seen when the setting is off", "0",
	  "1", "0", "10.1.0.5",
	  "pod address 10.1.0.5 is reached through the bridge 'br0', and "
	  "net.bridge.bridge-nf-call-iptables is 0: " },
	{ "NF-7: IPv6 has a setting of its own", "1", "0", "0",
	  "10.1.0.5 fd01::5",
	  "pod address fd01::5 is reached through the bridge 'br0', and "
	  "net.bridge.bridge-nf-call-ip6tables is 0: " },
	{ "the setting of IPv4 does not matter to IPv6", "0", "1", "0",
	  "fd01::5", NULL },
	{ "a bridge may have the setting for itself", "0", "0", "1",
	  "10.1.0.5 fd01::5", NULL },
	{ "a routed pod needs no setting", "0", "0", "0", "10.2.0.5 fd02::5",
	  NULL },
	{ "a pod behind a gateway is another node's", "0", "0", "0",
	  "10.3.0.5 fd03::5", NULL },
	{ "a pod that no route reaches is passed over", "0", "0", "0",
	  "10.9.0.5 fd09::5", NULL },
	{ "a pod whose route says no is passed over", "0", "0", "0",
	  "10.4.0.5 10.5.0.5 10.6.0.5", NULL },
	{ "the bridge's own address is not behind it", "0", "0", "0",
	  "10.1.0.1 fd01::1", NULL },
	{ "one pod on a bridge among others is found", "0", "0", "0",
	  "10.2.0.5 10.9.0.5 10.3.0.5 10.1.0.7", "pod address 10.1.0.7 is" },
};

static size_t parse_all(const char *text, struct ip_addr *out)
{
	char copy[256];
	char *rest = copy;
	char *word;
	size_t n = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	while ((word = strsep(&rest, " ")) != NULL)
		if (*word)
			assert_int_equal(0, ip_addr_parse(word, strlen(word),
							  &out[n++]));
	return n;
}

static void check(const char *fact, const char *text, const char *says)
{
	struct err err = { 0 };
	struct ip_addr pods[8];
	int r;

	r = bridge_check(pods, parse_all(text, pods), &err);
	if (r != (says ? -EOPNOTSUPP : 0) || r != err.code ||
	    (says && !strstr(err.message, says)))
		fail_msg("%s: expected '%s', got %d '%s'", fact,
			 says ? says : "success", r, err.message);
}

static void pods_that_rules_cannot_see_are_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(0, configure(cases[i].ipv4, cases[i].ipv6,
					      cases[i].bridge));
		check(cases[i].name, cases[i].pods, cases[i].says);
	}
}

static void an_absent_module_is_named(void **state)
{
	(void)state;
	assert_int_equal(0, configure("1", "1", "0"));
	assert_int_equal(0, mount("none", "/proc/sys/net", "tmpfs", 0, NULL));
	check("a bridge without br_netfilter", "10.1.0.5",
	      "pod address 10.1.0.5 is reached through the bridge 'br0', and "
	      "br_netfilter is not loaded: ");
	check("routed pods without br_netfilter", "10.2.0.5 fd02::5", NULL);
	assert_int_equal(0, umount("/proc/sys/net"));
	check("and with it again", "10.1.0.5", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pods_that_rules_cannot_see_are_found),
		cmocka_unit_test(an_absent_module_is_named),
	};

	return cmocka_run_group_tests(tests, build, NULL);
}
