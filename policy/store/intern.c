/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "intern.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BUCKETS 256

struct interned {
	struct interned *next;
	uint64_t hash;
	size_t n_users;
	char text[];
};

/* FNV-1a, folded. */
static uint64_t hash_text(const char *text)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3;
	return hash ^ hash >> 32;
}

static struct interned **bucket(const struct intern_pool *pool, uint64_t hash)
{
	return &pool->buckets[hash & (pool->n_buckets - 1)];
}

static int grow(struct intern_pool *pool)
{
	struct intern_pool grown = *pool;

	grown.n_buckets = pool->n_buckets ? pool->n_buckets * 2 : FIRST_BUCKETS;
	grown.buckets = calloc(grown.n_buckets, sizeof(struct interned *));
	if (!grown.buckets)
		return -1;
	for (size_t i = 0; i < pool->n_buckets; i++) {
		struct interned *string = pool->buckets[i];

		while (string) {
			struct interned *next = string->next;
			struct interned **head = bucket(&grown, string->hash);

			string->next = *head;
			*head = string;
			string = next;
		}
	}
	free(pool->buckets);
	*pool = grown;
	return 0;
}

static const char *add(struct intern_pool *pool, const char *text,
		       uint64_t hash)
{
	size_t size = strlen(text) + 1;
	struct interned *string, **head;

	if (pool->n_strings >= pool->n_buckets && grow(pool) < 0)
		return NULL;
	string = malloc(sizeof(*string) + size);
	if (!string)
		return NULL;
	head = bucket(pool, hash);
	string->next = *head;
	string->hash = hash;
	string->n_users = 1;
	memcpy(string->text, text, size);
	*head = string;
	pool->n_strings++;
	pool->n_bytes += size;
	return string->text;
}

const char *intern(struct intern_pool *pool, const char *text)
{
	uint64_t hash = hash_text(text);
	struct interned *string = NULL;

	if (pool->buckets)
		string = *bucket(pool, hash);
	while (string &&
	       (string->hash != hash || strcmp(string->text, text) != 0))
		string = string->next;
	if (!string)
		return add(pool, text, hash);
	string->n_users++;
	return string->text;
}

void intern_drop(struct intern_pool *pool, const char *text)
{
	struct interned **link, *string;

	if (!text)
		return;
	link = bucket(pool, hash_text(text));
	while ((*link)->text != text)
		link = &(*link)->next;
	string = *link;
	if (--string->n_users > 0)
		return;
	*link = string->next;
	pool->n_strings--;
	pool->n_bytes -= strlen(text) + 1;
	free(string);
}

void intern_release(struct intern_pool *pool)
{
	for (size_t i = 0; i < pool->n_buckets; i++) {
		while (pool->buckets[i]) {
			struct interned *string = pool->buckets[i];

			pool->buckets[i] = string->next;
			free(string);
		}
	}
	free(pool->buckets);
	*pool = (struct intern_pool){ 0 };
}
