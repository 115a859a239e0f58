/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "netpold/api_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Strings are in the room that they were given, or are empty. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t room = size % 97 + 1;
	char *buf = malloc(room), *body = malloc(size ? size : 1);
	struct api_status status;

	if (!buf || !body)
		abort();
	if (size)
		memcpy(body, data, size);
	api_status_read(body, size, buf, room, &status);
	if (strlen(status.reason) + strlen(status.message) >= room + 1 ||
	    status.code < 0 || status.retry_after_s < 0)
		abort();
	free(body);
	free(buf);
	return 0;
}
