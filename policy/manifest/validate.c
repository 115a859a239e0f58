/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "validate.h"

#include <errno.h>

#include "netpold/addr.h"
#include "syntax.h"

/* ---- pods, namespaces, nodes -------------------------------------------- */

/* Names are printed, in logs and to terminals: no more than names may be in
   them. */
static void check_subdomain(const struct validation *v,
			    const struct tree *value, const struct path *path)
{
	struct subject subject;

	if (!value || value->len == 0)
		return;
	subject = subject_of(v->report, value, path);
	syntax_check_subdomain(&subject, value->text, value->len);
}

static void check_names(const struct validation *v, const struct tree *object)
{
	const struct tree *metadata = tree_get_set(object, "metadata");
	const struct tree *name = tree_get_set(metadata, "name");
	struct path path = path_field(NULL, "metadata");
	struct path at_name = path_field(&path, "name");
	struct path at_namespace = path_field(&path, "namespace");

	if (!name || name->len == 0)
		report_error(v->report,
			     metadata ? metadata->line : object->line, &at_name,
			     "Required value");
	check_subdomain(v, name, &at_name);
	check_subdomain(v, tree_get_set(metadata, "namespace"), &at_namespace);
}

static void check_address(const struct validation *v, const struct tree *value,
			  const struct path *path, unsigned int seen[2])
{
	struct subject subject = subject_of(v->report, value, path);
	struct ip_addr addr;

	if (ip_addr_parse(subject.value, subject.len, &addr) < 0) {
		syntax_invalid(&subject, "must be a valid IP address");
		return;
	}
	/* NP-60. A third address would not be enforced, and nobody would
	   know. */
	if (seen[addr.family == IP_V6]++)
		syntax_invalid(&subject, "may hold no more than one IP for "
					 "each IP family");
}

static void check_addresses(const struct validation *v,
			    const struct tree *status)
{
	const struct tree *list = tree_get(status, "podIPs");
	const struct tree *single = tree_get_set(status, "podIP");
	struct path path = path_field(NULL, "status");
	struct path pod_ip = path_field(&path, "podIP");
	struct path pod_ips = path_field(&path, "podIPs");
	unsigned int seen[2] = { 0 };
	size_t i = 0;

	for (const struct tree *e = tree_first(list); e; e = e->next) {
		const struct tree *ip = tree_get(e, "ip");
		struct path item = path_item(&pod_ips, i++);
		struct path at = path_field(&item, "ip");

		check_address(v, ip ? ip : e, &at, seen);
	}
	if (!tree_first(list) && single && single->len)
		check_address(v, single, &pod_ip, seen);
}

static void check_container_port(const struct validation *v,
				 const struct tree *port,
				 const struct path *path)
{
	const struct tree *protocol = tree_get_set(port, "protocol");
	const struct tree *number = tree_get_set(port, "containerPort");
	struct path at_protocol = path_field(path, "protocol");
	struct path at_number = path_field(path, "containerPort");
	int64_t value = 0;

	tree_integer(number, &value);
	if (value < 1 || value > UINT16_MAX)
		report_error(v->report, number ? number->line : port->line,
			     &at_number,
			     "Invalid value: %lld: must be between 1 and "
			     "65535, inclusive",
			     (long long)value);
	if (protocol && !tree_text_is(protocol, "TCP") &&
	    !tree_text_is(protocol, "UDP") && !tree_text_is(protocol, "SCTP")) {
		struct subject subject =
			subject_of(v->report, protocol, &at_protocol);

		syntax_unsupported(&subject, "\"SCTP\", \"TCP\", \"UDP\"");
	}
}

static void check_containers(const struct validation *v,
			     const struct tree *spec, const char *field)
{
	struct path at_spec = path_field(NULL, "spec");
	struct path at_list = path_field(&at_spec, field);
	size_t i = 0;

	for (const struct tree *c = tree_first(tree_get(spec, field)); c;
	     c = c->next) {
		struct path at_container = path_item(&at_list, i++);
		struct path at_ports = path_field(&at_container, "ports");
		size_t j = 0;

		for (const struct tree *p = tree_first(tree_get(c, "ports")); p;
		     p = p->next) {
			struct path at = path_item(&at_ports, j++);

			check_container_port(v, p, &at);
		}
	}
}

static void validate_pod(const struct validation *v, const struct tree *pod)
{
	const struct tree *spec = tree_get(pod, "spec");

	struct path at_spec = path_field(NULL, "spec");
	struct path at_node = path_field(&at_spec, "nodeName");

	check_names(v, pod);
	check_subdomain(v, tree_get_set(spec, "nodeName"), &at_node);
	check_containers(v, spec, "containers");
	check_containers(v, spec, "initContainers");
	check_addresses(v, tree_get(pod, "status"));
}

int validate_object(const struct validation *validation, enum object_kind kind,
		    const struct tree *object)
{
	int r = 0;

	switch (kind) {
	case OBJECT_POD:
		validate_pod(validation, object);
		break;
	case OBJECT_NAMESPACE:
		check_names(validation, object);
		validate_mode(validation, object);
		break;
	case OBJECT_NODE:
		check_names(validation, object);
		break;
	case OBJECT_NETWORK_POLICY:
		r = validate_metadata(validation, object);
		validate_mode(validation, object);
		if (r == 0)
			r = validate_policy_spec(validation, object);
		break;
	}
	if (r < 0)
		return r;
	return validation->report->failed ? -ENOMEM : 0;
}
