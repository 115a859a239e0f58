/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "handover/desk.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int desk_init(struct desk *desk, struct err *err)
{
	*desk = (struct desk){ .asked = { -1, -1 } };
	if (pipe2(desk->asked, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_set(err, -errno, "cannot make a pipe: %s",
			       strerror(errno));
	return 0;
}

void desk_release(struct desk *desk)
{
	int fd;

	while ((fd = desk_next(desk)) >= 0)
		close(fd);
	for (int i = 0; i < 2; i++) {
		if (desk->asked[i] >= 0)
			close(desk->asked[i]);
	}
}

void desk_open(struct desk *desk, const struct terms *terms)
{
	desk->terms = *terms;
	/* Pairs with the acquire in desk_answer(). */
	atomic_store_explicit(&desk->open, true, memory_order_release);
}

json_t *desk_answer(struct desk *desk, const json_t *request, struct err *err)
{
	const json_t *theirs = json_object_get(request, "hand-over");

	if (!atomic_load_explicit(&desk->open, memory_order_acquire)) {
		err_set(err, -EAGAIN,
			"another netpold is just starting here: try again when "
			"it enforces, or stop it first");
		return NULL;
	}
	if (terms_agree(&desk->terms, theirs, err) < 0)
		return NULL;
	return json_pack("{ss}", "hand-over", "agreed");
}

/* A pipe takes so few bytes whole. */
void desk_take(struct desk *desk, int fd)
{
	if (write(desk->asked[1], &fd, sizeof(fd)) != sizeof(fd))
		close(fd);
}

int desk_fd(const struct desk *desk)
{
	return desk->asked[0];
}

int desk_next(struct desk *desk)
{
	int fd;

	return read(desk->asked[0], &fd, sizeof(fd)) == sizeof(fd) ? fd : -1;
}
