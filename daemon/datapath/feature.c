/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/feature.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct feature {
	enum ip_family family; /* IP_NONE: both */
	const char *rule, *what;
};

/* Everything that the rules use, one thing a row: in either mode, */
static const struct feature everywhere[] = {
	{ IP_NONE, "-m conntrack --ctstate NEW --ctdir ORIGINAL -j RETURN",
	  "the conntrack match with --ctdir (kernel module xt_conntrack)" },
	{ IP_NONE, "-m addrtype --src-type LOCAL -j RETURN",
	  "the addrtype match (kernel module xt_addrtype)" },
	{ IP_V4, "-m set --match-set netpold-egress-4 src -j RETURN",
	  "the set match (kernel module xt_set)" },
	{ IP_V6, "-m set --match-set netpold-egress-6 src -j RETURN",
	  "the set match (kernel module xt_set)" },
	{ IP_NONE,
	  "-m hashlimit --hashlimit-name netpold-probe "
	  "--hashlimit-mode srcip --hashlimit-above 40000/sec -j DROP",
	  "the hashlimit match (kernel module xt_hashlimit)" },
	{ IP_V6, "-p icmpv6 --icmpv6-type 135 -j RETURN",
	  "the icmp6 match (kernel module ip6_tables)" },
	{ IP_V6, "-p icmpv6 -m hl --hl-eq 255 -j RETURN",
	  "the hl match (kernel module xt_hl)" },
};

/* those that enforce, */
static const struct feature enforcing[] = {
	{ IP_NONE, "-j NFQUEUE --queue-num 0 --queue-bypass",
	  "the NFQUEUE target (kernel module xt_NFQUEUE)" },
	{ IP_NONE,
	  "-j NFQUEUE --queue-balance 0:1 --queue-cpu-fanout --queue-bypass",
	  "the NFQUEUE target with --queue-cpu-fanout (kernel module "
	  "xt_NFQUEUE, revision 3)" },
	{ IP_NONE, "-m connmark --mark 0x1/0x1 -j RETURN",
	  "the connmark match (kernel module xt_connmark)" },
	{ IP_NONE, "-j CONNMARK --save-mark --nfmask 0x1 --ctmask 0x1",
	  "the CONNMARK target (kernel module xt_connmark)" },
	{ IP_NONE, "-m mark --mark 0x1/0x1 -j RETURN",
	  "the mark match (kernel module xt_mark)" },
	{ IP_NONE, "-j MARK --set-xmark 0x0/0x1",
	  "the MARK target (kernel module xt_mark)" },
};

/* those that audit, */
static const struct feature auditing[] = {
	{ IP_NONE,
	  "-j NFLOG --nflog-group 1 --nflog-size 512 --nflog-prefix netpold",
	  "the NFLOG target with --nflog-size (kernel module xt_NFLOG)" },
	{ IP_NONE, "-m owner --socket-exists -j RETURN",
	  "the owner match (kernel module xt_owner)" },
};

#define SET_TARGET                                                             \
	"the SET target (kernel module xt_set; --kernel-cache=off does "       \
	"without)"

/* and those by which the kernel remembers answers. */
static const struct feature remembering[] = {
	{ IP_V4, "-j SET --add-set netpold-egress-4 src --exist", SET_TARGET },
	{ IP_V6, "-j SET --add-set netpold-egress-6 src --exist", SET_TARGET },
};

#define N_OF(rows) (sizeof(rows) / sizeof((rows)[0]))

/* Returns 0; -EINVAL where the rule is refused; another negative errno. */
static int try_rule(enum iptables_flavour flavour, enum ip_family family,
		    const char *rule, struct err *err)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "*mangle\n:NETPOLD-PROBE - [0:0]\n%s%s\n"
		 "-F NETPOLD-PROBE\n-X NETPOLD-PROBE\nCOMMIT\n",
		 *rule ? "-A NETPOLD-PROBE " : "", rule);
	return iptables_restore(flavour, family, text, err);
}

/* As feature_missing(), of some features. */
static int find_missing(enum iptables_flavour flavour, enum ip_family family,
			const struct feature *some, size_t n,
			const char **missing, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		if (some[i].family != IP_NONE && some[i].family != family)
			continue;
		r = try_rule(flavour, family, some[i].rule, err);
		if (r == -EINVAL) {
			*missing = some[i].what;
			return 0;
		}
	}
	return r;
}

int feature_missing(enum iptables_flavour flavour, enum ip_family family,
		    enum feature_use use, const char **missing, struct err *err)
{
	const struct {
		bool needed;
		const struct feature *some;
		size_t n;
	} lists[] = {
		{ true, everywhere, N_OF(everywhere) },
		{ use != FEATURES_AUDIT, enforcing, N_OF(enforcing) },
		{ use == FEATURES_AUDIT, auditing, N_OF(auditing) },
		{ use == FEATURES_REMEMBER, remembering, N_OF(remembering) },
	};
	int r = try_rule(flavour, family, "", err);

	*missing = NULL;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		if (r == 0 && lists[i].needed && !*missing)
			r = find_missing(flavour, family, lists[i].some,
					 lists[i].n, missing, err);
	}
	return r;
}
