/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Head and tail only ever grow; where a hit is, is the remainder by the size.
 */
#include "flowlog/hit_ring.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct hit_ring {
	int set_fd;	     /* not changed */
	atomic_bool is_read; /* seldom changed, by the reader */
	/* written by the writer */
	atomic_uint head; /* pairs with take()'s acquire */
	_Atomic uint64_t written, lost;
	/* written by the reader */
	atomic_uint tail; /* pairs with put()'s acquire */
	/* between tail and head the reader's, else the writer's */
	struct flow_hit hits[HIT_RING_SIZE];
};

struct hit_ring *hit_ring_new(void)
{
	struct hit_ring *ring = calloc(1, sizeof(*ring));

	if (!ring)
		return NULL;
	ring->set_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (ring->set_fd < 0) {
		free(ring);
		return NULL;
	}
	return ring;
}

void hit_ring_free(struct hit_ring *ring)
{
	if (!ring)
		return;
	close(ring->set_fd);
	free(ring);
}

/* One writer: nobody else adds to it. */
static void add(_Atomic uint64_t *count, uint64_t n)
{
	atomic_store_explicit(
		count, atomic_load_explicit(count, memory_order_relaxed) + n,
		memory_order_relaxed);
}

bool hit_ring_put(struct hit_ring *ring, const struct flow_hit *hit)
{
	unsigned int head =
		atomic_load_explicit(&ring->head, memory_order_relaxed);

	if (head - atomic_load_explicit(&ring->tail, memory_order_acquire) ==
	    HIT_RING_SIZE) {
		add(&ring->lost, hit->packets);
		return false;
	}
	ring->hits[head % HIT_RING_SIZE] = *hit;
	add(&ring->written, hit->packets);
	atomic_store_explicit(&ring->head, head + 1, memory_order_release);
	return true;
}

bool hit_ring_take(struct hit_ring *ring, struct flow_hit *out)
{
	unsigned int tail =
		atomic_load_explicit(&ring->tail, memory_order_relaxed);

	if (tail == atomic_load_explicit(&ring->head, memory_order_acquire))
		return false;
	*out = ring->hits[tail % HIT_RING_SIZE];
	atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
	return true;
}

/* Relaxed: the counters are read once more, or once less. */
bool hit_ring_is_read(const struct hit_ring *ring)
{
	return atomic_load_explicit(&ring->is_read, memory_order_relaxed);
}

void hit_ring_set_read(struct hit_ring *ring, bool is_read)
{
	uint64_t one = 1;

	atomic_store_explicit(&ring->is_read, is_read, memory_order_relaxed);
	if (write(ring->set_fd, &one, sizeof(one)) < 0)
		return; /* it was, very often, and nobody has looked */
}

int hit_ring_set_fd(const struct hit_ring *ring)
{
	return ring->set_fd;
}

uint64_t hit_ring_written(const struct hit_ring *ring)
{
	return atomic_load_explicit(&ring->written, memory_order_relaxed);
}

uint64_t hit_ring_lost(const struct hit_ring *ring)
{
	return atomic_load_explicit(&ring->lost, memory_order_relaxed);
}
