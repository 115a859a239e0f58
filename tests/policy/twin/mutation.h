/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_TESTS_POLICY_MUTATION_H
#define NETPOLD_TESTS_POLICY_MUTATION_H

#include "world.h"

/**
 * The objects of a world, changed a little, as the next commit to a repository
 * might change them.
 */
enum mutation {
	MUTATION_NONE = 0,
	MUTATION_WRITING, /* says the same in another way */
	MUTATION_RULE,	 /* of one policy a rule goes, or comes a second time */
	MUTATION_POLICY, /* a policy goes, or is another one */
	MUTATION_LABEL,	 /* a pod or a namespace has another label */
	MUTATION_ADDRESS, /* a pod has another address, or a new name */
};
#define N_MUTATIONS 6

const char *mutation_name(enum mutation mutation);

/**
 * All objects of a world after a mutation.
 *
 * @out  world->n_objects places; those that are gone are NULL, the others are
 *       JSON text to be freed
 */
void mutate(struct world *world, enum mutation mutation, char **out);

#endif
