/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_RCU_H
#define NETPOLD_DAEMON_RCU_H

#include <urcu.h>

/**
 * Read-copy-update, by liburcu. Nobody else includes it.
 *
 * A worker reads the current snapshot inside a read-side section. Whoever
 * replaces the snapshot waits for a grace period: then every section that was
 * open at the replacement is over, so nobody still holds the old one, and no
 * verdict that it gave is still on its way.
 *
 * ThreadSanitizer does not know liburcu's barriers; it is told here that what
 * a section did comes before the end of the grace period that waited for it.
 */
#if defined(__SANITIZE_THREAD__)
#define RCU_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define RCU_TSAN 1
#endif
#endif

#ifdef RCU_TSAN
void __tsan_acquire(void *addr);
void __tsan_release(void *addr);
extern char rcu_tsan_token;
#endif

/** Before the first read-side section of a thread. */
static inline void rcu_thread_begin(void)
{
	rcu_register_thread();
}

/** After the last. */
static inline void rcu_thread_end(void)
{
	rcu_unregister_thread();
}

static inline void rcu_section_begin(void)
{
	rcu_read_lock();
}

static inline void rcu_section_end(void)
{
#ifdef RCU_TSAN
	__tsan_release(&rcu_tsan_token);
#endif
	rcu_read_unlock();
}

/** Wait until every section that is open now has ended. Not inside one. */
static inline void rcu_grace_period(void)
{
	synchronize_rcu();
#ifdef RCU_TSAN
	__tsan_acquire(&rcu_tsan_token);
#endif
}

#endif
