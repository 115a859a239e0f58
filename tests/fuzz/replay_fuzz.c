/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes may be given as a capture. Whatever they are, they are read to the
 * end or there is a message, each packet is counted once, and what is told of a
 * flow is what was decided about it.
 *
 * The text of an input: a byte, whose lowest bit says whether to look into
 * tunnels, then the capture.
 */
#include <stdint.h>
#include <stdlib.h>

#include "daemon/played_bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct snapshot *snapshot;
	struct played_bytes out;

	if (!snapshot)
		snapshot = played_world();
	if (size < 2)
		return 0;
	play_bytes(snapshot, data + 1, size - 1, data[0] & 1, &out);
	if (out.wrong)
		abort();
	return 0;
}
