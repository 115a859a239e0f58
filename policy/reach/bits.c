/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "reach/bits.h"

#include <errno.h>
#include <string.h>

int bit_field_init(struct bit_field *field, struct arena *arena, size_t n)
{
	*field = (struct bit_field){
		.words = arena_array(arena, n / 64 + 1, sizeof(uint64_t)),
	};
	return field->words ? 0 : -ENOMEM;
}

void bit_field_clear(struct bit_field *field)
{
	if (field->first < field->end)
		memset(field->words + field->first, 0,
		       (field->end - field->first) * sizeof(uint64_t));
	field->first = field->end = 0;
}

void bit_field_add(struct bit_field *field, const struct class_bits *bits)
{
	uint64_t *words = field->words + bits->first;
	uint32_t end = bits->first + bits->n;

	if (bits->n == 0)
		return;
	if (field->first == field->end)
		field->first = bits->first, field->end = end;
	field->first = bits->first < field->first ? bits->first : field->first;
	field->end = end > field->end ? end : field->end;
	for (uint32_t i = 0; i < bits->n; i++)
		words[i] |= bits->words[i];
}

void bit_field_limit(struct bit_field *field, const struct class_bits *bits)
{
	for (uint32_t i = field->first; i < field->end; i++)
		field->words[i] &= class_bits_word(bits, i);
}

struct class_bits bit_field_bits(const struct bit_field *field)
{
	return class_bits_trimmed(
		(struct class_bits){ field->words + field->first, field->first,
				     field->end - field->first });
}

int bit_field_keep(const struct bit_field *field, struct arena *arena,
		   struct class_bits *out)
{
	struct class_bits bits = bit_field_bits(field);
	uint64_t *words = arena_array(arena, bits.n, sizeof(*words));

	if (!words)
		return -ENOMEM;
	if (bits.n)
		memcpy(words, bits.words, bits.n * sizeof(*words));
	bits.words = words;
	*out = bits;
	return 0;
}

struct class_bits class_bits_trimmed(struct class_bits bits)
{
	while (bits.n > 0 && bits.words[bits.n - 1] == 0)
		bits.n--;
	for (; bits.n > 0 && *bits.words == 0; bits.n--) {
		bits.words++;
		bits.first++;
	}
	return bits;
}

bool class_bits_equal(const struct class_bits *a, const struct class_bits *b)
{
	if (a->n != b->n)
		return false;
	return a->n == 0 ||
	       (a->first == b->first &&
		memcmp(a->words, b->words, a->n * sizeof(uint64_t)) == 0);
}
