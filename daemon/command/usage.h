/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_COMMAND_USAGE_H
#define NETPOLD_DAEMON_COMMAND_USAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netpold/err.h"

/**
 * What all subcommands share of reading a command line.
 */

/** Paths given by a repeatable option; zero is an empty list. */
struct path_list {
	const char **items;
	size_t n;
};

/** Owns the list, not the strings. 0 or -ENOMEM. */
int path_list_add(struct path_list *list, const char *path);
void path_list_release(struct path_list *list);

/** A number, decimal or 0x…, within two bounds; nothing else around it. */
bool number_parse(const char *text, uint64_t min, uint64_t max, uint64_t *out);

/**
 * The same for an option.
 *
 * @what  named in the message: "--mark-mask"
 *
 * Returns  0, or -EINVAL with a message.
 */
int parse_number(const char *what, const char *text, uint64_t min, uint64_t max,
		 uint64_t *out, struct err *err);

/**
 * Say what is wrong with the command line of a subcommand, and where to look.
 *
 * Returns  EXIT_TROUBLE.
 */
int usage_error(const char *command, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * Say what getopt_long(3) did not like; for its '?' and ':'.
 *
 * Returns  EXIT_TROUBLE.
 */
int usage_bad_option(const char *command, int argc, char **argv);

#endif
