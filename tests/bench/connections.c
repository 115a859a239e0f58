/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TCP connections, back to back: each thread closes one before it opens the
 * next, and takes its share of the clients in turn, each with all servers.
 *
 * The threads are pinned, one CPU after the other: veth hands packets over on
 * the CPU that sends, so that they come to the node as from a network card with
 * a receive queue for each CPU. How many threads there are decides what is
 * measured. With one for each CPU there is time to lose between a packet's
 * arrival and its answer, and more so where the one who answers has to be woken
 * on another CPU. With several for each CPU somebody else uses that time; what
 * is left is the work.
 *
 * The client closes with a reset. In the ordinary way one end would keep every
 * connection in TIME_WAIT for a minute: what is measured later would search for
 * a free port among what was measured before, and the order would matter.
 */
#include <err.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "traffic.h"

#define PATIENCE_S 2 /* beyond the first retransmission, which is no loss */

static void *serve(void *ctx)
{
	int listening = (int)(intptr_t)ctx;

	for (;;) {
		int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);

		if (fd >= 0)
			close(fd);
	}
	return NULL;
}

void connections_serve(const struct endpoint_list *servers, uint16_t port)
{
	servers_listen(servers, port, serve);
}

static bool open_one(const struct endpoint *server, uint16_t port)
{
	const struct sockaddr_in name = { .sin_family = AF_INET,
					  .sin_port = htons(port),
					  .sin_addr = server->address };
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	int fd, r;

	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		err(2, "cannot make a socket");
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	r = connect(fd, (const void *)&name, sizeof(name));
	close(fd);
	return r == 0;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void *connections_generate(void *ctx)
{
	struct generator *g = ctx;

	generator_pin(g);
	for (size_t i = 0;; i++) {
		size_t server = i % g->servers->n;
		size_t client = g->index + i / g->servers->n * g->n_generators;
		uint64_t since;
		bool good;

		endpoint_enter(&g->clients->items[client % g->clients->n]);
		since = now_ns();
		good = open_one(&g->servers->items[server], g->port);
		latency_count(g->latency, now_ns() - since);
		generator_count(good ? &g->done : &g->lost, 1);
	}
	return NULL;
}
