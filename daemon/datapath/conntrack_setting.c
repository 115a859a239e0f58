/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/conntrack_setting.h"

#include <stdio.h>

static const struct {
	const char *name, *path;
} settings[] = {
	[CONNTRACK_ACCT] = { "net.netfilter.nf_conntrack_acct",
			     "/proc/sys/net/netfilter/nf_conntrack_acct" },
	[CONNTRACK_EVENTS] = { "net.netfilter.nf_conntrack_events",
			       "/proc/sys/net/netfilter/nf_conntrack_events" },
	[CONNTRACK_TIMESTAMP] = { "net.netfilter.nf_conntrack_timestamp",
				  "/proc/sys/net/netfilter/"
				  "nf_conntrack_timestamp" },
};

const char *conntrack_setting_name(enum conntrack_setting setting)
{
	return settings[setting].name;
}

bool conntrack_setting_is_on(enum conntrack_setting setting)
{
	FILE *file = fopen(settings[setting].path, "re");
	int c;

	if (!file)
		return false;
	c = fgetc(file);
	fclose(file);
	return c != EOF && c != '0';
}
