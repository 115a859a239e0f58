/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_SOURCE_CAPTURE_H
#define NETPOLD_DAEMON_SOURCE_CAPTURE_H

#include <stdint.h>
#include <stdio.h>

#include "netpold/err.h"

/**
 * The IP packets of a capture file, in their order.
 *
 * pcap and pcapng, of all link types that frames are read of (source/frame.h),
 * and in pcapng of several at once: each packet is read as its interface
 * captures. A capture is streamed: a stretch of it is in memory at a time, and
 * packets are handed out where they lie there.
 *
 * Threads  one at a time.
 */
struct capture;

enum capture_kind {
	CAPTURE_IP = 0, /* ip and len are an IP packet, possibly cut */
	CAPTURE_NOT_IP, /* another protocol: ARP and its like */
	CAPTURE_CUT,	/* too short to say what it is, or of a link type that
			   is not known, as some interfaces have */
};

struct capture_packet {
	const uint8_t *ip; /* from the IP header on */
	const uint8_t *frame;
	int64_t time_ns;    /* since 1970 */
	uint32_t len;	    /* bytes that were captured from @ip on */
	uint32_t frame_len; /* and of the whole frame */
	uint32_t wire_len;  /* of the frame, before it was cut */
	int link_type;	    /* as files have it (source/frame.h) */
	enum capture_kind kind;
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

/** The same of a file whose first @len bytes somebody has read already. */
int capture_open_begun(FILE *file, const void *first, size_t len,
		       const char *path, struct capture **out, struct err *err);

/** From here on packets are what tunnels carry: VXLAN and Geneve. What is in
 *  none is as it was. */
void capture_look_inside(struct capture *capture);

/** How much of the file was read, from 0 to 1; negative where nobody knows its
 *  end. */
double capture_part(const struct capture *capture);

/** NULL is fine. */
void capture_close(struct capture *capture);
void capture_closep(struct capture **capture);

/**
 * Read the next packets: those that are in memory, and where none is, at least
 * one more.
 *
 * @out  room for @max packets; what they point to stands until the next call
 * @n    how many there are; 0 at the end of the file
 *
 * Returns  0; -EIO where the file breaks off or goes wrong behind what was read
 *          before; -EINVAL at the end where no packet was of a known link type;
 *          or -ENOMEM.
 */
int capture_read(struct capture *capture, struct capture_packet *out,
		 size_t max, size_t *n, struct err *err);

#endif
