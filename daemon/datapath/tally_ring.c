/* SPDX-License-Identifier: GPL-2.0-or-later */
/* As flowlog/flow_ring.c, which says why either side keeps what it has seen. */
#include "datapath/tally_ring.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define CACHE_LINE 64

struct tally_ring {
	int wake_fd; /* not changed */
	/* written by the worker */
	_Alignas(CACHE_LINE) atomic_uint head; /* pairs with take()'s acquire */
	unsigned int tail_seen;
	_Atomic uint64_t missed;
	/* written by the reader */
	_Alignas(CACHE_LINE) atomic_uint tail; /* pairs with put()'s acquire */
	unsigned int head_seen;
	/* between tail and head the reader's, else the worker's */
	_Alignas(CACHE_LINE) struct tally_note notes[TALLY_RING_SIZE];
};

struct tally_ring *tally_ring_new(void)
{
	struct tally_ring *ring = aligned_alloc(CACHE_LINE, sizeof(*ring));

	if (!ring)
		return NULL;
	ring->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (ring->wake_fd < 0) {
		free(ring);
		return NULL;
	}
	ring->tail_seen = 0;
	ring->head_seen = 0;
	atomic_init(&ring->head, 0);
	atomic_init(&ring->tail, 0);
	atomic_init(&ring->missed, 0);
	return ring;
}

void tally_ring_free(struct tally_ring *ring)
{
	if (!ring)
		return;
	close(ring->wake_fd);
	free(ring);
}

int tally_ring_wake_fd(const struct tally_ring *ring)
{
	return ring->wake_fd;
}

/* It fails where nobody has read it for very long: then it is readable. */
static void wake(const struct tally_ring *ring)
{
	uint64_t one = 1;

	if (write(ring->wake_fd, &one, sizeof(one)) < 0)
		return;
}

/* Once for each half of the room, and where it would be missed. */
static unsigned int look_at_tail(struct tally_ring *ring, unsigned int head)
{
	if (head - ring->tail_seen >= TALLY_RING_SIZE / 2)
		ring->tail_seen =
			atomic_load_explicit(&ring->tail, memory_order_acquire);
	return head - ring->tail_seen;
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
	unsigned int head, used;

	if (judgement->note != NOTE_NONE || n == 0)
		return;
	head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	used = look_at_tail(ring, head);
	if (used == TALLY_RING_SIZE) {
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
	if (used + 1 == TALLY_RING_SIZE / 2)
		wake(ring);
}

bool tally_ring_take(struct tally_ring *ring, struct tally_note *out)
{
	unsigned int tail =
		atomic_load_explicit(&ring->tail, memory_order_relaxed);

	if (tail == ring->head_seen)
		ring->head_seen =
			atomic_load_explicit(&ring->head, memory_order_acquire);
	if (tail == ring->head_seen)
		return false;
	*out = ring->notes[tail % TALLY_RING_SIZE];
	atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
	return true;
}

uint64_t tally_ring_missed(const struct tally_ring *ring)
{
	return atomic_load_explicit(&ring->missed, memory_order_relaxed);
}
