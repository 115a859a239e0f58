/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/copy_prefix.h"

#include <string.h>

static const char *const prefixes[N_PACKET_CLASSES] = {
	[CLASS_ORIGINAL_NEW] = "netpold:new",
	[CLASS_ORIGINAL] = "netpold:original",
	[CLASS_REPLY] = "netpold:reply",
	[CLASS_RELATED] = "netpold:related",
	[CLASS_RELATED_REPLY] = "netpold:related-reply",
	[CLASS_UNTRACKED] = "netpold:untracked",
};

const char *copy_prefix(enum packet_class class)
{
	return prefixes[class];
}

bool copy_prefix_parse(const char *text, size_t len, enum packet_class *class)
{
	for (int i = 0; i < N_PACKET_CLASSES; i++) {
		if (strlen(prefixes[i]) == len &&
		    memcmp(prefixes[i], text, len) == 0) {
			*class = i;
			return true;
		}
	}
	return false;
}
