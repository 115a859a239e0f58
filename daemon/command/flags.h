/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_COMMAND_FLAGS_H
#define NETPOLD_DAEMON_COMMAND_FLAGS_H

#include <stdbool.h>

#include "command/settings.h"

/**
 * The command line of `netpold run`: --help, --check, and an option for each
 * setting.
 */

/** Whether --help is there, among whatever else, right or wrong. */
bool flags_ask_help(int argc, char **argv);

/** Whether --check is. */
bool flags_ask_check(int argc, char **argv);

/**
 * Take the settings that are there.
 *
 * Returns  EXIT_OK, or EXIT_TROUBLE after telling why.
 */
int flags_read(int argc, char **argv, struct settings *settings);

#endif
