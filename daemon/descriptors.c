/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "descriptors.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Aligned as a struct cmsghdr has to be. */
union control {
	char bytes[CMSG_SPACE(DESCRIPTORS_MAX * sizeof(int))];
	struct cmsghdr aligned;
};

ssize_t descriptors_send(int socket, const void *data, size_t len,
			 const int *fds, size_t n)
{
	/* sendmsg(2) does not write to it. */
	union {
		const void *in;
		void *out;
	} bytes = { .in = data };
	struct iovec part = { .iov_base = bytes.out, .iov_len = len };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	union control control = { 0 };
	ssize_t sent;

	if (n > 0) {
		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(n * sizeof(int));
		control.aligned.cmsg_level = SOL_SOCKET;
		control.aligned.cmsg_type = SCM_RIGHTS;
		control.aligned.cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(&control.aligned), fds, n * sizeof(int));
	}
	sent = sendmsg(socket, &message, MSG_NOSIGNAL);
	return sent < 0 ? -errno : sent;
}

/* Those that there is no room for are closed again. */
static void take(struct cmsghdr *header, int *fds, size_t max, size_t *n)
{
	size_t n_here = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);

	for (size_t i = 0; i < n_here; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
		if (*n < max)
			fds[(*n)++] = fd;
		else
			close(fd);
	}
}

ssize_t descriptors_receive(int socket, void *data, size_t len, int *fds,
			    size_t max)
{
	struct iovec part = { .iov_base = data, .iov_len = len };
	union control control;
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = control.bytes,
				  .msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *header;
	size_t n_fds = 0;
	ssize_t n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);

	for (size_t i = 0; i < max; i++)
		fds[i] = -1;
	if (n < 0)
		return -errno;
	for (header = CMSG_FIRSTHDR(&message); header;
	     header = CMSG_NXTHDR(&message, header)) {
		if (header->cmsg_level == SOL_SOCKET &&
		    header->cmsg_type == SCM_RIGHTS)
			take(header, fds, max, &n_fds);
	}
	return n;
}
