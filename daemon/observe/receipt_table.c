/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/receipt_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "netpold/hash.h"

#define FIRST_BUCKETS 64

const char *receipt_entry_namespace(const struct receipt_entry *entry)
{
	return entry->names;
}

const char *receipt_entry_name(const struct receipt_entry *entry)
{
	return entry->names + entry->namespace_len + 1;
}

static uint64_t hash_names(const struct receipt_table *table,
			   const char *namespace, const char *name)
{
	const uint64_t parts[] = {
		hash_keyed(table->hash_key, namespace, strlen(namespace)),
		hash_keyed(table->hash_key, name, strlen(name)),
	};

	return hash_keyed(table->hash_key, parts, sizeof(parts));
}

static struct receipt_entry **bucket_of(const struct receipt_table *table,
					uint64_t hash)
{
	return &table->buckets[hash & (table->n_buckets - 1)];
}

static bool has_names(const struct receipt_entry *entry, const char *namespace,
		      const char *name)
{
	return strcmp(receipt_entry_namespace(entry), namespace) == 0 &&
	       strcmp(receipt_entry_name(entry), name) == 0;
}

struct receipt_entry *receipt_table_find(const struct receipt_table *table,
					 const char *namespace,
					 const char *name)
{
	uint64_t hash = hash_names(table, namespace, name);
	struct receipt_entry *entry = *bucket_of(table, hash);

	while (entry &&
	       (entry->hash != hash || !has_names(entry, namespace, name)))
		entry = entry->next;
	return entry;
}

static void link_in(struct receipt_table *table, struct receipt_entry *entry)
{
	struct receipt_entry **bucket = bucket_of(table, entry->hash);

	entry->next = *bucket;
	*bucket = entry;
}

/* Where there is no memory for more buckets, they get fuller. */
static void grow(struct receipt_table *table)
{
	struct receipt_entry **old = table->buckets, *next;
	size_t n_old = table->n_buckets;
	struct receipt_entry **grown =
		calloc(2 * n_old, sizeof(struct receipt_entry *));

	if (!grown)
		return;
	table->buckets = grown;
	table->n_buckets = 2 * n_old;
	for (size_t i = 0; i < n_old; i++) {
		for (struct receipt_entry *e = old[i]; e; e = next) {
			next = e->next;
			link_in(table, e);
		}
	}
	free(old);
}

struct receipt_entry *receipt_table_add(struct receipt_table *table,
					const char *namespace, const char *name)
{
	size_t namespace_len = strlen(namespace), name_len = strlen(name);
	struct receipt_entry *entry =
		calloc(1, sizeof(*entry) + namespace_len + name_len + 2);

	if (!entry)
		return NULL;
	entry->hash = hash_names(table, namespace, name);
	entry->namespace_len = (uint32_t)namespace_len;
	memcpy(entry->names, namespace, namespace_len + 1);
	memcpy(entry->names + namespace_len + 1, name, name_len + 1);
	if (table->n_entries >= table->n_buckets)
		grow(table);
	link_in(table, entry);
	table->n_entries++;
	return entry;
}

void receipt_table_remove(struct receipt_table *table,
			  struct receipt_entry *entry)
{
	struct receipt_entry **at = bucket_of(table, entry->hash);

	while (*at != entry)
		at = &(*at)->next;
	*at = entry->next;
	table->n_entries--;
	free(entry);
}

int receipt_table_init(struct receipt_table *table, struct err *err)
{
	*table = (struct receipt_table){ .n_buckets = FIRST_BUCKETS };
	if (getrandom(table->hash_key, sizeof(table->hash_key), 0) !=
	    sizeof(table->hash_key))
		return err_set(err, -errno, "cannot draw a random key: %s",
			       strerror(errno));
	table->buckets = calloc(FIRST_BUCKETS, sizeof(struct receipt_entry *));
	return table->buckets ? 0
			      : err_set(err, -ENOMEM, "no memory for receipts");
}

void receipt_table_release(struct receipt_table *table)
{
	struct receipt_entry *next;

	for (size_t i = 0; i < table->n_buckets; i++) {
		for (struct receipt_entry *e = table->buckets[i]; e; e = next) {
			next = e->next;
			free(e);
		}
	}
	free(table->buckets);
	*table = (struct receipt_table){ 0 };
}
