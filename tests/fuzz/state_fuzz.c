/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file that stands in the state folder. The first byte says what of it is
 * made up: all of the file, which is read if it is what its first line says; or
 * what follows that line, which then is a pause, or a cluster, or is refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pause.h"
#include "netpold/cluster.h"

#include "source/warm_file.h"
#include "state_file.h"

#define BOOT "01234567-89ab-cdef-0123-456789abcdef"
#define SIZE_MAX_TRIED 4096

static const struct state_kind kind = { "fuzz", 1, SIZE_MAX_TRIED };
static char folder[64];

static void remove_folder(void)
{
	state_file_remove(folder, &kind, NULL);
	rmdir(folder);
}

static void make_folder(void)
{
	snprintf(folder, sizeof(folder), "/tmp/netpold-fuzz-XXXXXX");
	if (!mkdtemp(folder))
		abort();
	atexit(remove_folder);
}

static void put(const uint8_t *data, size_t size)
{
	char path[96];
	int fd;

	snprintf(path, sizeof(path), "%s/fuzz", folder);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	close(fd);
}

/* What is read has the length that the file says, and no more. */
static void read_file(size_t size)
{
	struct state_reader *reader;
	char text[SIZE_MAX_TRIED + 1];
	struct err err = { 0 };
	int r = state_reader_open(folder, &kind, &reader, &err);

	if (r < 0) {
		if (!*err.message)
			abort();
		return;
	}
	if (state_reader_read(reader, text, sizeof(text)) !=
		    (long)(size - STATE_HEADER_LEN) ||
	    state_reader_read(reader, text, sizeof(text)) != 0)
		abort();
	state_reader_close(reader);
}

static void read_pause(const uint8_t *data, size_t size)
{
	struct pause pause;
	struct err err = { 0 };
	int found =
		pause_parse((const char *)data, size, BOOT, "n", &pause, &err);

	if (found == PAUSE_NONE || (found < 0 && !*err.message))
		abort();
	if (found == PAUSE_STANDS &&
	    (pause_left_us(&pause) > PAUSE_MAX_S * INT64_C(1000000) ||
	     pause_check_reason(pause.reason, NULL) < 0))
		abort();
}

struct bytes {
	const uint8_t *data;
	size_t size, piece;
};

static long give(void *ctx, char *buf, size_t size)
{
	struct bytes *bytes = ctx;
	size_t n = bytes->size < size ? bytes->size : size;

	if (n > bytes->piece)
		n = bytes->piece;
	memcpy(buf, bytes->data, n);
	bytes->data += n;
	bytes->size -= n;
	return (long)n;
}

static int look_for_address(void *ctx, const struct object *object)
{
	(void)ctx;
	if (strcmp(object->pod.node_name, "n") == 0 &&
	    object->pod.n_addresses > 0)
		abort();
	return 0;
}

static void read_warm(const uint8_t *data, size_t size)
{
	static const struct warm_owner owner = { "n", "s" };
	struct bytes bytes = { data, size, size % 61 + 1 };
	struct warm_state state = { 0 };
	struct err err = { 0 };

	if (warm_file_parse(give, &bytes, BOOT, &owner, &state, &err) < 0) {
		if (state.cluster || !*err.message)
			abort();
		return;
	}
	if (state.rebooted)
		cluster_each(state.cluster, OBJECT_POD, look_for_address, NULL);
	warm_state_release(&state);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!*folder)
		make_folder();
	if (size < 1 || size > SIZE_MAX_TRIED)
		return 0;
	if (data[0] == 'f') {
		put(data + 1, size - 1);
		read_file(size - 1);
	} else if (data[0] == 'w') {
		read_warm(data + 1, size - 1);
	} else {
		read_pause(data + 1, size - 1);
	}
	return 0;
}
