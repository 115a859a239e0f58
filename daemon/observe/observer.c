/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/observer.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "netpold/cleanup.h"

#include "clock.h"
#include "handover/desk.h"
#include "kube/kube_status.h"
#include "log.h"
#include "observe/control_metrics.h"
#include "observe/datapath_metrics.h"
#include "observe/denied.h"
#include "observe/flow_log_metrics.h"
#include "observe/flows_json.h"
#include "observe/health.h"
#include "observe/live_view.h"
#include "observe/metrics.h"
#include "observe/pause_desk.h"
#include "observe/policy_tally.h"
#include "observe/question_desk.h"
#include "observe/receipt_request.h"
#include "observe/receipts.h"
#include "observe/request.h"
#include "observe/status.h"
#include "observe/status_board.h"
#include "observe/status_server.h"
#include "observe/watchdog.h"
#include "observe/web_address.h"
#include "observe/web_options.h"
#include "observe/web_pages.h"
#include "observe/web_secrets.h"
#include "observe/web_server.h"
#include "pause.h"
#include "pid_namespace.h"

struct observer {
	struct pause_desk *desk; /* not its own */
	/* controller only */
	struct status status;		   /* what is put on the board next */
	int64_t received_us, published_us; /* steady: the change under way */
	struct datapath_metrics *datapath;
	struct watchdog *watchdog;
	size_t n_told_policies;
	struct policy_tally *tally;   /* NULL: policies are not counted */
	struct status_server *server; /* NULL: nobody can ask */
	struct web_server *web;	      /* NULL: nobody can ask by HTTP */
	struct web_secrets secrets;   /* its */
	struct live_view *live;	      /* NULL: there is no page for people */
	bool leaves; /* another netpold goes on with the server's socket */
	/* with locks or atomics of their own */
	_Atomic(struct flow_watch *) flows; /* NULL: not yet */
	_Atomic int64_t alive_us; /* steady: the last turn of the loop */
	struct status_board board;
	struct control_metrics control;
	struct metrics *metrics;
	struct receipts *receipts;
	struct question_desk *questions;
	struct desk handover;
	struct web_pages pages; /* its thread's */
};

/* Who is ready stays so (health.h); whoever waits for something looks again. */
static void put_up(struct observer *observer)
{
	struct status *status = &observer->status;

	if (!status->ready_since_us && health_is_settled(status))
		status->ready_since_us = clock_wall_us();
	status_board_put(&observer->board, &observer->status);
	if (observer->server)
		status_server_stir(observer->server);
}

/* ---- what may be asked -------------------------------------------------- */

static json_t *get_status(struct observer *observer)
{
	struct status status;

	status_board_get(&observer->board, &status);
	status.alive_us =
		atomic_load_explicit(&observer->alive_us, memory_order_relaxed);
	return status_to_json(&status);
}

static json_t *get_metrics(struct observer *observer)
{
	return metrics_to_json(observer->metrics);
}

static json_t *get_denied(struct observer *observer)
{
	(void)observer;
	return denied_to_json();
}

static json_t *get_flows(struct observer *observer)
{
	/* Pairs with observer_show(). */
	return flows_to_json(
		atomic_load_explicit(&observer->flows, memory_order_acquire),
		clock_us());
}

static json_t *get_receipts(struct observer *observer)
{
	return receipts_to_json(observer->receipts);
}

static const struct {
	const char *name;
	json_t *(*get)(struct observer *observer);
} subjects[] = {
	{ "denied", get_denied },   { "flows", get_flows },
	{ "metrics", get_metrics }, { "receipts", get_receipts },
	{ "status", get_status },
};

/* {"get": "status"} is answered by {"status": {…}}. */
static json_t *answer_get(void *ctx, const json_t *request, struct err *err)
{
	const char *name = json_string_value(json_object_get(request, "get"));

	for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
		if (name && strcmp(name, subjects[i].name) == 0)
			return json_pack("{so}", name, subjects[i].get(ctx));
	}
	err_set(err, -EINVAL,
		"get takes \"denied\", \"flows\", \"metrics\", "
		"\"receipts\" or \"status\"");
	return NULL;
}

static json_t *answer_pause(void *ctx, const json_t *request, struct err *err)
{
	const struct observer *observer = ctx;

	return pause_desk_answer(observer->desk, request, err);
}

static json_t *answer_hand_over(void *ctx, const json_t *request,
				struct err *err)
{
	struct observer *observer = ctx;

	return desk_answer(&observer->handover, request, err);
}

static json_t *answer_receipt(void *ctx, const json_t *request, struct err *err)
{
	const struct observer *observer = ctx;

	return receipt_request_answer(observer->receipts,
				      observer->status.audit, request, err);
}

static json_t *answer_explain(void *ctx, const json_t *request, struct err *err)
{
	const struct observer *observer = ctx;

	return question_desk_answer(observer->questions, request, clock_us(),
				    err);
}

static const struct request_handler handlers[] = {
	{ .verb = "explain",
	  .answer = answer_explain,
	  .keep_ms = question_desk_keep_ms },
	{ .verb = "get", .answer = answer_get },
	{ .verb = "hand-over", .answer = answer_hand_over },
	{ .verb = "pause", .answer = answer_pause },
	{ .verb = "receipt",
	  .answer = answer_receipt,
	  .keep_ms = receipt_request_keep_ms },
};

static void take(void *ctx, int fd)
{
	struct observer *observer = ctx;

	desk_take(&observer->handover, fd);
}

/* ---- begin and end ------------------------------------------------------ */

static void observer_closep(struct observer **observer)
{
	observer_close(*observer);
}

int observer_listen(struct observer *observer, const char *socket_path,
		    int inherited, struct err *err)
{
	const struct status_server_options options = {
		.path = socket_path,
		.patience_ms = STATUS_SERVER_PATIENCE_MS,
		.requests = { .handlers = handlers,
			      .n_handlers =
				      sizeof(handlers) / sizeof(handlers[0]),
			      .ctx = observer,
			      .passed_on = "hand-over" },
		.take = take,
		.inherited = inherited >= 0 ? &inherited : NULL,
	};

	if (!*socket_path)
		return 0;
	return status_server_start(&options, &observer->server, err);
}

/* What the server needs to have read, and its pages. */
static int prepare_web(struct observer *observer,
		       const struct web_options *options, struct err *err)
{
	int r = web_secrets_open(options, &observer->secrets, err);

	observer->pages = (struct web_pages){
		.board = &observer->board,
		.metrics = observer->metrics,
		.alive_us = &observer->alive_us,
		.token = observer->secrets.token,
	};
	return r;
}

/* What others can read on its way is worth a word. */
static void warn_of_plain_text(const struct web_options *options)
{
	if (web_options_has(options->tls_cert) ||
	    web_address_is_loopback(&options->address))
		return;
	log_warning("metrics at %s are without TLS: whoever sees the traffic "
		    "can read them%s (--metrics-tls-cert)",
		    options->address.text,
		    web_options_has(options->token_file) ? ", and the token"
							 : "");
}

int observer_serve(struct observer *observer, const struct web_options *options,
		   bool is_patient, struct err *err)
{
	struct web_server_options server = {
		.address = &options->address,
		.what = "health and metrics are",
		.is_patient = is_patient,
		.patience_ms = WEB_SERVER_PATIENCE_MS,
		.get = web_pages_get,
		.ctx = &observer->pages,
	};
	int r = prepare_web(observer, options, err);

	if (r < 0)
		return r;
	server.tls = observer->secrets.tls;
	r = web_server_start(&server, &observer->web, err);
	if (r == 0)
		warn_of_plain_text(options);
	return r;
}

int observer_serve_page(struct observer *observer,
			const struct web_options *options, bool is_patient,
			struct err *err)
{
	const struct live_view_options view = {
		.web = options,
		.board = &observer->board,
		.metrics = observer->metrics,
		.watch = &observer->flows,
		.is_patient = is_patient,
	};

	return live_view_start(&view, &observer->live, err);
}

static void note_start(struct observer *observer,
		       const struct observer_options *options)
{
	struct status *status = &observer->status;

	status->started_us = clock_wall_us();
	snprintf(status->node_name, sizeof(status->node_name), "%s",
		 options->node_name);
	status->pid_namespace = pid_namespace_number();
	status->manifests = options->manifests;
	status->n_manifests = options->n_manifests;
	status->audit = options->audit;
	status->mark_mask = options->mark_mask;
	status->queue_base = options->queue_base;
	status->n_queues = options->n_workers;
	observer_alive(observer);
	put_up(observer);
}

int observer_open(const struct observer_options *options, struct observer **out,
		  struct err *err)
{
	CLEANUP(observer_closep) struct observer *observer = NULL;

	observer = calloc(1, sizeof(*observer));
	if (!observer)
		return err_set(err, -ENOMEM, "no memory for the observer");
	observer->desk = options->desk;
	observer->n_told_policies = options->n_told_policies;
	status_board_init(&observer->board);
	if (receipts_new(&observer->receipts, err) < 0 ||
	    question_desk_new(&observer->questions, err) < 0)
		return err->code;
	if (desk_init(&observer->handover, err) < 0)
		return err->code;
	note_start(observer, options);
	observer->metrics = metrics_new();
	if (!observer->metrics ||
	    control_metrics_register(&observer->control, &observer->board,
				     observer->metrics) < 0)
		return err_set(err, -ENOMEM, "no memory for metrics");
	*out = observer;
	observer = NULL;
	return 0;
}

void observer_close(struct observer *observer)
{
	if (!observer)
		return;
	live_view_stop(observer->live);
	web_server_stop(observer->web);
	web_secrets_close(&observer->secrets);
	web_pages_release(&observer->pages);
	if (observer->leaves)
		status_server_leave(observer->server);
	else
		status_server_stop(observer->server);
	watchdog_stop(observer->watchdog);
	policy_tally_stop(observer->tally);
	metrics_free(observer->metrics);
	receipts_free(observer->receipts);
	question_desk_free(observer->questions);
	datapath_metrics_free(observer->datapath);
	desk_release(&observer->handover);
	status_board_release(&observer->board);
	free(observer);
}

void observer_leave(struct observer *observer)
{
	observer->leaves = observer->server != NULL;
	observer_close(observer);
}

/* ---- hand-over ---------------------------------------------------------- */

void observer_offer(struct observer *observer, const struct terms *terms)
{
	desk_open(&observer->handover, terms);
}

int observer_asked_fd(const struct observer *observer)
{
	return desk_fd(&observer->handover);
}

int observer_asked(struct observer *observer)
{
	return desk_next(&observer->handover);
}

int observer_socket(const struct observer *observer)
{
	return observer->server ? status_server_fd(observer->server) : -1;
}

/* ---- questions ---------------------------------------------------------- */

void observer_begin_to_explain(struct observer *observer)
{
	question_desk_begin(observer->questions);
}

int observer_question_fd(const struct observer *observer)
{
	return question_desk_fd(observer->questions);
}

json_t *observer_question(struct observer *observer)
{
	return question_desk_take(observer->questions);
}

void observer_explain(struct observer *observer, json_t *answer,
		      const struct err *why)
{
	question_desk_reply(observer->questions, answer, why);
	if (observer->server)
		status_server_stir(observer->server);
}

bool observer_receipt(const struct observer *observer, const char *namespace,
		      const char *name, struct receipt *out)
{
	*out = (struct receipt){ 0 };
	return receipts_find(observer->receipts, namespace, name, out) ==
	       RECEIPT_IN_FORCE;
}

/* ---- the packet path ---------------------------------------------------- */

static void start_watchdog(struct observer *observer,
			   const struct worker *const *workers)
{
	const struct watchdog_options options = {
		.workers = workers,
		.n_workers = observer->status.n_queues,
		.queue_base = observer->status.queue_base,
		.audits = observer->status.audit,
		.board = &observer->board,
	};
	struct err err;

	if (watchdog_start(&options, &observer->watchdog, &err) < 0)
		log_warning("%s: nobody will notice a worker that stands still",
			    err.message);
	else if (watchdog_register(observer->watchdog, observer->metrics) < 0)
		log_warning("no memory for the metrics of the watchdog");
}

static void start_tally(struct observer *observer,
			const struct worker *const *workers)
{
	const struct policy_tally_options options = {
		.workers = workers,
		.n_workers = observer->status.n_queues,
		.n_policies = observer->n_told_policies,
	};
	struct err err;

	if (options.n_policies == 0)
		return;
	if (policy_tally_start(&options, &observer->tally, &err) < 0)
		log_warning("%s: no metrics of policies", err.message);
	else if (policy_tally_register(observer->tally, observer->metrics) < 0)
		log_warning("no memory for the metrics of policies");
}

void observer_watch(struct observer *observer,
		    const struct worker *const *workers,
		    enum iptables_flavour flavour)
{
	const struct datapath_metrics_options options = {
		.workers = workers,
		.n_workers = observer->status.n_queues,
		.queue_base = observer->status.queue_base,
		.audits = observer->status.audit,
		.flavour = flavour,
	};

	observer->status.flavour = flavour;
	put_up(observer);
	observer->datapath = datapath_metrics_new(&options);
	if (!observer->datapath ||
	    datapath_metrics_register(observer->datapath, observer->metrics) <
		    0)
		log_warning("no memory for the metrics of workers and queues");
	start_watchdog(observer, workers);
	start_tally(observer, workers);
}

void observer_log(struct observer *observer, const struct flow_target *target,
		  const struct flow_counts *counts)
{
	observer->status.flow_target = target;
	observer->status.flow_counts = counts;
	put_up(observer);
	if (flow_log_metrics_register(counts, observer->metrics) < 0)
		log_warning("no memory for the metrics of the flow log");
}

void observer_show(struct observer *observer, struct flow_watch *watch)
{
	/* Pairs with get_flows(), and live_state.c. */
	atomic_store_explicit(&observer->flows, watch, memory_order_release);
}

void observer_take_base_line(struct observer *observer)
{
	if (observer->server)
		metrics_collect(observer->metrics);
}

/* ---- what has happened -------------------------------------------------- */

/* Something that happened a moment ago, by the clock on the wall. */
static int64_t to_wall_us(int64_t steady_us)
{
	return clock_wall_us() - (clock_us() - steady_us);
}

/* It may be said again, with another reason: it lasts since the first time. */
static void note_trouble(struct status_trouble *trouble, const char *reason)
{
	if (!trouble->since_us)
		trouble->since_us = clock_wall_us();
	snprintf(trouble->reason, sizeof(trouble->reason), "%s", reason);
}

void observer_compiled(struct observer *observer, int64_t began_us,
		       const struct compiler_memory *memory)
{
	histogram_observe(&observer->control.compile, clock_us() - began_us);
	observer->status.memory = *memory;
	put_up(observer);
}

static void warn_of_no_receipts(void)
{
	log_warning("no memory to note which policies have changed: none is "
		    "told to be in force (netpold wait) before the next change "
		    "is");
}

void observer_follow(struct observer *observer, const struct update *update,
		     const struct cluster *cluster)
{
	int r = update ? receipts_follow(observer->receipts, update, cluster)
		       : receipts_assign(observer->receipts, cluster);

	if (r < 0)
		warn_of_no_receipts();
}

void observer_refused(struct observer *observer, const char *reason)
{
	note_trouble(&observer->status.refused, reason);
	put_up(observer);
}

void observer_accepted(struct observer *observer)
{
	observer->status.refused = (struct status_trouble){ 0 };
	put_up(observer);
}

void observer_published(struct observer *observer, int64_t received_us,
			int64_t published_us)
{
	receipts_published(observer->receipts);
	observer->received_us = received_us;
	observer->published_us = published_us;
	observer->status.change = (struct status_change){
		.received_us = to_wall_us(received_us),
		.published_us = to_wall_us(published_us),
	};
	histogram_observe(&observer->control.publish,
			  published_us - received_us);
	put_up(observer);
}

void observer_unsettled(struct observer *observer, const char *reason)
{
	note_trouble(&observer->status.unsettled, reason);
	put_up(observer);
}

void observer_mended(struct observer *observer, uint64_t rules,
		     uint64_t members)
{
	struct status *status = &observer->status;

	if (status->n_mended_rules == rules &&
	    status->n_mended_members == members)
		return;
	status->n_mended_rules = rules;
	status->n_mended_members = members;
	put_up(observer);
}

void observer_recall(struct observer *observer,
		     const struct recall_counts *counts)
{
	observer->status.recall = *counts;
	put_up(observer);
}

void observer_paused(struct observer *observer, const struct pause *pause)
{
	struct status *status = &observer->status;

	status->pause = (struct status_pause){ 0 };
	if (pause) {
		status->pause.since_us = pause->since_us;
		status->pause.until_us = pause_until_wall_us(pause);
		snprintf(status->pause.reason, sizeof(status->pause.reason),
			 "%s", pause->reason);
		status->in_force_since_us = 0;
		status->unsettled = (struct status_trouble){ 0 };
		memset(status->n_isolated, 0, sizeof(status->n_isolated));
		receipts_suspend(observer->receipts);
	}
	put_up(observer);
}

void observer_warm(struct observer *observer, int64_t written_us)
{
	struct status_warm *warm = &observer->status.warm;

	warm->since_us = written_us ? clock_wall_us() : 0;
	warm->written_us = written_us;
	put_up(observer);
}

/* Relaxed: it goes with nothing else that is written. */
void observer_alive(struct observer *observer)
{
	atomic_store_explicit(&observer->alive_us, clock_us(),
			      memory_order_relaxed);
}

void observer_source(struct observer *observer,
		     const struct kube_status *source)
{
	observer->status.source = *source;
	put_up(observer);
}

void observer_unreadable(struct observer *observer,
			 const struct name_set *policies, bool is_settled)
{
	int r = receipts_unreadable(observer->receipts, policies, is_settled);

	if (r < 0)
		warn_of_no_receipts();
	if (r > 0)
		put_up(observer);
}

void observer_in_force(struct observer *observer,
		       const struct observer_change *change)
{
	struct status *status = &observer->status;

	status->generation = change->generation;
	status->in_force_since_us = to_wall_us(change->in_force_us);
	receipts_in_force(observer->receipts, status->in_force_since_us);
	status->change.in_force_us = status->in_force_since_us;
	status->counts = change->counts;
	memcpy(status->n_isolated, change->n_isolated,
	       sizeof(status->n_isolated));
	status->n_sweeps[change->extent]++;
	status->n_revoked += change->n_revoked;
	status->n_picked_up += change->n_picked_up;
	status->unsettled = (struct status_trouble){ 0 };
	if (change->program_us > 0)
		histogram_observe(&observer->control.program,
				  change->program_us);
	histogram_observe(&observer->control.sweep,
			  change->in_force_us - observer->published_us);
	histogram_observe(&observer->control.change,
			  change->in_force_us - observer->received_us);
	put_up(observer);
}
