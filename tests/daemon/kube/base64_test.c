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

#include "kube/base64.h"

static const struct {
	const char *name, *text, *expected; /* NULL: refused */
} cases[] = {
	{ "nothing is nothing", "", "" },
	{ "two letters are a byte", "YQ==", "a" },
	{ "three letters are two bytes", "YWI=", "ab" },
	{ "four letters are three bytes", "YWJj", "abc" },
	{ "more follow", "YWJjZA==", "abcd" },
	{ "the last two letters are + and /", "fn5+fz8/", "~~~\x7f??" },
	{ "line breaks and blanks are passed over",
	  " YW\n Jj\r\n\tZA = = ", "abcd" },
	{ "pads may not be missing", "YQ", NULL },
	{ "nor some of them", "YQ=", NULL },
	{ "nor be too many", "YWJj=", NULL },
	{ "nor stand alone", "====", NULL },
	{ "nothing follows them", "YQ==YQ==", NULL },
	{ "one letter alone is none", "YWJjZ", NULL },
	{ "the letters of URLs are others", "fn5-fw==", NULL },
	{ "other signs are none", "YW!j", NULL },
	{ "a zero byte is no text", "YQBi", NULL },
};

static void letters_are_decoded(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *out = NULL;
		int r = base64_decode(cases[i].text, &out);

		if (r != (cases[i].expected ? 0 : -EINVAL) ||
		    (out && strcmp(out, cases[i].expected) != 0))
			fail_msg("%s: got %d, '%s'", cases[i].name, r,
				 out ? out : "nothing");
		free(out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(letters_are_decoded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
