/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ctnetlink, one of netfilter's subsystems.
 *
 * The table may hold a hundred thousand entries and is walked after every
 * policy change, so entries are read in place, without a copy or an allocation,
 * and updates go out by the hundred. Dumps and updates have a socket each: the
 * error that an update gets (the entry is gone: ENOENT) can never turn up in
 * the middle of a dump.
 *
 * The kernel works an update off before sendmsg() returns, and answers only
 * those that fail, unless asked. The last one of each batch asks: when its
 * answer is here, so are all the others'.
 *
 * Should a flow have ended and another one have started with the very same
 * tuple since the dump, that one's mark is changed. Clearing a mark that way
 * costs a second judgement, no more.
 */
#include "datapath/conntrack.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>

#include <libmnl/libmnl.h>

#include "datapath/attr.h"
#include "datapath/conntrack_message.h"
#include "datapath/netlink.h"

/* From eight updates in a send on, each costs the same (NF-84). This is about
   150, whose replies, should all fail, fit into the smallest of socket
   buffers. */
#define BATCH_LEN 16384

struct conntrack {
	struct netlink dumps;
	struct netlink updates;
	/* Messages that wait to be sent. */
	struct nlmsghdr *last;
	size_t batch_len;
	_Alignas(struct nlmsghdr) uint8_t batch[BATCH_LEN];
};

/* ---- open ---------------------------------------------------------------- */

/* Ask for something cheap, to hear whether we may ask at all. */
static int probe(struct conntrack *conntrack)
{
	size_t ignored;

	return conntrack_count(conntrack, &ignored);
}

int conntrack_open(struct conntrack **out, struct err *err)
{
	struct conntrack *conntrack;
	int r;

	conntrack = calloc(1, sizeof(*conntrack));
	if (!conntrack)
		return err_set(err, -ENOMEM, "conntrack: no memory");
	r = netlink_init(&conntrack->dumps, NETLINK_NETFILTER);
	if (r == 0)
		r = netlink_init(&conntrack->updates, NETLINK_NETFILTER);
	if (r == 0)
		r = probe(conntrack);
	if (r == 0) {
		*out = conntrack;
		return 0;
	}
	conntrack_close(conntrack);
	/* EINVAL: netfilter knows no such subsystem. */
	if (r == -EINVAL || r == -EPROTONOSUPPORT)
		return err_set(err, -EOPNOTSUPP,
			       "conntrack: the kernel does not offer its table "
			       "(option CONFIG_NF_CT_NETLINK, module "
			       "nf_conntrack_netlink)");
	return netlink_err_set(err, r, "conntrack");
}

void conntrack_close(struct conntrack *conntrack)
{
	if (!conntrack)
		return;
	netlink_release(&conntrack->dumps);
	netlink_release(&conntrack->updates);
	free(conntrack);
}

/* ---- dump ---------------------------------------------------------------- */

struct walk {
	conntrack_entry_fn each;
	void *ctx;
	bool stopped; /* by the callback */
};

static int walk_message(void *ctx, const struct nlmsghdr *message)
{
	struct conntrack_entry entry;
	struct walk *walk = ctx;
	int r;

	if (!conntrack_message_read(message, &entry))
		return -EBADMSG;
	r = walk->each(walk->ctx, &entry);
	walk->stopped = r != 0;
	return r;
}

int conntrack_dump(struct conntrack *conntrack,
		   const struct conntrack_filter *filter,
		   conntrack_entry_fn each, void *ctx, bool *interrupted,
		   struct err *err)
{
	struct walk walk = { .each = each, .ctx = ctx };
	struct netlink_buffer buffer;
	struct nlmsghdr *request;
	int r;

	request = conntrack_message_put_dump(buffer.bytes, filter);
	r = netlink_request(&conntrack->dumps, request, walk_message, &walk,
			    interrupted);
	if (r < 0 && !walk.stopped)
		return netlink_err_set(err, r, "reading connections");
	return r;
}

static int take_found(void *ctx, const struct nlmsghdr *message)
{
	return conntrack_message_read(message, ctx) ? 0 : -EBADMSG;
}

int conntrack_find(struct conntrack *conntrack,
		   const struct conntrack_tuple *original, uint8_t protocol,
		   uint16_t zone, struct conntrack_entry *out, struct err *err)
{
	struct netlink_buffer buffer;
	struct nlmsghdr *request;
	int r;

	request = conntrack_message_put_find(buffer.bytes, original, protocol,
					     zone);
	r = netlink_request(&conntrack->dumps, request, take_found, out, NULL);
	if (r == -ENOENT)
		return 0;
	return r < 0 ? netlink_err_set(err, r, "reading a connection") : 1;
}

static int take_count(void *ctx, const struct nlmsghdr *message)
{
	struct attrs attrs = attrs_of_message(message, sizeof(struct nfgenmsg));
	struct attr attr;
	uint32_t count;

	if (!attrs_find(attrs, CTA_STATS_GLOBAL_ENTRIES, &attr) ||
	    !attr_be32(&attr, &count))
		return -EBADMSG;
	*(size_t *)ctx = count;
	return 0;
}

int conntrack_count(struct conntrack *conntrack, size_t *n)
{
	struct netlink_buffer buffer;
	struct nlmsghdr *request;

	request = conntrack_message_put(buffer.bytes, IPCTNL_MSG_CT_GET_STATS,
					NLM_F_ACK, IP_NONE);
	return netlink_request(&conntrack->dumps, request, take_count, n, NULL);
}

/* One message for each CPU. */
static int add_expected(void *ctx, const struct nlmsghdr *message)
{
	struct attrs attrs = attrs_of_message(message, sizeof(struct nfgenmsg));
	struct attr attr;
	uint32_t created;

	if (!attrs_find(attrs, CTA_STATS_EXP_CREATE, &attr) ||
	    !attr_be32(&attr, &created))
		return -EBADMSG;
	*(size_t *)ctx += created;
	return 0;
}

int conntrack_count_expected(struct conntrack *conntrack, size_t *n)
{
	struct netlink_buffer buffer;
	struct nlmsghdr *request;

	*n = 0;
	request = netlink_put_netfilter(buffer.bytes, NFNL_SUBSYS_CTNETLINK_EXP,
					IPCTNL_MSG_EXP_GET_STATS_CPU,
					NLM_F_DUMP, AF_UNSPEC);
	return netlink_request(&conntrack->dumps, request, add_expected, n,
			       NULL);
}

/* ---- updates ------------------------------------------------------------- */

int conntrack_set_mark(struct conntrack *conntrack,
		       const struct conntrack_entry *entry, uint32_t value,
		       uint32_t mask, struct err *err)
{
	struct nlmsghdr *message;

	if (conntrack->batch_len + CONNTRACK_MARK_LEN > BATCH_LEN) {
		int r = conntrack_flush(conntrack, err);

		if (r < 0)
			return r;
	}
	message = conntrack_message_put_mark(
		conntrack->batch + conntrack->batch_len, entry, value, mask);
	message->nlmsg_seq = ++conntrack->updates.seq;
	conntrack->batch_len += message->nlmsg_len;
	conntrack->last = message;
	return 0;
}

/* What the kernel said to one batch. */
struct outcome {
	uint32_t last_seq;
	bool complete;
	int code; /* the first failure that matters */
};

static void outcome_take(struct outcome *outcome,
			 const struct nlmsghdr *message)
{
	const struct nlmsgerr *error;

	if (message->nlmsg_type != NLMSG_ERROR ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(*error))
		return;
	error = mnl_nlmsg_get_payload(message);
	if (error->error != -ENOENT && !outcome->code)
		outcome->code = error->error;
	/* Who may not, is told so once for the whole batch. */
	if (message->nlmsg_seq == outcome->last_seq || error->error == -EPERM)
		outcome->complete = true;
}

static int send_batch(struct conntrack *conntrack)
{
	struct netlink *netlink = &conntrack->updates;
	struct outcome outcome = { .last_seq = netlink->seq };
	int r;

	conntrack->last->nlmsg_flags |= NLM_F_ACK;
	r = netlink_send(netlink, conntrack->batch, conntrack->batch_len);
	while (r == 0 && !outcome.complete) {
		const struct nlmsghdr *message = (void *)netlink->buffer;
		int left = 0;

		r = netlink_receive(netlink, &left);
		for (; mnl_nlmsg_ok(message, left);
		     message = mnl_nlmsg_next(message, &left))
			outcome_take(&outcome, message);
	}
	if (r < 0) {
		netlink_reset(netlink); /* with whatever may still come */
		return r;
	}
	return outcome.code;
}

int conntrack_flush(struct conntrack *conntrack, struct err *err)
{
	int r;

	if (conntrack->batch_len == 0)
		return 0;
	r = send_batch(conntrack);
	conntrack->batch_len = 0;
	conntrack->last = NULL;
	if (r < 0)
		return netlink_err_set(err, r, "marking connections");
	return 0;
}
