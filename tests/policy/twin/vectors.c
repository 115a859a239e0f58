/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vectors.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"
#include "vectors_table.h"

/* ---- the setting -------------------------------------------------------- */

#define N_PODS 9
#define N_ENDS (N_PODS + 2)

struct setting {
	const struct vectors_subject *subject;
	char labels[N_PODS][64]; /* one more label of a pod */
	char ports[N_PODS][512];
	char status[N_PODS][256];
	char spec[N_PODS][512];
	char meta[N_PODS][96];
	char namespaces[3][128];
};

static void end_name(size_t i, char name[8])
{
	if (i < N_PODS)
		snprintf(name, 8, "%c/%c", "xyz"[i / 3], "abc"[i % 3]);
	else
		snprintf(name, 8, "%s", i == N_PODS ? "ext" : "node");
}

static void end_address(size_t i, int family, uint8_t addr[16])
{
	static const char *const outside[2][2] = {
		{ "203.0.113.9", "2001:db8::9" },
		{ "10.244.1.254", "fd00:10:244:1::fe" },
	};
	char text[64];
	int found;

	if (i >= N_PODS)
		snprintf(text, sizeof(text), "%s",
			 outside[i - N_PODS][family == 6]);
	else if (family == 4)
		snprintf(text, sizeof(text), "10.244.%zu.%zu", i / 3 + 1,
			 i % 3 + 1);
	else
		snprintf(text, sizeof(text), "fd00:10:244:%zu::%zu", i / 3 + 1,
			 i % 3 + 1);
	oracle_address(text, &found, addr);
}

static size_t pod_index(const char *name)
{
	return (size_t)(name[0] - 'x') * 3 + (size_t)(name[2] - 'a');
}

/* Hands JSON with ' for " to the subject. */
static void tell(void (*fn)(void *ctx, const char *json), void *ctx,
		 struct writer *json)
{
	for (size_t i = 0; i < json->len; i++)
		if (json->data[i] == '\'')
			json->data[i] = '"';
	fn(ctx, json->data);
	writer_release(json);
}

static void put_pod(const struct setting *s, size_t i)
{
	static const char *const protocols[] = { "TCP", "UDP", "SCTP" };
	static const char *const lower[] = { "tcp", "udp", "sctp" };
	struct writer json = { 0 };

	writer_add(&json,
		   "{'apiVersion':'v1','kind':'Pod','metadata':{'namespace':"
		   "'%c','name':'%c','uid':'u%zu',%s'labels':{'pod':'%c'%s}},"
		   "'spec':{%s%s'containers':[{'name':'c','ports':",
		   "xyz"[i / 3], "abc"[i % 3], i, s -> meta[i], "abc"[i % 3],
		   s -> labels[i], s -> spec[i], *s -> spec[i] ? "," : "");
	if (*s->ports[i]) {
		writer_add(&json, "%s", s->ports[i]);
	} else {
		for (int p = 0; p < 6; p++)
			writer_add(&json,
				   "%c{'name':'serve-%d-%s','containerPort':%d,"
				   "'protocol':'%s'}",
				   p == 0 ? '[' : ',', 80 + p % 2, lower[p / 2],
				   80 + p % 2, protocols[p / 2]);
		writer_add(&json, "]");
	}
	writer_add(&json, "}]},'status':");
	if (*s->status[i])
		writer_add(&json, "%s}", s->status[i]);
	else
		writer_add(
			&json,
			"{'phase':'Running','podIPs':[{'ip':'10.244.%zu.%zu'},"
			"{'ip':'fd00:10:244:%zu::%zu'}]}}",
			i / 3 + 1, i % 3 + 1, i / 3 + 1, i % 3 + 1);
	tell(s->subject->put, s->subject->ctx, &json);
}

static void put_namespace(const struct setting *s, size_t i, const char *phase)
{
	struct writer json = { 0 };

	writer_add(&json,
		   "{'apiVersion':'v1','kind':'Namespace','metadata':{'name':"
		   "'%c','labels':{'q':'1'%s}},'status':{'phase':'%s'}}",
		   "xyz"[i], s -> namespaces[i], phase);
	tell(s->subject->put, s->subject->ctx, &json);
}

/* ---- events ------------------------------------------------------------- */

static void add_label(char *to, size_t size, const char *label)
{
	const char *equals = strchr(label, '=');

	snprintf(to, size, ",'%.*s':'%s'", (int)(equals - label), label,
		 equals + 1);
}

static void policy_event(const struct setting *s, const char *name,
			 const char *spec)
{
	const struct vectors_subject *subject = s->subject;
	struct writer json = { 0 };

	writer_add(
		&json,
		"{'apiVersion':'networking.k8s.io/v1','kind':'NetworkPolicy',"
		"'metadata':{'namespace':'%c','name':'%.*s'},'spec':%s}",
		name[0], (int)strcspn(name + 2, " "), name + 2, spec);
	if (strcmp(spec, "{}") == 0)
		tell(subject->remove, subject->ctx, &json);
	else
		tell(subject->put, subject->ctx, &json);
}

static void pod_event(struct setting *s, const char *word, const char *name)
{
	const char *rest = name + strlen("x/a");
	size_t i = pod_index(name);
	struct writer json = { 0 };

	rest += *rest == ' ';
	if (strcmp(word, "pod") == 0)
		add_label(s->labels[i], sizeof(s->labels[i]), rest);
	else if (strcmp(word, "ports") == 0)
		snprintf(s->ports[i], sizeof(s->ports[i]), "%s", rest);
	else if (strcmp(word, "status") == 0)
		snprintf(s->status[i], sizeof(s->status[i]), "%s", rest);
	else if (strcmp(word, "spec") == 0)
		snprintf(s->spec[i], sizeof(s->spec[i]), "%s", rest);
	else if (strcmp(word, "nopod") != 0)
		snprintf(s->meta[i], sizeof(s->meta[i]),
			 "'creationTimestamp':'2025-01-01T00:00:01Z',%s",
			 strcmp(word, "newer") == 0
				 ? ""
				 : "'deletionTimestamp':"
				   "'2025-01-01T00:00:02Z',");
	if (strcmp(word, "nopod") != 0) {
		put_pod(s, i);
		return;
	}
	writer_add(&json,
		   "{'apiVersion':'v1','kind':'Pod','metadata':{'namespace':"
		   "'%c','name':'%c'}}",
		   name[0], name[2]);
	tell(s->subject->remove, s->subject->ctx, &json);
}

static void namespace_event(struct setting *s, const char *word,
			    const char *name)
{
	size_t i = (size_t)(name[0] - 'x');
	struct writer json = { 0 };

	if (strcmp(word, "ns") == 0)
		add_label(s->namespaces[i], sizeof(s->namespaces[i]), name + 2);
	if (strcmp(word, "nons") != 0) {
		put_namespace(s, i,
			      strcmp(word, "ns") == 0 ? "Active"
						      : "Terminating");
		return;
	}
	writer_add(&json,
		   "{'apiVersion':'v1','kind':'Namespace','metadata':"
		   "{'name':'%c'}}",
		   name[0]);
	tell(s->subject->remove, s->subject->ctx, &json);
}

static void event(struct setting *s, const char *text)
{
	static const char *const of_namespaces[] = { "ns", "terminating",
						     "nons" };
	const char *space = strchr(text, ' ');
	char word[16];

	if (text[1] == '/') {
		policy_event(s, text, space + 1);
		return;
	}
	snprintf(word, sizeof(word), "%.*s", (int)(space - text), text);
	if (strcmp(word, "without") == 0)
		return;
	if (strcmp(word, "gone") == 0) {
		policy_event(s, space + 1, "{}");
		return;
	}
	for (size_t i = 0; i < 3; i++) {
		if (strcmp(word, of_namespaces[i]) == 0) {
			namespace_event(s, word, space + 1);
			return;
		}
	}
	pod_event(s, word, space + 1);
}

/* ---- expectations ------------------------------------------------------- */

static const struct {
	const char *name;
	uint8_t protocol; /* 0: ICMP of the family */
	uint16_t port;
} services[] = {
	{ "tcp/80", 6, 80 },	{ "tcp/81", 6, 81 },	{ "tcp/82", 6, 82 },
	{ "udp/79", 17, 79 },	{ "udp/80", 17, 80 },	{ "udp/81", 17, 81 },
	{ "sctp/80", 132, 80 }, { "sctp/81", 132, 81 }, { "icmp/-", 0, 0 },
};
#define N_SERVICES (sizeof(services) / sizeof(services[0]))

static bool expected(const char *clauses, const char *from, const char *to,
		     const char *service, int family)
{
	const char *with_family = family == 4 ? "v4/*" : "v6/*";
	char a[16], b[16], c[16], d[16];
	bool answer = true;

	while (*clauses != '\0') {
		char clause[64];
		size_t len = strcspn(clauses, ";");
		int n;

		snprintf(clause, sizeof(clause), "%.*s", (int)len, clauses);
		clauses += len + (clauses[len] == ';');
		n = sscanf(clause, " %15s > %15s %15s %15s", a, b, c, d);
		if (n < 3)
			break;
		if (fnmatch(a, from, 0) != 0 || fnmatch(b, to, 0) != 0)
			continue;
		if (n == 4 && strcmp(c, with_family) != 0 &&
		    fnmatch(c, service, 0) != 0)
			continue;
		answer = strcmp(n == 4 ? d : c, "yes") == 0;
	}
	return answer;
}

static struct probe make_probe(size_t from, size_t to, size_t service,
			       int family)
{
	struct probe probe = {
		.family = family,
		.protocol = services[service].protocol,
		.port = services[service].port,
		.has_port = services[service].port != 0,
	};

	if (probe.protocol == 0)
		probe.protocol = family == 4 ? 1 : 58;
	end_address(from, family, probe.src);
	end_address(to, family, probe.dst);
	return probe;
}

static size_t check(size_t i, size_t stage, const struct setting *s,
		    size_t from, size_t to)
{
	const struct vector *v = &vectors[i];
	const struct vectors_subject *subject = s->subject;
	size_t failures = 0;
	char a[8], b[8];

	end_name(from, a);
	end_name(to, b);
	for (size_t k = 0; k < N_SERVICES * 2; k++) {
		const char *service = services[k / 2].name;
		int family = k % 2 ? 6 : 4;
		struct probe probe = make_probe(from, to, k / 2, family);
		bool want = expected(v->stages[stage].expect, a, b, service,
				     family);

		if (subject->allows(subject->ctx, &probe) == want)
			continue;
		if (failures++ == 0)
			fprintf(stderr,
				"%s: stage %zu: %s > %s %s IPv%d: expected "
				"%s, got %s\n",
				v->name, stage + 1, a, b, service, family,
				want ? "allow" : "deny",
				want ? "deny" : "allow");
	}
	return failures;
}

static size_t unknown_namespace(const struct vector *v)
{
	const char *first = v->stages[0].events[0];

	if (strncmp(first, "without ", 8) != 0)
		return 3;
	return (size_t)(first[8] - 'x');
}

size_t vectors_run(size_t i, const struct vectors_subject *subject)
{
	const struct vector *v = &vectors[i];
	size_t n_ends = v->outside ? N_ENDS : N_PODS;
	struct setting s = { .subject = subject };
	size_t failures = 0;

	for (size_t k = 0; k < 3; k++)
		if (k != unknown_namespace(v))
			put_namespace(&s, k, "Active");
	for (size_t k = 0; k < N_PODS; k++)
		put_pod(&s, k);
	for (size_t stage = 0; stage < 3; stage++) {
		const struct stage *now = &v->stages[stage];

		if (now->expect == NULL)
			break;
		for (size_t k = 0; k < 4 && now->events[k] != NULL; k++)
			event(&s, now->events[k]);
		for (size_t from = 0; from < n_ends; from++)
			for (size_t to = 0; to < n_ends; to++)
				if (from != to)
					failures +=
						check(i, stage, &s, from, to);
	}
	return failures;
}
