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

/** What kind of thing is wrong; tools sort and silence findings by it. */
enum finding_code {
	/* Errors. */
	FINDING_INVALID = 0, /* a value that is refused (AV-20 … AV-61) */
	FINDING_DECODING,    /* unknown or doubled field, wrong type */
	FINDING_NO_OBJECT,   /* a document that is no object or list */
	FINDING_UNSUPPORTED_KIND, /* of policies that would not be enforced */
	FINDING_UNREADABLE,	  /* no YAML or JSON, or too large */
	FINDING_UNKNOWN_MODE, /* netpold.io/mode: neither enforce nor audit */
	/* Warnings. */
	FINDING_ODD_CIDR,	/* accepted by some servers only (AV-57) */
	FINDING_SELECTS_NO_POD, /* a policy without pods */
	FINDING_MISSING_PORT,	/* a named port that no pod has */
	FINDING_REDUNDANT_RULE, /* another rule allows all of it */
	FINDING_MATCHES_NO_NAMESPACE, /* a namespaceSelector */
	FINDING_EXCEPTS_ALL,	      /* a block of which nothing is left */
	FINDING_INCOMPLETE,	      /* too much to look for all of these */
};
#define N_FINDING_CODES 13

/** "invalid", "selects-no-pod", …; such a name never changes. */
const char *finding_code_name(enum finding_code code);

struct finding {
	enum finding_severity severity;
	enum finding_code code;
	const char *file;      /* as it was named by the caller; "": none */
	unsigned int line;     /* from 1; 0 when unknown */
	const char *kind;      /* "NetworkPolicy"; "" when unknown */
	const char *namespace; /* "" for cluster-scoped objects */
	const char *name;      /* "" when the object has none */
	const char *path;      /* "spec.ingress[0].ports[1].port", may be "" */
	const char *message;   /* errors: "TYPE: VALUE: DETAIL" (AV-1, AV-2) */
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
