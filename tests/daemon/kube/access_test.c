/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/kube/access_words.h"
#include "kube/access.h"
#include "kube/kubeconfig.h"
#include "kube/service_account.h"

/* ---- a folder, and an environment -------------------------------------------
 */

static char folder[64];

static const char *const variables[] = { "KUBECONFIG", "HOME",
					 "KUBERNETES_SERVICE_HOST",
					 "KUBERNETES_SERVICE_PORT" };

static const char *path_of(const char *name)
{
	static char paths[4][128];
	static unsigned int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static void write_file(const char *name, const char *text)
{
	FILE *out = fopen(path_of(name), "we");

	assert_non_null(out);
	assert_true(fputs(text, out) >= 0);
	assert_int_equal(0, fclose(out));
}

/* A kubeconfig for one server, with what else is said of its user. */
static void write_kubeconfig(const char *name, const char *server,
			     const char *user)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "current-context: a\n"
		 "contexts: [{name: a, context: {cluster: c, user: u}}]\n"
		 "clusters: [{name: c, cluster: {server: '%s'}}]\n"
		 "users: [{name: u, user: {%s}}]\n",
		 server, user);
	write_file(name, text);
}

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/netpold-access-XXXXXX");
	if (!mkdtemp(folder) || mkdir(path_of(".kube"), 0700) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++)
		unsetenv(variables[i]);
	return setenv("HOME", folder, 1);
}

static int remove_folder(void **state)
{
	static const char *const names[] = { ".kube/config", "one", "two",
					     "token", ".kube" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		remove(path_of(names[i]));
	return rmdir(folder); /* nothing else is left in it */
}

static void expect(const char *kubeconfig, const char *api_server,
		   const char *expected)
{
	struct kube_choice choice = { kubeconfig, api_server };
	struct kube_access access;
	struct err err = { 0 };
	char found[ACCESS_WORDS_LEN];

	if (kube_access_find(&choice, &access, &err) < 0)
		fail_msg("%s", err.message);
	assert_string_equal(expected, access_words(&access, found));
	kube_access_release(&access);
}

/* @expected  the message, behind the folder's name where it begins with one */
static void expect_none(int error, const char *kubeconfig,
			const char *api_server, const char *expected)
{
	struct kube_choice choice = { kubeconfig, api_server };
	struct kube_access access;
	struct err err = { 0 };

	assert_int_equal(error, kube_access_find(&choice, &access, &err));
	if (!strstr(err.message, expected))
		fail_msg("expected %s, got %s", expected, err.message);
	kube_access_release(&access);
}

/* ---- where it is found ------------------------------------------------------
 */

/* API-63, API-60 */
static void what_is_said_comes_before_what_is_found(void **state)
{
	(void)state;
	write_kubeconfig(".kube/config", "https://home.test", "");
	expect(NULL, NULL, "server=https://home.test");
	setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1", 1);
	setenv("KUBERNETES_SERVICE_PORT", "443", 1);
	expect(NULL, NULL,
	       "server=https://10.96.0.1:443 "
	       "ca=" SERVICE_ACCOUNT_FOLDER "/ca.crt "
	       "token-file=" SERVICE_ACCOUNT_FOLDER "/token");
	write_kubeconfig("one", "https://one.test", "");
	setenv("KUBECONFIG", path_of("one"), 1);
	expect(NULL, NULL, "server=https://one.test");
	write_kubeconfig("two", "https://two.test", "");
	expect(path_of("two"), NULL, "server=https://two.test");
}

static void an_empty_variable_says_nothing(void **state)
{
	(void)state;
	write_kubeconfig(".kube/config", "https://home.test", "");
	setenv("KUBECONFIG", "", 1);
	setenv("KUBERNETES_SERVICE_HOST", "", 1);
	setenv("KUBERNETES_SERVICE_PORT", "443", 1);
	expect(NULL, NULL, "server=https://home.test");
}

static void where_there_is_none_it_is_said(void **state)
{
	(void)state;
	expect_none(-ENOENT, NULL, NULL, "/.kube/config");
	unsetenv("HOME");
	expect_none(-ENOENT, NULL, NULL, "~/.kube/config");
}

static void a_kubeconfig_that_is_named_has_to_be_there(void **state)
{
	(void)state;
	write_kubeconfig(".kube/config", "https://home.test", "");
	expect_none(-EINVAL, path_of("one"), NULL,
		    "/one: cannot read the kubeconfig: No such file");
	expect_none(-EINVAL, folder, NULL, "no regular file");
	setenv("KUBECONFIG", path_of("one"), 1);
	expect_none(-EINVAL, NULL, NULL, "KUBECONFIG: expected paths");
}

static void a_kubeconfig_is_at_most_so_long(void **state)
{
	(void)state;
	write_kubeconfig("one", "https://one.test", "");
	assert_int_equal(0, truncate(path_of("one"), KUBECONFIG_MAX_SIZE + 1));
	expect_none(-EINVAL, path_of("one"), NULL, "at most 4 MiB");
}

static void files_of_the_list_are_merged(void **state)
{
	char list[256];

	(void)state;
	write_file("one", "current-context: a\n"
			  "clusters: [{name: c, cluster: "
			  "{server: 'https://one.test'}}]\n");
	write_kubeconfig("two", "https://two.test", "tokenFile: token");
	snprintf(list, sizeof(list), "%s/nothing::%s/one:%s/two:", folder,
		 folder, folder);
	setenv("KUBECONFIG", list, 1);
	snprintf(list, sizeof(list), "server=https://one.test token-file=%s",
		 path_of("token"));
	expect(NULL, NULL, list);
}

static void paths_are_relative_to_their_file(void **state)
{
	char here[256], expected[256];

	(void)state;
	assert_non_null(getcwd(here, sizeof(here)));
	write_kubeconfig(".kube/config", "https://one.test",
			 "tokenFile: ../token");
	snprintf(expected, sizeof(expected),
		 "server=https://one.test token-file=%s/.kube/../token",
		 folder);
	assert_int_equal(0, chdir(folder));
	expect(".kube/config", NULL, expected);
	assert_int_equal(0, chdir(here));
}

/* ---- in a cluster -----------------------------------------------------------
 */

/* API-60 */
static const struct {
	const char *name, *host, *port;
	const char *expected; /* NULL: refused */
} services[] = {
	{ "an address and a port", "10.96.0.1", "443",
	  "https://10.96.0.1:443" },
	{ "IPv6 gets its brackets", "fd00:96::1", "6443",
	  "https://[fd00:96::1]:6443" },
	{ "a name", "kubernetes.default.svc", "443",
	  "https://kubernetes.default.svc:443" },
	{ "a port that is none", "10.96.0.1", "tcp://10.96.0.1:443", NULL },
	{ "a host that is none", "10.96.0.1/x", "443", NULL },
};

static void a_pod_is_told_where_the_server_is(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
		struct kube_access access = { 0 };
		struct err err = { 0 };
		int r;

		setenv("KUBERNETES_SERVICE_HOST", services[i].host, 1);
		setenv("KUBERNETES_SERVICE_PORT", services[i].port, 1);
		assert_true(service_account_is_here(folder, false));
		r = service_account_access(folder, false, &access, &err);
		if (r != (services[i].expected ? 0 : -EINVAL) ||
		    (r == 0 &&
		     strcmp(access.server, services[i].expected) != 0))
			fail_msg("%s: got %d, %s", services[i].name, r,
				 r == 0 ? access.server : err.message);
		kube_access_release(&access);
	}
}

static void both_variables_make_a_cluster(void **state)
{
	(void)state;
	setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1", 1);
	assert_false(service_account_is_here(folder, false));
	unsetenv("KUBERNETES_SERVICE_HOST");
	setenv("KUBERNETES_SERVICE_PORT", "443", 1);
	assert_false(service_account_is_here(folder, false));
}

/* Where the Service's address is not needed, a token is enough. */
static void a_token_makes_a_cluster_where_the_server_is_said(void **state)
{
	struct kube_access access = { 0 };
	char expected[256], found[ACCESS_WORDS_LEN];

	(void)state;
	assert_false(service_account_is_here(folder, true));
	write_file("token", "t");
	assert_false(service_account_is_here(folder, false));
	assert_true(service_account_is_here(folder, true));
	assert_int_equal(0,
			 service_account_access(folder, true, &access, NULL));
	snprintf(expected, sizeof(expected), "ca=%s/ca.crt token-file=%s",
		 folder, path_of("token"));
	assert_string_equal(expected, access_words(&access, found));
	kube_access_release(&access);
}

/* ---- another server ---------------------------------------------------------
 */

static void another_server_has_the_same_ca_and_token(void **state)
{
	(void)state;
	setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1", 1);
	setenv("KUBERNETES_SERVICE_PORT", "443", 1);
	expect(NULL, "https://192.0.2.1:6443/",
	       "server=https://192.0.2.1:6443 "
	       "ca=" SERVICE_ACCOUNT_FOLDER "/ca.crt "
	       "token-file=" SERVICE_ACCOUNT_FOLDER "/token");
	write_kubeconfig("one", "https://one.test", "token: t");
	expect(path_of("one"), "https://192.0.2.1:6443",
	       "server=https://192.0.2.1:6443 token=t");
	expect_none(-EINVAL, path_of("one"), "192.0.2.1:6443",
		    "--api-server: expected a URL like https://HOST:PORT, "
		    "found '192.0.2.1:6443'");
	expect_none(-EINVAL, path_of("one"), "https://admin:hunter2@one.test",
		    "found 'https://...@one.test'");
}

static void where_a_server_is_does_not_say_who_asks(void **state)
{
	(void)state;
	unsetenv("KUBERNETES_SERVICE_HOST");
	unsetenv("KUBERNETES_SERVICE_PORT");
	unsetenv("KUBECONFIG");
	unsetenv("HOME");
	expect_none(-EINVAL, NULL, "foo",
		    "--api-server: expected a URL like https://HOST:PORT, "
		    "found 'foo'");
	expect_none(-ENOENT, NULL, "https://192.0.2.1:6443",
		    "found no way to ask the API server that --api-server "
		    "names: there is no --kubeconfig");
}

static void no_secret_is_sent_for_all_to_read(void **state)
{
	(void)state;
	write_kubeconfig("one", "http://192.0.2.1", "token: t");
	expect_none(-EINVAL, path_of("one"), NULL,
		    "/one: expected an https:// server, found "
		    "http://192.0.2.1: no secret is sent there in clear text");
	write_kubeconfig("one", "https://192.0.2.1",
			 "username: me, password: p");
	expect_none(-EINVAL, path_of("one"), "http://192.0.2.1",
		    "no secret is sent there");
	expect(path_of("one"), "http://127.0.0.1:8001",
	       "server=http://127.0.0.1:8001 username=me password=p");
	write_kubeconfig("one", "http://192.0.2.1", "");
	expect(path_of("one"), NULL, "server=http://192.0.2.1");
}

static void no_proxy_reads_a_secret(void **state)
{
	static const char server[] =
		"http://127.0.0.1:1', proxy-url: 'http://proxy.test";

	(void)state;
	write_kubeconfig("one", server, "token: t");
	expect_none(-EINVAL, path_of("one"), NULL,
		    "/one: expected an https:// server behind a proxy, found "
		    "http://127.0.0.1:1: no secret is sent to the proxy in "
		    "clear text");
	expect(path_of("one"), "https://one.test",
	       "server=https://one.test token=t proxy=http://proxy.test");
	write_kubeconfig("one", server, "");
	expect(path_of("one"), NULL,
	       "server=http://127.0.0.1:1 proxy=http://proxy.test");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_said_comes_before_what_is_found),
		TEST(an_empty_variable_says_nothing),
		TEST(where_there_is_none_it_is_said),
		TEST(a_kubeconfig_that_is_named_has_to_be_there),
		TEST(a_kubeconfig_is_at_most_so_long),
		TEST(files_of_the_list_are_merged),
		TEST(paths_are_relative_to_their_file),
		TEST(a_pod_is_told_where_the_server_is),
		TEST(both_variables_make_a_cluster),
		TEST(a_token_makes_a_cluster_where_the_server_is_said),
		TEST(another_server_has_the_same_ca_and_token),
		TEST(where_a_server_is_does_not_say_who_asks),
		TEST(no_secret_is_sent_for_all_to_read),
		TEST(no_proxy_reads_a_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
