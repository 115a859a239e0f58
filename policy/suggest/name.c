/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <search.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "suggest/parts.h"

/* Of an object's name (RFC 1123), less what comes behind. */
#define MAX_STEM_LEN 220
#define MAX_NAME_LEN 253

/* A label may hold more than a name may: Web_Shop is called web-shop. */
static void write_stem(const struct workload *workload,
		       char out[MAX_STEM_LEN + 1])
{
	size_t n = 0;

	for (size_t i = 0; i < workload->name_len && n < MAX_STEM_LEN; i++) {
		unsigned char c = (unsigned char)workload->name[i];

		if (c < 0x80 && isalnum(c))
			out[n++] = (char)tolower(c);
		else if (n > 0 && out[n - 1] != '-')
			out[n++] = '-';
	}
	while (n > 0 && out[n - 1] == '-')
		n--;
	out[n] = '\0';
	if (n == 0)
		strcpy(out, "pods");
}

/* ---- names that are taken ----------------------------------------------- */

struct taken {
	const char *namespace, *name;
};

static int compare_taken(const void *a, const void *b)
{
	const struct taken *x = a, *y = b;
	int order = strcmp(x->namespace, y->namespace);

	return order ? order : strcmp(x->name, y->name);
}

static bool is_free(struct suggest *suggest, const struct taken *name)
{
	return !cluster_find(suggest->cluster, OBJECT_NETWORK_POLICY,
			     name->namespace, name->name) &&
	       !tfind(name, &suggest->names, compare_taken);
}

/* The name, which lives on; NULL without memory. */
static const char *take(struct suggest *suggest, const struct taken *name)
{
	struct taken *kept = arena_array(&suggest->arena, 1, sizeof(*kept));

	if (!kept)
		return NULL;
	kept->namespace = name->namespace;
	kept->name = arena_strdup(&suggest->arena, name->name);
	if (!kept->name || !tsearch(kept, &suggest->names, compare_taken))
		return NULL;
	return kept->name;
}

void suggest_names_release(struct suggest *suggest)
{
	tdestroy(suggest->names, arena_keep);
	suggest->names = NULL;
}

const char *suggest_policy_name(struct suggest *suggest, uint32_t unit,
				const char *ending)
{
	const struct workload *workload = &suggest->groups[unit].workload;
	char stem[MAX_STEM_LEN + 1], text[MAX_NAME_LEN + 1];
	const struct taken name = { workload->namespace, text };

	write_stem(workload, stem);
	snprintf(text, sizeof(text), "%s%s", stem, ending);
	for (unsigned int i = 2; !is_free(suggest, &name); i++)
		snprintf(text, sizeof(text), "%s%s-%u", stem, ending, i);
	return take(suggest, &name);
}
