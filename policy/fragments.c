/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fragments.h"

#include <string.h>

#include "netpold/hash.h"

#define TIMEOUT_NS (30 * INT64_C(1000000000)) /* net.ipv4.ipfrag_time */

static struct fragment_key key_of(const struct packet *packet)
{
	struct fragment_key key;

	memset(&key, 0, sizeof(key));
	memcpy(key.src, packet->src.bytes, sizeof(key.src));
	memcpy(key.dst, packet->dst.bytes, sizeof(key.dst));
	key.id = packet->fragment_id;
	key.family = packet->src.family;
	if (packet->src.family == IP_V4)
		key.protocol = packet->protocol;
	return key;
}

static size_t place_of(const struct fragments *fragments,
		       const struct fragment_key *key)
{
	return hash_keyed(fragments->hash_key, key, sizeof(*key)) %
	       N_FRAGMENT_PLACES;
}

void fragments_remember(struct fragments *fragments, const struct packet *first,
			uint64_t flow_number, int64_t now_ns)
{
	struct fragment_key key = key_of(first);

	fragments->places[place_of(fragments, &key)] = (struct fragment_place){
		.key = key,
		.flow_number = flow_number,
		.seen_ns = now_ns,
		.used = true,
	};
}

bool fragments_find(const struct fragments *fragments,
		    const struct packet *later, int64_t now_ns,
		    uint64_t *flow_number)
{
	struct fragment_key key = key_of(later);
	const struct fragment_place *place =
		&fragments->places[place_of(fragments, &key)];

	if (!place->used || memcmp(&place->key, &key, sizeof(key)) != 0 ||
	    now_ns - place->seen_ns > TIMEOUT_NS)
		return false;
	*flow_number = place->flow_number;
	return true;
}
