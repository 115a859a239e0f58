/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "netpold/addr.h"

/* What the text of a block becomes: canonical form, or NULL where it is
   refused; and what is odd about it. */
static const struct {
	const char *name, *text, *canonical;
	unsigned int oddities;
} blocks[] = {
	{ "a plain IPv4 block is itself", "10.9.8.0/24", "10.9.8.0/24", 0 },
	{ "a plain IPv6 block is itself", "2001:db8::/64", "2001:db8::/64", 0 },
	{ "NP-38: host bits are masked away", "10.0.0.5/8", "10.0.0.0/8",
	  CIDR_HOST_BITS },
	{ "AV-55: leading zeros stay decimal", "010.0.0.0/08", "10.0.0.0/8",
	  CIDR_LEADING_ZEROS },
	{ "AV-55: any number of leading zeros", "0000010.0.0.0/8", "10.0.0.0/8",
	  CIDR_LEADING_ZEROS },
	{ "AV-55: a group may have too many zeros", "00001::/16", "1::/16",
	  CIDR_LEADING_ZEROS | CIDR_NOT_CANONICAL },
	{ "AV-56: a mapped block of 96 bits and more is IPv4",
	  "::ffff:10.0.0.0/104", "10.0.0.0/8", CIDR_IPV4_MAPPED },
	{ "AV-56: a mapped block of fewer bits is IPv6", "::ffff:10.0.0.0/8",
	  "::/8", CIDR_IPV4_MAPPED | CIDR_HOST_BITS },
	{ "an embedded dotted quad is read, and is not canonical",
	  "::1.2.3.4/128", "::102:304/128", CIDR_NOT_CANONICAL },
	{ "upper case is read, and is not canonical", "FD00::/8", "fd00::/8",
	  CIDR_NOT_CANONICAL },
	{ "a needless group is read, and is not canonical", "fd00:0:0::/48",
	  "fd00::/48", CIDR_NOT_CANONICAL },
	{ "the first of equal gaps is written short", "1:0:0:2:3:0:0:4/128",
	  "1::2:3:0:0:4/128", CIDR_NOT_CANONICAL },
	{ "one zero group is not written short", "1:0:2:3:4:5:6:7/128",
	  "1:0:2:3:4:5:6:7/128", 0 },
	{ "everything is a block", "0.0.0.0/0", "0.0.0.0/0", 0 },
	{ "every IPv6 address is a block", "::/0", "::/0", 0 },
	{ "a prefix that ends in zeros is read", "1::/16", "1::/16", 0 },
	{ "no length is refused", "10.0.0.1", NULL, 0 },
	{ "a length beyond 32 is refused", "10.0.0.0/33", NULL, 0 },
	{ "a length beyond 128 is refused", "::/129", NULL, 0 },
	{ "a short form is refused", "10.0/8", NULL, 0 },
	{ "a zone is refused", "fe80::1%eth0/64", NULL, 0 },
	{ "a sign is refused", "10.0.0.0/+8", NULL, 0 },
	{ "a space is refused", " 10.0.0.0/8", NULL, 0 },
	{ "a trailing space is refused", "10.0.0.0/8 ", NULL, 0 },
	{ "an empty length is refused", "10.0.0.0/", NULL, 0 },
	{ "a second slash is refused", "10.0.0.0/8/8", NULL, 0 },
	{ "a part beyond 255 is refused", "256.0.0.0/8", NULL, 0 },
	{ "five parts are refused", "1.2.3.4.5/8", NULL, 0 },
	{ "an empty part is refused", "1..2.3/8", NULL, 0 },
	{ "nothing is refused", "", NULL, 0 },
	{ "two gaps are refused", "1::2::3/64", NULL, 0 },
	{ "a gap for no group is refused", "1:2:3:4::5:6:7:8/64", NULL, 0 },
	{ "nine groups are refused", "1:2:3:4:5:6:7:8:9/64", NULL, 0 },
	{ "seven groups are refused", "1:2:3:4:5:6:7/64", NULL, 0 },
	{ "a single colon at the end is refused", "1::2:/64", NULL, 0 },
	{ "three colons are refused", ":::/64", NULL, 0 },
	{ "a group beyond 16 bits is refused", "10000::/16", NULL, 0 },
	{ "a quad too early is refused", "1:1.2.3.4::/64", NULL, 0 },
	{ "a quad too late is refused", "1:2:3:4:5:6:7:1.2.3.4/64", NULL, 0 },
};

static void blocks_are_read_as_the_api_server_reads_them(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		char text[CIDR_TEXT_LEN];
		struct cidr_form form;
		struct cidr cidr;
		int r;

		r = cidr_parse(blocks[i].text, strlen(blocks[i].text), &cidr,
			       &form);
		if (!blocks[i].canonical) {
			if (r != -EINVAL)
				fail_msg("%s: '%s' is accepted", blocks[i].name,
					 blocks[i].text);
			continue;
		}
		if (r != 0)
			fail_msg("%s: '%s' is refused", blocks[i].name,
				 blocks[i].text);
		if (strcmp(cidr_format(&cidr, text), blocks[i].canonical) ||
		    form.oddities != blocks[i].oddities)
			fail_msg(
				"%s: '%s': expected %s (odd %#x), got %s (%#x)",
				blocks[i].name, blocks[i].text,
				blocks[i].canonical, blocks[i].oddities, text,
				form.oddities);
	}
}

static const struct {
	const char *name, *block, *addr;
	bool inside;
} members[] = {
	{ "the first address is inside", "10.0.0.0/8", "10.0.0.0", true },
	{ "the last address is inside", "10.0.0.0/8", "10.255.255.255", true },
	{ "the next address is outside", "10.0.0.0/8", "11.0.0.0", false },
	{ "an odd length cuts inside a byte", "10.0.0.128/25", "10.0.0.127",
	  false },
	{ "an odd length keeps its half", "10.0.0.128/25", "10.0.0.200", true },
	{ "a single address is a block", "10.1.2.3/32", "10.1.2.3", true },
	{ "a single address is no other", "10.1.2.3/32", "10.1.2.2", false },
	{ "NP-37: ::/0 does not cover IPv4", "::/0", "10.0.0.1", false },
	{ "NP-37: 0.0.0.0/0 does not cover IPv6", "0.0.0.0/0", "fd00::1",
	  false },
	{ "an IPv6 block holds its addresses", "fd00::/8", "fdff::1", true },
	{ "a long IPv6 prefix ends inside a byte", "2001:db8::/33",
	  "2001:db8:8000::1", false },
	{ "a mapped block holds the IPv4 addresses", "::ffff:10.0.0.0/104",
	  "10.1.2.3", true },
};

static void a_block_holds_its_addresses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		struct ip_addr addr;
		struct cidr cidr;

		assert_int_equal(0, cidr_parse(members[i].block,
					       strlen(members[i].block), &cidr,
					       NULL));
		assert_int_equal(0,
				 ip_addr_parse(members[i].addr,
					       strlen(members[i].addr), &addr));
		if (cidr_contains(&cidr, &addr) != members[i].inside)
			fail_msg("%s: %s in %s: expected %d", members[i].name,
				 members[i].addr, members[i].block,
				 members[i].inside);
	}
}

static const struct {
	const char *addr;
	unsigned int prefix_len;
	const char *block;
} around[] = {
	{ "10.1.2.3", 24, "10.1.2.0/24" },
	{ "10.1.2.3", 31, "10.1.2.2/31" },
	{ "10.1.2.3", 0, "0.0.0.0/0" },
	{ "10.1.2.3", 64, "10.1.2.3/32" }, /* as long as it can be */
	{ "2001:db8:8001::1", 33, "2001:db8:8000::/33" },
	{ "2001:db8::1", 128, "2001:db8::1/128" },
};

static void an_address_is_in_the_block_around_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(around) / sizeof(around[0]); i++) {
		char text[CIDR_TEXT_LEN];
		struct ip_addr addr;
		struct cidr block;

		assert_int_equal(0,
				 ip_addr_parse(around[i].addr,
					       strlen(around[i].addr), &addr));
		block = cidr_around(&addr, around[i].prefix_len);
		assert_string_equal(around[i].block, cidr_format(&block, text));
		assert_true(cidr_contains(&block, &addr));
	}
}

static void a_mapped_address_is_the_ipv4_address(void **state)
{
	struct ip_addr mapped, plain;
	char text[IP_ADDR_TEXT_LEN];

	(void)state;
	assert_int_equal(0, ip_addr_parse("::ffff:10.0.0.1", 15, &mapped));
	assert_int_equal(0, ip_addr_parse("10.0.0.1", 8, &plain));
	assert_true(ip_addr_equal(&mapped, &plain));
	assert_string_equal("10.0.0.1", ip_addr_format(&mapped, text));
}

static void no_address_is_written_as_none(void **state)
{
	struct ip_addr none = { 0 };
	char text[IP_ADDR_TEXT_LEN];

	(void)state;
	assert_string_equal("none", ip_addr_format(&none, text));
	assert_int_equal(0, ip_addr_len(&none));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_are_read_as_the_api_server_reads_them),
		cmocka_unit_test(a_block_holds_its_addresses),
		cmocka_unit_test(an_address_is_in_the_block_around_it),
		cmocka_unit_test(a_mapped_address_is_the_ipv4_address),
		cmocka_unit_test(no_address_is_written_as_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
