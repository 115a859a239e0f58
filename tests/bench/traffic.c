/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Traffic between network namespaces, at the pace at which it gets through.
 *
 *	traffic probe PORT CLIENTS SERVERS
 *	traffic connections|packets|streams PORT CLIENTS SERVERS MS N
 *
 * A probe is one TCP SYN for each pair. The others go on for MS milliseconds,
 * on N threads, each on a CPU: TCP connections, TCP SYNs, bytes over one TCP
 * connection for each thread.
 *
 * CLIENTS and SERVERS are PID=ADDRESS,…: an IPv4 address, and a process in the
 * namespace that has it. Every client talks to every server; N threads share
 * the clients between them. Prints one line,
 * {"done": …, "lost": …, "total": …, "seconds": …, "median_us": …}: what got
 * through and what did not in MS milliseconds, after a while to warm up;
 *"total" is what got through with the warming up. The median is how long a
 * connection took to stand, and 0 for all else.
 */
#include <err.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "traffic.h"

#define BACKLOG 4096
#define WARM_UP_MS 150
#define MAX_MS 600000

void generator_pin(const struct generator *generator)
{
	size_t n_cpus = (size_t)sysconf(_SC_NPROCESSORS_ONLN);
	cpu_set_t wanted;

	CPU_ZERO(&wanted);
	CPU_SET(generator->index % n_cpus, &wanted);
	if (pthread_setaffinity_np(pthread_self(), sizeof(wanted), &wanted))
		errx(2, "cannot run on CPU %zu", generator->index % n_cpus);
}

void servers_listen(const struct endpoint_list *servers, uint16_t port,
		    void *(*serve)(void *))
{
	const int on = 1;

	for (size_t i = 0; i < servers->n; i++) {
		const struct endpoint *server = &servers->items[i];
		const struct sockaddr_in name = { .sin_family = AF_INET,
						  .sin_port = htons(port),
						  .sin_addr = server->address };
		pthread_t thread;
		int fd = endpoint_socket(server, AF_INET, SOCK_STREAM, 0);

		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (bind(fd, (const void *)&name, sizeof(name)) < 0 ||
		    listen(fd, BACKLOG) < 0)
			err(2, "cannot listen on port %u", port);
		if (pthread_create(&thread, NULL, serve,
				   (void *)(intptr_t)fd) != 0)
			errx(2, "cannot start a server");
	}
}

/* ---- counting ----------------------------------------------------------- */

struct tally {
	uint64_t done, lost;
	double at; /* seconds */
};

static void wait_ms(long ms)
{
	const struct timespec time = { .tv_sec = ms / 1000,
				       .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&time, NULL);
}

static struct tally add_up(const struct generator *generators, size_t n)
{
	struct tally sum = { 0 };
	struct timespec now;

	for (size_t i = 0; i < n; i++) {
		sum.done += atomic_load_explicit(&generators[i].done,
						 memory_order_relaxed);
		sum.lost += atomic_load_explicit(&generators[i].lost,
						 memory_order_relaxed);
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	sum.at = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
	return sum;
}

static void print(struct tally from, struct tally to, double median_us)
{
	printf("{\"done\": %" PRIu64 ", \"lost\": %" PRIu64
	       ", \"total\": %" PRIu64
	       ", \"seconds\": %.6f, \"median_us\": %.1f}\n",
	       to.done - from.done, to.lost - from.lost, to.done,
	       to.at - from.at, median_us);
}

static struct generator *make_generators(const struct generator *like, size_t n)
{
	struct generator *generators =
		aligned_alloc(_Alignof(struct generator), n * sizeof(*like));

	if (!generators)
		errx(2, "no memory");
	for (size_t i = 0; i < n; i++) {
		generators[i] = *like;
		generators[i].index = i;
		generators[i].n_generators = n;
	}
	return generators;
}

/* The threads end with the program. */
static void measure(struct generator *generators, size_t n,
		    void *(*generate)(void *), long ms)
{
	struct tally from;
	pthread_t thread;

	for (size_t i = 0; i < n; i++) {
		if (pthread_create(&thread, NULL, generate, &generators[i]))
			errx(2, "cannot start a generator");
	}
	wait_ms(WARM_UP_MS);
	latency_reset(generators->latency);
	from = add_up(generators, n);
	wait_ms(ms);
	print(from, add_up(generators, n),
	      latency_median_us(generators->latency));
}

static long read_number(const char *text, long max)
{
	char *end;
	long number = strtol(text, &end, 10);

	if (end == text || *end || number < 1 || number > max)
		errx(2, "'%s': expected a number from 1 to %ld", text, max);
	return number;
}

static void run_probe(const struct generator *like)
{
	struct generator *one = make_generators(like, 1);

	packets_probe(one);
	print((struct tally){ 0 }, add_up(one, 1), 0);
	free(one);
}

static const struct mode {
	const char *name;
	void (*serve)(const struct endpoint_list *servers, uint16_t port);
	void *(*generate)(void *generator);
} modes[] = {
	{ "connections", connections_serve, connections_generate },
	{ "packets", NULL, packets_generate },
	{ "streams", streams_serve, streams_generate },
};

static bool run_for(const char *name, const struct generator *like, long ms,
		    size_t n)
{
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		const struct mode *mode = &modes[i];

		if (strcmp(name, mode->name) != 0)
			continue;
		if (mode->serve)
			mode->serve(like->servers, like->port);
		measure(make_generators(like, n), n, mode->generate, ms);
		return true;
	}
	return false;
}

int main(int argc, char **argv)
{
	/* The threads read them until the very end of the program. */
	static struct endpoint_list clients, servers;
	static struct latency latency;
	struct generator like = { .clients = &clients,
				  .servers = &servers,
				  .latency = &latency };
	bool known = false;

	if (argc >= 5) {
		like.port = (uint16_t)read_number(argv[2], UINT16_MAX);
		clients = endpoint_list_parse(argv[3]);
		servers = endpoint_list_parse(argv[4]);
	}
	if (argc == 5 && strcmp(argv[1], "probe") == 0) {
		run_probe(&like);
		known = true;
	} else if (argc == 7) {
		known = run_for(argv[1], &like, read_number(argv[5], MAX_MS),
				(size_t)read_number(argv[6], (long)clients.n));
	}
	if (!known)
		errx(2, "expected probe PORT CLIENTS SERVERS, or connections, "
			"packets or streams PORT CLIENTS SERVERS MS N");
	return 0;
}
