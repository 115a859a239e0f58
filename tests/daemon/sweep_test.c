/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A real table of connections, in a network namespace of the test's own. Each
   case puts one connection into it, sweeps, and reads its mark. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "netns.h"
#include "object_build.h"
#include "sweep_world.h"

/* "": of all; else of these addresses, separated by commas. */
static struct sweep_result run_sweep(const char *addresses)
{
	struct ip_addr targets[SWEEP_MAX_TARGETS];
	struct sweep_request request = {
		.of = { [DIRECTION_EGRESS] = true, [DIRECTION_INGRESS] = true },
		.given = { .ipv6 = 1, .picked_up = 1 },
	};
	struct sweep_result result;
	char copy[128], *save = NULL;
	struct err err;
	size_t n = 0;

	snprintf(copy, sizeof(copy), "%s", addresses);
	for (char *p = strtok_r(copy, ",", &save); p;
	     p = strtok_r(NULL, ",", &save))
		targets[n++] = an_addr(p);
	request.addresses = n ? targets : NULL;
	request.n = n;
	if (sweep_run(sweep, snapshot, &request, &result, &err))
		fail_msg("the sweep failed: %s", err.message);
	return result;
}

/* ---- one connection ------------------------------------------------------ */

struct sweep_case {
	const char *name, *flow, *port;
	const char *addresses; /* swept; "": all */
	char before, after;
};

static const struct sweep_case cases[] = {
	{ "NF-62: what is still allowed keeps its mark", TO_SERVER, "80", "",
	  'A', 'A' },
	{ "NF-62: what is allowed no more loses it", TO_SERVER_22, "22", "",
	  'A', '-' },
	{ "so it is over IPv6", V6_TO_SERVER_22, "22", "", 'A', '-' },
	{ "NF-4: behind a Service, who answers is judged", BEHIND_SERVICE, "22",
	  "", 'A', '-' },
	{ "NF-4: on the port that it answers from", SERVICE_80, "22", "", 'A',
	  'A' },
	{ "NF-62: a picked-up flow may have been opened by its other end",
	  FROM_HTTP, "999", "", 'P', 'P' },
	{ "a flow that was judged as it was opened may not", FROM_HTTP, "999",
	  "", 'A', '-' },
	{ "NP-55: what this node has opened is not asked about", TO_SERVER_22,
	  "22", "", 'O', 'O' },
	{ "an unmarked flow gets no mark", TO_SERVER, "80", "", '-', '-' },
	{ "swept for who opened it", TO_SERVER_22, "22", "10.0.0.1", 'A', '-' },
	{ "swept for who answers it", TO_SERVER_22, "22", "10.0.0.2", 'A',
	  '-' },
	{ "swept for another family, neither", TO_SERVER_22, "22", "fd00::1",
	  'A', 'A' },
	{ "swept over IPv6 for who opened it", V6_TO_SERVER_22, "22", "fd00::1",
	  'A', '-' },
	{ "swept over IPv6 for who answers it", V6_TO_SERVER_22, "22",
	  "fd00::2", 'A', '-' },
	{ "swept for who answers behind a Service", BEHIND_SERVICE, "22",
	  "10.0.0.2", 'A', '-' },
	{ "in a small table, all are looked at instead", TO_SERVER_22, "22",
	  "10.0.0.3", 'A', '-' },
};

/* The same beside so many others that only a few are looked at. */
static const struct sweep_case among_many[] = {
	{ "swept for others, a flow is not looked at", TO_SERVER_22, "22",
	  "10.0.0.3", 'A', 'A' },
	{ "the Service's address finds nothing", BEHIND_SERVICE, "22",
	  "10.96.0.1", 'A', 'A' },
	{ "swept for both of its ends", TO_SERVER_22, "22", "10.0.0.2,10.0.0.1",
	  'A', '-' },
	{ "swept for the one that answers and another", TO_SERVER_22, "22",
	  "10.0.0.9,10.0.0.2", 'A', '-' },
	{ "swept for others", TO_SERVER_22, "22", "10.0.0.3,10.0.0.4", 'A',
	  'A' },
	{ "swept for addresses of both families", V6_TO_SERVER_22, "22",
	  "10.0.0.7,fd00::2", 'A', '-' },
	{ "swept over IPv6 for both of its ends", V6_TO_SERVER_22, "22",
	  "fd00::1,fd00::2", 'A', '-' },
	{ "swept over IPv6 for the one that opened it and another",
	  V6_TO_SERVER_22, "22", "fd00::9,fd00::1", 'A', '-' },
};

static void check_case(const struct sweep_case *c)
{
	uint32_t before = FOREIGN | value_of(c->before);
	uint32_t after = FOREIGN | value_of(c->after);
	struct sweep_result result;
	uint32_t mark;

	insert(c->flow, before);
	result = run_sweep(c->addresses);
	mark = mark_of_port(c->port);
	if (mark != after)
		fail_msg("%s: the mark was %#x and is %#x, not %#x", c->name,
			 before, mark, after);
	/* Once, however many of its ends are swept. */
	if (result.revoked != (before != after) || result.passes != 1)
		fail_msg("%s: %zu revoked in %u passes", c->name,
			 result.revoked, result.passes);
}

static void a_sweep_leaves_exactly_what_is_allowed(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		forget_entries(state);
		check_case(&cases[i]);
	}
}

static void so_it_does_among_many_connections(void **state)
{
	for (size_t i = 0; i < sizeof(among_many) / sizeof(among_many[0]);
	     i++) {
		forget_entries(state);
		insert_others(3 * 4096);
		check_case(&among_many[i]);
	}
}

/* ---- connections that others announced ----------------------------------- */

static const struct {
	const char *name, *master, *master_dst;
	uint16_t master_port;
	const char *addresses;
	char before, after;
	bool master_ends;
} families[] = {
	{ "NF-52: it passes for as long as its master does", TO_SERVER,
	  "10.0.0.2", 80, "", 'A', 'A', false },
	{ "NF-52: and no longer", TO_SERVER_22, "10.0.0.2", 22, "", 'A', '-',
	  false },
	{ "NF-52: whose Service leads to an allowed port", SERVICE_80,
	  "10.96.0.1", 22, "", 'A', 'A', false },
	{ "NF-52: whose Service leads to another one", BEHIND_SERVICE,
	  "10.96.0.1", 22, "", 'A', '-', false },
	{ "NF-52: when the master is over, whom it called counts", TO_SERVER,
	  "10.0.0.2", 80, "", 'A', 'A', true },
	{ "NF-52: where that one does not allow it", TO_SERVER_22, "10.0.0.2",
	  22, "", 'A', '-', true },
	{ "NF-52: swept for who answers", TO_SERVER_22, "10.0.0.2", 22,
	  "10.0.0.2", 'A', '-', false },
};

static void an_announced_connection_goes_with_its_master(void **state)
{
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		uint32_t before = FOREIGN | value_of(families[i].before);
		uint32_t after = FOREIGN | value_of(families[i].after);
		uint32_t mark;

		forget_entries(state);
		insert(families[i].master, before);
		insert_child(families[i].master_dst, families[i].master_port,
			     before);
		if (families[i].master_ends)
			netns_run("conntrack -D -p tcp --sport 999 >/dev/null "
				  "2>&1");
		run_sweep(families[i].addresses);
		mark = mark_of_port("5000");
		if (mark != after)
			fail_msg("%s: the mark was %#x and is %#x, not %#x",
				 families[i].name, before, mark, after);
	}
}

/* It may have done so while the dump was going on. */
static void one_that_can_announce_others_is_looked_at_twice(void **state)
{
	struct sweep_result result;

	(void)state;
	insert_ftp(FOREIGN | marks.allowed);
	result = run_sweep("10.0.0.1");
	assert_int_equal(FOREIGN, mark_of_port("21"));
	assert_int_equal(1, result.revoked);
	assert_int_equal(2, result.passes);
}

/* ---- flows older than netpold -------------------------------------------- */

static const struct {
	const char *name, *flow, *port;
	char after;
} older[] = {
	{ "L11: a flow that is allowed as it was opened", TO_SERVER, "80",
	  'P' },
	{ "L11: one that may have been opened by its other end", FROM_HTTP,
	  "999", 'P' },
	{ "one that is denied either way stays unmarked", TO_SERVER_22, "22",
	  '-' },
	{ "NP-55: one that this node has opened",
	  "-s 127.0.0.1 -d 10.0.0.2 --sport 999 --dport 22", "22", 'O' },
	{ "one of nobody that a policy isolates",
	  "-s 10.0.0.8 -d 10.0.0.9 --sport 999 --dport 22", "22", '-' },
};

static void older_flows_are_picked_up(void **state)
{
	for (size_t i = 0; i < sizeof(older) / sizeof(older[0]); i++) {
		uint32_t after = FOREIGN | value_of(older[i].after);
		struct sweep_result result;
		struct err err;
		uint32_t mark;

		forget_entries(state);
		insert(older[i].flow, FOREIGN);
		assert_int_equal(0,
				 sweep_pick_up(sweep, snapshot, &result, &err));
		mark = mark_of_port(older[i].port);
		if (mark != after)
			fail_msg("%s: the mark is %#x, not %#x", older[i].name,
				 mark, after);
		if (result.picked_up != (older[i].after != '-'))
			fail_msg("%s: %zu picked up", older[i].name,
				 result.picked_up);
	}
}

static void clearing_takes_only_bits_of_ours(void **state)
{
	struct err err;

	(void)state;
	insert(TO_SERVER, FOREIGN | marks.allowed);
	insert(TO_SERVER_22, FOREIGN | marks.own_node);
	insert_child("10.0.0.2", 80, FOREIGN | marks.picked_up);
	assert_int_equal(0, sweep_clear(sweep, &err));
	assert_int_equal(FOREIGN, mark_of_port("80"));
	assert_int_equal(FOREIGN, mark_of_port("22"));
	assert_int_equal(FOREIGN, mark_of_port("5000"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_sweep_leaves_exactly_what_is_allowed,
				       forget_entries),
		cmocka_unit_test_setup(so_it_does_among_many_connections,
				       forget_entries),
		cmocka_unit_test_setup(
			one_that_can_announce_others_is_looked_at_twice,
			forget_entries),
		cmocka_unit_test_setup(
			an_announced_connection_goes_with_its_master,
			forget_entries),
		cmocka_unit_test_setup(older_flows_are_picked_up,
				       forget_entries),
		cmocka_unit_test_setup(clearing_takes_only_bits_of_ours,
				       forget_entries),
	};

	return cmocka_run_group_tests(tests, sweep_world_open,
				      sweep_world_close);
}
