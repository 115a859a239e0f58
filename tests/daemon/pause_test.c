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
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "pause.h"

#define S INT64_C(1000000)
#define BOOT "01234567-89ab-cdef-0123-456789abcdef"

/* ---- clocks that a test sets ------------------------------------------------
 */

static int64_t boot_us, wall_us;

int __wrap_clock_gettime(clockid_t clock, struct timespec *out);

int __wrap_clock_gettime(clockid_t clock, struct timespec *out)
{
	int64_t us = clock == CLOCK_BOOTTIME ? boot_us : wall_us;

	out->tv_sec = us / S;
	out->tv_nsec = us % S * 1000;
	return 0;
}

static int set_clocks(void **state)
{
	(void)state;
	boot_us = 1000 * S;
	wall_us = 1700000000 * S;
	return 0;
}

/* ---- what a file says -------------------------------------------------------
 */

#define FILE_OF(node, until, since, reason)                                    \
	"{\"boot_id\":\"" BOOT "\",\"node\":\"" node "\",\"until_us\":" until  \
	",\"since_us\":" since ",\"reason\":\"" reason "\"}"
#define LONG_32 "0123456789abcdef0123456789abcdef"
#define LONG_256 LONG_32 LONG_32 LONG_32 LONG_32 LONG_32 LONG_32 LONG_32 LONG_32

/* The clock says 1,000 s. */
static const struct {
	const char *name, *text;
	int found;
} files[] = {
	{ "an end in the future stands", FILE_OF("n", "1600000000", "1", "why"),
	  PAUSE_STANDS },
	{ "a day is the most", FILE_OF("n", "87400000000", "1", ""),
	  PAUSE_STANDS },
	{ "more than a day was never written",
	  FILE_OF("n", "87400000001", "1", ""), -EBADMSG },
	{ "the greatest number is more than a day",
	  FILE_OF("n", "9223372036854775807", "1", ""), -EBADMSG },
	{ "an end that is now is over", FILE_OF("n", "1000000000", "1", ""),
	  PAUSE_OVER },
	{ "an end in the past is over", FILE_OF("n", "999999999", "1", ""),
	  PAUSE_OVER },
	{ "the least number is in the past",
	  FILE_OF("n", "-9223372036854775808", "1", ""), PAUSE_OVER },
	{ "another node's is not ours", FILE_OF("m", "1600000000", "1", ""),
	  -EXDEV },
	{ "nothing is no pause", "", -EBADMSG },
	{ "an empty object is none", "{}", -EBADMSG },
	{ "a list is none", "[]", -EBADMSG },
	{ "a number that is a text is none", FILE_OF("n", "\"1\"", "1", ""),
	  -EBADMSG },
	{ "a fraction is none", FILE_OF("n", "1600000000.5", "1", ""),
	  -EBADMSG },
	{ "a number that does not fit is none",
	  FILE_OF("n", "99999999999999999999", "1", ""), -EBADMSG },
	{ "a reason with a line break is none",
	  FILE_OF("n", "1600000000", "1", "a\\nb"), -EBADMSG },
	{ "a reason with a zero is none",
	  FILE_OF("n", "1600000000", "1", "a\\u0000b"), -EBADMSG },
	{ "a reason that is too long is none",
	  FILE_OF("n", "1600000000", "1", LONG_256), -EBADMSG },
	{ "what has more in it is none",
	  "{\"more\":1,\"boot_id\":\"" BOOT "\",\"node\":\"n\",\"until_us\":"
	  "1600000000,\"since_us\":1,\"reason\":\"\"}",
	  -EBADMSG },
	{ "what has less in it is none",
	  "{\"boot_id\":\"" BOOT "\",\"node\":\"n\",\"until_us\":1600000000,"
	  "\"since_us\":1}",
	  -EBADMSG },
};

static void a_file_says_what_it_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct pause pause;
		struct err err = { 0 };
		int found = pause_parse(files[i].text, strlen(files[i].text),
					BOOT, "n", &pause, &err);

		if (found != files[i].found || (found < 0) != !!*err.message)
			fail_msg("%s: found %d, %s", files[i].name, found,
				 err.message);
	}
}

static void a_reboot_ends_it(void **state)
{
	const char *text = files[0].text;
	struct pause pause;

	(void)state;
	assert_int_equal(PAUSE_OVER,
			 pause_parse(text, strlen(text),
				     "11111111-89ab-cdef-0123-456789abcdef",
				     "n", &pause, NULL));
}

/* ---- time -------------------------------------------------------------------
 */

static void a_wall_clock_that_jumps_changes_nothing(void **state)
{
	const struct pause pause = { .until_us = 1600 * S };
	static const int64_t days_us = 40 * 86400 * S;

	(void)state;
	for (int i = -1; i <= 1; i++) {
		wall_us = 1700000000 * S + i * days_us;
		assert_int_equal(600 * S, pause_left_us(&pause));
		assert_int_equal(wall_us + 600 * S,
				 pause_until_wall_us(&pause));
	}
	boot_us = 1599 * S;
	assert_int_equal(1 * S, pause_left_us(&pause));
	boot_us = 1600 * S;
	assert_int_equal(0, pause_left_us(&pause));
	boot_us = 5000 * S;
	assert_int_equal(0, pause_left_us(&pause));
}

static void what_was_saved_is_loaded_until_its_end(void **state)
{
	const struct pause pause = { 1600 * S, 12345, "w\"h\\y ö" };
	char folder[] = "/tmp/netpold-pause-XXXXXX";
	struct pause again;

	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(PAUSE_NONE, pause_load(folder, "n", &again, NULL));
	assert_int_equal(0, pause_save(folder, "n", &pause, NULL));
	assert_int_equal(PAUSE_STANDS, pause_load(folder, "n", &again, NULL));
	assert_int_equal(pause.until_us, again.until_us);
	assert_int_equal(pause.since_us, again.since_us);
	assert_string_equal(pause.reason, again.reason);
	assert_int_equal(-EXDEV, pause_load(folder, "m", &again, NULL));
	boot_us = 1600 * S;
	assert_int_equal(PAUSE_OVER, pause_load(folder, "n", &again, NULL));
	assert_int_equal(0, pause_forget(folder, NULL));
	assert_int_equal(PAUSE_NONE, pause_load(folder, "n", &again, NULL));
	assert_int_equal(0, rmdir(folder));
}

#define TEST(name) cmocka_unit_test_setup(name, set_clocks)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_file_says_what_it_says),
		TEST(a_reboot_ends_it),
		TEST(a_wall_clock_that_jumps_changes_nothing),
		TEST(what_was_saved_is_loaded_until_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
