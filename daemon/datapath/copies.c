/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel puts copies together in one message until there are as many as we
 * said, or the oldest has waited as long: a flood wakes us once for each thirty
 * of them. It numbers them (NFULNL_CFG_F_SEQ). Where a message finds no room in
 * our socket, its copies are gone, and the next number that comes tells how
 * many.
 *
 * Why libmnl, and not libnetfilter_log: queue.c needs the one in any case, and
 * of the other only what names a few attributes would be used.
 */
#include "datapath/copies.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>

#include "netpold/cleanup.h"

#include "datapath/copy_prefix.h"
#include "datapath/mark.h"

/* Copies in one message, so that each fits into one batch; how long the first
   of them waits for more, in hundredths of a second. */
#define TOGETHER 32
#define TOGETHER_CS 2
_Static_assert(TOGETHER <= QUEUE_BATCH, "a message is a batch at most");

/* The kernel makes messages of this size, even for one copy, and the room that
   they take up counts: larger ones would hold less in quiet times. A copy of a
   SYN takes some 200 bytes, the longest 800. */
#define MESSAGE_SIZE 8192
#define RECEIVE_SIZE (2 * MESSAGE_SIZE)

/* Some 900 messages; the kernel doubles the number. */
#define RECEIVE_BUFFER (4 << 20)

#define CONFIG_SIZE 256

struct copies {
	struct mnl_socket *socket;
	uint16_t group;
	const struct mark_layout *marks;
	atomic_bool shared; /* with another reader */
	bool counting;	    /* the next number is known: */
	uint32_t next_number;
	/* what of the last message was not told yet */
	const struct nlmsghdr *next;
	int left;
	_Alignas(struct nlmsghdr) uint8_t received[RECEIVE_SIZE];
};

/* ---- copies in ---------------------------------------------------------- */

/* One copy as its message has it. */
struct copy {
	const struct nfulnl_msg_packet_hdr *header;
	const uint8_t *data;
	size_t len;
	uint32_t mark; /* its class */
	bool has_number;
	uint32_t number;
};

/* 0: nobody has told it one that we know. */
static uint32_t read_class(const struct copies *copies,
			   const struct nlattr *attr)
{
	const char *prefix = mnl_attr_get_payload(attr);
	enum packet_class class;

	return copy_prefix_parse(
		       prefix, strnlen(prefix, mnl_attr_get_payload_len(attr)),
		       &class)
		       ? copies->marks->class[class]
		       : 0;
}

static void read_attr(const struct copies *copies, const struct nlattr *attr,
		      struct copy *out)
{
	size_t len = mnl_attr_get_payload_len(attr);

	switch (mnl_attr_get_type(attr)) {
	case NFULA_PACKET_HDR:
		if (len >= sizeof(*out->header))
			out->header = mnl_attr_get_payload(attr);
		break;
	case NFULA_PAYLOAD:
		out->data = mnl_attr_get_payload(attr);
		out->len = len;
		break;
	case NFULA_PREFIX:
		out->mark = read_class(copies, attr);
		break;
	case NFULA_SEQ:
		out->has_number = len >= sizeof(uint32_t);
		if (out->has_number)
			out->number = ntohl(mnl_attr_get_u32(attr));
		break;
	}
}

static bool is_copy(const struct nlmsghdr *message)
{
	return message->nlmsg_type ==
		       (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET) &&
	       message->nlmsg_len >=
		       mnl_nlmsg_size(MNL_ALIGN(sizeof(struct nfgenmsg)));
}

/* Lengths come from the kernel; they are checked all the same. */
static bool read_copy(const struct copies *copies,
		      const struct nlmsghdr *message, struct copy *out)
{
	const uint8_t *end = (const uint8_t *)message + message->nlmsg_len;
	const struct nlattr *attr;

	*out = (struct copy){ 0 };
	if (!is_copy(message))
		return false;
	attr = mnl_nlmsg_get_payload_offset(message, sizeof(struct nfgenmsg));
	for (; mnl_attr_ok(attr, (int)(end - (const uint8_t *)attr));
	     attr = mnl_attr_next(attr))
		read_attr(copies, attr, out);
	return out->header != NULL;
}

/* Numbers go round, so that a difference is right all the same. */
static uint32_t count_missing(struct copies *copies, const struct copy *copy)
{
	uint32_t missing = 0;

	if (!copy->has_number)
		return 0;
	if (copies->counting &&
	    !atomic_load_explicit(&copies->shared, memory_order_relaxed))
		missing = copy->number - copies->next_number;
	copies->counting = true;
	copies->next_number = copy->number + 1;
	return missing;
}

/* Returns a negative errno, -EAGAIN where nothing waits. */
static int fetch(struct copies *copies)
{
	ssize_t n = recv(copies_fd(copies), copies->received,
			 sizeof(copies->received), MSG_DONTWAIT);

	if (n < 0)
		return -errno;
	copies->next = (const void *)copies->received;
	copies->left = (int)n;
	return 0;
}

int copies_receive(struct copies *copies, struct queue_packet *packets,
		   uint64_t *n_lost)
{
	int n = 0, r = 0;

	*n_lost = 0;
	if (!mnl_nlmsg_ok(copies->next, copies->left))
		r = fetch(copies);
	if (r < 0)
		return r == -EAGAIN || r == -EINTR ? 0 : r;
	while (n < QUEUE_BATCH && mnl_nlmsg_ok(copies->next, copies->left)) {
		struct copy copy;

		if (read_copy(copies, copies->next, &copy)) {
			*n_lost += count_missing(copies, &copy);
			packets[n++] = (struct queue_packet){
				.mark = copy.mark,
				.hook = copy.header->hook,
				.data = copy.data,
				.len = copy.len,
			};
		}
		copies->next = mnl_nlmsg_next(copies->next, &copies->left);
	}
	return n;
}

/* ---- setting up --------------------------------------------------------- */

static void put_settings(struct nlmsghdr *message)
{
	const struct nfulnl_msg_config_mode mode = {
		.copy_range = htonl(QUEUE_COPY_RANGE),
		.copy_mode = NFULNL_COPY_PACKET,
	};

	mnl_attr_put(message, NFULA_CFG_MODE, sizeof(mode), &mode);
	mnl_attr_put_u32(message, NFULA_CFG_NLBUFSIZ, htonl(MESSAGE_SIZE));
	mnl_attr_put_u32(message, NFULA_CFG_TIMEOUT, htonl(TOGETHER_CS));
	mnl_attr_put_u32(message, NFULA_CFG_QTHRESH, htonl(TOGETHER));
	mnl_attr_put_u16(message, NFULA_CFG_FLAGS, htons(NFULNL_CFG_F_SEQ));
}

/* Copies may come before the acknowledgement, where rules of an earlier run
   stand: they count as lost. */
static int await_acknowledgement(struct copies *copies, uint32_t seq)
{
	for (;;) {
		const struct nlmsghdr *message = (const void *)copies->received;
		ssize_t n =
			mnl_socket_recvfrom(copies->socket, copies->received,
					    sizeof(copies->received));

		if (n < 0 && (errno == ENOBUFS || errno == EINTR))
			continue;
		if (n < 0)
			return -errno;
		if (mnl_nlmsg_ok(message, (int)n) && is_copy(message))
			continue;
		n = mnl_cb_run(copies->received, (size_t)n, seq,
			       mnl_socket_get_portid(copies->socket), NULL,
			       NULL);
		return n < 0 ? -errno : 0;
	}
}

static int configure(struct copies *copies)
{
	const struct nfulnl_msg_config_cmd command = {
		.command = NFULNL_CFG_CMD_BIND
	};
	char buf[CONFIG_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *message = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *header;

	message->nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	message->nlmsg_seq = 1;
	header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	header->nfgen_family = AF_UNSPEC;
	header->version = NFNETLINK_V0;
	header->res_id = htons(copies->group);
	mnl_attr_put(message, NFULA_CFG_CMD, sizeof(command), &command);
	put_settings(message);
	if (mnl_socket_sendto(copies->socket, message, message->nlmsg_len) < 0)
		return -errno;
	return await_acknowledgement(copies, message->nlmsg_seq);
}

static int explain_failure(int r, uint16_t group, struct err *err)
{
	switch (-r) {
	case EPERM:
	case EBUSY:
		return err_set(err, -EBUSY,
			       "log group %u is in use by another program: "
			       "stop that program, or choose another number "
			       "with --queue-base (see /proc/net/netfilter/"
			       "nfnetlink_log)",
			       group);
	case EINVAL:
	case EOPNOTSUPP:
	case EPROTONOSUPPORT:
		return err_set(err, -EOPNOTSUPP,
			       "this kernel has no NFLOG: load the module "
			       "nfnetlink_log, or use a kernel that has it");
	}
	return err_set(err, r, "cannot bind log group %u: %s", group,
		       strerror(-r));
}

static void copies_closep(struct copies **copies)
{
	copies_close(*copies);
}

static struct copies *copies_new(const struct copies_options *options)
{
	struct copies *copies = calloc(1, sizeof(*copies));

	if (!copies)
		return NULL;
	copies->group = options->group;
	copies->marks = options->marks;
	return copies;
}

int copies_open(const struct copies_options *options, struct copies **out,
		struct err *err)
{
	uint16_t group = options->group;
	CLEANUP(copies_closep) struct copies *copies = copies_new(options);
	int size = RECEIVE_BUFFER, r;

	if (!copies)
		return err_set(err, -ENOMEM, "no memory for log group %u",
			       group);
	copies->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!copies->socket ||
	    mnl_socket_bind(copies->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return explain_failure(-errno, group, err);
	if (setsockopt(copies_fd(copies), SOL_SOCKET, SO_RCVBUFFORCE, &size,
		       sizeof(size)) < 0)
		return err_set(err, -errno,
			       "cannot size the buffer of log group %u: %s",
			       group, strerror(errno));
	r = configure(copies);
	if (r < 0)
		return explain_failure(r, group, err);
	copies->counting = true; /* from 0 on */
	*out = copies;
	copies = NULL;
	return 0;
}

static bool is_netfilter_socket(int fd)
{
	int domain = -1, protocol = -1;
	socklen_t len = sizeof(int);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 &&
	       getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) == 0 &&
	       domain == AF_NETLINK && protocol == NETLINK_NETFILTER;
}

/* It is set up as every netpold does it. */
int copies_adopt(const struct copies_options *options, int fd,
		 struct copies **out, struct err *err)
{
	struct copies *copies = copies_new(options);

	if (copies && is_netfilter_socket(fd))
		copies->socket = mnl_socket_fdopen(fd);
	if (!copies || !copies->socket) {
		close(fd);
		copies_close(copies);
		return err_set(err, -EINVAL,
			       "what was handed over for log group %u is no "
			       "socket of one",
			       options->group);
	}
	copies_share(copies);
	*out = copies;
	return 0;
}

void copies_close(struct copies *copies)
{
	if (!copies)
		return;
	if (copies->socket)
		mnl_socket_close(copies->socket);
	free(copies);
}

int copies_fd(const struct copies *copies)
{
	return mnl_socket_get_fd(copies->socket);
}

/* ---- another reader ----------------------------------------------------- */

void copies_share(struct copies *copies)
{
	/* Relaxed: it goes with nothing else. */
	atomic_store_explicit(&copies->shared, true, memory_order_relaxed);
}

void copies_own(struct copies *copies)
{
	copies->counting = false;
	atomic_store_explicit(&copies->shared, false, memory_order_relaxed);
}
