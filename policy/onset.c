/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A table of places, each one word that is read and written whole:
 *
 *	20 bits		of the flow's hash, beyond those that chose the place
 *	1 bit		the last packet came alone after a silence
 *	3 bits		how often packets came after a silence
 *	8 bits		packets seen without a mark; 0: the place is empty
 *	32 bits		when the last one was seen
 *
 * Two workers that write to one place at the same time may lose a packet of the
 * count, which does not matter.
 */
#include "netpold/onset.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "netpold/hash.h"
#include "netpold/object.h"

#define N_PLACES 4096 /* 32 KiB; bursts at the same time are far fewer */

/* After such a silence packets are counted anew. */
#define FORGOTTEN_US 1000000

struct onset {
	uint64_t hash_key[2];
	_Atomic uint64_t places[N_PLACES];
};

/* A flow's place, as it was read. */
struct seen {
	uint32_t n;	   /* packets; 0: none */
	uint32_t n_starts; /* of them that came after a silence */
	bool alone;	   /* the last one */
	uint32_t last_us;
};

struct onset *onset_new(const uint64_t hash_key[2])
{
	struct onset *onset = calloc(1, sizeof(*onset));

	if (onset)
		memcpy(onset->hash_key, hash_key, sizeof(onset->hash_key));
	return onset;
}

void onset_free(struct onset *onset)
{
	free(onset);
}

/* ---- flows -------------------------------------------------------------- */

/* Not where it goes to: before the first packet of a flow to a Service has its
   verdict, each of the next ones may be sent to another backend. */
struct opener {
	uint8_t bytes[16];
	uint32_t port;
	uint32_t family;
};

uint64_t onset_flow(const struct onset *onset, const struct packet *packet,
		    bool is_reply)
{
	const struct ip_addr *addr = is_reply ? &packet->dst : &packet->src;
	struct opener opener = {
		.port = is_reply ? packet->dst_port : packet->src_port,
		.family = addr->family,
	};

	if (packet->protocol != PROTOCOL_UDP || !packet->has_ports)
		return 0;
	memcpy(opener.bytes, addr->bytes, sizeof(opener.bytes));
	return hash_keyed(onset->hash_key, &opener, sizeof(opener)) | 1;
}

static _Atomic uint64_t *place_of(struct onset *onset, uint64_t flow)
{
	return &onset->places[flow / 2 % N_PLACES];
}

static uint64_t tag_of(uint64_t flow)
{
	return flow >> 44 << 44;
}

static struct seen look(struct onset *onset, uint64_t flow)
{
	uint64_t word = atomic_load_explicit(place_of(onset, flow),
					     memory_order_relaxed);

	if (word >> 44 << 44 != tag_of(flow))
		return (struct seen){ 0 };
	return (struct seen){ .n = word >> 32 & 0xff,
			      .n_starts = word >> 40 & 7,
			      .alone = word >> 43 & 1,
			      .last_us = (uint32_t)word };
}

static void note(struct onset *onset, uint64_t flow, struct seen seen)
{
	uint64_t n = seen.n < ONSET_MAX ? seen.n : ONSET_MAX;
	uint64_t word = tag_of(flow) | (uint64_t)seen.alone << 43 |
			(uint64_t)seen.n_starts << 40 | n << 32 | seen.last_us;

	atomic_store_explicit(place_of(onset, flow), word,
			      memory_order_relaxed);
}

/* ---- a batch ------------------------------------------------------------ */

/* How many packets of a batch have a flow whose hash ends alike: where that is
   one there is nobody to compare it with. */
#define N_ENDINGS 256

static uint8_t ending_of(uint64_t flow)
{
	return flow >> 1 & (N_ENDINGS - 1);
}

struct batch {
	const uint64_t *flows;
	size_t n;
	uint8_t endings[N_ENDINGS];
};

static bool is_alone(const struct batch *batch, size_t i)
{
	size_t same = 0;

	if (batch->endings[ending_of(batch->flows[i])] == 1)
		return true;
	for (size_t j = 0; j < batch->n; j++)
		same += batch->flows[j] == batch->flows[i];
	return same == 1;
}

static bool may_set(struct onset *onset, const struct batch *batch, size_t i,
		    uint32_t now_us)
{
	uint64_t flow = batch->flows[i];
	struct seen seen = look(onset, flow);
	uint32_t silent_us = now_us - seen.last_us;
	bool starts = seen.n == 0 || silent_us >= ONSET_QUIET_US;
	bool alone = starts && is_alone(batch, i);

	if ((alone && seen.alone) || (starts && seen.n_starts >= ONSET_STARTS))
		return true;
	if (silent_us >= FORGOTTEN_US)
		seen.n = 0;
	seen.n++;
	seen.n_starts += starts;
	seen.alone = alone;
	seen.last_us = now_us;
	note(onset, flow, seen);
	return seen.n > ONSET_MAX;
}

void onset_judge(struct onset *onset, const uint64_t *flows, size_t n,
		 uint32_t now_us, bool *may)
{
	struct batch batch = { .flows = flows, .n = n };

	for (size_t i = 0; i < n; i++)
		batch.endings[ending_of(flows[i])]++;
	for (size_t i = 0; i < n; i++)
		may[i] = flows[i] == 0 || may_set(onset, &batch, i, now_us);
}
