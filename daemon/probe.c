/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "netpold/addr.h"

#include "confine.h"
#include "datapath/conntrack_ends.h"
#include "datapath/conntrack_setting.h"
#include "datapath/copies.h"
#include "datapath/recall.h"
#include "datapath/divert.h"
#include "datapath/feature.h"
#include "datapath/iptables.h"
#include "datapath/mark.h"
#include "datapath/mark_use.h"
#include "datapath/queue.h"
#include "datapath/queue_status.h"
#include "datapath/reject.h"
#include "datapath/rules.h"
#include "datapath/sweep.h"
#include "instance.h"

struct prober {
	const struct enforcement_options *options;
	finding_fn found;
	void *ctx;
	struct mark_layout marks;
	enum iptables_flavour flavour;
	/* Known: no rule leads into the queues. Where one does, packets come
	   into a queue that is bound, and are dropped when it is closed
	   (NF-23). */
	bool no_rules;
};

static const struct {
	enum ip_family family;
	const char *name;
} families[] = { { IP_V4, "IPv4" }, { IP_V6, "IPv6" } };

static void __attribute__((format(printf, 3, 4)))
tell(const struct prober *p, enum finding_kind kind, const char *fmt, ...)
{
	struct finding finding = { .kind = kind };
	va_list args;

	va_start(args, fmt);
	vsnprintf(finding.text, sizeof(finding.text), fmt, args);
	va_end(args);
	p->found(p->ctx, &finding);
}

/* ---- marks -------------------------------------------------------------- */

struct listing {
	const struct prober *prober;
	enum iptables_flavour flavour;
	size_t n; /* uses found */
};

static void tell_use(void *ctx, const struct mark_use *use)
{
	struct listing *listing = ctx;

	listing->n++;
	tell(listing->prober, FINDING_WARNING,
	     "a rule of iptables-%s %s bits %#x, which netpold takes for its "
	     "own: %.*s; choose others with --mark-mask",
	     iptables_flavour_name(listing->flavour),
	     use->writes ? "changes" : "compares", use->bits, (int)use->len,
	     use->rule);
}

static int list_marks(struct prober *p, uint32_t mask, size_t *n,
		      struct err *err)
{
	static const enum iptables_flavour flavours[] = { IPTABLES_NFT,
							  IPTABLES_LEGACY };

	for (size_t i = 0; i < 4; i++) {
		struct listing listing = { p, flavours[i / 2], 0 };
		char *saved;
		int r = iptables_save(flavours[i / 2], families[i % 2].family,
				      &saved, err);

		if (r < 0)
			return r;
		mark_uses_find(saved, mask, tell_use, &listing);
		*n += listing.n;
		free(saved);
	}
	return 0;
}

int probe_marks(uint32_t mask, finding_fn found, void *ctx, struct err *err)
{
	struct prober p = { .found = found, .ctx = ctx };
	size_t n = 0;

	return list_marks(&p, mask, &n, err);
}

static void probe_mask(struct prober *p)
{
	uint32_t mask = p->marks.mask;
	struct err err;
	size_t n = 0;

	if (list_marks(p, mask, &n, &err) < 0)
		tell(p, FINDING_MISSING, "%s", err.message);
	else if (n == 0)
		tell(p, FINDING_GOOD,
		     "mark mask %#x: no rule of iptables uses its bits", mask);
}

/* ---- rules -------------------------------------------------------------- */

static enum iptables_flavour other_flavour(enum iptables_flavour flavour)
{
	return flavour == IPTABLES_NFT ? IPTABLES_LEGACY : IPTABLES_NFT;
}

static bool probe_flavour(struct prober *p)
{
	struct rules_standing others, ours;
	struct err err;
	int r = 0;

	p->flavour = p->options->flavour;
	if (p->flavour == IPTABLES_AUTO)
		r = iptables_detect(&p->flavour, &err);
	if (r == 0)
		r = rules_stand(other_flavour(p->flavour), &others, &err);
	if (r == 0)
		r = rules_stand(p->flavour, &ours, &err);
	if (r < 0) {
		tell(p, FINDING_MISSING, "%s", err.message);
		return false;
	}
	p->no_rules = !others.enforce && !ours.enforce;
	if (others.any)
		tell(p, FINDING_MISSING,
		     "rules of netpold stand in iptables-%s, and this node's "
		     "are put up with iptables-%s: run `netpold clean` first, "
		     "or choose with --iptables",
		     iptables_flavour_name(other_flavour(p->flavour)),
		     iptables_flavour_name(p->flavour));
	else
		tell(p, FINDING_GOOD, "iptables-%s puts up the rules",
		     iptables_flavour_name(p->flavour));
	return true;
}

static enum feature_use use_of(const struct enforcement_options *options)
{
	if (options->audit)
		return FEATURES_AUDIT;
	return options->kernel_cache > 0 ? FEATURES_REMEMBER : FEATURES_ENFORCE;
}

static void probe_features(struct prober *p)
{
	for (size_t i = 0; i < 2; i++) {
		const char *missing;
		struct err err;

		if (feature_missing(p->flavour, families[i].family,
				    use_of(p->options), &missing, &err) < 0) {
			tell(p, FINDING_MISSING, "%s: %s", families[i].name,
			     err.message);
			/* Nor, then, may it list what stands. */
			p->no_rules = false;
		} else if (missing) {
			tell(p, FINDING_MISSING,
			     "%s: this kernel or iptables lacks %s",
			     families[i].name, missing);
		} else {
			tell(p, FINDING_GOOD,
			     "%s: the kernel has all that the rules need",
			     families[i].name);
		}
	}
}

static void probe_answers(const struct prober *p)
{
	const struct recall_options options = {
		.size = p->options->kernel_cache,
		.remember = { true, true },
		.n_workers = 1,
	};
	struct recall *recall;
	struct err err;

	if (p->options->kernel_cache == 0)
		return;
	if (recall_open(&options, &recall, &err) < 0) {
		tell(p, FINDING_MISSING, "%s", err.message);
		return;
	}
	recall_undo(recall);
	tell(p, FINDING_GOOD, "the kernel can remember answers");
}

/* Rules can only name sets that are there. Those that stood stay. */
static void probe_rules(struct prober *p)
{
	struct divert *divert;
	struct err err;

	if (!probe_flavour(p))
		return;
	if (divert_open(&divert, &err) < 0) {
		tell(p, FINDING_MISSING, "%s", err.message);
		return;
	}
	probe_features(p);
	divert_undo(divert);
	probe_answers(p);
}

/* ---- queues ------------------------------------------------------------- */

static bool try_queue(const struct prober *p, unsigned int number)
{
	const struct queue_options options = { .number = (uint16_t)number };
	struct queue *queue;
	struct err err;

	if (queue_open(&options, &queue, &err) < 0) {
		tell(p, FINDING_MISSING, "%s", err.message);
		return false;
	}
	queue_close(queue);
	return true;
}

static void try_queues(const struct prober *p)
{
	unsigned int first = p->options->queue_base, good = 0;

	for (unsigned int i = 0; i < p->options->n_workers; i++)
		good += try_queue(p, first + i);
	if (good == p->options->n_workers)
		tell(p, FINDING_GOOD, "queues %u-%u are free", first,
		     first + good - 1);
}

static void tell_taken(const struct prober *p,
		       const struct queue_status *queues)
{
	unsigned int n = p->options->n_workers, first = p->options->queue_base;
	unsigned int n_taken = 0;

	for (unsigned int i = 0; i < n; i++) {
		if (!queues[i].known)
			continue;
		n_taken++;
		tell(p, FINDING_MISSING,
		     "queue %u is in use by another program (see %s): stop "
		     "that program, or choose other numbers with --queue-base",
		     first + i, QUEUE_STATUS_PATH);
	}
	if (n_taken == 0)
		tell(p, FINDING_GOOD,
		     "queues %u-%u are free, says %s; they are not tried, as "
		     "rules may lead into them",
		     first, first + n - 1, QUEUE_STATUS_PATH);
}

/* Without binding them. */
static void list_queues(const struct prober *p)
{
	unsigned int n = p->options->n_workers, first = p->options->queue_base;
	struct queue_status *queues = calloc(n, sizeof(*queues));
	int r = -ENOMEM;

	if (queues)
		r = queue_status_read(QUEUE_STATUS_PATH, (uint16_t)first,
				      queues, n);
	if (r < 0)
		tell(p, FINDING_WARNING,
		     "whether queues %u-%u are free is not known: cannot read "
		     "%s (%s), and they are not tried, as rules may lead into "
		     "them",
		     first, first + n - 1, QUEUE_STATUS_PATH, strerror(-r));
	else
		tell_taken(p, queues);
	free(queues);
}

/* Whose copies are lost meanwhile, nobody has. */
static void try_group(const struct prober *p)
{
	const struct copies_options options = { .group = p->options->queue_base,
						.marks = &p->marks };
	struct copies *copies;
	struct err err;

	if (copies_open(&options, &copies, &err) < 0) {
		tell(p, FINDING_MISSING, "%s", err.message);
		return;
	}
	copies_close(copies);
	tell(p, FINDING_GOOD, "log group %u is free", p->options->queue_base);
}

static void probe_queues(const struct prober *p)
{
	if (p->options->audit)
		try_group(p);
	else if (p->no_rules)
		try_queues(p);
	else
		list_queues(p);
}

/* ---- connections --------------------------------------------------------- */

static void probe_connections(const struct prober *p)
{
	struct sweep *sweep;
	struct err err;

	if (sweep_open(&sweep, &p->marks, &err) < 0) {
		tell(p, FINDING_MISSING, "%s", err.message);
		return;
	}
	sweep_close(sweep);
	tell(p, FINDING_GOOD, "connections can be listed, with their marks");
}

static void probe_refusals(const struct prober *p)
{
	struct reject *reject;
	struct err err;

	if (!p->options->reject)
		return;
	if (reject_open(p->marks.bypass, &reject, &err) < 0) {
		tell(p, FINDING_MISSING, "%s", err.message);
		return;
	}
	reject_close(reject);
	tell(p, FINDING_GOOD, "--deny=reject: refusals can be sent");
}

void probe_node(const struct enforcement_options *options, finding_fn found,
		void *ctx)
{
	struct prober p = { .options = options, .found = found, .ctx = ctx };
	struct err err;
	int lock;

	if (mark_layout_init(&p.marks, options->mark_mask, &err) < 0) {
		tell(&p, FINDING_MISSING, "%s", err.message);
		return;
	}
	/* Whoever runs has the queues and the sets. */
	lock = instance_lock(&err);
	if (lock == -EADDRINUSE) {
		tell(&p, FINDING_WARNING,
		     "another netpold runs in this network namespace: a run "
		     "would take over from it, if it may; rules and queues are "
		     "not tried");
	} else if (lock < 0) {
		tell(&p, FINDING_MISSING, "%s", err.message);
	} else {
		probe_rules(&p);
		probe_queues(&p);
		close(lock);
	}
	probe_connections(&p);
	if (options->audit)
		return;
	probe_refusals(&p);
	probe_mask(&p);
}

/* ---- the flow log -------------------------------------------------------- */

static void probe_setting(const struct prober *p,
			  enum conntrack_setting setting, const char *lacks)
{
	const char *name = conntrack_setting_name(setting);

	if (!conntrack_setting_is_on(setting))
		tell(p, FINDING_WARNING,
		     "--flow-log-ends: %s is 0: %s; `sysctl -w %s=1` changes "
		     "that for connections to come",
		     name, lacks, name);
}

void probe_ends(finding_fn found, void *ctx)
{
	const struct prober p = { .found = found, .ctx = ctx };
	struct conntrack_ends *ends = NULL;
	struct err err;
	int r = conntrack_ends_open(&ends, &err);

	if (r == 0)
		r = conntrack_ends_join(ends, &err);
	conntrack_ends_close(ends);
	if (r < 0) {
		tell(&p, FINDING_MISSING, "%s", err.message);
		return;
	}
	tell(&p, FINDING_GOOD,
	     "--flow-log-ends: the ends of connections can be listened to");
	probe_setting(&p, CONNTRACK_EVENTS, "the kernel tells of none");
	probe_setting(&p, CONNTRACK_ACCT,
		      "their bytes and packets are not counted");
	probe_setting(&p, CONNTRACK_TIMESTAMP,
		      "how long they were open is not known");
}

void probe_filters(finding_fn found, void *ctx)
{
	const struct prober p = { .found = found, .ctx = ctx };
	struct err err;

	if (confine_init(true, &err) < 0)
		tell(&p, FINDING_MISSING, "%s", err.message);
	else
		tell(&p, FINDING_GOOD,
		     "--seccomp: the kernel can limit system calls");
}
