/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_FLOW_TABLE_H
#define NETPOLD_POLICY_FLOW_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netpold/track.h"

/**
 * Flows in the order in which they were opened, found by their two ends.
 *
 * A flow has one key for both directions: the lower end (address, port) comes
 * first. A flow that is not in the table any more keeps its place in the order
 * until it is handed out.
 */

enum key_kind {
	KEY_PLAIN = 0,
	KEY_PORTS,
	KEY_ECHO_FROM_LOW,
	KEY_ECHO_FROM_HIGH,
	KEY_UNTRACKED,
};

/** No padding: it is hashed and compared as bytes. */
struct flow_table_key {
	uint8_t low[16];
	uint8_t high[16];
	uint16_t low_port;  /* id of an echo, hop limit of what is untracked */
	uint16_t high_port; /* the same */
	uint8_t family;
	uint8_t protocol;
	uint8_t kind; /* enum key_kind */
	uint8_t zero;
};

struct flow_entry {
	struct flow flow;
	struct flow_table_key key;
	uint32_t next; /* in its chain; the table's own */
	uint32_t hash; /* of the key; likewise */
	uint8_t state; /* enum flow_state */
	bool in_table;
	bool opened_by_low;
	bool closed[N_FLOW_WAYS]; /* a FIN was seen */
};

struct flow_table {
	uint64_t hash_key[2];
	struct flow_entry *entries;
	uint32_t *chains; /* twice as many as entries */
	size_t n_entries; /* a power of two */
	uint64_t head;	  /* number of the flow that was opened first */
	size_t count;
};

/** Returns 0, or -ENOMEM. */
int flow_table_init(struct flow_table *table, const uint64_t hash_key[2]);
void flow_table_release(struct flow_table *table);

/** What a key is found by. */
uint32_t flow_table_hash(const struct flow_table *table,
			 const struct flow_table_key *key);

/** Fetch what will be looked at first for a key, and, once that is there, what
 *  will be looked at then: memory is slow, and waits for many at a time. */
void flow_table_fetch(const struct flow_table *table, uint32_t hash);
void flow_table_fetch_entry(const struct flow_table *table, uint32_t hash);

/**
 * A new flow under a key that is not in the table.
 *
 * @hash  flow_table_hash() of the key
 *
 * Entries move when the table grows: older pointers are void.
 *
 * Returns  0 with an entry that is zero but for key and flow.number; -ENOMEM.
 */
int flow_table_add(struct flow_table *table, const struct flow_table_key *key,
		   uint32_t hash, struct flow_entry **out);

struct flow_entry *flow_table_find(const struct flow_table *table,
				   const struct flow_table_key *key,
				   uint32_t hash);

/** Its key may be used anew. */
void flow_table_remove(struct flow_table *table, struct flow_entry *entry);

/** A flow by its number; NULL when it was handed out. */
struct flow_entry *flow_table_by_number(const struct flow_table *table,
					uint64_t number);

/** The flow that was opened first, or NULL. */
struct flow_entry *flow_table_first(const struct flow_table *table);

/** Forget that flow altogether. */
void flow_table_drop_first(struct flow_table *table);

#endif
