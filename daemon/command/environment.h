/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_COMMAND_ENVIRONMENT_H
#define NETPOLD_DAEMON_COMMAND_ENVIRONMENT_H

#include "netpold/err.h"

#include "command/settings.h"

/**
 * Take the settings that stand in an environment, as environ(7) holds it: the
 * variables NETPOLD_…. Paths are separated by colons, as in PATH.
 *
 * A variable that begins like ours and is none is refused, for it may be
 * misspelt; but not those that Kubernetes sets in every container of a
 * namespace that has a Service named netpold or netpold-….
 *
 * Returns  0; -EINVAL with a message about the variable; -ENOMEM.
 */
int environment_read(char *const *variables, struct settings *settings,
		     struct err *err);

#endif
