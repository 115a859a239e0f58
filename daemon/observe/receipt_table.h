/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_RECEIPT_TABLE_H
#define NETPOLD_DAEMON_OBSERVE_RECEIPT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netpold/err.h"

#include "observe/receipt_uid.h"

/**
 * Policies by their names, which are pairs (L25), each with what is known of it
 * being in force. Whoever can name policies cannot make it slow (hash.h).
 *
 * Threads  one at a time; receipts.c says who.
 */
struct receipt_entry {
	struct receipt_entry *next; /* in its bucket */
	uint64_t hash;		    /* of its names */
	/* of receipts.c, under its lock */
	bool in_force;
	bool staged;
	char uid[RECEIPT_UID_SIZE];
	int64_t generation;
	int64_t since_us;
	/* of receipts.c, controller only */
	uint64_t fingerprint; /* of what is in force */
	uint64_t round;	      /* of receipts_assign() that saw it last */
	uint64_t turn;	      /* of receipts_in_force(), likewise */
	uint32_t n_steps;     /* that are to come */
	uint32_t namespace_len;
	char names[]; /* "NAMESPACE\0NAME\0" */
};

struct receipt_table {
	uint64_t hash_key[2];
	struct receipt_entry **buckets;
	size_t n_buckets; /* a power of two */
	size_t n_entries;
};

/** 0, or a negative errno with a message. */
int receipt_table_init(struct receipt_table *table, struct err *err);
void receipt_table_release(struct receipt_table *table);

/** NULL where it is not there. */
struct receipt_entry *receipt_table_find(const struct receipt_table *table,
					 const char *namespace,
					 const char *name);

/** Add one that is not there, all of it zero; NULL without memory. */
struct receipt_entry *receipt_table_add(struct receipt_table *table,
					const char *namespace,
					const char *name);

/** It is freed. */
void receipt_table_remove(struct receipt_table *table,
			  struct receipt_entry *entry);

const char *receipt_entry_namespace(const struct receipt_entry *entry);
const char *receipt_entry_name(const struct receipt_entry *entry);

#endif
