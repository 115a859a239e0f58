/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A capture to measure `netpold replay` with: TCP connections of ten packets
 * each between pods of W(n), of which so many are open at a time.
 *
 *	capture FLOWS OPEN NAMESPACES >file.pcap
 *
 * Flow f goes from pod f modulo the number of pods to pod f divided by it, so
 * that a million flows between a thousand pods are all different pairs. It is
 * opened, answered, asked something, and closed from both ends. Packets are a
 * microsecond apart, so nothing runs out before it is closed.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_PACKETS 10
#define PODS 100 /* of a namespace, as workload.py has it */
#define START_S 1700000000

enum { FIN = 1, SYN = 2, PSH = 8, ACK = 16 };

struct step {
	bool back;
	uint8_t flags;
};

static const struct step steps[N_PACKETS] = {
	{ false, SYN },	      { true, SYN | ACK },  { false, ACK },
	{ false, PSH | ACK }, { true, ACK },	    { true, PSH | ACK },
	{ false, ACK },	      { false, FIN | ACK }, { true, FIN | ACK },
	{ false, ACK },
};

struct record {
	uint32_t seconds, us, captured, len;
	uint8_t frame[60];
} __attribute__((packed));

static void put16(uint8_t *at, unsigned int value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put_pod(uint8_t *at, size_t pod)
{
	size_t namespace = pod / PODS;

	at[0] = 10;
	at[1] = (uint8_t)(100 + namespace / 250);
	at[2] = (uint8_t)(namespace % 250);
	at[3] = (uint8_t)(pod % PODS + 1);
}

static void make_packet(struct record *out, uint64_t number, size_t flow,
			size_t n_pods, const struct step *step)
{
	static const uint16_t ports[] = { 8080, 9090, 80, 5432 };
	uint8_t *ip = out->frame + 14, *tcp = ip + 20;
	size_t a = flow % n_pods, b = flow / n_pods % n_pods;
	unsigned int from = 32768 + (unsigned int)(flow % 28000);
	unsigned int to = ports[flow % 4];

	memset(out, 0, sizeof(*out));
	out->seconds = (uint32_t)(START_S + number / 1000000);
	out->us = (uint32_t)(number % 1000000);
	out->captured = out->len = sizeof(out->frame);
	put16(out->frame + 12, 0x0800);
	ip[0] = 0x45;
	put16(ip + 2, 40);
	ip[8] = 64;
	ip[9] = 6;
	put_pod(ip + 12, step->back ? b : a);
	put_pod(ip + 16, step->back ? a : b);
	put16(tcp, step->back ? to : from);
	put16(tcp + 2, step->back ? from : to);
	tcp[12] = 0x50;
	tcp[13] = step->flags;
}

static void write_header(void)
{
	static const uint32_t header[] = { 0xa1b2c3d4, 4 << 16 | 2, 0,
					   0,	       65535,	    1 };

	fwrite(header, sizeof(header), 1, stdout);
}

static void write_flows(size_t n_flows, size_t n_open, size_t n_pods)
{
	struct record record;
	uint64_t number = 0;

	for (size_t first = 0; first < n_flows; first += n_open) {
		size_t end =
			first + n_open < n_flows ? first + n_open : n_flows;

		for (size_t step = 0; step < N_PACKETS; step++) {
			for (size_t flow = first; flow < end; flow++) {
				make_packet(&record, number++, flow, n_pods,
					    &steps[step]);
				fwrite(&record, sizeof(record), 1, stdout);
			}
		}
	}
}

int main(int argc, char **argv)
{
	size_t numbers[3];

	for (int i = 0; i < 3; i++) {
		numbers[i] = argc == 4 ? strtoul(argv[i + 1], NULL, 10) : 0;
		if (numbers[i] == 0) {
			fprintf(stderr, "usage: capture FLOWS OPEN "
					"NAMESPACES >file.pcap\n");
			return 2;
		}
	}
	write_header();
	write_flows(numbers[0], numbers[1], numbers[2] * PODS);
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
