/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Streams: what a TCP connection carries once it stands.
 *
 * Each thread opens one connection, from the client of its number to the server
 * of its number, and sends as much as the other end takes. Counted are the
 * bytes that the kernel has taken; all but one buffer of them have arrived.
 */
#include <err.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "traffic.h"

#define BLOCK (128 * 1024)

static void *swallow(void *ctx)
{
	static _Thread_local char block[BLOCK];
	int fd = (int)(intptr_t)ctx;

	while (recv(fd, block, sizeof(block), 0) > 0)
		;
	close(fd);
	return NULL;
}

static void *serve(void *ctx)
{
	int listening = (int)(intptr_t)ctx;

	for (;;) {
		int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
		pthread_t thread;

		if (fd < 0)
			continue;
		if (pthread_create(&thread, NULL, swallow,
				   (void *)(intptr_t)fd) != 0)
			errx(2, "cannot start a server");
		pthread_detach(thread);
	}
	return NULL;
}

void streams_serve(const struct endpoint_list *servers, uint16_t port)
{
	servers_listen(servers, port, serve);
}

void *streams_generate(void *ctx)
{
	static _Thread_local char block[BLOCK];
	struct generator *g = ctx;
	const struct endpoint *server =
		&g->servers->items[g->index % g->servers->n];
	const struct sockaddr_in name = { .sin_family = AF_INET,
					  .sin_port = htons(g->port),
					  .sin_addr = server->address };
	int fd;

	generator_pin(g);
	fd = endpoint_socket(&g->clients->items[g->index % g->clients->n],
			     AF_INET, SOCK_STREAM, 0);
	if (connect(fd, (const void *)&name, sizeof(name)) < 0)
		err(2, "cannot connect to port %u", g->port);
	for (;;) {
		ssize_t n = send(fd, block, sizeof(block), MSG_NOSIGNAL);

		if (n < 0)
			err(2, "a stream has ended");
		generator_count(&g->done, (uint64_t)n);
	}
	return NULL;
}
