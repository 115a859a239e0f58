/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_BUILD_FACTS_H
#define NETPOLD_DAEMON_BUILD_FACTS_H

#include <stdio.h>

/**
 * What `netpold --version` says: the version on the first line, as "netpold
 * 0.1.0", and below it, a word and its facts on each line, the commit, the
 * compiler, the libraries that this process has loaded, and what they and this
 * build can do. Nothing of it depends on when, where or by whom netpold was
 * built, so that two builds of one commit are the same bytes.
 *
 * Returns  0; -EIO where @out has not taken it.
 */
int build_facts_print(FILE *out);

#endif
