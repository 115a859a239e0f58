/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_TESTS_BENCH_TRAFFIC_H
#define NETPOLD_TESTS_BENCH_TRAFFIC_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "endpoint.h"
#include "latency.h"

/**
 * One thread that makes traffic between its share of the clients, every n-th of
 * them, and all servers, for as long as the program lives.
 */
struct generator {
	/* set before the thread starts */
	const struct endpoint_list *clients;
	const struct endpoint_list *servers;
	uint16_t port;
	size_t index;
	size_t n_generators;
	struct latency *latency; /* everybody's, of connections */
	/* written by the thread, read by any */
	_Atomic uint64_t done; /* what got through */
	_Atomic uint64_t lost; /* what did not */
} __attribute__((aligned(64)));

/** One writer: a plain addition, made visible as a whole. */
static inline void generator_count(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_store_explicit(
		counter,
		atomic_load_explicit(counter, memory_order_relaxed) + n,
		memory_order_relaxed);
}

/** Keep the calling thread on CPU @index; beyond the last CPU it begins with
 * the first again. */
void generator_pin(const struct generator *generator);

/** Listen on @port of every server, with a thread for each, which is given the
 *  listening socket as an intptr_t. Returns when all are listening. */
void servers_listen(const struct endpoint_list *servers, uint16_t port,
		    void *(*serve)(void *));

/** Listen on @port of every server and accept what comes; threads of their
 *  own. Returns when all are listening. */
void connections_serve(const struct endpoint_list *servers, uint16_t port);

/** Thread: open and close TCP connections, one at a time. */
void *connections_generate(void *generator);

/** The same for streams: what comes in is thrown away. */
void streams_serve(const struct endpoint_list *servers, uint16_t port);

/** Thread: open one TCP connection, and fill it; counts bytes. */
void *streams_generate(void *generator);

/** Thread: send TCP SYNs, never more at once than fit into a queue. */
void *packets_generate(void *generator);

/** One TCP SYN for every pair; counts which of them arrive. */
void packets_probe(struct generator *generator);

#endif
