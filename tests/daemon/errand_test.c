/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the helper runs, and what it does not: whoever has taken over the daemon
 * can ask it for anything.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "datapath/errand.h"
#include "datapath/mark.h"
#include "datapath/restore_text.h"
#include "datapath/rules_text.h"
#include "datapath/standing.h"

#define A_RULE "*mangle\n:NETPOLD - [0:0]\n-A NETPOLD "

static const struct {
	const char *name, *text;
	bool is_allowed;
} texts[] = {
	{ "a rule is restored", A_RULE "-m mark --mark 0x1/0x3 -j RETURN\n",
	  true },
	{ "a rule that says no is", A_RULE "-i lo ! -p tcp -j DROP\n", true },
	{ "a rule for a mode is",
	  A_RULE "-m hashlimit --hashlimit-mode srcip\n", true },
	{ "chains are emptied and removed", "*mangle\n-F NETPOLD\n-X NETPOLD\n",
	  true },
	{ "jumps come first and go",
	  "-I INPUT 1 -j NETPOLD-IN\n-D INPUT -j NETPOLD-IN\nCOMMIT\n", true },
	{ "a program to load modules with is refused",
	  A_RULE "--modprobe /tmp/evil -j DROP\n", false },
	{ "with an equals sign, too", A_RULE "--modprobe=/tmp/evil\n", false },
	{ "cut short, too", A_RULE "--mod /tmp/evil\n", false },
	{ "cut as short as it can be, too", A_RULE "--mo=/tmp/evil\n", false },
	{ "by its letter, too", A_RULE "-M /tmp/evil\n", false },
	{ "by its letter with no space, too", A_RULE "-M/tmp/evil\n", false },
	{ "behind another letter, too", A_RULE "-nM/tmp/evil\n", false },
	{ "behind a letter of ours, too", A_RULE "-mM/tmp/evil\n", false },
	{ "behind a tab, too", A_RULE "-j DROP\t-M\t/tmp/evil\n", false },
	{ "on a line without a table, too", "-M /tmp/evil\n", false },
	{ "on the last line, without its end, too", "COMMIT\n-M", false },
	{ "in double quotes, too", A_RULE "\"-M\" /tmp/evil\n", false },
	{ "in half a quotation, too", A_RULE "-\"M\" /tmp/evil\n", false },
	{ "in single quotes, too", A_RULE "'-M' /tmp/evil\n", false },
	{ "behind a backslash, too", A_RULE "\\-M /tmp/evil\n", false },
	{ "options that are nobody's are refused", A_RULE "-w 0\n", false },
	{ "another table's name as an option is", A_RULE "-t nat\n", false },
	{ "nothing to restore is refused", NULL, false },
};

static void a_text_is_restored_where_it_names_no_program(void **state)
{
	const struct errand errand = { .kind = ERRAND_RESTORE,
				       .flavour = IPTABLES_NFT,
				       .family = IP_V4 };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (errand_is_allowed(&errand, texts[i].text) !=
		    texts[i].is_allowed)
			fail_msg("%s", texts[i].name);
	}
}

static const struct {
	const char *name;
	struct errand errand;
	const char *program; /* NULL: it is refused */
} errands[] = {
	{ "tables are listed",
	  { ERRAND_SAVE, IPTABLES_NFT, IP_V4, "" },
	  "iptables-nft-save" },
	{ "and one of them alone",
	  { ERRAND_SAVE_MANGLE, IPTABLES_LEGACY, IP_V6, "" },
	  "ip6tables-legacy-save" },
	{ "a chain of ours is listed",
	  { ERRAND_LIST_CHAIN, IPTABLES_NFT, IP_V6, "NETPOLD-JUDGE" },
	  "ip6tables-nft" },
	{ "a version is told of no flavour",
	  { .kind = ERRAND_VERSION },
	  "iptables" },
	{ "somebody else's chain is refused",
	  { ERRAND_LIST_CHAIN, IPTABLES_NFT, IP_V4, "KUBE-FORWARD" },
	  NULL },
	{ "an option for a chain is refused",
	  { ERRAND_LIST_CHAIN, IPTABLES_NFT, IP_V4, "-M/tmp/evil" },
	  NULL },
	{ "a chain with more behind it is refused",
	  { ERRAND_LIST_CHAIN, IPTABLES_NFT, IP_V4, "NETPOLD -M/tmp/evil" },
	  NULL },
	{ "no chain is refused",
	  { ERRAND_LIST_CHAIN, IPTABLES_NFT, IP_V4, "" },
	  NULL },
	{ "a flavour that is none is refused",
	  { ERRAND_SAVE, IPTABLES_AUTO, IP_V4, "" },
	  NULL },
	{ "one beyond all is refused",
	  { ERRAND_SAVE, IPTABLES_LEGACY + 1, IP_V4, "" },
	  NULL },
	{ "a family that is none is refused",
	  { ERRAND_SAVE, IPTABLES_NFT, IP_NONE, "" },
	  NULL },
	{ "a kind that is none is refused",
	  { ERRAND_RESTORE + 1, IPTABLES_NFT, IP_V4, "" },
	  NULL },
};

static void nothing_is_run_but_what_netpold_asks_for(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(errands) / sizeof(errands[0]); i++) {
		const struct errand *errand = &errands[i].errand;
		struct process_result result = { 0 };
		char name[ERRAND_PROGRAM_LEN];
		struct err err;

		if (errand_is_allowed(errand, NULL) !=
		    (errands[i].program != NULL))
			fail_msg("%s", errands[i].name);
		if (errands[i].program)
			assert_string_equal(errands[i].program,
					    errand_program(errand, name));
		else
			assert_int_equal(-EPERM, errand_run(errand, NULL,
							    &result, &err));
	}
}

static void a_chain_without_an_end_is_refused(void **state)
{
	struct errand errand = { ERRAND_LIST_CHAIN, IPTABLES_NFT, IP_V4, "" };

	(void)state;
	memset(errand.chain, 'A', sizeof(errand.chain));
	memcpy(errand.chain, "NETPOLD", strlen("NETPOLD"));
	assert_false(errand_is_allowed(&errand, NULL));
}

/* Rules with all that there can be in them. */
static void all_that_netpold_writes_is_restored(void **state)
{
	static const enum ip_family families[] = { IP_V4, IP_V6 };
	struct mark_layout marks;

	(void)state;
	assert_int_equal(0, mark_layout_init(&marks, MARK_DEFAULT_MASK, NULL));
	for (unsigned int i = 0; i < 32; i++) {
		const struct errand errand = { .kind = ERRAND_RESTORE,
					       .flavour = IPTABLES_NFT,
					       .family = families[i % 2] };
		struct rules_options options = {
			.flavour = IPTABLES_NFT,
			.marks = &marks,
			.audit = i & 2,
			.closed = i & 4,
			.allow_node_egress = i & 8,
			.queue_base = 17000,
			.n_queues = i & 16 ? 4 : 1,
			.remember = { true, true },
		};
		struct restore_text text = { 0 };

		if (i & 4) {
			options.watched.n = 1;
			options.watched.blocks[0].addr.family = families[i % 2];
			options.watched.blocks[0].prefix_len = 24;
		}
		assert_int_equal(0, restore_text_open(&text));
		rules_write(&text, &options, families[i % 2],
			    "*mangle\nCOMMIT\n");
		assert_int_equal(0, restore_text_close(&text));
		if (!errand_is_allowed(&errand, text.data))
			fail_msg("netpold's own rules are refused:\n%s",
				 text.data);
		restore_text_release(&text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_is_restored_where_it_names_no_program),
		cmocka_unit_test(nothing_is_run_but_what_netpold_asks_for),
		cmocka_unit_test(a_chain_without_an_end_is_refused),
		cmocka_unit_test(all_that_netpold_writes_is_restored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
