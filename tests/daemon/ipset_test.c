/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Real sets, in a network namespace of the test's own; ipset(8) is the witness
   of what is in them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "datapath/ipset.h"
#include "netns.h"

#define MANY 10000

static struct ipset *ipset;

static int open_ipset(void **state)
{
	struct err err;

	if (netns_enter(state) < 0)
		return -1;
	if (ipset_open(&ipset, &err) < 0) {
		fprintf(stderr, "%s\n", err.message);
		return -1;
	}
	return 0;
}

static int close_ipset(void **state)
{
	(void)state;
	ipset_close(ipset);
	return 0;
}

static int remove_sets(void **state)
{
	(void)state;
	netns_run("iptables -F OUTPUT");
	return netns_run("ipset destroy");
}

static struct ip_addr parse(const char *text)
{
	struct ip_addr addr = { 0 };

	if (ip_addr_parse(text, strlen(text), &addr) < 0)
		fail_msg("'%s' is no address", text);
	return addr;
}

/* "a b c" */
static size_t parse_all(const char *text, struct ip_addr *out)
{
	char copy[256];
	char *rest = copy;
	char *word;
	size_t n = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	while ((word = strsep(&rest, " ")) != NULL)
		if (*word)
			out[n++] = parse(word);
	return n;
}

/* What ipset(8) says is in the set: sorted, one space after each. */
static void witness(const char *name, char *text, int size)
{
	if (netns_read(text, size,
		       "ipset save %s | sed -n 's/^add [^ ]* //p' | sort | "
		       "tr '\\n' ' '",
		       name) != 0)
		fail_msg("ipset save %s failed", name);
}

static void expect(const char *fact, int r, const struct err *err)
{
	if (r != 0)
		fail_msg("%s: expected success, got %d (%s)", fact, r,
			 err->message);
}

/* What a set holds after some changes. Each starts with a new set. */
static const struct {
	const char *name;
	enum ip_family family;
	const char *add, *add_more, *remove, *left;
} changes[] = {
	{ "what was added to an IPv4 set is in it", IP_V4, "10.0.0.1 10.0.0.2",
	  "", "", "10.0.0.1 10.0.0.2 " },
	{ "what was added to an IPv6 set is in it", IP_V6, "fd00::1 fd00::2",
	  "", "", "fd00::1 fd00::2 " },
	{ "a member that is there may be added again", IP_V4, "10.0.0.1",
	  "10.0.0.1 10.0.0.2", "", "10.0.0.1 10.0.0.2 " },
	{ "an IPv6 member may be added again", IP_V6, "fd00::1",
	  "fd00::2 fd00::1", "", "fd00::1 fd00::2 " },
	{ "what was removed is gone, the rest stays", IP_V4,
	  "10.0.0.1 10.0.0.2 10.0.0.3", "", "10.0.0.2", "10.0.0.1 10.0.0.3 " },
	{ "what was removed from an IPv6 set is gone", IP_V6, "fd00::1 fd00::2",
	  "", "fd00::1", "fd00::2 " },
	{ "a member that is not there may be removed", IP_V4, "10.0.0.1", "",
	  "10.0.0.9 10.0.0.1", "" },
	{ "an IPv6 member that is not there may be removed", IP_V6, "fd00::1",
	  "", "fd00::9 fd00::1", "" },
	{ "no members is no change", IP_V4, "", "", "", "" },
};

static void list_matches(const char *fact, const char *name, const char *text)
{
	struct ip_addr *members = NULL;
	char got[256] = "";
	size_t n = 0, len = 0;
	struct err err;

	expect(fact, ipset_list(ipset, name, &members, &n, &err), &err);
	for (size_t i = 0; i < n; i++) {
		char addr[IP_ADDR_TEXT_LEN];

		len += (size_t)snprintf(got + len, sizeof(got) - len, "%s ",
					ip_addr_format(&members[i], addr));
	}
	free(members);
	if (strcmp(got, text) != 0)
		fail_msg("%s: expected the list '%s', got '%s'", fact, text,
			 got);
}

static void a_set_holds_what_was_added_and_not_removed(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		const char *fact = changes[i].name;
		struct ip_addr members[8];
		char seen[256];
		struct err err;
		size_t n;

		expect(fact, ipset_create(ipset, "t", changes[i].family, &err),
		       &err);
		n = parse_all(changes[i].add, members);
		expect(fact, ipset_add(ipset, "t", members, n, &err), &err);
		n = parse_all(changes[i].add_more, members);
		expect(fact, ipset_add(ipset, "t", members, n, &err), &err);
		n = parse_all(changes[i].remove, members);
		expect(fact, ipset_remove(ipset, "t", members, n, &err), &err);

		witness("t", seen, sizeof(seen));
		if (strcmp(seen, changes[i].left) != 0)
			fail_msg("%s: expected '%s', ipset(8) sees '%s'", fact,
				 changes[i].left, seen);
		list_matches(fact, "t", changes[i].left);
		expect(fact, ipset_destroy(ipset, "t", &err), &err);
		if (netns_run("ipset list -n t 2>/dev/null") == 0)
			fail_msg("%s: the set is there after its destruction",
				 fact);
	}
}

static void a_set_that_stands_is_kept_with_its_members(void **state)
{
	struct ip_addr member = parse("10.0.0.1");
	struct err err;

	(void)state;
	expect("creating", ipset_create(ipset, "t", IP_V4, &err), &err);
	expect("adding", ipset_add(ipset, "t", &member, 1, &err), &err);
	expect("creating again", ipset_create(ipset, "t", IP_V4, &err), &err);
	list_matches("creating again keeps members", "t", "10.0.0.1 ");
	netns_run("ipset create u hash:ip family inet6 maxelem 5 timeout 600");
	expect("another size is no other kind",
	       ipset_create(ipset, "u", IP_V6, &err), &err);
}

static void a_set_that_is_not_there_may_be_destroyed(void **state)
{
	struct err err;

	(void)state;
	expect("destroying", ipset_destroy(ipset, "nowhere", &err), &err);
}

static void a_set_matches_packets_as_a_rule_names_it(void **state)
{
	struct ip_addr member = parse("127.0.0.9");
	struct err err;

	(void)state;
	expect("creating", ipset_create(ipset, "t", IP_V4, &err), &err);
	assert_int_equal(0, netns_run("iptables -A OUTPUT -m set --match-set t "
				      "dst -j DROP"));
	assert_int_equal(0,
			 netns_run("ping -q -c 1 -W 1 127.0.0.9 >/dev/null"));
	expect("adding", ipset_add(ipset, "t", &member, 1, &err), &err);
	assert_int_not_equal(0, netns_run("ping -q -c 1 -W 1 127.0.0.9 "
					  ">/dev/null 2>&1"));
}

/* ---- refusals ------------------------------------------------------------ */

enum call { CREATE_V4, CREATE_V6, ADD, REMOVE, LIST, DESTROY };

static const struct {
	const char *name;
	const char *setup; /* a shell command, or NULL */
	enum call call;
	const char *set;
	const char *members;
	int code;
	const char *says; /* a part of the message */
} refusals[] = {
	{ "a set of another type is not taken over", "ipset create t hash:net",
	  CREATE_V4, "t", "", -EEXIST,
	  "is of type hash:net, family inet; expected type hash:ip, family "
	  "inet;" },
	{ "an IPv4 set is not taken for an IPv6 set", "ipset create t hash:ip",
	  CREATE_V6, "t", "", -EEXIST, "expected type hash:ip, family inet6;" },
	{ "an IPv6 set is not taken for an IPv4 set",
	  "ipset create t hash:ip family inet6", CREATE_V4, "t", "", -EEXIST,
	  "is of type hash:ip, family inet6; expected" },
	{ "nothing is added to a set that is not there", NULL, ADD, "t",
	  "10.0.0.1", -ENOENT, "set 't': cannot add members: there is no" },
	{ "nothing is removed from a set that is not there", NULL, REMOVE, "t",
	  "10.0.0.1", -ENOENT, "set 't': cannot remove members: there is no" },
	{ "a set that is not there has no list", NULL, LIST, "t", "", -ENOENT,
	  "set 't' cannot be listed: there is no such set" },
	{ "a set of another type has no list", "ipset create t hash:ip,port",
	  LIST, "t", "", -EMEDIUMTYPE, "is of type hash:ip,port" },
	{ "an empty set of another type has none either",
	  "ipset create t hash:net", LIST, "t", "", -EMEDIUMTYPE,
	  "is of type hash:net" },
	{ "a set that a rule uses stays",
	  "ipset create t hash:ip && "
	  "iptables -A OUTPUT -m set --match-set t dst",
	  DESTROY, "t", "", -EBUSY, "a rule or another set uses it" },
	{ "an IPv4 set takes no IPv6 address", "ipset create t hash:ip", ADD,
	  "t", "fd00::1", -EMEDIUMTYPE,
	  "is of type hash:ip, family inet; expected type hash:ip, family "
	  "inet6" },
	{ "an IPv6 set takes no IPv4 address",
	  "ipset create t hash:ip family inet6", ADD, "t", "10.0.0.1",
	  -EMEDIUMTYPE, "family inet6; expected type hash:ip, family inet;" },
	{ "a full set names the member that found no room",
	  "ipset create t hash:ip maxelem 2", ADD, "t",
	  "10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4", -ENOSPC,
	  "set 't': cannot add 10.0.0.3: the set is full" },
	{ "the unspecified address is refused by name",
	  "ipset create t hash:ip", ADD, "t", "10.0.0.1 0.0.0.0", -EINVAL,
	  "set 't': cannot add 0.0.0.0: the unspecified address" },
	{ "a name of 32 characters is too long", NULL, CREATE_V4,
	  "12345678901234567890123456789012", "", -EINVAL, "not 32" },
	{ "a set has a name", NULL, ADD, "", "10.0.0.1", -EINVAL, "not 0" },
};

static int make_call(enum call call, const char *set, const char *text,
		     struct err *err)
{
	struct ip_addr members[8];
	struct ip_addr *listed;
	size_t n = parse_all(text, members);

	switch (call) {
	case CREATE_V4:
		return ipset_create(ipset, set, IP_V4, err);
	case CREATE_V6:
		return ipset_create(ipset, set, IP_V6, err);
	case ADD:
		return ipset_add(ipset, set, members, n, err);
	case REMOVE:
		return ipset_remove(ipset, set, members, n, err);
	case LIST:
		return ipset_list(ipset, set, &listed, &n, err);
	case DESTROY:
		return ipset_destroy(ipset, set, err);
	}
	return 0;
}

static void what_cannot_be_done_is_said(void **state)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		struct err err = { 0 };
		int r;

		if (refusals[i].setup && netns_run("%s", refusals[i].setup))
			fail_msg("%s: '%s' failed", refusals[i].name,
				 refusals[i].setup);
		r = make_call(refusals[i].call, refusals[i].set,
			      refusals[i].members, &err);
		if (r != refusals[i].code || err.code != r ||
		    !strstr(err.message, refusals[i].says))
			fail_msg("%s: expected %d '…%s…', got %d '%s'",
				 refusals[i].name, refusals[i].code,
				 refusals[i].says, r, err.message);
		remove_sets(state);
	}
}

/* ---- many members -------------------------------------------------------- */

static struct ip_addr nth_addr(enum ip_family family, unsigned int i)
{
	struct ip_addr addr = { .family = (uint8_t)family };
	uint8_t *tail = addr.bytes + (family == IP_V4 ? 1 : 13);

	addr.bytes[0] = family == IP_V4 ? 10 : 0xfd;
	tail[0] = (uint8_t)(i >> 16);
	tail[1] = (uint8_t)(i >> 8);
	tail[2] = (uint8_t)i;
	return addr;
}

static void list_has(enum ip_family family, unsigned int first, size_t n)
{
	struct ip_addr *members = NULL;
	size_t n_members = 0;
	struct err err;

	expect("listing", ipset_list(ipset, "t", &members, &n_members, &err),
	       &err);
	assert_int_equal(n, n_members);
	for (size_t i = 0; i < n; i++) {
		struct ip_addr addr = nth_addr(family, first + (unsigned)i);

		assert_true(ip_addr_equal(&addr, &members[i]));
	}
	free(members);
}

static void ten_thousand_members_go_in_and_out(void **state)
{
	static const enum ip_family families[] = { IP_V4, IP_V6 };
	static struct ip_addr members[MANY];

	(void)state;
	for (size_t f = 0; f < 2; f++) {
		enum ip_family family = families[f];
		char count[32];
		struct err err;

		/* Every address once, in no order: 7919 is prime. */
		for (unsigned int i = 0; i < MANY; i++)
			members[i] = nth_addr(family, 1 + i * 7919U % MANY);
		expect("creating", ipset_create(ipset, "t", family, &err),
		       &err);
		expect("adding", ipset_add(ipset, "t", members, MANY, &err),
		       &err);
		netns_read(count, sizeof(count), "ipset save t | grep -c ^add");
		assert_string_equal("10000\n", count);
		list_has(family, 1, MANY);

		for (unsigned int i = 0; i < MANY / 2; i++)
			members[i] = nth_addr(family, 1 + i);
		expect("removing",
		       ipset_remove(ipset, "t", members, MANY / 2, &err), &err);
		list_has(family, 1 + MANY / 2, MANY / 2);
		expect("destroying", ipset_destroy(ipset, "t", &err), &err);
	}
}

static void a_failure_in_a_later_message_is_named(void **state)
{
	static struct ip_addr members[MANY];
	struct err err;
	int r;

	(void)state;
	for (unsigned int i = 0; i < MANY; i++)
		members[i] = nth_addr(IP_V4, 1 + i);
	members[7000] = parse("0.0.0.0");
	expect("creating", ipset_create(ipset, "t", IP_V4, &err), &err);
	r = ipset_add(ipset, "t", members, MANY, &err);
	assert_int_equal(-EINVAL, r);
	assert_non_null(strstr(err.message, "cannot add 0.0.0.0:"));
	list_has(IP_V4, 1, 7000); /* those before it are in */
}

/* ---- privileges ---------------------------------------------------------- */

static int try_to_open(void *ctx)
{
	struct ipset *other = NULL;
	struct err err = { 0 };
	int r = ipset_open(&other, &err);

	(void)ctx;
	if (r == -EPERM && !other && strstr(err.message, "CAP_NET_ADMIN"))
		return 0;
	fprintf(stderr, "got %d '%s'\n", r, err.message);
	return 1;
}

static int try_to_create(void *ctx)
{
	struct err err = { 0 };
	int r = ipset_create(ipset, "t", IP_V4, &err);

	(void)ctx;
	if (r == -EPERM && strstr(err.message, "CAP_NET_ADMIN"))
		return 0;
	fprintf(stderr, "got %d '%s'\n", r, err.message);
	return 1;
}

static void without_root_it_says_which_capability_is_missing(void **state)
{
	(void)state;
	assert_int_equal(0, netns_without_root(try_to_open, NULL));
	assert_int_equal(0, netns_without_root(try_to_create, NULL));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, remove_sets)
	const struct CMUnitTest tests[] = {
		TEST(a_set_holds_what_was_added_and_not_removed),
		TEST(a_set_that_stands_is_kept_with_its_members),
		TEST(a_set_that_is_not_there_may_be_destroyed),
		TEST(a_set_matches_packets_as_a_rule_names_it),
		TEST(what_cannot_be_done_is_said),
		TEST(ten_thousand_members_go_in_and_out),
		TEST(a_failure_in_a_later_message_is_named),
		TEST(without_root_it_says_which_capability_is_missing),
	};

	return cmocka_run_group_tests(tests, open_ipset, close_ipset);
}
