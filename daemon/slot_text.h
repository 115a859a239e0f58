/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_SLOT_TEXT_H
#define NETPOLD_DAEMON_SLOT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "netpold/slot.h"

/**
 * Sets of slots in words: "everything", "80/TCP, 443/TCP", "any UDP port, ping
 * and other protocols", "everything but 22/TCP".
 *
 * Later fragments of a protocol come with all of its ports; they are told on
 * their own only where the ports are not there.
 */

/** What a set of slots says of the ports of one protocol. */
struct slot_protocol {
	const char *name; /* "TCP" */
	uint32_t base;	  /* slot of port 0 */
	bool is_full;	  /* all ports */
	bool fragments;
};
#define N_SLOT_PROTOCOLS 3

/** @ranges  ascending, neither touching nor overlapping */
void slot_text_look(const struct slot_range *ranges, size_t n,
		    struct slot_protocol out[N_SLOT_PROTOCOLS]);

/** The part of a range that is ports of a protocol; false: none is. As port
 *  numbers. */
bool slot_text_clip(const struct slot_protocol *protocol,
		    struct slot_range range, struct slot_range *ports);

/** Whether all other protocols are in a set. */
bool slot_text_has_other(const struct slot_range *ranges, size_t n);

/** Whether a set is all there is. */
bool slot_text_is_everything(const struct slot_range *ranges, size_t n);

void slot_text_write(FILE *out, const struct slot_range *ranges, size_t n);

#endif
