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

#include <cmocka.h>

#include "command/config.h"
#include "command/environment.h"
#include "command/settings.h"
#include "datapath/mark.h"

#define FILE_NAME "netpold.yaml"

/* ---- worlds ----------------------------------------------------------------
 */

static void say(struct settings *settings, enum setting_source source,
		const char *name, const char *text)
{
	const struct setting *setting = setting_find(name);
	struct err err;

	assert_non_null(setting);
	if (settings_take(settings, setting, source, name, text, &err) < 0)
		fail_msg("%s", err.message);
}

static void read_text(struct settings *settings, const char *text)
{
	struct err err;

	if (config_parse(FILE_NAME, text, strlen(text), settings, &err) < 0)
		fail_msg("%s", err.message);
}

static void read_variable(struct settings *settings, const char *variable)
{
	char *copy = strdup(variable);
	char *const variables[] = { copy, NULL };
	struct err err;
	int r = environment_read(variables, settings, &err);

	free(copy);
	if (r < 0)
		fail_msg("%s", err.message);
}

/* ---- the table -------------------------------------------------------------
 */

static void what_nobody_has_said_is_as_it_always_was(void **state)
{
	const struct enforcement_options *e;
	struct settings settings;

	(void)state;
	assert_int_equal(0, settings_init(&settings, NULL));
	say(&settings, SOURCE_COMMAND_LINE, "manifests", "dump");
	assert_int_equal(0, settings_complete(&settings, NULL));
	e = &settings.controller.enforcement;
	assert_int_equal(17000, e->queue_base);
	assert_int_equal(MARK_DEFAULT_MASK, e->mark_mask);
	assert_int_equal(IPTABLES_AUTO, e->flavour);
	assert_int_equal(0, e->poll_us);
	assert_int_equal(0, e->hold_ms);
	assert_int_equal(0, e->pod_range.n);
	assert_int_equal(ON_START_ACCEPT, e->on_start);
	assert_false(e->allow_node_egress);
	assert_int_equal(RECALL_DEFAULT_SIZE, e->kernel_cache);
	assert_true(e->n_workers > 0);
	assert_true(*settings.controller.node_name);
	assert_string_equal("/run/netpold/status.sock",
			    settings.controller.status_socket);
	assert_string_equal("/var/lib/netpold", settings.controller.state_dir);
	assert_int_equal(0, settings.controller.web.address.len);
	assert_string_equal("", settings.controller.web.tls_cert);
	assert_string_equal("", settings.controller.web.tls_key);
	assert_string_equal("", settings.controller.web.token_file);
	assert_int_equal(100, settings.controller.n_told_policies);
	assert_true(e->tell_policies);
	assert_int_equal(FLOW_TARGET_OFF,
			 settings.controller.flow_log.target.kind);
	assert_int_equal(100, settings.controller.flow_log.rate);
	assert_int_equal(30, settings.controller.flow_log.fold_s);
	settings_release(&settings);
}

static void each_setting_has_one_name_and_what_its_type_needs(void **state)
{
	const struct setting *setting;
	char variable[SETTING_VARIABLE_LEN];

	(void)state;
	for (size_t i = 0; (setting = setting_at(i)); i++) {
		assert_ptr_equal(setting, setting_find(setting->name));
		setting_variable(setting, variable);
		assert_int_equal(strlen("NETPOLD_") + strlen(setting->name),
				 strlen(variable));
		assert_non_null(setting->help);
		assert_non_null(setting->argument);
		assert_non_null(setting->take);
		assert_int_equal(setting->type == SETTING_WORD ||
					 setting->type == SETTING_SIZE,
				 setting->words != NULL);
	}
	assert_null(setting_find("help"));
}

static void a_size_may_be_told_by_a_word(void **state)
{
	static const struct {
		const char *text;
		uint32_t size;
	} sizes[] = {
		{ "off", 0 },
		{ "on", RECALL_DEFAULT_SIZE },
		{ "2048", 2048 },
		{ "1048576", RECALL_MAX_SIZE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct settings settings;

		assert_int_equal(0, settings_init(&settings, NULL));
		say(&settings, SOURCE_COMMAND_LINE, "kernel-cache",
		    sizes[i].text);
		assert_int_equal(sizes[i].size,
				 settings.controller.enforcement.kernel_cache);
		settings_release(&settings);
	}
}

/* ---- values ----------------------------------------------------------------
 */

/* Bytes in the middle of a character, and nothing else. */
#define NOISE_8 "\x80\x80\x80\x80\x80\x80\x80\x80"
#define NOISE NOISE_8 NOISE_8 NOISE_8 NOISE_8 NOISE_8 NOISE_8 NOISE_8 NOISE_8

static const struct {
	const char *name, *setting, *text;
	const char *message; /* NULL: it is taken */
} values[] = {
	{ "the least number is taken", "workers", "1", NULL },
	{ "the greatest number is taken", "workers", "256", NULL },
	{ "a hexadecimal number is taken", "workers", "0xFf", NULL },
	{ "a leading zero is not octal", "workers", "0256", NULL },
	{ "a smaller number is refused", "workers", "0",
	  "x: expected a number from 1 to 256, found '0'" },
	{ "a greater number is refused", "workers", "257",
	  "x: expected a number from 1 to 256, found '257'" },
	{ "a number beyond 64 bits is refused", "mark-mask",
	  "18446744073709551617",
	  "x: expected a number from 1 to 4294967295, found "
	  "'18446744073709551617'" },
	{ "a negative number is refused", "queue-base", "-1",
	  "x: expected a number from 0 to 65535, found '-1'" },
	{ "a sign is refused", "queue-base", "+1",
	  "x: expected a number from 0 to 65535, found '+1'" },
	{ "a space is refused", "queue-base", " 1",
	  "x: expected a number from 0 to 65535, found ' 1'" },
	{ "what follows a number is refused", "queue-base", "1k",
	  "x: expected a number from 0 to 65535, found '1k'" },
	{ "a bare 0x is no number", "mark-mask", "0x",
	  "x: expected a number from 1 to 4294967295, found '0x'" },
	{ "nothing is no number", "poll-us", "",
	  "x: expected a number from 0 to 1000, found ''" },
	{ "one of the words is taken", "iptables", "legacy", NULL },
	{ "another word is refused", "iptables", "LEGACY",
	  "x: expected auto, nft or legacy, found 'LEGACY'" },
	{ "system calls need not be limited", "seccomp", "off", NULL },
	{ "but for that there is one word", "seccomp", "none",
	  "x: expected off or on, found 'none'" },
	{ "a word for a size is taken", "kernel-cache", "off", NULL },
	{ "a size is taken", "kernel-cache", "1024", NULL },
	{ "a smaller size is refused", "kernel-cache", "1023",
	  "x: expected off or on, or a number from 1024 to 1048576, found "
	  "'1023'" },
	{ "what is neither word nor size is refused", "kernel-cache", "no",
	  "x: expected off or on, or a number from 1024 to 1048576, found "
	  "'no'" },
	{ "a name is taken as it is", "node-name", "0", NULL },
	{ "an empty name is refused", "node-name", "",
	  "x: expected a text of 1 to 253 bytes, found ''" },
	{ "a name with a line break is refused, and not shown", "node-name",
	  "a\nb",
	  "x: expected a text of 1 to 253 bytes, found a control character" },
	{ "where a text may be empty, nothing is one", "status-socket", "",
	  NULL },
	{ "a longer path than sockets have is refused", "status-socket",
	  "/012345678901234567890123456789012345678901234567890123456789"
	  "01234567890123456789012345678901234567890123456",
	  "x: expected a text of 0 to 107 bytes, found "
	  "'/01234567890123456789012345678901234567890123456789012345678…'" },
	{ "a long value is cut in the message, between characters", "iptables",
	  "0123456789012345678901234567890123456789012345678901234567ä01234",
	  "x: expected auto, nft or legacy, found "
	  "'0123456789012345678901234567890123456789012345678901234567ä…'" },
	{ "what is no text is cut, too", "iptables", NOISE,
	  "x: expected auto, nft or legacy, found '…'" },
};

static void values_are_read_within_their_limits(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		const struct setting *setting = setting_find(values[i].setting);
		struct setting_value value;
		struct err err = { 0 };
		int r = setting_read(setting, "x", values[i].text, &value,
				     &err);

		if (r != (values[i].message ? -EINVAL : 0) ||
		    strcmp(err.message,
			   values[i].message ? values[i].message : "") != 0)
			fail_msg("%s: expected '%s', got '%s'", values[i].name,
				 values[i].message ? values[i].message : "",
				 err.message);
	}
}

/* ---- sources ---------------------------------------------------------------
 */

static void the_higher_source_counts_in_whatever_order(void **state)
{
	static const enum setting_source orders[][3] = {
		{ SOURCE_FILE, SOURCE_ENVIRONMENT, SOURCE_COMMAND_LINE },
		{ SOURCE_FILE, SOURCE_COMMAND_LINE, SOURCE_ENVIRONMENT },
		{ SOURCE_ENVIRONMENT, SOURCE_FILE, SOURCE_COMMAND_LINE },
		{ SOURCE_ENVIRONMENT, SOURCE_COMMAND_LINE, SOURCE_FILE },
		{ SOURCE_COMMAND_LINE, SOURCE_FILE, SOURCE_ENVIRONMENT },
		{ SOURCE_COMMAND_LINE, SOURCE_ENVIRONMENT, SOURCE_FILE },
	};
	static const char *const texts[] = { "", "1", "2", "3" };

	(void)state;
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		struct settings settings;

		assert_int_equal(0, settings_init(&settings, NULL));
		for (int k = 0; k < 3; k++)
			say(&settings, orders[i][k], "workers",
			    texts[orders[i][k]]);
		assert_int_equal(3, settings.controller.enforcement.n_workers);
		settings_release(&settings);
	}
}

static void
of_a_value_given_twice_on_the_command_line_the_last_counts(void **state)
{
	struct settings settings;

	(void)state;
	assert_int_equal(0, settings_init(&settings, NULL));
	say(&settings, SOURCE_COMMAND_LINE, "workers", "3");
	say(&settings, SOURCE_COMMAND_LINE, "workers", "2");
	assert_int_equal(2, settings.controller.enforcement.n_workers);
	settings_release(&settings);
}

static void assert_manifests(const struct settings *settings,
			     const char *expected)
{
	char got[256] = "";

	for (size_t i = 0; i < settings->manifests.n; i++) {
		strcat(got, i ? " " : "");
		strcat(got, settings->manifests.items[i]);
	}
	assert_string_equal(expected, got);
}

static void a_list_replaces_that_of_a_lower_source(void **state)
{
	struct settings settings;

	(void)state;
	assert_int_equal(0, settings_init(&settings, NULL));
	read_text(&settings, "manifests:\n- a\n- b\n");
	assert_manifests(&settings, "a b");
	read_variable(&settings, "NETPOLD_MANIFESTS=c:d");
	assert_manifests(&settings, "c d");
	say(&settings, SOURCE_COMMAND_LINE, "manifests", "e");
	say(&settings, SOURCE_COMMAND_LINE, "manifests", "f");
	assert_manifests(&settings, "e f");
	read_variable(&settings, "NETPOLD_MANIFESTS=g");
	assert_manifests(&settings, "e f");
	settings_release(&settings);
}

static void every_setting_comes_from_a_file(void **state)
{
	const struct enforcement_options *e;
	struct settings settings;

	(void)state;
	assert_int_equal(0, settings_init(&settings, NULL));
	read_text(&settings, "# all of them\n"
			     "manifests: dump\n"
			     "node-name: 'node-1'\n"
			     "workers: 2\n"
			     "queue-base: 18000\n"
			     "mark-mask: 0xf0\n"
			     "iptables: legacy\n"
			     "node-egress: allow\n"
			     "status-socket: ''\n"
			     "pod-cidr: 10.244.1.0/24,fd00:1::/64\n"
			     "hold-unknown: 900\n"
			     "on-start: hold\n"
			     "poll-us: \"50\"\n");
	assert_int_equal(0, settings_complete(&settings, NULL));
	e = &settings.controller.enforcement;
	assert_int_equal(1, settings.controller.n_paths);
	assert_string_equal("dump", settings.controller.paths[0]);
	assert_string_equal("node-1", settings.controller.node_name);
	assert_int_equal(2, e->n_workers);
	assert_int_equal(18000, e->queue_base);
	assert_int_equal(0xf0, e->mark_mask);
	assert_int_equal(IPTABLES_LEGACY, e->flavour);
	assert_int_equal(50, e->poll_us);
	assert_int_equal(2, e->pod_range.n);
	assert_int_equal(900, e->hold_ms);
	assert_int_equal(ON_START_HOLD, e->on_start);
	assert_true(e->allow_node_egress);
	assert_string_equal("", settings.controller.status_socket);
	settings_release(&settings);
}

static const struct {
	const char *name, *text;
	enum on_start on_start;
} starts[] = {
	{ "nothing said", "{}", ON_START_ACCEPT },
	{ "a range alone changes nothing", "pod-cidr: 10.0.0.0/24",
	  ON_START_ACCEPT },
	{ "closed, with a range: drop",
	  "on-failure: closed\npod-cidr: 10.0.0.0/24", ON_START_DROP },
	{ "closed, without one: there is nothing to go by",
	  "on-failure: closed", ON_START_ACCEPT },
	{ "closed, but accept was said",
	  "on-failure: closed\npod-cidr: 10.0.0.0/24\non-start: accept",
	  ON_START_ACCEPT },
	{ "drop was said", "pod-cidr: 10.0.0.0/24\non-start: drop",
	  ON_START_DROP },
};

static void what_passes_at_a_start_depends_on_what_else_is_said(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		struct settings settings;

		print_message("%s\n", starts[i].name);
		assert_int_equal(0, settings_init(&settings, NULL));
		say(&settings, SOURCE_COMMAND_LINE, "manifests", "dump");
		read_text(&settings, starts[i].text);
		assert_int_equal(0, settings_complete(&settings, NULL));
		assert_int_equal(starts[i].on_start,
				 settings.controller.enforcement.on_start);
		settings_release(&settings);
	}
}

static void an_audit_has_one_worker_and_remembers_nothing(void **state)
{
	const struct enforcement_options *e;
	struct settings settings;

	(void)state;
	assert_int_equal(0, settings_init(&settings, NULL));
	e = &settings.controller.enforcement;
	assert_false(e->audit);
	say(&settings, SOURCE_COMMAND_LINE, "mode", "audit");
	assert_int_equal(0, settings_complete(&settings, NULL));
	assert_true(e->audit);
	assert_int_equal(1, e->n_workers);
	assert_int_equal(0, e->kernel_cache);
	settings_release(&settings);
}

/* What an audit cannot do, and what is as it is in any case. */
static const struct {
	const char *name, *text;
	bool is_refused;
} audits[] = {
	{ "closed", "on-failure: closed", true },
	{ "open", "on-failure: open", false },
	{ "a start that drops", "{on-start: drop, pod-cidr: 10.0.0.0/24}",
	  true },
	{ "a start that holds",
	  "{on-start: hold, pod-cidr: 10.0.0.0/24, hold-unknown: 900}", true },
	{ "a start that accepts", "on-start: accept", false },
	{ "holding", "hold-unknown: 900", true },
	{ "holding nobody", "hold-unknown: 0", false },
	{ "telling senders", "deny: reject", true },
	{ "overload", "on-overload: accept", true },
	{ "overload, dropped", "on-overload: drop", true },
	{ "answers in the kernel", "kernel-cache: on", true },
	{ "no answers in the kernel", "kernel-cache: off", false },
	{ "two workers", "workers: 2", true },
	{ "ends of flows", "{flow-log: stdout, flow-log-ends: on}", true },
	{ "no ends of flows", "{flow-log: stdout, flow-log-ends: off}", false },
	{ "one worker", "workers: 1", false },
	{ "egress to the node", "node-egress: allow", false },
};

static void an_audit_refuses_what_it_cannot_do(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(audits) / sizeof(audits[0]); i++) {
		struct settings settings;
		struct err err = { 0 };
		int r;

		assert_int_equal(0, settings_init(&settings, NULL));
		say(&settings, SOURCE_COMMAND_LINE, "mode", "audit");
		read_text(&settings, audits[i].text);
		r = settings_complete(&settings, &err);
		if (r != (audits[i].is_refused ? -EINVAL : 0) ||
		    (r < 0) != (strstr(err.message, "does not go with mode") !=
				NULL))
			fail_msg("%s: got %d, %s", audits[i].name, r,
				 err.message);
		settings_release(&settings);
	}
}

static void the_node_is_named_by_the_first_that_names_it(void **state)
{
	struct settings settings;

	(void)state;
	setenv("NODE_NAME", "from-node-name", 1);
	assert_int_equal(0, settings_init(&settings, NULL));
	read_text(&settings, "manifests: dump\n");
	assert_int_equal(0, settings_complete(&settings, NULL));
	assert_string_equal("from-node-name", settings.controller.node_name);
	settings_release(&settings);

	assert_int_equal(0, settings_init(&settings, NULL));
	read_text(&settings, "{manifests: dump, node-name: from-file}\n");
	assert_int_equal(0, settings_complete(&settings, NULL));
	assert_string_equal("from-file", settings.controller.node_name);
	settings_release(&settings);
	unsetenv("NODE_NAME");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_nobody_has_said_is_as_it_always_was),
		cmocka_unit_test(a_size_may_be_told_by_a_word),
		cmocka_unit_test(
			each_setting_has_one_name_and_what_its_type_needs),
		cmocka_unit_test(values_are_read_within_their_limits),
		cmocka_unit_test(the_higher_source_counts_in_whatever_order),
		cmocka_unit_test(
			of_a_value_given_twice_on_the_command_line_the_last_counts),
		cmocka_unit_test(a_list_replaces_that_of_a_lower_source),
		cmocka_unit_test(every_setting_comes_from_a_file),
		cmocka_unit_test(
			what_passes_at_a_start_depends_on_what_else_is_said),
		cmocka_unit_test(an_audit_has_one_worker_and_remembers_nothing),
		cmocka_unit_test(an_audit_refuses_what_it_cannot_do),
		cmocka_unit_test(the_node_is_named_by_the_first_that_names_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
