/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "handover/place.h"

#include <errno.h>
#include <unistd.h>

#include "instance.h"

/* While one asks, who is asked may hand over to a third, who can be asked in
   turn. */
#define TRIES 3

void place_init(struct place *place, const char *status_socket)
{
	*place = (struct place){ .status_socket = status_socket, .lock = -1 };
	taker_init(&place->taker);
}

int place_find(struct place *place, struct err *err)
{
	int lock = instance_try_lock();

	place->taken =
		lock == -EADDRINUSE && taker_may_ask(place->status_socket);
	if (place->taken)
		return 0;
	/* Who was killed is given the time to be gone. */
	if (lock < 0)
		lock = instance_lock(err);
	if (lock == -EADDRINUSE)
		return err_set(err, lock,
			       "another netpold runs in this network "
			       "namespace, and does not listen at '%s', where "
			       "it could be asked to hand over: stop it first, "
			       "or give its --status-socket",
			       place->status_socket);
	if (lock < 0)
		return lock;
	place->lock = lock;
	return 0;
}

int place_ask(struct place *place, const struct terms *terms,
	      unsigned int n_queues, struct err *err)
{
	int r = 0;

	for (int i = 0; i < TRIES && place->lock < 0; i++) {
		r = taker_ask(&place->taker, place->status_socket, terms,
			      n_queues, err);
		if (r < 0)
			return r;
		place->heir = r > 0;
		place->lock = place->heir ? taker_lock(&place->taker)
					  : instance_lock(err);
	}
	return place->lock < 0 ? err->code : 0;
}

void place_close(struct place *place)
{
	taker_close(&place->taker);
	if (place->lock >= 0)
		close(place->lock);
	place->lock = -1;
}
