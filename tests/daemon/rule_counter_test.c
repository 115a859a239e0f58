/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "netpold/snapshot.h"

#include "datapath/rule_counter.h"
#include "netns.h"

static const struct {
	const char *name, *listing;
	bool found;
	struct rule_counts counts;
} listings[] = {
	{ "the rule's first number counts packets",
	  "-N NETPOLD-JUDGE\n"
	  "-A NETPOLD-JUDGE -m conntrack --ctstate INVALID -c 9 90 -j DROP\n"
	  "-A NETPOLD-JUDGE -c 12 720 -j NFQUEUE --queue-num 17000 "
	  "--queue-bypass\n",
	  true,
	  { .queued = 12 } },
	{ "of several rules all count",
	  "-A NETPOLD-JUDGE -c 12 720 -j NFQUEUE --queue-num 17000\n"
	  "-A NETPOLD-JUDGE -s 10.0.0.1/32 -c 5 300 -j NFQUEUE "
	  "--queue-balance 17000:17003 --queue-bypass --queue-cpu-fanout\n",
	  true,
	  { .queued = 17 } },
	{ "the last line may have no end",
	  "-A NETPOLD-JUDGE -c 1 60 -j NFQUEUE --queue-num 1",
	  true,
	  { .queued = 1 } },
	{ "what is dropped by the limit counts apart",
	  "-A NETPOLD-JUDGE -m conntrack --ctstate INVALID -c 9 90 -j DROP\n"
	  "-A NETPOLD-JUDGE -m hashlimit --hashlimit-above 1/sec -c 4 40 "
	  "-j DROP\n"
	  "-A NETPOLD-JUDGE -c 12 720 -j NFQUEUE --queue-num 17000\n",
	  true,
	  { .queued = 12, .limited = 4 } },
	{ "what the kernel has answered itself counts by the answer",
	  "-A NETPOLD-JUDGE -p tcp -m set --match-set netpold-allowed-4 "
	  "src,dst,dst -c 3 180 -g NETPOLD-RECALL\n"
	  "-A NETPOLD-JUDGE ! -p tcp -m set --match-set netpold-allowed-4 "
	  "src,dst,dst -c 2 120 -g NETPOLD-RECALL\n"
	  "-A NETPOLD-JUDGE -m set --match-set netpold-denied-4 src,dst,dst "
	  "-c 7 420 -j DROP\n"
	  "-A NETPOLD-JUDGE -c 12 720 -j NFQUEUE --queue-num 17000\n",
	  true,
	  { .queued = 12,
	    .recalled = { [VERDICT_ALLOW] = 5, [VERDICT_DENY] = 7 } } },
	{ "what is copied counts apart, and the limit does there, too",
	  "-A NETPOLD-JUDGE -m hashlimit --hashlimit-above 1/sec -c 4 40 "
	  "-j RETURN\n"
	  "-A NETPOLD-JUDGE -m conntrack --ctstate NEW -c 12 720 -j NFLOG "
	  "--nflog-prefix netpold:new --nflog-group 17000\n"
	  "-A NETPOLD-JUDGE -m conntrack --ctstate UNTRACKED -c 3 180 "
	  "-j NFLOG --nflog-prefix netpold:untracked --nflog-group 17000\n",
	  true,
	  { .copied = 15, .audits = true, .limited = 4 } },
	{ "rules to elsewhere do not count",
	  "-A NETPOLD-JUDGE -c 12 720 -j MARK --set-xmark 0x1/0x107f\n",
	  false,
	  { .queued = 0 } },
	{ "an empty chain has no rule",
	  "-N NETPOLD-JUDGE\n",
	  false,
	  { .queued = 0 } },
	{ "nothing has no rule", "", false, { .queued = 0 } },
	{ "a rule without counters does not count",
	  "-A NETPOLD-JUDGE -j NFQUEUE --queue-num 17000\n",
	  false,
	  { .queued = 0 } },
	{ "a counter of another line is none of the rule's",
	  "-A NETPOLD-JUDGE -j NFQUEUE --queue-num 17000\n"
	  "-A NETPOLD-JUDGE -c 12 720 -j RETURN\n",
	  false,
	  { .queued = 0 } },
	{ "a word is no counter",
	  "-A NETPOLD-JUDGE -c many 720 -j NFQUEUE --queue-num 1\n",
	  false,
	  { .queued = 0 } },
	{ "a negative counter is none",
	  "-A NETPOLD-JUDGE -c -1 720 -j NFQUEUE --queue-num 1\n",
	  false,
	  { .queued = 0 } },
};

static void listings_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(listings) / sizeof(listings[0]); i++) {
		struct rule_counts got = { 0 };
		bool found = rule_counter_parse(listings[i].listing, &got);

		if (found != listings[i].found ||
		    got.queued != listings[i].counts.queued ||
		    got.copied != listings[i].counts.copied ||
		    got.audits != listings[i].counts.audits ||
		    got.limited != listings[i].counts.limited ||
		    memcmp(got.recalled, listings[i].counts.recalled,
			   sizeof(got.recalled)) != 0)
			fail_msg("%s: got %d, %llu packets, %llu limited",
				 listings[i].name, found,
				 (unsigned long long)got.queued,
				 (unsigned long long)got.limited);
	}
}

static void make_chain(const char *six, const char *flavour, const char *chain)
{
	assert_int_equal(0, netns_run("ip%stables-%s -t mangle -N %s", six,
				      flavour, chain));
	assert_int_equal(0,
			 netns_run("ip%stables-%s -t mangle -A %s -j NFQUEUE "
				   "--queue-num 17000 --queue-bypass",
				   six, flavour, chain));
}

/* What the programs of both flavours print, and not what we think they do. */
static void the_kernels_counters_are_read(void **state)
{
	static const char *const flavours[] = { "nft", "legacy" };

	(void)state;
	for (int i = 0; i < 2; i++) {
		enum iptables_flavour flavour = IPTABLES_NFT + i;
		const char *name = flavours[i];
		struct rule_counts counts = { .queued = 99 };
		struct err err;

		assert_true(rule_counter_read(flavour, &counts, &err) < 0);
		assert_int_equal(99, counts.queued);
		for (int v6 = 0; v6 < 2; v6++) {
			const char *six = v6 ? "6" : "";

			make_chain(six, name, "NETPOLD-JUDGE");
			make_chain(six, name, "NETPOLD-STAGED");
			assert_int_equal(0,
					 netns_run("ip%stables-%s -t mangle "
						   "-A OUTPUT -j NETPOLD-JUDGE",
						   six, name));
		}
		assert_int_equal(0, rule_counter_read(flavour, &counts, &err));
		assert_int_equal(0, counts.queued);
		/* Two packets and two answers each. */
		assert_int_equal(0, netns_run("ping -q -c 2 -i 0.01 127.0.0.1 "
					      ">/dev/null"));
		assert_int_equal(
			0, netns_run("ping -q -c 2 -i 0.01 ::1 >/dev/null"));
		assert_int_equal(0, rule_counter_read(flavour, &counts, &err));
		assert_int_equal(8, counts.queued);
		netns_run("iptables-%s -t mangle -F; ip6tables-%s -t mangle -F",
			  name, name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(listings_are_read),
		cmocka_unit_test_setup(the_kernels_counters_are_read,
				       netns_enter),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
