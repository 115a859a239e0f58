/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Captures that are not as they should be: cut anywhere, with lengths that lie,
 * with packets of no length, and 100,000 that chance has changed. Each is read
 * to its end, or there is a message; what cannot be read in it is counted, and
 * what is told is what was decided.
 *
 * NETPOLD_SEED chooses other changes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "capture_build.h"
#include "played_bytes.h"
#include "policy/twin/random.h"

#define N_MUTATIONS 100000
#define MAX_CHANGES 8
#define N_SEEDS (N_CONTAINERS * N_CAPTURE_LINKS)

static struct capture_bytes seeds[N_SEEDS];
static struct snapshot *snapshot;

static int set_up(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_SEEDS; i++)
		build_capture(&seeds[i], (enum container)(i % N_CONTAINERS),
			      i / N_CONTAINERS);
	snapshot = played_world();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	snapshot_free(snapshot);
	return 0;
}

/* In a buffer of its own, so that a byte beyond the end is one too many. */
static struct played_bytes play(const uint8_t *data, size_t len, bool inside)
{
	uint8_t *copy = malloc(len ? len : 1);
	struct played_bytes out;

	assert_non_null(copy);
	memcpy(copy, data, len);
	play_bytes(snapshot, copy, len, inside, &out);
	free(copy);
	return out;
}

/* ---- what is whole --------------------------------------------------------
 */

static void test_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_SEEDS; i++) {
		struct played_bytes outside =
			play(seeds[i].data, seeds[i].len, false);
		struct played_bytes inside =
			play(seeds[i].data, seeds[i].len, true);
		uint64_t n = i / N_CONTAINERS == 0 ? 17 : 16;

		assert_null(outside.wrong);
		assert_null(inside.wrong);
		assert_int_equal(outside.result, 0);
		assert_int_equal(outside.packets, n);
		assert_int_equal(inside.packets, n);
		assert_int_equal(outside.unparsable, 0);
		assert_int_equal(inside.unparsable, 0);
		/* The two tunnels are flows of others, or none of their own. */
		assert_int_equal(outside.flows, inside.flows + 2);
	}
}

/* ---- what is cut -----------------------------------------------------------
 */

static void test_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_SEEDS; i++) {
		for (size_t len = 1; len < seeds[i].len; len += 1 + len / 64) {
			struct played_bytes out =
				play(seeds[i].data, len, true);

			if (out.wrong)
				print_error("seed %zu, %zu bytes: %s\n", i, len,
					    out.wrong);
			assert_null(out.wrong);
		}
	}
}

/* ---- what lies --------------------------------------------------------------
 */

/* A file of raw IP with one packet, whose header says what it says. */
static struct played_bytes play_header(uint32_t seconds, uint32_t captured,
				       uint32_t len, size_t n_there)
{
	struct capture_bytes bytes = { 0 };
	struct bytes packet = ipv4("10.0.0.1", "10.0.0.2", PROTOCOL_TCP,
				   tcp(40000, 80, TCP_SYN));

	begin_pcap(&bytes, PCAP, 101);
	capture_add32(&bytes, seconds);
	capture_add32(&bytes, 0);
	capture_add32(&bytes, captured);
	capture_add32(&bytes, len);
	capture_add(&bytes, packet.data, n_there);
	return play(bytes.data, bytes.len, true);
}

static const struct {
	const char *name;
	uint32_t seconds, captured, len;
	size_t n_there;
	int result;
	uint64_t flows, unparsable;
} lies[] = {
	{ "a packet as it is", 1, 40, 40, 40, 0, 1, 0 },
	{ "a packet of no length", 1, 0, 0, 0, 0, 0, 1 },
	{ "a packet of which nothing was captured", 1, 0, 40, 0, 0, 0, 1 },
	{ "a packet that was cut before its flags", 1, 30, 40, 30, 0, 0, 1 },
	{ "a packet that was cut behind its flags", 1, 34, 40, 34, 0, 1, 0 },
	{ "more captured than there was", 1, 40, 20, 40, 0, 1, 0 },
	{ "more captured than the file has", 1, 400, 400, 40, -5, 0, 0 },
	{ "as much captured as a number can say", 1, UINT32_MAX, 40, 40, -5, 0,
	  0 },
	{ "a time that nobody will live to see", UINT32_MAX, 40, 40, 40, 0, 1,
	  0 },
};

static void test_lies(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct played_bytes out =
			play_header(lies[i].seconds, lies[i].captured,
				    lies[i].len, lies[i].n_there);

		if (out.wrong || out.result != lies[i].result ||
		    out.flows != lies[i].flows ||
		    out.unparsable != lies[i].unparsable)
			print_error("%s: result %d, %d flows, %d unparsable, "
				    "%s\n",
				    lies[i].name, out.result, (int)out.flows,
				    (int)out.unparsable,
				    out.wrong ? out.wrong : out.err.message);
		assert_null(out.wrong);
		assert_int_equal(out.result, lies[i].result);
		assert_int_equal(out.flows, lies[i].flows);
		assert_int_equal(out.unparsable, lies[i].unparsable);
	}
}

/* Whatever a link type is, it is read or refused with its name. */
static void test_link_types(void **state)
{
	int n_read = 0;

	(void)state;
	for (uint32_t link = 0; link < 400; link++) {
		struct capture_bytes bytes = { 0 };
		struct played_bytes out;

		begin_pcap(&bytes, PCAP, (uint16_t)link);
		add_frame(&bytes, PCAP, 0, bytes_zero(40));
		out = play(bytes.data, bytes.len, true);
		assert_null(out.wrong);
		n_read += out.result == 0;
		if (out.result < 0)
			assert_non_null(strstr(out.err.message, "link type"));
	}
	/* And raw IP by another number (12), and of one version (228, 229). */
	assert_int_equal(n_read, N_CAPTURE_LINKS + 3);
}

/* ---- what chance makes
 * -------------------------------------------------------- */

static const uint8_t edges[] = { 0x00, 0x01, 0x7f, 0x80, 0xff, 0x45, 0x60 };

static void change(struct random *random, struct capture_bytes *bytes)
{
	size_t at = random_below(random, bytes->len), n;

	switch (random_below(random, 12)) {
	default: /* a bit */
		bytes->data[at] ^= (uint8_t)(1 << random_below(random, 8));
		return;
	case 0:
	case 1:
	case 2: /* a byte */
		bytes->data[at] = (uint8_t)random_next(random);
		return;
	case 3:
	case 4:
	case 5: /* one that is at the edge of something */
		bytes->data[at] = random_pick(random, edges);
		return;
	case 6: /* the end is missing */
		bytes->len = at + 1;
		return;
	case 7: /* some bytes in the middle are */
		n = random_below(random, bytes->len - at);
		if (n > 64)
			n = 64;
		memmove(bytes->data + at, bytes->data + at + n,
			bytes->len - at - n);
		bytes->len -= n;
	}
}

static void test_mutations(void **state)
{
	uint64_t seed = random_setting("NETPOLD_SEED", 1);
	struct random random = { .state = seed };
	uint64_t n_whole = 0, n_refused = 0, n_unparsable = 0;

	(void)state;
	for (size_t i = 0; i < N_MUTATIONS; i++) {
		struct capture_bytes bytes =
			seeds[random_below(&random, N_SEEDS)];
		size_t n = 1 + random_below(&random, MAX_CHANGES);
		struct played_bytes out;

		for (size_t k = 0; k < n; k++)
			change(&random, &bytes);
		out = play(bytes.data, bytes.len, i & 1);
		if (out.wrong)
			print_error("seed %llu, mutation %zu: %s\n",
				    (unsigned long long)seed, i, out.wrong);
		assert_null(out.wrong);
		n_whole += out.result == 0;
		n_refused += out.result < 0;
		n_unparsable += out.unparsable;
	}
	print_message("%d captures: %d read to the end, %d not, %d packets "
		      "unparsable\n",
		      N_MUTATIONS, (int)n_whole, (int)n_refused,
		      (int)n_unparsable);
	/* Or the changes reach nothing. */
	assert_true(n_whole > N_MUTATIONS / 10);
	assert_true(n_refused > N_MUTATIONS / 10);
	assert_true(n_unparsable > N_MUTATIONS / 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_link_types),
		cmocka_unit_test(test_mutations),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
