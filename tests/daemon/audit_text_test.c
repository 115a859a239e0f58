/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules of an audit can do nothing to a packet (NF-97): that is seen here from
 * their text alone. What they copy is seen in tests/e2e/audit_test.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "datapath/copy_prefix.h"
#include "datapath/mark.h"
#include "datapath/restore_text.h"
#include "datapath/rules_text.h"
#include "datapath/standing.h"

#define GROUP 17000
#define NOTHING_STANDS "*mangle\nCOMMIT\n"

static const enum ip_family families[] = { IP_V4, IP_V6 };

/* Malloc()ed. */
static char *write_rules(bool audit, bool allow_node_egress,
			 enum ip_family family, const char *saved)
{
	struct rules_options options = {
		.flavour = IPTABLES_NFT,
		.audit = audit,
		.queue_base = GROUP,
		.n_queues = 1,
		.allow_node_egress = allow_node_egress,
	};
	struct restore_text text = { 0 };
	struct mark_layout marks;

	assert_int_equal(0, mark_layout_init(&marks, MARK_DEFAULT_MASK, NULL));
	options.marks = &marks;
	assert_int_equal(0, restore_text_open(&text));
	rules_write(&text, &options, family, saved);
	assert_int_equal(0, restore_text_close(&text));
	return text.data;
}

static bool begins(const char *line, const char *start)
{
	return strncmp(line, start, strlen(start)) == 0;
}

/* Of a chain of netpold's: the target is all that a rule can do. */
static bool is_harmless(const char *rule)
{
	static const char *const targets[] = { " -j RETURN", " -j NFLOG ",
					       " -g NETPOLD-" };
	size_t n = 0;

	for (const char *p = rule; (p = strstr(p, " -j ")); p++)
		n++;
	for (const char *p = rule; (p = strstr(p, " -g ")); p++)
		n++;
	for (size_t i = 0; n == 1 && i < sizeof(targets) / sizeof(targets[0]);
	     i++) {
		if (strstr(rule, targets[i]))
			return true;
	}
	return false;
}

static void check_line(const char *line)
{
	static const char *const words[] = { "MARK", "QUEUE", "DROP",
					     "-denied-", "-allowed-" };

	if (!begins(line, "-A NETPOLD"))
		return;
	if (!is_harmless(line))
		fail_msg("a rule that may do more than copy: %s", line);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strstr(line, words[i]))
			fail_msg("a word of enforcement: %s", line);
	}
}

static void no_rule_can_do_more_than_copy(void **state)
{
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		char *text = write_rules(true, i / 2, families[i % 2],
					 NOTHING_STANDS);
		char *rest;

		for (char *line = strtok_r(text, "\n", &rest); line;
		     line = strtok_r(NULL, "\n", &rest))
			check_line(line);
		free(text);
	}
}

static size_t count(const char *text, const char *words)
{
	size_t n = 0;

	for (const char *p = text; (p = strstr(p, words)); p++)
		n++;
	return n;
}

/* What a rule says of a class, and in which state a packet is of it. */
static const struct {
	const char *name, *rule;
} copies[] = {
	{ "what opens a flow is copied",
	  "-A NETPOLD-JUDGE -m conntrack --ctstate NEW -j NFLOG "
	  "--nflog-group 17000 --nflog-size 512 --nflog-prefix netpold:new\n" },
	{ "a SYN in a flow that stands is copied, its own way",
	  "-A NETPOLD-JUDGE -m conntrack --ctstate ESTABLISHED "
	  "--ctdir ORIGINAL -j NFLOG --nflog-group 17000 --nflog-size 512 "
	  "--nflog-prefix netpold:original\n" },
	{ "and against it",
	  "-A NETPOLD-JUDGE -m conntrack --ctstate ESTABLISHED "
	  "--ctdir REPLY -j NFLOG --nflog-group 17000 --nflog-size 512 "
	  "--nflog-prefix netpold:reply\n" },
	{ "what is not tracked is copied",
	  "-A NETPOLD-JUDGE -m conntrack --ctstate UNTRACKED -j NFLOG "
	  "--nflog-group 17000 --nflog-size 512 "
	  "--nflog-prefix netpold:untracked\n" },
};

static void each_class_has_its_copy(void **state)
{
	const size_t n = sizeof(copies) / sizeof(copies[0]);

	(void)state;
	for (size_t f = 0; f < 2; f++) {
		char *text =
			write_rules(true, false, families[f], NOTHING_STANDS);

		assert_int_equal(n, count(text, " -j NFLOG "));
		for (size_t i = 0; i < n; i++) {
			if (count(text, copies[i].rule) != 1)
				fail_msg("%s: no rule does that",
					 copies[i].name);
		}
		free(text);
	}
}

static void egress_to_the_node_is_copied_unless_it_is_allowed(void **state)
{
	(void)state;
	for (int allow = 0; allow < 2; allow++) {
		char *text = write_rules(true, allow, IP_V4, NOTHING_STANDS);
		bool leads = count(text, "-A NETPOLD-IN ") >
			     count(text, "-A NETPOLD-IN -i lo ") +
				     count(text, "-A NETPOLD-IN -m set ");

		assert_int_equal(!allow, leads);
		free(text);
	}
}

/* What iptables-save(8) would list after that: the jumps are its own. */
static char *list(const char *text)
{
	char *listing = NULL;
	size_t len;
	FILE *out = open_memstream(&listing, &len);

	assert_non_null(out);
	fputs("*mangle\n", out);
	for (size_t i = 0; i < N_STANDING_JUMPS; i++)
		fprintf(out, "-A %s -j %s\n", standing_jumps[i].hook,
			standing_jumps[i].chain);
	for (const char *line = text; *line; line += strcspn(line, "\n") + 1) {
		if (begins(line, ":NETPOLD") || begins(line, "-A NETPOLD"))
			fprintf(out, "%.*s\n", (int)strcspn(line, "\n"), line);
	}
	fputs("COMMIT\n", out);
	assert_int_equal(0, fclose(out));
	return listing;
}

/* Deleting a base chain, or all that uses conntrack, would drop what waits in
   any queue of the namespace (NF-80). */
static void going_from_one_mode_to_the_other_touches_no_jump(void **state)
{
	(void)state;
	for (int audit = 0; audit < 2; audit++) {
		char *stands =
			write_rules(!audit, false, IP_V4, NOTHING_STANDS);
		char *saved = list(stands);
		char *next = write_rules(audit, false, IP_V4, saved);

		assert_int_equal(!audit, standing_audits(saved));
		assert_int_equal(0, count(next, "\n-D "));
		assert_int_equal(0, count(next, "\n-I "));
		assert_int_equal(N_STANDING_CHAINS, count(next, "\n:NETPOLD"));
		assert_true(count(next, "-m conntrack") > 0);
		free(next);
		free(saved);
		free(stands);
	}
}

static void a_class_comes_back_as_it_was_written(void **state)
{
	static const char *const others[] = { "", "netpold",
					      "netpold:", "netpold:newer",
					      "new" };
	enum packet_class class = CLASS_UNTRACKED;

	(void)state;
	for (int i = 0; i < N_PACKET_CLASSES; i++) {
		const char *prefix = copy_prefix(i);

		assert_true(copy_prefix_parse(prefix, strlen(prefix), &class));
		assert_int_equal(i, class);
		assert_false(
			copy_prefix_parse(prefix, strlen(prefix) - 1, &class));
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(copy_prefix_parse(others[i], strlen(others[i]),
					       &class));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_rule_can_do_more_than_copy),
		cmocka_unit_test(each_class_has_its_copy),
		cmocka_unit_test(
			egress_to_the_node_is_copied_unless_it_is_allowed),
		cmocka_unit_test(
			going_from_one_mode_to_the_other_touches_no_jump),
		cmocka_unit_test(a_class_comes_back_as_it_was_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
