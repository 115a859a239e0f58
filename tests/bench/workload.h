/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_TESTS_BENCH_WORKLOAD_H
#define NETPOLD_TESTS_BENCH_WORKLOAD_H

#include <stddef.h>
#include <stdint.h>

#include "netpold/cluster.h"
#include "netpold/object.h"

/**
 * The standard workload W(n), and the wide one, as objects in memory.
 *
 * What they are is written in workload.py, which makes the same ones as
 * manifests; workload_compare() sees to it that they stay the same.
 *
 * Objects and what they point to live until workload_forget().
 */

/** In each namespace. */
#define WORKLOAD_PODS 100
#define WORKLOAD_POLICIES 10

/** The node that is measured, and the number of its pods: one in each
 *  namespace, selected by the policy of this number. */
#define WORKLOAD_NODE "node7"
#define WORKLOAD_LOCAL 7

struct object workload_namespace(size_t i);

/** Pod @j of namespace @i; beyond WORKLOAD_PODS it is one more of the kind. */
struct object workload_pod(size_t i, size_t j);
struct ip_addr workload_address(size_t i, size_t j);

/** The same pod with labels that no other one has, whatever @number. */
struct object workload_new_pod(size_t i, size_t j, size_t number);

/** Policy @k of namespace @i. @edition  0, or an edit of it: each lets other
 *  peers in, on other ports. */
struct object workload_policy(size_t i, size_t k, size_t edition);

void workload_forget(void);

/** A cluster that holds W(n). */
struct cluster *workload_cluster(size_t n);

/**
 * The wide workload: n policies that all select the one pod of WORKLOAD_NODE,
 * and n pods elsewhere. Policy k lets pod k in, and lets out to block k, on
 * port wide_port(k).
 */
struct cluster *wide_cluster(size_t n);
struct ip_addr wide_subject(void);
struct ip_addr wide_peer(size_t k);
struct ip_addr wide_block(size_t k); /* an address in it */
uint16_t wide_port(size_t k);

/**
 * Read manifests by the manifest reader; every object in them must be in the
 * cluster, too, and be equal. Ends the program where one is not.
 *
 * Returns  how many there are.
 */
size_t workload_compare(const struct cluster *cluster, const char *json);

#endif
