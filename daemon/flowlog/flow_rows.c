/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A row is found by a hash of its key: the numbers of what it is about, and its
 * texts, each with its end, so that no two keys are alike that are not (L25).
 * The texts of the row are those in its key.
 *
 * Which row makes room is found by looking at all of them. That is some
 * microseconds, and is for a new row only, of which so many are made in a
 * second (flow_watch.c).
 */
#include "flowlog/flow_rows.h"

#include <stdlib.h>
#include <string.h>

#include "netpold/hash.h"

#define NONE UINT32_MAX
#define N_TEXTS 6
#define N_NUMBERS 7

/* A key: numbers, then texts. */
struct key {
	char bytes[N_NUMBERS + N_TEXTS * FLOW_ROW_TEXT];
	size_t len;
};

struct place {
	struct flow_row row;
	int64_t seen_us; /* steady */
	char *key;	 /* the row's texts are in it */
	size_t key_len;
	uint32_t next_alike; /* of the same bucket */
};

struct flow_rows {
	uint32_t max, n;
	uint64_t hash_key[2];
	uint64_t last_id, n_gone;
	struct place *places;
	uint32_t *buckets; /* as many as places */
};

struct flow_rows *flow_rows_new(uint32_t max, const uint64_t hash_key[2])
{
	struct flow_rows *rows = calloc(1, sizeof(*rows));

	if (!rows)
		return NULL;
	rows->places = calloc(max, sizeof(*rows->places));
	rows->buckets = malloc(max * sizeof(*rows->buckets));
	if (!rows->places || !rows->buckets) {
		flow_rows_free(rows);
		return NULL;
	}
	memset(rows->buckets, 0xff, max * sizeof(*rows->buckets));
	memcpy(rows->hash_key, hash_key, sizeof(rows->hash_key));
	rows->max = max;
	return rows;
}

void flow_rows_free(struct flow_rows *rows)
{
	if (!rows)
		return;
	for (uint32_t i = 0; i < rows->n; i++)
		free(rows->places[i].key);
	free(rows->places);
	free(rows->buckets);
	free(rows);
}

/* ---- keys ---------------------------------------------------------------- */

static void add_text(struct key *key, const char *text)
{
	size_t len = strnlen(text, FLOW_ROW_TEXT - 1);

	memcpy(key->bytes + key->len, text, len);
	key->len += len;
	key->bytes[key->len++] = '\0';
}

static void make_key(struct key *key, const struct flow_about *about)
{
	const uint8_t numbers[N_NUMBERS] = {
		(uint8_t)(about->port >> 8),
		(uint8_t)about->port,
		about->protocol,
		about->has_port,
		about->is_audit,
		(uint8_t)about->verdict,
		(uint8_t)about->would,
	};

	memcpy(key->bytes, numbers, sizeof(numbers));
	key->len = sizeof(numbers);
	add_text(key, about->from);
	add_text(key, about->from_kind);
	add_text(key, about->to);
	add_text(key, about->to_kind);
	add_text(key, about->why);
	add_text(key, about->would_why);
}

/* The next text of a key; moves on to the one after it. */
static const char *take_text(const char **at)
{
	const char *text = *at;

	*at += strlen(text) + 1;
	return text;
}

static void read_texts(struct flow_about *about, const char *key)
{
	const char *at = key + N_NUMBERS;

	about->from = take_text(&at);
	about->from_kind = take_text(&at);
	about->to = take_text(&at);
	about->to_kind = take_text(&at);
	about->why = take_text(&at);
	about->would_why = take_text(&at);
}

static uint32_t *bucket_of(const struct flow_rows *rows, const char *key,
			   size_t len)
{
	return &rows->buckets[hash_keyed(rows->hash_key, key, len) % rows->max];
}

static uint32_t find(const struct flow_rows *rows, const struct key *key)
{
	uint32_t i = *bucket_of(rows, key->bytes, key->len);

	while (i != NONE &&
	       (rows->places[i].key_len != key->len ||
		memcmp(rows->places[i].key, key->bytes, key->len) != 0))
		i = rows->places[i].next_alike;
	return i;
}

/* ---- rows ---------------------------------------------------------------- */

static uint32_t oldest(const struct flow_rows *rows)
{
	uint32_t found = 0;

	for (uint32_t i = 1; i < rows->n; i++)
		if (rows->places[i].seen_us < rows->places[found].seen_us)
			found = i;
	return found;
}

static void forget(struct flow_rows *rows, uint32_t i)
{
	struct place *place = &rows->places[i];
	uint32_t *link = bucket_of(rows, place->key, place->key_len);

	while (*link != i)
		link = &rows->places[*link].next_alike;
	*link = place->next_alike;
	free(place->key);
	*place = (struct place){ .key = NULL };
	rows->n_gone++;
}

static uint32_t take_place(struct flow_rows *rows)
{
	uint32_t i;

	if (rows->n < rows->max)
		return rows->n++;
	i = oldest(rows);
	forget(rows, i);
	return i;
}

static uint32_t make(struct flow_rows *rows, const struct flow_about *about,
		     const struct key *key, int64_t now_us)
{
	char *own_key = malloc(key->len);
	uint32_t *bucket, i;
	struct place *place;

	if (!own_key)
		return NONE;
	memcpy(own_key, key->bytes, key->len);
	i = take_place(rows);
	place = &rows->places[i];
	*place = (struct place){ .key = own_key,
				 .key_len = key->len,
				 .seen_us = now_us };
	place->row.id = ++rows->last_id;
	place->row.about = *about;
	read_texts(&place->row.about, own_key);
	bucket = bucket_of(rows, own_key, key->len);
	place->next_alike = *bucket;
	*bucket = i;
	return i;
}

uint32_t flow_rows_place(struct flow_rows *rows, const struct flow_about *about,
			 int64_t now_us)
{
	struct key key;
	uint32_t i;

	make_key(&key, about);
	i = find(rows, &key);
	return i != NONE ? i : make(rows, about, &key, now_us);
}

/* Those of several workers do not come in order. */
void flow_rows_count(struct flow_rows *rows, uint32_t place,
		     const struct flow_amount *amount, int64_t now_us)
{
	struct flow_row *row = &rows->places[place].row;

	if (row->count == 0)
		row->first_us = row->last_us = amount->at_us;
	if (row->first_us > amount->at_us)
		row->first_us = amount->at_us;
	if (row->last_us < amount->at_us)
		row->last_us = amount->at_us;
	row->count += amount->packets;
	row->bytes += amount->bytes;
	rows->places[place].seen_us = now_us;
	flow_rate_add(&row->rate, amount->packets, now_us);
}

uint32_t flow_rows_n(const struct flow_rows *rows)
{
	return rows->n;
}

const struct flow_row *flow_rows_at(const struct flow_rows *rows,
				    uint32_t place)
{
	return &rows->places[place].row;
}

uint64_t flow_rows_n_gone(const struct flow_rows *rows)
{
	return rows->n_gone;
}
