/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_ERR_H
#define NETPOLD_ERR_H

/**
 * One failure, told once, in words that a person can act on.
 *
 * Functions whose failure somebody will read take a `struct err *` as their
 * last argument. The code is a negative errno; the message is one whole
 * sentence without a final full stop: the object, what is wrong, what was
 * expected. Whoever gives up prints it; nobody else does.
 */
struct err {
	int code;
	char message[1024];
};

/**
 * Fill in @err (which may be NULL) and hand the code back.
 *
 * @code  negative errno
 * @fmt   as printf(3); a message too long for the buffer is cut
 *
 * Returns  @code, so that `return err_set(err, -EINVAL, "…")` reads well.
 * Threads  any.
 */
int err_set(struct err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * Put words in front of a message that is already there: "reading pods: …".
 *
 * Returns  @err->code, or -EIO where @err is NULL.
 */
int err_prefix(struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
