/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "table/namespace.h"

#include <errno.h>
#include <stdint.h>

#include "store/intern.h"
#include "store/record.h"

#define FIRST_BUCKETS 64

/* ---- facts -------------------------------------------------------------- */

struct namespace_facts *facts_use(struct namespace_facts *facts)
{
	facts->n_users++;
	return facts;
}

void facts_drop(struct parts *parts, struct namespace_facts *facts)
{
	if (!facts || --facts->n_users > 0)
		return;
	intern_drop(parts->pool, facts->name);
	intern_labels_drop(parts->pool, &facts->labels);
	parts_free(parts, PART_IDENTITIES, facts, sizeof(*facts));
}

/* Without an object the name is known, and is what the server would put into
   this label (NP-41, NP-42). */
static int guess_labels(struct parts *parts, const char *name_key,
			const char *name, struct labels *out)
{
	const struct label label = { name_key, name };
	const struct labels labels = { &label, 1 };

	return intern_labels(parts->pool, &labels, out);
}

static struct namespace_facts *facts_new(struct parts *parts,
					 const char *name_key, const char *name,
					 const struct labels *labels)
{
	struct namespace_facts *facts =
		parts_alloc(parts, PART_IDENTITIES, sizeof(*facts));

	if (!facts)
		return NULL;
	facts->n_users = 1;
	facts->known = labels != NULL;
	if (labels) {
		facts->labels = *labels;
		intern_labels_again(labels);
	} else if (guess_labels(parts, name_key, name, &facts->labels) < 0) {
		parts_free(parts, PART_IDENTITIES, facts, sizeof(*facts));
		return NULL;
	}
	facts->name = intern_again(name);
	return facts;
}

/* ---- namespaces --------------------------------------------------------- */

int namespaces_init(struct parts *parts, struct namespaces *namespaces)
{
	*namespaces = (struct namespaces){
		.name_key = intern(parts->pool, NAMESPACE_NAME_LABEL),
	};
	return namespaces->name_key ? 0 : -ENOMEM;
}

static struct table_namespace **bucket(const struct namespaces *namespaces,
				       const char *name)
{
	uint64_t hash = (uintptr_t)name * 0x9e3779b97f4a7c15;

	return &namespaces->buckets[(hash >> 32) & (namespaces->n_buckets - 1)];
}

struct table_namespace *namespaces_find(const struct namespaces *namespaces,
					const char *name)
{
	struct table_namespace *namespace;

	if (!namespaces->buckets)
		return NULL;
	namespace = *bucket(namespaces, name);
	while (namespace && namespace->name != name)
	namespace = namespace->next;
	return namespace;
}

static int grow(struct parts *parts, struct namespaces *namespaces)
{
	struct namespaces grown = *namespaces;

	grown.n_buckets = namespaces->n_buckets ? namespaces->n_buckets * 2
						: FIRST_BUCKETS;
	grown.buckets = parts_alloc(parts, PART_IDENTITIES,
				    grown.n_buckets * sizeof(void *));
	if (!grown.buckets)
		return -ENOMEM;
	for (size_t i = 0; i < namespaces->n_buckets; i++) {
		struct table_namespace *namespace = namespaces->buckets[i];

		while (namespace) {
			struct table_namespace *next = namespace->next;
			struct table_namespace **head =
				bucket(&grown, namespace->name);

			namespace->next = *head;
			*head = namespace;
			namespace = next;
		}
	}
	parts_free(parts, PART_IDENTITIES, namespaces->buckets,
		   namespaces->n_buckets * sizeof(void *));
	*namespaces = grown;
	return 0;
}

struct table_namespace *namespaces_get(struct parts *parts,
				       struct namespaces *namespaces,
				       const char *name)
{
	struct table_namespace *namespace = namespaces_find(namespaces, name);
	struct table_namespace **head;

	if (namespace)
		return namespace;
	if (namespaces->n >= namespaces->n_buckets &&
	    grow(parts, namespaces) < 0)
		return NULL;
	namespace = parts_alloc(parts, PART_IDENTITIES, sizeof(*namespace));
	if (!namespace)
		return NULL;
	namespace->facts = facts_new(parts, namespaces->name_key, name, NULL);
	if (!namespace->facts) {
		parts_free(parts, PART_IDENTITIES, namespace,
			   sizeof(*namespace));
		return NULL;
	}
	namespace->name = namespace->facts->name;
	head = bucket(namespaces, name);
	namespace->next = *head;
	*head = namespace;
	namespaces->n++;
	return namespace;
}

static void namespace_free(struct parts *parts,
			   struct table_namespace *namespace)
{
	for (size_t i = 0; i < namespace->n_policies; i++)
		record_drop(parts->pool, namespace->policies[i]);
	parts_free(parts, PART_INDEX, namespace->policies,
		   namespace->policies_capacity * sizeof(void *));
	facts_drop(parts, namespace->facts);
	parts_free(parts, PART_IDENTITIES, namespace, sizeof(*namespace));
}

int namespace_add_policy(struct parts *parts, struct table_namespace *namespace,
			 const struct object *policy)
{
	const struct object **policies = parts_grow(
		parts, PART_INDEX, namespace->policies, namespace->n_policies,
		&namespace->policies_capacity, sizeof(void *));

	if (!policies)
		return -ENOMEM;
	namespace->policies = policies;
	policies[namespace->n_policies++] = record_use(policy);
	return 0;
}

void namespace_remove_policy(struct parts *parts,
			     struct table_namespace *namespace,
			     const struct object *policy)
{
	size_t i = namespace->n_policies - 1;

	while (namespace->policies[i] != policy)
		i--;
	namespace->policies[i] = namespace->policies[--namespace->n_policies];
	record_drop(parts->pool, policy);
}

void namespaces_drop_unused(struct parts *parts, struct namespaces *namespaces,
			    struct table_namespace *namespace)
{
	struct table_namespace **link;

	if (namespace->n_identities > 0 || namespace->n_policies > 0 ||
	    namespace->facts->known || namespace->dirty)
		return;
	link = bucket(namespaces, namespace->name);
	while (*link != namespace)
		link = &(*link)->next;
	*link = namespace->next;
	namespaces->n--;
	namespace_free(parts, namespace);
}

int namespaces_learn(struct parts *parts, const struct namespaces *namespaces,
		     struct table_namespace *namespace,
		     const struct labels *labels)
{
	struct namespace_facts *old = namespace->facts, *facts;

	/* Lists of one pool are equal when their pointers are. */
	if (labels ? old->known && old->labels.items == labels->items
		   : !old->known)
		return 0;
	facts = facts_new(parts, namespaces->name_key, namespace->name, labels);
	if (!facts)
		return -ENOMEM;
	namespace->facts = facts;
	namespace->name = facts->name;
	facts_drop(parts, old);
	return 1;
}

void namespaces_release(struct parts *parts, struct namespaces *namespaces)
{
	for (size_t i = 0; i < namespaces->n_buckets; i++) {
		while (namespaces->buckets[i]) {
			struct table_namespace *namespace =
				namespaces->buckets[i];

			namespaces->buckets[i] = namespace->next;
			namespace_free(parts, namespace);
		}
	}
	parts_free(parts, PART_IDENTITIES, namespaces->buckets,
		   namespaces->n_buckets * sizeof(void *));
	intern_drop(parts->pool, namespaces->name_key);
	*namespaces = (struct namespaces){ 0 };
}
