/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netpold/object.h"

#include <string.h>
#include <strings.h>

static const struct {
	uint8_t number;
	const char *name;
} protocols[] = {
	{ PROTOCOL_TCP, "TCP" },       { PROTOCOL_UDP, "UDP" },
	{ PROTOCOL_SCTP, "SCTP" },     { PROTOCOL_ICMP, "ICMP" },
	{ PROTOCOL_ICMPV6, "ICMPv6" },
};
#define N_PROTOCOLS (sizeof(protocols) / sizeof(protocols[0]))

bool protocol_has_ports(uint8_t protocol)
{
	return protocol == PROTOCOL_TCP || protocol == PROTOCOL_UDP ||
	       protocol == PROTOCOL_SCTP;
}

const char *protocol_name(uint8_t protocol)
{
	for (size_t i = 0; i < N_PROTOCOLS; i++) {
		if (protocols[i].number == protocol)
			return protocols[i].name;
	}
	return NULL;
}

uint8_t protocol_from_name(const char *name)
{
	for (size_t i = 0; i < N_PROTOCOLS; i++) {
		if (strcasecmp(protocols[i].name, name) == 0)
			return protocols[i].number;
	}
	return 0;
}

const char *direction_name(enum direction dir)
{
	return dir == DIRECTION_EGRESS ? "egress" : "ingress";
}

const char *object_kind_name(enum object_kind kind)
{
	switch (kind) {
	case OBJECT_POD:
		return "Pod";
	case OBJECT_NAMESPACE:
		return "Namespace";
	case OBJECT_NETWORK_POLICY:
		return "NetworkPolicy";
	case OBJECT_NODE:
		return "Node";
	}
	return "unknown";
}

const char *policy_mode_name(enum policy_mode mode)
{
	switch (mode) {
	case POLICY_MODE_ENFORCE:
		return "enforce";
	case POLICY_MODE_AUDIT:
		return "audit";
	case POLICY_MODE_NONE:
		break;
	}
	return "";
}

enum policy_mode policy_mode_from_name(const char *name)
{
	return strcmp(name, policy_mode_name(POLICY_MODE_AUDIT)) == 0
		       ? POLICY_MODE_AUDIT
		       : POLICY_MODE_ENFORCE;
}

const char *labels_get(const struct labels *labels, const char *key)
{
	size_t low = 0, high = labels->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(labels->items[middle].key, key);

		if (order == 0)
			return labels->items[middle].value;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}
