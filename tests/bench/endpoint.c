/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "endpoint.h"

#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static struct endpoint read_one(char *word)
{
	struct endpoint endpoint;
	char path[64], *address = strchr(word, '=');

	if (!address)
		errx(2, "'%s': expected PID=ADDRESS", word);
	*address++ = '\0';
	snprintf(path, sizeof(path), "/proc/%s/ns/net", word);
	endpoint.namespace_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (endpoint.namespace_fd < 0)
		err(2, "%s", path);
	if (inet_pton(AF_INET, address, &endpoint.address) != 1)
		errx(2, "'%s': expected an IPv4 address", address);
	return endpoint;
}

struct endpoint_list endpoint_list_parse(char *text)
{
	struct endpoint_list list = { NULL, 0 };
	char *rest = NULL;

	for (char *word = strtok_r(text, ",", &rest); word;
	     word = strtok_r(NULL, ",", &rest)) {
		list.items = reallocarray(list.items, list.n + 1,
					  sizeof(*list.items));
		if (!list.items)
			errx(2, "no memory");
		list.items[list.n++] = read_one(word);
	}
	if (list.n == 0)
		errx(2, "expected at least one PID=ADDRESS");
	return list;
}

void endpoint_enter(const struct endpoint *endpoint)
{
	if (setns(endpoint->namespace_fd, CLONE_NEWNET) < 0)
		err(2, "cannot enter a network namespace");
}

int endpoint_socket(const struct endpoint *endpoint, int family, int type,
		    int protocol)
{
	int fd;

	endpoint_enter(endpoint);
	fd = socket(family, type | SOCK_CLOEXEC, protocol);
	if (fd < 0)
		err(2, "cannot make a socket");
	return fd;
}
