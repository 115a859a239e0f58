/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/netlink.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <libmnl/libmnl.h>

#include "netpold/addr.h"

/* The kernel fills a dump's datagrams up to 32 KiB (SKB_WITH_OVERHEAD(32768)
   in netlink_recvmsg()), and ipset sends a failed batch back as a whole. */
#define BUFFER_LEN 65536

/* Replies to a batch of updates wait in the socket until the batch is through.
   A reply of 36 bytes costs about 1 KiB of it; the kernel doubles this. */
#define SOCKET_BUFFER_LEN 1048576

/* The kernel answers within the system call that asks, or as soon as the answer
   is read; an ipset resize may take 170 ms (NF-88). More than this is a fault
   that must not hang a daemon. */
#define ANSWER_TIMEOUT_S 10

static int socket_open(struct netlink *netlink)
{
	struct timeval timeout = { .tv_sec = ANSWER_TIMEOUT_S };
	int size = SOCKET_BUFFER_LEN;
	struct mnl_socket *s;
	int on = 1;
	int fd;

	s = mnl_socket_open2(netlink->protocol, SOCK_CLOEXEC);
	if (!s)
		return -errno;
	if (mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0) {
		int r = -errno;

		mnl_socket_close(s);
		return r;
	}
	fd = mnl_socket_get_fd(s);
	/* None of these has to work: without the first, errors carry the
	   request along; without the second, a flood of errors is reported as
	   -ENOBUFS. */
	mnl_socket_setsockopt(s, NETLINK_CAP_ACK, &on, sizeof(on));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	netlink->socket = s;
	return 0;
}

int netlink_init(struct netlink *netlink, int protocol)
{
	*netlink = (struct netlink){ .protocol = protocol };
	netlink->buffer = malloc(BUFFER_LEN);
	if (!netlink->buffer)
		return -ENOMEM;
	return socket_open(netlink);
}

void netlink_release(struct netlink *netlink)
{
	netlink_reset(netlink);
	free(netlink->buffer);
	*netlink = (struct netlink){ 0 };
}

void netlink_reset(struct netlink *netlink)
{
	if (netlink->socket)
		mnl_socket_close(netlink->socket);
	netlink->socket = NULL;
}

int netlink_send(struct netlink *netlink, const void *data, size_t len)
{
	ssize_t n;
	int r;

	netlink->failed = NULL;
	if (!netlink->socket) {
		r = socket_open(netlink);
		if (r < 0)
			return r;
	}
	do
		n = mnl_socket_sendto(netlink->socket, data, len);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int netlink_receive(struct netlink *netlink, int *len)
{
	ssize_t n;

	do
		n = mnl_socket_recvfrom(netlink->socket, netlink->buffer,
					BUFFER_LEN);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	*len = (int)n; /* at most BUFFER_LEN */
	return 0;
}

/* One request's answer while it is being read. */
struct answer {
	netlink_message_fn each;
	void *ctx;
	bool interrupted;
	bool ended; /* nothing more will come */
	int result;
};

/* Both NLMSG_ERROR and NLMSG_DONE start with an int that is zero for success.
   Old kernels send NLMSG_DONE without it. */
static int final_code(const struct nlmsghdr *message)
{
	int code = 0;

	if (mnl_nlmsg_get_payload_len(message) >= sizeof(code))
		memcpy(&code, mnl_nlmsg_get_payload(message), sizeof(code));
	return code;
}

static void answer_take(struct netlink *netlink, struct answer *answer,
			const struct nlmsghdr *message)
{
	if (message->nlmsg_flags & NLM_F_DUMP_INTR)
		answer->interrupted = true;

	switch (message->nlmsg_type) {
	case NLMSG_NOOP:
		return;
	case NLMSG_OVERRUN:
		answer->result = -ENOBUFS;
		return;
	case NLMSG_ERROR:
	case NLMSG_DONE:
		answer->ended = true;
		answer->result = final_code(message);
		if (answer->result < 0)
			netlink->failed = message;
		return;
	default:
		if (answer->each)
			answer->result = answer->each(answer->ctx, message);
	}
}

/* A datagram holds many messages of a dump. Messages of other requests can only
   be what an old kernel sent twice; they are passed over. */
static void answer_read(struct netlink *netlink, struct answer *answer,
			int left)
{
	const struct nlmsghdr *message = (const void *)netlink->buffer;

	while (mnl_nlmsg_ok(message, left)) {
		if (message->nlmsg_seq == netlink->seq)
			answer_take(netlink, answer, message);
		if (answer->ended || answer->result)
			return;
		message = mnl_nlmsg_next(message, &left);
	}
}

int netlink_request(struct netlink *netlink, struct nlmsghdr *request,
		    netlink_message_fn each, void *ctx, bool *interrupted)
{
	struct answer answer = { .each = each, .ctx = ctx };
	int r;

	request->nlmsg_seq = ++netlink->seq;
	r = netlink_send(netlink, request, request->nlmsg_len);
	if (r < 0)
		return r;
	while (!answer.ended && !answer.result) {
		int len = 0;

		answer.result = netlink_receive(netlink, &len);
		if (answer.result == 0)
			answer_read(netlink, &answer, len);
	}
	if (!answer.ended)
		netlink_reset(netlink);
	if (interrupted)
		*interrupted = answer.interrupted;
	return answer.result;
}

struct nlmsghdr *netlink_put_header(void *buffer, uint16_t type, uint16_t flags,
				    size_t extra_len)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);

	message->nlmsg_type = type;
	message->nlmsg_flags = NLM_F_REQUEST | flags;
	mnl_nlmsg_put_extra_header(message, extra_len); /* zeroes it */
	return message;
}

uint8_t netlink_netfilter_family(uint8_t family)
{
	switch (family) {
	case IP_V4:
		return NFPROTO_IPV4;
	case IP_V6:
		return NFPROTO_IPV6;
	default:
		return NFPROTO_UNSPEC;
	}
}

struct nlmsghdr *netlink_put_netfilter(void *buffer, uint8_t subsystem,
				       uint8_t command, uint16_t flags,
				       uint8_t family)
{
	struct nlmsghdr *message;
	struct nfgenmsg *header;

	message =
		netlink_put_header(buffer, (uint16_t)(subsystem << 8 | command),
				   flags, sizeof(*header));
	header = mnl_nlmsg_get_payload(message);
	header->nfgen_family = family;
	header->version = NFNETLINK_V0;
	return message;
}

int netlink_err_set(struct err *err, int code, const char *fmt, ...)
{
	char words[sizeof(err->message)];
	va_list args;

	va_start(args, fmt);
	vsnprintf(words, sizeof(words), fmt, args);
	va_end(args);
	if (code == -EPERM)
		return err_set(err, code,
			       "%s: this needs CAP_NET_ADMIN; run as root or "
			       "add the capability",
			       words);
	if (code == -ETIMEDOUT)
		return err_set(err, code,
			       "%s: the kernel does not answer; it was given "
			       "%d s",
			       words, ANSWER_TIMEOUT_S);
	return err_set(err, code, "%s: %s", words, strerror(-code));
}
