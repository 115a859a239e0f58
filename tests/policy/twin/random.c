/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "random.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

uint64_t random_next(struct random *random)
{
	uint64_t z = random->state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

size_t random_below(struct random *random, size_t n)
{
	return (size_t)(random_next(random) % n);
}

long random_between(struct random *random, long first, long last)
{
	return first + (long)random_below(random, (size_t)(last - first + 1));
}

bool random_percent(struct random *random, unsigned int percent)
{
	return random_below(random, 100) < percent;
}

void random_order(struct random *random, size_t *order, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t j = random_below(random, i + 1);

		order[i] = order[j];
		order[j] = i;
	}
}

uint64_t random_setting(const char *variable, uint64_t otherwise)
{
	const char *text = getenv(variable);

	return text != NULL ? strtoull(text, NULL, 0) : otherwise;
}

void writer_add(struct writer *writer, const char *fmt, ...)
{
	va_list args;
	size_t n;

	va_start(args, fmt);
	n = (size_t)vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (writer->len + n >= writer->room) {
		writer->room = writer->room * 2 + n + 256;
		writer->data = realloc(writer->data, writer->room);
		if (writer->data == NULL)
			abort();
	}
	va_start(args, fmt);
	vsnprintf(writer->data + writer->len, n + 1, fmt, args);
	va_end(args);
	writer->len += n;
}

void writer_release(struct writer *writer)
{
	free(writer->data);
	*writer = (struct writer){ 0 };
}

char *writer_take(struct writer *writer)
{
	char *data = writer->data;

	*writer = (struct writer){ 0 };
	return data;
}
