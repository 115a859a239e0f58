/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_FINDING_H
#define NETPOLD_FINDING_H

/**
 * One thing that is wrong, or surely not meant, in one object of a manifest.
 *
 * Form and order are those of the API server (AV-1 … AV-5), so that what is
 * said here is what `kubectl apply` would say. Strings belong to the reader
 * that reports the finding and live until its callback returns.
 */
enum finding_severity { FINDING_ERROR = 0, FINDING_WARNING };

struct finding {
	enum finding_severity severity;
	const char *file;      /* as it was named by the caller */
	unsigned int line;     /* from 1; 0 when unknown */
	const char *kind;      /* "NetworkPolicy"; "" when unknown */
	const char *namespace; /* "" for cluster-scoped objects */
	const char *name;      /* "" when the object has none */
	const char *path;      /* "spec.ingress[0].ports[1].port", may be "" */
	const char *message;   /* "TYPE: VALUE: DETAIL" (AV-1, AV-2) */
};

/**
 * Where findings go.
 *
 * @ctx  the caller's
 */
typedef void (*finding_fn)(void *ctx, const struct finding *finding);

/**
 * Write "FILE:LINE: Kind ns/name: PATH: MESSAGE", leaving out what is unknown.
 * Warnings have "warning: " before PATH. Cut when it does not fit.
 *
 * Returns  the length it would have had, as snprintf(3).
 */
int finding_format(const struct finding *finding, char *text,
		   unsigned long size);

#endif
