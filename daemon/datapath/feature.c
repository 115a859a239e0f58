/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/feature.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>

/* Everything that the rules use, one thing a row. */
static const struct {
	enum ip_family family; /* IP_NONE: both */
	const char *rule, *what;
} features[] = {
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
	{ IP_NONE, "-m conntrack --ctstate NEW --ctdir ORIGINAL -j RETURN",
	  "the conntrack match with --ctdir (kernel module xt_conntrack)" },
	{ IP_NONE, "-m addrtype --src-type LOCAL -j RETURN",
	  "the addrtype match (kernel module xt_addrtype)" },
	{ IP_V4, "-m set --match-set netpold-egress-4 src -j RETURN",
	  "the set match (kernel module xt_set)" },
	{ IP_V6, "-m set --match-set netpold-egress-6 src -j RETURN",
	  "the set match (kernel module xt_set)" },
	{ IP_V4, "-j SET --add-set netpold-egress-4 src --exist",
	  "the SET target (kernel module xt_set)" },
	{ IP_V6, "-j SET --add-set netpold-egress-6 src --exist",
	  "the SET target (kernel module xt_set)" },
	{ IP_NONE,
	  "-m hashlimit --hashlimit-name netpold-probe "
	  "--hashlimit-mode srcip --hashlimit-above 40000/sec -j DROP",
	  "the hashlimit match (kernel module xt_hashlimit)" },
	{ IP_V6, "-p icmpv6 --icmpv6-type 135 -j RETURN",
	  "the icmp6 match (kernel module ip6_tables)" },
	{ IP_V6, "-p icmpv6 -m hl --hl-eq 255 -j RETURN",
	  "the hl match (kernel module xt_hl)" },
};
#define N_FEATURES (sizeof(features) / sizeof(features[0]))

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

int feature_missing(enum iptables_flavour flavour, enum ip_family family,
		    const char **missing, struct err *err)
{
	int r = try_rule(flavour, family, "", err);

	for (size_t i = 0; r == 0 && i < N_FEATURES; i++) {
		if (features[i].family != IP_NONE &&
		    features[i].family != family)
			continue;
		r = try_rule(flavour, family, features[i].rule, err);
		if (r == -EINVAL) {
			*missing = features[i].what;
			return 0;
		}
	}
	if (r == 0)
		*missing = NULL;
	return r;
}
