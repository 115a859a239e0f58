/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How an answer is read to its end, or is not. The addresses of loopback are
   the table that is dumped, because they are easily changed meanwhile. */
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "datapath/netlink.h"
#include "netns.h"

/* Enough for several datagrams. */
#define N_ADDRESSES 2000

static struct netlink netlink;

static int open_netlink(void **state)
{
	if (netns_enter(state) < 0)
		return -1;
	if (netns_run("i=0; while [ $i -lt %d ]; do "
		      "echo addr add 10.0.$((i / 200)).$((i %% 200))/32 dev lo;"
		      " i=$((i + 1)); done | ip -batch -",
		      N_ADDRESSES) != 0)
		return -1;
	return netlink_init(&netlink, NETLINK_ROUTE);
}

static int close_netlink(void **state)
{
	(void)state;
	netlink_release(&netlink);
	netlink_release(&netlink); /* twice is fine */
	return 0;
}

struct walk {
	size_t n;
	size_t n_max;	     /* stop there; 0: never */
	const char *command; /* run once, at the first message */
};

static int step(void *ctx, const struct nlmsghdr *message)
{
	struct walk *walk = ctx;

	assert_int_equal(RTM_NEWADDR, message->nlmsg_type);
	if (walk->n++ == 0 && walk->command)
		assert_int_equal(0, netns_run("%s", walk->command));
	return walk->n == walk->n_max ? 7 : 0;
}

static int dump(struct walk *walk, bool *interrupted)
{
	struct netlink_buffer buffer;
	struct nlmsghdr *request;

	request = netlink_put_header(buffer.bytes, RTM_GETADDR, NLM_F_DUMP,
				     sizeof(struct ifaddrmsg));
	return netlink_request(&netlink, request, step, walk, interrupted);
}

static void a_dump_is_read_to_its_end(void **state)
{
	struct walk walk = { 0 };
	bool interrupted = true;

	(void)state;
	assert_int_equal(0, dump(&walk, &interrupted));
	assert_int_equal(N_ADDRESSES + 2, walk.n); /* 127.0.0.1, ::1 */
	assert_false(interrupted);
}

static void a_table_that_changes_under_a_dump_interrupts_it(void **state)
{
	struct walk walk = { .command = "ip addr add 10.9.9.9/32 dev lo" };
	bool interrupted = false;

	(void)state;
	assert_int_equal(0, dump(&walk, &interrupted));
	assert_true(interrupted);
	walk = (struct walk){ .command = "ip addr del 10.9.9.9/32 dev lo" };
	assert_int_equal(0, dump(&walk, NULL)); /* who does not care */
}

static void nothing_is_left_of_a_dump_that_was_given_up(void **state)
{
	struct walk walk = { .n_max = 3 };

	(void)state;
	assert_int_equal(7, dump(&walk, NULL));
	assert_int_equal(3, walk.n);
	walk = (struct walk){ 0 };
	assert_int_equal(0, dump(&walk, NULL));
	assert_int_equal(N_ADDRESSES + 2, walk.n);
}

static void an_error_of_the_kernel_is_the_result(void **state)
{
	struct netlink_buffer buffer;
	struct nlmsghdr *request;

	(void)state;
	request = netlink_put_header(buffer.bytes, RTM_GETLINK, NLM_F_ACK,
				     sizeof(struct ifinfomsg));
	((struct ifinfomsg *)NLMSG_DATA(request))->ifi_index = 999999;
	assert_int_equal(-ENODEV,
			 netlink_request(&netlink, request, NULL, NULL, NULL));
	assert_non_null(netlink.failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_dump_is_read_to_its_end),
		cmocka_unit_test(
			a_table_that_changes_under_a_dump_interrupts_it),
		cmocka_unit_test(nothing_is_left_of_a_dump_that_was_given_up),
		cmocka_unit_test(an_error_of_the_kernel_is_the_result),
	};

	return cmocka_run_group_tests(tests, open_netlink, close_netlink);
}
