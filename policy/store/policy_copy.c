/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A copy is made in two steps. First the lists, one behind the other into one
 * piece of memory; the same walk without memory says how much they need. Then
 * each string of the copy is replaced by its interned twin; the same walk drops
 * them again.
 */
#include "store/policy_copy.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* ---- lists -------------------------------------------------------------- */

struct room {
	unsigned char *memory; /* NULL: only count */
	size_t used;
};

/* A copy of a list; NULL where it is empty, or only counted. */
static void *take(struct room *room, const void *items, size_t n, size_t size)
{
	const size_t align = sizeof(void *);
	void *copy = NULL;

	if (n == 0)
		return NULL;
	if (room->memory)
		copy = memcpy(room->memory + room->used, items, n * size);
	room->used += (n * size + align - 1) / align * align;
	return copy;
}

static struct selector take_selector(struct room *room,
				     const struct selector *from)
{
	struct requirement *copy =
		take(room, from->requirements, from->n, sizeof(*copy));

	for (size_t i = 0; i < from->n; i++) {
		const struct requirement *r = &from->requirements[i];
		const char **values =
			take(room, r->values, r->n_values, sizeof(*values));

		if (copy)
			copy[i].values = values;
	}
	return (struct selector){ copy, copy ? from->n : 0 };
}

static const struct selector *
take_optional_selector(struct room *room, const struct selector *from)
{
	struct selector *copy, inner;

	if (!from)
		return NULL;
	copy = take(room, from, 1, sizeof(*copy));
	inner = take_selector(room, from);
	if (copy)
		*copy = inner;
	return copy;
}

static const struct peer *take_peers(struct room *room, const struct rule *from)
{
	struct peer *copy =
		take(room, from->peers, from->n_peers, sizeof(*copy));

	for (size_t i = 0; i < from->n_peers; i++) {
		const struct peer *p = &from->peers[i];
		const struct selector *pods, *namespaces;
		const struct cidr *except;

		pods = take_optional_selector(room, p->pod_selector);
		namespaces =
			take_optional_selector(room, p->namespace_selector);
		except = take(room, p->except, p->n_except, sizeof(*except));
		if (!copy)
			continue;
		copy[i].pod_selector = pods;
		copy[i].namespace_selector = namespaces;
		copy[i].except = except;
	}
	return copy;
}

static const struct rule *take_rules(struct room *room, const struct rule *from,
				     size_t n)
{
	struct rule *copy = take(room, from, n, sizeof(*copy));

	for (size_t i = 0; i < n; i++) {
		const struct peer *peers = take_peers(room, &from[i]);
		const struct policy_port *ports = take(
			room, from[i].ports, from[i].n_ports, sizeof(*ports));

		if (!copy)
			continue;
		copy[i].peers = peers;
		copy[i].ports = ports;
	}
	return copy;
}

static struct network_policy take_policy(struct room *room,
					 const struct network_policy *from)
{
	struct network_policy copy = *from;

	copy.pod_selector = take_selector(room, &from->pod_selector);
	for (int dir = 0; dir < N_DIRECTIONS; dir++)
		copy.rules[dir] =
			take_rules(room, from->rules[dir], from->n_rules[dir]);
	return copy;
}

/* ---- strings ------------------------------------------------------------ */

struct exchange {
	struct intern_pool *pool;
	bool dropping; /* else interning */
	bool failed;
};

/* NULL stays NULL: there is no string, or there was no memory for it. */
static void exchange(struct exchange *x, const char **place)
{
	if (x->dropping) {
		intern_drop(x->pool, *place);
	} else if (*place) {
		*place = x->failed ? NULL : intern(x->pool, *place);
		x->failed |= !*place;
	}
}

/* What a copy points to is its own memory, which nobody else has seen yet. */
static void *own(const void *of_copy)
{
	return (void *)(uintptr_t)of_copy;
}

static void exchange_selector(struct exchange *x,
			      const struct selector *selector)
{
	struct requirement *requirements = own(selector->requirements);

	for (size_t i = 0; i < selector->n; i++) {
		const char **values = own(requirements[i].values);

		exchange(x, &requirements[i].key);
		for (size_t k = 0; k < requirements[i].n_values; k++)
			exchange(x, &values[k]);
	}
}

static void exchange_rule(struct exchange *x, const struct rule *rule)
{
	struct policy_port *ports = own(rule->ports);

	for (size_t i = 0; i < rule->n_peers; i++) {
		const struct peer *peer = &rule->peers[i];

		if (peer->pod_selector)
			exchange_selector(x, peer->pod_selector);
		if (peer->namespace_selector)
			exchange_selector(x, peer->namespace_selector);
	}
	for (size_t i = 0; i < rule->n_ports; i++)
		exchange(x, &ports[i].name);
}

static void exchange_policy(struct exchange *x, struct network_policy *policy)
{
	exchange(x, &policy->namespace);
	exchange(x, &policy->name);
	exchange(x, &policy->uid);
	exchange_selector(x, &policy->pod_selector);
	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		for (size_t i = 0; i < policy->n_rules[dir]; i++)
			exchange_rule(x, &policy->rules[dir][i]);
	}
}

/* ---- both --------------------------------------------------------------- */

size_t policy_copy_size(const struct network_policy *policy)
{
	struct room room = { 0 };

	take_policy(&room, policy);
	return room.used;
}

int policy_copy(struct intern_pool *pool, const struct network_policy *from,
		void *memory, struct network_policy *out)
{
	struct room room = { .memory = memory };
	struct exchange x = { .pool = pool };

	*out = take_policy(&room, from);
	exchange_policy(&x, out);
	if (!x.failed)
		return 0;
	policy_drop(pool, out);
	return -ENOMEM;
}

void policy_drop(struct intern_pool *pool, struct network_policy *copy)
{
	struct exchange x = { .pool = pool, .dropping = true };

	exchange_policy(&x, copy);
}

size_t selector_copy_size(const struct selector *selector)
{
	struct room room = { 0 };

	take_selector(&room, selector);
	return room.used;
}

int selector_copy(struct intern_pool *pool, const struct selector *from,
		  void *memory, struct selector *out)
{
	struct room room = { .memory = memory };
	struct exchange x = { .pool = pool };

	*out = take_selector(&room, from);
	exchange_selector(&x, out);
	if (!x.failed)
		return 0;
	selector_drop(pool, out);
	return -ENOMEM;
}

void selector_drop(struct intern_pool *pool, struct selector *copy)
{
	struct exchange x = { .pool = pool, .dropping = true };

	exchange_selector(&x, copy);
}
