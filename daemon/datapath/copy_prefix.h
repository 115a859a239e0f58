/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_COPY_PREFIX_H
#define NETPOLD_DAEMON_DATAPATH_COPY_PREFIX_H

#include <stdbool.h>
#include <stddef.h>

#include "netpold/judge.h"

/**
 * How a rule that copies a packet says which class it has: by the prefix of the
 * copy (--nflog-prefix), since the packet itself may not be marked.
 */
const char *copy_prefix(enum packet_class class);

/** Read it back; false where it is none of ours. @len: without a zero byte */
bool copy_prefix_parse(const char *text, size_t len, enum packet_class *class);

#endif
