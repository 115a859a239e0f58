/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_CLEANUP_H
#define NETPOLD_CLEANUP_H

/**
 * CLEANUP(fn) runs fn(&variable) when the variable goes out of scope, on every
 * way out of its block. Whoever hands the value on sets the variable to its
 * empty value first.
 */
#define CLEANUP(fn) __attribute__((cleanup(fn)))

#endif
