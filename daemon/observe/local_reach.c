/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/local_reach.h"

/* The first ports of each protocol: there begins what a rule allows that names
   no port, or none but the protocol. */
static const struct local_slot first_slots[] = {
	{ PROTOCOL_TCP, 1 },
	{ PROTOCOL_UDP, 1 },
	{ PROTOCOL_SCTP, 1 },
	{ PROTOCOL_ICMP, 0 }, /* and whatever else has no ports */
};

void local_end_init(struct local_end *end, const struct snapshot *snapshot,
		    const struct pod *pod)
{
	*end = (struct local_end){ .n_addrs = 0 };
	for (size_t i = 0; i < pod->n_addresses; i++) {
		if (snapshot_pod_by_address(snapshot, &pod->addresses[i]) ==
		    pod)
			end->addrs[end->n_addrs++] = pod->addresses[i];
	}
}

static void add_slot(struct local_end *end, uint8_t protocol, uint16_t port)
{
	for (size_t i = 0; i < end->n_slots; i++) {
		if (end->slots[i].protocol == protocol &&
		    end->slots[i].port == port)
			return;
	}
	if (end->n_slots == LOCAL_REACH_PORTS_MAX) {
		end->is_cut = true;
		return;
	}
	end->slots[end->n_slots++] =
		(struct local_slot){ .protocol = protocol, .port = port };
}

void local_end_add_ports(struct local_end *end,
			 const struct side_explanation *side,
			 enum direction dir)
{
	for (size_t i = 0; i < side->n_rules; i++) {
		const struct rule_result *result = &side->rules[i];
		const struct rule *rule =
			&result->policy->rules[dir][result->rule];

		for (size_t k = 0; k < rule->n_ports; k++) {
			if (rule->ports[k].kind == PORT_RANGE)
				add_slot(end, rule->ports[k].protocol,
					 rule->ports[k].first);
		}
	}
}

static bool may_at(const struct snapshot *snapshot, const struct ip_addr *src,
		   const struct ip_addr *dst, const struct local_slot *slot)
{
	const struct flow_key key = {
		.src = *src,
		.dst = *dst,
		.protocol = slot->protocol,
		.dst_port = slot->port,
		.has_port = protocol_has_ports(slot->protocol),
	};

	return snapshot_decide(snapshot, &key).verdict == VERDICT_ALLOW;
}

static bool may_at_any(const struct snapshot *snapshot,
		       const struct ip_addr *src, const struct ip_addr *dst,
		       const struct local_slot *slots, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (may_at(snapshot, src, dst, &slots[i]))
			return true;
	}
	return false;
}

static bool may_at_a_name(const struct snapshot *snapshot,
			  const struct ip_addr *src, const struct ip_addr *dst,
			  const struct pod *receiver)
{
	for (size_t i = 0; i < receiver->n_ports; i++) {
		const struct local_slot slot = {
			.protocol = receiver->ports[i].protocol,
			.port = receiver->ports[i].number,
		};

		if (may_at(snapshot, src, dst, &slot))
			return true;
	}
	return false;
}

bool local_reach_may(const struct snapshot *snapshot,
		     const struct local_end *from, const struct local_end *to,
		     const struct pod *receiver)
{
	const size_t n_first = sizeof(first_slots) / sizeof(first_slots[0]);

	for (size_t i = 0; i < from->n_addrs; i++) {
		const struct ip_addr *src = &from->addrs[i];

		for (size_t k = 0; k < to->n_addrs; k++) {
			const struct ip_addr *dst = &to->addrs[k];

			if (src->family == dst->family &&
			    (may_at_any(snapshot, src, dst, first_slots,
					n_first) ||
			     may_at_a_name(snapshot, src, dst, receiver) ||
			     may_at_any(snapshot, src, dst, to->slots,
					to->n_slots) ||
			     may_at_any(snapshot, src, dst, from->slots,
					from->n_slots)))
				return true;
		}
	}
	return false;
}
