/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Blocks, each with its length at both ends:
 *
 *	type | length | …  whole words of four bytes  … | length
 *
 * A section begins with a magic number that says its byte order; its type is
 * the same in both. Interfaces are numbered from 0 in the order in which a
 * section describes them. What is of no use here (names, statistics, keys) is
 * stepped over, whatever is in it.
 */
#include "source/pcapng_file.h"

#include <stdlib.h>

enum block_type {
	BLOCK_INTERFACE = 1,
	BLOCK_OLD_PACKET = 2, /* before there was 6 */
	BLOCK_SIMPLE_PACKET = 3,
	BLOCK_PACKET = 6,
	BLOCK_SECTION = 0x0a0d0d0a,
};

enum {
	EDGE_LEN = 8, /* type and length */
	TRAILER_LEN = 4,
	MIN_BLOCK_LEN = EDGE_LEN + TRAILER_LEN,
	SECTION_LEN = 28,	/* without options */
	INTERFACE_LEN = 20,	/* likewise */
	PACKET_HEADER_LEN = 20, /* before the bytes of both packets */
};

enum { OPTION_END = 0, OPTION_RESOLUTION = 9, OPTION_OFFSET = 14 };

#define BYTE_ORDER_MAGIC 0x1a2b3c4d

/* Of what is read; libpcap's limit. Comments of packets are in it. */
#define MAX_BLOCK_LEN (16u << 20)

/* More than any machine has, so that a file cannot take all memory. */
#define MAX_INTERFACES 65536

struct pcapng_interface {
	int link_type;
	uint32_t snap_len;
	uint64_t ticks_per_s;
	int64_t offset_s;
};

/* A block that is there from end to end. */
struct block {
	const uint8_t *body; /* between type with length, and length */
	size_t len;
	uint32_t size; /* of all */
};

static uint32_t u32(const struct pcapng_file *file, const uint8_t *at)
{
	return record_u32(at, file->is_swapped);
}

static uint16_t u16(const struct pcapng_file *file, const uint8_t *at)
{
	return record_u16(at, file->is_swapped);
}

static uint64_t u64_of_halves(const struct pcapng_file *file, const uint8_t *at)
{
	return (uint64_t)u32(file, at) << 32 | u32(file, at + 4);
}

/* ---- sections ------------------------------------------------------------ */

bool pcapng_file_is_one(const uint8_t *magic)
{
	return record_u32(magic, false) == BLOCK_SECTION;
}

static struct capture_record begin_section(struct pcapng_file *file,
					   const uint8_t *at, size_t len)
{
	bool is_swapped;
	uint32_t size;

	if (len < SECTION_LEN)
		return record_short(SECTION_LEN);
	is_swapped = record_u32(at + 8, false) != BYTE_ORDER_MAGIC;
	if (record_u32(at + 8, is_swapped) != BYTE_ORDER_MAGIC)
		return record_wrong("a section says nothing of its byte order");
	size = record_u32(at + 4, is_swapped);
	if (size < SECTION_LEN || size % 4 != 0)
		return record_wrong("a section has a length that it cannot "
				    "have");
	if (record_u16(at + 12, is_swapped) != 1)
		return record_wrong("a section is of a version of the format "
				    "that is not known (not 1.0)");
	file->is_swapped = is_swapped;
	file->n_interfaces = 0;
	return record_other(size);
}

/* ---- interfaces -----------------------------------------------------------
 */

/* Ten, or where the highest bit is set two, to the power of minus this. */
static uint64_t ticks_per_s(uint8_t resolution)
{
	uint64_t base = resolution & 0x80 ? 2 : 10, ticks = 1;

	for (int i = resolution & 0x7f; i > 0; i--) {
		if (__builtin_mul_overflow(ticks, base, &ticks))
			return 0;
	}
	return ticks;
}

static bool take_option(const struct pcapng_file *file, uint16_t code,
			const uint8_t *value, size_t len,
			struct pcapng_interface *interface)
{
	uint64_t offset;

	if (code == OPTION_RESOLUTION && len == 1) {
		interface->ticks_per_s = ticks_per_s(*value);
		return interface->ticks_per_s > 0;
	}
	if (code == OPTION_OFFSET && len == 8) {
		memcpy(&offset, value, sizeof(offset));
		if (file->is_swapped)
			offset = __builtin_bswap64(offset);
		interface->offset_s = (int64_t)offset;
	}
	return code != OPTION_RESOLUTION || len == 1;
}

/* False where they go beyond their block, or a resolution cannot be. */
static bool take_options(const struct pcapng_file *file, const uint8_t *at,
			 size_t len, struct pcapng_interface *interface)
{
	while (len >= 4) {
		uint16_t code = u16(file, at);
		size_t value_len = u16(file, at + 2);
		size_t padded = (value_len + 3) / 4 * 4;

		if (code == OPTION_END)
			return true;
		if (padded > len - 4 ||
		    !take_option(file, code, at + 4, value_len, interface))
			return false;
		at += 4 + padded;
		len -= 4 + padded;
	}
	return len == 0;
}

static bool make_room(struct pcapng_file *file)
{
	struct pcapng_interface *interfaces;
	size_t room = file->room ? file->room * 2 : 8;

	if (file->n_interfaces < file->room)
		return true;
	interfaces = reallocarray(file->interfaces, room, sizeof(*interfaces));
	if (!interfaces)
		return false;
	file->interfaces = interfaces;
	file->room = room;
	return true;
}

static struct capture_record add_interface(struct pcapng_file *file,
					   const struct block *block)
{
	struct pcapng_interface interface = { .ticks_per_s = 1000000 };
	const uint8_t *body = block->body;

	if (block->size < INTERFACE_LEN)
		return record_wrong("an interface is described too briefly");
	interface.link_type = u16(file, body);
	interface.snap_len = u32(file, body + 4);
	if (!take_options(file, body + 8, block->len - 8, &interface))
		return record_wrong("an interface has options that cannot be "
				    "read");
	if (file->n_interfaces == MAX_INTERFACES)
		return record_wrong("a section has more interfaces than can "
				    "be");
	if (!make_room(file))
		return (struct capture_record){ .kind = RECORD_NO_MEMORY };
	file->interfaces[file->n_interfaces++] = interface;
	return record_other(block->size);
}

/* ---- packets ---------------------------------------------------------------
 */

/* What is less than a second, and so fits. */
static uint64_t rest_in_ns(uint64_t rest, uint64_t per_s)
{
	if (per_s <= UINT64_MAX / NS_PER_S) /* as it is for all that is used */
		return rest * NS_PER_S / per_s;
	return (uint64_t)((unsigned __int128)rest * NS_PER_S / per_s);
}

static int64_t time_of(const struct pcapng_interface *interface, uint64_t ticks)
{
	uint64_t per_s = interface->ticks_per_s;
	uint64_t seconds = ticks / per_s;
	uint64_t rest = rest_in_ns(ticks % per_s, per_s);
	int64_t at;

	if (seconds > (uint64_t)RECORD_LAST_S)
		return RECORD_LAST_S * NS_PER_S;
	if (__builtin_add_overflow((int64_t)seconds, interface->offset_s,
				   &at) ||
	    at > RECORD_LAST_S)
		return RECORD_LAST_S * NS_PER_S;
	return at < 0 ? 0 : at * NS_PER_S + (int64_t)rest;
}

static struct capture_record packet_at(const struct block *block,
				       const struct pcapng_interface *interface,
				       size_t header_len, uint32_t captured,
				       uint32_t wire_len)
{
	if (captured > RECORD_MAX_FRAME)
		return record_wrong("a packet says that more of it was "
				    "captured than can be");
	if (captured > block->len - header_len)
		return record_wrong("a packet is longer than its block");
	return (struct capture_record){
		.kind = RECORD_PACKET,
		.size = block->size,
		.frame = block->body + header_len,
		.frame_len = captured,
		.wire_len = wire_len,
		.link_type = interface->link_type,
	};
}

/* @id_len  of the number of its interface */
static struct capture_record read_packet(const struct pcapng_file *file,
					 const struct block *block,
					 size_t id_len)
{
	const struct pcapng_interface *interface;
	const uint8_t *body = block->body;
	struct capture_record record;
	uint32_t id;

	if (block->len < PACKET_HEADER_LEN)
		return record_wrong("a packet is described too briefly");
	id = id_len == 2 ? u16(file, body) : u32(file, body);
	if (id >= file->n_interfaces)
		return record_wrong("a packet is of an interface that was not "
				    "described");
	interface = &file->interfaces[id];
	record = packet_at(block, interface, PACKET_HEADER_LEN,
			   u32(file, body + 12), u32(file, body + 16));
	record.time_ns = time_of(interface, u64_of_halves(file, body + 4));
	return record;
}

/* Of the first interface, without a time. What was captured of it is what the
   interface captures at most. */
static struct capture_record read_simple_packet(const struct pcapng_file *file,
						const struct block *block)
{
	const struct pcapng_interface *interface = file->interfaces;
	uint32_t wire_len, captured;

	if (block->len < 4)
		return record_wrong("a packet is described too briefly");
	if (file->n_interfaces == 0)
		return record_wrong("a packet is of an interface that was not "
				    "described");
	captured = wire_len = u32(file, block->body);
	if (interface->snap_len > 0 && captured > interface->snap_len)
		captured = interface->snap_len;
	return packet_at(block, interface, 4, captured, wire_len);
}

/* ---- blocks ----------------------------------------------------------------
 */

static struct capture_record read_block(struct pcapng_file *file, uint32_t type,
					const uint8_t *at, uint32_t size)
{
	const struct block block = {
		.body = at + EDGE_LEN,
		.len = size - MIN_BLOCK_LEN,
		.size = size,
	};

	if (u32(file, at + size - TRAILER_LEN) != size)
		return record_wrong("a block has another length at its end "
				    "than at its begin");
	switch (type) {
	case BLOCK_INTERFACE:
		return add_interface(file, &block);
	case BLOCK_OLD_PACKET:
		return read_packet(file, &block, 2);
	case BLOCK_SIMPLE_PACKET:
		return read_simple_packet(file, &block);
	default: /* BLOCK_PACKET */
		return read_packet(file, &block, 4);
	}
}

static bool is_read(uint32_t type)
{
	return type == BLOCK_INTERFACE || type == BLOCK_OLD_PACKET ||
	       type == BLOCK_SIMPLE_PACKET || type == BLOCK_PACKET;
}

struct capture_record pcapng_file_next(struct pcapng_file *file,
				       const uint8_t *at, size_t len)
{
	uint32_t type, size;

	if (len < MIN_BLOCK_LEN)
		return record_short(MIN_BLOCK_LEN);
	if (pcapng_file_is_one(at))
		return begin_section(file, at, len);
	type = u32(file, at);
	size = u32(file, at + 4);
	if (size < MIN_BLOCK_LEN || size % 4 != 0)
		return record_wrong("a block has a length that it cannot have");
	if (!is_read(type))
		return record_other(size);
	if (size > MAX_BLOCK_LEN)
		return record_wrong("a block is longer than any should be");
	if (len < size)
		return record_short(size);
	return read_block(file, type, at, size);
}

void pcapng_file_release(struct pcapng_file *file)
{
	free(file->interfaces);
	*file = (struct pcapng_file){ 0 };
}
