/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A server that is newer than we are may let in policies with fields, peers or
 * protocols that nobody knows here. Not to enforce such a policy would open the
 * pods that it isolates; to read over what is unknown in a rule could make the
 * rule wider than it is (AV-13): {"from": [{"newSelector": …}]} would be every
 * peer. But rules only ever allow. So a rule that is not understood is left
 * out, and the pods are closed to what it would have let in:
 *
 *	ingress: [{from: [{newSelector: …}]}, {ports: [{port: 80}]}]
 *	ingress: [{ports: [{port: 80}]}]
 *
 * A field beside the rules is read over, as every client of the server does
 * with what is newer, and so is an unknown type beside known ones: it closes a
 * way that nobody here knows, and the known ones are closed all the same. Where
 * no type is known, the policy closes none of the ways that are, and there is
 * nothing to keep: an empty list of types would close those that are meant by
 * default (NP-3). The selector of the policy has to be understood.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "manifest/decode.h"
#include "parts.h"

static struct tree map_of(const char *key, struct tree *entry)
{
	return (struct tree){
		.key = key,
		.key_len = (uint32_t)strlen(key),
		.first = entry,
		.len = 1,
		.type = TREE_MAP,
	};
}

/* Is a policy with this rule alone one that is understood? Returns 1, 0, or
   -ENOMEM. */
static int is_understood(struct api_reader *reader, const struct tree *rule,
			 enum direction dir)
{
	struct tree alone = *rule;
	struct tree list = map_of(direction_name(dir), &alone);
	struct tree spec = map_of("spec", &list);
	struct tree policy = map_of("", &spec);
	struct object object;
	int r;

	alone.next = NULL;
	list.type = TREE_LIST;
	reader->report.n_errors = 0;
	r = schema_check(reader->schema, &policy, &reader->arena,
			 &reader->report);
	if (r < 0 || reader->report.n_errors > 0)
		return r;
	r = decode_object(OBJECT_NETWORK_POLICY, &policy, &reader->arena,
			  &object);
	return r == -ENOMEM ? r : r == 0;
}

static int narrow_rules(struct api_reader *reader, struct tree *list,
			enum direction dir)
{
	struct tree **link = &list->first;

	while (*link) {
		int r = is_understood(reader, *link, dir);

		if (r < 0)
			return r;
		if (r == 1) {
			link = &(*link)->next;
		} else {
			*link = (*link)->next;
			list->len--;
		}
	}
	return 0;
}

static bool is_known_type(const struct tree *type)
{
	return tree_text_is(type, "Ingress") || tree_text_is(type, "Egress");
}

static void narrow_types(struct tree *list)
{
	struct tree **link = &list->first;

	while (*link) {
		if (is_known_type(*link)) {
			link = &(*link)->next;
		} else {
			*link = (*link)->next;
			list->len--;
		}
	}
}

static int narrow_entry(struct api_reader *reader, struct tree *entry)
{
	int r = 0;

	if (entry->type == TREE_LIST && tree_key_is(entry, "policyTypes"))
		narrow_types(entry);
	for (int dir = 0; dir < N_DIRECTIONS && r == 0; dir++) {
		if (entry->type == TREE_LIST &&
		    tree_key_is(entry, direction_name(dir)))
			r = narrow_rules(reader, entry, dir);
	}
	return r;
}

static int narrow_spec(struct api_reader *reader, const struct schema *schema,
		       struct tree *spec)
{
	struct tree **link = &spec->first;

	while (*link) {
		struct tree *entry = *link;
		int r = narrow_entry(reader, entry);

		if (r < 0)
			return r;
		if (schema_find(schema, entry->key, entry->key_len)) {
			link = &entry->next;
		} else {
			*link = entry->next;
			spec->len--;
		}
	}
	return 0;
}

int api_narrow(struct api_reader *reader, struct tree *policy)
{
	const struct schema_field *field =
		schema_find(reader->schema, "spec", strlen("spec"));
	int r = 0;

	for (struct tree *e = policy->first; e && r == 0; e = e->next) {
		if (!tree_key_is(e, "spec") || e->type != TREE_MAP)
			continue;
		/* Which ways are closed may follow from the rules (NP-3). */
		if (!tree_first(tree_get(e, "policyTypes")))
			return 0;
		r = narrow_spec(reader, field->object, e);
		if (r == 0 && !tree_first(tree_get(e, "policyTypes")))
			return 0;
	}
	return r < 0 ? r : 1;
}
