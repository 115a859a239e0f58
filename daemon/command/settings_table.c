/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of settings. Who adds one adds a row and says where its value goes;
 * option, key, variable and help follow.
 */
#include "command/settings.h"

#include <string.h>

#include "datapath/recall.h"
#include "observe/policy_counts.h"
#include "observe/status_socket.h"
#include "state_file.h"

#define MAX_POLL_US 1000  /* longer gaps are worth a sleep */
#define MAX_HOLD_MS 2000  /* by then TCP has sent its SYN twice (NF-87) */
#define MAX_NODE_NAME 253 /* a DNS subdomain */
#define MAX_PATH 4095	  /* PATH_MAX, without the zero byte */
#define MAX_URL 2048
#define MAX_STATE_DIR 4000 /* leaves room for names of files */
#define MAX_FLOW_RATE 1000000
#define MAX_FOLD_S 3600
#define MIN_ROTATE_BYTES 65536
#define MAX_ROTATE_BYTES (UINT64_C(1) << 40)
#define MAX_KEEP 1000
#define MAX_SOCKET_PATH 107 /* sun_path, without the zero byte (unix(7)) */

/* ---- where values go ----------------------------------------------------- */

enum { NODE_EGRESS_ENFORCE, NODE_EGRESS_ALLOW };
enum { DENY_DROP, DENY_REJECT };
enum { FAILURE_OPEN, FAILURE_CLOSED };
enum { OVERLOAD_DROP, OVERLOAD_ACCEPT };
enum { REPLACED_EXIT, REPLACED_WAIT };
enum { SWITCH_OFF, SWITCH_ON };
enum { MODE_ENFORCE, MODE_AUDIT };
enum { FLOWS_ALL, FLOWS_DENIED };

static int take_manifests(struct settings *settings,
			  const struct setting_value *value)
{
	if (value->first)
		path_list_release(&settings->manifests);
	return path_list_add(&settings->manifests, value->text);
}

static int take_kubeconfig(struct settings *settings,
			   const struct setting_value *value)
{
	settings->controller.cluster.kubeconfig = value->text;
	return 0;
}

static int take_api_server(struct settings *settings,
			   const struct setting_value *value)
{
	settings->controller.cluster.api_server = value->text;
	return 0;
}

static int take_node_name(struct settings *settings,
			  const struct setting_value *value)
{
	settings->controller.node_name = value->text;
	return 0;
}

static int take_config(struct settings *settings,
		       const struct setting_value *value)
{
	settings->config = value->text;
	return 0;
}

static int take_mode(struct settings *settings,
		     const struct setting_value *value)
{
	settings->controller.enforcement.audit = value->number == MODE_AUDIT;
	return 0;
}

static int take_workers(struct settings *settings,
			const struct setting_value *value)
{
	settings->controller.enforcement.n_workers =
		(unsigned int)value->number;
	return 0;
}

static int take_queue_base(struct settings *settings,
			   const struct setting_value *value)
{
	settings->controller.enforcement.queue_base = (uint16_t)value->number;
	return 0;
}

static int take_mark_mask(struct settings *settings,
			  const struct setting_value *value)
{
	settings->controller.enforcement.mark_mask = (uint32_t)value->number;
	return 0;
}

static int take_iptables(struct settings *settings,
			 const struct setting_value *value)
{
	settings->controller.enforcement.flavour =
		(enum iptables_flavour)value->number;
	return 0;
}

static int take_node_egress(struct settings *settings,
			    const struct setting_value *value)
{
	settings->controller.enforcement.allow_node_egress =
		value->number == NODE_EGRESS_ALLOW;
	return 0;
}

static int take_poll_us(struct settings *settings,
			const struct setting_value *value)
{
	settings->controller.enforcement.poll_us = (unsigned int)value->number;
	return 0;
}

static int take_deny(struct settings *settings,
		     const struct setting_value *value)
{
	settings->controller.enforcement.reject = value->number == DENY_REJECT;
	return 0;
}

static int take_on_failure(struct settings *settings,
			   const struct setting_value *value)
{
	settings->controller.enforcement.fail_closed =
		value->number == FAILURE_CLOSED;
	return 0;
}

static int take_on_overload(struct settings *settings,
			    const struct setting_value *value)
{
	settings->controller.enforcement.accept_overload =
		value->number == OVERLOAD_ACCEPT;
	return 0;
}

static int take_when_replaced(struct settings *settings,
			      const struct setting_value *value)
{
	settings->controller.wait_when_replaced =
		value->number == REPLACED_WAIT;
	return 0;
}

static int take_pod_cidr(struct settings *settings,
			 const struct setting_value *value)
{
	settings->pod_cidr = value->text;
	return 0;
}

static int take_hold_unknown(struct settings *settings,
			     const struct setting_value *value)
{
	settings->controller.enforcement.hold_ms = (uint32_t)value->number;
	return 0;
}

static int take_on_start(struct settings *settings,
			 const struct setting_value *value)
{
	settings->controller.enforcement.on_start =
		(enum on_start)value->number;
	return 0;
}

static int take_kernel_cache(struct settings *settings,
			     const struct setting_value *value)
{
	settings->controller.enforcement.kernel_cache =
		value->number == SWITCH_ON ? RECALL_DEFAULT_SIZE
					   : (uint32_t)value->number;
	return 0;
}

static int take_status_socket(struct settings *settings,
			      const struct setting_value *value)
{
	settings->controller.status_socket = value->text;
	return 0;
}

static int take_metrics_listen(struct settings *settings,
			       const struct setting_value *value)
{
	settings->metrics_listen = value->text;
	return 0;
}

static int take_metrics_tls_cert(struct settings *settings,
				 const struct setting_value *value)
{
	settings->controller.web.tls_cert = value->text;
	return 0;
}

static int take_metrics_tls_key(struct settings *settings,
				const struct setting_value *value)
{
	settings->controller.web.tls_key = value->text;
	return 0;
}

static int take_metrics_token_file(struct settings *settings,
				   const struct setting_value *value)
{
	settings->controller.web.token_file = value->text;
	return 0;
}

static int take_page_listen(struct settings *settings,
			    const struct setting_value *value)
{
	settings->page_listen = value->text;
	return 0;
}

static int take_metrics_policies(struct settings *settings,
				 const struct setting_value *value)
{
	settings->controller.n_told_policies = (size_t)value->number;
	settings->controller.enforcement.tell_policies = value->number > 0;
	return 0;
}

static int take_flow_log(struct settings *settings,
			 const struct setting_value *value)
{
	settings->flow_log = value->text;
	return 0;
}

static int take_flow_log_only(struct settings *settings,
			      const struct setting_value *value)
{
	settings->controller.flow_log.only_denied =
		value->number == FLOWS_DENIED;
	return 0;
}

static int take_flow_log_rate(struct settings *settings,
			      const struct setting_value *value)
{
	settings->controller.flow_log.rate = (uint32_t)value->number;
	return 0;
}

static int take_flow_log_fold(struct settings *settings,
			      const struct setting_value *value)
{
	settings->controller.flow_log.fold_s = (unsigned int)value->number;
	return 0;
}

static int take_flow_log_ends(struct settings *settings,
			      const struct setting_value *value)
{
	settings->controller.flow_log.with_ends = value->number == SWITCH_ON;
	return 0;
}

static int take_flow_log_labels(struct settings *settings,
				const struct setting_value *value)
{
	settings->controller.flow_log.with_labels = value->number == SWITCH_ON;
	return 0;
}

static int take_flow_log_bytes(struct settings *settings,
			       const struct setting_value *value)
{
	settings->controller.flow_log.rotate_bytes = value->number;
	return 0;
}

static int take_flow_log_keep(struct settings *settings,
			      const struct setting_value *value)
{
	settings->controller.flow_log.keep = (unsigned int)value->number;
	return 0;
}

static int take_seccomp(struct settings *settings,
			const struct setting_value *value)
{
	settings->controller.seccomp = value->number == SWITCH_ON;
	return 0;
}

static int take_state_dir(struct settings *settings,
			  const struct setting_value *value)
{
	settings->controller.state_dir = value->text;
	return 0;
}

/* ---- the table ----------------------------------------------------------- */

static const char *const flavours[] = {
	[IPTABLES_AUTO] = "auto",
	[IPTABLES_NFT] = "nft",
	[IPTABLES_LEGACY] = "legacy",
	NULL,
};

static const char *const node_egresses[] = {
	[NODE_EGRESS_ENFORCE] = "enforce",
	[NODE_EGRESS_ALLOW] = "allow",
	NULL,
};

static const char *const denials[] = {
	[DENY_DROP] = "drop",
	[DENY_REJECT] = "reject",
	NULL,
};

static const char *const failures[] = {
	[FAILURE_OPEN] = "open",
	[FAILURE_CLOSED] = "closed",
	NULL,
};

static const char *const overloads[] = {
	[OVERLOAD_DROP] = "drop",
	[OVERLOAD_ACCEPT] = "accept",
	NULL,
};

static const char *const replacements[] = {
	[REPLACED_EXIT] = "exit",
	[REPLACED_WAIT] = "wait",
	NULL,
};

static const char *const starts[] = {
	[ON_START_ACCEPT] = "accept",
	[ON_START_HOLD] = "hold",
	[ON_START_DROP] = "drop",
	NULL,
};

static const char *const modes[] = {
	[MODE_ENFORCE] = "enforce",
	[MODE_AUDIT] = "audit",
	NULL,
};

static const char *const flows[] = {
	[FLOWS_ALL] = "all",
	[FLOWS_DENIED] = "denied",
	NULL,
};

static const char *const switches[] = {
	[SWITCH_OFF] = "off",
	[SWITCH_ON] = "on",
	NULL,
};

/* In the order in which people need them. */
static const struct setting table[] = {
	{
		.name = "manifests",
		.argument = "PATH",
		.help = "file, or folder of .yaml, .yml and .json files, with "
			"Pods, Namespaces, Nodes and NetworkPolicies as "
			"`kubectl get -o yaml` prints them; repeatable",
		.type = SETTING_PATHS,
		.min = 1,
		.max = MAX_PATH,
		.take = take_manifests,
	},
	{
		.name = "kubeconfig",
		.argument = "FILE",
		.help = "how to reach the API server that the objects come "
			"from, without --manifests (default: $KUBECONFIG, then "
			"the cluster that this is a pod of, then "
			"~/.kube/config)",
		.type = SETTING_TEXT,
		.min = 1,
		.max = MAX_PATH,
		.take = take_kubeconfig,
	},
	{
		.name = "api-server",
		.argument = "URL",
		.help = "where the API server is, in place of what that says: "
			"for a node whose Service addresses do not work yet",
		.type = SETTING_TEXT,
		.min = 1,
		.max = MAX_URL,
		.take = take_api_server,
	},
	{
		.name = "node-name",
		.argument = "NAME",
		.help = "whose pods are local (default: $NODE_NAME, then the "
			"host name)",
		.type = SETTING_TEXT,
		.min = 1,
		.max = MAX_NODE_NAME,
		.take = take_node_name,
	},
	{
		.name = "config",
		.argument = "FILE",
		.help = "YAML file with settings (see below)",
		.type = SETTING_TEXT,
		.min = 1,
		.max = MAX_PATH,
		.names_file = true,
		.take = take_config,
	},
	{
		.name = "mode",
		.argument = "WHICH",
		.help = "enforce, or audit: say what would be denied, and let "
			"all of it pass, whatever happens to netpold",
		.type = SETTING_WORD,
		.words = modes,
		.fallback = "enforce",
		.take = take_mode,
	},
	{
		.name = "workers",
		.argument = "N",
		.help = "queues and threads, one CPU each (default: one for "
			"each CPU)",
		.type = SETTING_NUMBER,
		.min = 1,
		.max = SETTINGS_MAX_WORKERS,
		.take = take_workers,
	},
	{
		.name = "queue-base",
		.argument = "N",
		.help = "number of the first queue, or with --mode=audit of "
			"the log group",
		.type = SETTING_NUMBER,
		.max = UINT16_MAX,
		.fallback = "17000",
		.take = take_queue_base,
	},
	{
		.name = "mark-mask",
		.argument = "MASK",
		.help = "bits of packet and connection marks to use, at least "
			"four",
		.type = SETTING_NUMBER,
		.min = 1,
		.max = UINT32_MAX,
		.fallback = "0x107f", /* MARK_DEFAULT_MASK */
		.take = take_mark_mask,
	},
	{
		.name = "iptables",
		.argument = "WHICH",
		.help = "auto, nft or legacy; auto is the one that the node "
			"uses already",
		.type = SETTING_WORD,
		.words = flavours,
		.fallback = "auto",
		.take = take_iptables,
	},
	{
		.name = "node-egress",
		.argument = "WHICH",
		.help = "enforce or allow egress of pods to their own node",
		.type = SETTING_WORD,
		.words = node_egresses,
		.fallback = "enforce",
		.take = take_node_egress,
	},
	{
		.name = "status-socket",
		.argument = "PATH",
		.help = "where `netpold status` finds this netpold; none when "
			"empty",
		.type = SETTING_TEXT,
		.max = MAX_SOCKET_PATH,
		.fallback = STATUS_SOCKET_PATH,
		.take = take_status_socket,
	},
	{
		.name = "metrics-listen",
		.argument = "ADDR",
		.help = "address and port (127.0.0.1:9500, :9500) to tell "
			"health and metrics at, by HTTP: /livez, /healthz, "
			"/readyz, /metrics (default: nowhere)",
		.type = SETTING_TEXT,
		.max = WEB_ADDRESS_TEXT_LEN - 1,
		.fallback = "",
		.take = take_metrics_listen,
	},
	{
		.name = "metrics-tls-cert",
		.argument = "FILE",
		.help = "certificate to show there, PEM, with those that vouch "
			"for it; read again when it changes (default: no TLS)",
		.type = SETTING_TEXT,
		.max = MAX_PATH,
		.fallback = "",
		.take = take_metrics_tls_cert,
	},
	{
		.name = "metrics-tls-key",
		.argument = "FILE",
		.help = "its private key, PEM; read again, too",
		.type = SETTING_TEXT,
		.max = MAX_PATH,
		.fallback = "",
		.take = take_metrics_tls_key,
	},
	{
		.name = "metrics-token-file",
		.argument = "FILE",
		.help = "token that /metrics, and the page's data, are told for "
			"(Authorization: Bearer); read again when it changes "
			"(default: none)",
		.type = SETTING_TEXT,
		.max = MAX_PATH,
		.fallback = "",
		.take = take_metrics_token_file,
	},
	{
		.name = "metrics-policies",
		.argument = "N",
		.help = "policies whose verdicts metrics tell by name; others "
			"are told as one; 0: none are told",
		.type = SETTING_NUMBER,
		.max = POLICY_COUNTS_MAX,
		.fallback = "100",
		.take = take_metrics_policies,
	},
	{
		.name = "page-listen",
		.argument = "[ADDR:]PORT",
		.help = "where a page for people shows this node, live, by "
			"HTTP; 127.0.0.1 unless an address is named; another "
			"than loopback needs TLS and a token (default: "
			"nowhere)",
		.type = SETTING_TEXT,
		.max = WEB_ADDRESS_TEXT_LEN - 1,
		.fallback = "",
		.take = take_page_listen,
	},
	{
		.name = "state-dir",
		.argument = "DIR",
		.help = "folder for what outlives a restart: a pause, and what "
			"manifests or the API server said last; none when "
			"empty",
		.type = SETTING_TEXT,
		.max = MAX_STATE_DIR,
		.fallback = STATE_FILE_DIR,
		.take = take_state_dir,
	},
	{
		.name = "poll-us",
		.argument = "N",
		.help = "microseconds to look for packets before sleeping, "
			"while they come that fast",
		.type = SETTING_NUMBER,
		.max = MAX_POLL_US,
		.fallback = "0",
		.take = take_poll_us,
	},
	{
		.name = "deny",
		.argument = "HOW",
		.help = "drop what is denied, or reject it: reset TCP, answer "
			"the rest with ICMP administratively prohibited",
		.type = SETTING_WORD,
		.words = denials,
		.fallback = "drop",
		.take = take_deny,
	},
	{
		.name = "on-failure",
		.argument = "WHAT",
		.help = "while netpold does not run, flows that it would judge "
			"pass (open) or wait for it (closed)",
		.type = SETTING_WORD,
		.words = failures,
		.fallback = "open",
		.take = take_on_failure,
	},
	{
		.name = "on-overload",
		.argument = "WHAT",
		.help = "drop or accept packets that find a queue full; accept "
			"lets a pod that floods it get past its policies",
		.type = SETTING_WORD,
		.words = overloads,
		.fallback = "drop",
		.take = take_on_overload,
	},
	{
		.name = "when-replaced",
		.argument = "WHAT",
		.help = "when another netpold has taken over, exit, or wait "
			"for SIGTERM, so that nobody starts this one again",
		.type = SETTING_WORD,
		.words = replacements,
		.fallback = "exit",
		.take = take_when_replaced,
	},
	{
		.name = "pod-cidr",
		.argument = "CIDR",
		.help = "where this node's pods have their addresses; several "
			"with commas between them (default: spec.podCIDRs of "
			"the Node)",
		.type = SETTING_TEXT,
		.min = 1,
		.max = POD_RANGE_TEXT_LEN,
		.take = take_pod_cidr,
	},
	{
		.name = "hold-unknown",
		.argument = "MS",
		.help = "milliseconds to hold packets of an address there that "
			"no pod has yet, then drop them; 0: let them pass",
		.type = SETTING_NUMBER,
		.max = MAX_HOLD_MS,
		.fallback = "0",
		.take = take_hold_unknown,
	},
	{
		.name = "on-start",
		.argument = "WHAT",
		.help = "accept, hold or drop packets of pods before the first "
			"sync after a boot (default: accept; drop with "
			"--on-failure=closed and --pod-cidr)",
		.type = SETTING_WORD,
		.words = starts,
		.take = take_on_start,
	},
	{
		.name = "kernel-cache",
		.argument = "SIZE",
		.help = "answers that the kernel remembers, of those that "
			"allow and of those that deny; on is 65536, off is "
			"none",
		.type = SETTING_SIZE,
		.min = RECALL_MIN_SIZE,
		.max = RECALL_MAX_SIZE,
		.words = switches,
		.fallback = "on",
		.take = take_kernel_cache,
	},
	{
		.name = "flow-log",
		.argument = "TARGET",
		.help = "write down what is judged, as lines of JSON: stdout, "
			"file:PATH or unix:PATH (a socket that somebody "
			"listens at)",
		.type = SETTING_TEXT,
		.min = 1,
		.max = MAX_PATH,
		.fallback = "off",
		.take = take_flow_log,
	},
	{
		.name = "flow-log-only",
		.argument = "WHICH",
		.help = "all, or denied: what is, or would be if staged "
			"policies were enforced",
		.type = SETTING_WORD,
		.words = flows,
		.fallback = "all",
		.take = take_flow_log_only,
	},
	{
		.name = "flow-log-rate",
		.argument = "N",
		.help = "records of a pod a second, at most, and as many of "
			"its denials; 0: all",
		.type = SETTING_NUMBER,
		.max = MAX_FLOW_RATE,
		.fallback = "100",
		.take = take_flow_log_rate,
	},
	{
		.name = "flow-log-fold",
		.argument = "S",
		.help = "seconds in which repeats are counted and told of as "
			"one; 0: each is told of",
		.type = SETTING_NUMBER,
		.max = MAX_FOLD_S,
		.fallback = "30",
		.take = take_flow_log_fold,
	},
	{
		.name = "flow-log-ends",
		.argument = "ON",
		.help = "on or off: also when a flow that passes has ended, "
			"and its bytes, or not",
		.type = SETTING_WORD,
		.words = switches,
		.fallback = "off",
		.take = take_flow_log_ends,
	},
	{
		.name = "flow-log-labels",
		.argument = "ON",
		.help = "on or off: with the labels of pods, or without",
		.type = SETTING_WORD,
		.words = switches,
		.fallback = "off",
		.take = take_flow_log_labels,
	},
	{
		.name = "flow-log-bytes",
		.argument = "N",
		.help = "how long a file gets before the next is begun",
		.type = SETTING_NUMBER,
		.min = MIN_ROTATE_BYTES,
		.max = MAX_ROTATE_BYTES,
		.fallback = "104857600",
		.take = take_flow_log_bytes,
	},
	{
		.name = "flow-log-keep",
		.argument = "N",
		.help = "how many older files stay: PATH.1 is the newest",
		.type = SETTING_NUMBER,
		.min = 1,
		.max = MAX_KEEP,
		.fallback = "5",
		.take = take_flow_log_keep,
	},
	{
		.name = "seccomp",
		.argument = "ON",
		.help = "on or off: limit what each thread may ask of the "
			"kernel to what it needs, or not, for a kernel that "
			"cannot",
		.type = SETTING_WORD,
		.words = switches,
		.fallback = "on",
		.take = take_seccomp,
	},
};
#define N_SETTINGS (sizeof(table) / sizeof(table[0]))
_Static_assert(N_SETTINGS <= SETTINGS_MAX, "struct settings has room for all");

const struct setting *setting_at(size_t index)
{
	return index < N_SETTINGS ? &table[index] : NULL;
}

size_t setting_index(const struct setting *setting)
{
	return (size_t)(setting - table);
}

const struct setting *setting_find(const char *name)
{
	for (size_t i = 0; i < N_SETTINGS; i++) {
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	}
	return NULL;
}
