/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kube/base64.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* 0 to 63; -1: none of its letters */
static int value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Letters of six bits each, then '=' up to a multiple of four. */
static int decode(const char *text, char *out, size_t *len)
{
	size_t n_letters = 0, n_pads = 0;
	uint32_t bits = 0;

	*len = 0;
	for (const char *p = text; *p; p++) {
		int value = value_of(*p);

		if (is_blank(*p))
			continue;
		if (*p == '=') {
			n_pads++;
			continue;
		}
		if (value < 0 || n_pads > 0)
			return -EINVAL;
		bits = bits << 6 | (uint32_t)value;
		if (n_letters++ % 4 != 0)
			out[(*len)++] =
				(char)(bits >> (6 - 2 * ((n_letters - 1) % 4)));
	}
	if (n_letters % 4 == 1 || n_pads != (4 - n_letters % 4) % 4)
		return -EINVAL;
	return 0;
}

int base64_decode(const char *text, char **out)
{
	char *bytes = malloc(strlen(text) + 1);
	size_t len;
	int r;

	if (!bytes)
		return -ENOMEM;
	r = decode(text, bytes, &len);
	if (r == 0 && memchr(bytes, '\0', len))
		r = -EINVAL;
	if (r < 0) {
		free(bytes);
		return r;
	}
	bytes[len] = '\0';
	*out = bytes;
	return 0;
}
