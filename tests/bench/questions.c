/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "questions.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "twin/random.h"

#include "workload.h"

#define SEED 1

static struct questions make(size_t n)
{
	struct questions questions = { calloc(n, sizeof(struct flow_key)), n };

	if (!questions.items)
		errx(2, "no memory for %zu flows", n);
	return questions;
}

void questions_release(struct questions *questions)
{
	free(questions->items);
	*questions = (struct questions){ 0 };
}

static struct flow_key a_flow(struct ip_addr src, struct ip_addr dst,
			      uint16_t port)
{
	return (struct flow_key){
		.src = src,
		.dst = dst,
		.dst_port = port,
		.protocol = port == 53 ? PROTOCOL_UDP : PROTOCOL_TCP,
		.has_port = true,
	};
}

/* ---- of the workload ---------------------------------------------------- */

/* Numbers below a limit in random order, each once before any comes again. */
struct draw {
	struct random random;
	unsigned char *taken; /* as bits */
	size_t limit;
	size_t n;
};

static size_t draw_next(struct draw *draw)
{
	size_t number;

	if (draw->n == draw->limit) {
		memset(draw->taken, 0, draw->limit / 8 + 1);
		draw->n = 0;
	}
	do
		number = random_below(&draw->random, draw->limit);
	while (draw->taken[number / 8] >> number % 8 & 1);
	draw->taken[number / 8] |= (unsigned char)(1 << number % 8);
	draw->n++;
	return number;
}

struct questions questions_of_workload(size_t n_namespaces, size_t n)
{
	static const uint16_t ports[] = { 8080, 9090, 9093, 53, 443 };
	const size_t n_pods = n_namespaces * WORKLOAD_PODS;
	struct questions questions = make(n);
	/* Every pair of a local pod and any pod, in both directions. */
	struct draw draw = { { SEED }, NULL, n_namespaces * n_pods * 2, 0 };

	draw.taken = calloc(draw.limit / 8 + 1, 1);
	if (!draw.taken)
		errx(2, "no memory to draw flows");
	for (size_t i = 0; i < n; i++) {
		size_t pair = draw_next(&draw);
		size_t other = pair / 2 % n_pods;
		struct ip_addr a =
			workload_address(pair / 2 / n_pods, WORKLOAD_LOCAL);
		struct ip_addr b = workload_address(other / WORKLOAD_PODS,
						    other % WORKLOAD_PODS);
		uint16_t port = random_pick(&draw.random, ports);

		questions.items[i] =
			pair % 2 ? a_flow(a, b, port) : a_flow(b, a, port);
	}
	free(draw.taken);
	return questions;
}

/* ---- of the wide workload ----------------------------------------------- */

struct questions questions_of_wide(size_t n_policies, size_t n)
{
	struct questions questions = make(n);
	struct random random = { SEED };

	for (size_t i = 0; i < n; i++) {
		size_t other = random_below(&random, n_policies);
		size_t policy = random_percent(&random, 50)
					? other
					: random_below(&random, n_policies);

		questions.items[i] =
			random_percent(&random, 50)
				? a_flow(wide_peer(other), wide_subject(),
					 wide_port(policy))
				: a_flow(wide_subject(), wide_block(other),
					 wide_port(policy));
	}
	return questions;
}

/* ---- answers ------------------------------------------------------------ */

void answers_add(struct answers *answers, const struct decision *decisions,
		 size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct side *sides = decisions[i].sides;
		uint64_t answer = decisions[i].verdict;

		for (int dir = 0; dir < N_DIRECTIONS; dir++)
			answer = answer << 8 | sides[dir].verdict << 4 |
				 sides[dir].reason;
		answers->checksum =
			(answers->checksum ^ answer) * 0x100000001b3; /* FNV */
		answers->n_allowed += decisions[i].verdict == VERDICT_ALLOW;
	}
	answers->n += n;
}

struct answers questions_ask(const struct questions *questions,
			     const struct snapshot *snapshot)
{
	struct answers answers = { 0 };

	for (size_t i = 0; i < questions->n; i++) {
		struct decision decision =
			snapshot_decide(snapshot, &questions->items[i]);

		answers_add(&answers, &decision, 1);
	}
	return answers;
}

void answers_require_same(const struct answers *a, const struct answers *b,
			  const char *what)
{
	if (a->n == b->n && a->checksum == b->checksum)
		return;
	errx(2,
	     "%s: %zu of %zu allowed, checksum %016llx, but should be %zu of "
	     "%zu, checksum %016llx",
	     what, a->n_allowed, a->n, (unsigned long long)a->checksum,
	     b->n_allowed, b->n, (unsigned long long)b->checksum);
}
