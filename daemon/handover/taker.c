/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "handover/taker.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <jansson.h>

#include "fault.h"
#include "handover/patience.h"
#include "log.h"

/* In the order in which they are sent. */
enum { FD_STATUS_SOCKET, FD_LOCK, FD_FIRST_QUEUE };

void taker_init(struct taker *taker)
{
	taker->alone = false;
	wire_open(&taker->wire, -1);
}

void taker_close(struct taker *taker)
{
	wire_close(&taker->wire);
}

/* ---- asking ------------------------------------------------------------- */

/* Returns a descriptor that does not block; a negative errno, -EAGAIN where
   somebody listens who lets nobody in. */
static int reach(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, code;

	if (!*path)
		return -ENOENT;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	code = -errno;
	close(fd);
	return code;
}

bool taker_may_ask(const char *path)
{
	int fd = reach(path);

	if (fd >= 0)
		close(fd);
	return fd >= 0 || fd == -EAGAIN;
}

static int hung(struct err *err)
{
	return err_set(err, -ETIMEDOUT,
		       "another netpold runs here, and has not answered within "
		       "%d s: end it (SIGKILL, if need be), and then start "
		       "this one",
		       HANDOVER_ANSWER_MS / 1000);
}

static int say_terms(struct taker *taker, const struct terms *terms)
{
	json_t *object = json_pack("{so}", "hand-over", terms_to_json(terms));
	int r = wire_say_object(&taker->wire, object, HANDOVER_ANSWER_MS);

	json_decref(object);
	return r;
}

static int converse(struct taker *taker, const struct terms *terms,
		    struct err *err)
{
	struct wire *wire = &taker->wire;
	int r = say_terms(taker, terms);

	if (r < 0)
		return err_set(err, r,
			       "cannot ask the netpold that runs here: "
			       "%s",
			       strerror(-r));
	r = wire_await(wire, "agreed", HANDOVER_ANSWER_MS, err);
	if (r < 0)
		return r;
	fault_strike("taker-agreed");
	r = wire_await(wire, "queues", HANDOVER_ANSWER_MS, err);
	fault_strike("taker-got");
	return r;
}

int taker_ask(struct taker *taker, const char *path, const struct terms *terms,
	      unsigned int n_queues, struct err *err)
{
	int r = reach(path);

	if (r == -EAGAIN)
		return hung(err);
	if (r < 0) /* it listened a moment ago */
		return 0;
	wire_open(&taker->wire, r);
	r = converse(taker, terms, err);
	if (r == 0 && taker->wire.n_fds != FD_FIRST_QUEUE + n_queues)
		r = err_set(err, -EPROTO,
			    "another netpold runs here, and has not handed "
			    "over what it should: stop it first");
	if (r == 0)
		return 1;
	taker_close(taker);
	if (r == -ETIMEDOUT)
		return hung(err);
	return r == -EPIPE ? 0 : r;
}

/* ---- what is here ------------------------------------------------------- */

static int take(struct taker *taker, size_t i)
{
	int fd = taker->wire.fds[i];

	taker->wire.fds[i] = -1;
	return fd;
}

int taker_status_socket(struct taker *taker)
{
	return take(taker, FD_STATUS_SOCKET);
}

int taker_lock(struct taker *taker)
{
	return take(taker, FD_LOCK);
}

/* They are the last ones. */
const int *taker_queues(struct taker *taker)
{
	taker->wire.n_fds = FD_FIRST_QUEUE;
	return taker->wire.fds + FD_FIRST_QUEUE;
}

/* ---- stepping in -------------------------------------------------------- */

/* Who ends on the way has left it all to this one. */
static int unless_it_ended(struct taker *taker, int r)
{
	if (r != -EPIPE && r != -ECONNRESET)
		return r;
	taker->alone = true;
	return 0;
}

int taker_relieve(struct taker *taker, struct err *err)
{
	int r;

	fault_strike("taker-judging");
	r = wire_say(&taker->wire, "judging", NULL, 0, HANDOVER_ANSWER_MS);
	if (r < 0) {
		err_set(err, r, "cannot tell the netpold that ran before: %s",
			strerror(-r));
		return unless_it_ended(taker, r);
	}
	fault_strike("taker-said");
	r = wire_await(&taker->wire, "resting", HANDOVER_ANSWER_MS, err);
	fault_delay("taker-alone");
	fault_strike("taker-relieved");
	return r == -ETIMEDOUT ? hung(err) : unless_it_ended(taker, r);
}

/* It says nothing more, unless it has given up. */
int taker_finish(struct taker *taker, struct err *err)
{
	struct err why;
	int r;

	fault_strike("taker-in-force");
	if (taker->alone)
		return 0;
	r = wire_say(&taker->wire, "in force", NULL, 0, HANDOVER_ANSWER_MS);
	if (r == 0 || r == -EPIPE)
		r = wire_await(&taker->wire, "", HANDOVER_END_MS, &why);
	if (r == -ECANCELED)
		return err_set(err, r, "%s", why.message);
	if (r == -ETIMEDOUT)
		log_warning("the netpold that ran before does not end; this "
			    "one enforces");
	return 0;
}
