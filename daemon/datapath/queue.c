/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/queue.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_queue.h>

#include "netpold/cleanup.h"

/* A packet's message: the copied bytes and the other attributes. */
#define MESSAGE_SIZE 2048

/* A waiting packet costs 832 bytes of the socket's buffer and more for long
   ones (NF-83); the kernel doubles the number. */
#define RECEIVE_BUFFER (QUEUE_MAX_LEN * 2048)

/* One answer: netlink header, nfnetlink header, verdict and mark. */
#define ANSWER_SIZE 64

#define CONFIG_SIZE 256

#define SEND_ATTEMPTS 8

struct queue {
	struct mnl_socket *socket;
	uint16_t number;
	bool accept_overload;
	size_t answers_len;
	struct mmsghdr messages[QUEUE_BATCH];
	struct iovec vectors[QUEUE_BATCH];
	uint8_t received[QUEUE_BATCH][MESSAGE_SIZE];
	uint8_t answers[QUEUE_BATCH * ANSWER_SIZE];
};

/* ---- packets in --------------------------------------------------------- */

/* The few attributes that are needed, straight from the message. Lengths come
   from the kernel; they are checked all the same. */
static bool read_packet(const uint8_t *bytes, size_t len,
			struct queue_packet *out)
{
	const struct nlmsghdr *message = (const void *)bytes;
	const struct nfqnl_msg_packet_hdr *header = NULL;
	const struct nlattr *attr;
	const uint8_t *end;

	if (!mnl_nlmsg_ok(message, (int)len) ||
	    message->nlmsg_type != (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET))
		return false;
	*out = (struct queue_packet){ 0 };
	end = bytes + message->nlmsg_len;
	attr = mnl_nlmsg_get_payload_offset(message, sizeof(struct nfgenmsg));
	for (; mnl_attr_ok(attr, (int)(end - (const uint8_t *)attr));
	     attr = mnl_attr_next(attr)) {
		switch (mnl_attr_get_type(attr)) {
		case NFQA_PACKET_HDR:
			if (mnl_attr_get_payload_len(attr) >= sizeof(*header))
				header = mnl_attr_get_payload(attr);
			break;
		case NFQA_MARK:
			if (mnl_attr_get_payload_len(attr) >= sizeof(uint32_t))
				out->mark = ntohl(mnl_attr_get_u32(attr));
			break;
		case NFQA_PAYLOAD:
			out->data = mnl_attr_get_payload(attr);
			out->len = mnl_attr_get_payload_len(attr);
			break;
		}
	}
	if (!header)
		return false;
	out->id = ntohl(header->packet_id);
	out->hook = header->hook;
	return true;
}

int queue_receive(struct queue *queue, struct queue_packet *packets)
{
	int n, n_packets = 0;

	n = recvmmsg(queue_fd(queue), queue->messages, QUEUE_BATCH,
		     MSG_DONTWAIT, NULL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++) {
		if (read_packet(queue->received[i], queue->messages[i].msg_len,
				&packets[n_packets]))
			n_packets++;
	}
	return n_packets;
}

/* ---- setting up --------------------------------------------------------- */

/* Wait for the acknowledgement of a configuration. Rules of an earlier run may
   bring packets before it: those go round once more. */
static int await_acknowledgement(struct queue *queue, uint32_t seq)
{
	for (;;) {
		uint8_t *bytes = queue->received[0];
		struct queue_packet packet;
		ssize_t n;

		n = mnl_socket_recvfrom(queue->socket, bytes, MESSAGE_SIZE);
		if (n < 0 && (errno == ENOBUFS || errno == EINTR))
			continue;
		if (n < 0)
			return -errno;
		if (read_packet(bytes, (size_t)n, &packet)) {
			queue_answer(queue, packet.id, QUEUE_REPEAT,
				     packet.mark);
			if (queue_send(queue) < 0)
				return -errno;
			continue;
		}
		n = mnl_cb_run(bytes, (size_t)n, seq,
			       mnl_socket_get_portid(queue->socket), NULL,
			       NULL);
		return n < 0 ? -errno : 0;
	}
}

static void put_settings(struct nlmsghdr *message, const struct queue *queue)
{
	uint32_t flags = queue->accept_overload ? NFQA_CFG_F_FAIL_OPEN : 0;

	nfq_nlmsg_cfg_put_params(message, NFQNL_COPY_PACKET, QUEUE_COPY_RANGE);
	nfq_nlmsg_cfg_put_qmaxlen(message, QUEUE_MAX_LEN);
	/* Offloaded packets come whole, not cut into segments (NF-25). */
	mnl_attr_put_u32(message, NFQA_CFG_FLAGS,
			 htonl(flags | NFQA_CFG_F_GSO));
	mnl_attr_put_u32(message, NFQA_CFG_MASK,
			 htonl(NFQA_CFG_F_FAIL_OPEN | NFQA_CFG_F_GSO));
}

/* Everything in one message: a queue that is bound but not configured drops
   what comes (NF-30, NF-31). */
static int configure(struct queue *queue)
{
	char buf[CONFIG_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *message;

	message = nfq_nlmsg_put(buf, NFQNL_MSG_CONFIG, queue->number);
	nfq_nlmsg_cfg_put_cmd(message, AF_UNSPEC, NFQNL_CFG_CMD_BIND);
	put_settings(message, queue);
	message->nlmsg_flags |= NLM_F_ACK;
	message->nlmsg_seq = 1;
	if (mnl_socket_sendto(queue->socket, message, message->nlmsg_len) < 0)
		return -errno;
	return await_acknowledgement(queue, message->nlmsg_seq);
}

/* Without waiting for an acknowledgement: another reader might take it. What
   the kernel has once accepted for this queue it does not refuse. */
static int configure_again(struct queue *queue)
{
	char buf[CONFIG_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *message;

	message = nfq_nlmsg_put(buf, NFQNL_MSG_CONFIG, queue->number);
	put_settings(message, queue);
	return mnl_socket_sendto(queue->socket, message, message->nlmsg_len) < 0
		       ? -errno
		       : 0;
}

static int explain_failure(int r, uint16_t number, struct err *err)
{
	switch (-r) {
	case EPERM:
	case EBUSY:
		return err_set(err, -EBUSY,
			       "queue %u is in use by another program: stop "
			       "that program, or choose other numbers with "
			       "--queue-base (see /proc/net/netfilter/"
			       "nfnetlink_queue)",
			       number);
	case EINVAL:
	case EOPNOTSUPP:
	case EPROTONOSUPPORT:
		return err_set(err, -EOPNOTSUPP,
			       "this kernel has no NFQUEUE: load the module "
			       "nfnetlink_queue, or use a kernel that has it");
	}
	return err_set(err, r, "cannot bind queue %u: %s", number,
		       strerror(-r));
}

static void prepare_receive(struct queue *queue)
{
	for (size_t i = 0; i < QUEUE_BATCH; i++) {
		queue->vectors[i].iov_base = queue->received[i];
		queue->vectors[i].iov_len = MESSAGE_SIZE;
		queue->messages[i].msg_hdr.msg_iov = &queue->vectors[i];
		queue->messages[i].msg_hdr.msg_iovlen = 1;
	}
}

static void queue_closep(struct queue **queue)
{
	queue_close(*queue);
}

static struct queue *queue_new(const struct queue_options *options)
{
	struct queue *queue = calloc(1, sizeof(*queue));

	if (!queue)
		return NULL;
	queue->number = options->number;
	queue->accept_overload = options->accept_overload;
	prepare_receive(queue);
	return queue;
}

int queue_open(const struct queue_options *options, struct queue **out,
	       struct err *err)
{
	uint16_t number = options->number;
	CLEANUP(queue_closep) struct queue *queue = queue_new(options);
	int size = RECEIVE_BUFFER, r;

	if (!queue)
		return err_set(err, -ENOMEM, "no memory for queue %u", number);
	queue->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!queue->socket ||
	    mnl_socket_bind(queue->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return explain_failure(-errno, number, err);
	if (setsockopt(queue_fd(queue), SOL_SOCKET, SO_RCVBUFFORCE, &size,
		       sizeof(size)) < 0)
		return err_set(err, -errno,
			       "cannot size the buffer of queue %u: %s", number,
			       strerror(errno));
	r = configure(queue);
	if (r < 0)
		return explain_failure(r, number, err);
	*out = queue;
	queue = NULL;
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

int queue_adopt(const struct queue_options *options, int fd, struct queue **out,
		struct err *err)
{
	CLEANUP(queue_closep) struct queue *queue = queue_new(options);
	int r;

	if (queue && is_netfilter_socket(fd))
		queue->socket = mnl_socket_fdopen(fd);
	if (!queue || !queue->socket) {
		close(fd);
		return err_set(err, -EINVAL,
			       "what was handed over for queue %u is no socket "
			       "of a queue",
			       options->number);
	}
	r = configure_again(queue);
	if (r < 0)
		return explain_failure(r, options->number, err);
	*out = queue;
	queue = NULL;
	return 0;
}

void queue_close(struct queue *queue)
{
	if (!queue)
		return;
	if (queue->socket)
		mnl_socket_close(queue->socket);
	free(queue);
}

int queue_fd(const struct queue *queue)
{
	return mnl_socket_get_fd(queue->socket);
}

/* ---- answers out -------------------------------------------------------- */

void queue_answer(struct queue *queue, uint32_t id, enum queue_verdict verdict,
		  uint32_t mark)
{
	static const uint32_t kernel_verdicts[] = {
		[QUEUE_DROP] = NF_DROP,
		[QUEUE_ACCEPT] = NF_ACCEPT,
		[QUEUE_REPEAT] = NF_REPEAT,
	};
	struct nlmsghdr *message;

	message = nfq_nlmsg_put((char *)queue->answers + queue->answers_len,
				NFQNL_MSG_VERDICT, queue->number);
	nfq_nlmsg_verdict_put(message, (int)id, (int)kernel_verdicts[verdict]);
	if (verdict != QUEUE_DROP)
		mnl_attr_put_u32(message, NFQA_MARK, htonl(mark));
	queue->answers_len += MNL_ALIGN(message->nlmsg_len);
}

int queue_send(struct queue *queue)
{
	ssize_t n = 0;

	if (queue->answers_len == 0)
		return 0;
	for (int i = 0; i < SEND_ATTEMPTS; i++) {
		n = mnl_socket_sendto(queue->socket, queue->answers,
				      queue->answers_len);
		if (n >= 0 || (errno != EINTR && errno != ENOBUFS &&
			       errno != ENOMEM && errno != EAGAIN))
			break;
	}
	queue->answers_len = 0;
	return n < 0 ? -errno : 0;
}

/* How many packets may have come since somebody asked for the last one's
   number. The kernel compares the numbers as signed differences. */
#define RECLAIM_SINCE (1 << 24)

/* NF_REPEAT without a mark: the class in the packet mark stays, and is written
   anew by the rules. The kernel has nothing to say where no packet is meant. */
int queue_reclaim(struct queue *queue, uint32_t last_id)
{
	char buf[ANSWER_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *message;
	int r = configure_again(queue);

	message = nfq_nlmsg_put(buf, NFQNL_MSG_VERDICT_BATCH, queue->number);
	nfq_nlmsg_verdict_put(message, (int)(last_id + RECLAIM_SINCE),
			      NF_REPEAT);
	if (mnl_socket_sendto(queue->socket, message, message->nlmsg_len) < 0)
		return -errno;
	return r;
}
