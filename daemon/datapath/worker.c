/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One round of a worker:
 *
 *	receive a batch
 *	enter a read-side section, load the snapshot
 *	  judge each packet, write down its answer
 *	  send all answers
 *	leave the section
 *
 * The section ends after the answers are sent, not before: whoever replaces the
 * snapshot waits for the section's end and then looks at the connections that
 * are marked. A verdict still on its way would mark one behind his back.
 *
 * How an answer becomes a mark: the packet is repeated with the answer in its
 * mark; the rules save it to the connection (datapath/rules.c).
 */
#include "datapath/worker.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "netpold/cleanup.h"
#include "netpold/judge.h"

#include "current.h"
#include "datapath/queue.h"
#include "rcu.h"

/* Enough rounds to empty a queue that is full. */
#define LAST_ROUNDS (2 * QUEUE_MAX_LEN / QUEUE_BATCH)

enum counter {
	COUNTER_PACKETS,
	COUNTER_ALLOWED,
	COUNTER_PASSED,
	COUNTER_DENIED,
	COUNTER_UNPARSABLE,
	COUNTER_UNCLASSIFIED,
	COUNTER_UNANSWERED,
	COUNTER_OVERRUNS,
	N_COUNTERS,
};

struct worker {
	/* set before the thread starts */
	struct queue *queue;
	const struct mark_layout *marks;
	pthread_t thread;
	int stop_fd; /* wakes the thread for stopping */
	/* written by the controller, read by the thread */
	atomic_bool stopping;
	/* written by the thread, read by any */
	_Atomic uint64_t counters[N_COUNTERS];
};

/* One writer: a plain addition, made visible as a whole. */
static void count(struct worker *worker, enum counter counter, uint64_t n)
{
	_Atomic uint64_t *c = &worker->counters[counter];

	atomic_store_explicit(c,
			      atomic_load_explicit(c, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

static void answer(struct worker *worker, const struct queue_packet *packet,
		   const struct judgement *judgement)
{
	const struct mark_layout *marks = worker->marks;
	uint32_t cleared = mark_replace(marks, packet->mark, 0);

	switch (judgement->answer) {
	case ANSWER_DENY:
		count(worker, COUNTER_DENIED, 1);
		queue_answer(worker->queue, packet->id, QUEUE_DROP, 0);
		return;
	case ANSWER_PASS:
		count(worker, COUNTER_PASSED, 1);
		queue_answer(worker->queue, packet->id, QUEUE_ACCEPT, cleared);
		return;
	case ANSWER_ALLOW:
		count(worker, COUNTER_ALLOWED, 1);
		queue_answer(worker->queue, packet->id, QUEUE_REPEAT,
			     cleared | marks->allowed);
		return;
	case ANSWER_ALLOW_PICKED_UP:
		count(worker, COUNTER_ALLOWED, 1);
		queue_answer(worker->queue, packet->id, QUEUE_REPEAT,
			     cleared | marks->picked_up);
		return;
	}
}

static void judge(struct worker *worker, const struct snapshot *snapshot,
		  const struct queue_packet *queued)
{
	enum packet_class class;
	struct judgement judgement;
	struct packet packet;

	/* Somebody else wrote over our bits between our rule and the queue:
	   ask both ways and remember nothing. */
	if (!mark_to_class(worker->marks, queued->mark, &class)) {
		count(worker, COUNTER_UNCLASSIFIED, 1);
		class = CLASS_UNTRACKED;
	}
	/* Packets that this node opens never come here (OWN-NODE). */
	judgement =
		judge_packet(snapshot, class, queued->data, queued->len,
			     queued->hook == NF_INET_LOCAL_IN ? NODE_RECEIVES
							      : NODE_FORWARDS,
			     &packet);
	if (judgement.note == NOTE_UNPARSABLE)
		count(worker, COUNTER_UNPARSABLE, 1);
	answer(worker, queued, &judgement);
}

/* Returns false when nothing more waits. */
static bool run_round(struct worker *worker)
{
	struct queue_packet packets[QUEUE_BATCH];
	const struct snapshot *snapshot;
	int n = queue_receive(worker->queue, packets);

	if (n == -ENOBUFS) {
		count(worker, COUNTER_OVERRUNS, 1);
		return true;
	}
	if (n <= 0)
		return false;
	count(worker, COUNTER_PACKETS, (uint64_t)n);
	rcu_section_begin();
	snapshot = current_load();
	for (int i = 0; i < n; i++)
		judge(worker, snapshot, &packets[i]);
	if (queue_send(worker->queue) < 0)
		count(worker, COUNTER_UNANSWERED, (uint64_t)n);
	rcu_section_end();
	return true;
}

static void *run(void *ctx)
{
	struct worker *worker = ctx;
	struct pollfd fds[] = {
		{ .fd = queue_fd(worker->queue), .events = POLLIN },
		{ .fd = worker->stop_fd, .events = POLLIN },
	};

	rcu_thread_begin();
	while (!atomic_load_explicit(&worker->stopping, memory_order_relaxed)) {
		if (!run_round(worker))
			poll(fds, 2, -1);
	}
	/* What waits now gets its verdict; what keeps coming does not keep us
	   from stopping. */
	for (int i = 0; i < LAST_ROUNDS && run_round(worker); i++)
		;
	rcu_thread_end();
	return NULL;
}

/* A CPU that is not ours to use is no reason not to judge. */
static void pin(pthread_attr_t *attr, unsigned int cpu)
{
	cpu_set_t allowed, wanted;

	CPU_ZERO(&wanted);
	CPU_SET(cpu, &wanted);
	if (sched_getaffinity(0, sizeof(allowed), &allowed) == 0 &&
	    CPU_ISSET(cpu, &allowed))
		pthread_attr_setaffinity_np(attr, sizeof(wanted), &wanted);
}

static void worker_release(struct worker **worker)
{
	struct worker *w = *worker;

	if (!w)
		return;
	queue_close(w->queue);
	if (w->stop_fd >= 0)
		close(w->stop_fd);
	free(w);
}

int worker_start(uint16_t queue_number, unsigned int cpu,
		 const struct mark_layout *marks, struct worker **out,
		 struct err *err)
{
	CLEANUP(worker_release) struct worker *worker = NULL;
	pthread_attr_t attr;
	int r;

	worker = calloc(1, sizeof(*worker));
	if (!worker)
		return err_set(err, -ENOMEM, "no memory for a worker");
	worker->marks = marks;
	worker->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (worker->stop_fd < 0)
		return err_set(err, -errno, "cannot start a worker: %s",
			       strerror(errno));
	r = queue_open(queue_number, &worker->queue, err);
	if (r < 0)
		return r;
	pthread_attr_init(&attr);
	pin(&attr, cpu);
	r = pthread_create(&worker->thread, &attr, run, worker);
	pthread_attr_destroy(&attr);
	if (r)
		return err_set(err, -r, "cannot start a worker: %s",
			       strerror(r));
	*out = worker;
	worker = NULL;
	return 0;
}

void worker_stop(struct worker *worker)
{
	uint64_t one = 1;

	if (!worker)
		return;
	atomic_store_explicit(&worker->stopping, true, memory_order_relaxed);
	if (write(worker->stop_fd, &one, sizeof(one)) < 0)
		return; /* cannot happen: the counter is at zero */
	pthread_join(worker->thread, NULL);
	worker_release(&worker);
}

void worker_count(const struct worker *worker, struct worker_counters *sum)
{
	uint64_t now[N_COUNTERS];

	for (int i = 0; i < N_COUNTERS; i++)
		now[i] = atomic_load_explicit(&worker->counters[i],
					      memory_order_relaxed);
	sum->packets += now[COUNTER_PACKETS];
	sum->allowed += now[COUNTER_ALLOWED];
	sum->passed += now[COUNTER_PASSED];
	sum->denied += now[COUNTER_DENIED];
	sum->unparsable += now[COUNTER_UNPARSABLE];
	sum->unclassified += now[COUNTER_UNCLASSIFIED];
	sum->unanswered += now[COUNTER_UNANSWERED];
	sum->overruns += now[COUNTER_OVERRUNS];
}
