/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "question.h"

#include <errno.h>
#include <string.h>

#include "list_text.h"
#include "plain_text.h"

/* An address of each family, IPv4 first; IP_NONE where there is none. */
#define N_FAMILIES 2

static const enum ip_family families[N_FAMILIES] = { IP_V4, IP_V6 };

/* One end of a flow, and by which addresses it can be reached. */
struct end {
	const char *text; /* as it was named */
	const struct pod *pod;
	struct ip_addr addrs[N_FAMILIES];
};

static size_t family_index(const struct ip_addr *addr)
{
	return addr->family == IP_V6 ? 1 : 0;
}

/* The first of each family. */
static void take_addresses(struct end *end, const struct ip_addr *addrs,
			   size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct ip_addr *place = &end->addrs[family_index(&addrs[i])];

		if (place->family == IP_NONE)
			*place = addrs[i];
	}
}

static bool has_address(const struct end *end)
{
	return end->addrs[0].family != IP_NONE ||
	       end->addrs[1].family != IP_NONE;
}

/* ---- pods that are not there -------------------------------------------- */

#define MAX_SUGGESTED 3

/* Pods whose names begin with the name that was given, as those of a
   Deployment do: the first of them by name. */
struct suggestion {
	const char *namespace;
	const char *name;
	const char *names[MAX_SUGGESTED];
	size_t n;	 /* that begin so */
	bool has_others; /* pods of this namespace */
};

static void keep_smallest(struct suggestion *s, const char *name)
{
	size_t kept = s->n < MAX_SUGGESTED ? s->n : MAX_SUGGESTED;
	size_t i = kept;

	s->n++;
	while (i > 0 && strcmp(name, s->names[i - 1]) < 0)
		i--;
	if (i == MAX_SUGGESTED)
		return;
	if (kept == MAX_SUGGESTED)
		kept--;
	memmove(&s->names[i + 1], &s->names[i], (kept - i) * sizeof(*s->names));
	s->names[i] = name;
}

static int visit_pod(void *ctx, const struct object *object)
{
	struct suggestion *s = ctx;
	const struct pod *pod = &object->pod;

	if (strcmp(pod->namespace, s->namespace) != 0)
		return 0;
	s->has_others = true;
	if (strncmp(pod->name, s->name, strlen(s->name)) == 0)
		keep_smallest(s, pod->name);
	return 0;
}

static int suggest(const struct asker *asker, const struct suggestion *s,
		   const char *text, struct err *err)
{
	size_t told = s->n < MAX_SUGGESTED ? s->n : MAX_SUGGESTED;
	char names[MAX_SUGGESTED * PLAIN_TEXT_LEN];
	size_t len = 0;

	for (size_t i = 0; i < told; i++)
		len += (size_t)snprintf(names + len, sizeof(names) - len,
					"%s%.63s/%.253s", i > 0 ? ", " : "",
					s->namespace, s->names[i]);
	return err_set(err, -EINVAL,
		       "there is no pod %s %s; these begin so: %s%s", text,
		       asker->where, names, s->n > told ? ", ..." : "");
}

static int no_such_pod(const struct asker *asker, const char *namespace,
		       const char *name, const char *text, struct err *err)
{
	struct suggestion s = { .namespace = namespace, .name = name };
	char plain[PLAIN_TEXT_LEN];

	if (asker->suggests)
		cluster_each(asker->cluster, OBJECT_POD, visit_pod, &s);
	plain_text(text, plain);
	if (asker->suggests && !s.has_others)
		return err_set(err, -EINVAL,
			       "there is no pod %s %s, nor any other in "
			       "namespace %s",
			       plain, asker->where, namespace);
	if (s.n == 0)
		return err_set(err, -EINVAL, "there is no pod %s %s", plain,
			       asker->where);
	return suggest(asker, &s, plain, err);
}

/* ---- ends --------------------------------------------------------------- */

/* NP-52: a pod on the host network is its node, under all of its addresses. */
static void take_node(const struct asker *asker, struct end *end)
{
	const struct object *object = cluster_find(asker->cluster, OBJECT_NODE,
						   "", end->pod->node_name);

	if (object)
		take_addresses(end, object->node.addresses,
			       object->node.n_addresses);
}

static int no_address(const struct asker *asker, const struct end *end,
		      struct err *err)
{
	const char *node = end->pod->node_name;

	if (!end->pod->host_network)
		return err_set(err, -EINVAL,
			       "pod %s has no address yet: nothing can come "
			       "from it or reach it",
			       end->text);
	if (!*node)
		return err_set(err, -EINVAL,
			       "pod %s is on no node yet: nothing can come "
			       "from it or reach it",
			       end->text);
	return err_set(err, -EINVAL,
		       "pod %s is on the host network of node %s, whose "
		       "address is not %s: add the Node",
		       end->text, node, asker->where);
}

/* NP-61, NP-62. */
static int take_pod(const struct asker *asker, struct end *end, struct err *err)
{
	const struct pod *pod = end->pod;

	if (pod->finished)
		return err_set(err, -EINVAL,
			       "pod %s is finished: nothing comes from it or "
			       "reaches it, and its address may be another's",
			       end->text);
	take_addresses(end, pod->addresses, pod->n_addresses);
	if (pod->host_network)
		take_node(asker, end);
	return has_address(end) ? 0 : no_address(asker, end, err);
}

static int find_pod(const struct asker *asker, const char *text,
		    struct arena *arena, struct end *end, struct err *err)
{
	char *namespace = arena_strdup(arena, text);
	const struct object *object;
	char *name;

	if (!namespace)
		return err_set(err, -ENOMEM, "out of memory");
	name = strchr(namespace, '/');
	*name++ = '\0';
	object = cluster_find(asker->cluster, OBJECT_POD, namespace, name);
	if (!object)
		return no_such_pod(asker, namespace, name, text, err);
	end->pod = &object->pod;
	return take_pod(asker, end, err);
}

/* A namespace has no dots (AV-24), so that a block of addresses is no pod; and
   what is no plain text cannot be told in a message. */
static bool is_pod_name(const char *text)
{
	size_t len = strcspn(text, "./");
	const char *name = text + len + 1;

	return len > 0 && text[len] == '/' && *name && !strchr(name, '/') &&
	       plain_text_is(text);
}

static int find_end(const struct asker *asker, const char *text,
		    struct arena *arena, struct end *end, struct err *err)
{
	char plain[PLAIN_TEXT_LEN];
	struct ip_addr addr;

	*end = (struct end){ .text = text };
	if (is_pod_name(text))
		return find_pod(asker, text, arena, end, err);
	if (ip_addr_parse(text, strlen(text), &addr) < 0)
		return err_set(err, -EINVAL,
			       "'%s' is neither NAMESPACE/POD nor an IP "
			       "address",
			       plain_text(text, plain));
	take_addresses(end, &addr, 1);
	return 0;
}

/* ---- families ----------------------------------------------------------- */

static bool both_have(const struct end *from, const struct end *to, size_t i)
{
	return from->addrs[i].family != IP_NONE &&
	       to->addrs[i].family != IP_NONE;
}

static int family_is_missing(const struct end *from, const struct end *to,
			     size_t i, struct err *err)
{
	const struct end *end = from->addrs[i].family == IP_NONE ? from : to;

	return err_set(err, -EINVAL, "%s has no IPv%d address", end->text,
		       families[i]);
}

/* Which family to ask about, as an index. */
static int choose_family(const struct end *from, const struct end *to,
			 enum ip_family wanted, size_t *out, struct err *err)
{
	for (size_t i = 0; i < N_FAMILIES; i++) {
		if (wanted == families[i] && !both_have(from, to, i))
			return family_is_missing(from, to, i, err);
		if ((wanted == IP_NONE || wanted == families[i]) &&
		    both_have(from, to, i)) {
			*out = i;
			return 0;
		}
	}
	return err_set(err, -EINVAL,
		       "%s has IPv%d addresses only, %s IPv%d: no packet goes "
		       "from one to the other",
		       from->text, from->addrs[0].family == IP_NONE ? 6 : 4,
		       to->text, to->addrs[0].family == IP_NONE ? 6 : 4);
}

/* ---- names of ports ----------------------------------------------------- */

/* The pod that says what a port's name means. */
static const struct pod *port_pod(const struct asker *asker,
				  const struct question *question)
{
	const struct pod *named = question->named[DIRECTION_INGRESS];

	return named ? named
		     : snapshot_pod_by_address(asker->snapshot,
					       &question->key.dst);
}

/* The names that it has: "dns/UDP (53), http/TCP (80)". */
static int no_such_port(const struct flow_words *words, const struct pod *pod,
			struct arena *arena, struct err *err)
{
	char *names = arena_alloc(arena, sizeof(err->message));
	char plain[PLAIN_TEXT_LEN];
	FILE *out = names ? fmemopen(names, sizeof(err->message), "w") : NULL;

	if (!out)
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < pod->n_ports; i++) {
		const struct container_port *port = &pod->ports[i];
		char port_plain[PLAIN_TEXT_LEN];

		if (!list_text_begin_item(out, i, pod->n_ports, " and "))
			break;
		fprintf(out, "%s/%s (%u)", plain_text(port->name, port_plain),
			protocol_name(port->protocol), port->number);
	}
	if (pod->n_ports == 0)
		fprintf(out, "none");
	fclose(out);
	return err_set(err, -EINVAL,
		       "pod %s/%s has no port named %s/%s; those that have a "
		       "name: %s",
		       pod->namespace, pod->name,
		       plain_text(words->port_name, plain),
		       protocol_name(words->protocol), names);
}

/* A number that a name stands for, but for @other; 0: there is none. */
static uint16_t find_number(const struct flow_words *words,
			    const struct pod *pod, uint16_t other)
{
	for (size_t i = 0; i < pod->n_ports; i++) {
		const struct container_port *port = &pod->ports[i];

		if (port->protocol == words->protocol &&
		    port->number != other &&
		    strcmp(port->name, words->port_name) == 0)
			return port->number;
	}
	return 0;
}

/* NP-45 … NP-47. */
static int resolve_port_name(const struct asker *asker,
			     const struct flow_words *words,
			     struct arena *arena, struct question *out,
			     struct err *err)
{
	const struct pod *pod = port_pod(asker, out);
	const char *protocol = protocol_name(words->protocol);
	char plain[PLAIN_TEXT_LEN];
	uint16_t number, second;

	if (!pod)
		return err_set(err, -EINVAL,
			       "%s is no pod's address, so that the port name "
			       "%s/%s says nothing there: give a number",
			       words->to, plain_text(words->port_name, plain),
			       protocol);
	number = find_number(words, pod, 0);
	if (number == 0)
		return no_such_port(words, pod, arena, err);
	second = find_number(words, pod, number);
	if (second != 0)
		return err_set(err, -EINVAL,
			       "pod %s/%s has several ports named %s/%s, among "
			       "them %u and %u: give a number",
			       pod->namespace, pod->name, words->port_name,
			       protocol, number, second);
	out->key.dst_port = number;
	out->port_name = words->port_name;
	return 0;
}

static int resolve_port(const struct asker *asker,
			const struct flow_words *words, struct arena *arena,
			struct question *out, struct err *err)
{
	out->key.protocol = words->protocol;
	out->key.has_port = protocol_has_ports(words->protocol);
	if (words->port_name)
		return resolve_port_name(asker, words, arena, out, err);
	out->key.dst_port = words->number;
	return 0;
}

/* ---- questions ---------------------------------------------------------- */

/* The offline reading of "born in this node's host network": from one of its
   addresses (NP-55). */
static void set_ends(const struct asker *asker, const struct end *from,
		     const struct end *to, size_t family, struct flow_key *key)
{
	const struct pod *receiver;

	key->src = from->addrs[family];
	key->dst = to->addrs[family];
	receiver = snapshot_pod_by_address(asker->snapshot, &key->dst);
	key->from_own_node =
		snapshot_is_node_of(asker->snapshot, &key->src, receiver);
}

int question_resolve(const struct asker *asker, const struct flow_words *words,
		     struct arena *arena, struct question *out, struct err *err)
{
	struct end from, to;
	size_t family = 0;
	int r;

	*out = (struct question){ .port_name = NULL };
	r = find_end(asker, words->from, arena, &from, err);
	if (r == 0)
		r = find_end(asker, words->to, arena, &to, err);
	if (r == 0)
		r = choose_family(&from, &to, words->family, &family, err);
	if (r < 0)
		return r;
	out->named[DIRECTION_EGRESS] = from.pod;
	out->named[DIRECTION_INGRESS] = to.pod;
	set_ends(asker, &from, &to, family, &out->key);
	r = resolve_port(asker, words, arena, out, err);
	if (r < 0)
		return r;
	out->has_other =
		words->family == IP_NONE && both_have(&from, &to, 1 - family);
	if (out->has_other) {
		out->other = out->key;
		set_ends(asker, &from, &to, 1 - family, &out->other);
	}
	return 0;
}

/* ---- notes -------------------------------------------------------------- */

static const struct ip_addr *end_address(const struct question *question,
					 enum direction dir)
{
	return dir == DIRECTION_EGRESS ? &question->key.src
				       : &question->key.dst;
}

static bool is_same_pod(const struct pod *a, const struct pod *b)
{
	return strcmp(a->name, b->name) == 0 &&
	       strcmp(a->namespace, b->namespace) == 0;
}

bool question_has_note(const struct asker *asker,
		       const struct question *question, enum direction dir)
{
	const struct pod *named = question->named[dir];
	const struct pod *holder;

	if (!named)
		return false;
	holder = snapshot_pod_by_address(asker->snapshot,
					 end_address(question, dir));
	return !holder || !is_same_pod(named, holder);
}

void question_write_note(FILE *out, const struct asker *asker,
			 const struct question *question, enum direction dir)
{
	const struct ip_addr *addr = end_address(question, dir);
	const struct pod *named = question->named[dir];
	const struct pod *holder =
		snapshot_pod_by_address(asker->snapshot, addr);
	char text[IP_ADDR_TEXT_LEN];

	fprintf(out, "%s/%s ", named->namespace, named->name);
	if (named->host_network && !holder) {
		fprintf(out,
			"is on the host network of node %s: it counts as that "
			"node",
			named->node_name);
		return;
	}
	fprintf(out, "does not count as the owner of %s",
		ip_addr_format(addr, text));
	if (holder) /* NP-64 */
		fprintf(out, ": %s/%s has the better claim", holder->namespace,
			holder->name);
	else /* NP-53 */
		fprintf(out, ", which is an address of its node");
}
