/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_OBSERVER_H
#define NETPOLD_DAEMON_OBSERVE_OBSERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "netpold/compiler.h"
#include "netpold/err.h"
#include "netpold/snapshot.h"

#include "datapath/iptables.h"
#include "enforcement.h"

/**
 * The observer knows how netpold stands, and tells whoever asks. It reads, and
 * steers nothing; what an operator wants it hands on (pause_desk.h).
 *
 * The controller tells it what has happened, in the functions below; that costs
 * a copy of some kilobytes. What the packet path counts it reads by itself.
 *
 *	thread		writes				reads
 *	controller	the status, histograms		its own of both
 *	worker		its counters
 *	watchdog	what it has seen		counters, queues
 *	tally		policies' verdicts		rings of workers
 *	observer	clients, the desk		all of these
 *	web		connections			all of these
 *	page		likewise, for people		all of these
 *
 * Threads  controller only, all of it.
 */
struct flow_counts;
struct flow_target;
struct flow_watch;
struct kube_status;
struct name_set;
struct observer;
struct web_options;
struct cluster;
struct pause;
struct pause_desk;
struct receipt;
struct recall_counts;
struct worker;

struct terms;

struct observer_options {
	const char *node_name;
	const char *const *manifests; /* --manifests; they outlive the
					 observer */
	size_t n_manifests;
	bool audit; /* nothing is enforced */
	uint32_t mark_mask;
	uint16_t queue_base;
	unsigned int n_workers;
	size_t n_told_policies;	 /* in metrics, by name; 0: nobody is told */
	struct pause_desk *desk; /* outlives the observer */
};

/** Begin to note things down. 0, or a negative errno with a message. */
int observer_open(const struct observer_options *options, struct observer **out,
		  struct err *err);

/**
 * Begin to answer: the status, which may be that netpold is starting, and such
 * metrics as there are by then.
 *
 * Signals that no thread is to take are blocked by then.
 *
 * @socket_path  "": none, and nobody can ask
 * @inherited    a socket that another netpold has made there, owned on success;
 *               -1: make it
 *
 * Returns  0; a negative errno with a message for the operator where the socket
 *          cannot be made (status_socket_open()).
 */
int observer_listen(struct observer *observer, const char *socket_path,
		    int inherited, struct err *err);

/**
 * Begin to answer over HTTP, too: whether netpold lives, whether it is ready,
 * and all metrics (web_pages.h).
 *
 * @is_patient  another netpold, which is about to leave, may still listen there
 *
 * Returns  as web_server_start(); web_tls_open() and web_token_open().
 */
int observer_serve(struct observer *observer, const struct web_options *options,
		   bool is_patient, struct err *err);

/**
 * Begin to serve the page for people, too (live_view.h).
 *
 * @options, @is_patient  as for observer_serve(); there is a page_address, and
 *                        what it points to outlives the observer
 *
 * Returns  as live_view_start().
 */
int observer_serve_page(struct observer *observer,
			const struct web_options *options, bool is_patient,
			struct err *err);

/** Answer no more. Before the workers end. NULL is fine. */
void observer_close(struct observer *observer);

/** The same, where another netpold goes on with the socket. */
void observer_leave(struct observer *observer);

/** From now on another netpold may take over, on these terms (handover/). */
void observer_offer(struct observer *observer, const struct terms *terms);

/** Readable when one wants to. */
int observer_asked_fd(const struct observer *observer);

/** The conversation with one that wants to, for the caller; -1: none. */
int observer_asked(struct observer *observer);

/** From now on questions about flows are answered (question_desk.h). */
void observer_begin_to_explain(struct observer *observer);

/** Readable when there is one. */
int observer_question_fd(const struct observer *observer);

/** It, for the caller, who has to answer; NULL: there is none. */
json_t *observer_question(struct observer *observer);

/** Answer it. @answer: owned; NULL: it is refused, and @why. */
void observer_explain(struct observer *observer, json_t *answer,
		      const struct err *why);

/** The receipt of a policy that is in force; false, and zero, where there is
 *  none. */
bool observer_receipt(const struct observer *observer, const char *namespace,
		      const char *name, struct receipt *out);

/** The socket that is listened at; -1: none. */
int observer_socket(const struct observer *observer);

/**
 * Read the counters of workers from now on, and watch that they move
 * (watchdog.h).
 *
 * @workers  as many as observer_options.n_workers; they outlive the observer
 *
 * Where memory or threads are short, that is logged, and nothing is to be seen
 * of them, or nobody watches.
 */
void observer_watch(struct observer *observer,
		    const struct worker *const *workers,
		    enum iptables_flavour flavour);

/** There is a flow log, which goes there; both outlive the observer. Where
 *  memory is short, that is logged, and its metrics are missing. */
void observer_log(struct observer *observer, const struct flow_target *target,
		  const struct flow_counts *counts);

/** What is judged can be looked at from now on (flows_json.h); it outlives the
 *  observer. */
void observer_show(struct observer *observer, struct flow_watch *watch);

/** What is not judged counts from here on (unjudged.h). Asks iptables, which
 *  takes some milliseconds. */
void observer_take_base_line(struct observer *observer);

/* ---- what has happened ---------------------------------------------------
 * Times are steady (clock_us()).
 */

/** A snapshot was compiled. */
void observer_compiled(struct observer *observer, int64_t began_us,
		       const struct compiler_memory *memory);

/**
 * A compilation has changed such policies: once it is in force, there are
 * receipts for them (receipts.h).
 *
 * @update   of the compilation; NULL: any policy may have changed
 * @cluster  that was compiled
 */
void observer_follow(struct observer *observer, const struct update *update,
		     const struct cluster *cluster);

/** What the objects say is refused, or waited for; it may be said again. */
void observer_refused(struct observer *observer, const char *reason);

/** What the objects say is not refused any more. */
void observer_accepted(struct observer *observer);

/** New flows obey a change. */
void observer_published(struct observer *observer, int64_t received_us,
			int64_t published_us);

/** But open connections do not; it may be said again. */
void observer_unsettled(struct observer *observer, const char *reason);

/** What somebody else had changed was put right so often since the start
 *  (guard.h); it may be said again. */
void observer_mended(struct observer *observer, uint64_t rules,
		     uint64_t members);

/** What the kernel remembers; it may be said again. */
void observer_recall(struct observer *observer,
		     const struct recall_counts *counts);

/** Nothing is in force until this is over; it may be said again. NULL: there is
 *  no pause any more. */
void observer_paused(struct observer *observer, const struct pause *pause);

/** What the manifests said at @written_us, by the wall clock, stands in for
 * what they say (source/warm_file.h). 0: it does not any more. */
void observer_warm(struct observer *observer, int64_t written_us);

/** The control loop turns, or comes on with what it does (pulse.h): told each
 *  time that it does, which costs one store. Nobody is told that it has
 *  stopped, so this is what liveness is made of (health.h). */
void observer_alive(struct observer *observer);

/** How it stands between the API server and us: copied; it may be said again.
 *  Until the first time, objects come from manifests. */
void observer_source(struct observer *observer,
		     const struct kube_status *source);

/** Of these policies the API server has more than can be read: no receipt says
 *  that they are in force. @is_settled: as receipts_unreadable() has it. */
void observer_unreadable(struct observer *observer,
			 const struct name_set *policies, bool is_settled);

/** A change is in force. */
struct observer_change {
	uint64_t generation;
	struct snapshot_counts counts;
	size_t n_isolated[N_DIRECTIONS]; /* addresses */
	int64_t program_us; /* as in enforcement.h; 0: not measured */
	enum sweep_extent extent;
	size_t n_revoked, n_picked_up; /* connections */
	int64_t in_force_us;
};

void observer_in_force(struct observer *observer,
		       const struct observer_change *change);

#endif
