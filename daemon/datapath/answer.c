/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/answer.h"

#include <stdbool.h>
#include <stdint.h>

#include "netpold/judge.h"

#include "datapath/mark.h"
#include "datapath/memo_ring.h"
#include "datapath/queue.h"
#include "datapath/reject.h"
#include "datapath/round.h"
#include "datapath/worker_parts.h"

/* Where it can be read, and there is somebody to tell. */
static void tell_sender(struct worker *worker,
			const struct queue_packet *queued, uint32_t now_ms)
{
	enum packet_status status;
	struct packet packet;

	if (!worker->reject)
		return;
	status = packet_parse(queued->data, queued->len, &packet);
	if ((status == PACKET_OK || status == PACKET_FRAGMENT) &&
	    reject_packet(worker->reject, queued->data, queued->len, &packet,
			  now_ms))
		round_count(worker, COUNTER_REJECTED, 1);
}

/* Before the section ends: a sweep must know what there may be to find. */
static void count_allowed(struct worker *worker,
			  const struct queue_packet *packet)
{
	round_count(worker, COUNTER_ALLOWED, 1);
	if (packet->len > 0 && packet->data[0] >> 4 == 6)
		round_count(worker, COUNTER_ALLOWED_IPV6, 1);
}

/* It is written down before the verdict is sent. Who rests leaves it to the one
   that judges instead. */
static bool is_remembered(struct worker *worker,
			  const struct judgement *judgement)
{
	return judgement->memorable && !orders_resting(&worker->orders) &&
	       memo_ring_put(worker->options.answers, &judgement->key,
			     judgement->decision.verdict);
}

/* Of what was only copied, and has gone on long ago. */
static void count_copy(struct worker *worker, const struct queue_packet *packet,
		       enum answer answer)
{
	switch (answer) {
	case ANSWER_DENY:
		round_count(worker, COUNTER_DENIED, 1);
		return;
	case ANSWER_PASS:
		round_count(worker, COUNTER_PASSED, 1);
		return;
	case ANSWER_ALLOW_PICKED_UP:
		round_count(worker, COUNTER_PICKED_UP, 1);
		count_allowed(worker, packet);
		return;
	case ANSWER_ALLOW:
		count_allowed(worker, packet);
		return;
	}
}

void answer_packet(struct worker *worker, const struct queue_packet *packet,
		   const struct judgement *judgement, bool may_mark,
		   uint32_t now_ms)
{
	const struct mark_layout *marks = worker->options.marks;
	uint32_t cleared = mark_replace(marks, packet->mark, 0);
	bool allowed = judgement->answer == ANSWER_ALLOW ||
		       judgement->answer == ANSWER_ALLOW_PICKED_UP;

	if (worker->copies) {
		count_copy(worker, packet, judgement->answer);
		return;
	}
	if (allowed && orders_resting(&worker->orders)) {
		round_count(worker, COUNTER_PASSED, 1);
		queue_answer(worker->queue, packet->id, QUEUE_ACCEPT, cleared);
		return;
	}
	switch (judgement->answer) {
	case ANSWER_DENY:
		round_count(worker, COUNTER_DENIED, 1);
		tell_sender(worker, packet, now_ms);
		if (is_remembered(worker, judgement))
			queue_answer(worker->queue, packet->id, QUEUE_REPEAT,
				     cleared | marks->denied);
		else
			queue_answer(worker->queue, packet->id, QUEUE_DROP, 0);
		return;
	case ANSWER_PASS:
		round_count(worker, COUNTER_PASSED, 1);
		queue_answer(worker->queue, packet->id, QUEUE_ACCEPT, cleared);
		return;
	case ANSWER_ALLOW:
		count_allowed(worker, packet);
		if (may_mark)
			queue_answer(worker->queue, packet->id, QUEUE_REPEAT,
				     cleared | (is_remembered(worker, judgement)
							? marks->remember
							: marks->allowed));
		else
			queue_answer(worker->queue, packet->id, QUEUE_ACCEPT,
				     cleared);
		return;
	case ANSWER_ALLOW_PICKED_UP:
		count_allowed(worker, packet);
		round_count(worker, COUNTER_PICKED_UP, 1);
		queue_answer(worker->queue, packet->id, QUEUE_REPEAT,
			     cleared | marks->picked_up);
		return;
	}
}
