/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is told reads like this:
 *
 *	deny  shop/x (10.0.0.3) -> shop/web (10.0.0.1), port 8080/TCP (http)
 *	staged: would be allowed: … (where staged policies change it)
 *
 *	egress: allow
 *	  no policy isolates shop/x for egress
 *
 *	ingress: deny
 *	  shop/web is isolated for ingress by shop/allow-web and shop/deny-all
 *	  none of their 2 rules allows this; the nearest first:
 *	  rule 2 of shop/allow-web would match if pod shop/x had tier=web
 *	    (it allows: from pods with tier=web in namespace shop, to port
 *	    http/TCP, which is 8080 on shop/web)
 *	  rule 1 of shop/allow-web …
 *
 * one statement to a line. A pod can have thousands of policies and rules, so
 * that lists end early unless all of them were asked for.
 */
#include "explain_text.h"

#include <errno.h>
#include <stdlib.h>

#include "decision_record.h"
#include "list_text.h"
#include "miss_text.h"
#include "planned.h"
#include "question.h"
#include "rule_text.h"

/* How many rules are told of: all on one screen, with their words. */
#define MAX_RULES 5

/* ---- the flow ----------------------------------------------------------- */

static void write_end(FILE *out, const struct pod *pod,
		      const struct ip_addr *addr)
{
	char text[IP_ADDR_TEXT_LEN];

	ip_addr_format(addr, text);
	if (pod)
		fprintf(out, "%s/%s (%s)", pod->namespace, pod->name, text);
	else
		fprintf(out, "%s", text);
}

static void write_port(FILE *out, const struct question *question)
{
	const struct flow_key *key = &question->key;
	const char *protocol = protocol_name(key->protocol);

	if (key->has_port)
		fprintf(out, ", port %u/%s", key->dst_port, protocol);
	else if (protocol)
		fprintf(out, ", %s", protocol);
	else
		fprintf(out, ", protocol %u", key->protocol);
	if (question->port_name)
		fprintf(out, " (%s)", question->port_name);
}

static void write_flow(FILE *out, const struct explain_text *text)
{
	const struct explanation *explanation = text->record->explanation;
	const struct flow_key *key = &text->question->key;

	fprintf(out, "%s  ", verdict_name(explanation->decision.verdict));
	write_end(out, explanation->sides[DIRECTION_EGRESS].pod, &key->src);
	fprintf(out, " -> ");
	write_end(out, explanation->sides[DIRECTION_INGRESS].pod, &key->dst);
	write_port(out, text->question);
	fputc('\n', out);
}

/* ---- notes -------------------------------------------------------------- */

/* Of two families one is told; the other need not be let through as well. */
static void write_other_family(FILE *out, const struct explain_text *text)
{
	const struct explanation *explanation = text->record->explanation;
	const struct question *question = text->question;
	struct decision other;

	if (!question->has_other)
		return;
	other = snapshot_decide(text->asker->snapshot, &question->other);
	if (other.verdict == explanation->decision.verdict)
		return;
	fprintf(out,
		"note: over IPv%u the answer is %s; --family %u says why\n",
		question->other.src.family, verdict_name(other.verdict),
		question->other.src.family);
}

/* Of a flow between two nodes each judges its own end. */
static void write_not_judged(FILE *out, const struct explain_text *text)
{
	const struct decision *decision = &text->record->explanation->decision;

	if (decision->verdict == VERDICT_DENY)
		return;
	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		if (decision->sides[dir].reason != REASON_NOT_LOCAL)
			continue;
		fprintf(out, "note: this node lets it pass; another one "
			     "decides, too\n");
		return;
	}
}

static void write_notes(FILE *out, const struct explain_text *text)
{
	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		if (!question_has_note(text->asker, text->question, dir))
			continue;
		fprintf(out, "note: ");
		question_write_note(out, text->asker, text->question, dir);
		fputc('\n', out);
	}
	write_not_judged(out, text);
	write_other_family(out, text);
}

/* ---- what is told of a side --------------------------------------------- */

struct side_text {
	FILE *out;
	const struct explain_text *text;
	const struct side_explanation *side;
	enum direction dir;
	struct receiver receiver; /* whose port names are looked up */
};

/* The beginning of a statement. */
static void begin(const struct side_text *s)
{
	fprintf(s->out, "  ");
}

static void write_policies(const struct side_text *s)
{
	for (size_t i = 0; i < s->side->n_isolating; i++) {
		const struct network_policy *policy = s->side->isolating[i];

		if (s->text->all && i > 0)
			fprintf(s->out, ", ");
		else if (!list_text_begin_item(s->out, i, s->side->n_isolating,
					       " and "))
			return;
		fprintf(s->out, "%s/%s", policy->namespace, policy->name);
	}
}

static void write_isolated(const struct side_text *s)
{
	const struct pod *pod = s->side->pod;

	begin(s);
	fprintf(s->out, "%s/%s is isolated for %s by ", pod->namespace,
		pod->name, direction_name(s->dir));
	write_policies(s);
	if (s->side->n_isolating > LIST_TEXT_MAX && !s->text->all)
		fprintf(s->out, " (--all names all)");
	fputc('\n', s->out);
}

/* How many rules of a side are told, and of the others how many there are. */
static size_t n_told(const struct side_text *s, size_t n)
{
	return s->text->all || n <= MAX_RULES ? n : MAX_RULES;
}

static void write_untold(const struct side_text *s, size_t n, const char *what)
{
	size_t told = n_told(s, n);

	if (told == n)
		return;
	begin(s);
	fprintf(s->out, "%zu more rule%s%s (--all tells of all)\n", n - told,
		n - told == 1 ? "" : "s", what);
}

/* ---- rules that allow --------------------------------------------------- */

static void write_allowing(const struct side_text *s,
			   const struct rule_result *result, const char *too)
{
	begin(s);
	rule_text_write_name(s->out, result->policy, result->rule);
	fprintf(s->out, " allows it%s: ", too);
	rule_text_write_match(s->out, s->dir, result, &s->receiver);
	fputc('\n', s->out);
}

/* The one that is named in records is the first of them. */
static void write_rules_that_allow(const struct side_text *s)
{
	const struct side_explanation *side = s->side;
	size_t n = 0, told = 0;

	for (size_t i = 0; i < side->n_rules; i++)
		n += side->rules[i].misses == 0;
	for (size_t i = 0; i < side->n_rules && told < n_told(s, n); i++) {
		if (side->rules[i].misses == 0)
			write_allowing(s, &side->rules[i],
				       told++ > 0 ? ", too" : "");
	}
	write_untold(s, n, n - told == 1 ? " allows it" : " allow it");
}

/* ---- rules that come near ----------------------------------------------- */

/* Rules of one distance stay as they are listed, which is their order in
   memory. */
static int compare_distances(const void *a, const void *b)
{
	const struct rule_result *const *x = a;
	const struct rule_result *const *y = b;

	if ((*x)->distance != (*y)->distance)
		return (*x)->distance < (*y)->distance ? -1 : 1;
	return *x < *y ? -1 : 1;
}

static void write_miss(const struct side_text *s,
		       const struct rule_result *result)
{
	begin(s);
	miss_text_write(s->out, s->text->record, s->dir, result);
	fputc('\n', s->out);
	begin(s);
	fprintf(s->out, "  (it allows: ");
	rule_text_write(s->out, result->policy, s->dir, result->rule,
			&s->receiver);
	fprintf(s->out, ")\n");
}

static int write_nearest(const struct side_text *s)
{
	size_t n = s->side->n_rules;
	const struct rule_result **nearest = calloc(n, sizeof(void *));

	if (!nearest)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		nearest[i] = &s->side->rules[i];
	qsort(nearest, n, sizeof(void *), compare_distances);
	for (size_t i = 0; i < n_told(s, n); i++)
		write_miss(s, nearest[i]);
	write_untold(s, n, n - n_told(s, n) == 1 ? " misses" : " miss");
	free(nearest);
	return 0;
}

static int write_denied(const struct side_text *s)
{
	bool one = s->side->n_isolating == 1;
	size_t n = s->side->n_rules;

	begin(s);
	if (n == 0) {
		fprintf(s->out, "%s no %s rule: nothing is allowed\n",
			one ? "it has" : "they have", direction_name(s->dir));
		return 0;
	}
	if (n == 1)
		fprintf(s->out, "%s only %s rule does not allow this:\n",
			one ? "its" : "their", direction_name(s->dir));
	else
		fprintf(s->out,
			"none of %s %zu %s rules allows this; the nearest "
			"first:\n",
			one ? "its" : "their", n, direction_name(s->dir));
	return write_nearest(s);
}

/* ---- sides -------------------------------------------------------------- */

/* A node, by an address of its own or of a pod on its host network. */
struct node_search {
	const struct ip_addr *addr;
	const char *name; /* NULL: none was found */
};

static bool has_address(const struct ip_addr *addrs, size_t n,
			const struct ip_addr *addr)
{
	for (size_t i = 0; i < n; i++) {
		if (ip_addr_equal(&addrs[i], addr))
			return true;
	}
	return false;
}

static int visit_node(void *ctx, const struct object *object)
{
	struct node_search *search = ctx;

	if (has_address(object->node.addresses, object->node.n_addresses,
			search->addr))
		search->name = object->node.name;
	return search->name != NULL;
}

static int visit_host_pod(void *ctx, const struct object *object)
{
	struct node_search *search = ctx;
	const struct pod *pod = &object->pod;

	if (pod->host_network && !pod->finished &&
	    has_address(pod->addresses, pod->n_addresses, search->addr))
		search->name = pod->node_name;
	return search->name != NULL;
}

static const char *find_node(const struct cluster *cluster,
			     const struct ip_addr *addr)
{
	struct node_search search = { .addr = addr };

	if (cluster_each(cluster, OBJECT_NODE, visit_node, &search) == 0)
		cluster_each(cluster, OBJECT_POD, visit_host_pod, &search);
	return search.name;
}

static void write_not_a_pod(const struct side_text *s)
{
	const struct flow_key *key = &s->text->question->key;
	bool egress = s->dir == DIRECTION_EGRESS;
	const struct ip_addr *addr = egress ? &key->src : &key->dst;
	const char *node = find_node(s->text->asker->cluster, addr);
	char text[IP_ADDR_TEXT_LEN];

	begin(s);
	fprintf(s->out, "%s is ", ip_addr_format(addr, text));
	if (node)
		fprintf(s->out, "an address of node %s", node);
	else
		fprintf(s->out, "no pod's address");
	fprintf(s->out, ": no policy governs what it %s\n",
		egress ? "sends" : "receives");
}

static void write_own_node(const struct side_text *s)
{
	const struct pod *pod = s->side->pod;
	char text[IP_ADDR_TEXT_LEN];

	begin(s);
	fprintf(s->out,
		"%s is an address of node %s, where %s/%s runs: a pod's own "
		"node always gets in\n",
		ip_addr_format(&s->text->question->key.src, text),
		pod->node_name, pod->namespace, pod->name);
}

static int write_reason(const struct side_text *s)
{
	const struct pod *pod = s->side->pod;

	if (s->side->n_isolating > 0)
		write_isolated(s);
	switch (s->side->side.reason) {
	case REASON_NO_RULE_MATCHES:
		return write_denied(s);
	case REASON_RULE:
		write_rules_that_allow(s);
		return 0;
	case REASON_NOT_ISOLATED:
		begin(s);
		fprintf(s->out, "no policy isolates %s/%s for %s\n",
			pod->namespace, pod->name, direction_name(s->dir));
		return 0;
	case REASON_SELF:
		begin(s);
		fprintf(s->out, "a pod always reaches itself\n");
		return 0;
	case REASON_OWN_NODE:
		write_own_node(s);
		return 0;
	case REASON_NOT_A_POD:
		write_not_a_pod(s);
		return 0;
	case REASON_NOT_LOCAL:
		begin(s);
		fprintf(s->out,
			"%s/%s runs on node %s, which judges what it "
			"%s\n",
			pod->namespace, pod->name, pod->node_name,
			s->dir == DIRECTION_EGRESS ? "sends" : "receives");
		return 0;
	}
	return 0;
}

static int write_side(FILE *out, const struct explain_text *text,
		      enum direction dir)
{
	const struct side_explanation *sides = text->record->explanation->sides;
	const struct side_text s = {
		.out = out,
		.text = text,
		.side = &sides[dir],
		.dir = dir,
		.receiver.pod = sides[DIRECTION_INGRESS].pod,
	};

	fprintf(out, "\n%s: %s\n", direction_name(dir),
		s.side->side.reason == REASON_NOT_LOCAL
			? "not judged on this node"
			: verdict_name(s.side->side.verdict));
	return write_reason(&s);
}

int explain_text_write(FILE *out, const struct explain_text *text)
{
	int r;

	write_flow(out, text);
	if (text->planned) {
		planned_write_text(out, text->record, text->planned);
		fputc('\n', out);
	}
	write_notes(out, text);
	r = write_side(out, text, DIRECTION_EGRESS);
	return r < 0 ? r : write_side(out, text, DIRECTION_INGRESS);
}
