/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_DISCOVERY_TEXT_H
#define NETPOLD_DAEMON_DATAPATH_DISCOVERY_TEXT_H

#include "datapath/restore_text.h"

/** Write rules by which neighbour and listener discovery leaves a chain of
 *  IPv6, where nobody has forwarded it (NP-72). */
void discovery_text_put(struct restore_text *text, const char *chain);

#endif
