/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes become lines, and lines records or messages. Lines are counted, what is
 * read of a record is whole, and what is said of a line that is none is fit for
 * a terminal.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netpold/object.h"

#include "records/record_reader.h"

static void check_message(const struct err *err)
{
	if (strncmp(err->message, "f:", 2) != 0)
		abort();
	for (const char *p = err->message; *p; p++) {
		if (*p < ' ' || *p > '~')
			abort();
	}
}

static void check_end(const struct record_seen *seen,
		      const struct record_end *end)
{
	if (!*end->namespace != !*end->pod ||
	    strnlen(end->pod, sizeof(end->pod)) == sizeof(end->pod) ||
	    strnlen(end->owner_name, sizeof(end->owner_name)) ==
		    sizeof(end->owner_name))
		abort();
	if (!seen->is_unasked && end->addr.family != IP_V4 &&
	    end->addr.family != IP_V6)
		abort();
}

static void check_record(const struct record_seen *seen)
{
	check_end(seen, &seen->from);
	check_end(seen, &seen->to);
	if (!seen->is_unasked && seen->from.addr.family != seen->to.addr.family)
		abort();
	if ((seen->has_port && !protocol_has_ports(seen->protocol)) ||
	    seen->count == 0)
		abort();
}

static void read_all(struct record_reader *reader)
{
	struct record_seen seen = { .line = 0 };
	size_t line = 0;
	struct err err;
	int r;

	while ((r = record_reader_next(reader, &seen, &err)) != 0) {
		if (r == -EINVAL) {
			check_message(&err);
			continue;
		}
		if (r < 0 || seen.line <= line)
			abort();
		line = seen.line;
		check_record(&seen);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record_reader *reader;
	char *copy;
	FILE *in;

	if (size == 0)
		return 0;
	copy = malloc(size);
	if (!copy)
		return 0;
	memcpy(copy, data, size);
	in = fmemopen(copy, size, "r");
	if (!in || record_reader_open(in, "f", &reader, NULL) < 0)
		abort();
	read_all(reader);
	record_reader_close(reader);
	fclose(in);
	free(copy);
	return 0;
}
