/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_AUDIT_TEXT_H
#define NETPOLD_DAEMON_DATAPATH_AUDIT_TEXT_H

#include "netpold/addr.h"

#include "datapath/restore_text.h"
#include "datapath/rules.h"

/**
 * Write what is in netpold's chains where it only audits: rules whose targets
 * are NFLOG and RETURN, so that nothing can be dropped, held, queued or marked
 * by them (NF-97).
 */
void audit_text_put(struct restore_text *text,
		    const struct rules_options *options, enum ip_family family);

#endif
