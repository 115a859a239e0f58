/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_SOURCE_PCAPNG_FILE_H
#define NETPOLD_DAEMON_SOURCE_PCAPNG_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "source/capture_record.h"

/**
 * The format of pcapng files (draft-ietf-opsawg-pcapng): sections, in which
 * interfaces are described before their packets. Each interface has its own
 * link type, resolution of time and snap length, and each section its own
 * interfaces and byte order.
 *
 * All zero is one at its begin.
 */
struct pcapng_file {
	bool is_swapped;
	struct pcapng_interface *interfaces; /* of the section */
	size_t n_interfaces, room;
};

/** Whether a file that begins with these four bytes is of this format. */
bool pcapng_file_is_one(const uint8_t *magic);

/**
 * What stands next; the first has to be a section.
 *
 * @len  how many bytes are there from @at on
 */
struct capture_record pcapng_file_next(struct pcapng_file *file,
				       const uint8_t *at, size_t len);

void pcapng_file_release(struct pcapng_file *file);

#endif
