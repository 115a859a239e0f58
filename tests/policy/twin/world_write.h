/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_TESTS_POLICY_WORLD_WRITE_H
#define NETPOLD_TESTS_POLICY_WORLD_WRITE_H

#include "world.h"

/**
 * What the writers of random objects share. Only world*.c include this.
 */
#define WORLD_TEXT_LEN 64

#define N_POD_KEYS 5
extern const char *const world_pod_keys[N_POD_KEYS];
extern const char *const world_protocols[5];
extern const char *const world_port_names[4];
extern const long world_port_numbers[8];

/** A comma, unless something was just opened. */
void json_comma(struct writer *text);
void json_key(struct writer *text, const char *key);
void json_text(struct writer *text, const char *key, const char *value);

/** "key": null, "key": EMPTY, or nothing: all mean the same (NP-1, NP-2). */
void json_nothing(struct world *world, struct writer *text, const char *key,
		  const char *empty);

/** Annotations of metadata: perhaps a mode (NP-8), or something else. */
void json_mode(struct world *world, struct writer *text);

/** An object of these parts in any order, to be freed; releases the parts. */
char *json_object(struct world *world, struct writer parts[4]);

/** The i-th address that pods are given, and the address of a node. */
struct world_address world_place(const struct world *world, int family,
				 size_t i);
struct world_address world_node_address(int family, size_t i);

/** Remember what is worth asking about. */
void world_note_address(struct world_addresses *to, struct world_address addr);
void world_note_port(struct world *world, const char *protocol, long number);

/** An address in one of the forms that mean it. */
void world_address_text(struct world *world, struct world_address addr,
			char text[WORLD_TEXT_LEN]);

#endif
