/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stddef.h>
#include <stdint.h>

#include "manifest_feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Only what begins with a brace is read as JSON; put it there. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	feed_manifest(size > 0 && data[0] == '{' ? "" : "{", data, size);
	return 0;
}
