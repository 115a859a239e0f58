/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Places never move, an order does: it lists the places of those that are held,
 * oldest first, and after them the free ones, so that it always names each
 * place once.
 *
 *	order	3 0 5 | 1 2 4 6 7 …
 *		held    free		n = 3
 *
 * To forget the second: 3 5 | 0 1 2 4 6 7 …, n = 2. There are few enough of
 * them that walking all costs less than a packet's way through the kernel.
 */
#include "datapath/held.h"

#include <stdlib.h>
#include <string.h>

struct place {
	struct queue_packet packet; /* its data are the bytes below */
	struct ip_addr waits_for;
	uint32_t due_ms;
	uint8_t bytes[QUEUE_COPY_RANGE];
};

struct held {
	size_t n;
	uint16_t order[HELD_MAX];
	struct place places[HELD_MAX];
};

struct held *held_new(void)
{
	struct held *held = calloc(1, sizeof(*held));

	for (uint16_t i = 0; held && i < HELD_MAX; i++)
		held->order[i] = i;
	return held;
}

void held_free(struct held *held)
{
	free(held);
}

void held_forget(struct held *held)
{
	held->n = 0;
}

size_t held_count(const struct held *held)
{
	return held->n;
}

static const struct place *place_at(const struct held *held, size_t i)
{
	return &held->places[held->order[i]];
}

static size_t count_of(const struct held *held, const struct ip_addr *addr)
{
	size_t n = 0;

	for (size_t i = 0; i < held->n; i++)
		n += ip_addr_equal(&place_at(held, i)->waits_for, addr);
	return n;
}

bool held_add(struct held *held, const struct queue_packet *packet,
	      const struct ip_addr *waits_for, uint32_t due_ms)
{
	struct place *place;

	if (held->n == HELD_MAX ||
	    count_of(held, waits_for) == HELD_MAX_PER_ADDRESS)
		return false;
	place = &held->places[held->order[held->n++]];
	place->packet = *packet;
	if (place->packet.len > QUEUE_COPY_RANGE)
		place->packet.len = QUEUE_COPY_RANGE;
	place->packet.data =
		memcpy(place->bytes, packet->data, place->packet.len);
	place->waits_for = *waits_for;
	place->due_ms = due_ms;
	return true;
}

size_t held_look(const struct held *held, size_t from,
		 struct queue_packet *packets, size_t max)
{
	size_t n = 0;

	for (size_t i = from; i < held->n && n < max; i++)
		packets[n++] = place_at(held, i)->packet;
	return n;
}

bool held_is_followed(const struct held *held, size_t i)
{
	const struct ip_addr *addr = &place_at(held, i)->waits_for;

	while (++i < held->n) {
		if (ip_addr_equal(&place_at(held, i)->waits_for, addr))
			return true;
	}
	return false;
}

size_t held_sort_out(struct held *held, size_t from, const bool *stays,
		     size_t n)
{
	uint16_t gone[HELD_MAX];
	size_t n_gone = 0, to = from;

	for (size_t i = from; i < held->n; i++) {
		if (i - from < n && !stays[i - from])
			gone[n_gone++] = held->order[i];
		else
			held->order[to++] = held->order[i];
	}
	held->n = to;
	for (size_t i = 0; i < n_gone; i++)
		held->order[to++] = gone[i];
	return n - n_gone;
}

/* How far away a time is, also where the clock wraps around in between. */
static int32_t until(uint32_t time_ms, uint32_t now_ms)
{
	return (int32_t)(time_ms - now_ms);
}

size_t held_expire(struct held *held, uint32_t now_ms,
		   struct queue_packet *packets, size_t max)
{
	bool stays[HELD_MAX];
	size_t n = 0;

	for (size_t i = 0; i < held->n; i++) {
		const struct place *place = place_at(held, i);

		stays[i] = n == max || until(place->due_ms, now_ms) > 0;
		if (!stays[i])
			packets[n++] = place->packet;
	}
	if (n > 0)
		held_sort_out(held, 0, stays, held->n);
	return n;
}

int held_wait_ms(const struct held *held, uint32_t now_ms)
{
	int wait_ms = -1;

	for (size_t i = 0; i < held->n; i++) {
		int32_t ms = until(place_at(held, i)->due_ms, now_ms);

		if (ms < 0)
			ms = 0;
		if (wait_ms < 0 || ms < wait_ms)
			wait_ms = ms;
	}
	return wait_ms;
}
