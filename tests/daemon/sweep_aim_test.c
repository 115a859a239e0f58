/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NF-62: which flows a sweep looks at, and that it leaves out none that may
   have changed. There are so many others that it does not look at all of them.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "datapath/conntrack.h"
#include "netns.h"
#include "object_build.h"
#include "sweep_world.h"

/* For the flows that an address opens ('>'), answers ('<'), or both ('='). */
static struct sweep_result run_sweep(const char *address, char of,
				     struct marks_given given)
{
	const struct ip_addr target = an_addr(*address ? address : "10.0.0.9");
	const struct sweep_request request = {
		.addresses = *address ? &target : NULL,
		.n = 1,
		.of = { [DIRECTION_EGRESS] = of != '<',
			[DIRECTION_INGRESS] = of != '>' },
		.given = given,
	};
	struct sweep_result result;
	struct err err;

	if (sweep_run(sweep, snapshot, &request, &result, &err))
		fail_msg("the sweep failed: %s", err.message);
	return result;
}

static int fill(void **state)
{
	if (forget_entries(state) < 0)
		return -1;
	sweep_forget();
	insert_others(2 * 4096);
	return 0;
}

static void expect_mark(const char *sentence, const char *port, char expected)
{
	uint32_t mark = mark_of_port(port);

	if (mark != (FOREIGN | value_of(expected)))
		fail_msg("%s: the mark is %#x", sentence, mark);
}

#define NONE                                                                   \
	{                                                                      \
		0, 0                                                           \
	}
#define SOME_IPV6                                                              \
	{                                                                      \
		1, 0                                                           \
	}
#define SOME_PICKED_UP                                                         \
	{                                                                      \
		0, 1                                                           \
	}

/* Nobody may open these flows. */
static const struct {
	const char *name, *flow;
	char before;
	const char *address;
	char of;
	struct marks_given given;
	char after;
} cases[] = {
	{ "what an address opens, it opens", TO_SERVER_22, 'A', "10.0.0.1", '>',
	  NONE, '-' },
	{ "what it answers, it answers", TO_SERVER_22, 'A', "10.0.0.2", '<',
	  NONE, '-' },
	{ "behind a Service, too", BEHIND_SERVICE, 'A', "10.0.0.2", '<', NONE,
	  '-' },
	{ "what it opens is not looked at for what it answers", TO_SERVER_22,
	  'A', "10.0.0.1", '<', NONE, 'A' },
	{ "nor the other way round", TO_SERVER_22, 'A', "10.0.0.2", '>', NONE,
	  'A' },
	{ "NF-53: who opened one that was picked up, nobody knows",
	  TO_SERVER_22, 'P', "10.0.0.1", '<', SOME_PICKED_UP, '-' },
	{ "NF-53: nor who answers it", TO_SERVER_22, 'P', "10.0.0.2", '>',
	  SOME_PICKED_UP, '-' },
	{ "over IPv6 all are looked at", V6_TO_SERVER_22, 'A', "fd00::1", '<',
	  SOME_IPV6, '-' },
	{ "unless none was ever marked", V6_TO_SERVER_22, 'A', "fd00::1", '<',
	  NONE, 'A' },
};

static void a_sweep_looks_at_flows_of_its_addresses(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sweep_result result;

		fill(state);
		insert(cases[i].flow, FOREIGN | value_of(cases[i].before));
		result = run_sweep(cases[i].address, cases[i].of,
				   cases[i].given);
		expect_mark(cases[i].name, "22", cases[i].after);
		if (result.revoked != (cases[i].before != cases[i].after))
			fail_msg("%s: %zu revoked", cases[i].name,
				 result.revoked);
	}
}

/* A sweep of everything, or for those that were picked up, which finds none. */
static void picked_up_flows_are_looked_for_until_none_is_found(void **state)
{
	static const struct {
		const char *name, *address;
	} first[] = {
		{ "after a sweep of all flows", "" },
		{ "after one of an address", "10.0.0.3" },
	};

	for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
		const struct marks_given given = { .picked_up = 5 };
		const struct marks_given more = { .picked_up = 6 };

		fill(state);
		run_sweep(first[i].address, '<', given);
		insert(TO_SERVER_22, FOREIGN | marks.picked_up);
		run_sweep("10.0.0.1", '<', given);
		expect_mark(first[i].name, "22", 'P');
		run_sweep("10.0.0.1", '<', more);
		expect_mark("when more have been given", "22", '-');
	}
}

static void they_are_looked_for_while_one_stands(void **state)
{
	const struct marks_given given = { .picked_up = 5 };

	(void)state;
	insert(FROM_HTTP, FOREIGN | marks.picked_up);
	run_sweep("", '=', given);
	expect_mark("one that may stay", "999", 'P');
	insert(TO_SERVER_22, FOREIGN | marks.picked_up);
	run_sweep("10.0.0.1", '<', given);
	expect_mark("another one", "22", '-');
}

static void what_netpold_picks_up_at_its_start_counts(void **state)
{
	struct sweep_result result;
	struct err err;

	(void)state;
	run_sweep("", '=', (struct marks_given)NONE);
	insert(FROM_HTTP, FOREIGN);
	assert_int_equal(0, sweep_pick_up(sweep, snapshot, &result, &err));
	expect_mark("picked up", "999", 'P');
	insert(TO_SERVER_22, FOREIGN | marks.picked_up);
	run_sweep("10.0.0.1", '<', (struct marks_given)NONE);
	expect_mark("looked for", "22", '-');
}

static void ipv6_is_looked_at_once_it_was_met(void **state)
{
	(void)state;
	insert("-s fd00::1 -d fd00::2 --sport 999 --dport 80",
	       FOREIGN | marks.allowed);
	run_sweep("", '=', (struct marks_given)NONE);
	insert(V6_TO_SERVER_22, FOREIGN | marks.allowed);
	run_sweep("fd00::1", '>', (struct marks_given)NONE);
	expect_mark("looked at", "22", '-');
}

/* Active FTP: who answers the master opens the child. */
static void what_others_announced_is_looked_for_either_way(void **state)
{
	struct sweep_result result;

	(void)state; /* NF-52 */
	insert_ftp(FOREIGN | marks.allowed);
	insert_child_of_server("10.0.0.2", 21, FOREIGN | marks.allowed);
	result = run_sweep("10.0.0.2", '<', (struct marks_given)NONE);
	expect_mark("the master", "21", '-');
	expect_mark("its child", "5000", '-');
	assert_int_equal(2, result.revoked);
}

static void once_one_was_met_they_always_are(void **state)
{
	(void)state; /* NF-52 */
	insert(TO_SERVER, FOREIGN | marks.allowed);
	insert_child_of_server("10.0.0.2", 80, FOREIGN | marks.allowed);
	run_sweep("", '=', (struct marks_given)NONE);
	expect_mark("a child that may stay", "5000", 'A');
	assert_int_equal(0, forget_entries(NULL));
	insert_others(2 * 4096);
	insert_ftp(FOREIGN | marks.allowed);
	insert_child_of_server("10.0.0.2", 21, FOREIGN | marks.allowed);
	assert_int_equal(0, netns_run("conntrack -D -p tcp --orig-port-dst 21 "
				      ">/dev/null 2>&1"));
	run_sweep("10.0.0.2", '<', (struct marks_given)NONE);
	expect_mark("one whose master is over", "5000", '-');
}

/* The last of all: the kernel does not forget that one was announced. */
static void so_they_are_once_the_kernel_expects_any(void **state)
{
	static const char expect[] =
		"conntrack -I expect -p tcp -t 10 "
		"--orig-src 10.0.0.1 --orig-dst 10.0.0.2 "
		"--orig-port-src 999 --orig-port-dst 21 "
		"--tuple-src 10.0.0.2 --tuple-dst 10.0.0.1 "
		"--tuple-port-src 20 --tuple-port-dst 6000 "
		"--mask-src 255.255.255.255 --mask-dst 255.255.255.255 "
		"--mask-port-src 0 --mask-port-dst 65535 >/dev/null 2>&1";

	(void)state; /* NF-52 */
	insert_ftp(FOREIGN | marks.allowed);
	insert_child_of_server("10.0.0.2", 21, FOREIGN | marks.allowed);
	assert_int_equal(0, netns_run("%s", expect));
	assert_int_equal(0, netns_run("conntrack -D -p tcp --orig-port-dst 21 "
				      ">/dev/null 2>&1"));
	run_sweep("10.0.0.2", '<', (struct marks_given)NONE);
	expect_mark("whoever else opens them", "5000", '-');
}

/* ---- dumps that fail ----------------------------------------------------- */

static int dumps_until_failure;

int __real_conntrack_dump(struct conntrack *conntrack,
			  const struct conntrack_filter *filter,
			  conntrack_entry_fn each, void *ctx, bool *interrupted,
			  struct err *err);
int __wrap_conntrack_dump(struct conntrack *conntrack,
			  const struct conntrack_filter *filter,
			  conntrack_entry_fn each, void *ctx, bool *interrupted,
			  struct err *err);

int __wrap_conntrack_dump(struct conntrack *conntrack,
			  const struct conntrack_filter *filter,
			  conntrack_entry_fn each, void *ctx, bool *interrupted,
			  struct err *err)
{
	if (dumps_until_failure && --dumps_until_failure == 0)
		return err_set(err, -ENOBUFS, "reading connections");
	return __real_conntrack_dump(conntrack, filter, each, ctx, interrupted,
				     err);
}

static void a_sweep_that_fails_has_learnt_nothing(void **state)
{
	const struct ip_addr target = an_addr("10.0.0.1");
	const struct sweep_request request = {
		.addresses = &target,
		.n = 1,
		.of = { [DIRECTION_INGRESS] = true },
		.given = SOME_PICKED_UP,
	};
	struct sweep_result result;
	struct err err;

	for (int n = 1; n <= 2; n++) {
		fill(state);
		insert(TO_SERVER_22, FOREIGN | marks.picked_up);
		dumps_until_failure = n;
		assert_int_equal(-ENOBUFS, sweep_run(sweep, snapshot, &request,
						     &result, &err));
		run_sweep("10.0.0.1", '<', (struct marks_given)SOME_PICKED_UP);
		expect_mark("the next one looks for all", "22", '-');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_sweep_looks_at_flows_of_its_addresses,
				       fill),
		cmocka_unit_test_setup(
			picked_up_flows_are_looked_for_until_none_is_found,
			fill),
		cmocka_unit_test_setup(they_are_looked_for_while_one_stands,
				       fill),
		cmocka_unit_test_setup(
			what_netpold_picks_up_at_its_start_counts, fill),
		cmocka_unit_test_setup(ipv6_is_looked_at_once_it_was_met, fill),
		cmocka_unit_test_setup(
			what_others_announced_is_looked_for_either_way, fill),
		cmocka_unit_test_setup(a_sweep_that_fails_has_learnt_nothing,
				       fill),
		cmocka_unit_test_setup(once_one_was_met_they_always_are, fill),
		cmocka_unit_test_setup(so_they_are_once_the_kernel_expects_any,
				       fill),
	};

	return cmocka_run_group_tests_name("sweep_aim", tests, sweep_world_open,
					   sweep_world_close);
}
