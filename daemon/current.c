/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "current.h"

#include <stdatomic.h>
#include <stdint.h>

#include "fault.h"
#include "rcu.h"

static _Atomic(struct snapshot *) current;

static _Atomic(uint64_t) n_published;

#ifdef RCU_TSAN
char rcu_tsan_token;
#endif

const struct snapshot *current_load(void)
{
	return atomic_load_explicit(&current, memory_order_acquire);
}

uint64_t current_number(void)
{
	return atomic_load_explicit(&n_published, memory_order_acquire);
}

/* Counted once it is in place: who reads the count first, and what is in force
   then, has nothing older than the count says. */
static void count(void)
{
	atomic_fetch_add_explicit(&n_published, 1, memory_order_release);
}

bool current_wait_out(void)
{
	if (!fault_stands("grace"))
		return false;
	rcu_grace_period();
	return true;
}

void current_replace(struct snapshot *next)
{
	struct snapshot *old;

	old = atomic_exchange_explicit(&current, next, memory_order_acq_rel);
	count();
	if (!current_wait_out())
		return; /* somebody may still use the old one */
	snapshot_free(old);
}

void current_withdraw(void)
{
	atomic_store_explicit(&current, NULL, memory_order_release);
	count();
}
