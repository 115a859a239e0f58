/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Head and tail only ever grow; where an event is, is the remainder by the
 * size. Each side keeps what it has seen last of the other's, and looks again
 * only where that does not do: so a line of the cache changes sides once for
 * many events, not twice for each.
 */
#include "flowlog/flow_ring.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#define CACHE_LINE 64

struct flow_ring {
	int wake_fd;	     /* not changed */
	atomic_bool is_read; /* seldom changed, by the reader */
	/* written by the writer */
	_Alignas(CACHE_LINE) _Atomic uint64_t head; /* pairs with take()'s
						       acquire */
	uint64_t tail_seen;
	_Atomic uint64_t lost;
	/* written by the reader */
	_Alignas(CACHE_LINE) _Atomic uint64_t tail; /* pairs with put()'s
						       acquire */
	uint64_t head_seen;
	/* between tail and head the reader's, else the writer's */
	_Alignas(CACHE_LINE) struct flow_event events[FLOW_RING_SIZE];
};

struct flow_ring *flow_ring_new(int wake_fd)
{
	struct flow_ring *ring = aligned_alloc(CACHE_LINE, sizeof(*ring));

	if (!ring)
		return NULL;
	ring->wake_fd = wake_fd;
	ring->tail_seen = 0;
	ring->head_seen = 0;
	atomic_init(&ring->is_read, true);
	atomic_init(&ring->head, 0);
	atomic_init(&ring->tail, 0);
	atomic_init(&ring->lost, 0);
	return ring;
}

void flow_ring_free(struct flow_ring *ring)
{
	free(ring);
}

static void wake(const struct flow_ring *ring)
{
	uint64_t one = 1;

	/* It fails where it was written to very often, and nobody has looked:
	   then somebody is about to. */
	if (write(ring->wake_fd, &one, sizeof(one)) < 0)
		return;
}

/* Once for each half of the room, and where it would be lost. */
static uint64_t look_at_tail(struct flow_ring *ring, uint64_t head)
{
	if (head - ring->tail_seen >= FLOW_RING_SIZE / 2)
		ring->tail_seen =
			atomic_load_explicit(&ring->tail, memory_order_acquire);
	return head - ring->tail_seen;
}

bool flow_ring_put(struct flow_ring *ring, const struct flow_event *event)
{
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	uint64_t used = look_at_tail(ring, head);

	if (used == FLOW_RING_SIZE) {
		atomic_store_explicit(
			&ring->lost,
			atomic_load_explicit(&ring->lost,
					     memory_order_relaxed) +
				1,
			memory_order_relaxed);
		return false;
	}
	ring->events[head % FLOW_RING_SIZE] = *event;
	atomic_store_explicit(&ring->head, head + 1, memory_order_release);
	if (used + 1 == FLOW_RING_SIZE / 2)
		wake(ring);
	return true;
}

bool flow_ring_take(struct flow_ring *ring, struct flow_event *out)
{
	uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);

	if (tail == ring->head_seen)
		ring->head_seen =
			atomic_load_explicit(&ring->head, memory_order_acquire);
	if (tail == ring->head_seen)
		return false;
	*out = ring->events[tail % FLOW_RING_SIZE];
	atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
	return true;
}

/* Relaxed: an event more or less, from a round that is under way. */
bool flow_ring_is_read(const struct flow_ring *ring)
{
	return atomic_load_explicit(&ring->is_read, memory_order_relaxed);
}

void flow_ring_set_read(struct flow_ring *ring, bool is_read)
{
	atomic_store_explicit(&ring->is_read, is_read, memory_order_relaxed);
}

uint64_t flow_ring_lost(const struct flow_ring *ring)
{
	return atomic_load_explicit(&ring->lost, memory_order_relaxed);
}

uint64_t flow_ring_written(const struct flow_ring *ring)
{
	return atomic_load_explicit(&ring->head, memory_order_relaxed);
}
