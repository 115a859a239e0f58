/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pod that floods, on one CPU, until it is ended.
 *
 *	flood tuple|ports|sources|flows PORT CPU PID=ADDRESS PID=ADDRESS [RATE]
 *
 * UDP datagrams from the first of the two to the second: to PORT, to ports by
 * chance from 10000 on, or to PORT from addresses by chance in 198.18.0.0/15,
 * which nobody has; or both by chance, so that each is a flow of its own. RATE
 * of them a second; without it, as many as there can be. None of them is let
 * through, and nobody answers.
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

#include "endpoint.h"

#define BATCH 64
#define NS_PER_S 1000000000L
#define FIRST_PORT 10000
#define SOURCE_PORT 4000
#define SOURCES 0xc6120000u /* RFC 2544: for benchmarks */
#define SOURCES_MASK 0x0001ffffu

enum kind { TUPLE, PORTS, SOURCES_BY_CHANCE, FLOWS };

struct datagram {
	struct iphdr ip;
	struct udphdr udp;
};

struct flood {
	enum kind kind;
	uint16_t port;
	uint64_t random;
	struct datagram datagrams[BATCH];
	struct iovec vectors[BATCH];
	struct mmsghdr messages[BATCH];
	struct sockaddr_in to;
};

/* xorshift64 (Marsaglia, 2003). */
static uint32_t draw(struct flood *flood)
{
	flood->random ^= flood->random << 13;
	flood->random ^= flood->random >> 7;
	flood->random ^= flood->random << 17;
	return (uint32_t)(flood->random >> 32);
}

static enum kind read_kind(const char *word)
{
	if (strcmp(word, "tuple") == 0)
		return TUPLE;
	if (strcmp(word, "ports") == 0)
		return PORTS;
	if (strcmp(word, "sources") == 0)
		return SOURCES_BY_CHANCE;
	if (strcmp(word, "flows") == 0)
		return FLOWS;
	errx(2, "'%s' is no kind of flood", word);
}

/* The kernel fills in the rest of an IP header, its checksum included; a UDP
   checksum of zero is none. */
static void prepare(struct flood *flood, struct in_addr src, struct in_addr dst)
{
	flood->to =
		(struct sockaddr_in){ .sin_family = AF_INET, .sin_addr = dst };
	for (size_t i = 0; i < BATCH; i++) {
		flood->datagrams[i] = (struct datagram){
			.ip = { .version = 4,
				.ihl = 5,
				.ttl = 64,
				.protocol = IPPROTO_UDP,
				.saddr = src.s_addr,
				.daddr = dst.s_addr },
			.udp = { .source = htons(SOURCE_PORT),
				 .dest = htons(flood->port),
				 .len = htons(sizeof(struct udphdr)) },
		};
		flood->vectors[i] =
			(struct iovec){ &flood->datagrams[i],
					sizeof(flood->datagrams[i]) };
		flood->messages[i].msg_hdr = (struct msghdr){
			.msg_name = &flood->to,
			.msg_namelen = sizeof(flood->to),
			.msg_iov = &flood->vectors[i],
			.msg_iovlen = 1,
		};
	}
}

static void vary(struct flood *flood)
{
	for (size_t i = 0; i < BATCH; i++) {
		struct datagram *datagram = &flood->datagrams[i];

		if (flood->kind == PORTS || flood->kind == FLOWS)
			datagram->udp.dest =
				htons((uint16_t)(FIRST_PORT +
						 draw(flood) % (UINT16_MAX -
								FIRST_PORT)));
		if (flood->kind == SOURCES_BY_CHANCE || flood->kind == FLOWS)
			datagram->ip.saddr =
				htonl(SOURCES | (draw(flood) & SOURCES_MASK));
	}
}

/* Until the next batch is due. Those that are late are made up for. */
static void pace(struct timespec *due, long gap_ns)
{
	due->tv_nsec += gap_ns;
	due->tv_sec += due->tv_nsec / NS_PER_S;
	due->tv_nsec %= NS_PER_S;
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, due, NULL);
}

/* Whoever is woken by the first of a batch waits for the last, and finds as
   many at a time on any side. */
static void send_whole_batches(void)
{
	const struct sched_param lowest = { .sched_priority = 1 };

	if (sched_setscheduler(0, SCHED_FIFO, &lowest) < 0)
		err(2, "cannot become a process of real time");
}

static void pin(int cpu)
{
	cpu_set_t wanted;

	CPU_ZERO(&wanted);
	CPU_SET(cpu, &wanted);
	if (sched_setaffinity(0, sizeof(wanted), &wanted) < 0)
		err(2, "cannot run on CPU %d", cpu);
}

int main(int argc, char **argv)
{
	static struct flood flood = { .random = 88172645463325252u };
	struct endpoint_list from, to;
	struct timespec due;
	long gap_ns = 0;
	int fd;

	if (argc < 6 || argc > 7)
		errx(2, "usage: flood KIND PORT CPU PID=ADDRESS PID=ADDRESS "
			"[RATE]");
	if (argc == 7) {
		gap_ns = BATCH * NS_PER_S / strtol(argv[6], NULL, 10);
		send_whole_batches();
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	flood.kind = read_kind(argv[1]);
	flood.port = (uint16_t)strtoul(argv[2], NULL, 10);
	pin(atoi(argv[3]));
	/* On another CPU, others by chance. */
	flood.random += strtoul(argv[3], NULL, 10);
	from = endpoint_list_parse(argv[4]);
	to = endpoint_list_parse(argv[5]);
	prepare(&flood, from.items[0].address, to.items[0].address);
	fd = endpoint_socket(&from.items[0], AF_INET, SOCK_RAW, IPPROTO_RAW);
	clock_gettime(CLOCK_MONOTONIC, &due);
	for (;;) {
		vary(&flood);
		/* What finds no room is lost, as in any flood. */
		if (sendmmsg(fd, flood.messages, BATCH, 0) < 0)
			sched_yield();
		if (gap_ns > 0)
			pace(&due, gap_ns);
	}
}
