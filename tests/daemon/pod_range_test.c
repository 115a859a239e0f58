/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "datapath/pod_range.h"

static const struct {
	const char *name, *text, *formatted; /* NULL: refused */
} texts[] = {
	{ "one block", "10.244.1.0/24", "10.244.1.0/24" },
	{ "a block of each family", "10.244.1.0/24,fd00:1::/64",
	  "10.244.1.0/24,fd00:1::/64" },
	{ "host bits do not count", "10.244.1.9/24", "10.244.1.0/24" },
	{ "nothing", "", NULL },
	{ "an address without a length", "10.244.1.0", NULL },
	{ "a comma too many", "10.244.1.0/24,", NULL },
	{ "a space", "10.244.1.0/24, fd00:1::/64", NULL },
	{ "all of IPv4 is no node's", "0.0.0.0/0", NULL },
	{ "nor is all of IPv6", "10.244.1.0/24,::/0", NULL },
	{ "nine blocks",
	  "10.0.0.0/24,10.0.1.0/24,10.0.2.0/24,10.0.3.0/24,10.0.4.0/24,"
	  "10.0.5.0/24,10.0.6.0/24,10.0.7.0/24,10.0.8.0/24",
	  NULL },
};

static void texts_are_read_or_refused(void **state)
{
	char text[POD_RANGE_TEXT_LEN];
	struct pod_range range;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		int r = pod_range_parse(texts[i].text, &range, &err);

		print_message("%s\n", texts[i].name);
		assert_int_equal(texts[i].formatted ? 0 : -EINVAL, r);
		if (r == 0)
			assert_string_equal(texts[i].formatted,
					    pod_range_format(&range, text));
		else
			assert_non_null(strstr(err.message, "expected"));
	}
}

static struct ip_addr an_address(const char *text)
{
	struct ip_addr addr;

	assert_int_equal(0, ip_addr_parse(text, strlen(text), &addr));
	return addr;
}

static const struct {
	const char *name, *addr;
	bool inside;
} places[] = {
	{ "the first address of a block", "10.244.1.0", true },
	{ "the last", "10.244.1.255", true },
	{ "one after it", "10.244.2.0", false },
	{ "of the second block", "fd00:1::9", true },
	{ "one that looks like it in the other family", "0af4:0100::", false },
};

static void addresses_are_inside_or_not(void **state)
{
	struct pod_range range;

	(void)state;
	assert_int_equal(
		0, pod_range_parse("10.244.1.0/24,fd00:1::/64", &range, NULL));
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct ip_addr addr = an_address(places[i].addr);

		print_message("%s\n", places[i].name);
		assert_int_equal(places[i].inside,
				 pod_range_contains(&range, &addr));
	}
}

static void a_node_says_no_more_than_can_be_meant(void **state)
{
	struct cidr blocks[POD_RANGE_MAX + 2] = { { .prefix_len = 0 } };
	struct node node = { .name = "n",
			     .pod_cidrs = blocks,
			     .n_pod_cidrs = POD_RANGE_MAX + 2 };
	struct pod_range range, other = { .n = 0 };

	(void)state;
	blocks[0].addr = an_address("0.0.0.0");
	for (uint8_t i = 1; i < POD_RANGE_MAX + 2; i++) {
		blocks[i].addr = an_address("10.0.0.0");
		blocks[i].addr.bytes[1] = i;
		blocks[i].prefix_len = 16;
	}
	range = pod_range_of_node(&node);
	assert_int_equal(POD_RANGE_MAX, range.n);
	assert_int_equal(1, range.blocks[0].addr.bytes[1]);
	assert_true(pod_range_equal(&range, &range));
	assert_false(pod_range_equal(&range, &other));
	other = range;
	other.blocks[1].prefix_len = 17;
	assert_false(pod_range_equal(&range, &other));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_read_or_refused),
		cmocka_unit_test(addresses_are_inside_or_not),
		cmocka_unit_test(a_node_says_no_more_than_can_be_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
