/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_MANIFEST_H
#define NETPOLD_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>

#include "netpold/err.h"
#include "netpold/finding.h"
#include "netpold/object.h"

/**
 * Reads Kubernetes objects out of YAML or JSON text, one at a time.
 *
 * The text is what `kubectl get -o yaml` or `-o json` prints, or what people
 * write by hand: single objects, several YAML documents, Lists and typed lists
 * (`PodList`). A list is never in memory as a whole: each item is decoded,
 * handed out and forgotten, so that memory is bounded by the largest object.
 *
 * NetworkPolicies are read strictly: an unknown or doubled field, a wrong type
 * or a value that the API server would refuse is an error, because a field
 * that is dropped in silence can make a policy wider (AV-13). Of pods,
 * namespaces and nodes only the fields that decide are read; the others are
 * free. Objects of other kinds are passed over and counted.
 *
 * Text is hostile: nesting, aliases, sizes and numbers are bounded.
 */
struct manifest;

/**
 * More bytes of the text.
 *
 * Returns  how many were written to @buf; 0 at the end; negative errno on
 *          failure.
 */
typedef long (*manifest_read_fn)(void *ctx, char *buf, size_t size);

struct manifest_options {
	const char *file; /* named in findings */
	bool strict;	  /* odd CIDR forms are errors (AV-57) */
	manifest_read_fn read;
	void *read_ctx;
	finding_fn report; /* may be NULL */
	void *report_ctx;
};

/** Returns 0 or -ENOMEM. Strings in @options must outlive the reader. */
int manifest_open(const struct manifest_options *options,
		  struct manifest **out);

/** NULL is fine. */
void manifest_close(struct manifest *manifest);
void manifest_closep(struct manifest **manifest);

/**
 * Read on to the next object that decides about packets.
 *
 * Errors in an object are reported, counted, and the object is passed over;
 * reading goes on with the next. Only text that is no YAML or JSON at all, or
 * that exceeds a bound, ends the reading: that too is reported as a finding,
 * and is the failure returned here.
 *
 * @out  valid until the next call
 *
 * Returns  1 with an object; 0 at the end; negative errno when reading cannot
 *          go on, with @err filled in.
 */
int manifest_next(struct manifest *manifest, struct object *out,
		  struct err *err);

/** File line on which the object last returned begins. */
unsigned int manifest_line(const struct manifest *manifest);

/** Errors reported so far, the fatal one included. */
size_t manifest_n_errors(const struct manifest *manifest);

/** Objects of kinds that decide nothing, passed over so far. */
size_t manifest_n_ignored(const struct manifest *manifest);

/** Those among them that may lead to pods: Deployments and the like, and all
 *  kinds of other products. */
size_t manifest_n_pod_makers(const struct manifest *manifest);

#endif
