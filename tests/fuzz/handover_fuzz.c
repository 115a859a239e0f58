/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes come over the connection of a hand-over. Each wait for a word ends, and
 * only the terms themselves agree, of whatever comes as terms.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <jansson.h>

#include "handover/terms.h"
#include "handover/wire.h"

static void check_wire(const uint8_t *data, size_t size)
{
	static const char *const words[] = { "agreed", "queues", "resting" };
	struct wire wire;
	int fds[2], r = 0;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) < 0 ||
	    send(fds[1], data, size, 0) != (ssize_t)size)
		abort();
	shutdown(fds[1], SHUT_WR);
	wire_open(&wire, fds[0]);
	for (size_t i = 0; r == 0 || r == -EPROTO; i++) {
		struct err err;

		r = wire_await(&wire, words[i % 3], 1000, &err);
		if (r == -ETIMEDOUT || i > size + 1)
			abort(); /* nothing more can come */
		if (wire.in_len == sizeof(wire.in))
			break;
	}
	wire_close(&wire);
	wire_open(&wire, fds[1]);
	wire_close(&wire);
}

static void check_terms(const uint8_t *data, size_t size)
{
	static const struct enforcement_options options = { .n_workers = 1 };
	struct terms terms;
	json_t *ours, *theirs;

	if (terms_init(&terms, &options, IPTABLES_NFT, "n", NULL) < 0)
		abort();
	ours = terms_to_json(&terms);
	theirs = json_loadb((const char *)data, size, JSON_DECODE_ANY, NULL);
	if (terms_agree(&terms, ours, NULL) < 0)
		abort();
	if (terms_agree(&terms, theirs, NULL) == 0) {
		json_object_update_existing(theirs, ours);
		if (!json_is_object(theirs))
			abort();
	}
	json_decref(theirs);
	json_decref(ours);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0 || size > 16384)
		return 0;
	check_wire(data, size);
	check_terms(data, size);
	return 0;
}
