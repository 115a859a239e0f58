/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Real entries, in a network namespace of the test's own: made by conntrack(8),
   or by traffic on loopback; conntrack(8) is the witness of their marks. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "datapath/conntrack.h"
#include "datapath/conntrack_message.h"
#include "netns.h"

#define MAX_SEEN 64

static struct conntrack *conntrack;

/* Connections are tracked where a rule needs it. */
static const char rules[] =
	"for cmd in iptables ip6tables; do"
	" $cmd -t mangle -A OUTPUT -m conntrack --ctstate NEW &&"
	" $cmd -t raw -A OUTPUT -p udp --dport 7005 -j CT --zone 5 &&"
	" $cmd -t raw -A OUTPUT -p udp --dport 7006 -j CT --zone-orig 6 &&"
	" $cmd -t raw -A OUTPUT -p udp --dport 7007 -j CT --zone-reply 7"
	" || exit 1; done;"
	"iptables -t nat -A OUTPUT -p tcp -d 127.9.9.9 --dport 80"
	" -j DNAT --to 127.0.0.1:7080";

static int open_conntrack(void **state)
{
	struct err err;

	if (netns_enter(state) < 0)
		return -1;
	if (netns_run("%s", rules) != 0) {
		fprintf(stderr, "this test needs iptables and ip6tables\n");
		return -1;
	}
	if (conntrack_open(&conntrack, &err) < 0) {
		fprintf(stderr, "%s\n", err.message);
		return -1;
	}
	return 0;
}

static int close_conntrack(void **state)
{
	(void)state;
	conntrack_close(conntrack);
	return 0;
}

static int forget_entries(void **state)
{
	(void)state;
	return netns_run("conntrack -F 2>/dev/null");
}

/* ---- helpers ------------------------------------------------------------- */

/* "6 10.0.0.1:1000>10.0.0.2:80 reply 10.0.0.2:80>10.0.0.1:1000 mark 0x0" and,
   where they are not 0, zone and TCP state; ports of ICMP are
   type/code/id. */
static void format_end(char *text, size_t size, const struct ip_addr *addr,
		       uint16_t port)
{
	char ip[IP_ADDR_TEXT_LEN];

	snprintf(text, size, "%s:%u", ip_addr_format(addr, ip), port);
}

static void format_tuple(char *text, size_t size,
			 const struct conntrack_tuple *tuple, uint8_t protocol)
{
	char src[64], dst[64];

	format_end(src, sizeof(src), &tuple->src, tuple->src_port);
	format_end(dst, sizeof(dst), &tuple->dst, tuple->dst_port);
	if (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6)
		snprintf(text, size, "%s>%s %u/%u/%u", src, dst,
			 tuple->icmp_type, tuple->icmp_code, tuple->icmp_id);
	else
		snprintf(text, size, "%s>%s", src, dst);
}

static void format_entry(char *text, size_t size,
			 const struct conntrack_entry *entry)
{
	char original[192], reply[192];
	int n;

	format_tuple(original, sizeof(original), &entry->original,
		     entry->protocol);
	format_tuple(reply, sizeof(reply), &entry->reply, entry->protocol);
	n = snprintf(text, size, "%u %s reply %s mark %#x", entry->protocol,
		     original, reply, entry->mark);
	if (entry->zone)
		n += snprintf(text + n, size - (size_t)n, " zone %u",
			      entry->zone);
	if (entry->tcp_state)
		snprintf(text + n, size - (size_t)n, " state %u",
			 entry->tcp_state);
}

struct seen {
	struct conntrack_entry entries[MAX_SEEN];
	size_t n;
	size_t n_max; /* stop there; 0: never */
};

static int see(void *ctx, const struct conntrack_entry *entry)
{
	struct seen *seen = ctx;

	if (seen->n < MAX_SEEN)
		seen->entries[seen->n] = *entry;
	seen->n++;
	return seen->n == seen->n_max ? 7 : 0;
}

static void dump(enum ip_family family, uint32_t value, uint32_t mask,
		 struct seen *seen)
{
	const struct conntrack_filter filter = { .family = family,
						 .mark = value,
						 .mark_mask = mask };
	struct err err = { 0 };
	int r;

	*seen = (struct seen){ 0 };
	r = conntrack_dump(conntrack, &filter, see, seen, NULL, &err);
	if (r != 0)
		fail_msg("the dump failed: %d '%s'", r, err.message);
}

static void set_mark(const struct conntrack_entry *entry, uint32_t value,
		     uint32_t mask)
{
	struct err err = { 0 };

	if (conntrack_set_mark(conntrack, entry, value, mask, &err) != 0)
		fail_msg("the mark was not set: %s", err.message);
}

static void flush(void)
{
	struct err err = { 0 };

	if (conntrack_flush(conntrack, &err) != 0)
		fail_msg("the flush failed: %s", err.message);
}

/* What conntrack(8) says the marks of all entries are, each followed by a
   space. */
static void witness_marks(enum ip_family family, char *text, int size)
{
	netns_read(text, size,
		   "conntrack -L -f ipv%d 2>/dev/null | "
		   "sed -n 's/.*mark=\\([0-9]*\\).*/\\1/p' | sort -n | "
		   "tr '\\n' ' '",
		   family == IP_V4 ? 4 : 6);
}

/* ---- every kind of entry ------------------------------------------------- */

/* What conntrack(8) puts into the table, and what is read from it. Each is then
   marked by us, and conntrack(8) looks. */
static const struct {
	const char *name, *insert;
	enum ip_family family;
	const char *entry;
} kinds[] = {
	{ "TCP over IPv4 has ports and a state",
	  "-p tcp -s 10.0.0.1 -d 10.0.0.2 --sport 1000 --dport 80 "
	  "--state ESTABLISHED",
	  IP_V4,
	  "6 10.0.0.1:1000>10.0.0.2:80 reply 10.0.0.2:80>10.0.0.1:1000 "
	  "mark 0xabcd0000 state 3" },
	{ "TCP over IPv6 has ports and a state",
	  "-p tcp -s fd00::1 -d fd00::2 --sport 1000 --dport 80 "
	  "--state SYN_SENT",
	  IP_V6,
	  "6 fd00::1:1000>fd00::2:80 reply fd00::2:80>fd00::1:1000 "
	  "mark 0xabcd0000 state 1" },
	{ "NF-4: behind a Service the reply's source is who answers",
	  "-p tcp -s 10.0.0.1 -d 10.96.0.1 --sport 1000 --dport 443 "
	  "-r 10.0.0.7 -q 10.0.0.1 --reply-port-src 6443 "
	  "--reply-port-dst 1000 --state ESTABLISHED",
	  IP_V4,
	  "6 10.0.0.1:1000>10.96.0.1:443 reply 10.0.0.7:6443>10.0.0.1:1000 "
	  "mark 0xabcd0000 state 3" },
	{ "UDP over IPv4 has ports",
	  "-p udp -s 10.0.0.1 -d 10.0.0.2 --sport 1000 --dport 53", IP_V4,
	  "17 10.0.0.1:1000>10.0.0.2:53 reply 10.0.0.2:53>10.0.0.1:1000 "
	  "mark 0xabcd0000" },
	{ "UDP over IPv6 has ports",
	  "-p udp -s fd00::1 -d fd00::2 --sport 1000 --dport 53", IP_V6,
	  "17 fd00::1:1000>fd00::2:53 reply fd00::2:53>fd00::1:1000 "
	  "mark 0xabcd0000" },
	{ "SCTP over IPv4 has ports",
	  "-p sctp -s 10.0.0.1 -d 10.0.0.2 --sport 1000 --dport 38412 "
	  "--state ESTABLISHED --orig-vtag 1 --reply-vtag 2",
	  IP_V4,
	  "132 10.0.0.1:1000>10.0.0.2:38412 reply "
	  "10.0.0.2:38412>10.0.0.1:1000 mark 0xabcd0000" },
	{ "SCTP over IPv6 has ports",
	  "-p sctp -s fd00::1 -d fd00::2 --sport 1000 --dport 38412 "
	  "--state ESTABLISHED --orig-vtag 1 --reply-vtag 2",
	  IP_V6,
	  "132 fd00::1:1000>fd00::2:38412 reply fd00::2:38412>fd00::1:1000 "
	  "mark 0xabcd0000" },
	{ "an ICMP echo has type, code and id",
	  "-p icmp -s 10.0.0.1 -d 10.0.0.2 --icmp-type 8 --icmp-code 0 "
	  "--icmp-id 1234",
	  IP_V4,
	  "1 10.0.0.1:0>10.0.0.2:0 8/0/1234 reply 10.0.0.2:0>10.0.0.1:0 "
	  "0/0/1234 mark 0xabcd0000" },
	{ "an ICMPv6 echo has type, code and id",
	  "-p icmpv6 -s fd00::1 -d fd00::2 --icmpv6-type 128 "
	  "--icmpv6-code 0 --icmpv6-id 1234",
	  IP_V6,
	  "58 fd00::1:0>fd00::2:0 128/0/1234 reply fd00::2:0>fd00::1:0 "
	  "129/0/1234 mark 0xabcd0000" },
	{ "NF-55: an entry of a zone says which",
	  "-p udp -s 10.0.0.1 -d 10.0.0.2 --sport 1000 --dport 53 --zone 5",
	  IP_V4,
	  "17 10.0.0.1:1000>10.0.0.2:53 reply 10.0.0.2:53>10.0.0.1:1000 "
	  "mark 0xabcd0000 zone 5" },
	{ "NF-55: so does one over IPv6",
	  "-p udp -s fd00::1 -d fd00::2 --sport 1000 --dport 53 "
	  "--zone 65535",
	  IP_V6,
	  "17 fd00::1:1000>fd00::2:53 reply fd00::2:53>fd00::1:1000 "
	  "mark 0xabcd0000 zone 65535" },
};

static void every_kind_is_read_and_marked(void **state)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const char *fact = kinds[i].name;
		char text[512], marks[64];
		struct seen seen;

		forget_entries(state);
		if (netns_run("conntrack -I %s -t 100 -m 0xabcd0000 >/dev/null "
			      "2>&1",
			      kinds[i].insert) != 0)
			fail_msg("%s: conntrack -I %s failed", fact,
				 kinds[i].insert);
		dump(kinds[i].family, 0, 0, &seen);
		if (seen.n != 1)
			fail_msg("%s: expected 1 entry, got %zu", fact, seen.n);
		format_entry(text, sizeof(text), &seen.entries[0]);
		if (strcmp(text, kinds[i].entry) != 0)
			fail_msg("%s: expected '%s', got '%s'", fact,
				 kinds[i].entry, text);

		set_mark(&seen.entries[0], 0x1001, 0x107f);
		flush();
		witness_marks(kinds[i].family, marks, sizeof(marks));
		if (strcmp(marks, "2882342913 ") != 0) /* 0xabcd1001 */
			fail_msg("%s: expected the mark 2882342913, "
				 "conntrack(8) sees '%s'",
				 fact, marks);
		dump(kinds[i].family == IP_V4 ? IP_V6 : IP_V4, 0, 0, &seen);
		if (seen.n != 0)
			fail_msg("%s: it is in the other family's dump", fact);
	}
}

static void a_zone_keeps_equal_tuples_apart(void **state)
{
	char marks[64];
	struct seen seen;

	(void)state;
	for (int zone = 0; zone < 3; zone++)
		assert_int_equal(0, netns_run("conntrack -I -p udp -s 10.0.0.1 "
					      "-d 10.0.0.2 --sport 1 --dport 2 "
					      "-t 100 -m %d -w %d >/dev/null "
					      "2>&1",
					      zone + 1, zone));
	dump(IP_V4, 2, 0xff, &seen);
	assert_int_equal(1, seen.n);
	assert_int_equal(1, seen.entries[0].zone);
	set_mark(&seen.entries[0], 0x40, 0xff);
	flush();
	witness_marks(IP_V4, marks, sizeof(marks));
	assert_string_equal("1 3 64 ", marks);
}

/* ---- real traffic -------------------------------------------------------- */

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t make_address(const char *ip, uint16_t port, union address *out)
{
	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, ip, &out->v4.sin_addr) == 1) {
		out->v4.sin_family = AF_INET;
		out->v4.sin_port = htons(port);
		return sizeof(out->v4);
	}
	assert_int_equal(1, inet_pton(AF_INET6, ip, &out->v6.sin6_addr));
	out->v6.sin6_family = AF_INET6;
	out->v6.sin6_port = htons(port);
	return sizeof(out->v6);
}

/* A listener on a port, and a client that connects to it or, where they differ,
   to what a rule leads there. */
struct pair {
	int listener;
	int client;
};

static struct pair connect_pair(int type, const char *listen_ip,
				uint16_t listen_port, const char *ip,
				uint16_t port)
{
	union address address;
	struct pair pair;
	socklen_t len;

	len = make_address(listen_ip, listen_port, &address);
	pair.listener = socket(address.any.sa_family, type | SOCK_CLOEXEC, 0);
	assert_int_equal(0, bind(pair.listener, &address.any, len));
	if (type == SOCK_STREAM)
		assert_int_equal(0, listen(pair.listener, 1));
	len = make_address(ip, port, &address);
	pair.client = socket(address.any.sa_family, type | SOCK_CLOEXEC, 0);
	assert_int_equal(0, connect(pair.client, &address.any, len));
	assert_int_equal(1, write(pair.client, "x", 1));
	return pair;
}

static void close_pair(struct pair *pair)
{
	close(pair->client);
	close(pair->listener);
}

static const struct {
	const char *name;
	int type;
	const char *listen_ip;
	uint16_t listen_port;
	const char *ip;
	uint16_t port;
	uint8_t protocol;
	uint16_t zone;
	uint8_t tcp_state;
} flows[] = {
	{ "a TCP connection over IPv4", SOCK_STREAM, "127.0.0.1", 7000,
	  "127.0.0.1", 7000, IPPROTO_TCP, 0, 3 },
	{ "a TCP connection over IPv6", SOCK_STREAM, "::1", 7000, "::1", 7000,
	  IPPROTO_TCP, 0, 3 },
	{ "a TCP connection through DNAT", SOCK_STREAM, "127.0.0.1", 7080,
	  "127.9.9.9", 80, IPPROTO_TCP, 0, 3 },
	{ "a UDP flow over IPv4", SOCK_DGRAM, "127.0.0.1", 7000, "127.0.0.1",
	  7000, IPPROTO_UDP, 0, 0 },
	{ "a UDP flow over IPv6", SOCK_DGRAM, "::1", 7000, "::1", 7000,
	  IPPROTO_UDP, 0, 0 },
	{ "a flow in a zone", SOCK_DGRAM, "127.0.0.1", 7005, "127.0.0.1", 7005,
	  IPPROTO_UDP, 5, 0 },
	{ "a flow with a zone in its first direction only", SOCK_DGRAM, "::1",
	  7006, "::1", 7006, IPPROTO_UDP, 6, 0 },
	{ "a flow with a zone in its reply direction only", SOCK_DGRAM,
	  "127.0.0.1", 7007, "127.0.0.1", 7007, IPPROTO_UDP, 0, 0 },
};

static void check_flow(size_t i, const struct conntrack_entry *entry)
{
	char dst[64], server[64], expected[64];

	snprintf(expected, sizeof(expected), "%s:%u", flows[i].ip,
		 flows[i].port);
	format_end(dst, sizeof(dst), &entry->original.dst,
		   entry->original.dst_port);
	if (strcmp(dst, expected) != 0)
		fail_msg("%s: expected the destination %s, got %s",
			 flows[i].name, expected, dst);
	snprintf(expected, sizeof(expected), "%s:%u", flows[i].listen_ip,
		 flows[i].listen_port);
	format_end(server, sizeof(server), &entry->reply.src,
		   entry->reply.src_port);
	if (strcmp(server, expected) != 0)
		fail_msg("%s: expected %s to answer, got %s", flows[i].name,
			 expected, server);
	if (entry->protocol != flows[i].protocol ||
	    entry->zone != flows[i].zone ||
	    entry->tcp_state != flows[i].tcp_state ||
	    !(entry->status & IPS_CONFIRMED))
		fail_msg("%s: got protocol %u, zone %u, state %u, status %#x",
			 flows[i].name, entry->protocol, entry->zone,
			 entry->tcp_state, entry->status);
}

static void real_flows_are_read_and_marked(void **state)
{
	for (size_t i = 0; i < sizeof(flows) / sizeof(flows[0]); i++) {
		enum ip_family family =
			strchr(flows[i].ip, ':') ? IP_V6 : IP_V4;
		struct pair pair;
		struct seen seen;
		char marks[64];

		forget_entries(state);
		pair = connect_pair(flows[i].type, flows[i].listen_ip,
				    flows[i].listen_port, flows[i].ip,
				    flows[i].port);
		dump(family, 0, 0, &seen);
		if (seen.n != 1)
			fail_msg("%s: expected 1 entry, got %zu", flows[i].name,
				 seen.n);
		check_flow(i, &seen.entries[0]);
		set_mark(&seen.entries[0], 1, 0x107f);
		flush();
		witness_marks(family, marks, sizeof(marks));
		if (strcmp(marks, "1 ") != 0)
			fail_msg("%s: expected the mark 1, conntrack(8) sees "
				 "'%s'",
				 flows[i].name, marks);
		close_pair(&pair);
	}
}

static void pings_are_read_and_marked(void **state)
{
	static const struct {
		const char *ip;
		enum ip_family family;
		uint8_t protocol, request, reply;
	} pings[] = {
		{ "127.0.0.1", IP_V4, IPPROTO_ICMP, 8, 0 },
		{ "::1", IP_V6, IPPROTO_ICMPV6, 128, 129 },
	};

	for (size_t i = 0; i < 2; i++) {
		const struct conntrack_entry *entry;
		struct seen seen;

		forget_entries(state);
		assert_int_equal(0, netns_run("ping -q -c 1 -W 1 %s >/dev/null",
					      pings[i].ip));
		dump(pings[i].family, 0, 0, &seen);
		assert_int_equal(1, seen.n);
		entry = &seen.entries[0];
		assert_int_equal(pings[i].protocol, entry->protocol);
		assert_int_equal(pings[i].request, entry->original.icmp_type);
		assert_int_equal(pings[i].reply, entry->reply.icmp_type);
		assert_true(entry->status & IPS_SEEN_REPLY);
		set_mark(entry, 1, 0x107f);
		flush();
		dump(pings[i].family, 1, 0x107f, &seen);
		assert_int_equal(1, seen.n);
	}
}

/* A protocol that conntrack knows nothing about: IPv4 protocol 253 is for
   experiments (RFC 3692). */
static void a_protocol_without_ports_is_marked(void **state)
{
	union address address;
	struct seen seen;
	socklen_t len;
	int fd;

	(void)state;
	len = make_address("127.0.0.1", 0, &address);
	fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, 253);
	assert_int_equal(1, sendto(fd, "x", 1, 0, &address.any, len));
	close(fd);
	dump(IP_V4, 0, 0, &seen);
	assert_int_equal(1, seen.n);
	assert_int_equal(253, seen.entries[0].protocol);
	set_mark(&seen.entries[0], 1, 1);
	flush();
	dump(IP_V4, 1, 1, &seen);
	assert_int_equal(1, seen.n);
}

/* ---- marks --------------------------------------------------------------- */

static void insert_udp(unsigned int port, uint32_t mark)
{
	assert_int_equal(0, netns_run("conntrack -I -p udp -s 10.0.0.1 "
				      "-d 10.0.0.2 --sport 1 --dport %u -t 100 "
				      "-m %u >/dev/null 2>&1",
				      port, mark));
}

static const struct {
	const char *name;
	uint32_t value, mask;
	size_t n;
} filters[] = {
	{ "no mask is every entry", 0, 0, 4 },
	{ "no mask is every entry, whatever the value", 1, 0, 4 },
	{ "a value under a mask is those that have it", 1, 0x107f, 2 },
	{ "foreign bits do not matter", 1, 0x7f, 3 },
	{ "zero under a mask is those without", 0, 0x107f, 1 },
	{ "the full mask is the very mark", 0x80000001, 0xffffffff, 1 },
	{ "a value that nobody has is nobody", 2, 0x107f, 0 },
};

static void the_kernel_filters_by_mark(void **state)
{
	static const uint32_t marks[] = { 0, 1, 0x80000001, 0x1001 };

	(void)state;
	for (unsigned int i = 0; i < 4; i++)
		insert_udp(i + 1, marks[i]);
	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		struct seen seen;

		dump(IP_V4, filters[i].value, filters[i].mask, &seen);
		if (seen.n != filters[i].n)
			fail_msg("%s: expected %zu entries, got %zu",
				 filters[i].name, filters[i].n, seen.n);
	}
}

static const struct {
	const char *name;
	uint32_t before, value, mask, after;
} updates[] = {
	{ "bits under the mask are set", 0, 0x1001, 0x107f, 0x1001 },
	{ "foreign bits stay", 0xffffef80, 0x1, 0x107f, 0xffffef81 },
	{ "bits under the mask are cleared", 0xffffffff, 0, 0x107f,
	  0xffffef80 },
	{ "one value replaces another", 0x1003, 0x4, 0x107f, 0x4 },
	{ "a value outside the mask changes nothing there", 0x10, 0xff01, 0xf,
	  0x11 },
	{ "the whole mark is replaced under a full mask", 0x12345678, 7,
	  0xffffffff, 7 },
};

static void a_mark_changes_under_its_mask_alone(void **state)
{
	for (size_t i = 0; i < sizeof(updates) / sizeof(updates[0]); i++) {
		char marks[64], expected[64];
		struct seen seen;

		forget_entries(state);
		insert_udp(1, updates[i].before);
		dump(IP_V4, 0, 0, &seen);
		set_mark(&seen.entries[0], updates[i].value, updates[i].mask);
		flush();
		snprintf(expected, sizeof(expected), "%u ", updates[i].after);
		witness_marks(IP_V4, marks, sizeof(marks));
		if (strcmp(marks, expected) != 0)
			fail_msg("%s: expected %s, conntrack(8) sees %s",
				 updates[i].name, expected, marks);
	}
}

/* Thousands of errors come back, and none of them matters: not to the updates
   around them, not to the next dump. */
static void entries_that_are_gone_are_no_failure(void **state)
{
	struct conntrack_entry gone;
	struct seen seen;

	(void)state;
	insert_udp(1, 0);
	insert_udp(2, 0);
	dump(IP_V4, 0, 0, &seen);
	assert_int_equal(2, seen.n);
	gone = seen.entries[0];
	for (unsigned int i = 0; i < 3000; i++) {
		gone.original.dst_port = (uint16_t)(1000 + i);
		set_mark(&gone, 1, 1);
		if (i == 1000)
			set_mark(&seen.entries[0], 1, 1);
	}
	set_mark(&seen.entries[1], 1, 1);
	gone.original.dst_port = 999;
	set_mark(&gone, 1, 1); /* the one that is acknowledged */
	flush();
	dump(IP_V4, 1, 1, &seen);
	assert_int_equal(2, seen.n);
	flush(); /* nothing to do */
}

static void an_update_that_the_kernel_refuses_is_a_failure(void **state)
{
	struct err err = { 0 };
	struct seen seen;

	(void)state;
	insert_udp(1, 0);
	insert_udp(2, 0);
	dump(IP_V4, 0, 0, &seen);
	seen.entries[0].protocol = IPPROTO_ICMP; /* with type 0, code 0 … */
	seen.entries[0].original.icmp_type = 99; /* … that nobody knows */
	set_mark(&seen.entries[0], 1, 1);
	set_mark(&seen.entries[1], 1, 1);
	assert_int_equal(-EINVAL, conntrack_flush(conntrack, &err));
	assert_string_equal("marking connections: Invalid argument",
			    err.message);
	flush(); /* it is not tried again */
	dump(IP_V4, 1, 1, &seen);
	assert_int_equal(1, seen.n); /* the rest was applied */
}

/* ---- walks --------------------------------------------------------------- */

static void a_walk_ends_when_the_callback_says_so(void **state)
{
	const struct conntrack_filter filter = { .family = IP_V4 };
	struct seen seen = { .n_max = 2 };
	struct err err = { 0 };
	bool interrupted = true;

	(void)state;
	for (unsigned int i = 0; i < 5; i++)
		insert_udp(i + 1, 0);
	assert_int_equal(7, conntrack_dump(conntrack, &filter, see, &seen,
					   &interrupted, &err));
	assert_int_equal(2, seen.n);
	assert_false(interrupted);
	dump(IP_V4, 0, 0, &seen); /* nothing is left of the other */
	assert_int_equal(5, seen.n);
}

/* ---- privileges ---------------------------------------------------------- */

static int check_denied(int r, const struct err *err)
{
	if (r == -EPERM && strstr(err->message, "CAP_NET_ADMIN"))
		return 0;
	fprintf(stderr, "got %d '%s'\n", r, err->message);
	return 1;
}

static int try_to_open(void *ctx)
{
	struct conntrack *other = NULL;
	struct err err = { 0 };

	(void)ctx;
	return check_denied(conntrack_open(&other, &err), &err) || other;
}

static int try_to_use(void *ctx)
{
	const struct conntrack_filter filter = { .family = IP_V4 };
	struct seen *seen = ctx;
	struct err err = { 0 };
	int failed;
	int r;

	r = conntrack_dump(conntrack, &filter, see, seen, NULL, &err);
	failed = check_denied(r, &err);
	for (int i = 0; i < 10; i++)
		conntrack_set_mark(conntrack, &seen->entries[0], 1, 1, &err);
	r = conntrack_flush(conntrack, &err);
	return failed | check_denied(r, &err);
}

static void without_root_it_says_which_capability_is_missing(void **state)
{
	struct seen seen;

	(void)state;
	insert_udp(1, 0);
	dump(IP_V4, 0, 0, &seen);
	assert_int_equal(0, netns_without_root(try_to_open, NULL));
	assert_int_equal(0, netns_without_root(try_to_use, &seen));
}

/* ---- messages ------------------------------------------------------------ */

/* L6: whatever the bytes are, only they are read. Each copy has a block of its
   own, so that the address sanitizer sees the first byte too many. */
static bool read_copy(const void *bytes, uint32_t len)
{
	struct conntrack_entry entry;
	struct nlmsghdr *copy;
	bool ok;

	copy = malloc(len);
	assert_non_null(copy);
	memcpy(copy, bytes, len);
	copy->nlmsg_len = len;
	ok = conntrack_message_read(copy, &entry);
	free(copy);
	return ok;
}

static void broken_messages_are_refused(void **state)
{
	_Alignas(struct nlmsghdr) uint8_t bytes[CONNTRACK_MARK_LEN * 2];
	struct conntrack_entry entry = { .protocol = IPPROTO_TCP, .zone = 3 };
	struct nlmsghdr *message;
	uint32_t half;

	(void)state;
	assert_int_equal(0, ip_addr_parse("fd00::1", 7, &entry.original.src));
	assert_int_equal(0, ip_addr_parse("fd00::2", 7, &entry.original.dst));
	message = conntrack_message_put_mark(bytes, &entry, 1, 1);
	assert_true(message->nlmsg_len <= CONNTRACK_MARK_LEN);
	half = message->nlmsg_len;
	assert_false(read_copy(bytes, half)); /* it has no reply tuple yet */

	/* The attributes once more, TUPLE_ORIG being TUPLE_REPLY. */
	memcpy(bytes + half, bytes + 20, half - 20);
	bytes[half + 2] = CTA_TUPLE_REPLY;
	assert_true(read_copy(bytes, 2 * half - 20));
	for (uint32_t len = sizeof(*message); len <= half; len++)
		assert_false(read_copy(bytes, len));
	for (uint32_t i = sizeof(*message); i < 2 * half - 20; i++)
		for (unsigned int value = 0; value < 256; value++) {
			uint8_t was = bytes[i];

			bytes[i] = (uint8_t)value;
			read_copy(bytes, 2 * half - 20);
			bytes[i] = was;
		}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, forget_entries)
	const struct CMUnitTest tests[] = {
		TEST(every_kind_is_read_and_marked),
		TEST(a_zone_keeps_equal_tuples_apart),
		TEST(real_flows_are_read_and_marked),
		TEST(pings_are_read_and_marked),
		TEST(a_protocol_without_ports_is_marked),
		TEST(the_kernel_filters_by_mark),
		TEST(a_mark_changes_under_its_mask_alone),
		TEST(entries_that_are_gone_are_no_failure),
		TEST(an_update_that_the_kernel_refuses_is_a_failure),
		TEST(a_walk_ends_when_the_callback_says_so),
		TEST(without_root_it_says_which_capability_is_missing),
		TEST(broken_messages_are_refused),
	};

	return cmocka_run_group_tests(tests, open_conntrack, close_conntrack);
}
