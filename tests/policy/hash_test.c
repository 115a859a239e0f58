/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netpold/hash.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Key 00 01 … 0f, message 00 01 … (len - 1): appendix A of the paper has the
   one of 15 bytes, its reference code the others. */
static void test_published_values(void **state)
{
	static const uint64_t key[2] = { 0x0706050403020100,
					 0x0f0e0d0c0b0a0908 };
	static const struct {
		const char *name;
		size_t len;
		uint64_t hash;
	} rows[] = {
		{ "nothing has a hash", 0, 0x726fdb47dd0e0e31 },
		{ "one byte", 1, 0x74f839c593dc67fd },
		{ "one word", 8, 0x93f5f5799a932462 },
		{ "the paper's fifteen bytes", 15, 0xa129ca6149be45e5 },
	};
	uint8_t message[16];

	(void)state;
	for (size_t i = 0; i < sizeof(message); i++)
		message[i] = (uint8_t)i;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t got = hash_keyed(key, message, rows[i].len);

		if (got != rows[i].hash)
			fail_msg("%s: expected %" PRIx64 ", got %" PRIx64,
				 rows[i].name, rows[i].hash, got);
	}
}

static void test_key_matters(void **state)
{
	static const uint64_t a[2] = { 1, 2 }, b[2] = { 1, 3 };

	(void)state;
	assert_int_not_equal(hash_keyed(a, "x", 1), hash_keyed(b, "x", 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_published_values),
		cmocka_unit_test(test_key_matters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
