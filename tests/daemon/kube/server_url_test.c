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

#include "kube/server_url.h"

static const struct {
	const char *name, *text;
	const char *expected; /* all parts, private or not; NULL: refused */
} cases[] = {
	{ "a port of its own", "https://10.0.0.1:6443",
	  "https://10.0.0.1:6443|https|10.0.0.1|6443||private" },
	{ "the port of https is 443", "https://kube.test",
	  "https://kube.test|https|kube.test|443||private" },
	{ "a slash at the end is none (API-64)", "https://kube.test/",
	  "https://kube.test|https|kube.test|443||private" },
	{ "a prefix stays (API-64)", "https://kube.test/k8s/clusters/c-1/",
	  "https://kube.test/k8s/clusters/c-1|https|kube.test|443|"
	  "/k8s/clusters/c-1|private" },
	{ "IPv6 addresses stand in brackets", "https://[fd00::1]:6443/p",
	  "https://[fd00::1]:6443/p|https|[fd00::1]|6443|/p|private" },
	{ "http is for anybody to read", "http://kube.test",
	  "http://kube.test|http|kube.test|80||open" },
	{ "but on this machine", "http://127.0.0.1:8001",
	  "http://127.0.0.1:8001|http|127.0.0.1|8001||private" },
	{ "by its name", "http://localhost:8001",
	  "http://localhost:8001|http|localhost|8001||private" },
	{ "and over IPv6", "http://[::1]:8001",
	  "http://[::1]:8001|http|[::1]|8001||private" },
	{ "a name that begins like it is another one", "http://127.0.0.1.test",
	  "http://127.0.0.1.test|http|127.0.0.1.test|80||open" },
	{ "nothing is no URL", "", NULL },
	{ "a host alone is none", "kube.test", NULL },
	{ "nor with a port", "kube.test:6443", NULL },
	{ "other schemes are not spoken", "ftp://kube.test", NULL },
	{ "nor unknown ones", "kube://kube.test", NULL },
	{ "a host has to be there", "https://", NULL },
	{ "a user has no place", "https://me:secret@kube.test", NULL },
	{ "nor a query", "https://kube.test/?a=b", NULL },
	{ "nor a fragment", "https://kube.test/#a", NULL },
	{ "IPv6 addresses without brackets are none", "https://fd00::1", NULL },
	{ "a port is a number", "https://kube.test:https", NULL },
	{ "of sixteen bits", "https://kube.test:65536", NULL },
	{ "blanks are no part of it", "https://kube test", NULL },
	{ "nor line breaks", "https://kube.test\r\nHost: x", NULL },
};

static void a_url_has_parts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct server_url url = { 0 };
		char text[256] = "";
		int r = server_url_parse(cases[i].text, &url);

		if (r == 0)
			snprintf(text, sizeof(text), "%s|%s|%s|%s|%s|%s",
				 url.text, url.scheme, url.host, url.port,
				 url.prefix,
				 server_url_is_private(&url) ? "private"
							     : "open");
		if (r != (cases[i].expected ? 0 : -EINVAL) ||
		    (r == 0 && strcmp(text, cases[i].expected) != 0))
			fail_msg("%s: got %d, %s", cases[i].name, r, text);
		server_url_release(&url);
	}
}

static const struct {
	const char *name, *text, *expected;
} shown[] = {
	{ "what is no secret is told", "kube.test:6443", "kube.test:6443" },
	{ "who asks is not, nor the password",
	  "https://admin:hunter2@kube.test:6443",
	  "https://...@kube.test:6443" },
	{ "whatever is in it", "http://admin:hunt/er@2?@kube.test",
	  "http://...@kube.test" },
	{ "without a scheme", "admin:hunter2@kube.test", "...@kube.test" },
	{ "or with another one", "hunter2://kube@test", "...@test" },
	{ "and a message stays one line", "kube\ntest", "kube?test" },
};

static void a_url_is_told_without_a_secret(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		char out[PLAIN_TEXT_LEN];

		print_message("%s\n", shown[i].name);
		assert_string_equal(shown[i].expected,
				    server_url_show(shown[i].text, out));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_url_is_told_without_a_secret),
		cmocka_unit_test(a_url_has_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
