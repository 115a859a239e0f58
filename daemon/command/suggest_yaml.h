/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_COMMAND_SUGGEST_YAML_H
#define NETPOLD_DAEMON_COMMAND_SUGGEST_YAML_H

#include <stdbool.h>
#include <stdio.h>

#include "netpold/suggest.h"

/**
 * Suggested policies as people write them: YAML in blocks, with comments that
 * say whose a policy is, and how often and when last each rule and each of its
 * peers was used.
 *
 * Names come from pods, and pods from anybody: no word of theirs ends a comment
 * or a string.
 */
void suggest_yaml_write(FILE *out, const struct suggested_policy *policies,
			size_t n);

/** Above so many blocks of a rule, each is not told of alone. */
#define SUGGEST_YAML_MANY_BLOCKS 16

/** Whether a rule of it has more. */
bool suggest_yaml_has_many_blocks(const struct suggested_policy *policy);

/** Write a word of a comment: all that is not printable ASCII is '?'. */
void suggest_yaml_write_word(FILE *out, const char *word);

/** Write "12 times, last 2026-03-14T03:07:12.345Z". */
void suggest_yaml_write_use(FILE *out, const struct suggest_use *use);

#endif
