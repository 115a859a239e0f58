/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "datapath/rejection.h"
#include "packet_build.h"

#define V4 "10.0.0.1", "10.0.0.2"
#define V6 "fd00::1", "fd00::2"

/* ---- reading what was written -------------------------------------------- */

static uint16_t be16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t be32(const uint8_t *at)
{
	return (uint32_t)be16(at) << 16 | be16(at + 2);
}

/* All ones over everything that a right checksum is a part of (RFC 1071). */
static uint32_t ones_sum(uint32_t sum, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum += (uint32_t)data[i] << (i % 2 ? 0 : 8);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static bool checksums_are_right(const struct rejection *r,
				const struct packet *packet)
{
	size_t l4_len = r->len - packet->l4_offset;
	size_t addr_len = ip_addr_len(&packet->src);
	uint32_t pseudo = 0;

	if (packet->src.family == IP_V4 && ones_sum(0, r->data, 20) != 0xffff)
		return false;
	if (packet->protocol != PROTOCOL_ICMP) {
		pseudo = ones_sum(pseudo, packet->src.bytes, addr_len);
		pseudo = ones_sum(pseudo, packet->dst.bytes, addr_len);
		pseudo += (uint32_t)l4_len + packet->protocol;
	}
	return ones_sum(pseudo, r->data + packet->l4_offset, l4_len) == 0xffff;
}

/* "10.0.0.2>10.0.0.1 RST seq 0 ack 1", "10.0.0.2>10.0.0.1 ICMP 3/13 quotes 28
   bytes"; "nothing"; or what is wrong. */
static const char *answer(struct bytes to)
{
	char src[IP_ADDR_TEXT_LEN], dst[IP_ADDR_TEXT_LEN];
	struct packet theirs, ours;
	struct rejection r;
	static char text[256];
	const uint8_t *l4;
	int n;

	packet_parse(to.data, to.len, &theirs);
	if (!rejection_write(to.data, to.len, &theirs, &r))
		return "nothing";
	if (packet_parse(r.data, r.len, &ours) != PACKET_OK)
		return "what nobody can read";
	if (!ip_addr_equal(&r.to, &ours.dst) ||
	    !ip_addr_equal(&r.to, &theirs.src))
		return "to somebody else";
	if (!checksums_are_right(&r, &ours))
		return "a wrong checksum";
	l4 = r.data + ours.l4_offset;
	n = snprintf(text, sizeof(text), "%s>%s ",
		     ip_addr_format(&ours.src, src),
		     ip_addr_format(&ours.dst, dst));
	if (ours.protocol == PROTOCOL_TCP)
		snprintf(text + n, sizeof(text) - (size_t)n,
			 "%u>%u RST%s seq %u ack %u", ours.src_port,
			 ours.dst_port, ours.tcp_flags & TCP_ACK ? "+ACK" : "",
			 be32(l4 + 4), be32(l4 + 8));
	else
		snprintf(text + n, sizeof(text) - (size_t)n,
			 "ICMP %u/%u quotes %zu bytes", ours.icmp_type,
			 ours.icmp_code, r.len - ours.l4_offset - 8);
	return text;
}

/* Sequence number 1000, acknowledgement 2000. */
static struct bytes segment(uint8_t flags, size_t payload)
{
	struct bytes out = tcp(4000, 80, flags);

	put_be16(out.data + 6, 1000);
	put_be16(out.data + 10, 2000);
	return bytes_join(out, bytes_zero(payload));
}

/* ---- the cases ----------------------------------------------------------- */

#define RST_V4 "10.0.0.2>10.0.0.1 80>4000 RST"
#define RST_V6 "fd00::2>fd00::1 80>4000 RST"

static void every_sender_gets_the_answer_that_he_waits_for(void **state)
{
	const struct {
		const char *name;
		struct bytes packet;
		const char *answer;
	} cases[] = {
		{ "L18: a SYN is reset, its number acknowledged",
		  ipv4(V4, PROTOCOL_TCP, segment(TCP_SYN, 0)),
		  RST_V4 "+ACK seq 0 ack 1001" },
		{ "so is one over IPv6",
		  ipv6(V6, PROTOCOL_TCP, segment(TCP_SYN, 0)),
		  RST_V6 "+ACK seq 0 ack 1001" },
		{ "with its data", ipv4(V4, PROTOCOL_TCP, segment(TCP_SYN, 7)),
		  RST_V4 "+ACK seq 0 ack 1008" },
		{ "with data that were not copied",
		  bytes_cut(ipv4(V4, PROTOCOL_TCP, segment(TCP_SYN, 100)), 60),
		  RST_V4 "+ACK seq 0 ack 1101" },
		{ "a segment that acknowledges is reset where it expects us",
		  ipv4(V4, PROTOCOL_TCP, segment(TCP_ACK, 7)),
		  RST_V4 " seq 2000 ack 0" },
		{ "a FIN takes a number, too",
		  ipv4(V4, PROTOCOL_TCP, segment(TCP_FIN, 0)),
		  RST_V4 "+ACK seq 0 ack 1001" },
		{ "a reset is not answered",
		  ipv4(V4, PROTOCOL_TCP, segment(TCP_RST, 0)), "nothing" },
		{ "behind extension headers it is the same",
		  ipv6(V6, 0, extension(PROTOCOL_TCP, 16, segment(TCP_SYN, 0))),
		  RST_V6 "+ACK seq 0 ack 1001" },
		{ "L18: UDP is told that it is prohibited",
		  ipv4(V4, PROTOCOL_UDP, udp(4000, 53)),
		  "10.0.0.2>10.0.0.1 ICMP 3/13 quotes 28 bytes" },
		{ "over IPv6 in ICMPv6", ipv6(V6, PROTOCOL_UDP, udp(4000, 53)),
		  "fd00::2>fd00::1 ICMP 1/1 quotes 48 bytes" },
		{ "so is SCTP", ipv4(V4, PROTOCOL_SCTP, sctp(4000, 7000)),
		  "10.0.0.2>10.0.0.1 ICMP 3/13 quotes 32 bytes" },
		{ "and who asks for an echo",
		  ipv4(V4, PROTOCOL_ICMP, icmp(8, 0, 1)),
		  "10.0.0.2>10.0.0.1 ICMP 3/13 quotes 28 bytes" },
		{ "over IPv6, too", ipv6(V6, PROTOCOL_ICMPV6, icmp(128, 0, 1)),
		  "fd00::2>fd00::1 ICMP 1/1 quotes 48 bytes" },
		{ "an echo is not answered",
		  ipv4(V4, PROTOCOL_ICMP, icmp(0, 0, 1)), "nothing" },
		{ "nor is an error (RFC 1122)",
		  ipv4(V4, PROTOCOL_ICMP, icmp(3, 1, 0)), "nothing" },
		{ "nor a redirect (RFC 4443)",
		  ipv6(V6, PROTOCOL_ICMPV6, icmp(137, 0, 0)), "nothing" },
		{ "a protocol without ports is told",
		  ipv4(V4, 47, bytes_zero(8)),
		  "10.0.0.2>10.0.0.1 ICMP 3/13 quotes 28 bytes" },
		{ "no more is quoted than fits",
		  ipv4(V4, PROTOCOL_UDP,
		       bytes_join(udp(4000, 53), bytes_zero(592))),
		  "10.0.0.2>10.0.0.1 ICMP 3/13 quotes 512 bytes" },
		{ "a first fragment is told",
		  ipv4_fragment(ipv4(V4, PROTOCOL_UDP, udp(4000, 53)), 1, 0,
				true),
		  "10.0.0.2>10.0.0.1 ICMP 3/13 quotes 28 bytes" },
		{ "the others are not (RFC 1122)",
		  ipv4_fragment(ipv4(V4, PROTOCOL_UDP, bytes_zero(8)), 1, 8,
				false),
		  "nothing" },
		{ "what goes to many is not (RFC 1122)",
		  ipv4("10.0.0.1", "224.0.0.1", PROTOCOL_UDP, udp(1, 2)),
		  "nothing" },
		{ "nor what goes to all",
		  ipv4("10.0.0.1", "255.255.255.255", PROTOCOL_UDP, udp(1, 2)),
		  "nothing" },
		{ "nor what comes from nobody",
		  ipv4("0.0.0.0", "10.0.0.2", PROTOCOL_UDP, udp(1, 2)),
		  "nothing" },
		{ "nor over IPv6",
		  ipv6("::", "fd00::2", PROTOCOL_UDP, udp(1, 2)), "nothing" },
		{ "nor to many of IPv6",
		  ipv6("fd00::1", "ff02::1", PROTOCOL_UDP, udp(1, 2)),
		  "nothing" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *got = answer(cases[i].packet);

		if (strcmp(got, cases[i].answer) != 0)
			fail_msg("%s: expected '%s', got '%s'", cases[i].name,
				 cases[i].answer, got);
	}
}

/* L6: whatever was copied, only that is read. */
static void cut_anywhere_nothing_else_is_read(void **state)
{
	struct bytes whole = ipv6(V6, PROTOCOL_TCP, segment(TCP_SYN, 20));

	(void)state;
	for (size_t len = 0; len <= whole.len; len++) {
		uint8_t *copy = test_malloc(len + 1);
		struct packet packet;
		struct rejection r;

		memcpy(copy, whole.data, len);
		if (packet_parse(copy, len, &packet) == PACKET_OK)
			rejection_write(copy, len, &packet, &r);
		test_free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			every_sender_gets_the_answer_that_he_waits_for),
		cmocka_unit_test(cut_anywhere_nothing_else_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
