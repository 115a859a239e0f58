/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_SOURCE_PCAP_FILE_H
#define NETPOLD_DAEMON_SOURCE_PCAP_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "source/capture_record.h"

/**
 * The format of pcap files (draft-ietf-opsawg-pcap): a header, and packets
 * behind it. Of either byte order, with stamps in microseconds or nanoseconds,
 * and with the longer packet headers that Linux had for a while.
 */
struct pcap_file {
	bool is_swapped;
	uint32_t ns_per_tick;
	size_t header_len; /* of each packet */
	uint32_t snap_len;
	int link_type; /* as files have it (source/frame.h) */
};

#define PCAP_FILE_HEADER_LEN 24

/** Whether a file that begins with these four bytes is of this format. */
bool pcap_file_is_one(const uint8_t *magic);

/**
 * Read the header of a file that is of this format.
 *
 * Returns  NULL, or what is the matter with it.
 */
const char *pcap_file_begin(struct pcap_file *file,
			    const uint8_t header[PCAP_FILE_HEADER_LEN]);

/** What stands next. @len: how many bytes are there from @at on. */
struct capture_record pcap_file_next(const struct pcap_file *file,
				     const uint8_t *at, size_t len);

#endif
