/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/tally_ring.h"

#include <stdatomic.h>
#include <stdlib.h>

#define CACHE_LINE 64

struct tally_ring {
	/* written by the worker */
	_Alignas(CACHE_LINE) atomic_uint head; /* pairs with take()'s acquire */
	_Atomic uint64_t missed;
	/* written by the reader */
	_Alignas(CACHE_LINE) atomic_uint tail; /* pairs with put()'s acquire */
	/* between tail and head the reader's, else the worker's */
	_Alignas(CACHE_LINE) struct tally_note notes[TALLY_RING_SIZE];
};

struct tally_ring *tally_ring_new(void)
{
	struct tally_ring *ring = aligned_alloc(CACHE_LINE, sizeof(*ring));

	if (!ring)
		return NULL;
	atomic_init(&ring->head, 0);
	atomic_init(&ring->tail, 0);
	atomic_init(&ring->missed, 0);
	return ring;
}

void tally_ring_free(struct tally_ring *ring)
{
	free(ring);
}

static bool is_by_policy(enum reason reason)
{
	return reason == REASON_RULE || reason == REASON_NO_RULE_MATCHES;
}

/* A relaxed sum of one writer, as round_count(). */
static void miss(struct tally_ring *ring, unsigned int n)
{
	atomic_store_explicit(
		&ring->missed,
		atomic_load_explicit(&ring->missed, memory_order_relaxed) + n,
		memory_order_relaxed);
}

void tally_ring_put(struct tally_ring *ring, enum verdict_mode mode,
		    const struct judgement *judgement)
{
	enum reason egress = judgement->decision.sides[DIRECTION_EGRESS].reason;
	enum reason ingress =
		judgement->decision.sides[DIRECTION_INGRESS].reason;
	unsigned int n = is_by_policy(egress) + is_by_policy(ingress);
	unsigned int head;

	if (judgement->note != NOTE_NONE || n == 0)
		return;
	head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	if (head - atomic_load_explicit(&ring->tail, memory_order_acquire) ==
	    TALLY_RING_SIZE) {
		miss(ring, n);
		return;
	}
	ring->notes[head % TALLY_RING_SIZE] = (struct tally_note){
		.key = judgement->key,
		.mode = (uint8_t)mode,
		.reasons = { [DIRECTION_EGRESS] = (uint8_t)egress,
			     [DIRECTION_INGRESS] = (uint8_t)ingress },
	};
	atomic_store_explicit(&ring->head, head + 1, memory_order_release);
}

bool tally_ring_take(struct tally_ring *ring, struct tally_note *out)
{
	unsigned int tail =
		atomic_load_explicit(&ring->tail, memory_order_relaxed);

	if (tail == atomic_load_explicit(&ring->head, memory_order_acquire))
		return false;
	*out = ring->notes[tail % TALLY_RING_SIZE];
	atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
	return true;
}

uint64_t tally_ring_missed(const struct tally_ring *ring)
{
	return atomic_load_explicit(&ring->missed, memory_order_relaxed);
}
