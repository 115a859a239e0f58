/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "netpold/advice.h"

#include "manifest/reading.h"

/*
 * Manifests in a line each. Text in braces is YAML of one line, so that rows
 * stay short; policies are in the namespace shop where nothing else is said.
 */
#define OBJECT(version, kind, metadata, rest)                                  \
	"---\n{apiVersion: " version ", kind: " kind ", metadata: {" metadata  \
	"}" rest "}\n"
#define POD(where, labels, spec)                                               \
	OBJECT("v1", "Pod", where ", labels: {" labels "}",                    \
	       ", spec: {" spec "}")
#define PORTS(name, protocol)                                                  \
	"containers: [{name: c, ports: [{containerPort: 80, name: " name       \
	", protocol: " protocol "}]}]"
#define WEB POD("namespace: shop, name: web", "app: web", PORTS("http", "TCP"))
#define DB POD("namespace: shop, name: db", "app: db", PORTS("sql", "TCP"))
#define DNS POD("namespace: kube-system, name: dns", "", PORTS("dns", "UDP"))
#define FAR POD("namespace: far, name: x", "app: web", PORTS("x", "TCP"))
#define HOST                                                                   \
	POD("namespace: shop, name: h", "app: host",                           \
	    "hostNetwork: true, " PORTS("x", "TCP"))
#define NAMESPACE(name, labels)                                                \
	OBJECT("v1", "Namespace", "name: " name ", labels: {" labels "}", "")
#define ENDING(name)                                                           \
	OBJECT("v1", "Namespace", "name: " name,                               \
	       ", status: {phase: Terminating}")
#define POLICY_OF(where, spec)                                                 \
	OBJECT("networking.k8s.io/v1", "NetworkPolicy", where,                 \
	       ", spec: {" spec "}")
#define POLICY(name, spec) POLICY_OF("namespace: shop, name: " name, spec)
#define APP(value) "podSelector: {matchLabels: {app: " value "}}"
#define ALL_PODS "{podSelector: {}}"
#define WEB_PEER "{" APP("web") "}"
#define DB_PEER "{" APP("db") "}"
#define BLOCK(cidr, except) "{ipBlock: {cidr: " cidr ", except: [" except "]}}"
#define TEAM(value) "namespaceSelector: {matchLabels: {team: " value "}}"
#define NAMED(value)                                                           \
	"namespaceSelector: {matchLabels: "                                    \
	"{kubernetes.io/metadata.name: " value "}}"
#define EXPRESSION(key, operator, rest)                                        \
	"{key: " key ", operator: " operator rest "}"
#define INGRESS(rules) "ingress: [" rules "]"
#define EGRESS(rules) "egress: [" rules "]"
#define FROM(peers) "{from: [" peers "]}"
#define TO(peers) "{to: [" peers "]}"
#define ON(ports) "{ports: [" ports "]}"
#define FROM_ON(peers, ports) "{from: [" peers "], ports: [" ports "]}"
#define TO_ON(peers, ports) "{to: [" peers "], ports: [" ports "]}"

/* One row: a sentence; manifests; a line for each warning. */
struct row {
	const char *name;
	const char *manifests;
	const char *expected; /* "POLICY PATH CODE", or the line as a whole */
};

static const struct row pod_rows[] = {
	{ "a policy that selects no pod is told", WEB POLICY("p", APP("wbe")),
	  "p spec.podSelector selects-no-pod" },
	{ "one that selects a pod is fine", WEB POLICY("p", APP("web")), "" },
	{ "without any pod nothing is said about pods",
	  NAMESPACE("shop", "") POLICY("p", APP("web")), "" },
	{ "a pod of another namespace is not selected",
	  FAR POLICY("p", APP("web")), "p spec.podSelector selects-no-pod" },
	{ "an empty podSelector is for pods to come",
	  FAR NAMESPACE("shop", "") POLICY("p", ""), "" },
	{ "and so it is where no Namespace is listed", FAR POLICY("p", ""),
	  "" },
	{ "but not in a namespace that is not there",
	  WEB NAMESPACE("shop", "")
		  POLICY_OF("namespace: shpo, name: p", "podSelector: {}"),
	  "p spec.podSelector selects-no-pod" },
	{ "there is always a namespace default",
	  WEB NAMESPACE("shop", "") POLICY_OF("name: p", "podSelector: {}"),
	  "" },
	{ "an empty podSelector selects all pods", WEB POLICY("p", ""), "" },
	{ "NP-52: a pod on the host network is none that a policy governs",
	  HOST POLICY("p", APP("host")), "p spec.podSelector selects-no-pod" },
	{ "NP-52: but an empty podSelector is for other pods, too",
	  HOST POLICY("p", ""), "" },
	{ "NP-52: one pod beside it is enough",
	  HOST POD("namespace: shop, name: h2", "app: host", "")
		  POLICY("p", APP("host")),
	  "" },
	{ "a finished pod counts: others like it will follow",
	  OBJECT("v1", "Pod", "namespace: shop, name: job, labels: {app: web}",
		 ", status: {phase: Succeeded}") POLICY("p", APP("web")),
	  "" },
	{ "NP-66: a namespace that is going away may have lost its pods",
	  FAR ENDING("shop") POLICY("p", APP("web")), "" },
	{ "NP-66: other namespaces stay to be judged",
	  FAR ENDING("far") POLICY("p", APP("web")),
	  "p spec.podSelector selects-no-pod" },
};

static const struct row namespace_rows[] = {
	{ "a namespaceSelector that matches nothing is told, with its path",
	  NAMESPACE("shop", "team: a") POLICY(
		  "p", INGRESS(FROM("{" TEAM("a") "}, {" TEAM("b") "}"))),
	  "p spec.ingress[0].from[1].namespaceSelector matches-no-namespace" },
	{ "one that matches is fine",
	  NAMESPACE("shop", "team: a")
		  POLICY("p", INGRESS(FROM("{" TEAM("a") "}"))),
	  "" },
	{ "without any namespace nothing is said about namespaces",
	  WEB POLICY("p", INGRESS(FROM("{" TEAM("b") "}"))), "" },
	{ "nor if nothing is in another than those that every cluster has",
	  DNS POLICY_OF("name: p", INGRESS(FROM("{" TEAM("b") "}"))), "" },
	{ "an empty namespaceSelector matches all namespaces",
	  NAMESPACE("shop", "")
		  POLICY("p", INGRESS(FROM("{namespaceSelector: {}}"))),
	  "" },
	{ "a peer without namespaceSelector has nothing to match",
	  NAMESPACE("shop", "") POLICY("p", INGRESS(FROM(ALL_PODS))), "" },
	{ "NP-41: a name that no namespace has is told",
	  NAMESPACE("shop", "")
		  POLICY("p", INGRESS(FROM("{" NAMED("shpo") "}"))),
	  "p spec.ingress[0].from[0].namespaceSelector matches-no-namespace" },
	{ "NP-41: every namespace has its name as a label",
	  NAMESPACE("shop", "")
		  POLICY("p", INGRESS(FROM("{" NAMED("shop") "}"))),
	  "" },
	{ "kube-system is in every cluster, manifest or not",
	  NAMESPACE("shop", "")
		  POLICY("p", EGRESS(TO("{" NAMED("kube-system") "}"))),
	  "" },
	{ "and lacks a label that nobody gave it",
	  NAMESPACE("shop", "team: a") POLICY(
		  "p",
		  INGRESS(FROM("{namespaceSelector: "
			       "{matchExpressions: [" EXPRESSION(
				       "team", "DoesNotExist", "") "]}}"))),
	  "" },
	{ "but where it is listed, its labels are those that it has",
	  NAMESPACE("default", "team: a") NAMESPACE("kube-node-lease",
						    "team: a")
		  NAMESPACE("kube-public", "team: a") NAMESPACE(
			  "kube-system", "team: a") NAMESPACE("shop", "team: a")
			  POLICY("p",
				 INGRESS(FROM("{namespaceSelector: "
					      "{matchExpressions: [" EXPRESSION(
						      "team", "DoesNotExist",
						      "") "]}}"))),
	  "p spec.ingress[0].from[0].namespaceSelector matches-no-namespace" },
	{ "NP-42: the namespace of a pod is known by name",
	  NAMESPACE("shop", "")
		  FAR WEB POLICY("p", INGRESS(FROM("{" NAMED("far") "}"))),
	  "" },
	{ "NP-42: the namespace of a policy is known by name",
	  NAMESPACE("far", "")
		  POLICY("p", INGRESS(FROM("{" NAMED("shop") "}"))),
	  "" },
	{ "NP-42: a namespace that is known by name may have any label",
	  NAMESPACE("shop", "")
		  FAR WEB POLICY("p", INGRESS(FROM("{" TEAM("b") "}"))),
	  "" },
	{ "NP-42: but no other name",
	  NAMESPACE("shop", "team: a") FAR WEB POLICY(
		  "p",
		  INGRESS(FROM("{namespaceSelector: {matchLabels: {team: "
			       "b}, matchExpressions: [" EXPRESSION(
				       "kubernetes.io/metadata.name", "NotIn",
				       ", values: [far]") "]}}"))),
	  "p spec.ingress[0].from[0].namespaceSelector matches-no-namespace" },
	{ "NP-66: a namespace that is going away is still there",
	  NAMESPACE("shop", "") ENDING("far")
		  POLICY("p", INGRESS(FROM("{" NAMED("far") "}"))),
	  "" },
	{ "NP-66: nothing is said of its own policies",
	  ENDING("shop") POLICY("p", INGRESS(FROM("{" TEAM("b") "}"))), "" },
	{ "egress has its own path",
	  NAMESPACE("shop", "") POLICY("p", EGRESS(TO("{" TEAM("x") "}"))),
	  "p spec.egress[0].to[0].namespaceSelector matches-no-namespace" },
	{ "NP-5: rules of a direction that is not governed are passed over",
	  NAMESPACE("shop", "") POLICY("p", "policyTypes: [Ingress], " EGRESS(
						    TO("{" TEAM("x") "}"))),
	  "" },
};

static const struct row port_rows[] = {
	{ "a named port that no selected pod has is told",
	  WEB POLICY("p", INGRESS(ON("{port: 80}, {port: htp}"))),
	  "p spec.ingress[0].ports[1].port missing-port" },
	{ "one that a selected pod has is fine",
	  WEB DB POLICY("p", INGRESS(ON("{port: http}"))), "" },
	{ "NP-45: for ingress it is the selected pod that has to have it",
	  WEB DB POLICY("p", APP("web") ", " INGRESS(ON("{port: sql}"))),
	  "p spec.ingress[0].ports[0].port missing-port" },
	{ "NP-49: a name with another protocol is another port",
	  WEB POLICY("p", INGRESS(ON("{port: http, protocol: UDP}"))),
	  "p spec.ingress[0].ports[0].port missing-port" },
	{ "where no pod is selected nothing is said of its ports",
	  WEB POLICY("p", APP("x") ", " INGRESS(ON("{port: htp}"))),
	  "p spec.podSelector selects-no-pod" },
	{ "NP-52: a port of a pod on the host network is none",
	  HOST WEB POLICY("p", INGRESS(ON("{port: x}"))),
	  "p spec.ingress[0].ports[0].port missing-port" },
	{ "NP-45: for egress it is the destination that has to have it",
	  WEB DB POLICY("p", APP("web") ", " EGRESS(TO_ON(
				     DB_PEER, "{port: http}, {port: sql}"))),
	  "p spec.egress[0].ports[0].port missing-port" },
	{ "NP-45: one of the peers is enough",
	  WEB DB POLICY("p", EGRESS(TO_ON(WEB_PEER ", " DB_PEER,
					  "{port: sql}, {port: x}"))),
	  "p spec.egress[0].ports[1].port missing-port" },
	{ "a peer that finds no pod may be for one that has the port",
	  WEB POLICY("p", EGRESS(TO_ON(WEB_PEER ", " DB_PEER, "{port: sql}"))),
	  "" },
	{ "who has the addresses of a block is not known",
	  WEB POLICY("p", EGRESS(TO_ON(WEB_PEER ", " BLOCK("10.0.0.0/8", ""),
				       "{port: sql}"))),
	  "" },
	{ "NP-30: a podSelector reaches the policy's own namespace only",
	  WEB FAR POLICY("p", EGRESS(TO_ON(WEB_PEER, "{port: x}"))),
	  "p spec.egress[0].ports[0].port missing-port" },
	{ "NP-32: both selectors reach other namespaces",
	  WEB NAMESPACE("shop", "") NAMESPACE("far", "team: a") FAR POLICY(
		  "p", EGRESS(TO_ON("{" APP("web") ", " TEAM("a") "}",
				    "{port: x}, {port: http}"))),
	  "p spec.egress[0].ports[1].port missing-port" },
	{ "NP-42: labels of a namespace that is not listed are not known",
	  WEB NAMESPACE("shop", "team: a")
		  FAR POLICY("p", EGRESS(TO_ON("{" TEAM("a") "}",
					       "{port: x}, {port: z}"))),
	  "" },
	{ "NP-42: a namespace that is not listed is reached by its name",
	  WEB FAR POLICY("p", EGRESS(TO_ON("{" NAMED("far") "}",
					   "{port: x}, {port: http}"))),
	  "p spec.egress[0].ports[1].port missing-port" },
	{ "an egress rule without peers reaches every pod",
	  WEB DB DNS POLICY(
		  "p", APP("web") ", " EGRESS(ON("{port: sql}, {port: x}"))),
	  "p spec.egress[0].ports[1].port missing-port" },
	{ "every cluster has pods in kube-system: they may not be listed",
	  WEB DB POLICY("p", EGRESS(ON("{port: dns, protocol: UDP}"))), "" },
	{ "nor are they where all namespaces are reached",
	  WEB DB POLICY("p", EGRESS(TO_ON("{namespaceSelector: {}}",
					  "{port: dns, protocol: UDP}"))),
	  "" },
	{ "nor where that one is",
	  WEB DB POLICY("p", EGRESS(TO_ON("{" NAMED("kube-system") "}",
					  "{port: dns, protocol: UDP}"))),
	  "" },
};

/* Which rules cover others is the matter of cover_test.c. */
static const struct row redundant_rows[] = {
	{ "of two equal rules the later one is told",
	  POLICY("p", INGRESS(FROM(WEB_PEER) ", " FROM(WEB_PEER))),
	  "p spec.ingress[1] redundant-rule" },
	{ "the narrower rule is told, though it comes first",
	  POLICY("p", INGRESS(FROM(WEB_PEER) ", " FROM(ALL_PODS))),
	  "p spec.ingress[0] redundant-rule" },
	{ "a rule with the peers of two others covers both",
	  POLICY("p", INGRESS(FROM(WEB_PEER) ", " FROM(DB_PEER) ", " FROM(
			      WEB_PEER ", " DB_PEER))),
	  "p spec.ingress[0] redundant-rule\n"
	  "p spec.ingress[1] redundant-rule" },
	{ "what two rules together cover is not told",
	  POLICY("p",
		 INGRESS(FROM_ON(WEB_PEER, "{port: 80}, {port: 81}") ", " ON(
			 "{port: 80}") ", " ON("{port: 81}"))),
	  "" },
	{ "a rule of a policy for all pods covers one of a policy for some",
	  POLICY("a", APP("web") ", " INGRESS(FROM(WEB_PEER)))
		  POLICY("b", INGRESS(FROM(WEB_PEER))),
	  "a spec.ingress[0] redundant-rule" },
	{ "and not the other way round",
	  POLICY("a", APP("web") ", " INGRESS(FROM(ALL_PODS)))
		  POLICY("b", INGRESS(FROM(WEB_PEER))),
	  "" },
	{ "of two equal policies that of the later name is told",
	  POLICY("b", INGRESS(FROM(WEB_PEER)))
		  POLICY("a", INGRESS(FROM(WEB_PEER))),
	  "b spec.ingress[0] redundant-rule" },
	{ "ingress and egress do not cover each other",
	  POLICY("p", INGRESS("{}") ", " EGRESS(ON("{port: 80}"))), "" },
	{ "egress is looked at as ingress is",
	  POLICY("p", EGRESS("{}, " ON("{port: 80}"))),
	  "p spec.egress[1] redundant-rule" },
	{ "NP-5: a rule of a direction that is not governed covers nothing",
	  POLICY("a", "policyTypes: [Egress], " INGRESS("{}"))
		  POLICY("b", INGRESS(FROM(WEB_PEER))),
	  "" },
	{ "NP-5: nor is it redundant",
	  POLICY("a", "policyTypes: [Egress], " INGRESS(FROM(WEB_PEER)))
		  POLICY("b", INGRESS("{}")),
	  "" },
	{ "NP-5: and those that follow are not taken for it",
	  POLICY("a", "policyTypes: [Egress], " INGRESS("{}, {}, {}"))
		  POLICY("b", INGRESS("{}, {}")),
	  "b spec.ingress[1] redundant-rule" },
	{ "a policy of another namespace covers nothing",
	  POLICY_OF("namespace: far, name: a", INGRESS("{}"))
		  POLICY("b", INGRESS(FROM(WEB_PEER))),
	  "" },
	{ "NP-66: policies of a namespace that is going away are left alone",
	  ENDING("shop") POLICY("p", INGRESS("{}, {}")), "" },
};

static const struct row except_rows[] = {
	{ "two halves leave nothing",
	  POLICY("p", INGRESS(FROM(WEB_PEER ", " BLOCK(
			      "10.0.0.0/8", "10.128.0.0/9, 10.0.0.0/9")))),
	  "p spec.ingress[0].from[1].ipBlock.except excepts-all" },
	{ "a half leaves the other",
	  POLICY("p", INGRESS(FROM(BLOCK("10.0.0.0/8", "10.128.0.0/9")))), "" },
	{ "AV-58: an except that is wider than its block leaves nothing",
	  POLICY("p",
		 INGRESS(FROM(BLOCK("16.0.0.0/8", "'::ffff:16.0.0.0/100'")))),
	  "p spec.ingress[0].from[0].ipBlock.except excepts-all" },
	{ "each peer is for itself",
	  POLICY("p", INGRESS(FROM(BLOCK("10.0.0.0/8", "10.0.0.0/9") ", " BLOCK(
			      "10.0.0.0/8", "10.128.0.0/9")))),
	  "" },
};

/* Without pods and namespaces to judge by. */
static const struct row scope_rows[] = {
	{ "nothing is said of pods, of namespaces and of named ports",
	  NAMESPACE("shop", "") WEB POLICY("p", APP("wbe")) POLICY(
		  "q", INGRESS(FROM_ON("{" TEAM("x") "}", "{port: htp}"))),
	  "" },
	{ "but of rules and of blocks",
	  NAMESPACE("shop", "") WEB POLICY(
		  "p", APP("wbe") ", " INGRESS("{}, " FROM(BLOCK(
			       "10.0.0.0/31", "10.0.0.0/32, 10.0.0.1/32")))),
	  "p spec.ingress[1] redundant-rule\n"
	  "p spec.ingress[1].from[0].ipBlock.except excepts-all" },
};

#define SHOP_P "NetworkPolicy shop/p: warning: "
#define A_41 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B_41 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define NO_EFFECT ": the policy has no effect"
#define NO_MATCH                                                               \
	" matches no namespace of these manifests: this peer allows nothing"

/* What the lines say, whole. */
static const struct row message_rows[] = {
	{ "a selector is written as kubectl writes it",
	  WEB POLICY("p", "podSelector: {matchExpressions: [" EXPRESSION(
				  "app", "In", ", values: [a, b]") "]}"),
	  SHOP_P "spec.podSelector: app in (a,b) selects no pod of these "
		 "manifests" NO_EFFECT },
	{ "of an empty podSelector it is the namespace that is named",
	  FAR NAMESPACE("far", "") POLICY("p", ""),
	  SHOP_P "spec.podSelector: these manifests have no namespace shop and "
		 "no pod in it" NO_EFFECT },
	{ "NP-52: of pods on the host network it is said why",
	  HOST POLICY("p", APP("host")),
	  SHOP_P "spec.podSelector: app=host selects only pods on the host "
		 "network, which no policy governs" NO_EFFECT },
	{ "a long selector is cut",
	  WEB POLICY("p",
		     "podSelector: {matchExpressions: [" EXPRESSION(
			     "app", "In",
			     ", values: [" A_41 ", " B_41 ", " A_41 "]") "]}"),
	  SHOP_P "spec.podSelector: app in (" A_41 "," B_41
		 ",aaaaaaaaaaaaaaaaaaaaaaaaaaa... selects no pod of these "
		 "manifests" NO_EFFECT },
	{ "a port is named with its protocol",
	  WEB POLICY("p", INGRESS(ON("{port: htp}"))),
	  SHOP_P "spec.ingress[0].ports[0].port: none of the pods that the "
		 "policy selects has a TCP port named \"htp\": this entry "
		 "allows nothing" },
	{ "for egress it is the pods that are reached",
	  WEB DNS POLICY("p", EGRESS(ON("{port: dsn, protocol: UDP}"))),
	  SHOP_P "spec.egress[0].ports[0].port: none of the pods that the rule "
		 "reaches has a UDP port named \"dsn\": this entry allows "
		 "nothing" },
	{ "a namespaceSelector is written out",
	  NAMESPACE("shop", "") POLICY("p", INGRESS(FROM("{" TEAM("x") "}"))),
	  SHOP_P "spec.ingress[0].from[0].namespaceSelector: team=x" NO_MATCH },
	{ "a rule that is covered names the one that covers it",
	  POLICY("p", INGRESS(ON("{port: 80}") ", {}")),
	  SHOP_P "spec.ingress[0]: all that this rule allows, spec.ingress[1] "
		 "of this policy allows too: the rule adds nothing" },
	{ "and the policy that it is in, where that is another",
	  POLICY("p", INGRESS("{}")) POLICY("a", INGRESS("{}")),
	  SHOP_P "spec.ingress[0]: all that this rule allows, spec.ingress[0] "
		 "of NetworkPolicy shop/a allows too: the rule adds nothing" },
	{ "a rule that is named as the reason is not redundant itself",
	  POLICY("p", INGRESS(ON("{port: 80}") ", " ON(
			      "{port: 80, endPort: 81}") ", " ON("{}"))),
	  SHOP_P "spec.ingress[0]: all that this rule allows, spec.ingress[2] "
		 "of this policy allows too: the rule adds nothing\n" SHOP_P
		 "spec.ingress[1]: all that this rule allows, spec.ingress[2] "
		 "of this policy allows too: the rule adds nothing" },
	{ "a block of which nothing is left is named",
	  POLICY("p", INGRESS(FROM(BLOCK("10.0.0.0/8",
					 "10.128.0.0/9, 10.0.0.0/9")))),
	  SHOP_P "spec.ingress[0].from[0].ipBlock.except: nothing is left of "
		 "10.0.0.0/8: this peer allows nothing" },
	{ "policies come in the order of their names, and what is in them in "
	  "the order it is written",
	  WEB NAMESPACE("shop", "") POLICY("q", APP("x"))
		  POLICY("p", EGRESS(TO("{" TEAM("z") "}")) ", " INGRESS(FROM(
				      "{" TEAM("x") "}, {" TEAM("w") "}"))),
	  SHOP_P
	  "spec.ingress[0].from[0].namespaceSelector: team=x" NO_MATCH
	  "\n" SHOP_P
	  "spec.ingress[0].from[1].namespaceSelector: team=w" NO_MATCH
	  "\n" SHOP_P "spec.egress[0].to[0].namespaceSelector: team=z" NO_MATCH
	  "\nNetworkPolicy shop/q: warning: spec.podSelector: app=x selects "
	  "no pod of these manifests" NO_EFFECT },
};

/* ---- asking ------------------------------------------------------------- */

static void put_object(void *ctx, const struct object *object)
{
	assert_true(cluster_put(ctx, object, 0) >= 0);
}

static struct cluster *read_cluster(const char *name, const char *manifests)
{
	struct pieces pieces = pieces_of(manifests, strlen(manifests));
	struct cluster *cluster = cluster_new();
	struct reading reading = { 0 };

	read_pieces(&pieces, false, put_object, cluster, &reading);
	if (reading.result != 0 || reading.n_errors > 0)
		fail_msg("%s: %s", name, text_string(&reading.findings));
	reading_release(&reading);
	return cluster;
}

static void take_short(void *ctx, const struct finding *finding)
{
	struct text *text = ctx;

	text_put(text, "%s%s %s %s", text->len > 0 ? "\n" : "", finding->name,
		 finding->path, finding_code_name(finding->code));
}

static void take_whole(void *ctx, const struct finding *finding)
{
	struct text *text = ctx;
	char line[1024];

	finding_format(finding, line, sizeof(line));
	text_put(text, "%s%s", text->len > 0 ? "\n" : "", line);
}

static void check_rows(const struct row *rows, size_t n,
		       enum advice_scope scope, finding_fn take)
{
	for (size_t i = 0; i < n; i++) {
		const struct row *row = &rows[i];
		struct cluster *cluster =
			read_cluster(row->name, row->manifests);
		struct text got = { 0 };

		assert_int_equal(0, advice_report(cluster, scope, take, &got));
		if (strcmp(text_string(&got), row->expected))
			fail_msg("%s\nexpected:\n%s\ngot:\n%s", row->name,
				 row->expected, text_string(&got));
		text_release(&got);
		cluster_free(cluster);
	}
}

#define CHECK_ROWS(rows, scope, take)                                          \
	check_rows(rows, sizeof(rows) / sizeof((rows)[0]), scope, take)

static void policies_select_pods(void **state)
{
	(void)state;
	CHECK_ROWS(pod_rows, ADVICE_CLUSTER, take_short);
}

static void selectors_match_namespaces(void **state)
{
	(void)state;
	CHECK_ROWS(namespace_rows, ADVICE_CLUSTER, take_short);
}

static void pods_have_the_named_ports(void **state)
{
	(void)state;
	CHECK_ROWS(port_rows, ADVICE_CLUSTER, take_short);
}

static void rules_add_something(void **state)
{
	(void)state;
	CHECK_ROWS(redundant_rows, ADVICE_RULES, take_short);
}

static void excepts_leave_something(void **state)
{
	(void)state;
	CHECK_ROWS(except_rows, ADVICE_RULES, take_short);
}

static void rules_are_judged_without_a_cluster(void **state)
{
	(void)state;
	CHECK_ROWS(scope_rows, ADVICE_RULES, take_short);
}

static void lines_say_what_it_means(void **state)
{
	(void)state;
	CHECK_ROWS(message_rows, ADVICE_CLUSTER, take_whole);
}

/* ---- limits ------------------------------------------------------------- */

/* @manifests  is released */
static void check_limit(const char *name, struct text *manifests, bool exceeded)
{
	struct cluster *cluster = read_cluster(name, text_string(manifests));
	struct text got = { 0 };

	assert_int_equal(
		0, advice_report(cluster, ADVICE_CLUSTER, take_whole, &got));
	if (exceeded !=
	    (strstr(text_string(&got),
		    "warning: there is too much to compare all of it with "
		    "each other: warnings of what is surely not meant may be "
		    "missing here") != NULL))
		fail_msg("%s\ngot:\n%s", name, text_string(&got));
	text_release(&got);
	text_release(manifests);
	cluster_free(cluster);
}

/* Rules that do not cover each other. */
static void put_rules(struct text *manifests, int n)
{
	text_put(manifests, "---\n{apiVersion: networking.k8s.io/v1, kind: "
			    "NetworkPolicy, metadata: {name: p, namespace: "
			    "shop}, spec: {ingress: [");
	for (int i = 1; i <= n; i++)
		text_put(manifests, "{ports: [{port: %d}]},\n", i);
	text_put(manifests, "]}}\n");
}

/* Pods, and policies that select none of them. */
static void put_pods(struct text *manifests, int n_pods, int n_policies)
{
	for (int i = 0; i < n_pods; i++)
		text_put(manifests,
			 "---\n{apiVersion: v1, kind: Pod, metadata: "
			 "{namespace: shop, name: p%d}}\n",
			 i);
	for (int i = 0; i < n_policies; i++) {
		text_put(manifests,
			 "---\n{apiVersion: networking.k8s.io/v1, kind: "
			 "NetworkPolicy, metadata: {name: p%d, namespace: "
			 "shop}, spec: {podSelector: {matchExpressions: [{key: "
			 "app, operator: In, values: [",
			 i);
		for (int k = 0; k < 2000; k++)
			text_put(manifests, "v%d,", k);
		text_put(manifests, "]}]}}}\n");
	}
}

static void limits_are_admitted(void **state)
{
	struct text manifests = { 0 };

	(void)state;
	put_rules(&manifests, 8000);
	check_limit("8 000 rules are compared", &manifests, false);
	put_rules(&manifests, 12000);
	check_limit("12 000 are too many", &manifests, true);
	put_pods(&manifests, 2500, 70);
	check_limit("so are 70 policies with 2 000 values for 2 500 pods",
		    &manifests, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(policies_select_pods),
		cmocka_unit_test(selectors_match_namespaces),
		cmocka_unit_test(pods_have_the_named_ports),
		cmocka_unit_test(rules_add_something),
		cmocka_unit_test(excepts_leave_something),
		cmocka_unit_test(rules_are_judged_without_a_cluster),
		cmocka_unit_test(lines_say_what_it_means),
		cmocka_unit_test(limits_are_admitted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
