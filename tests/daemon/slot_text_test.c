/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "slot_text.h"

#define TCP(n) (SLOT_TCP + (n))
#define UDP(n) (SLOT_UDP + (n))
#define SCTP(n) (SLOT_SCTP + (n))
#define LAST 65535

static const struct {
	const char *name;
	struct slot_range ranges[10];
	size_t n;
	const char *words;
} cases[] = {
	{ "all slots are everything", { { 0, N_SLOTS - 1 } }, 1, "everything" },
	{ "no slot is nothing", { { 0 } }, 0, "nothing" },
	{ "a port has its protocol", { { UDP(53), UDP(53) } }, 1, "53/UDP" },
	{ "ports are in the order of protocols and numbers",
	  { { TCP(80), TCP(80) },
	    { TCP(443), TCP(443) },
	    { UDP(53), UDP(53) } },
	  3,
	  "80/TCP, 443/TCP, 53/UDP" },
	{ "neighbours are a range",
	  { { TCP(8000), TCP(8100) } },
	  1,
	  "8000-8100/TCP" },
	{ "all ports are any port",
	  { { TCP(0), TCP(LAST) } },
	  1,
	  "any TCP port" },
	{ "of several protocols they are told together",
	  { { TCP(0), UDP(LAST) } },
	  1,
	  "any TCP or UDP port" },
	{ "and of all three",
	  { { TCP(0), SCTP(LAST) } },
	  1,
	  "any TCP, UDP or SCTP port" },
	{ "a range may end where the next protocol begins",
	  { { TCP(65000), UDP(10) } },
	  1,
	  "65000-65535/TCP, 0-10/UDP" },
	{ "other protocols are ping to people",
	  { { SLOT_OTHER, SLOT_OTHER } },
	  1,
	  "ping and other protocols" },
	{ "fragments alone are told",
	  { { TCP(0), TCP(0) }, { SLOT_FRAGMENTS, SLOT_FRAGMENTS } },
	  2,
	  "0/TCP, later fragments of TCP" },
	{ "with all ports they go without saying",
	  { { UDP(0), UDP(LAST) }, { SLOT_FRAGMENTS + 1, SLOT_FRAGMENTS + 1 } },
	  2,
	  "any UDP port" },
	{ "a port less is everything but that",
	  { { 0, TCP(21) }, { TCP(23), N_SLOTS - 1 } },
	  2,
	  "everything but 22/TCP" },
	{ "also the first one",
	  { { 1, N_SLOTS - 1 } },
	  1,
	  "everything but 0/TCP" },
	{ "and several",
	  { { 0, TCP(21) }, { TCP(23), UDP(52) }, { UDP(54), N_SLOTS - 1 } },
	  3,
	  "everything but 22/TCP, 53/UDP" },
	{ "but not without ping",
	  { { 0, SLOT_OTHER - 1 } },
	  1,
	  "any TCP, UDP or SCTP port" },
	{ "nor without a whole protocol",
	  { { UDP(0), N_SLOTS - 1 } },
	  1,
	  "any UDP or SCTP port, ping and other protocols, later fragments of "
	  "TCP" },
	{ "many ranges are counted",
	  { { 1, 1 },
	    { 3, 3 },
	    { 5, 5 },
	    { 7, 7 },
	    { 9, 9 },
	    { 11, 11 },
	    { 13, 13 },
	    { 15, 15 },
	    { 17, 17 },
	    { 19, 19 } },
	  10,
	  "1/TCP, 3/TCP, 5/TCP, 7/TCP, 9/TCP, 11/TCP, 13/TCP, 15/TCP and 2 "
	  "more ranges of TCP" },
};

static void sets_of_slots_are_told_in_words(void **state)
{
	size_t n_wrong = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *words = NULL;
		size_t len;
		FILE *out = open_memstream(&words, &len);

		assert_non_null(out);
		slot_text_write(out, cases[i].ranges, cases[i].n);
		assert_int_equal(0, fclose(out));
		if (strcmp(words, cases[i].words) != 0) {
			print_error("%s: expected %s, got %s\n", cases[i].name,
				    cases[i].words, words);
			n_wrong++;
		}
		free(words);
	}
	assert_int_equal(0, n_wrong);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sets_of_slots_are_told_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
