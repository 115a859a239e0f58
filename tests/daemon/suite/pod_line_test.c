/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "suite/pod_line.h"

/* What is read, in a fixed form. */
static void write_pod(const struct pod *pod, char *out, size_t size)
{
	char addr[IP_ADDR_TEXT_LEN];
	size_t len =
		(size_t)snprintf(out, size, "%s/%s", pod->namespace, pod->name);

	for (size_t i = 0; i < pod->labels.n; i++)
		len += (size_t)snprintf(out + len, size - len, " %s=%s",
					pod->labels.items[i].key,
					pod->labels.items[i].value);
	for (size_t i = 0; i < pod->n_ports; i++)
		len += (size_t)snprintf(out + len, size - len, " %s:%u/%s",
					pod->ports[i].name,
					pod->ports[i].number,
					protocol_name(pod->ports[i].protocol));
	for (size_t i = 0; i < pod->n_addresses; i++)
		len += (size_t)snprintf(
			out + len, size - len, " %s",
			ip_addr_format(&pod->addresses[i], addr));
	if (*pod->node_name)
		snprintf(out + len, size - len, " @%s", pod->node_name);
}

static const struct {
	const char *name, *line, *expected;
} pods[] = {
	{ "a name is enough", "shop/web", "shop/web" },
	{ "labels are sorted", "shop/web tier=front app=web",
	  "shop/web app=web tier=front" },
	{ "commas separate as blanks do", "shop/web app=web,tier=front",
	  "shop/web app=web tier=front" },
	{ "a value may be empty", "a/b x=", "a/b x=" },
	{ "keys may have a prefix", "a/b app.kubernetes.io/name=x",
	  "a/b app.kubernetes.io/name=x" },
	{ "a port is TCP unless it says otherwise", "a/b http:80 dns:53/UDP",
	  "a/b http:80/TCP dns:53/UDP" },
	{ "an address of each family", "a/b fd00::1 10.0.0.1 @node-1",
	  "a/b fd00::1 10.0.0.1 @node-1" },
	{ "an empty line is no pod", " ", "'' is no NAMESPACE/POD" },
	{ "a pod is in a namespace", "web", "'web' is no NAMESPACE/POD" },
	{ "a pod is in one namespace", "a/b/c", "'a/b/c' is no NAMESPACE/POD" },
	{ "a key is there once", "a/b x=1 x=2", "'x' is there twice" },
	{ "a label has a key", "a/b =1", "'=1' is no label" },
	{ "of a family there is one address", "a/b 10.0.0.1 10.0.0.2",
	  "'10.0.0.2' is a second address of its family" },
	{ "a port has a number", "a/b http:x",
	  "'http:x' has no number from 1 to 65535" },
	{ "a number is a port's", "a/b http:0",
	  "'http:0' has no number from 1 to 65535" },
	{ "other words say nothing", "a/b web",
	  "'web' is none of KEY=VALUE, NAME:PORT, an address and @NODE" },
};

static void test_pods(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pods) / sizeof(pods[0]); i++) {
		struct arena arena = { 0 };
		struct err err = { 0 };
		struct pod pod;
		char got[512];

		if (pod_line_read(pods[i].line, &arena, &pod, &err) == 0)
			write_pod(&pod, got, sizeof(got));
		else
			snprintf(got, sizeof(got), "%.500s", err.message);
		if (strcmp(got, pods[i].expected) != 0)
			fail_msg("%s: expected '%s', got '%s'", pods[i].name,
				 pods[i].expected, got);
		arena_release(&arena);
	}
}

static void test_namespaces(void **state)
{
	struct arena arena = { 0 };
	struct err err = { 0 };
	struct namespace namespace;

	(void)state;
	assert_int_equal(0, namespace_line_read("shop team=a env=prod", &arena,
						&namespace, &err));
	assert_string_equal("shop", namespace.name);
	assert_int_equal(3, namespace.labels.n);
	assert_string_equal(
		"shop", labels_get(&namespace.labels, NAMESPACE_NAME_LABEL));
	assert_string_equal("a", labels_get(&namespace.labels, "team"));
	assert_true(namespace_line_read("shop http:80", &arena, &namespace,
					&err) < 0);
	assert_string_equal("'http:80' is no label, as KEY=VALUE", err.message);
	assert_true(namespace_line_read("shop " NAMESPACE_NAME_LABEL "=other",
					&arena, &namespace, &err) < 0);
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pods),
		cmocka_unit_test(test_namespaces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
