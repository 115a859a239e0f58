/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 *	magic | version | zone | accuracy | snap length | link type |
 *	seconds | ticks | captured | length | bytes …
 *	seconds | ticks | captured | length | bytes …
 *
 * Which of four magic numbers it is says the byte order and what ticks are.
 */
#include "source/pcap_file.h"

enum magic {
	MAGIC_US = 0xa1b2c3d4,
	MAGIC_NS = 0xa1b23c4d,
	MAGIC_PATCHED = 0xa1b2cd34, /* of a patched libpcap, around 2000 */
};

enum { PACKET_LEN = 16, PATCHED_PACKET_LEN = 24 };

#define LINK_TYPE_BITS 0x03ffffff /* above: whether a checksum follows */

static bool is_magic(uint32_t value)
{
	return value == MAGIC_US || value == MAGIC_NS || value == MAGIC_PATCHED;
}

bool pcap_file_is_one(const uint8_t *magic)
{
	return is_magic(record_u32(magic, false)) ||
	       is_magic(record_u32(magic, true));
}

const char *pcap_file_begin(struct pcap_file *file,
			    const uint8_t header[PCAP_FILE_HEADER_LEN])
{
	bool is_swapped = !is_magic(record_u32(header, false));
	uint32_t magic = record_u32(header, is_swapped);
	uint32_t snap_len = record_u32(header + 16, is_swapped);

	/* What was before 2.3 had its lengths in another order; that was in the
	   last century. */
	if (record_u16(header + 4, is_swapped) != 2 ||
	    record_u16(header + 6, is_swapped) < 3)
		return "it is of a version of the format that nobody writes "
		       "(not 2.4)";
	*file = (struct pcap_file){
		.is_swapped = is_swapped,
		.ns_per_tick = magic == MAGIC_NS ? 1 : 1000,
		.header_len = magic == MAGIC_PATCHED ? PATCHED_PACKET_LEN
						     : PACKET_LEN,
		.snap_len = snap_len > 0 && snap_len < RECORD_MAX_FRAME
				    ? snap_len
				    : RECORD_MAX_FRAME,
		.link_type = (int)(record_u32(header + 20, is_swapped) &
				   LINK_TYPE_BITS),
	};
	return NULL;
}

/* Seconds are 32 bits, so they fit. Ticks of a second or more are no time. */
static int64_t time_of(const struct pcap_file *file, uint32_t seconds,
		       uint32_t ticks)
{
	int64_t ns = (int64_t)ticks * file->ns_per_tick;

	return seconds * NS_PER_S + (ns < NS_PER_S ? ns : 0);
}

struct capture_record pcap_file_next(const struct pcap_file *file,
				     const uint8_t *at, size_t len)
{
	bool is_swapped = file->is_swapped;
	uint32_t captured;

	if (len < file->header_len)
		return record_short(file->header_len);
	captured = record_u32(at + 8, is_swapped);
	if (captured > RECORD_MAX_FRAME)
		return record_wrong("a packet says that more of it was "
				    "captured than can be");
	if (len - file->header_len < captured)
		return record_short(file->header_len + captured);
	return (struct capture_record){
		.kind = RECORD_PACKET,
		.size = file->header_len + captured,
		.frame = at + file->header_len,
		.frame_len =
			captured < file->snap_len ? captured : file->snap_len,
		.wire_len = record_u32(at + 12, is_swapped),
		.link_type = file->link_type,
		.time_ns = time_of(file, record_u32(at, is_swapped),
				   record_u32(at + 4, is_swapped)),
	};
}
