/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "netpold/selector.h"
#include "reading.h"
#include "manifest/timestamp.h"

/* ---- objects as text ---------------------------------------------------- */

static void put_addr(const struct ip_addr *addr, struct text *out)
{
	char buf[IP_ADDR_TEXT_LEN];

	text_put(out, " %s", ip_addr_format(addr, buf));
}

static void put_cidr(const struct cidr *cidr, struct text *out)
{
	char buf[CIDR_TEXT_LEN];

	text_put(out, "%s", cidr_format(cidr, buf));
}

static void put_labels(const struct labels *labels, struct text *out)
{
	text_put(out, " {");
	for (size_t i = 0; i < labels->n; i++)
		text_put(out, "%s%s=%s", i ? "," : "", labels->items[i].key,
			 labels->items[i].value);
	text_put(out, "}");
}

static void put_pod(const struct pod *pod, struct text *out)
{
	text_put(out, "pod %s/%s uid=%s node=%s owner=%s/%s created=%lld",
		 pod->namespace, pod->name, pod->uid, pod->node_name,
		 pod->owner_kind, pod->owner_name, (long long)pod->created_s);
	put_labels(&pod->labels, out);
	for (size_t i = 0; i < pod->n_ports; i++)
		text_put(out, " %s:%s/%u", pod->ports[i].name,
			 protocol_name(pod->ports[i].protocol),
			 pod->ports[i].number);
	for (size_t i = 0; i < pod->n_addresses; i++)
		put_addr(&pod->addresses[i], out);
	text_put(out, "%s%s%s", pod->host_network ? " host" : "",
		 pod->finished ? " finished" : "",
		 pod->deleting ? " deleting" : "");
}

static void put_selector(const struct selector *selector, struct text *out)
{
	char buf[256];

	selector_format(selector, buf, sizeof(buf));
	text_put(out, "(%s)", buf);
}

static void put_peer(const struct peer *peer, struct text *out)
{
	text_put(out, " ");
	if (peer->kind == PEER_IP_BLOCK) {
		put_cidr(&peer->block, out);
		for (size_t i = 0; i < peer->n_except; i++) {
			text_put(out, "-");
			put_cidr(&peer->except[i], out);
		}
		return;
	}
	if (peer->pod_selector) {
		text_put(out, "pods");
		put_selector(peer->pod_selector, out);
	}
	if (peer->namespace_selector) {
		text_put(out, "namespaces");
		put_selector(peer->namespace_selector, out);
	}
}

static void put_port(const struct policy_port *port, struct text *out)
{
	text_put(out, " %s", protocol_name(port->protocol));
	if (port->kind == PORT_NAMED)
		text_put(out, "/%s", port->name);
	if (port->kind == PORT_RANGE)
		text_put(out, "/%u-%u", port->first, port->last);
}

static void put_rules(const struct network_policy *policy, enum direction dir,
		      struct text *out)
{
	for (size_t i = 0; i < policy->n_rules[dir]; i++) {
		const struct rule *rule = &policy->rules[dir][i];

		text_put(out, " %s[", direction_name(dir));
		for (size_t j = 0; j < rule->n_peers; j++)
			put_peer(&rule->peers[j], out);
		text_put(out, " :");
		for (size_t j = 0; j < rule->n_ports; j++)
			put_port(&rule->ports[j], out);
		text_put(out, " ]");
	}
}

static void put_uid(const char *uid, struct text *out)
{
	if (*uid)
		text_put(out, " uid=%s", uid);
}

static void put_mode(enum policy_mode mode, struct text *out)
{
	if (mode != POLICY_MODE_NONE)
		text_put(out, " mode=%s", policy_mode_name(mode));
}

static void put_policy(const struct network_policy *policy, struct text *out)
{
	text_put(out, "policy %s/%s generation=%lld ", policy->namespace,
		 policy->name, (long long)policy->generation);
	put_selector(&policy->pod_selector, out);
	put_uid(policy->uid, out);
	put_mode(policy->mode, out);
	text_put(out, "%s%s",
		 policy->isolates[DIRECTION_INGRESS] ? " Ingress" : "",
		 policy->isolates[DIRECTION_EGRESS] ? " Egress" : "");
	put_rules(policy, DIRECTION_INGRESS, out);
	put_rules(policy, DIRECTION_EGRESS, out);
}

static void put_pod_cidrs(const struct node *node, struct text *out)
{
	text_put(out, "%s", node->n_pod_cidrs ? " pods" : "");
	for (size_t i = 0; i < node->n_pod_cidrs; i++) {
		text_put(out, "%s", " ");
		put_cidr(&node->pod_cidrs[i], out);
	}
}

static void put_object(void *ctx, const struct object *object)
{
	struct text *out = ctx;

	text_put(out, "%s", out->len ? "\n" : "");
	switch (object->kind) {
	case OBJECT_POD:
		put_pod(&object->pod, out);
		break;
	case OBJECT_NAMESPACE:
		text_put(out, "namespace %s%s", object->namespace.name,
			 object->namespace.terminating ? " terminating" : "");
		put_uid(object->namespace.uid, out);
		put_mode(object->namespace.mode, out);
		put_labels(&object->namespace.labels, out);
		break;
	case OBJECT_NETWORK_POLICY:
		put_policy(&object->policy, out);
		break;
	case OBJECT_NODE:
		text_put(out, "node %s", object->node.name);
		for (size_t i = 0; i < object->node.n_addresses; i++)
			put_addr(&object->node.addresses[i], out);
		put_pod_cidrs(&object->node, out);
		break;
	}
}

/* ---- rows --------------------------------------------------------------- */

#define POD "--- \napiVersion: v1\nkind: Pod\n"
#define BARE_POD "pod default/p uid= node= owner=/ created=0 {}"
#define NAMED "metadata: {name: p}\n"
#define SPEC                                                                   \
	"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n" NAMED "spec" \
	": "
#define BARE_POLICY "policy default/p generation=0 (<all>)"

static const struct {
	const char *name, *text, *objects;
} cases[] = {
	/* pods */
	{ "a pod of a few fields has defaults for the rest", POD NAMED,
	  BARE_POD },
	{ "a pod has all that decides",
	  POD "metadata:\n  name: web\n  namespace: shop\n  uid: u-1\n"
	      "  creationTimestamp: '2024-05-17T09:41:00Z'\n"
	      "  labels: {b: '2', a: '1'}\n"
	      "  ownerReferences: [{kind: X, name: x}, "
	      "{kind: ReplicaSet, name: web-1, controller: true}]\n"
	      "spec: {nodeName: n1}\n"
	      "status: {phase: Running, podIP: 10.0.0.1, "
	      "podIPs: [{ip: 10.0.0.1}, {ip: 'fd00::1'}]}\n",
	  "pod shop/web uid=u-1 node=n1 owner=ReplicaSet/web-1 "
	  "created=1715938860 {a=1,b=2} 10.0.0.1 fd00::1" },
	{ "NP-22: a label that is null is empty",
	  POD "metadata: {name: p, labels: {a: null}}",
	  "pod default/p uid= node= owner=/ created=0 {a=}" },
	{ "NP-46: named ports of containers, and of init containers that stay",
	  POD NAMED
	  "spec:\n  containers:\n"
	  "  - ports: [{name: web, containerPort: 80}, {containerPort: 81}]\n"
	  "  - ports: [{name: web, containerPort: 8080, protocol: UDP}]\n"
	  "  initContainers:\n"
	  "  - ports: [{name: once, containerPort: 82}]\n"
	  "  - restartPolicy: Always\n"
	  "    ports: [{name: side, containerPort: 83, protocol: SCTP}]\n",
	  BARE_POD " web:TCP/80 web:UDP/8080 side:SCTP/83" },
	{ "NP-60: podIP counts where podIPs is empty",
	  POD NAMED "status: {podIP: 10.0.0.1, podIPs: []}",
	  BARE_POD " 10.0.0.1" },
	{ "NP-60: podIP does not count beside podIPs",
	  POD NAMED "status: {podIP: 10.0.0.1, podIPs: [{ip: 10.0.0.2}]}",
	  BARE_POD " 10.0.0.2" },
	{ "NP-61: a pod may have no address yet",
	  POD NAMED "status: {phase: Pending, podIP: ''}", BARE_POD },
	{ "NP-62: Succeeded is finished",
	  POD NAMED "status: {phase: Succeeded}", BARE_POD " finished" },
	{ "NP-62: Failed is finished", POD NAMED "status: {phase: Failed}",
	  BARE_POD " finished" },
	{ "NP-62: Unknown is not finished",
	  POD NAMED "status: {phase: Unknown}", BARE_POD },
	{ "NP-63: a pod that is being deleted is live",
	  POD "metadata: {name: p, deletionTimestamp: "
	      "'2024-05-17T09:41:00Z'}",
	  BARE_POD " deleting" },
	{ "NP-53: hostNetwork is read", POD NAMED "spec: {hostNetwork: true}",
	  BARE_POD " host" },
	/* namespaces and nodes */
	{ "NP-41: a namespace has a label with its name",
	  "apiVersion: v1\nkind: Namespace\n"
	  "metadata: {name: a, labels: {z: '1', a: '2'}}",
	  "namespace a {a=2,kubernetes.io/metadata.name=a,z=1}" },
	{ "NP-41: another value of that label is overwritten",
	  "apiVersion: v1\nkind: Namespace\n"
	  "metadata: {name: a, labels: {kubernetes.io/metadata.name: b}}",
	  "namespace a {kubernetes.io/metadata.name=a}" },
	{ "API-25: who a namespace is, its UID says",
	  "apiVersion: v1\nkind: Namespace\nmetadata: {name: a, uid: u-1}",
	  "namespace a uid=u-1 {kubernetes.io/metadata.name=a}" },
	{ "NP-66: a namespace is going away by its phase",
	  "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n"
	  "status: {phase: Terminating}",
	  "namespace a terminating {kubernetes.io/metadata.name=a}" },
	{ "NP-66, API-40: or by its deletionTimestamp",
	  "apiVersion: v1\nkind: Namespace\nmetadata: {name: a, "
	  "deletionTimestamp: '2024-05-17T09:41:00Z'}",
	  "namespace a terminating {kubernetes.io/metadata.name=a}" },
	{ "NP-53: of the addresses of a node those that are addresses",
	  "apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n"
	  "status: {addresses: [{type: Hostname, address: n.example}, "
	  "{type: InternalIP, address: 192.168.0.1}, "
	  "{type: InternalIP, address: 'fd00::1'}]}",
	  "node n1 192.168.0.1 fd00::1" },
	{ "NP-67: of the blocks of a node's pods those that are blocks",
	  "apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n"
	  "spec: {podCIDR: 10.244.1.0/24, "
	  "podCIDRs: [10.244.1.0/24, soon, 'fd00:1::/64']}",
	  "node n1 pods 10.244.1.0/24 fd00:1::/64" },
	{ "NP-67: a node that has no blocks yet",
	  "apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n"
	  "spec: {podCIDRs: null}",
	  "node n1" },
	/* policies: defaults */
	{ "NP-3: without a spec, all pods are isolated for ingress",
	  "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n" NAMED,
	  BARE_POLICY " Ingress" },
	{ "NP-3: an empty spec is governed for ingress", SPEC "{}",
	  BARE_POLICY " Ingress" },
	{ "NP-3: no egress rules do not govern egress", SPEC "{egress: []}",
	  BARE_POLICY " Ingress" },
	{ "NP-3: an egress rule governs egress", SPEC "{egress: [{}]}",
	  BARE_POLICY " Ingress Egress egress[ : ]" },
	{ "NP-3: empty policyTypes are absent",
	  SPEC "{policyTypes: [], egress: [{}]}",
	  BARE_POLICY " Ingress Egress egress[ : ]" },
	{ "NP-4: stated types are those that count",
	  SPEC "{policyTypes: [Egress], ingress: [{}]}",
	  BARE_POLICY " Egress ingress[ : ]" },
	{ "NP-6: a type twice is a type",
	  SPEC "{policyTypes: [Ingress, Ingress]}", BARE_POLICY " Ingress" },
	{ "NP-1: null is absent",
	  SPEC "{podSelector: null, ingress: [null], policyTypes: null}",
	  BARE_POLICY " Ingress ingress[ : ]" },
	{ "NP-8: of metadata, name, namespace, UID and generation count",
	  "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
	  "metadata: {name: p, namespace: shop, uid: u-1, generation: 7}",
	  "policy shop/p generation=7 (<all>) uid=u-1 Ingress" },
	{ "NP-8: of annotations, the mode counts",
	  "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
	  "metadata: {name: p, annotations: {a: b, netpold.io/mode: audit}}",
	  "policy default/p generation=0 (<all>) mode=audit Ingress" },
	{ "NP-8: a policy may say that it is enforced",
	  "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
	  "metadata: {name: p, annotations: {netpold.io/mode: enforce}}",
	  "policy default/p generation=0 (<all>) mode=enforce Ingress" },
	{ "NP-8, NP-1: a mode that is null is none",
	  "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
	  "metadata: {name: p, annotations: {netpold.io/mode: null}}",
	  "policy default/p generation=0 (<all>) Ingress" },
	{ "NP-8: a namespace has a mode",
	  "apiVersion: v1\nkind: Namespace\n"
	  "metadata: {name: a, annotations: {netpold.io/mode: audit}}",
	  "namespace a mode=audit {kubernetes.io/metadata.name=a}" },
	/* policies: selectors */
	{ "NP-21: empty selectors match everything",
	  SPEC "{podSelector: {matchLabels: {}, matchExpressions: []}}",
	  BARE_POLICY " Ingress" },
	{ "NP-22: matchLabels come first, sorted, then matchExpressions",
	  SPEC "{podSelector: {matchExpressions: "
	       "[{key: z, operator: NotIn, values: [b, a]}, "
	       "{key: q, operator: Exists}, "
	       "{key: x, operator: DoesNotExist}, "
	       "{key: w, operator: In, values: [c]}], "
	       "matchLabels: {c: '1', a: '2'}}}",
	  "policy default/p generation=0 (a=2,c=1,z notin (b,a),q,!x,w=c) "
	  "Ingress" },
	/* policies: peers */
	{ "NP-30, NP-31, NP-32: selectors alone and together",
	  SPEC "{ingress: [{from: [{podSelector: {}}, "
	       "{namespaceSelector: {}}, {podSelector: {matchLabels: "
	       "{a: b}}, namespaceSelector: {matchLabels: {c: d}}}]}]}",
	  BARE_POLICY " Ingress ingress[ pods(<all>) namespaces(<all>) "
		      "pods(a=b)namespaces(c=d) : ]" },
	{ "NP-1: in a peer, null is not set but {} is",
	  SPEC "{ingress: [{from: [{podSelector: null, "
	       "namespaceSelector: {}}]}]}",
	  BARE_POLICY " Ingress ingress[ namespaces(<all>) : ]" },
	{ "NP-33: blocks have excepts",
	  SPEC "{egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8, "
	       "except: [10.1.0.0/16, 10.2.0.0/16]}}]}]}",
	  BARE_POLICY " Ingress Egress egress[ "
		      "10.0.0.0/8-10.1.0.0/16-10.2.0.0/16 : ]" },
	{ "NP-38: blocks are masked",
	  SPEC "{ingress: [{from: [{ipBlock: {cidr: 010.0.0.5/8}}, "
	       "{ipBlock: {cidr: '::ffff:10.0.0.5/104'}}]}]}",
	  BARE_POLICY " Ingress ingress[ 10.0.0.0/8 10.0.0.0/8 : ]" },
	/* policies: ports */
	{ "NP-7: an empty port is any of TCP",
	  SPEC "{ingress: [{ports: [{}]}]}",
	  BARE_POLICY " Ingress ingress[ : TCP ]" },
	{ "ports are numbers, ranges, names, or any of a protocol",
	  SPEC "{ingress: [{ports: [{port: 80}, {port: 80, endPort: 90}, "
	       "{port: web, protocol: UDP}, {protocol: SCTP}, "
	       "{port: 1e3, endPort: 0x7d0}]}]}",
	  BARE_POLICY " Ingress ingress[ : TCP/80-80 TCP/80-90 UDP/web SCTP "
		      "TCP/1000-2000 ]" },
	{ "rules keep their order, ingress and egress apart",
	  SPEC "{egress: [{ports: [{port: 1}]}, {ports: [{port: 2}]}], "
	       "ingress: [{ports: [{port: 3}]}]}",
	  BARE_POLICY " Ingress Egress ingress[ : TCP/3-3 ] "
		      "egress[ : TCP/1-1 ] egress[ : TCP/2-2 ]" },
};

static void objects_are_those_expected(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pieces pieces = pieces_of(cases[i].text, 100);
		struct reading reading = { 0 };
		struct text got = { 0 };

		read_pieces(&pieces, false, put_object, &got, &reading);
		if (reading.n_errors)
			fail_msg("%s\n  got %s", cases[i].name,
				 text_string(&reading.findings));
		if (strcmp(text_string(&got), cases[i].objects) != 0)
			fail_msg("%s\n  expected %s\n  got      %s",
				 cases[i].name, cases[i].objects,
				 text_string(&got));
		text_release(&got);
		reading_release(&reading);
	}
}

/* ---- time --------------------------------------------------------------- */

static const struct {
	const char *name, *text;
	int64_t seconds; /* -1: refused */
} times[] = {
	{ "time begins in 1970", "1970-01-01T00:00:00Z", 0 },
	{ "a day has 86400 seconds", "1970-01-02T00:00:01Z", 86401 },
	{ "2000 was a leap year", "2000-02-29T12:00:00Z", 951825600 },
	{ "March follows the leap day", "2000-03-01T00:00:00Z", 951868800 },
	{ "the year 0 was a leap year", "0000-02-29T00:00:00Z", -62162121600 },
	{ "and had a January", "0000-01-01T00:00:00Z", -62167219200 },
	{ "and a March", "0000-03-01T00:00:00Z", -62162035200 },
	{ "fractions are cut off", "2024-05-17T09:41:00.999Z", 1715938860 },
	{ "an offset is taken into account", "2024-05-17T11:41:00+02:00",
	  1715938860 },
	{ "an offset may be negative", "2024-05-17T04:11:00-05:30",
	  1715938860 },
	{ "2023 had no leap day", "2023-02-29T00:00:00Z", -1 },
	{ "1900 had no leap day", "1900-02-29T00:00:00Z", -1 },
	{ "there is no month 13", "2024-13-01T00:00:00Z", -1 },
	{ "there is no day 0", "2024-01-00T00:00:00Z", -1 },
	{ "there is no hour 24", "2024-01-01T24:00:00Z", -1 },
	{ "the zone is needed", "2024-01-01T00:00:00", -1 },
	{ "the T is needed", "2024-01-01 00:00:00Z", -1 },
	{ "nothing follows the zone", "2024-01-01T00:00:00Zx", -1 },
	{ "a fraction has digits", "2024-01-01T00:00:00.Z", -1 },
	{ "an empty text is no time", "", -1 },
};

static void times_are_those_expected(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		int64_t seconds = -1;

		timestamp_parse(times[i].text, strlen(times[i].text), &seconds);
		if (seconds != times[i].seconds)
			fail_msg("%s\n  expected %lld\n  got      %lld",
				 times[i].name, (long long)times[i].seconds,
				 (long long)seconds);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_are_those_expected),
		cmocka_unit_test(times_are_those_expected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
