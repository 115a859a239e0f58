/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The yardstick: a loop that accepts every packet without looking at it.
 *
 *	accept_loop QUEUE		the loop that one writes first
 *	accept_loop --same QUEUE N	the same work on netpold's own queues
 *
 * It stands in for netpold: `netpold run` puts up the rules and leaves them
 * when it stops, then the loop binds the same queue numbers. Every packet gets
 * the answer that netpold gives to an allowed flow, NF_REPEAT with the mark, so
 * that the kernel does the same for both, packet by packet, and a flow that was
 * answered once stays in the kernel for both. What differs is the work in user
 * space, and that is what is measured.
 *
 * The first form is one thread that runs where the scheduler puts it, waits in
 * recv(2), and answers one packet at a time. The second is netpold's worker
 * (daemon/datapath/worker.c) without parsing, policy and read-side sections:
 * thread i answers queue QUEUE + i, pinned to CPU i, in batches, with the calls
 * that the worker makes. It has no descriptor that tells it to stop; the few
 * nanoseconds for polling a second one are netpold's to pay.
 *
 * Says "ready" when the queues are bound and "packets=N" when a signal ends it.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter/nfnetlink_queue.h>

#include "netpold/err.h"

#include "datapath/mark.h"
#include "datapath/queue.h"

#define MAX_LOOPS 64
#define MESSAGE_SIZE 4096 /* a packet's message; queue.c asks for 512 bytes */
#define CACHE_LINE 64

struct loop {
	struct queue *queue;
	const struct mark_layout *marks;
	pthread_t thread;
	_Atomic uint64_t packets; /* written by the thread, read by main */
} __attribute__((aligned(CACHE_LINE)));

static void count(struct loop *loop, unsigned int n)
{
	atomic_store_explicit(
		&loop->packets,
		atomic_load_explicit(&loop->packets, memory_order_relaxed) + n,
		memory_order_relaxed);
}

static void allow(struct loop *loop, uint32_t id, uint32_t mark)
{
	queue_answer(loop->queue, id, QUEUE_REPEAT,
		     mark_replace(loop->marks, mark, loop->marks->allowed));
}

/* Lost packets and lost answers are for whoever counts what arrives. */
static void must(int r, const char *what)
{
	if (r < 0 && r != -ENOBUFS)
		errx(2, "%s: %s", what, strerror(-r));
}

/* ---- one packet at a time ----------------------------------------------- */

static void answer_message(struct loop *loop, const struct nlmsghdr *message)
{
	struct nlattr *attrs[NFQA_MAX + 1] = { NULL };
	const struct nfqnl_msg_packet_hdr *header;
	uint32_t mark = 0;

	if (nfq_nlmsg_parse(message, attrs) < 0 || !attrs[NFQA_PACKET_HDR])
		return;
	header = mnl_attr_get_payload(attrs[NFQA_PACKET_HDR]);
	if (attrs[NFQA_MARK])
		mark = ntohl(mnl_attr_get_u32(attrs[NFQA_MARK]));
	allow(loop, ntohl(header->packet_id), mark);
	count(loop, 1);
	must(queue_send(loop->queue), "cannot answer");
}

static void *run_simple(void *ctx)
{
	char bytes[MESSAGE_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct loop *loop = ctx;

	for (;;) {
		const struct nlmsghdr *message = (const void *)bytes;
		ssize_t n;

		n = recv(queue_fd(loop->queue), bytes, sizeof(bytes), 0);
		must(n < 0 ? -errno : 0, "cannot receive");
		if (n > 0 && mnl_nlmsg_ok(message, (int)n))
			answer_message(loop, message);
	}
	return NULL;
}

/* ---- in batches, as netpold's worker ------------------------------------ */

/* Returns false when nothing more waits. */
static bool run_round(struct loop *loop)
{
	struct queue_packet packets[QUEUE_BATCH];
	int n = queue_receive(loop->queue, packets);

	if (n == -ENOBUFS)
		return true;
	must(n, "cannot receive");
	if (n == 0)
		return false;
	count(loop, (unsigned int)n);
	for (int i = 0; i < n; i++)
		allow(loop, packets[i].id, packets[i].mark);
	must(queue_send(loop->queue), "cannot answer");
	return true;
}

static void *run_same(void *ctx)
{
	struct loop *loop = ctx;
	struct pollfd fd = { .fd = queue_fd(loop->queue), .events = POLLIN };

	for (;;) {
		if (!run_round(loop))
			poll(&fd, 1, -1);
	}
	return NULL;
}

/* ---- from start to stop ------------------------------------------------- */

static void pin(pthread_attr_t *attr, int cpu)
{
	cpu_set_t wanted;

	CPU_ZERO(&wanted);
	CPU_SET(cpu, &wanted);
	pthread_attr_setaffinity_np(attr, sizeof(wanted), &wanted);
}

static void start(struct loop *loop, long queue, bool same, int cpu)
{
	const struct queue_options options = { .number = (uint16_t)queue };
	pthread_attr_t attr;
	struct err err;

	if (queue_open(&options, &loop->queue, &err) < 0)
		errx(2, "%s", err.message);
	pthread_attr_init(&attr);
	if (same)
		pin(&attr, cpu);
	if (pthread_create(&loop->thread, &attr, same ? run_same : run_simple,
			   loop) != 0)
		errx(2, "cannot start a thread on CPU %d", cpu);
	pthread_attr_destroy(&attr);
}

static long read_number(const char *text, long max)
{
	char *end;
	long number = strtol(text, &end, 10);

	if (end == text || *end || number < 0 || number > max)
		errx(2, "'%s': expected a number up to %ld", text, max);
	return number;
}

int main(int argc, char **argv)
{
	static struct loop loops[MAX_LOOPS];
	bool same = argc == 4 && strcmp(argv[1], "--same") == 0;
	long queue, n_loops = same ? read_number(argv[3], MAX_LOOPS) : 1;
	struct mark_layout marks;
	uint64_t packets = 0;
	sigset_t ending;
	int number;

	if (!same && argc != 2)
		errx(2, "usage: accept_loop QUEUE | --same QUEUE N");
	queue = read_number(argv[argc - (same ? 2 : 1)], UINT16_MAX - n_loops);
	if (mark_layout_init(&marks, MARK_DEFAULT_MASK, NULL) < 0)
		errx(2, "the default mark mask is no good");
	sigemptyset(&ending);
	sigaddset(&ending, SIGTERM);
	sigaddset(&ending, SIGINT);
	pthread_sigmask(SIG_BLOCK, &ending, NULL);
	for (int i = 0; i < n_loops; i++) {
		loops[i].marks = &marks;
		start(&loops[i], queue + i, same, i);
	}
	fprintf(stderr, "ready\n");
	sigwait(&ending, &number);
	for (int i = 0; i < n_loops; i++)
		packets += atomic_load_explicit(&loops[i].packets,
						memory_order_relaxed);
	fprintf(stderr, "packets=%llu\n", (unsigned long long)packets);
	return 0;
}
