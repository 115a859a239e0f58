/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_COMMAND_CONFIG_H
#define NETPOLD_DAEMON_COMMAND_CONFIG_H

#include <stddef.h>

#include "netpold/err.h"

#include "command/settings.h"

/**
 * The configuration file: one YAML mapping from the names of settings to their
 * values.
 *
 *	manifests:
 *	- /etc/netpold/policies
 *	- /etc/netpold/cluster.yaml
 *	queue-base: 18000
 *
 * What is not clear is refused, never guessed: unknown and repeated keys,
 * values within values, tags, aliases, a second document. A message begins with
 * "FILE:LINE: KEY: ". A file without any setting is fine.
 */

/**
 * Read the file that settings->config names, if it names one.
 *
 * Returns  0; a negative errno with a message.
 */
int config_read(struct settings *settings, struct err *err);

/** The same for a text in memory; @file is what messages call it. */
int config_parse(const char *file, const char *text, size_t len,
		 struct settings *settings, struct err *err);

#endif
