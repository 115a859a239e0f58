/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_WHOLE_FILE_H
#define NETPOLD_DAEMON_WHOLE_FILE_H

#include <sys/types.h>

/**
 * Read all of a file that should have at most @max bytes, or one byte more, by
 * which its reader knows.
 *
 * @text  with room for @max and one
 *
 * Returns  how many bytes there are, or a negative errno.
 *
 * Threads  any.
 */
ssize_t whole_file_read(int fd, char *text, size_t max);

#endif
