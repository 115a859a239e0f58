/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_SOURCE_CAPTURE_H
#define NETPOLD_DAEMON_SOURCE_CAPTURE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "netpold/err.h"

/**
 * The IP packets of a capture file, one after the other.
 *
 * pcap and pcapng, as libpcap reads them, of all link types that frames are
 * read of (source/frame.h). A capture is streamed: one packet is in memory at a
 * time.
 *
 * Threads  one at a time.
 */
struct capture;

enum capture_kind {
	CAPTURE_END = 0, /* the file ends as it should */
	CAPTURE_IP,	 /* ip and len are an IP packet, possibly cut */
	CAPTURE_NOT_IP,	 /* another protocol: ARP and its like */
	CAPTURE_CUT,	 /* too short to say what it is */
};

struct capture_packet {
	const uint8_t *ip; /* until the next call; from the IP header on */
	size_t len;	   /* bytes that were captured of it */
	int64_t time_ns;   /* since 1970 */
	/* The whole frame; until the next call. */
	const uint8_t *frame;
	size_t frame_len;
	size_t wire_len; /* before it was cut to what was captured */
};

/**
 * Open a file; "-" is standard input.
 *
 * Returns  0 with a capture that the caller closes; -EINVAL where it is no
 *          capture, or of a link type that is not known; another negative
 *          errno where it cannot be read.
 */
int capture_open(const char *path, struct capture **out, struct err *err);

/**
 * Read what is open already.
 *
 * @path  what messages call it
 *
 * Returns  as above.
 * Owns     @file: it is closed with the capture, or here where that fails, but
 *          for standard input.
 */
int capture_open_file(FILE *file, const char *path, struct capture **out,
		      struct err *err);

/** From here on packets are what tunnels carry: VXLAN and Geneve. What is in
 *  none is as it was. */
void capture_look_inside(struct capture *capture);

/** DLT_* of its frames. */
int capture_link_type(const struct capture *capture);

/** How much of the file was read, from 0 to 1; negative where nobody knows its
 *  end. */
double capture_part(const struct capture *capture);

/** NULL is fine. */
void capture_close(struct capture *capture);
void capture_closep(struct capture **capture);

/**
 * Read the next packet.
 *
 * Returns  an enum capture_kind; -EIO where the file breaks off or goes wrong.
 *          What was read until then stands.
 */
int capture_next(struct capture *capture, struct capture_packet *out,
		 struct err *err);

#endif
