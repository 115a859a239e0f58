/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copies come from the kernel, with their class, and those that find no room
 * are counted by the next that does (NF-97). The packets are pings of this
 * namespace's loopback, which are answered whatever becomes of their copies.
 */
#include <errno.h>
#include <linux/netfilter.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "datapath/copies.h"
#include "datapath/copy_prefix.h"
#include "datapath/mark.h"
#include "netns.h"

#define GROUP 17000
#define PATIENCE_MS 10000
#define SMALL 4096	  /* bytes; the kernel doubles them */
#define N_FLOOD 3000	  /* more than a small buffer holds */
#define MIN_PACKET_LEN 28 /* IPv4 and ICMP */

static struct mark_layout marks;

static const struct copies_options options = { .group = GROUP,
					       .marks = &marks };

static int enter(void **state)
{
	assert_int_equal(0, mark_layout_init(&marks, MARK_DEFAULT_MASK, NULL));
	return netns_enter(state);
}

static void put_rule(const char *icmp_type, const char *prefix)
{
	assert_int_equal(0,
			 netns_run("iptables-nft -t mangle -A OUTPUT -p icmp "
				   "--icmp-type %s -j NFLOG --nflog-group "
				   "%d --nflog-size 512 --nflog-prefix %s",
				   icmp_type, GROUP, prefix));
}

static void ping(int n)
{
	assert_int_equal(0,
			 netns_run("ping -q -f -c %d 127.0.0.1 >/dev/null", n));
}

/* What all that has come was, and what was not. */
struct tally {
	uint64_t n_received, n_lost;
	unsigned int n_overruns;
	unsigned int by_class[N_PACKET_CLASSES], n_unclassified;
};

static void take(struct tally *tally, const struct queue_packet *packet)
{
	enum packet_class class;

	tally->n_received++;
	assert_int_equal(NF_INET_LOCAL_OUT, packet->hook);
	assert_true(packet->len >= MIN_PACKET_LEN);
	assert_int_equal(4, packet->data[0] >> 4);
	if (mark_to_class(&marks, packet->mark, &class))
		tally->by_class[class]++;
	else
		tally->n_unclassified++;
}

static void receive(struct copies *copies, struct tally *tally)
{
	struct queue_packet packets[QUEUE_BATCH];
	uint64_t n_lost;
	int n = copies_receive(copies, packets, &n_lost);

	tally->n_lost += n_lost;
	tally->n_overruns += n == -ENOBUFS;
	assert_true(n >= 0 || n == -ENOBUFS);
	for (int i = 0; i < n; i++)
		take(tally, &packets[i]);
}

/* Until so many packets have come, or are known to be lost. */
static void await(struct copies *copies, struct tally *tally, uint64_t n)
{
	struct pollfd fd = { .fd = copies_fd(copies), .events = POLLIN };

	while (tally->n_received + tally->n_lost < n) {
		assert_int_equal(1, poll(&fd, 1, PATIENCE_MS));
		receive(copies, tally);
	}
}

static struct copies *open_copies(void)
{
	struct copies *copies = NULL;
	struct err err;

	if (copies_open(&options, &copies, &err) < 0)
		fail_msg("%s", err.message);
	return copies;
}

static void a_copy_has_its_class_and_its_packet(void **state)
{
	struct copies *copies = open_copies();
	struct tally tally = { .n_received = 0 };

	(void)state;
	put_rule("echo-request", copy_prefix(CLASS_ORIGINAL_NEW));
	put_rule("echo-reply", "somebody-elses");
	ping(3);
	await(copies, &tally, 6);
	assert_int_equal(0, tally.n_lost);
	assert_int_equal(3, tally.by_class[CLASS_ORIGINAL_NEW]);
	assert_int_equal(3, tally.n_unclassified);
	copies_close(copies);
}

static void a_number_has_one_owner(void **state)
{
	struct copies *copies = open_copies(), *second = NULL;
	struct err err;

	(void)state;
	assert_int_equal(-EBUSY, copies_open(&options, &second, &err));
	assert_non_null(strstr(err.message, "log group 17000 is in use"));
	assert_null(second);
	copies_close(copies);
	copies_close(open_copies());
}

static void what_finds_no_room_is_counted(void **state)
{
	struct copies *copies = open_copies();
	struct tally tally = { .n_received = 0 };
	int size = SMALL;

	(void)state;
	assert_int_equal(0, setsockopt(copies_fd(copies), SOL_SOCKET, SO_RCVBUF,
				       &size, sizeof(size)));
	put_rule("echo-request", copy_prefix(CLASS_ORIGINAL_NEW));
	ping(N_FLOOD); /* each is answered */
	/* What had room; then one more tells of all that had none. */
	do
		receive(copies, &tally);
	while (poll(&(struct pollfd){ .fd = copies_fd(copies),
				      .events = POLLIN },
		    1, 100) > 0);
	assert_true(tally.n_overruns > 0);
	ping(1);
	await(copies, &tally, N_FLOOD + 1);
	assert_true(tally.n_lost > 0);
	assert_int_equal(N_FLOOD + 1, tally.n_received + tally.n_lost);
	copies_close(copies);
}

static void while_two_read_nothing_counts_as_lost(void **state)
{
	struct copies *first = open_copies(), *second = NULL;
	struct tally one = { .n_received = 0 }, other = { .n_received = 0 };

	(void)state;
	put_rule("echo-request", copy_prefix(CLASS_ORIGINAL_NEW));
	ping(1);
	await(first, &one, 1);
	copies_share(first);
	assert_int_equal(0, copies_adopt(&options, dup(copies_fd(first)),
					 &second, NULL));
	ping(2);
	await(second, &other, 2);
	ping(1);
	await(first, &one, 2);
	ping(1);
	await(second, &other, 3);
	assert_int_equal(0, one.n_lost + other.n_lost);
	/* The first has gone, and the numbers go on. */
	copies_close(first);
	copies_own(second);
	ping(2);
	await(second, &other, 5);
	assert_int_equal(0, other.n_lost);
	copies_close(second);
}

static void what_is_no_socket_of_netfilter_is_not_adopted(void **state)
{
	int fds[2];
	struct copies *copies = NULL;
	struct err err;

	(void)state;
	assert_int_equal(0, pipe(fds));
	assert_int_equal(-EINVAL,
			 copies_adopt(&options, fds[0], &copies, &err));
	assert_int_equal(-1, close(fds[0])); /* it was owned */
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_copy_has_its_class_and_its_packet,
				       enter),
		cmocka_unit_test_setup(a_number_has_one_owner, enter),
		cmocka_unit_test_setup(what_finds_no_room_is_counted, enter),
		cmocka_unit_test_setup(while_two_read_nothing_counts_as_lost,
				       enter),
		cmocka_unit_test_setup(
			what_is_no_socket_of_netfilter_is_not_adopted, enter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
