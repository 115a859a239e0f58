/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "suggest/parts.h"

/* The name leads to this port on each pod, and to no other (NP-45). */
static bool name_holds(const struct suggest_unit *unit, const char *name,
		       uint8_t protocol, uint16_t number)
{
	for (size_t i = 0; i < unit->n_pods; i++) {
		const struct pod *pod = unit->pods[i]->pod;
		bool there = false;

		for (size_t p = 0; p < pod->n_ports; p++) {
			const struct container_port *port = &pod->ports[p];

			if (port->protocol != protocol ||
			    strcmp(port->name, name) != 0)
				continue;
			if (port->number != number)
				return false;
			there = true;
		}
		if (!there)
			return false;
	}
	return true;
}

const char *suggest_unit_port_name(const struct suggest_unit *unit,
				   uint8_t protocol, uint16_t port)
{
	const struct pod *pod = unit->pods[0]->pod;

	for (size_t p = 0; p < pod->n_ports; p++) {
		if (pod->ports[p].protocol == protocol &&
		    pod->ports[p].number == port &&
		    name_holds(unit, pod->ports[p].name, protocol, port))
			return pod->ports[p].name;
	}
	return NULL;
}
