/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hop limit of 255 shows that nobody has forwarded it. One of 1 does not: on
 * its way out it may have been 2. No router passes on what goes to a multicast
 * address.
 */
#include "datapath/discovery_text.h"

#include <stddef.h>

void discovery_text_put(struct restore_text *text, const char *chain)
{
	static const int on_link[] = { 133, 134, 135, 136, 137 };
	static const int listener[] = { 130, 131, 132, 143 };

	for (size_t i = 0; i < sizeof(on_link) / sizeof(on_link[0]); i++)
		restore_text_put(text,
				 "-A %s -p icmpv6 --icmpv6-type %d "
				 "-m hl --hl-eq 255 -j RETURN",
				 chain, on_link[i]);
	for (size_t i = 0; i < sizeof(listener) / sizeof(listener[0]); i++)
		restore_text_put(text,
				 "-A %s -d ff00::/8 -p icmpv6 "
				 "--icmpv6-type %d -m hl --hl-eq 1 -j RETURN",
				 chain, listener[i]);
}
