/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_REACH_BITS_H
#define NETPOLD_POLICY_REACH_BITS_H

#include "netpold/arena.h"
#include "netpold/reach.h"

/**
 * Sets of classes while they are made: all of the words, and which of them are
 * not zero, so that small sets cost little among many classes.
 */
struct bit_field {
	uint64_t *words;
	uint32_t first, end; /* words outside are zero; equal: all are */
};

/** Room for so many classes, all zero; 0 or -ENOMEM. */
int bit_field_init(struct bit_field *field, struct arena *arena, size_t n);

void bit_field_clear(struct bit_field *field);

static inline void bit_field_set(struct bit_field *field, uint32_t class)
{
	uint32_t word = class / 64;

	if (field->first == field->end)
		field->first = word, field->end = word + 1;
	field->first = word < field->first ? word : field->first;
	field->end = word < field->end ? field->end : word + 1;
	field->words[word] |= UINT64_C(1) << class % 64;
}

/** Put all of a set into it. */
void bit_field_add(struct bit_field *field, const struct class_bits *bits);

/** Take out what is not in a set. */
void bit_field_limit(struct bit_field *field, const struct class_bits *bits);

/** What is in it, where it is. */
struct class_bits bit_field_bits(const struct bit_field *field);

/** A copy of what is in it. 0 or -ENOMEM. */
int bit_field_keep(const struct bit_field *field, struct arena *arena,
		   struct class_bits *out);

/** A set without the zeros at its ends. */
struct class_bits class_bits_trimmed(struct class_bits bits);

/** Whether two sets are the same, both without zeros at their ends. */
bool class_bits_equal(const struct class_bits *a, const struct class_bits *b);

static inline uint64_t class_bits_word(const struct class_bits *bits,
				       uint32_t word)
{
	return word - bits->first < bits->n ? bits->words[word - bits->first]
					    : 0;
}

#endif
