/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_TESTS_DAEMON_SWEEP_WORLD_H
#define NETPOLD_TESTS_DAEMON_SWEEP_WORLD_H

#include <stdint.h>

#include "datapath/sweep.h"

/**
 * A table of connections to be swept, in a network namespace of the test's own:
 * client may open flows to server, TCP port 80; to client, stranger and from
 * server nobody may. All are pods of this node, over both families.
 *
 *	client 10.0.0.1 fd00::1		server 10.0.0.2 fd00::2
 *	stranger 10.0.0.3 fd00::3
 */
extern struct snapshot *snapshot;
extern struct mark_layout marks;
extern struct sweep *sweep;

/** Set up and tear down a group of cmocka tests. */
int sweep_world_open(void **state);
int sweep_world_close(void **state);

/** A sweep that remembers nothing. */
void sweep_forget(void);

/** Take all connections out of the table. A setup function of cmocka. */
int forget_entries(void **state);

/** Bits of somebody else's, in every mark. */
#define FOREIGN 0xabcd0000

/** 'A'llowed, 'P'icked-up, 'O'wn-node, '-'. */
uint32_t value_of(char mark);

/* How conntrack(8) names a connection. */
#define TO_SERVER "-s 10.0.0.1 -d 10.0.0.2 --sport 999 --dport 80"
#define TO_SERVER_22 "-s 10.0.0.1 -d 10.0.0.2 --sport 999 --dport 22"
#define TO_STRANGER "-s 10.0.0.1 -d 10.0.0.3 --sport 999 --dport 80"
#define FROM_HTTP "-s 10.0.0.2 -d 10.0.0.1 --sport 80 --dport 999"
#define BEHIND_SERVICE                                                         \
	"-s 10.0.0.1 -d 10.96.0.1 --sport 999 --dport 22 -r 10.0.0.2 "         \
	"-q 10.0.0.1 --reply-port-src 22 --reply-port-dst 999"
#define SERVICE_80                                                             \
	"-s 10.0.0.1 -d 10.96.0.1 --sport 999 --dport 22 -r 10.0.0.2 "         \
	"-q 10.0.0.1 --reply-port-src 80 --reply-port-dst 999"
#define V6_TO_SERVER_22 "-s fd00::1 -d fd00::2 --sport 999 --dport 22"

/** Insert a TCP connection. */
void insert(const char *flow, uint32_t mark);

/** The mark of the one connection with a destination port. */
uint32_t mark_of_port(const char *port);

/** Of nobody that the snapshot knows. */
void insert_others(uint16_t n);

/** A data connection, which the one from client, port 999, to @dst, port
 *  @dst_port, has announced: of client to server, port 5000, or the other way
 *  round. */
void insert_child(const char *dst, uint16_t dst_port, uint32_t mark);
void insert_child_of_server(const char *dst, uint16_t dst_port, uint32_t mark);

/** One of client to server, port 21, that may announce others. */
void insert_ftp(uint32_t mark);

#endif
