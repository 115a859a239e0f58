/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets that are queued every single time: TCP SYNs.
 *
 * netpold judges each flow once and lets the rest of it pass in the kernel,
 * except for SYNs, which are judged always. A SYN sent again and again between
 * the same ports thus comes to the queue each time, without a new entry in
 * conntrack: no table grows while we measure, and how large it is does not
 * depend on the speed of what is measured. Nobody answers: the servers drop
 * them as they come in (the runner's rule), after our packet sockets have seen
 * them.
 *
 *	client 1 ──┬──► server 1	a round: one SYN for each of the pairs
 *	client 2 ──┤──► server 2	of this thread, sent with one call for
 *	…	   └──► …		each client; then wait until all have
 *					arrived, with one call for each server
 *
 * Rounds rather than a flood: a queue that overflows measures how fast the
 * kernel throws away. The thread is pinned, and with it, because veth hands
 * packets over on the CPU that sends, everything that happens to its packets.
 * It goes before whoever answers them: else the first packet of a round wakes
 * the other while the rest has not been sent, and what is measured is the
 * scheduler. So each round is one full batch.
 *
 * A packet's cost here is the whole way from client to server. User space and
 * its netlink calls have about a fifth of it; the rest is the same for all.
 */
#include <arpa/inet.h>
#include <err.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "traffic.h"

/* A thread knows its packets by their source port: this one and the next. */
#define FIRST_SOURCE_PORT 40000

/* For each server. A probe that must not arrive is waited for, too. */
#define PATIENCE_MS 500
#define PROBE_PATIENCE_MS 20

struct syn {
	struct iphdr ip;
	struct tcphdr tcp;
};

/* What one thread sends and receives with. */
struct packets {
	size_t n_clients, n_servers;
	int *senders;		  /* a raw socket for each client */
	int *receivers;		  /* a packet socket for each server */
	struct syn *syns;	  /* [client][server] */
	struct iovec *vectors;	  /* [client][server] */
	struct sockaddr_in *to;	  /* [server] */
	struct mmsghdr *sending;  /* [client][server] */
	struct mmsghdr *arriving; /* [client]; nothing of them is copied */
};

/* ---- sockets and packets ------------------------------------------------ */

static void *allocate(size_t n, size_t size)
{
	void *memory = calloc(n, size);

	if (!memory)
		errx(2, "no memory");
	return memory;
}

static uint32_t sum_words(const void *data, size_t len)
{
	uint32_t sum = 0;
	uint16_t word;

	for (size_t i = 0; i + 1 < len; i += 2) {
		memcpy(&word, (const uint8_t *)data + i, sizeof(word));
		sum += word;
	}
	return sum;
}

/* Conntrack calls packets with a wrong checksum INVALID. */
static uint16_t tcp_checksum(const struct syn *syn)
{
	const uint16_t rest[] = { htons(IPPROTO_TCP), htons(sizeof(syn->tcp)) };
	uint32_t sum = sum_words(&syn->tcp, sizeof(syn->tcp)) +
		       sum_words(&syn->ip.saddr, sizeof(syn->ip.saddr)) +
		       sum_words(&syn->ip.daddr, sizeof(syn->ip.daddr)) +
		       sum_words(rest, sizeof(rest));

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static struct syn syn_build(struct in_addr from, struct in_addr to,
			    uint16_t source_port, uint16_t port)
{
	struct syn syn = {
		.ip = { .version = 4,
			.ihl = sizeof(syn.ip) / 4,
			.ttl = 64,
			.tot_len = htons(sizeof(syn)),
			.protocol = IPPROTO_TCP,
			.saddr = from.s_addr,
			.daddr = to.s_addr },
		.tcp = { .source = htons(source_port),
			 .dest = htons(port),
			 .seq = htonl(1),
			 .doff = sizeof(syn.tcp) / 4,
			 .syn = 1,
			 .window = htons(65535) },
	};

	syn.tcp.check = tcp_checksum(&syn);
	return syn;
}

/* Only what this thread has sent: TCP from its source port. */
static void take_only(int fd, uint16_t source_port)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0, 3),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, sizeof(struct iphdr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, source_port, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, sizeof(struct syn)),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog program = { sizeof(code) / sizeof(code[0]),
					    code };

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
		       sizeof(program)) < 0)
		err(2, "cannot filter a packet socket");
}

/* Protocol 0 first: it takes nothing until the filter is on. */
static int open_receiver(const struct endpoint *server, uint16_t source_port,
			 int patience_ms)
{
	const struct sockaddr_ll all = { .sll_family = AF_PACKET,
					 .sll_protocol = htons(ETH_P_IP) };
	const struct timeval patience = { .tv_sec = patience_ms / 1000,
					  .tv_usec =
						  patience_ms % 1000 * 1000 };
	int fd = endpoint_socket(server, AF_PACKET, SOCK_DGRAM, 0);

	take_only(fd, source_port);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (bind(fd, (const void *)&all, sizeof(all)) < 0)
		err(2, "cannot bind a packet socket");
	return fd;
}

static void prepare_client(struct packets *p, size_t client,
			   const struct endpoint *from,
			   const struct generator *g, uint16_t source_port)
{
	p->senders[client] =
		endpoint_socket(from, AF_INET, SOCK_RAW, IPPROTO_RAW);
	for (size_t s = 0; s < p->n_servers; s++) {
		size_t i = client * p->n_servers + s;

		p->syns[i] = syn_build(from->address, p->to[s].sin_addr,
				       source_port, g->port);
		p->vectors[i] =
			(struct iovec){ &p->syns[i], sizeof(p->syns[i]) };
		p->sending[i].msg_hdr = (struct msghdr){
			.msg_name = &p->to[s],
			.msg_namelen = sizeof(p->to[s]),
			.msg_iov = &p->vectors[i],
			.msg_iovlen = 1,
		};
	}
}

/* Every n-th client is this thread's. */
static struct packets prepare(const struct generator *g, int patience_ms)
{
	uint16_t source_port = (uint16_t)(FIRST_SOURCE_PORT + g->index);
	size_t n_clients = (g->clients->n + g->n_generators - 1 - g->index) /
			   g->n_generators;
	size_t n_pairs = n_clients * g->servers->n;
	struct packets p = {
		.n_clients = n_clients,
		.n_servers = g->servers->n,
		.senders = allocate(n_clients, sizeof(*p.senders)),
		.receivers = allocate(g->servers->n, sizeof(*p.receivers)),
		.syns = allocate(n_pairs, sizeof(*p.syns)),
		.vectors = allocate(n_pairs, sizeof(*p.vectors)),
		.to = allocate(g->servers->n, sizeof(*p.to)),
		.sending = allocate(n_pairs, sizeof(*p.sending)),
		.arriving = allocate(n_clients, sizeof(*p.arriving)),
	};

	for (size_t s = 0; s < p.n_servers; s++) {
		p.to[s].sin_family = AF_INET;
		p.to[s].sin_addr = g->servers->items[s].address;
		p.receivers[s] = open_receiver(&g->servers->items[s],
					       source_port, patience_ms);
	}
	for (size_t c = 0; c < n_clients; c++)
		prepare_client(
			&p, c,
			&g->clients->items[g->index + c * g->n_generators], g,
			source_port);
	return p;
}

static void release(struct packets *p)
{
	for (size_t c = 0; c < p->n_clients; c++)
		close(p->senders[c]);
	for (size_t s = 0; s < p->n_servers; s++)
		close(p->receivers[s]);
	free(p->senders);
	free(p->receivers);
	free(p->syns);
	free(p->vectors);
	free(p->to);
	free(p->sending);
	free(p->arriving);
}

/* ---- rounds ------------------------------------------------------------- */

static void send_all(const struct packets *p)
{
	for (size_t c = 0; c < p->n_clients; c++) {
		struct mmsghdr *messages = &p->sending[c * p->n_servers];

		if (sendmmsg(p->senders[c], messages,
			     (unsigned int)p->n_servers, 0) < 0)
			err(2, "cannot send");
	}
}

/* Each server gets one packet from each client. */
static size_t receive_all(const struct packets *p)
{
	size_t arrived = 0;

	for (size_t s = 0; s < p->n_servers; s++) {
		int n = recvmmsg(p->receivers[s], p->arriving,
				 (unsigned int)p->n_clients, 0, NULL);

		arrived += n > 0 ? (size_t)n : 0;
	}
	return arrived;
}

static void run_round(struct generator *g, const struct packets *p)
{
	size_t arrived;

	send_all(p);
	arrived = receive_all(p);
	generator_count(&g->done, arrived);
	generator_count(&g->lost, p->n_clients * p->n_servers - arrived);
}

static void go_first(void)
{
	const struct sched_param priority = { .sched_priority = 1 };

	if (sched_setscheduler(0, SCHED_FIFO, &priority) < 0)
		err(2, "cannot go before other threads (SCHED_FIFO)");
}

void *packets_generate(void *ctx)
{
	struct generator *g = ctx;
	struct packets p = prepare(g, PATIENCE_MS);

	generator_pin(g);
	go_first();
	for (;;)
		run_round(g, &p);
	return NULL;
}

void packets_probe(struct generator *g)
{
	struct packets p = prepare(g, PROBE_PATIENCE_MS);

	run_round(g, &p);
	release(&p);
}
