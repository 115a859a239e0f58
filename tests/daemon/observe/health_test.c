/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "observe/health.h"

#define S INT64_C(1000000)

/* 2024-02-29T12:34:56.789Z */
#define WHEN_US INT64_C(1709210096789123)

/* ---- alive (L32) -------------------------------------------------------- */

static const struct {
	const char *name;
	int64_t alive_us, now_us;
	bool good;
	const char *why;
} turns[] = {
	{ "a loop that has just turned lives", 5 * S, 5 * S, true,
	  "alive: the control loop turned 0.0 s ago" },
	{ "a turn that takes long is no death", 5 * S, 64 * S, true,
	  "alive: the control loop turned 59.0 s ago" },
	{ "a loop that does not turn for a minute is stuck", 5 * S, 65 * S,
	  false, "stuck: the control loop turned 60.0 s ago" },
	{ "a turn between two looks at the clock is none in the future",
	  5 * S + 1, 5 * S, true, "alive: the control loop turned 0.0 s ago" },
	{ "tenths of seconds are told", 0, 90 * S + 999999, false,
	  "stuck: the control loop turned 90.9 s ago" },
};

static void a_loop_lives_while_it_turns(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(turns) / sizeof(turns[0]); i++) {
		struct health health;

		health_check_loop(turns[i].alive_us, turns[i].now_us,
				  HEALTH_PATIENCE_S, &health);
		if (health.good != turns[i].good ||
		    strcmp(health.why, turns[i].why) != 0)
			fail_msg("%s: expected '%s', got '%s'", turns[i].name,
				 turns[i].why, health.why);
	}
}

static const struct {
	const char *name;
	int64_t alive_us;   /* of a loop that is looked at at 100 s */
	int64_t stalled_us; /* since when a worker stands still; 0: none does */
	const char *why;
} stalls[] = {
	{ "workers that move live", 99 * S, 0,
	  "alive: the control loop turned 1.0 s ago" },
	{ "a worker that stands still for a moment is told of elsewhere",
	  99 * S, WHEN_US - 59 * S,
	  "alive: the control loop turned 1.0 s ago" },
	{ "one that stands still for a minute is stuck", 99 * S,
	  WHEN_US - 60 * S, "stuck: the worker of queue 7, for 60 s" },
	{ "a loop that is stuck comes first", 40 * S, WHEN_US - 60 * S,
	  "stuck: the control loop turned 60.0 s ago" },
};

static void a_worker_lives_unless_it_stands_still_for_long(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(stalls) / sizeof(stalls[0]); i++) {
		const struct status status = { .stalled = {
						       stalls[i].stalled_us,
						       "the worker of queue 7",
					       } };
		struct health health;

		health_check_alive(&status, stalls[i].alive_us, 100 * S,
				   WHEN_US, HEALTH_PATIENCE_S, &health);
		if (health.good != (stalls[i].why[0] == 'a') ||
		    strcmp(health.why, stalls[i].why) != 0)
			fail_msg("%s: expected '%s', got '%s'", stalls[i].name,
				 stalls[i].why, health.why);
	}
}

/* ---- ready -------------------------------------------------------------- */

#define STARTED .started_us = WHEN_US
#define RUNS STARTED, .flavour = IPTABLES_NFT
#define SERVER .source.is_used = true, .source.server = "https://k"
#define SYNCED(resource) .source.resources[resource].is_synced = true

/* What is there when it is looked at for the first time, and the answer. */
static const struct {
	const char *name;
	struct status status;
	bool settled;
	const char *why;
} states[] = {
	{ "a start is not ready",
	  { STARTED },
	  false,
	  "not ready: starting, nothing is in force yet" },
	{ "manifests with a mistake are not ready, and say why",
	  { STARTED, .refused = { WHEN_US, "web.yaml:9: no" } },
	  false,
	  "not ready: what objects say is refused: web.yaml:9: no" },
	{ "what was read and is in force is ready",
	  { RUNS, .generation = 1 },
	  true,
	  NULL },
	{ "a change that is refused later does not matter",
	  { RUNS, .generation = 1, .refused = { WHEN_US, "no" } },
	  true,
	  NULL },
	{ "what the last run read is in force, and not ready",
	  { RUNS, .generation = 1,
	    .warm = { .since_us = WHEN_US, .written_us = WHEN_US } },
	  false,
	  "not ready: objects cannot be read, those that were read until "
	  "2024-02-29T12:34:56.789Z are in force" },
	{ "why they cannot be read is told",
	  { RUNS, .generation = 1, .refused = { WHEN_US, "gone" },
	    .warm = { .since_us = WHEN_US, .written_us = WHEN_US } },
	  false,
	  "not ready: objects cannot be read, those that were read until "
	  "2024-02-29T12:34:56.789Z are in force: gone" },
	{ "a pause is the operator's wish, and ready",
	  { RUNS, .pause = { .since_us = WHEN_US } },
	  true,
	  NULL },
	{ "but not before objects were read",
	  { STARTED, .pause = { .since_us = WHEN_US } },
	  false,
	  "not ready: starting, nothing is in force yet" },
	{ "an API server is waited for, each resource by name",
	  { STARTED, SERVER, SYNCED(KUBE_NAMESPACES), SYNCED(KUBE_NODE) },
	  false,
	  "not ready: waiting for networkpolicies, pods from https://k" },
	{ "what keeps it from answering is told, on one line",
	  { STARTED, SERVER, SYNCED(KUBE_NAMESPACES), SYNCED(KUBE_NODE),
	    SYNCED(KUBE_POLICIES),
	    .source.resources[KUBE_PODS].trouble = "403:\n\x1b no" },
	  false,
	  "not ready: waiting for pods from https://k: 403:?? no" },
	{ "nobody waits for ClusterNetworkPolicies",
	  { STARTED, SERVER, SYNCED(KUBE_NAMESPACES), SYNCED(KUBE_NODE),
	    SYNCED(KUBE_POLICIES), SYNCED(KUBE_PODS) },
	  false,
	  "not ready: starting, nothing is in force yet" },
};

static void ready_is_what_was_read_and_is_in_force(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		struct status status = states[i].status;
		const char *why = states[i].why ? states[i].why
						: "ready since "
						  "2024-02-29T12:34:56.789Z";
		struct health health;

		if (health_is_settled(&status) != states[i].settled)
			fail_msg("%s: settled or not", states[i].name);
		status.ready_since_us = states[i].settled ? WHEN_US : 0;
		health_check_ready(&status, 0, &health);
		if (health.good != states[i].settled ||
		    strncmp(health.why, why, strlen(why)) != 0)
			fail_msg("%s: expected '%s', got '%s'", states[i].name,
				 why, health.why);
	}
}

/* API-28, L29: what is in force stays so; and after two minutes that is told.
 */
static void ready_is_ready_until_what_it_knows_is_stale(void **state)
{
	const int64_t heard_us = 1000 * INT64_C(1000000);
	const int64_t stale_us = heard_us + 120 * INT64_C(1000000);
	struct status status = {
		RUNS,
		SERVER,
		.ready_since_us = WHEN_US,
		.source.resources[KUBE_PODS] = { .is_synced = true,
						 .trouble = "cannot connect",
						 .heard_us = heard_us },
		.refused = { WHEN_US, "no" },
	};
	struct health health;

	(void)state;
	health_check_ready(&status, stale_us - 1, &health);
	assert_true(health.good);
	assert_string_equal("ready since 2024-02-29T12:34:56.789Z", health.why);
	status.pause.since_us = WHEN_US;
	health_check_ready(&status, stale_us - 1, &health);
	assert_true(health.good);
	assert_non_null(strstr(health.why, "; enforcement is paused"));
	health_check_ready(&status, stale_us, &health);
	assert_false(health.good);
	assert_string_equal("not ready: pods are of 120 s ago, and stay in "
			    "force: cannot connect",
			    health.why);
	/* A quiet watch is none. */
	*status.source.resources[KUBE_PODS].trouble = '\0';
	health_check_ready(&status, 10 * stale_us, &health);
	assert_true(health.good);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_loop_lives_while_it_turns),
		cmocka_unit_test(
			a_worker_lives_unless_it_stands_still_for_long),
		cmocka_unit_test(ready_is_what_was_read_and_is_in_force),
		cmocka_unit_test(ready_is_ready_until_what_it_knows_is_stale),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
