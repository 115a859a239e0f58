/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stddef.h>
#include <stdint.h>

#include "manifest_feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever it begins with, it is read as YAML. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	feed_manifest("---\n", data, size);
	return 0;
}
