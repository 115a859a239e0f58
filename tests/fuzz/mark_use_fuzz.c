/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Listings of iptables-save(8): whatever they say, a use lies inside of them
   and is of bits that were asked for. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/mark_use.h"

#define MASK 0x0000107f

struct listing {
	const char *text;
	size_t len;
};

static void check(void *ctx, const struct mark_use *use)
{
	const struct listing *listing = ctx;

	if (use->rule < listing->text ||
	    use->rule + use->len > listing->text + listing->len ||
	    use->bits == 0 || (use->bits & ~MASK) ||
	    memchr(use->rule, '\n', use->len))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct listing listing = { text, size };

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	mark_uses_find(text, MASK, check, &listing);
	free(text);
	return 0;
}
