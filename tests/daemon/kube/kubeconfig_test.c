/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/kube/access_words.h"
#include "kube/kubeconfig.h"

/* Three lines, and then cluster and user: each begins in line 4. */
#define HEAD                                                                   \
	"kind: Config\n"                                                       \
	"current-context: lab\n"                                               \
	"contexts: [{name: lab, context: {cluster: c, user: u}}]\n"
#define SERVER "server: https://kube.test"
#define CLUSTER(fields) HEAD "clusters: [{name: c, cluster: {" fields "}}]\n"
#define CLUSTER_ALONE(fields) CLUSTER(fields) "users: [{name: u, user: {}}]\n"
#define USER(fields)                                                           \
	HEAD "users: [{name: u, user: {" fields "}}]\n"                        \
	     "clusters: [{name: c, cluster: {" SERVER "}}]\n"

/* "-----BEGIN A\n", "-----BEGIN B\n" */
#define PEM_A "LS0tLS1CRUdJTiBBCg=="
#define PEM_B "LS0tLS1CRUdJTiBCCg=="

struct row {
	const char *name, *text, *expected;
};

/* ---- what is taken ----------------------------------------------------------
 */

static const struct row taken[] = {
	{ "a context joins a cluster and a user (API-63)",
	  "apiVersion: v1\n"
	  "kind: Config\n"
	  "preferences: {}\n"
	  "clusters:\n"
	  "- name: other\n"
	  "  cluster: {server: 'https://other.test'}\n"
	  "- cluster:\n"
	  "    extensions:\n"
	  "    - extension: {last-update: now, provider: [a, {b: c}]}\n"
	  "      name: cluster_info\n"
	  "    server: https://10.0.0.1:6443\n"
	  "  name: c\n"
	  "users:\n"
	  "- name: u\n"
	  "  user:\n"
	  "    token: secret\n"
	  "contexts:\n"
	  "- name: other\n"
	  "  context: {cluster: other, user: nobody}\n"
	  "- context:\n"
	  "    cluster: c\n"
	  "    namespace: shop\n"
	  "    user: u\n"
	  "  name: lab\n"
	  "current-context: lab\n",
	  "server=https://10.0.0.1:6443 token=secret" },
	{ "JSON is YAML",
	  "{\"kind\":\"Config\",\"current-context\":\"a\",\"contexts\":"
	  "[{\"name\":\"a\",\"context\":{\"cluster\":\"c\"}}],\"clusters\":"
	  "[{\"name\":\"c\",\"cluster\":{\"server\":\"https://kube.test\"}}]}",
	  "server=https://kube.test" },
	{ "who is not asked for need not be supported",
	  USER("token: t") "extensions: []\n",
	  "server=https://kube.test token=t" },
	{ "a prefix stays, a slash at its end does not (API-64)",
	  CLUSTER_ALONE("server: 'https://kube.test/k8s/c1/'"),
	  "server=https://kube.test/k8s/c1" },
	{ "a certificate may have another name (API-65)",
	  CLUSTER_ALONE(SERVER ", tls-server-name: kube.internal"),
	  "server=https://kube.test name=kube.internal" },
	{ "a relative path begins at the kubeconfig's folder",
	  CLUSTER_ALONE(SERVER ", certificate-authority: pki/ca.crt"),
	  "server=https://kube.test ca=/k/pki/ca.crt" },
	{ "an absolute one does not",
	  CLUSTER_ALONE(SERVER ", certificate-authority: /etc/ca.crt"),
	  "server=https://kube.test ca=/etc/ca.crt" },
	{ "data are base64",
	  CLUSTER_ALONE(SERVER ", certificate-authority-data: " PEM_A),
	  "server=https://kube.test ca-data=-----BEGIN A\n" },
	{ "data are kept beside a path",
	  CLUSTER_ALONE(SERVER ", certificate-authority-data: " PEM_A
			       ", certificate-authority: ca.crt"),
	  "server=https://kube.test ca=/k/ca.crt ca-data=-----BEGIN A\n" },
	{ "nothing need be verified",
	  CLUSTER_ALONE(SERVER ", insecure-skip-tls-verify: true"),
	  "server=https://kube.test insecure=yes" },
	{ "false is false",
	  CLUSTER_ALONE(SERVER ", insecure-skip-tls-verify: false, "
			       "disable-compression: false"),
	  "server=https://kube.test" },
	{ "there may be a proxy, and no compression",
	  CLUSTER_ALONE(SERVER ", proxy-url: 'http://proxy.test:3128', "
			       "disable-compression: true"),
	  "server=https://kube.test proxy=http://proxy.test:3128 "
	  "compression=no" },
	{ "null and empty are absent",
	  CLUSTER_ALONE(SERVER ", tls-server-name: ~, proxy-url: '', "
			       "certificate-authority: null"),
	  "server=https://kube.test" },
	{ "a client certificate has a key",
	  USER("client-certificate: me.crt, client-key-data: " PEM_B),
	  "server=https://kube.test cert=/k/me.crt "
	  "key-data=-----BEGIN B\n" },
	{ "both as data",
	  USER("client-certificate-data: " PEM_A ", client-key-data: " PEM_B),
	  "server=https://kube.test cert-data=-----BEGIN A\n "
	  "key-data=-----BEGIN B\n" },
	{ "a token may be in a file", USER("tokenFile: run/token, token: t"),
	  "server=https://kube.test token-file=/k/run/token token=t" },
	{ "a name and a password", USER("username: me, password: '123'"),
	  "server=https://kube.test username=me password=123" },
	{ "null asks for no plugin", USER("exec: null, token: t"),
	  "server=https://kube.test token=t" },
	{ "a context without a user asks as nobody",
	  "current-context: a\n"
	  "contexts: [{name: a, context: {cluster: c}}]\n"
	  "clusters: [{name: c, cluster: {" SERVER "}}]\n",
	  "server=https://kube.test" },
};

static int read_text(const char *text, struct kube_access *out, struct err *err)
{
	struct kubeconfig config = { 0 };
	int r = kubeconfig_parse(&config, "/k/config", text, strlen(text), err);

	if (r == 0)
		r = kubeconfig_access(&config, out, err);
	kubeconfig_release(&config);
	return r;
}

static void fields_are_taken(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		struct kube_access access = { 0 };
		struct err err = { 0 };
		char found[ACCESS_WORDS_LEN];

		if (read_text(taken[i].text, &access, &err) < 0)
			fail_msg("%s: %s", taken[i].name, err.message);
		access_words(&access, found);
		if (strcmp(found, taken[i].expected) != 0 ||
		    strcmp(access.origin, "/k/config") != 0)
			fail_msg("%s: expected %s, got %s of %s", taken[i].name,
				 taken[i].expected, found, access.origin);
		kube_access_release(&access);
	}
}

/* ---- what is refused --------------------------------------------------------
 */

#define NOT_SUPPORTED                                                          \
	"not supported: expected a token, a client certificate, or a "         \
	"username and a password"
#define TEN_BRACKETS "[[[[[[[[[["

static const struct row refused[] = {
	{ "an exec plugin is not run (API-63)", USER("exec: {command: aws}"),
	  ":4: user 'u': exec: " NOT_SUPPORTED },
	{ "whatever stands beside it", USER("token: t, exec: {}"),
	  ":4: user 'u': exec: " NOT_SUPPORTED },
	{ "nor is an auth provider", USER("auth-provider: {name: gcp}"),
	  ":4: user 'u': auth-provider: " NOT_SUPPORTED },
	{ "nobody asks as somebody else", USER("token: t, as: admin"),
	  ":4: user 'u': as: " NOT_SUPPORTED },
	{ "nor for a group", USER("token: t, as-groups: [a]"),
	  ":4: user 'u': as-groups: " NOT_SUPPORTED },
	{ "a context has to be chosen", "kind: Config\n",
	  ": current-context: expected the name of a context, found nothing" },
	{ "an empty file chooses none", "",
	  ": current-context: expected the name of a context, found nothing" },
	{ "and it has to be there", "kind: Config\ncurrent-context: lab\n",
	  ":2: current-context: no context is called 'lab'" },
	{ "so has its cluster", HEAD,
	  ":3: context 'lab': cluster: expected the name of a cluster, found "
	  "'c'" },
	{ "and its user", CLUSTER(SERVER),
	  ":3: context 'lab': user: expected the name of a user, found 'u'" },
	{ "a context needs a cluster",
	  "current-context: a\n"
	  "contexts:\n"
	  "- name: a\n",
	  ":3: context 'a': cluster: expected a name, found nothing" },
	{ "a cluster needs a server", CLUSTER_ALONE(""),
	  ":4: cluster 'c': server: expected a URL, found nothing" },
	{ "which is a URL", CLUSTER_ALONE("server: 'kube.test:6443'"),
	  ":4: cluster 'c': server: expected a URL like https://HOST:PORT, "
	  "found 'kube.test:6443'" },
	{ "without a user, whose password is not told",
	  CLUSTER_ALONE("server: 'https://admin:hunter2@kube.test'"),
	  ":4: cluster 'c': server: expected a URL like https://HOST:PORT, "
	  "found 'https://...@kube.test'" },
	{ "base64 has to be base64",
	  CLUSTER_ALONE(SERVER ", certificate-authority-data: '?'"),
	  ":4: cluster 'c': certificate-authority-data: expected PEM text in "
	  "base64, found none" },
	{ "and text inside",
	  USER("client-certificate: a, client-key-data: YWJj"),
	  ":4: user 'u': client-key-data: expected PEM text in base64, found "
	  "none" },
	{ "a switch is true or false",
	  CLUSTER_ALONE(SERVER ", insecure-skip-tls-verify: maybe"),
	  ":4: cluster 'c': insecure-skip-tls-verify: expected true or false, "
	  "found 'maybe'" },
	{ "nothing is verified, or this authority is",
	  CLUSTER_ALONE(SERVER ", insecure-skip-tls-verify: true, "
			       "certificate-authority: ca.crt"),
	  ":4: cluster 'c': insecure-skip-tls-verify: expected false where "
	  "there is a certificate authority, found true" },
	{ "a proxy is one of four kinds",
	  CLUSTER_ALONE(SERVER ", proxy-url: 'ftp://proxy.test'"),
	  ":4: cluster 'c': proxy-url: expected http://, https:// or "
	  "socks5://, found something else" },
	{ "a certificate needs its key", USER("client-certificate: a"),
	  ":4: user 'u': client-key: expected one for the client certificate, "
	  "found none" },
	{ "a key needs its certificate", USER("client-key: a"),
	  ":4: user 'u': client-certificate: expected one for the client key, "
	  "found none" },
	{ "a token or a name, not both", USER("token: t, username: me"),
	  ":4: user 'u': username: expected none beside a token, found one" },
	{ "a password is somebody's", USER("password: p"),
	  ":4: user 'u': password: expected a username beside it, found "
	  "none" },
	{ "a text is no list", USER("token: [a]"),
	  ":4: token: expected a single value, found a list" },
	{ "a list is no text", HEAD "users: u\n",
	  ":4: users: expected a list, found a single value" },
	{ "a user is a mapping", HEAD "users: [{name: u, user: [a]}]\n",
	  ":4: users: expected a mapping, found a list" },
	{ "an entry has a name", HEAD "users: [{user: {}}]\n",
	  ":4: user: expected a name, found none" },
	{ "one", HEAD "users: [{name: a, name: b}]\n",
	  ":4: users: expected a name, found another one" },
	{ "which is its own", HEAD "users:\n- name: u\n- name: v\n- name: u\n",
	  ":7: user: expected each name once, found 'u' in line 5, too" },
	{ "a field has one value", USER("token: a, token: b"),
	  ":4: token: expected it once, found it again" },
	{ "another kind is no kubeconfig", "kind: Pod\n",
	  ":1: kind: expected Config, found Pod" },
	{ "a list is no kubeconfig", "- a\n",
	  ":1: expected a mapping, found a list" },
	{ "nor are two of them", "kind: Config\n---\nkind: Config\n",
	  ":2: expected one document, found another" },
	{ "aliases are not followed",
	  HEAD "clusters: &a [{name: c}]\nusers: *a\n",
	  ":5: expected a plain value, found an alias" },
	{ "nobody goes down without end",
	  "x: " TEN_BRACKETS TEN_BRACKETS TEN_BRACKETS TEN_BRACKETS "\n",
	  ":1: expected a kubeconfig, found deeper nesting" },
	{ "what is no YAML is refused", "kind: Config\nusers: [\n",
	  ":3: not YAML: did not find expected node content" },
	{ "names are shown as they fit a terminal",
	  "current-context: \"a\\e[2J\\nb\"\n",
	  ":1: current-context: no context is called 'a?[2J?b'" },
	{ "a zero byte is no text", HEAD "users: [{name: \"a\\0b\"}]\n",
	  ":4: users: expected text, found a zero byte" },
};

static void what_is_not_clear_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct kube_access access = { 0 };
		struct err err = { 0 };
		char expected[1024];
		int r = read_text(refused[i].text, &access, &err);

		snprintf(expected, sizeof(expected), "/k/config%s",
			 refused[i].expected);
		if (r != -EINVAL || strcmp(err.message, expected) != 0)
			fail_msg("%s: expected %s, got %d, %s", refused[i].name,
				 expected, r, err.message);
	}
}

static void there_is_an_end_to_how_many_there_are(void **state)
{
	size_t n = KUBECONFIG_MAX_ENTRIES + 1, len = 0;
	char *text = malloc(16 + n * 16);
	struct kube_access access;
	struct err err = { 0 };

	(void)state;
	assert_non_null(text);
	len += (size_t)sprintf(text + len, "users:\n");
	for (size_t i = 0; i < n; i++)
		len += (size_t)sprintf(text + len, "- name: %zu\n", i);
	assert_int_equal(-EINVAL, read_text(text, &access, &err));
	assert_string_equal("/k/config:4098: user: expected fewer entries, "
			    "found more than a kubeconfig may have",
			    err.message);
	free(text);
}

/* ---- several files ----------------------------------------------------------
 */

static void add_text(struct kubeconfig *config, const char *path,
		     const char *text)
{
	struct err err = { 0 };

	if (kubeconfig_parse(config, path, text, strlen(text), &err) < 0)
		fail_msg("%s", err.message);
}

/* Of a cluster that is known already not even its CA is taken. */
static void the_first_file_that_names_a_thing_wins(void **state)
{
	struct kubeconfig config = { 0 };
	struct kube_access access = { 0 };
	char found[ACCESS_WORDS_LEN];

	(void)state;
	add_text(
		&config, "/a/config",
		"contexts: [{name: one, context: {cluster: c, user: u}}]\n"
		"clusters: [{name: c, cluster: {server: 'https://a.test'}}]\n");
	add_text(&config, "/b/config",
		 "current-context: one\n"
		 "clusters: [{name: c, cluster: {server: 'https://b.test', "
		 "certificate-authority: ca.crt}}]\n"
		 "users: [{name: u, user: {tokenFile: token}}]\n");
	add_text(&config, "/c/config",
		 "current-context: two\n"
		 "users: [{name: u, user: {token: c}}]\n");
	assert_int_equal(0, kubeconfig_access(&config, &access, NULL));
	assert_string_equal("server=https://a.test token-file=/b/token",
			    access_words(&access, found));
	kube_access_release(&access);
	kubeconfig_release(&config);
}

static void a_message_names_the_file_that_said_it(void **state)
{
	struct kubeconfig config = { 0 };
	struct kube_access access = { 0 };
	struct err err = { 0 };

	(void)state;
	add_text(&config, "/a/config", "kind: Config\n");
	add_text(&config, "/b/config", "\ncurrent-context: one\n");
	assert_int_equal(-EINVAL, kubeconfig_access(&config, &access, &err));
	assert_string_equal(
		"/b/config:2: current-context: no context is called 'one'",
		err.message);
	kubeconfig_release(&config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_taken),
		cmocka_unit_test(what_is_not_clear_is_refused),
		cmocka_unit_test(there_is_an_end_to_how_many_there_are),
		cmocka_unit_test(the_first_file_that_names_a_thing_wins),
		cmocka_unit_test(a_message_names_the_file_that_said_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
