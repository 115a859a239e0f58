/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Blocks of pcapng (draft-ietf-opsawg-pcapng), in the byte order of the
 * machine: who reads looks at the magic number.
 *
 *	section header | interface: link type, stamps in nanoseconds | packet …
 *
 * Packets name their interface by its number. Each is described when its first
 * packet comes.
 *
 * Each block begins and ends with its length, and what is in it takes whole
 * words of four bytes.
 */
#include "source/pcapng.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "source/frame.h"

enum block_type {
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET = 6,
	BLOCK_SECTION = 0x0a0d0d0a,
};

enum { OPTION_COMMENT = 1, OPTION_RESOLUTION = 9 };

#define BYTE_ORDER_MAGIC 0x1a2b3c4d
#define MAX_COMMENT 65535
#define NANOSECONDS 9 /* ten to the power of minus this */

struct pcapng {
	FILE *out;
	char *path;
	int *link_types; /* of the interfaces */
	uint32_t n_interfaces, room;
	bool failed; /* there was no memory */
};

/* ---- blocks ---------------------------------------------------------------
 */

static size_t padded(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

static void put32(FILE *out, uint32_t value)
{
	fwrite(&value, sizeof(value), 1, out);
}

static void put16(FILE *out, uint16_t value)
{
	fwrite(&value, sizeof(value), 1, out);
}

static void put_padded(FILE *out, const void *data, size_t len)
{
	static const char zeros[4];

	fwrite(data, 1, len, out);
	fwrite(zeros, 1, padded(len) - len, out);
}

static void put_option(FILE *out, uint16_t code, const void *data, size_t len)
{
	put16(out, code);
	put16(out, (uint16_t)len);
	put_padded(out, data, len);
}

/* Of a block with so many bytes between its lengths. */
static uint32_t block_len(size_t body)
{
	return (uint32_t)(body + 12);
}

static void put_section(FILE *out)
{
	const uint32_t len = block_len(16);

	put32(out, BLOCK_SECTION);
	put32(out, len);
	put32(out, BYTE_ORDER_MAGIC);
	put16(out, 1); /* version 1.0 */
	put16(out, 0);
	put32(out, UINT32_MAX); /* how long the section is: not known */
	put32(out, UINT32_MAX);
	put32(out, len);
}

static void put_interface(FILE *out, int link_type)
{
	const uint8_t resolution = NANOSECONDS;
	const uint32_t len = block_len(8 + 4 + 4 + 4);

	put32(out, BLOCK_INTERFACE);
	put32(out, len);
	put16(out, (uint16_t)link_type);
	put16(out, 0);
	put32(out, 0); /* no snap length */
	put_option(out, OPTION_RESOLUTION, &resolution, sizeof(resolution));
	put32(out, 0); /* the last option */
	put32(out, len);
}

/* ---- files ----------------------------------------------------------------
 */

static int cannot_write(const char *path, struct err *err)
{
	int code = -errno;

	return err_set(err, code, "cannot write '%s': %s", path,
		       strerror(-code));
}

int pcapng_open(const char *path, struct pcapng **out, struct err *err)
{
	struct pcapng *pcapng = calloc(1, sizeof(*pcapng));
	int fd;

	if (pcapng)
		pcapng->path = strdup(path);
	if (!pcapng || !pcapng->path) {
		free(pcapng);
		return err_set(err, -ENOMEM, "out of memory");
	}
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	if (fd >= 0)
		pcapng->out = fdopen(fd, "wb");
	if (!pcapng->out) {
		int r = cannot_write(path, err);

		if (fd >= 0)
			close(fd);
		pcapng_freep(&pcapng);
		return r;
	}
	*out = pcapng;
	return 0;
}

int pcapng_stat(const struct pcapng *pcapng, struct stat *out)
{
	return fstat(fileno(pcapng->out), out) < 0 ? -errno : 0;
}

int pcapng_begin(struct pcapng *pcapng, struct err *err)
{
	struct stat status;

	if (pcapng_stat(pcapng, &status) == 0 && S_ISREG(status.st_mode) &&
	    ftruncate(fileno(pcapng->out), 0) < 0)
		return cannot_write(pcapng->path, err);
	put_section(pcapng->out);
	return 0;
}

static bool make_room(struct pcapng *pcapng)
{
	uint32_t room = pcapng->room ? 2 * pcapng->room : 8;
	int *link_types;

	if (pcapng->n_interfaces < pcapng->room)
		return true;
	link_types = reallocarray(pcapng->link_types, room, sizeof(int));
	if (!link_types)
		return false;
	pcapng->link_types = link_types;
	pcapng->room = room;
	return true;
}

/* The number of the interface for a link type, in @out. False without memory.
 */
static bool find_interface(struct pcapng *pcapng, int link_type, uint32_t *out)
{
	uint32_t n = pcapng->n_interfaces;

	for (*out = 0; *out < n; ++*out) {
		if (pcapng->link_types[*out] == link_type)
			return true;
	}
	if (!make_room(pcapng))
		return false;
	pcapng->link_types[n] = link_type;
	pcapng->n_interfaces = n + 1;
	put_interface(pcapng->out, link_type);
	return true;
}

void pcapng_add(struct pcapng *pcapng, const struct capture_packet *packet,
		const char *comment)
{
	size_t comment_len = strnlen(comment, MAX_COMMENT);
	const uint32_t len = block_len(20 + padded(packet->frame_len) + 4 +
				       padded(comment_len) + 4);
	FILE *out = pcapng->out;
	uint32_t interface;

	if (!find_interface(pcapng, packet->link_type, &interface)) {
		pcapng->failed = true;
		return;
	}
	put32(out, BLOCK_PACKET);
	put32(out, len);
	put32(out, interface);
	put32(out, (uint32_t)((uint64_t)packet->time_ns >> 32));
	put32(out, (uint32_t)packet->time_ns);
	put32(out, packet->frame_len);
	put32(out, packet->wire_len);
	put_padded(out, packet->frame, packet->frame_len);
	put_option(out, OPTION_COMMENT, comment, comment_len);
	put32(out, 0); /* the last option */
	put32(out, len);
}

int pcapng_end(struct pcapng *pcapng, struct err *err)
{
	bool failed;
	int r = 0;

	if (!pcapng)
		return 0;
	/* Without any interface it is no capture for many a tool. */
	if (pcapng->n_interfaces == 0)
		put_interface(pcapng->out, LINK_ETHERNET);
	errno = pcapng->failed ? ENOMEM : EIO;
	failed = fflush(pcapng->out) != 0 || ferror(pcapng->out) ||
		 pcapng->failed;
	if (failed)
		r = cannot_write(pcapng->path, err);
	pcapng_freep(&pcapng);
	return r;
}

void pcapng_freep(struct pcapng **pcapng)
{
	if (!*pcapng)
		return;
	if ((*pcapng)->out)
		fclose((*pcapng)->out);
	free((*pcapng)->link_types);
	free((*pcapng)->path);
	free(*pcapng);
	*pcapng = NULL;
}
