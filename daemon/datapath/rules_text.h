/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_RULES_TEXT_H
#define NETPOLD_DAEMON_DATAPATH_RULES_TEXT_H

#include "netpold/addr.h"

#include "datapath/restore_text.h"
#include "datapath/rules.h"

/**
 * Write a transaction after which netpold's rules stand as they should.
 *
 * @saved  what stands now, as iptables-save(8) lists it: jumps that are in
 *         their place stay, with their counters
 */
void rules_write(struct restore_text *text, const struct rules_options *options,
		 enum ip_family family, const char *saved);

#endif
