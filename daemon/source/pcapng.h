/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_SOURCE_PCAPNG_H
#define NETPOLD_DAEMON_SOURCE_PCAPNG_H

#include <sys/stat.h>

#include "netpold/err.h"
#include "source/capture.h"

/**
 * Writes a capture in which each packet says something of itself: pcapng with
 * comments, which Wireshark shows and finds. Packets are as they were captured,
 * with their time to the nanosecond, their length before they were cut, and
 * their link type: there is an interface for each.
 *
 * Threads  one at a time.
 */
struct pcapng;

/**
 * Open a file, or create it, and leave what is in it. "-" is no standard output
 * here.
 *
 * Returns  0 with a writer that the caller begins and ends; a negative errno.
 */
int pcapng_open(const char *path, struct pcapng **out, struct err *err);

/** Which file it is. Returns 0 or a negative errno. */
int pcapng_stat(const struct pcapng *pcapng, struct stat *out);

/** Empty the file, and begin to write. Returns 0 or a negative errno. */
int pcapng_begin(struct pcapng *pcapng, struct err *err);

/** @comment  UTF-8, cut to what a packet can say (65535 bytes). Whether it was
 *  written is said at the end. */
void pcapng_add(struct pcapng *pcapng, const struct capture_packet *packet,
		const char *comment);

/** Close it. Returns 0; a negative errno where anything could not be written.
 *  NULL is fine. */
int pcapng_end(struct pcapng *pcapng, struct err *err);

/** Close it, whatever came of it. NULL is fine. */
void pcapng_freep(struct pcapng **pcapng);

#endif
