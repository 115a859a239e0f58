/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_SOURCE_CAPTURE_RECORD_H
#define NETPOLD_DAEMON_SOURCE_CAPTURE_RECORD_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/**
 * What stands next in a capture file. Formats (source/pcap_file.h,
 * source/pcapng_file.h) tell it from the bytes that are there; they read no
 * file, keep none of the bytes and check each length before it is used.
 */
enum capture_record_kind {
	RECORD_WRONG = 0, /* it cannot be so: why says what is the matter */
	RECORD_SHORT,	  /* more bytes have to be there: size of them */
	RECORD_OTHER,	  /* nothing that matters; may not all be there */
	RECORD_PACKET,
	RECORD_NO_MEMORY,
};

struct capture_record {
	enum capture_record_kind kind;
	uint64_t size; /* bytes of the file that it takes */
	const char *why;
	/* Of a packet: */
	const uint8_t *frame; /* among the bytes that were given */
	uint32_t frame_len;
	uint32_t wire_len; /* before it was cut to what was captured */
	int link_type;	   /* as files have it (source/frame.h) */
	int64_t time_ns;   /* since 1970 */
};

/** No packet is captured with more bytes: what says so is wrong. libpcap's
 *  limit (MAXIMUM_SNAPLEN). */
#define RECORD_MAX_FRAME 262144

/** Later than any real stamp (the year 2200), so that nanoseconds fit. Any
 *  stamp may stand in a file; those beyond are as this. */
#define RECORD_LAST_S INT64_C(7258118400)

#define NS_PER_S INT64_C(1000000000)

/* Numbers as the machine had them that wrote the file. */

static inline uint32_t record_u32(const uint8_t *at, int is_swapped)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return is_swapped ? __builtin_bswap32(value) : value;
}

static inline uint16_t record_u16(const uint8_t *at, int is_swapped)
{
	uint16_t value;

	memcpy(&value, at, sizeof(value));
	return is_swapped ? __builtin_bswap16(value) : value;
}

static inline struct capture_record record_wrong(const char *why)
{
	return (struct capture_record){ .kind = RECORD_WRONG, .why = why };
}

static inline struct capture_record record_short(size_t size)
{
	return (struct capture_record){ .kind = RECORD_SHORT, .size = size };
}

static inline struct capture_record record_other(uint64_t size)
{
	return (struct capture_record){ .kind = RECORD_OTHER, .size = size };
}

#endif
