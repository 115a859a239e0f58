/* SPDX-License-Identifier: GPL-2.0-or-later */
/* L16: somebody else's use of our mark bits is found and named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "datapath/mark.h"
#include "datapath/mark_use.h"

struct found {
	size_t n;
	struct mark_use last;
};

static void remember(void *ctx, const struct mark_use *use)
{
	struct found *found = ctx;

	found->n++;
	found->last = *use;
}

static const struct {
	const char *name, *rule;
	uint32_t bits;
	bool writes;
} rows[] = {
	{ "kube-proxy asks for masquerade, beside our bits",
	  "-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000", 0, false },
	{ "kube-proxy's postrouting compares that bit alone",
	  "-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN", 0,
	  false },
	{ "and flips it back",
	  "-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0", 0, false },
	{ "a bit of ours that is flipped, not masked",
	  "-A OTHERS -j MARK --set-xmark 0x1/0x0", 0x1, true },
	{ "a whole mark is written",
	  "-A PREROUTING -j MARK --set-xmark 0x1/0xffffffff", MARK_DEFAULT_MASK,
	  true },
	{ "a whole mark is compared", "-A INPUT -m mark --mark 0x1 -j ACCEPT",
	  MARK_DEFAULT_MASK, false },
	{ "a connection mark is compared under a mask of ours",
	  "-A INPUT -m connmark --mark 0x10/0xf0 -j ACCEPT", 0x70, false },
	{ "the whole mark is saved",
	  "-A INPUT -j CONNMARK --save-mark --nfmask 0xffffffff "
	  "--ctmask 0xffffffff",
	  MARK_DEFAULT_MASK, true },
	{ "others' bits are restored",
	  "-A INPUT -j CONNMARK --restore-mark --nfmask 0x80 --ctmask 0x80", 0,
	  false },
	{ "a proxy's mark",
	  "-A PREROUTING -p tcp -j TPROXY --on-port 80 --on-ip 0.0.0.0 "
	  "--tproxy-mark 0x1/0x1",
	  0x1, true },
	{ "a hash becomes the whole mark",
	  "-A PREROUTING -j HMARK --hmark-src-prefix 24 --hmark-mod 0x10 "
	  "--hmark-offset 0x80 --hmark-rnd 0x1",
	  MARK_DEFAULT_MASK, true },
	{ "a member of a set says what the mark becomes",
	  "-A PREROUTING -j SET --map-set marks src --map-mark",
	  MARK_DEFAULT_MASK, true },
	{ "and what the priority becomes, beside it",
	  "-A PREROUTING -j SET --map-set marks src --map-mark --map-prio",
	  MARK_DEFAULT_MASK, true },
	{ "a member of a set says what the priority becomes",
	  "-A PREROUTING -j SET --map-set marks src --map-prio", 0, false },
	{ "a socket's mark becomes the packet's",
	  "-A PREROUTING -m socket --transparent --restore-skmark -j RETURN",
	  MARK_DEFAULT_MASK, true },
	{ "a rule without marks", "-A INPUT -p tcp --dport 22 -j ACCEPT", 0,
	  false },
	{ "a rule of ours", "-A NETPOLD-CLEAR -j MARK --set-xmark 0x0/0x107f",
	  0, false },
	{ "a chain", ":INPUT ACCEPT [0:0]", 0, false },
	{ "an option without its argument", "-A INPUT -j MARK --set-xmark", 0,
	  false },
	{ "no number", "-A INPUT -m mark --mark x/y -j ACCEPT", 0, false },
	{ "no rule", "-A ", 0, false },
};

static void uses_of_our_bits_are_found_and_no_others(void **state)
{
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct found found = { 0 };

		snprintf(text, sizeof(text), "*mangle\n%s\nCOMMIT\n",
			 rows[i].rule);
		mark_uses_find(text, MARK_DEFAULT_MASK, remember, &found);
		if (found.n != (rows[i].bits != 0) ||
		    found.last.bits != rows[i].bits ||
		    found.last.writes != rows[i].writes)
			fail_msg("%s: found %zu, bits %#x, writes %d",
				 rows[i].name, found.n, found.last.bits,
				 found.last.writes);
	}
}

static void a_use_names_its_rule_and_nothing_after_it(void **state)
{
	static const char text[] = "-A A -j MARK --set-xmark 0x1/0x1\n"
				   "-A B -j ACCEPT\n";
	struct found found = { 0 };

	(void)state;
	mark_uses_find(text, 0x1, remember, &found);
	assert_int_equal(found.n, 1);
	assert_ptr_equal(found.last.rule, text);
	assert_int_equal(found.last.len, sizeof("-A A -j MARK --set-xmark "
						"0x1/0x1") -
						 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uses_of_our_bits_are_found_and_no_others),
		cmocka_unit_test(a_use_names_its_rule_and_nothing_after_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
