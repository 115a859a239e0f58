/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "port_text.h"

#include <stdbool.h>
#include <string.h>

#include "list_text.h"

static bool is_meant(const struct policy_port *port,
		     const struct container_port *p)
{
	return p->protocol == port->protocol &&
	       strcmp(p->name, port->name) == 0;
}

/* Several containers may say the same. */
static bool was_told(const struct policy_port *port, const struct pod *pod,
		     size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (pod->ports[k].number == pod->ports[i].number &&
		    is_meant(port, &pod->ports[k]))
			return true;
	}
	return false;
}

/* Which numbers a name stands for. */
static void write_numbers(FILE *out, const struct policy_port *port,
			  const struct pod *pod)
{
	size_t n = 0;

	for (size_t i = 0; i < pod->n_ports && n < LIST_TEXT_MAX; i++) {
		if (!is_meant(port, &pod->ports[i]) || was_told(port, pod, i))
			continue;
		fprintf(out, "%s%u", n++ == 0 ? ", which is " : " or ",
			pod->ports[i].number);
	}
	if (n == 0)
		fprintf(out, ", a name that %s/%s does not have",
			pod->namespace, pod->name);
	else
		fprintf(out, " on %s/%s", pod->namespace, pod->name);
}

static void write_name(FILE *out, const struct policy_port *port,
		       const struct receiver *receiver)
{
	char text[IP_ADDR_TEXT_LEN];

	fprintf(out, "%s/%s", port->name, protocol_name(port->protocol));
	if (receiver->pod)
		write_numbers(out, port, receiver->pod);
	else if (receiver->addr)
		fprintf(out, ", a name that %s has not, being no pod's address",
			ip_addr_format(receiver->addr, text));
}

void port_text_write(FILE *out, const struct policy_port *port,
		     const struct receiver *receiver)
{
	const char *protocol = protocol_name(port->protocol);

	switch (port->kind) {
	case PORT_ANY:
		fprintf(out, "any %s port", protocol);
		return;
	case PORT_RANGE:
		fprintf(out, "%u", port->first);
		if (port->last != port->first)
			fprintf(out, "-%u", port->last);
		fprintf(out, "/%s", protocol);
		return;
	case PORT_NAMED:
		write_name(out, port, receiver);
		return;
	}
}

const char *port_text_joint(const struct rule *rule,
			    const struct receiver *receiver)
{
	if (!receiver->pod && !receiver->addr)
		return " or ";
	for (size_t i = 0; i + 1 < rule->n_ports; i++) {
		if (rule->ports[i].kind == PORT_NAMED)
			return ", or ";
	}
	return " or ";
}
