/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_NETLINK_H
#define NETPOLD_DAEMON_DATAPATH_NETLINK_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netpold/err.h"

/**
 * A netlink socket: send a request, read the kernel's answer to its end.
 *
 * An answer that is left before its end (the reader gave up, a receive failed)
 * would spoil the next one. The socket is closed then, and the next request
 * opens a new one, so no request ever sees another one's answer.
 *
 * Threads  one at a time for each socket.
 */
struct netlink {
	struct mnl_socket *socket; /* NULL: to be opened by the next request */
	int protocol;		   /* NETLINK_NETFILTER, NETLINK_ROUTE */
	uint32_t seq;		   /* of the last request */
	uint8_t *buffer;	   /* what was received last */
	/* The error message behind the last negative result, if the kernel sent
	   one; in buffer. */
	const struct nlmsghdr *failed;
};

/** Room for any request that is not a batch. */
#define NETLINK_REQUEST_SIZE 512

/** A buffer for one small request, aligned as netlink wants it. */
struct netlink_buffer {
	_Alignas(struct nlmsghdr) uint8_t bytes[NETLINK_REQUEST_SIZE];
};

/** Returns 0 or a negative errno. Release it in either case. */
int netlink_init(struct netlink *netlink, int protocol);

/** An all-zero struct is fine. */
void netlink_release(struct netlink *netlink);

/** Close the socket with everything that still waits in it. */
void netlink_reset(struct netlink *netlink);

/** Returns 0 or a negative errno. */
int netlink_send(struct netlink *netlink, const void *data, size_t len);

/**
 * Wait for one datagram of messages, which is in netlink->buffer then.
 *
 * @len  its length, as mnl_nlmsg_ok() wants it
 *
 * Returns  0; -ENOBUFS where the kernel had to drop messages; -ETIMEDOUT where
 *          it does not answer; another negative errno.
 */
int netlink_receive(struct netlink *netlink, int *len);

/**
 * Called for each message of an answer; acknowledgements, errors and the end
 * are not among them.
 *
 * Returns  0 to go on; anything else ends the request and is its result.
 */
typedef int (*netlink_message_fn)(void *ctx, const struct nlmsghdr *message);

/**
 * Send one request, a dump or one that asks for an acknowledgement, and read
 * the whole answer.
 *
 * @request      its sequence number is filled in
 * @each         NULL: nothing but the acknowledgement is expected
 * @interrupted  set to true if the kernel says that the table changed under a
 *               dump; NULL where that does not matter
 *
 * Returns  0, the callback's result, or the kernel's negative error, which is
 *          beyond the range of errno where the subsystem has its own.
 */
int netlink_request(struct netlink *netlink, struct nlmsghdr *request,
		    netlink_message_fn each, void *ctx, bool *interrupted);

/** NFPROTO_… of an enum ip_family; NFPROTO_UNSPEC for IP_NONE. */
uint8_t netlink_netfilter_family(uint8_t family);

/** Start a message of one of netfilter's subsystems in @buffer. */
struct nlmsghdr *netlink_put_netfilter(void *buffer, uint8_t subsystem,
				       uint8_t command, uint16_t flags,
				       uint8_t family);

/** Start a message with a zeroed extra header of any kind. */
struct nlmsghdr *netlink_put_header(void *buffer, uint16_t type, uint16_t flags,
				    size_t extra_len);

/**
 * Fill in @err: the words, a colon, what @code means. Says what to do about
 * -EPERM.
 *
 * Returns  @code.
 */
int netlink_err_set(struct err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
