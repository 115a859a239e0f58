/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kube/kube_source_parts.h"

#include <stdio.h>

#include "netpold/cluster.h"

#include "kube/resource.h"

void kube_source_missing(const struct kube_source *source, char *text,
			 size_t size)
{
	size_t len = 0;

	*text = '\0';
	for (int i = 0; i < N_KUBE_RESOURCES && len < size; i++) {
		const struct kube_resource_status *status =
			reflector_status(source->reflectors[i]);

		if (kube_source_is_extra(i) || status->is_synced)
			continue;
		len += (size_t)snprintf(
			text + len, size - len, "%s%s%s%.120s%s",
			len ? ", " : "", kube_resource_name(i),
			*status->trouble ? " (" : "", status->trouble,
			*status->trouble ? ")" : "");
	}
}

static const char *find_trouble(const struct kube_source *source,
				bool (*counts)(enum kube_resource which))
{
	for (int i = 0; i < N_KUBE_RESOURCES; i++) {
		const struct kube_resource_status *status =
			reflector_status(source->reflectors[i]);

		if (counts(i) && *status->trouble)
			return status->trouble;
	}
	return NULL;
}

const char *kube_source_trouble(const struct kube_source *source)
{
	return find_trouble(source, kube_source_decides);
}

const char *kube_source_extra_trouble(const struct kube_source *source)
{
	return find_trouble(source, kube_source_is_extra);
}

bool kube_source_knows_extra(const struct kube_source *source)
{
	for (int i = 0; i < N_KUBE_RESOURCES; i++) {
		const struct kube_resource_status *status =
			reflector_status(source->reflectors[i]);

		if (kube_source_is_extra(i) && status->is_served &&
		    !status->is_synced && !*status->trouble)
			return false;
	}
	return true;
}

const char *kube_source_name(const struct kube_source *source)
{
	return source->access.server;
}

static void tell_unreadable(const struct name_set *set,
			    struct kube_resource_status *out)
{
	out->n_unreadable = set->n;
	if (set->n)
		snprintf(out->unreadable, sizeof(out->unreadable), "%s%s%s",
			 set->names[0].namespace,
			 *set->names[0].namespace ? "/" : "",
			 set->names[0].name);
}

void kube_source_status(const struct kube_source *source,
			struct kube_status *out)
{
	*out = (struct kube_status){ .is_used = true };
	snprintf(out->server, sizeof(out->server), "%s", source->access.server);
	for (int i = 0; i < N_KUBE_RESOURCES; i++) {
		out->resources[i] = *reflector_status(source->reflectors[i]);
		out->resources[i].n_objects =
			kube_source_is_extra(i)
				? source->extra.n
				: cluster_count(source->store.cluster,
						resource_of(i)->kind);
		tell_unreadable(&source->store.unreadable[i],
				&out->resources[i]);
	}
}

const struct name_set *kube_source_unreadable(const struct kube_source *source,
					      enum kube_resource which)
{
	return &source->store.unreadable[which];
}
