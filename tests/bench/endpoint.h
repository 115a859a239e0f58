/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_TESTS_BENCH_ENDPOINT_H
#define NETPOLD_TESTS_BENCH_ENDPOINT_H

#include <netinet/in.h>
#include <stddef.h>

/**
 * An IPv4 address and the network namespace that has it.
 *
 * A socket belongs for ever to the namespace in which its thread was when it
 * made the socket: so one process can send in one namespace and receive in
 * another.
 */
struct endpoint {
	int namespace_fd;
	struct in_addr address;
};

struct endpoint_list {
	struct endpoint *items;
	size_t n;
};

/**
 * Read "PID=ADDRESS,…": the namespace is that of the process. The descriptors
 * stay open until the program ends. Ends the program on anything else.
 */
struct endpoint_list endpoint_list_parse(char *text);

/** Take the calling thread into the endpoint's namespace. */
void endpoint_enter(const struct endpoint *endpoint);

/** Make a socket in the endpoint's namespace, and stay there. */
int endpoint_socket(const struct endpoint *endpoint, int family, int type,
		    int protocol);

#endif
