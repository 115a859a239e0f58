/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "netpold/cluster.h"

#include "source/warm_file.h"

#define BOOT "01234567-89ab-cdef-0123-456789abcdef"

static const struct warm_owner owner = { "node-a", "[\"manifests\",\"/m\"]" };

/* ---- text -------------------------------------------------------------------
 */

struct text {
	const char *rest;
	size_t piece; /* how much of it is given at once */
	int code;     /* at its end, instead of the end */
};

static long give(void *ctx, char *buf, size_t size)
{
	struct text *text = ctx;
	size_t n = strlen(text->rest);

	if (n == 0 && text->code)
		return text->code;
	if (n > size)
		n = size;
	if (n > text->piece)
		n = text->piece;
	memcpy(buf, text->rest, n);
	text->rest += n;
	return (long)n;
}

static int parse(const char *contents, size_t piece, struct warm_state *state,
		 struct err *err)
{
	struct text text = { contents, piece, 0 };

	*state = (struct warm_state){ 0 };
	*err = (struct err){ 0 };
	return warm_file_parse(give, &text, BOOT, &owner, state, err);
}

#define FIRST(boot, node, source)                                              \
	"{\"boot_id\":\"" boot "\",\"node\":\"" node "\",\"source\":" source   \
	",\"written_us\":1234}\n"
#define SOURCE "\"[\\\"manifests\\\",\\\"/m\\\"]\""
#define OURS FIRST(BOOT, "node-a", SOURCE)
#define POD(name, node)                                                        \
	"{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"namespace\":" \
	"\"n\",\"name\":\"" name "\"},\"spec\":{\"nodeName\":\"" node "\"},"   \
	"\"status\":{\"podIPs\":[{\"ip\":\"10.0.0.1\"}]}}\n"
#define POLICY(member)                                                         \
	"{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"NetworkPolicy\"," \
	"\"metadata\":{\"name\":\"p\"},\"spec\":{\"podSelector\":{}" member    \
	"}}\n"

/* ---- what is read
 * ------------------------------------------------------------
 */

static void each_line_is_an_object(void **state)
{
	static const size_t pieces[] = { 1, 7, 100, 4096, 100000 };
	struct warm_state read;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		assert_int_equal(0, parse(OURS POD("a", "node-a") POLICY("")
						  POD("b", "node-b"),
					  pieces[i], &read, &err));
		assert_int_equal(2, cluster_count(read.cluster, OBJECT_POD));
		assert_int_equal(
			1, cluster_count(read.cluster, OBJECT_NETWORK_POLICY));
		assert_int_equal(1234, read.written_us);
		assert_false(read.rebooted);
		warm_state_release(&read);
	}
}

static void a_cluster_may_be_empty(void **state)
{
	struct warm_state read;
	struct err err;

	(void)state;
	assert_int_equal(0, parse(OURS, 100, &read, &err));
	assert_int_equal(0, cluster_count(read.cluster, OBJECT_POD));
	warm_state_release(&read);
}

static size_t n_addresses(const struct warm_state *read, const char *name)
{
	const struct object *pod =
		cluster_find(read->cluster, OBJECT_POD, "n", name);

	assert_non_null(pod);
	return pod->pod.n_addresses;
}

static void a_reboot_takes_the_addresses_of_this_nodes_pods(void **state)
{
	struct warm_state read;
	struct err err;

	(void)state;
	assert_int_equal(0, parse(FIRST("other", "node-a", SOURCE)
					  POD("a", "node-a") POD("b", "node-b")
						  POD("c", ""),
				  4096, &read, &err));
	assert_true(read.rebooted);
	assert_int_equal(0, n_addresses(&read, "a"));
	assert_int_equal(1, n_addresses(&read, "b"));
	assert_int_equal(1, n_addresses(&read, "c"));
	warm_state_release(&read);
}

static const struct {
	const char *name, *contents;
	int code;
	const char *words;
} refused[] = {
	{ "another node's is not ours", FIRST(BOOT, "node-b", SOURCE), -EXDEV,
	  "is one of node 'node-b'" },
	{ "that of other paths is not ours", FIRST(BOOT, "node-a", "\"x\""),
	  -EXDEV, "is of another source, x" },
	{ "a first line without an end is none",
	  "{\"boot_id\":\"x\",\"node\":\"node-a\",\"source\":" SOURCE
	  ",\"written_us\":1}",
	  -EBADMSG, "is damaged" },
	{ "nothing is none", "", -EBADMSG, "is damaged" },
	{ "an empty line is none", "\n", -EBADMSG, "is damaged" },
	{ "a list is none", "[]\n", -EBADMSG, "is damaged" },
	{ "what lacks a member is none", "{\"boot_id\":\"x\"}\n", -EBADMSG,
	  "is damaged" },
	{ "a member more is another format",
	  "{\"boot_id\":\"x\",\"node\":\"node-a\",\"source\":" SOURCE
	  ",\"written_us\":1,\"more\":1}\n",
	  -EBADMSG, "is damaged" },
	{ "a number that is a text is none",
	  "{\"boot_id\":\"x\",\"node\":\"node-a\",\"source\":" SOURCE
	  ",\"written_us\":\"1\"}\n",
	  -EBADMSG, "is damaged" },
	{ "one object that cannot be read spoils all",
	  OURS POD("a", "node-a") POLICY(",\"tomorrow\":1") POD("b", "x"),
	  -EBADMSG, "cannot read: warm:2: NetworkPolicy default/p: " },
	{ "so does one that is cut short", OURS POD("a", "node-a") "{\"api",
	  -EBADMSG, "cannot read" },
	{ "so does what is no object", OURS "7\n", -EBADMSG, "cannot read" },
};

static void what_was_never_written_or_is_anothers_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct warm_state read;
		struct err err;
		int r = parse(refused[i].contents, 4096, &read, &err);

		if (r != refused[i].code || read.cluster ||
		    !strstr(err.message, refused[i].words))
			fail_msg("%s: %d, %s", refused[i].name, r, err.message);
	}
}

static void a_first_line_has_a_bound(void **state)
{
	const size_t len = 1 << 20;
	char *line = malloc(len + 1);
	struct warm_state read;
	struct err err;

	(void)state;
	memset(line, ' ', len);
	line[len] = '\0';
	assert_int_equal(-EBADMSG, parse(line, 4096, &read, &err));
	free(line);
}

static void what_cannot_be_read_is_told(void **state)
{
	static const char *const beginnings[] = { "", "{\"boot", OURS,
						  OURS "{\"api" };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct text text = { beginnings[i], 4096, -EIO };
		struct warm_state read = { 0 };
		struct err err = { 0 };

		assert_true(warm_file_parse(give, &text, BOOT, &owner, &read,
					    &err) < 0);
		assert_true(*err.message);
		assert_null(read.cluster);
	}
}

/* ---- what is written
 * ---------------------------------------------------------
 */

static void a_source_is_known_by_its_paths_in_their_order(void **state)
{
	static const char *const one[] = { "/a", "b\"c" },
				 *const other[] = { "b\"c", "/a" },
				 *const joined[] = { "/a,b\"c" },
				 *const odd[] = { "/\xff" };
	char *a = warm_source_of_paths(one, 2),
	     *b = warm_source_of_paths(other, 2),
	     *c = warm_source_of_paths(joined, 1);

	(void)state;
	assert_string_equal("[\"manifests\",\"/a\",\"b\\\"c\"]", a);
	assert_string_not_equal(a, b);
	assert_string_not_equal(a, c);
	assert_null(warm_source_of_paths(odd, 1));
	free(a);
	free(b);
	free(c);
}

static int put_object(void *ctx, const struct object *object)
{
	warm_file_put(ctx, object);
	return 0;
}

static void what_was_written_is_read(void **state)
{
	char folder[] = "/tmp/netpold-warm-XXXXXX";
	static const struct warm_owner other = { "node-b", "s" };
	struct state_writer *writer;
	struct warm_state read, again = { 0 };
	struct err err;

	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(0, parse(OURS POD("a", "node-a") POLICY(""), 4096,
				  &read, &err));
	assert_int_equal(-ENOENT, warm_file_read(folder, &owner, &again, &err));
	assert_int_equal(0, warm_file_begin(folder, &owner, &writer, &err));
	for (int i = 0; i < N_OBJECT_KINDS; i++)
		cluster_each(read.cluster, i, put_object, writer);
	assert_int_equal(-ENOENT, warm_file_read(folder, &owner, &again, &err));
	assert_int_equal(0, state_writer_commit(writer, &err));
	warm_state_release(&read);
	assert_int_equal(-EXDEV, warm_file_read(folder, &other, &again, &err));
	assert_int_equal(0, warm_file_read(folder, &owner, &again, &err));
	assert_int_equal(1, n_addresses(&again, "a"));
	assert_int_equal(1,
			 cluster_count(again.cluster, OBJECT_NETWORK_POLICY));
	assert_false(again.rebooted);
	warm_state_release(&again);
	assert_int_equal(0, warm_file_remove(folder, &err));
	assert_int_equal(0, rmdir(folder));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_line_is_an_object),
		cmocka_unit_test(a_cluster_may_be_empty),
		cmocka_unit_test(
			a_reboot_takes_the_addresses_of_this_nodes_pods),
		cmocka_unit_test(
			what_was_never_written_or_is_anothers_is_refused),
		cmocka_unit_test(a_first_line_has_a_bound),
		cmocka_unit_test(what_cannot_be_read_is_told),
		cmocka_unit_test(a_source_is_known_by_its_paths_in_their_order),
		cmocka_unit_test(what_was_written_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
