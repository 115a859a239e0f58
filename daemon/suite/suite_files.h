/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_SUITE_SUITE_FILES_H
#define NETPOLD_DAEMON_SUITE_SUITE_FILES_H

#include <stddef.h>

#include "netpold/arena.h"
#include "netpold/err.h"

struct watch;

/**
 * The suites that some paths name: a file is one; of a folder and of those in
 * it, all .yaml and .yml files that say kind: PolicyTest, in the order of their
 * names. Hidden ones are passed over.
 *
 * Zero is empty.
 */
struct suite_files {
	struct arena arena; /* of the names */
	const char **items;
	size_t n;
	size_t room;
};

/**
 * Add what a path names.
 *
 * @watch  told of each folder that is looked into; NULL: nobody is
 *
 * Returns  0; -ENODATA where a folder holds none; another negative errno where
 *          it cannot be read.
 */
int suite_files_add(struct suite_files *files, const char *path,
		    struct watch *watch, struct err *err);

void suite_files_release(struct suite_files *files);

#endif
