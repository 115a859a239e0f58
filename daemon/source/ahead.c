/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/ahead.h"

static void look(struct ahead *ahead, const struct track *track)
{
	for (size_t i = 0; i < ahead->n; i++) {
		const struct capture_packet *bytes = &ahead->bytes[i];
		struct ahead_packet *packet = &ahead->packets[i];

		if (bytes->kind != CAPTURE_IP)
			continue;
		packet->status =
			packet_parse(bytes->ip, bytes->len, &packet->packet);
		packet->place = track_look_ahead(track, packet->status,
						 &packet->packet);
	}
	for (size_t i = 0; i < ahead->n; i++) {
		if (ahead->bytes[i].kind == CAPTURE_IP)
			track_fetch_ahead(track, &ahead->packets[i].place);
	}
}

int ahead_read(struct ahead *ahead, struct capture *capture,
	       const struct track *track, struct err *err)
{
	int r = capture_read(capture, ahead->bytes, AHEAD_MAX, &ahead->n, err);

	if (r == 0)
		look(ahead, track);
	return r;
}
