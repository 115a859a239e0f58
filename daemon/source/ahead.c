/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/ahead.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Enough for many packets of usual size; of huge ones there are fewer. */
#define MANY_BYTES ((size_t)256 << 10)

static bool make_room(struct ahead *ahead, size_t len)
{
	size_t room = ahead->room ? ahead->room : MANY_BYTES;
	uint8_t *frames;

	while (room - ahead->len < len)
		room *= 2;
	if (room == ahead->room)
		return true;
	frames = realloc(ahead->frames, room);
	if (!frames)
		return false;
	ahead->frames = frames;
	ahead->room = room;
	return true;
}

/* Keeps a packet beyond the next call of capture_next(). Where it is kept is
   told at the end (place_all()), since what is there may have to move. */
static int keep(struct ahead *ahead, enum capture_kind kind,
		const struct capture_packet *bytes, struct err *err)
{
	struct ahead_packet *packet = &ahead->packets[ahead->n];

	if (!make_room(ahead, bytes->frame_len))
		return err_set(err, -ENOMEM, "out of memory");
	memcpy(ahead->frames + ahead->len, bytes->frame, bytes->frame_len);
	ahead->len += bytes->frame_len;
	ahead->n++;
	packet->kind = kind;
	packet->bytes = *bytes;
	return 0;
}

static void place_all(struct ahead *ahead)
{
	const uint8_t *at = ahead->frames;

	for (size_t i = 0; i < ahead->n; i++) {
		struct capture_packet *bytes = &ahead->packets[i].bytes;
		size_t offset = (size_t)(bytes->ip - bytes->frame);

		bytes->frame = at;
		bytes->ip = at + offset;
		at += bytes->frame_len;
	}
}

static void look(struct ahead *ahead, const struct track *track)
{
	for (size_t i = 0; i < ahead->n; i++) {
		struct ahead_packet *packet = &ahead->packets[i];

		if (packet->kind != CAPTURE_IP)
			continue;
		packet->status = packet_parse(
			packet->bytes.ip, packet->bytes.len, &packet->packet);
		packet->place = track_look_ahead(track, packet->status,
						 &packet->packet);
	}
	for (size_t i = 0; i < ahead->n; i++) {
		if (ahead->packets[i].kind == CAPTURE_IP)
			track_fetch_ahead(track, &ahead->packets[i].place);
	}
}

int ahead_read(struct ahead *ahead, struct capture *capture,
	       const struct track *track, struct err *err)
{
	struct capture_packet bytes;
	int r = 0;

	ahead->n = 0;
	ahead->len = 0;
	while (r == 0 && ahead->n < AHEAD_MAX && ahead->len < MANY_BYTES) {
		int kind = capture_next(capture, &bytes, err);

		if (kind == CAPTURE_END)
			break;
		r = kind < 0
			    ? kind
			    : keep(ahead, (enum capture_kind)kind, &bytes, err);
	}
	place_all(ahead);
	look(ahead, track);
	return r;
}

void ahead_release(struct ahead *ahead)
{
	free(ahead->frames);
	*ahead = (struct ahead){ 0 };
}
