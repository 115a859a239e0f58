/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Captures are read as libpcap reads them, which is the twin here: the same
 * packets, with the same bytes, lengths and times, of every container and of
 * both byte orders, long and short, cut anywhere, and changed by chance. And
 * what libpcap does not read, or not so: interfaces of several link types, and
 * a pipe that is not waited for.
 *
 * NETPOLD_SEED chooses other changes.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>
#include <pcap/pcap.h>

#include "capture_build.h"
#include "policy/twin/random.h"
#include "source/capture.h"
#include "source/capture_record.h"

#define N_MUTATIONS 20000
#define AT_ONCE 7

static FILE *file_of(const void *data, size_t len)
{
	int fd = memfd_create("capture", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(len, write(fd, data, len));
	assert_int_equal(0, lseek(fd, 0, SEEK_SET));
	return fdopen(fd, "rb");
}

/* ---- packets one by one ----------------------------------------------------
 */

struct reading {
	struct capture *capture;
	struct capture_packet packets[AT_ONCE];
	size_t n, at;
	int result;
	struct err err;
};

static void reading_begin(struct reading *reading, FILE *file)
{
	*reading = (struct reading){ 0 };
	reading->result = capture_open_file(file, "bytes", &reading->capture,
					    &reading->err);
}

/* NULL at the end; then result says which one it is. */
static const struct capture_packet *reading_next(struct reading *reading)
{
	if (reading->result == 0 && reading->at == reading->n) {
		reading->at = 0;
		reading->result =
			capture_read(reading->capture, reading->packets,
				     AT_ONCE, &reading->n, &reading->err);
	}
	return reading->at < reading->n ? &reading->packets[reading->at++]
					: NULL;
}

static void reading_end(struct reading *reading)
{
	capture_close(reading->capture);
}

/* ---- the twin
 * ----------------------------------------------------------------- */

static int64_t time_of_twin(const struct pcap_pkthdr *header)
{
	int64_t seconds = header->ts.tv_sec, ns = header->ts.tv_usec;

	/* To the twin 32 bits have a sign, and end in 2038. */
	if (seconds < 0 && seconds >= INT32_MIN)
		seconds += INT64_C(1) << 32;
	if (seconds > RECORD_LAST_S)
		return RECORD_LAST_S * NS_PER_S;
	return seconds * NS_PER_S + (ns >= 0 && ns < NS_PER_S ? ns : 0);
}

/* What of a packet is not as the twin has it; NULL: nothing. */
static const char *difference(const struct capture_packet *packet,
			      const struct pcap_pkthdr *header,
			      const uint8_t *data)
{
	if (packet->frame_len != header->caplen)
		return "what was captured of it";
	if (packet->wire_len != header->len)
		return "its length";
	if (memcmp(packet->frame, data, header->caplen) != 0)
		return "its bytes";
	if (packet->time_ns == time_of_twin(header))
		return NULL;
	print_error("%lld, not %lld.%09lld\n", (long long)packet->time_ns,
		    (long long)header->ts.tv_sec,
		    (long long)header->ts.tv_usec);
	return "its time";
}

/* What is refused although the twin reads it. Nobody writes such files. */
static bool is_refused_here_only(const struct reading *reading)
{
	static const char *const words[] = {
		"link type",
		"of a version of the format",
		"a length that it cannot have",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (reading->result < 0 &&
		    strstr(reading->err.message, words[i]))
			return true;
	}
	return false;
}

/* How many packets both read, or a message. */
static const char *compare_packets(struct reading *reading, pcap_t *twin,
				   size_t *n)
{
	const struct capture_packet *packet;
	struct pcap_pkthdr *header;
	const u_char *data;
	const char *what;
	int r;

	for (*n = 0;; ++*n) {
		r = pcap_next_ex(twin, &header, &data);
		packet = reading_next(reading);
		if (r != 1)
			break;
		if (!packet)
			return is_refused_here_only(reading)
				       ? NULL
				       : "only the twin has it";
		what = difference(packet, header, data);
		if (what)
			return what;
	}
	if (r == PCAP_ERROR_BREAK && packet)
		return "the twin does not have it";
	if (r == PCAP_ERROR_BREAK && reading->result != 0 &&
	    !is_refused_here_only(reading))
		return "it breaks off here only";
	return NULL;
}

static const char *compare(const void *data, size_t len, size_t *n)
{
	char why[PCAP_ERRBUF_SIZE];
	pcap_t *twin = pcap_fopen_offline_with_tstamp_precision(
		file_of(data, len), PCAP_TSTAMP_PRECISION_NANO, why);
	struct reading reading;
	const char *wrong = NULL;

	*n = 0;
	reading_begin(&reading, file_of(data, len));
	if (twin && (reading.result == 0 || !is_refused_here_only(&reading)))
		wrong = compare_packets(&reading, twin, n);
	if (wrong)
		print_error("packet %zu: %s (%s)\n", *n, wrong,
			    reading.result < 0 ? reading.err.message : "");
	reading_end(&reading);
	if (twin)
		pcap_close(twin);
	return wrong;
}

/* ---- as the twin
 * ----------------------------------------------------------------- */

static void test_containers(void **state)
{
	struct capture_bytes bytes;
	size_t n;

	(void)state;
	for (size_t link = 0; link < N_CAPTURE_LINKS; link++) {
		for (int kind = 0; kind < N_CONTAINERS; kind++) {
			build_capture(&bytes, (enum container)kind, link);
			assert_null(compare(bytes.data, bytes.len, &n));
			assert_true(n >= 16);
		}
	}
}

static void test_cut(void **state)
{
	struct capture_bytes bytes;
	size_t n;

	(void)state;
	for (int kind = 0; kind < N_CONTAINERS; kind++) {
		build_capture(&bytes, (enum container)kind, 0);
		for (size_t len = 0; len < bytes.len; len += 1 + len / 128)
			assert_null(compare(bytes.data, len, &n));
	}
}

static void test_mutations(void **state)
{
	uint64_t seed = random_setting("NETPOLD_SEED", 1);
	struct random random = { .state = seed };
	size_t n, n_packets = 0;

	(void)state;
	for (size_t i = 0; i < N_MUTATIONS; i++) {
		struct capture_bytes bytes;

		build_capture(&bytes, (enum container)(i % N_CONTAINERS), 0);
		for (int k = 0; k < 3; k++)
			bytes.data[random_below(&random, bytes.len)] =
				(uint8_t)random_next(&random);
		if (compare(bytes.data, bytes.len, &n))
			fail_msg("seed %llu, mutation %zu",
				 (unsigned long long)seed, i);
		n_packets += n;
	}
	assert_true(n_packets > 5 * N_MUTATIONS);
}

/* Longer than what is in memory of a file at a time; some packets are longer
   than that, too. */
static void test_long(void **state)
{
	static const size_t lens[] = { 60, 66, 1514, 9000, 65535, 200000, 0 };
	struct random random = { .state = 1 };
	static uint8_t frame[262144];
	char *data = NULL;
	size_t len = 0, n;
	FILE *out = open_memstream(&data, &len);
	struct capture_bytes header = { 0 };

	(void)state;
	assert_non_null(out);
	begin_pcap(&header, PCAP, 1);
	header.data[18] = 4; /* a snap length of 256 KiB */
	header.data[16] = header.data[17] = 0;
	fwrite(header.data, header.len, 1, out);
	for (uint32_t i = 0; i < 2000; i++) {
		uint32_t size = (uint32_t)lens[random_below(&random, 7)];
		const uint32_t packet[4] = { 1700000000, i, size, size + 4 };

		memset(frame, (int)i, size);
		fwrite(packet, sizeof(packet), 1, out);
		fwrite(frame, size, 1, out);
	}
	assert_int_equal(0, fclose(out));
	assert_null(compare(data, len, &n));
	assert_int_equal(2000, n);
	free(data);
}

/* ---- interfaces
 * -------------------------------------------------------------------- */

static void add_interface(struct capture_bytes *to, uint16_t link,
			  const void *options, size_t len)
{
	uint32_t size = 20 + (uint32_t)len;

	capture_add32(to, 1);
	capture_add32(to, size);
	capture_add32(to, link);
	capture_add32(to, 65535);
	capture_add(to, options, len);
	capture_add32(to, size);
}

static void add_packet(struct capture_bytes *to, uint32_t interface,
		       uint64_t ticks)
{
	capture_add32(to, 6);
	capture_add32(to, 36);
	capture_add32(to, interface);
	capture_add32(to, (uint32_t)(ticks >> 32));
	capture_add32(to, (uint32_t)ticks);
	capture_add32(to, 4);
	capture_add32(to, 60);
	capture_add32(to, 0x45);
	capture_add32(to, 36);
}

/* Options of an interface: how many there are, and what they come to. */
static const struct {
	const char *name;
	uint8_t options[20];
	size_t len;
	uint64_t ticks;
	int64_t time_ns;
} clocks[] = {
	{ "without a resolution stamps are microseconds", "", 0, 1500000,
	  1500000000 },
	{ "milliseconds", { 9, 0, 1, 0, 3 }, 8, 1500, 1500000000 },
	{ "nanoseconds", { 9, 0, 1, 0, 9 }, 8, 1500000001, 1500000001 },
	{ "picoseconds are cut",
	  { 9, 0, 1, 0, 12 },
	  8,
	  1500000001999,
	  1500000001 },
	{ "the smallest part of ten",
	  { 9, 0, 1, 0, 19 },
	  8,
	  UINT64_C(15000000010000000000),
	  1500000001 },
	{ "whole seconds", { 9, 0, 1, 0, 0 }, 8, 7, 7000000000 },
	{ "parts of two", { 9, 0, 1, 0, 0x8a }, 8, 1536, 1500000000 },
	{ "the smallest part of two",
	  { 9, 0, 1, 0, 0xbf },
	  8,
	  UINT64_C(0xc000000000000000),
	  1500000000 },
	{ "an offset in seconds",
	  { 14, 0, 8, 0, 10 },
	  12,
	  1500000,
	  11500000000 },
	{ "an offset before 1970 stands still there",
	  { 14, 0, 8, 0, 0xf0, 255, 255, 255, 255, 255, 255, 255 },
	  12,
	  1500000,
	  0 },
	{ "a name is passed over",
	  { 2, 0, 3, 0, 'l', 'a', 'n', 0, 0, 0, 0, 0 },
	  12,
	  1,
	  1000 },
	{ "a time beyond all is the last one",
	  { 9, 0, 1, 0, 0 },
	  8,
	  UINT64_MAX,
	  RECORD_LAST_S *NS_PER_S },
};

static void test_clocks(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
		struct capture_bytes bytes = { 0 };
		const struct capture_packet *packet;
		struct reading reading;

		begin_pcapng(&bytes, 101);
		add_interface(&bytes, 101, clocks[i].options, clocks[i].len);
		add_packet(&bytes, 1, clocks[i].ticks);
		reading_begin(&reading, file_of(bytes.data, bytes.len));
		packet = reading_next(&reading);
		if (!packet)
			fail_msg("%s: %s", clocks[i].name, reading.err.message);
		if (packet->time_ns != clocks[i].time_ns)
			fail_msg("%s: %lld", clocks[i].name,
				 (long long)packet->time_ns);
		reading_end(&reading);
	}
}

/* Bytes behind a section and an interface of raw IP, and how it ends. */
static const struct {
	const char *name;
	uint32_t words[20];
	size_t n_words;
	const char *message; /* NULL: it is read to its end */
	size_t n_packets;
} blocks[] = {
	{ "a block that nobody knows is passed over",
	  { 0x0bad, 16, 7, 16, 6, 36, 0, 0, 0, 4, 4, 0x45, 36 },
	  13,
	  NULL,
	  1 },
	{ "a packet without a time is of the first interface",
	  { 3, 20, 4, 0x45, 20 },
	  5,
	  NULL,
	  1 },
	{ "a packet as files had it before",
	  { 2, 36, 0, 0, 0, 4, 4, 0x45, 36 },
	  9,
	  NULL,
	  1 },
	{ "an interface that was not described",
	  { 6, 36, 1, 0, 0, 4, 4, 0x45, 36 },
	  9,
	  "of an interface that was not described",
	  0 },
	{ "a packet that is longer than its block",
	  { 6, 36, 0, 0, 0, 5, 5, 0x45, 36 },
	  9,
	  "longer than its block",
	  0 },
	{ "a packet longer than any",
	  { 6, 36, 0, 0, 0, 262145, 5, 0x45, 36 },
	  9,
	  "more of it was captured than can be",
	  0 },
	{ "a packet without room for its own header",
	  { 6, 28, 0, 0, 0, 0, 28 },
	  7,
	  "too briefly",
	  0 },
	{ "a block that has two lengths",
	  { 6, 36, 0, 0, 0, 4, 4, 0x45, 40 },
	  9,
	  "another length at its end",
	  0 },
	{ "a block without a length",
	  { 6, 0, 0 },
	  3,
	  "a length that it cannot have",
	  0 },
	{ "a block that ends inside a word",
	  { 6, 33, 0, 0, 0, 4, 4, 0x45, 33 },
	  9,
	  "a length that it cannot have",
	  0 },
	{ "a block of all memory",
	  { 6, 0xfffffff0, 0 },
	  3,
	  "longer than any should be",
	  0 },
	{ "a block that nobody knows, and longer than the file",
	  { 0x0bad, 0xfffffff0, 0 },
	  3,
	  "cut short",
	  0 },
	{ "a section of a byte order that is none",
	  { 0x0a0d0d0a, 28, 0, 1, 0, 0, 28 },
	  7,
	  "byte order",
	  0 },
	{ "a section of version 2",
	  { 0x0a0d0d0a, 28, 0x1a2b3c4d, 2, 0, 0, 28 },
	  7,
	  "version",
	  0 },
	{ "another section has no interfaces at first",
	  { 0x0a0d0d0a, 28, 0x1a2b3c4d, 1, 0, 0, 28, 3, 20, 4, 0x45, 20 },
	  12,
	  "of an interface that was not described",
	  0 },
	{ "options beyond their interface",
	  { 1, 24, 101, 0, 0x00040009, 24 },
	  6,
	  "options that cannot be read",
	  0 },
	{ "parts of a second that are too small for any number",
	  { 1, 28, 101, 0, 0x00010009, 0xff, 28 },
	  7,
	  "options that cannot be read",
	  0 },
};

static void test_blocks(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		struct capture_bytes bytes = { 0 };
		const struct capture_packet *packet;
		struct reading reading;
		size_t n = 0;

		begin_pcapng(&bytes, 101);
		capture_add(&bytes, blocks[i].words, 4 * blocks[i].n_words);
		reading_begin(&reading, file_of(bytes.data, bytes.len));
		while ((packet = reading_next(&reading))) {
			assert_int_equal(4, packet->frame_len);
			n++;
		}
		if (n != blocks[i].n_packets ||
		    (reading.result < 0) != (blocks[i].message != NULL) ||
		    (blocks[i].message &&
		     !strstr(reading.err.message, blocks[i].message)))
			fail_msg("%s: %zu packets, %s", blocks[i].name, n,
				 reading.result < 0 ? reading.err.message
						    : "read to its end");
		reading_end(&reading);
	}
}

/* Each section has its own interfaces and byte order, each interface its own
   link type. */
static void test_several_links(void **state)
{
	static const int links[] = { 101, 1, 113, 147, 101, 1 };
	struct capture_bytes bytes = { 0 };
	struct reading reading;

	(void)state;
	begin_pcapng(&bytes, 101);
	add_interface(&bytes, 1, "", 0);
	add_interface(&bytes, 113, "", 0);
	add_interface(&bytes, 147, "", 0); /* of a user's own */
	for (uint32_t i = 0; i < 4; i++)
		add_packet(&bytes, i, i);
	begin_pcapng(&bytes, 101);
	add_packet(&bytes, 0, 4);
	begin_pcapng(&bytes, 1);
	add_packet(&bytes, 0, 5);

	reading_begin(&reading, file_of(bytes.data, bytes.len));
	for (int i = 0; i < 6; i++) {
		const struct capture_packet *packet = reading_next(&reading);

		assert_non_null(packet);
		assert_int_equal(links[i], packet->link_type);
		assert_int_equal(1000 * i, packet->time_ns);
		/* Four bytes are too few for any but raw IP. */
		assert_int_equal(links[i] == 101 ? CAPTURE_IP : CAPTURE_CUT,
				 packet->kind);
	}
	assert_null(reading_next(&reading));
	assert_int_equal(0, reading.result);
	reading_end(&reading);
}

/* Interfaces that are described between packets: each counts once, whatever
   stopped what was read before. */
static void test_late_interfaces(void **state)
{
	static const int links[] = { 1, 101, 113 };
	struct capture_bytes bytes = { 0 };
	const struct capture_packet *packet;
	struct reading reading;

	(void)state;
	begin_pcapng(&bytes, 1);
	add_packet(&bytes, 0, 0);
	add_interface(&bytes, 101, "", 0);
	add_packet(&bytes, 1, 1);
	add_interface(&bytes, 113, "", 0);
	add_packet(&bytes, 2, 2);

	reading_begin(&reading, file_of(bytes.data, bytes.len));
	for (int i = 0; i < 3; i++) {
		packet = reading_next(&reading);
		assert_non_null(packet);
		assert_int_equal(links[i], packet->link_type);
	}
	assert_null(reading_next(&reading));
	assert_int_equal(0, reading.result);
	reading_end(&reading);
}

/* Whether a capture is read does not depend on whose packet is first; where
   nobody's is known, that is said at its end. */
static void test_unknown_first(void **state)
{
	(void)state;
	for (int has_known = 0; has_known < 2; has_known++) {
		struct capture_bytes bytes = { 0 };
		struct reading reading;
		int n = 0;

		begin_pcapng(&bytes, 147); /* of a user's own */
		add_interface(&bytes, 101, "", 0);
		add_packet(&bytes, 0, 0);
		if (has_known)
			add_packet(&bytes, 1, 1);
		reading_begin(&reading, file_of(bytes.data, bytes.len));
		assert_int_equal(0, reading.result);
		while (reading_next(&reading))
			n++;
		assert_int_equal(1 + has_known, n);
		assert_int_equal(has_known ? 0 : -EINVAL, reading.result);
		if (!has_known)
			assert_non_null(strstr(reading.err.message, "147"));
		reading_end(&reading);
	}
}

/* ---- a pipe
 * -------------------------------------------------------------------------- */

/* Who writes is slower than who reads: nothing that is there waits. */
static void test_pipe(void **state)
{
	struct capture_bytes bytes = { 0 };
	struct capture_packet packets[AT_ONCE];
	struct capture *capture = NULL;
	size_t n, at;
	int ends[2];

	(void)state;
	assert_int_equal(0, pipe(ends));
	begin_pcap(&bytes, PCAP, 101);
	assert_int_equal(bytes.len, write(ends[1], bytes.data, bytes.len));
	assert_int_equal(0, capture_open_file(fdopen(ends[0], "rb"), "pipe",
					      &capture, NULL));
	for (uint32_t i = 0; i < 4; i++) {
		at = bytes.len;
		add_frame(&bytes, PCAP, i, bytes_zero(20 + i));
		add_frame(&bytes, PCAP, i, bytes_zero(40));
		/* The second of two is there in part. */
		assert_int_equal(
			bytes.len - at - 30,
			write(ends[1], bytes.data + at, bytes.len - at - 30));
		assert_int_equal(
			0, capture_read(capture, packets, AT_ONCE, &n, NULL));
		assert_int_equal(1, n);
		assert_int_equal(20 + i, packets[0].frame_len);
		assert_int_equal(
			30, write(ends[1], bytes.data + bytes.len - 30, 30));
		assert_int_equal(
			0, capture_read(capture, packets, AT_ONCE, &n, NULL));
		assert_int_equal(1, n);
		assert_int_equal(40, packets[0].frame_len);
	}
	close(ends[1]);
	assert_int_equal(0, capture_read(capture, packets, AT_ONCE, &n, NULL));
	assert_int_equal(0, n);
	capture_close(capture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_containers),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_mutations),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_clocks),
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_several_links),
		cmocka_unit_test(test_late_interfaces),
		cmocka_unit_test(test_unknown_first),
		cmocka_unit_test(test_pipe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
