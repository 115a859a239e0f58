/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/memo_ring.h"

#include <stdlib.h>
#include <unistd.h>

#define CACHE_LINE 64

struct memo_ring {
	/* not changed */
	const struct memo_gates *gates;
	int wake_fd;
	/* written by the worker */
	_Alignas(CACHE_LINE) atomic_uint head; /* pairs with take()'s acquire */
	_Atomic uint64_t discarded;
	/* written by the controller */
	_Alignas(CACHE_LINE) atomic_uint tail; /* pairs with put()'s acquire */
	/* between tail and head the controller's, else the worker's */
	_Alignas(CACHE_LINE) struct memo_note notes[MEMO_RING_SIZE];
};

struct memo_ring *memo_ring_new(const struct memo_gates *gates, int wake_fd)
{
	struct memo_ring *ring = aligned_alloc(CACHE_LINE, sizeof(*ring));

	if (!ring)
		return NULL;
	ring->gates = gates;
	ring->wake_fd = wake_fd;
	atomic_init(&ring->head, 0);
	atomic_init(&ring->tail, 0);
	atomic_init(&ring->discarded, 0);
	return ring;
}

void memo_ring_free(struct memo_ring *ring)
{
	free(ring);
}

static bool is_open(const struct memo_ring *ring, const struct flow_key *key,
		    enum verdict verdict)
{
	/* It says what is worth the trouble, no more. */
	return atomic_load_explicit(
		&ring->gates->open[verdict][key->src.family == IP_V6],
		memory_order_relaxed);
}

static void wake(const struct memo_ring *ring)
{
	uint64_t one = 1;

	/* It fails where it was written to very often, and nobody has looked:
	   then somebody is about to. */
	if (write(ring->wake_fd, &one, sizeof(one)) < 0)
		return;
}

bool memo_ring_put(struct memo_ring *ring, const struct flow_key *key,
		   enum verdict verdict)
{
	unsigned int head, used;

	if (!is_open(ring, key, verdict))
		return false;
	head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	used = head - atomic_load_explicit(&ring->tail, memory_order_acquire);
	if (used == MEMO_RING_SIZE) {
		atomic_fetch_add_explicit(&ring->discarded, 1,
					  memory_order_relaxed);
		return false;
	}
	ring->notes[head % MEMO_RING_SIZE] = (struct memo_note){
		.memo = memo_of(key),
		.verdict = (uint8_t)verdict,
	};
	atomic_store_explicit(&ring->head, head + 1, memory_order_release);
	if (used + 1 == MEMO_RING_SIZE / 2)
		wake(ring);
	return true;
}

bool memo_ring_take(struct memo_ring *ring, struct memo_note *out)
{
	unsigned int tail =
		atomic_load_explicit(&ring->tail, memory_order_relaxed);

	if (tail == atomic_load_explicit(&ring->head, memory_order_acquire))
		return false;
	*out = ring->notes[tail % MEMO_RING_SIZE];
	atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
	return true;
}

uint64_t memo_ring_discarded(const struct memo_ring *ring)
{
	return atomic_load_explicit(&ring->discarded, memory_order_relaxed);
}
