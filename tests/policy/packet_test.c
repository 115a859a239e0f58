/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netpold/packet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "policy/packet_build.h"

#define A4 "10.0.0.1"
#define B4 "10.0.0.2"
#define A6 "fd00::1"
#define B6 "fd00::2"
#define N_ITEMS(array) (sizeof(array) / sizeof((array)[0]))

static const char *status_name(enum packet_status status)
{
	switch (status) {
	case PACKET_MALFORMED:
		return "malformed";
	case PACKET_OK:
		return "ok";
	case PACKET_FRAGMENT:
		return "fragment";
	case PACKET_TRUNCATED:
		return "truncated";
	}
	return "no status at all";
}

/*
 * Parse a copy that ends where the packet ends, so that the address sanitizer
 * sees every byte that is read beyond it.
 */
static enum packet_status parse_exactly(const struct bytes *bytes,
					struct packet *out)
{
	uint8_t *copy = malloc(bytes->len ? bytes->len : 1);
	enum packet_status status;

	assert_non_null(copy);
	memcpy(copy, bytes->data, bytes->len);
	status = packet_parse(copy, bytes->len, out);
	free(copy);
	return status;
}

struct expected {
	enum packet_status status;
	uint8_t protocol;
	uint16_t src_port, dst_port; /* 0, 0: none were read */
};

static void check(const char *name, const struct bytes *bytes,
		  const struct expected *want)
{
	struct packet got;
	enum packet_status status = parse_exactly(bytes, &got);
	bool want_ports = want->src_port || want->dst_port;

	if (status != want->status)
		fail_msg("%s: expected %s, got %s", name,
			 status_name(want->status), status_name(status));
	if (status == PACKET_MALFORMED)
		return;
	if (got.protocol != want->protocol)
		fail_msg("%s: expected protocol %u, got %u", name,
			 want->protocol, got.protocol);
	if (got.has_ports != want_ports || got.src_port != want->src_port ||
	    got.dst_port != want->dst_port)
		fail_msg("%s: expected ports %u and %u, got %u and %u (%s)",
			 name, want->src_port, want->dst_port, got.src_port,
			 got.dst_port, got.has_ports ? "read" : "not read");
}

struct row {
	const char *name;
	struct bytes bytes;
	struct expected want;
};

static void check_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check(rows[i].name, &rows[i].bytes, &rows[i].want);
}

static void test_ipv4(void **state)
{
	const struct row rows[] = {
		{ "TCP gives its ports",
		  ipv4(A4, B4, 6, tcp(40000, 80, TCP_SYN)),
		  { PACKET_OK, 6, 40000, 80 } },
		{ "UDP gives its ports",
		  ipv4(A4, B4, 17, udp(5353, 53)),
		  { PACKET_OK, 17, 5353, 53 } },
		{ "SCTP gives its ports",
		  ipv4(A4, B4, 132, sctp(9, 3868)),
		  { PACKET_OK, 132, 9, 3868 } },
		{ "UDP-Lite has no ports here (NP-77)",
		  ipv4(A4, B4, 136, udp(1, 2)),
		  { PACKET_OK, 136, 0, 0 } },
		{ "a protocol without a header of its own is whole",
		  ipv4(A4, B4, 47, bytes_zero(0)),
		  { PACKET_OK, 47, 0, 0 } },
		{ "ports lie behind the options",
		  ipv4_options(A4, B4, 6, 40, tcp(1, 2, TCP_ACK)),
		  { PACKET_OK, 6, 1, 2 } },
		{ "a later fragment has no ports",
		  ipv4_fragment(ipv4(A4, B4, 17, udp(1, 2)), 7, 8, false),
		  { PACKET_FRAGMENT, 17, 0, 0 } },
		{ "the largest offset is one as well",
		  ipv4_fragment(ipv4(A4, B4, 17, udp(1, 2)), 7, 65528, true),
		  { PACKET_FRAGMENT, 17, 0, 0 } },
		{ "every bit of the offset counts",
		  ipv4_fragment(ipv4(A4, B4, 17, udp(1, 2)), 7, 32768, true),
		  { PACKET_FRAGMENT, 17, 0, 0 } },
		{ "a first fragment has ports",
		  ipv4_fragment(ipv4(A4, B4, 17, udp(1, 2)), 7, 0, true),
		  { PACKET_OK, 17, 1, 2 } },
		{ "do-not-fragment is no fragment",
		  bytes_set(ipv4(A4, B4, 17, udp(1, 2)), 6, 0x40),
		  { PACKET_OK, 17, 1, 2 } },
		{ "AH in IPv4 is a protocol and hides what it carries",
		  ipv4(A4, B4, 51, authentication(6, 24, tcp(1, 2, TCP_SYN))),
		  { PACKET_OK, 51, 0, 0 } },
		{ "ICMPv6 in IPv4 is a protocol like any other",
		  ipv4(A4, B4, 58, bytes_zero(0)),
		  { PACKET_OK, 58, 0, 0 } },
	};

	(void)state;
	check_rows(rows, N_ITEMS(rows));
}

static void test_ipv6(void **state)
{
	const struct bytes ah = authentication(6, 24, tcp(5, 6, 0));
	const struct row rows[] = {
		{ "TCP gives its ports",
		  ipv6(A6, B6, 6, tcp(40000, 80, TCP_SYN)),
		  { PACKET_OK, 6, 40000, 80 } },
		{ "every extension header is stepped over (NF-10)",
		  ipv6(A6, B6, 0,
		       extension(43, 16,
				 extension(44, 8,
					   fragment(60, 1, 0, true,
						    extension(51, 8, ah))))),
		  { PACKET_OK, 6, 5, 6 } },
		{ "hop-by-hop, routing and destination options hide nothing",
		  ipv6(A6, B6, 0,
		       extension(43, 8,
				 extension(60, 24,
					   extension(6, 8, tcp(3, 4, 0))))),
		  { PACKET_OK, 6, 3, 4 } },
		{ "AH counts its length in another way",
		  ipv6(A6, B6, 51, authentication(17, 28, udp(3, 4))),
		  { PACKET_OK, 17, 3, 4 } },
		{ "hop-by-hop options out of their place are stepped over",
		  ipv6(A6, B6, 60,
		       extension(0, 8, extension(17, 8, udp(1, 2)))),
		  { PACKET_OK, 17, 1, 2 } },
		{ "ESP ends the chain",
		  ipv6(A6, B6, 60, extension(50, 8, tcp(1, 2, TCP_SYN))),
		  { PACKET_OK, 50, 0, 0 } },
		{ "nothing follows 'no next header'",
		  ipv6(A6, B6, 60, extension(59, 8, tcp(1, 2, TCP_SYN))),
		  { PACKET_OK, 59, 0, 0 } },
		{ "a first fragment has ports",
		  ipv6(A6, B6, 44, fragment(17, 9, 0, true, udp(1, 2))),
		  { PACKET_OK, 17, 1, 2 } },
		{ "an atomic fragment has ports",
		  ipv6(A6, B6, 44, fragment(17, 9, 0, false, udp(1, 2))),
		  { PACKET_OK, 17, 1, 2 } },
		{ "a first fragment may have options behind its header",
		  ipv6(A6, B6, 44,
		       fragment(60, 9, 0, true, extension(17, 8, udp(1, 2)))),
		  { PACKET_OK, 17, 1, 2 } },
		{ "a later fragment has no ports",
		  ipv6(A6, B6, 44, fragment(17, 9, 8, true, udp(1, 2))),
		  { PACKET_FRAGMENT, 17, 0, 0 } },
		{ "what a later fragment carries is no extension header",
		  ipv6(A6, B6, 44, fragment(60, 9, 8, false, bytes_zero(1))),
		  { PACKET_FRAGMENT, 60, 0, 0 } },
		{ "a second fragment header cannot hide a later fragment",
		  ipv6(A6, B6, 44,
		       fragment(44, 9, 0, true,
				fragment(17, 9, 8, false, udp(1, 2)))),
		  { PACKET_FRAGMENT, 17, 0, 0 } },
		{ "ICMP in IPv6 is a protocol like any other",
		  ipv6(A6, B6, 1, bytes_zero(0)),
		  { PACKET_OK, 1, 0, 0 } },
	};

	(void)state;
	check_rows(rows, N_ITEMS(rows));
}

static void test_lying_lengths(void **state)
{
	const struct bytes syn4 = ipv4(A4, B4, 6, tcp(1, 2, TCP_SYN));
	const struct bytes syn6 = ipv6(A6, B6, 6, tcp(1, 2, TCP_SYN));
	const struct row rows[] = {
		{ "no bytes are no packet", bytes_zero(0), { 0 } },
		{ "IP version 5 is no packet",
		  bytes_set(syn4, 0, 0x55),
		  { 0 } },
		{ "an IPv4 header shorter than its minimum is a lie",
		  bytes_set(syn4, 0, 0x44),
		  { 0 } },
		{ "an IPv4 header longer than the packet is a lie",
		  bytes_set(syn4, 0, 0x4f),
		  { 0 } },
		{ "an IPv4 packet shorter than its header is a lie",
		  bytes_set(syn4, 3, 19),
		  { 0 } },
		{ "bytes beyond the IPv4 length are not the packet's",
		  bytes_set(syn4, 3, 23),
		  { PACKET_TRUNCATED, 6, 0, 0 } },
		{ "bytes beyond the IPv6 length are not the packet's",
		  bytes_set(syn6, 5, 3),
		  { PACKET_TRUNCATED, 6, 0, 0 } },
		{ "an IPv4 length beyond the bytes at hand is a cut packet",
		  bytes_set(syn4, 2, 5),
		  { PACKET_OK, 6, 1, 2 } },
		{ "an IPv6 length beyond the bytes at hand is a cut packet",
		  bytes_set(syn6, 4, 5),
		  { PACKET_OK, 6, 1, 2 } },
		{ "an IPv4 length of zero is that of a very large packet",
		  bytes_set(syn4, 3, 0),
		  { PACKET_OK, 6, 1, 2 } },
		{ "an IPv6 length of zero is that of a very large packet",
		  bytes_set(syn6, 5, 0),
		  { PACKET_OK, 6, 1, 2 } },
		{ "an extension header that leaves the packet hides the rest",
		  ipv6(A6, B6, 60,
		       bytes_set(extension(6, 8, tcp(1, 2, TCP_SYN)), 1, 3)),
		  { 0 } },
		{ "an extension header up to the last byte leaves no ports",
		  ipv6(A6, B6, 60,
		       bytes_set(extension(6, 8, bytes_zero(16)), 1, 2)),
		  { PACKET_TRUNCATED, 6, 0, 0 } },
		{ "half an extension header hides the rest",
		  ipv6(A6, B6, 60, bytes_zero(7)),
		  { 0 } },
		{ "a chain that ends without a protocol is malformed",
		  ipv6(A6, B6, 0,
		       extension(60, 8, extension(60, 8, bytes_zero(0)))),
		  { 0 } },
		{ "a SYN whose flags are cut off is not taken for a later "
		  "packet",
		  bytes_cut(syn4, 20 + 13),
		  { PACKET_TRUNCATED, 6, 0, 0 } },
		{ "flags are enough of a TCP header",
		  bytes_cut(syn4, 20 + 14),
		  { PACKET_OK, 6, 1, 2 } },
		{ "ports are enough of a UDP header",
		  bytes_cut(ipv4(A4, B4, 17, udp(1, 2)), 20 + 4),
		  { PACKET_OK, 17, 1, 2 } },
		{ "half a port is none",
		  bytes_cut(ipv4(A4, B4, 17, udp(1, 2)), 20 + 3),
		  { PACKET_TRUNCATED, 17, 0, 0 } },
		{ "ICMP without a code is truncated",
		  bytes_cut(ipv4(A4, B4, 1, icmp(3, 1, 0)), 20 + 1),
		  { PACKET_TRUNCATED, 1, 0, 0 } },
		{ "an echo request without an id is truncated",
		  bytes_cut(ipv4(A4, B4, 1, icmp(8, 0, 9)), 20 + 5),
		  { PACKET_TRUNCATED, 1, 0, 0 } },
	};

	(void)state;
	check_rows(rows, N_ITEMS(rows));
}

static void test_fields(void **state)
{
	const struct bytes echo = ipv6_hops(A6, B6, 58, 255, icmp(128, 3, 77));
	const struct bytes first =
		ipv6(A6, B6, 44, fragment(6, 9, 0, true, tcp(1, 2, 0x12)));
	const struct bytes second =
		ipv4_fragment(ipv4(A4, B4, 6, tcp(1, 2, 0)), 300, 8, false);
	const struct ip_addr a = addr(A6), b = addr(B6);
	struct packet got;

	(void)state;
	assert_int_equal(parse_exactly(&echo, &got), PACKET_OK);
	assert_true(ip_addr_equal(&got.src, &a));
	assert_true(ip_addr_equal(&got.dst, &b));
	assert_int_equal(got.hop_limit, 255);
	assert_int_equal(got.icmp_type, 128);
	assert_int_equal(got.icmp_code, 3);
	assert_int_equal(got.icmp_id, 77);
	assert_int_equal(got.l4_offset, 40);
	assert_false(got.is_fragment);

	assert_int_equal(parse_exactly(&first, &got), PACKET_OK);
	assert_int_equal(got.l4_offset, 48);
	assert_int_equal(got.tcp_flags, TCP_SYN | TCP_ACK);
	assert_true(got.is_fragment);
	assert_int_equal(got.fragment_id, 9);

	assert_int_equal(parse_exactly(&second, &got), PACKET_FRAGMENT);
	assert_int_equal(got.hop_limit, 64);
	assert_true(got.is_fragment);
	assert_int_equal(got.fragment_id, 300);
}

static void test_opening(void **state)
{
	static const struct {
		const char *name;
		uint8_t protocol, flags;
		bool opens;
	} rows[] = {
		{ "SYN opens", 6, TCP_SYN, true },
		{ "SYN with other flags opens", 6, TCP_SYN | TCP_PSH, true },
		{ "SYN with ACK answers", 6, TCP_SYN | TCP_ACK, false },
		{ "ACK opens nothing", 6, TCP_ACK, false },
		{ "no flags open nothing", 6, 0, false },
		{ "no other protocol opens TCP", 17, TCP_SYN, false },
	};

	(void)state;
	for (size_t i = 0; i < N_ITEMS(rows); i++) {
		struct packet packet = { .protocol = rows[i].protocol,
					 .tcp_flags = rows[i].flags };

		if (packet_opens_tcp(&packet) != rows[i].opens)
			fail_msg("%s: expected %d, got %d", rows[i].name,
				 rows[i].opens, !rows[i].opens);
	}
}

/* ---- ICMP errors -------------------------------------------------------- */

static void test_errors(void **state)
{
	static const uint8_t v4[] = { 3, 4, 5, 11, 12 }, v6[] = { 1, 2, 3, 4 };
	size_t i4 = 0, i6 = 0;

	(void)state;
	for (unsigned int type = 0; type < 256; type++) {
		struct bytes p4 = ipv4(A4, B4, 1, icmp((uint8_t)type, 0, 0));
		struct bytes p6 = ipv6(A6, B6, 58, icmp((uint8_t)type, 0, 0));
		bool want4 = i4 < sizeof(v4) && v4[i4] == type;
		bool want6 = i6 < sizeof(v6) && v6[i6] == type;
		struct packet got;

		i4 += want4;
		i6 += want6;
		parse_exactly(&p4, &got);
		if (packet_is_icmp_error(&got) != want4)
			fail_msg("ICMP type %u: expected %d", type, want4);
		parse_exactly(&p6, &got);
		if (packet_is_icmp_error(&got) != want6)
			fail_msg("ICMPv6 type %u: expected %d", type, want6);
	}
}

static void test_no_error_of_the_other_family(void **state)
{
	struct bytes bytes = ipv4(A4, B4, 58, icmp(1, 0, 0));
	struct packet got;

	(void)state;
	parse_exactly(&bytes, &got);
	assert_false(packet_is_icmp_error(&got));
}

static struct bytes error4(struct bytes quoted)
{
	return ipv4("10.0.0.254", A4, 1, bytes_join(icmp(3, 4, 0), quoted));
}

static struct bytes error6(struct bytes quoted)
{
	return ipv6("fd00::fe", A6, 58, bytes_join(icmp(2, 0, 0), quoted));
}

static enum packet_status quoted_exactly(const struct bytes *bytes,
					 struct packet *out)
{
	uint8_t *copy = malloc(bytes->len ? bytes->len : 1);
	enum packet_status status = PACKET_MALFORMED;
	struct packet error;

	assert_non_null(copy);
	memcpy(copy, bytes->data, bytes->len);
	if (packet_parse(copy, bytes->len, &error) == PACKET_OK &&
	    packet_is_icmp_error(&error))
		status = packet_parse_quoted(copy, bytes->len, &error, out);
	free(copy);
	return status;
}

static void test_quotes(void **state)
{
	const struct bytes syn4 = ipv4(A4, B4, 6, tcp(40000, 80, TCP_SYN));
	const struct bytes syn6 = ipv6(A6, B6, 6, tcp(40000, 80, TCP_SYN));
	const struct row rows[] = {
		{ "a whole quote is read",
		  error4(syn4),
		  { PACKET_OK, 6, 40000, 80 } },
		{ "eight bytes of the quoted header are enough",
		  error4(bytes_cut(syn4, 28)),
		  { PACKET_OK, 6, 40000, 80 } },
		{ "eight bytes are enough in IPv6 too",
		  error6(bytes_cut(syn6, 48)),
		  { PACKET_OK, 6, 40000, 80 } },
		{ "a quote behind extension headers is read",
		  ipv6(B6, A6, 60,
		       extension(58, 16, bytes_join(icmp(1, 0, 0), syn6))),
		  { PACKET_OK, 6, 40000, 80 } },
		{ "a quote with extension headers is read",
		  error6(ipv6(A6, B6, 0, extension(17, 8, udp(1, 2)))),
		  { PACKET_OK, 17, 1, 2 } },
		{ "an error without a quote is malformed",
		  error4(bytes_zero(0)),
		  { 0 } },
		{ "a quote of the other family is malformed",
		  error4(syn6),
		  { 0 } },
		{ "a quoted later fragment has no ports",
		  error4(ipv4_fragment(ipv4(A4, B4, 17, udp(1, 2)), 1, 8, 0)),
		  { PACKET_FRAGMENT, 17, 0, 0 } },
		{ "a quote cut before its ports is truncated",
		  error4(bytes_cut(syn4, 23)),
		  { PACKET_TRUNCATED, 6, 0, 0 } },
		{ "bytes beyond the error's own length are no quote",
		  bytes_set(error4(syn4), 3, 20 + 8 + 23),
		  { PACKET_TRUNCATED, 6, 0, 0 } },
		{ "nor are they in IPv6",
		  bytes_set(error6(syn6), 5, 8),
		  { 0 } },
	};

	(void)state;
	for (size_t i = 0; i < N_ITEMS(rows); i++) {
		const struct expected *want = &rows[i].want;
		enum packet_status status;
		struct packet got = { 0 };

		status = quoted_exactly(&rows[i].bytes, &got);
		if (status != want->status)
			fail_msg("%s: expected %s, got %s", rows[i].name,
				 status_name(want->status),
				 status_name(status));
		if (status != PACKET_MALFORMED &&
		    (got.protocol != want->protocol ||
		     got.src_port != want->src_port ||
		     got.dst_port != want->dst_port))
			fail_msg("%s: expected %u:%u/%u, got %u:%u/%u",
				 rows[i].name, want->src_port, want->dst_port,
				 want->protocol, got.src_port, got.dst_port,
				 got.protocol);
	}
}

/* ---- every length, every chain ------------------------------------------ */

static bool is_defined(enum packet_status status)
{
	return status == PACKET_MALFORMED || status == PACKET_OK ||
	       status == PACKET_FRAGMENT || status == PACKET_TRUNCATED;
}

/* What is known of a cut packet must be what the whole one says. */
static void check_cut(const struct bytes *whole, size_t len)
{
	struct bytes cut = bytes_cut(*whole, len);
	enum packet_status status, quoted_status;
	struct packet all, got, quoted;

	parse_exactly(whole, &all);
	status = parse_exactly(&cut, &got);
	quoted_status = quoted_exactly(&cut, &quoted);
	if (!is_defined(status) || !is_defined(quoted_status))
		fail_msg("%zu bytes of %zu have no status", len, whole->len);
	if (status == PACKET_MALFORMED)
		return;
	if (got.protocol != all.protocol ||
	    !ip_addr_equal(&got.src, &all.src) ||
	    !ip_addr_equal(&got.dst, &all.dst))
		fail_msg("%zu bytes of %zu give another flow", len, whole->len);
	if (got.has_ports && got.dst_port != all.dst_port)
		fail_msg("%zu bytes of %zu give port %u", len, whole->len,
			 got.dst_port);
	if (got.has_ports && packet_opens_tcp(&got) != packet_opens_tcp(&all))
		fail_msg("%zu bytes of %zu hide a SYN", len, whole->len);
}

static void test_every_truncation(void **state)
{
	const struct bytes syn4 = ipv4(A4, B4, 6, tcp(40000, 80, TCP_SYN));
	const struct bytes syn6 = ipv6(A6, B6, 6, tcp(40000, 80, TCP_SYN));
	const struct bytes seeds[] = {
		syn4,
		syn6,
		ipv4_options(A4, B4, 17, 12, udp(1, 2)),
		ipv4(A4, B4, 132, sctp(1, 2)),
		ipv4(A4, B4, 1, icmp(8, 0, 3)),
		ipv6(A6, B6, 58, icmp(135, 0, 0)),
		ipv4_fragment(syn4, 1, 16, true),
		ipv6(A6, B6, 0,
		     extension(60, 32,
			       extension(43, 8,
					 fragment(51, 1, 0, true,
						  authentication(
							  6, 24,
							  tcp(1, 2, 2)))))),
		ipv6(A6, B6, 44, fragment(17, 1, 8, true, udp(1, 2))),
		error4(syn4),
		error6(syn6),
		error6(ipv6(A6, B6, 60, extension(6, 64, tcp(1, 2, 2)))),
	};

	(void)state;
	for (size_t i = 0; i < N_ITEMS(seeds); i++) {
		for (size_t len = 0; len <= seeds[i].len; len++)
			check_cut(&seeds[i], len);
	}
}

static void test_chains_up_to_256_bytes(void **state)
{
	static const uint8_t kinds[] = { 0, 43, 60 };

	(void)state;
	for (size_t chain = 8; chain <= 256; chain += 8) {
		for (size_t step = 8; step <= chain; step += 8) {
			struct bytes payload = tcp(40000, 80, TCP_SYN);
			struct expected want = { PACKET_OK, 6, 40000, 80 };
			uint8_t next = 6;
			struct bytes bytes;
			char name[64];

			for (size_t left = chain; left > 0;) {
				size_t len = left < step ? left : step;

				payload = extension(next, len, payload);
				next = kinds[(left / 8) % N_ITEMS(kinds)];
				left -= len;
			}
			bytes = ipv6(A6, B6, next, payload);
			snprintf(name, sizeof(name),
				 "a chain of %zu bytes in steps of %zu", chain,
				 step);
			check(name, &bytes, &want);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ipv4),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_lying_lengths),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_opening),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_no_error_of_the_other_family),
		cmocka_unit_test(test_quotes),
		cmocka_unit_test(test_every_truncation),
		cmocka_unit_test(test_chains_up_to_256_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
