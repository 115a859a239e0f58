/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "insert.h"

#include <arpa/inet.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>

#include <libmnl/libmnl.h>

#include "datapath/conntrack_message.h"
#include "netpold/object.h"

#define TIMEOUT_S 600

static void put_tuple(struct nlmsghdr *message, uint16_t type,
		      const struct conntrack_tuple *tuple)
{
	bool v6 = tuple->src.family == IP_V6;
	struct nlattr *outer = mnl_attr_nest_start(message, type);
	struct nlattr *nest = mnl_attr_nest_start(message, CTA_TUPLE_IP);

	mnl_attr_put(message, v6 ? CTA_IP_V6_SRC : CTA_IP_V4_SRC,
		     ip_addr_len(&tuple->src), tuple->src.bytes);
	mnl_attr_put(message, v6 ? CTA_IP_V6_DST : CTA_IP_V4_DST,
		     ip_addr_len(&tuple->dst), tuple->dst.bytes);
	mnl_attr_nest_end(message, nest);
	nest = mnl_attr_nest_start(message, CTA_TUPLE_PROTO);
	mnl_attr_put_u8(message, CTA_PROTO_NUM, PROTOCOL_TCP);
	mnl_attr_put_u16(message, CTA_PROTO_SRC_PORT, htons(tuple->src_port));
	mnl_attr_put_u16(message, CTA_PROTO_DST_PORT, htons(tuple->dst_port));
	mnl_attr_nest_end(message, nest);
	mnl_attr_nest_end(message, outer);
}

static void put_established(struct nlmsghdr *message)
{
	struct nlattr *outer = mnl_attr_nest_start(message, CTA_PROTOINFO);
	struct nlattr *tcp = mnl_attr_nest_start(message, CTA_PROTOINFO_TCP);

	mnl_attr_put_u8(message, CTA_PROTOINFO_TCP_STATE,
			TCP_CONNTRACK_ESTABLISHED);
	mnl_attr_nest_end(message, tcp);
	mnl_attr_nest_end(message, outer);
}

static void put_helper(struct nlmsghdr *message)
{
	struct nlattr *nest = mnl_attr_nest_start(message, CTA_HELP);

	mnl_attr_put_strz(message, CTA_HELP_NAME, "ftp");
	mnl_attr_nest_end(message, nest);
}

int insert_connection(struct netlink *netlink,
		      const struct conntrack_entry *entry)
{
	struct netlink_buffer buffer;
	struct nlmsghdr *message;

	message = conntrack_message_put(buffer.bytes, IPCTNL_MSG_CT_NEW,
					NLM_F_CREATE | NLM_F_ACK,
					entry->original.src.family);
	put_tuple(message, CTA_TUPLE_ORIG, &entry->original);
	put_tuple(message, CTA_TUPLE_REPLY, &entry->reply);
	if (entry->master_protocol)
		put_tuple(message, CTA_TUPLE_MASTER, &entry->master);
	mnl_attr_put_u32(message, CTA_STATUS,
			 htonl(IPS_CONFIRMED | IPS_SEEN_REPLY | IPS_ASSURED));
	mnl_attr_put_u32(message, CTA_TIMEOUT, htonl(TIMEOUT_S));
	mnl_attr_put_u32(message, CTA_MARK, htonl(entry->mark));
	put_established(message);
	if (entry->has_helper)
		put_helper(message);
	return netlink_request(netlink, message, NULL, NULL, NULL);
}

struct conntrack_entry a_connection(struct ip_addr client, uint16_t client_port,
				    struct ip_addr server, uint16_t server_port,
				    uint32_t mark)
{
	return (struct conntrack_entry){
		.original = { .src = client,
			      .dst = server,
			      .src_port = client_port,
			      .dst_port = server_port },
		.reply = { .src = server,
			   .dst = client,
			   .src_port = server_port,
			   .dst_port = client_port },
		.protocol = PROTOCOL_TCP,
		.mark = mark,
	};
}
