/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * L28: explanations of denied flows name the rule that came nearest and what it
 * misses. If they tell the truth, who mends it gets in: where one label of a
 * pod or of a namespace is all that is missing, or the port, a random world is
 * changed in just that, and then that rule has to allow; so say the engine and
 * the oracle.
 *
 * NETPOLD_SEED and NETPOLD_WORLDS set the seed and the number of worlds. World
 * n of a run is that of seed + n.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <jansson.h>

#include "netpold/arena.h"

#include "twin.h"
#include "world.h"

#define PROBES_PER_WORLD 200

/* Compiling a world anew costs more than asking it. */
#define LABELS_PER_WORLD 6

struct run {
	uint64_t seed;
	struct world world;
	struct twin twin;
	size_t labels_left;
};

struct tally {
	size_t worlds, denied, ports, pods, namespaces;
};

/* One denied side, and what is kept of its explanation for the time after its
   snapshot is gone. */
struct denial {
	struct probe probe;
	enum direction dir;
	char policy_namespace[24];
	char policy_name[24];
	size_t rule;
};

/* ---- asking ------------------------------------------------------------- */

static struct side_explanation explain(const struct run *run,
				       const struct probe *probe,
				       enum direction dir, struct arena *arena)
{
	struct flow_key key = engine_key(probe);
	struct explanation explanation;

	assert_int_equal(
		snapshot_explain(run->twin.snapshot, &key, arena, &explanation),
		0);
	return explanation.sides[dir];
}

static bool is_allowed_by(const struct denial *denial,
			  const struct side_explanation *side)
{
	for (size_t i = 0; i < side->n_rules; i++) {
		const struct rule_result *r = &side->rules[i];

		if (r->rule == denial->rule &&
		    strcmp(r->policy->namespace, denial->policy_namespace) ==
			    0 &&
		    strcmp(r->policy->name, denial->policy_name) == 0)
			return r->misses == 0;
	}
	return false;
}

static void check_allowed(struct run *run, const struct denial *denial,
			  const struct probe *probe, const char *mended)
{
	struct arena arena = { 0 };
	struct side_explanation side = explain(run, probe, denial->dir, &arena);
	struct writer complaint = { 0 };
	bool agreed = twin_agrees(&run->twin, probe, true, &complaint);

	if (!agreed || side.side.reason != REASON_RULE ||
	    !is_allowed_by(denial, &side)) {
		twin_tell(&run->twin, &denial->probe, &complaint);
		/* Not print_error(): it cuts long text. */
		fprintf(stderr,
			"world of NETPOLD_SEED=%llu: %s of %s/%s rule %zu was "
			"mended, and it does not allow: %s\n%s",
			(unsigned long long)run->seed, mended,
			denial->policy_namespace, denial->policy_name,
			denial->rule, reason_name(side.side.reason),
			complaint.data);
		fail();
	}
	writer_release(&complaint);
	arena_release(&arena);
}

/* ---- ports -------------------------------------------------------------- */

/* The probe, to what an entry of ports asks for; false where no port would
   do. */
static bool aim(const struct policy_port *port, const struct pod *receiver,
		struct probe *probe)
{
	probe->protocol = port->protocol;
	probe->has_port = true;
	if (port->kind == PORT_RANGE)
		probe->port = port->last;
	if (port->kind != PORT_NAMED)
		return true;
	for (size_t i = 0; receiver && i < receiver->n_ports; i++) {
		const struct container_port *p = &receiver->ports[i];

		if (p->protocol == port->protocol &&
		    strcmp(p->name, port->name) == 0) {
			probe->port = p->number;
			return true;
		}
	}
	return false;
}

static void mend_port(struct run *run, const struct denial *denial,
		      const struct rule_result *nearest, struct tally *tally)
{
	const struct rule *rule =
		&nearest->policy->rules[denial->dir][nearest->rule];
	struct flow_key key = engine_key(&denial->probe);
	const struct pod *receiver =
		snapshot_pod_by_address(run->twin.snapshot, &key.dst);

	for (size_t i = 0; i < rule->n_ports; i++) {
		struct probe probe = denial->probe;

		if (!aim(&rule->ports[i], receiver, &probe))
			continue;
		check_allowed(run, denial, &probe, "the port");
		tally->ports++;
	}
}

/* ---- labels ------------------------------------------------------------- */

/* Whether a change that meets one requirement can break no other. */
static bool is_free(const struct selector *selector,
		    const struct requirement *requirement)
{
	size_t n = 0;

	for (size_t i = 0; i < selector->n; i++)
		n += strcmp(selector->requirements[i].key, requirement->key) ==
		     0;
	return n == 1;
}

/* The object with the label as the requirement wants it. */
static char *mended(const char *json, const struct requirement *requirement)
{
	json_t *object = json_loads(json, 0, NULL);
	json_t *labels =
		json_object_get(json_object_get(object, "metadata"), "labels");
	char *text;

	assert_true(json_is_object(labels));
	if (requirement->op == SELECTOR_IN)
		json_object_set_new(labels, requirement->key,
				    json_string(requirement->values[0]));
	else if (requirement->op == SELECTOR_EXISTS)
		json_object_set_new(labels, requirement->key,
				    json_string("any"));
	else
		assert_int_equal(json_object_del(labels, requirement->key), 0);
	text = json_dumps(object, 0);
	json_decref(object);
	return text;
}

static void mend_label(struct run *run, const struct denial *denial,
		       const struct world_object *object,
		       const struct requirement *requirement)
{
	char *text = mended(object->json, requirement);

	twin_put(&run->twin, text);
	twin_compile(&run->twin);
	check_allowed(run, denial, &denial->probe,
		      world_kind_name(object->kind));
	twin_put(&run->twin, object->json);
	twin_compile(&run->twin);
	free(text);
}

static const struct pod *other_end(const struct run *run,
				   const struct denial *denial)
{
	struct flow_key key = engine_key(&denial->probe);

	return snapshot_pod_by_address(
		run->twin.snapshot,
		denial->dir == DIRECTION_EGRESS ? &key.dst : &key.src);
}

static void mend_pod(struct run *run, const struct denial *denial,
		     const struct rule_result *nearest, struct tally *tally)
{
	const struct pod *pod = other_end(run, denial);

	if (run->labels_left == 0 || nearest->pod_labels.n != 1 ||
	    !is_free(nearest->peer->pod_selector, nearest->pod_labels.items[0]))
		return;
	run->labels_left--;
	mend_label(
		run, denial,
		world_find(&run->world, WORLD_POD, pod->namespace, pod->name),
		nearest->pod_labels.items[0]);
	tally->pods++;
}

static void mend_namespace(struct run *run, const struct denial *denial,
			   const struct rule_result *nearest,
			   struct tally *tally)
{
	const struct pod *pod = other_end(run, denial);
	const struct requirement *unmet = nearest->namespace_labels.items[0];

	/* The name is not a label that can be given (NP-41). */
	if (run->labels_left == 0 || nearest->namespace_labels.n != 1 ||
	    !is_free(nearest->peer->namespace_selector, unmet) ||
	    strcmp(unmet->key, NAMESPACE_NAME_LABEL) == 0)
		return;
	run->labels_left--;
	mend_label(run, denial,
		   world_find(&run->world, WORLD_NAMESPACE, "", pod->namespace),
		   unmet);
	tally->namespaces++;
}

/* ---- the run ------------------------------------------------------------ */

static void check_side(struct run *run, const struct probe *probe,
		       enum direction dir, struct tally *tally)
{
	struct arena arena = { 0 };
	struct side_explanation side = explain(run, probe, dir, &arena);
	const struct rule_result *nearest = side.nearest;
	struct denial denial = { .probe = *probe, .dir = dir };

	if (side.side.reason == REASON_NO_RULE_MATCHES && nearest) {
		snprintf(denial.policy_namespace,
			 sizeof(denial.policy_namespace), "%s",
			 nearest->policy->namespace);
		snprintf(denial.policy_name, sizeof(denial.policy_name), "%s",
			 nearest->policy->name);
		denial.rule = nearest->rule;
		tally->denied++;
		if (nearest->misses == MISS_PORT)
			mend_port(run, &denial, nearest, tally);
		if (nearest->misses == MISS_POD_LABELS)
			mend_pod(run, &denial, nearest, tally);
		if (nearest->misses == MISS_NAMESPACE_LABELS)
			mend_namespace(run, &denial, nearest, tally);
	}
	arena_release(&arena);
}

static void check_world(uint64_t seed, struct tally *tally)
{
	struct run run = { .seed = seed, .labels_left = LABELS_PER_WORLD };

	world_init(&run.world, seed);
	twin_init(&run.twin, run.world.node);
	for (size_t i = 0; i < run.world.n_objects; i++)
		twin_put(&run.twin, run.world.objects[i].json);
	twin_compile(&run.twin);
	for (size_t i = 0; i < PROBES_PER_WORLD; i++) {
		struct probe probe = world_probe(&run.world);

		for (int dir = 0; dir < N_DIRECTIONS; dir++)
			check_side(&run, &probe, dir, tally);
	}
	twin_release(&run.twin);
	world_release(&run.world);
	tally->worlds++;
}

static void who_mends_what_is_missing_gets_in(void **state)
{
	uint64_t seed =
		random_setting("NETPOLD_SEED", (uint64_t)time(NULL) << 20);
	size_t n_worlds = random_setting("NETPOLD_WORLDS", 2000);
	struct tally tally = { 0 };

	(void)state;
	print_message("# NETPOLD_SEED=%llu NETPOLD_WORLDS=%zu\n",
		      (unsigned long long)seed, n_worlds);
	while (tally.worlds < n_worlds)
		check_world(seed++, &tally);
	print_message("# %zu denied sides in %zu worlds; mended: %zu ports, "
		      "%zu labels of pods, %zu labels of namespaces\n",
		      tally.denied, tally.worlds, tally.ports, tally.pods,
		      tally.namespaces);
	if (tally.worlds < 100)
		return;
	assert_true(tally.ports > tally.worlds);
	assert_true(tally.pods > tally.worlds / 20);
	assert_true(tally.namespaces > tally.worlds / 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_mends_what_is_missing_gets_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
