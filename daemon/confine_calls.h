/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_CONFINE_CALLS_H
#define NETPOLD_DAEMON_CONFINE_CALLS_H

#include <stddef.h>

#include "confine.h"

/** A system call that netpold makes, or the libraries that it uses. */
struct confine_call {
	const char *name;	/* this architecture need not have it */
	enum confine_role role; /* the first that may make it */
};

/** The most frequent first; NULL after the last one. */
const struct confine_call *confine_call_at(size_t index);

/** One that nobody makes, not even iptables, and that is an attack, or a
 *  mistake, wherever it is seen; NULL after the last one. */
const char *confine_attack_at(size_t index);

#endif
