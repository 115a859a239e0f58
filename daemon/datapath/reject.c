/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/reject.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netpold/cleanup.h"

#include "datapath/rejection.h"

/* Tokens are counted in thousandths, which is how many come in a millisecond
   for each that comes in a second. */
#define TOKEN 1000

struct reject {
	int sockets[2]; /* IPv4, IPv6 */
	uint32_t tokens;
	uint32_t filled_ms; /* when they were last counted */
};

static int open_socket(int family, int level, int option, uint32_t mark)
{
	int fd = socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
			IPPROTO_RAW);
	int on = 1, code;

	if (fd >= 0 && setsockopt(fd, level, option, &on, sizeof(on)) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) == 0)
		return fd;
	code = -errno;
	if (fd >= 0)
		close(fd);
	return code;
}

static void reject_closep(struct reject **reject)
{
	reject_close(*reject);
}

static int open_sockets(struct reject *reject, uint32_t mark)
{
	reject->sockets[0] = open_socket(AF_INET, IPPROTO_IP, IP_HDRINCL, mark);
	if (reject->sockets[0] < 0)
		return reject->sockets[0];
	reject->sockets[1] =
		open_socket(AF_INET6, IPPROTO_IPV6, IPV6_HDRINCL, mark);
	return reject->sockets[1] < 0 ? reject->sockets[1] : 0;
}

int reject_open(uint32_t mark, struct reject **out, struct err *err)
{
	CLEANUP(reject_closep) struct reject *reject = NULL;
	int r;

	reject = calloc(1, sizeof(*reject));
	if (!reject)
		return err_set(err, -ENOMEM, "no memory to refuse packets");
	reject->sockets[0] = reject->sockets[1] = -1;
	reject->tokens = REJECT_BURST * TOKEN;
	r = open_sockets(reject, mark);
	if (r == -EPERM)
		return err_set(err, r,
			       "--deny=reject needs CAP_NET_RAW: add NET_RAW "
			       "to the container's capabilities, or use "
			       "--deny=drop");
	if (r < 0)
		return err_set(err, r, "cannot refuse packets: %s",
			       strerror(-r));
	*out = reject;
	reject = NULL;
	return 0;
}

void reject_close(struct reject *reject)
{
	if (!reject)
		return;
	for (int i = 0; i < 2; i++) {
		if (reject->sockets[i] >= 0)
			close(reject->sockets[i]);
	}
	free(reject);
}

/* ---- sending ------------------------------------------------------------- */

static bool take_token(struct reject *reject, uint32_t now_ms)
{
	uint32_t passed_ms = now_ms - reject->filled_ms;
	uint64_t tokens = reject->tokens + (uint64_t)passed_ms * REJECT_RATE;

	reject->filled_ms = now_ms;
	if (tokens > REJECT_BURST * TOKEN)
		tokens = REJECT_BURST * TOKEN;
	reject->tokens = (uint32_t)tokens;
	if (tokens < TOKEN)
		return false;
	reject->tokens -= TOKEN;
	return true;
}

static bool send_to(const struct reject *reject,
		    const struct rejection *rejection)
{
	const struct ip_addr *to = &rejection->to;
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} address = { 0 };
	bool v6 = to->family == IP_V6;
	socklen_t len = v6 ? sizeof(address.v6) : sizeof(address.v4);

	address.any.sa_family = v6 ? AF_INET6 : AF_INET;
	memcpy(v6 ? (void *)&address.v6.sin6_addr
		  : (void *)&address.v4.sin_addr,
	       to->bytes, ip_addr_len(to));
	return sendto(reject->sockets[v6], rejection->data, rejection->len,
		      MSG_DONTWAIT, &address.any, len) >= 0;
}

bool reject_packet(struct reject *reject, const uint8_t *data, size_t len,
		   const struct packet *packet, uint32_t now_ms)
{
	struct rejection rejection;

	return rejection_write(data, len, packet, &rejection) &&
	       take_token(reject, now_ms) && send_to(reject, &rejection);
}
