/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/settings.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "datapath/mark.h"
#include "datapath/pod_range.h"
#include "flowlog/flow_target.h"

#define HOST_NAME_LEN 256

/* ---- one value ----------------------------------------------------------- */

/* Of several values from one source the first says where they come from. */
static int note_source(struct settings *settings, size_t index,
		       enum setting_source source, const char *subject)
{
	if (settings->given[index].subject &&
	    settings->given[index].source == source)
		return 0;
	settings->given[index].source = source;
	settings->given[index].subject =
		arena_strdup(&settings->texts, subject);
	return settings->given[index].subject ? 0 : -ENOMEM;
}

int settings_take(struct settings *settings, const struct setting *setting,
		  enum setting_source source, const char *subject,
		  const char *text, struct err *err)
{
	size_t index = setting_index(setting);
	struct setting_value value = { 0 };
	int r;

	r = setting_read(setting, subject, text, &value, err);
	if (r < 0)
		return r;
	if (source < settings->given[index].source)
		return 0;
	value.first = settings->given[index].source != source;
	r = note_source(settings, index, source, subject);
	if (r < 0)
		return err_set(err, r, "no memory for settings");
	value.text = arena_strdup(&settings->texts, text);
	r = value.text ? setting->take(settings, &value) : -ENOMEM;
	return r < 0 ? err_set(err, r, "no memory for settings") : 0;
}

/* ---- all of them --------------------------------------------------------- */

int settings_init(struct settings *settings, struct err *err)
{
	const struct setting *setting;

	*settings = (struct settings){ 0 };
	for (size_t i = 0; (setting = setting_at(i)); i++) {
		int r;

		if (!setting->fallback)
			continue;
		r = settings_take(settings, setting, SOURCE_FALLBACK,
				  setting->name, setting->fallback, err);
		if (r < 0)
			return r;
	}
	return 0;
}

void settings_release(struct settings *settings)
{
	path_list_release(&settings->manifests);
	arena_release(&settings->texts);
}

static int name_node(struct settings *settings, struct err *err)
{
	const char *name = getenv("NODE_NAME");
	char host_name[HOST_NAME_LEN] = "";

	if (!name || !*name) {
		gethostname(host_name, sizeof(host_name) - 1);
		name = host_name;
	}
	settings->controller.node_name = arena_strdup(&settings->texts, name);
	return settings->controller.node_name
		       ? 0
		       : err_set(err, -ENOMEM, "no memory for settings");
}

static unsigned int count_cpus(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	if (n < 1)
		return 1;
	return n > SETTINGS_MAX_WORKERS ? SETTINGS_MAX_WORKERS
					: (unsigned int)n;
}

static const char *subject_of(const struct settings *settings, const char *name)
{
	return settings->given[setting_index(setting_find(name))].subject;
}

static int check_queues(const struct settings *settings, struct err *err)
{
	const struct enforcement_options *enforcement =
		&settings->controller.enforcement;
	unsigned int last =
		enforcement->queue_base + enforcement->n_workers - 1;

	if (last <= UINT16_MAX)
		return 0;
	return err_set(err, -EINVAL,
		       "%s: expected a number that leaves queues to %u "
		       "workers, found %u: they would need up to %u, and %u is "
		       "the last",
		       subject_of(settings, "queue-base"),
		       enforcement->n_workers, enforcement->queue_base, last,
		       UINT16_MAX);
}

static int check_marks(const struct settings *settings, struct err *err)
{
	struct mark_layout ignored;
	int r = mark_layout_init(
		&ignored, settings->controller.enforcement.mark_mask, err);

	if (r < 0)
		return err_prefix(err,
				  "%s: ", subject_of(settings, "mark-mask"));
	return 0;
}

static int read_pod_cidr(struct settings *settings, struct err *err)
{
	if (!settings->pod_cidr)
		return 0;
	if (pod_range_parse(settings->pod_cidr,
			    &settings->controller.enforcement.pod_range,
			    err) < 0)
		return err_prefix(err,
				  "%s: ", subject_of(settings, "pod-cidr"));
	return 0;
}

/* What would be without effect, and is not meant to be. */
static int check_web(const struct settings *settings, struct err *err)
{
	const struct web_options *web = &settings->controller.web;
	bool has_cert = *web->tls_cert, has_key = *web->tls_key;

	if (has_cert != has_key)
		return err_set(
			err, -EINVAL,
			"%s: a certificate and its key go together: name "
			"the other one with --metrics-tls-%s",
			subject_of(settings, has_cert ? "metrics-tls-cert"
						      : "metrics-tls-key"),
			has_cert ? "key" : "cert");
	if (!*settings->metrics_listen && !*settings->page_listen &&
	    (has_cert || *web->token_file))
		return err_set(
			err, -EINVAL,
			"%s: expected an address to listen at, too: name "
			"it with --metrics-listen or --page-listen",
			subject_of(settings, has_cert ? "metrics-tls-cert"
						      : "metrics-token-file"));
	return 0;
}

static int read_metrics_listen(struct settings *settings, struct err *err)
{
	if (!*settings->metrics_listen)
		return 0;
	if (web_address_parse(settings->metrics_listen,
			      &settings->controller.web.address, err) < 0)
		return err_prefix(
			err, "%s: ", subject_of(settings, "metrics-listen"));
	return 0;
}

/* "9501" is 127.0.0.1:9501: who wants more says so. */
static int parse_page_address(const char *text, struct web_address *out,
			      struct err *err)
{
	char local[WEB_ADDRESS_TEXT_LEN];

	if (text[strspn(text, "0123456789")])
		return web_address_parse(text, out, err);
	snprintf(local, sizeof(local), "127.0.0.1:%s", text);
	return web_address_parse(local, out, err);
}

/* The page names pods, policies and who talks to whom. */
static int read_page_listen(struct settings *settings, struct err *err)
{
	struct web_options *web = &settings->controller.web;
	const char *subject = subject_of(settings, "page-listen");

	if (!*settings->page_listen)
		return 0;
	if (parse_page_address(settings->page_listen, &web->page_address, err) <
	    0)
		return err_prefix(err, "%s: ", subject);
	if (!web_address_is_loopback(&web->page_address) &&
	    (!*web->tls_cert || !*web->token_file))
		return err_set(err, -EINVAL,
			       "%s: %s is reached by others than this node, "
			       "and the page names its pods: add "
			       "--metrics-tls-cert, --metrics-tls-key and "
			       "--metrics-token-file, or name 127.0.0.1 or ::1",
			       subject, web->page_address.text);
	return 0;
}

static bool is_said(const struct settings *settings, const char *name)
{
	size_t index = setting_index(setting_find(name));

	return settings->given[index].source != SOURCE_FALLBACK;
}

/* Said where, or above where, it was said to where the log goes: who switches a
   log off on the command line need not clear a file of what the log would be
   like. */
static bool is_about_log(const struct settings *settings, const char *name)
{
	size_t index = setting_index(setting_find(name));
	size_t log = setting_index(setting_find("flow-log"));

	return is_said(settings, name) &&
	       settings->given[index].source >= settings->given[log].source;
}

/* As check_web(). */
static int check_flow_log(const struct settings *settings, struct err *err)
{
	enum flow_target_kind kind = settings->controller.flow_log.target.kind;
	static const struct {
		const char *name;
		bool of_file;
	} rows[] = {
		{ "flow-log-only", false }, { "flow-log-rate", false },
		{ "flow-log-fold", false }, { "flow-log-labels", false },
		{ "flow-log-ends", false }, { "flow-log-bytes", true },
		{ "flow-log-keep", true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!is_about_log(settings, rows[i].name))
			continue;
		if (kind == FLOW_TARGET_OFF)
			return err_set(err, -EINVAL,
				       "%s: expected a flow log, too: name "
				       "where it goes with --flow-log",
				       subject_of(settings, rows[i].name));
		if (rows[i].of_file && kind != FLOW_TARGET_FILE)
			return err_set(err, -EINVAL,
				       "%s: expected a flow log in a file, "
				       "--flow-log=file:PATH, found %s",
				       subject_of(settings, rows[i].name),
				       settings->flow_log);
	}
	return 0;
}

static int check_flow_ends(const struct settings *settings, struct err *err)
{
	const struct flow_log_options *log = &settings->controller.flow_log;

	if (!log->with_ends || !log->only_denied)
		return 0;
	return err_set(err, -EINVAL,
		       "%s: does not go with %s: what has an end is a flow "
		       "that is allowed; leave one of them out",
		       subject_of(settings, "flow-log-ends"),
		       subject_of(settings, "flow-log-only"));
}

static int read_flow_log(struct settings *settings, struct err *err)
{
	int r;

	if (flow_target_parse(settings->flow_log,
			      &settings->controller.flow_log.target, err) < 0)
		return err_prefix(err,
				  "%s: ", subject_of(settings, "flow-log"));
	r = check_flow_log(settings, err);
	return r < 0 ? r : check_flow_ends(settings, err);
}

/* Before the first sync no object says where pods have their addresses. Nobody
   who asks for nothing in particular is refused for that. */
static int choose_on_start(struct settings *settings, struct err *err)
{
	struct enforcement_options *enforcement =
		&settings->controller.enforcement;
	const char *subject = subject_of(settings, "on-start");
	bool has_range = enforcement->pod_range.n > 0;

	if (!subject && enforcement->fail_closed && has_range)
		enforcement->on_start = ON_START_DROP;
	if (enforcement->on_start == ON_START_ACCEPT)
		return 0;
	if (!has_range)
		return err_set(err, -EINVAL,
			       "%s: hold and drop need to know whose packets: "
			       "name the range of this node's pods with "
			       "--pod-cidr",
			       subject);
	if (enforcement->on_start == ON_START_HOLD && enforcement->hold_ms == 0)
		return err_set(err, -EINVAL,
			       "%s: hold needs to know for how long: name the "
			       "milliseconds with --hold-unknown",
			       subject);
	return 0;
}

/* ---- an audit ------------------------------------------------------------ */

/* What an audit cannot do, and who says that it should. */
static const char *find_contradiction(const struct settings *settings)
{
	const struct enforcement_options *e = &settings->controller.enforcement;
	const struct {
		const char *name;
		bool contradicts;
	} rows[] = {
		{ "on-failure", e->fail_closed },
		{ "on-start", e->on_start != ON_START_ACCEPT },
		{ "hold-unknown", e->hold_ms > 0 },
		{ "deny", e->reject },
		{ "on-overload", is_said(settings, "on-overload") },
		{ "kernel-cache",
		  e->kernel_cache > 0 && is_said(settings, "kernel-cache") },
		{ "workers", e->n_workers > 1 },
		/* Flows that pass are known by marks. */
		{ "flow-log-ends", settings->controller.flow_log.with_ends },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].contradicts)
			return rows[i].name;
	}
	return NULL;
}

/* Nobody who asks for nothing in particular is refused. */
static int settle_audit(struct settings *settings, struct err *err)
{
	struct enforcement_options *e = &settings->controller.enforcement;
	const char *name;

	if (!e->audit)
		return 0;
	name = find_contradiction(settings);
	if (name)
		return err_set(
			err, -EINVAL,
			"%s: does not go with %s: an audit drops, holds, "
			"refuses and remembers nothing, and has one "
			"worker; leave %s out",
			subject_of(settings, name),
			subject_of(settings, "mode"), name);
	e->kernel_cache = 0;
	e->n_workers = 1;
	return 0;
}

int settings_complete(struct settings *settings, struct err *err)
{
	struct controller_options *controller = &settings->controller;
	int r = settle_audit(settings, err);

	if (r < 0)
		return r;
	if (controller->enforcement.n_workers == 0)
		controller->enforcement.n_workers = count_cpus();
	r = check_queues(settings, err);
	if (r == 0)
		r = check_marks(settings, err);
	if (r == 0)
		r = read_pod_cidr(settings, err);
	if (r == 0)
		r = read_metrics_listen(settings, err);
	if (r == 0)
		r = check_web(settings, err);
	if (r == 0)
		r = read_page_listen(settings, err);
	if (r == 0)
		r = read_flow_log(settings, err);
	if (r == 0)
		r = choose_on_start(settings, err);
	if (r == 0 && !controller->node_name)
		r = name_node(settings, err);
	if (r < 0)
		return r;
	if (settings->manifests.n > 0 &&
	    (controller->cluster.kubeconfig || controller->cluster.api_server))
		return err_set(err, -EINVAL,
			       "--manifests and --%s: objects come from files "
			       "or from an API server, not from both",
			       controller->cluster.kubeconfig ? "kubeconfig"
							      : "api-server");
	controller->paths = settings->manifests.items;
	controller->n_paths = settings->manifests.n;
	return 0;
}
