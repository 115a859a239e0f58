/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "who_text.h"

#include <string.h>

#include "plain_text.h"

/* "all pods but …" is said where so few are missing, and more are there. */
#define MAX_MISSING 3
/* Names in braces; more are counted. */
#define MAX_NAMES 20
/* Namespaces with the same groups are looked for among so many kinds. */
#define MAX_PATTERNS 16

struct writing {
	FILE *out;
	const struct who_index *index;
	const struct who *who;
	size_t limit;
	const struct who_namespace *own;
	bool told_own;
	size_t n_items; /* written */
	size_t n_more;	/* not written */
	uint32_t n_more_pods;
};

/* ---- names -------------------------------------------------------------- */

static void write_name(const struct writing *w, const char *name)
{
	char plain[PLAIN_TEXT_LEN];

	fputs(plain_text(name, plain), w->out);
}

/* Labels have commas in them. */
static void write_group(const struct writing *w, uint32_t i)
{
	const struct grid_group *group = &w->index->groups[i];
	bool is_labels =
		strcmp(group->kind, "Labels") == 0 && group->name[0] != '(';

	fputs(is_labels ? "(" : "", w->out);
	write_name(w, *group->name ? group->name : "*");
	fputs(is_labels ? ")" : "", w->out);
}

static void write_groups(const struct writing *w, const uint32_t *groups,
			 uint32_t n)
{
	if (n == 1) {
		write_group(w, groups[0]);
		return;
	}
	fputs("{", w->out);
	for (uint32_t i = 0; i < n; i++) {
		if (w->limit && i == MAX_NAMES) {
			fprintf(w->out, ", %u more", n - i);
			break;
		}
		fputs(i > 0 ? ", " : "", w->out);
		write_group(w, groups[i]);
	}
	fputs("}", w->out);
}

/* Whether an item is to be written; else it is counted. */
static bool begin_item(struct writing *w, uint32_t n_pods)
{
	if (w->limit && w->n_items == w->limit) {
		w->n_more++;
		w->n_more_pods += n_pods;
		return false;
	}
	if (w->n_items++ > 0)
		fputs(", ", w->out);
	return true;
}

/* ---- pods --------------------------------------------------------------- */

static void write_whole(struct writing *w, const struct who_part *part)
{
	if (!begin_item(w, part->n_pods))
		return;
	write_name(w, part->namespace->name);
	fputs("/", w->out);
	/* The only group there is has a name that says more. */
	if (part->n_groups == 1)
		write_group(w, part->groups[0]);
	else
		fputs("*", w->out);
}

static bool is_missing(const struct who_part *part, uint32_t group)
{
	for (uint32_t i = 0; i < part->n_groups; i++) {
		if (part->groups[i] == group)
			return false;
	}
	return true;
}

/* A star, "(not db)". */
static bool write_but_one(const struct writing *w, const struct who_part *part)
{
	uint32_t n = part->namespace->end - part->namespace->first;

	if (part->n_groups + 1 != n || n < 4)
		return false;
	fputs("* (not ", w->out);
	for (uint32_t i = part->namespace->first; i < part->namespace->end;
	     i++) {
		if (is_missing(part, i))
			write_group(w, i);
	}
	fputs(")", w->out);
	return true;
}

static bool same_names(const struct writing *w, const struct who_part *a,
		       const struct who_part *b)
{
	if (a->n_groups != b->n_groups)
		return false;
	for (uint32_t i = 0; i < a->n_groups; i++) {
		if (strcmp(w->index->groups[a->groups[i]].name,
			   w->index->groups[b->groups[i]].name) != 0)
			return false;
	}
	return true;
}

/* One part, and the namespaces that have a part of the same names. */
struct pattern {
	const struct who_part *part;
	size_t n; /* namespaces */
	uint32_t n_pods;
};

static struct pattern *find_pattern(const struct writing *w,
				    struct pattern *patterns, size_t n,
				    const struct who_part *part)
{
	for (size_t i = 0; i < n; i++) {
		if (same_names(w, patterns[i].part, part))
			return &patterns[i];
	}
	return NULL;
}

static void write_namespaces(const struct writing *w,
			     const struct pattern *pattern)
{
	size_t at = 0;

	fputs("{", w->out);
	for (size_t i = 0; i < w->who->n_parts; i++) {
		const struct who_part *part = &w->who->parts[i];

		if (part->is_all || part->namespace == w->own ||
		    !same_names(w, pattern->part, part))
			continue;
		if (w->limit && at == MAX_NAMES) {
			fprintf(w->out, ", %zu more", pattern->n - at);
			break;
		}
		fputs(at++ > 0 ? ", " : "", w->out);
		write_name(w, part->namespace->name);
	}
	fputs("}", w->out);
}

static void write_pattern(struct writing *w, const struct pattern *pattern)
{
	if (!begin_item(w, pattern->n_pods))
		return;
	if (pattern->n > 1)
		write_namespaces(w, pattern);
	else
		write_name(w, pattern->part->namespace->name);
	fputs("/", w->out);
	if (pattern->n > 1 || !write_but_one(w, pattern->part))
		write_groups(w, pattern->part->groups, pattern->part->n_groups);
}

static void write_own(struct writing *w)
{
	for (size_t i = 0; i < w->who->n_parts; i++) {
		const struct who_part *part = &w->who->parts[i];

		if (part->namespace != w->own || !begin_item(w, part->n_pods))
			continue;
		w->told_own = true;
		if (part->is_all)
			fputs("all", w->out);
		else
			write_groups(w, part->groups, part->n_groups);
		fputs(" of the same namespace", w->out);
	}
}

static void write_parts(struct writing *w)
{
	struct pattern patterns[MAX_PATTERNS];
	size_t n = 0;

	write_own(w);
	for (size_t i = 0; i < w->who->n_parts; i++) {
		const struct who_part *part = &w->who->parts[i];
		struct pattern *same;

		if (part->namespace == w->own)
			continue;
		if (part->is_all) {
			write_whole(w, part);
			continue;
		}
		same = find_pattern(w, patterns, n, part);
		if (!same && n == MAX_PATTERNS) {
			write_pattern(
				w, &(struct pattern){ part, 1, part->n_pods });
			continue;
		}
		if (!same) {
			same = &patterns[n++];
			*same = (struct pattern){ .part = part };
		}
		same->n++;
		same->n_pods += part->n_pods;
	}
	for (size_t i = 0; i < n; i++)
		write_pattern(w, &patterns[i]);
}

/* ---- all but a few ------------------------------------------------------ */

/* What is not in a set, in the same order. */
struct missing {
	struct who_part parts[MAX_MISSING];
	uint32_t groups[MAX_MISSING * MAX_MISSING];
	size_t n_parts, n_groups;
};

/* Of a namespace; false where that is too much. */
static bool add_missing(struct missing *m, const struct who_namespace *ns,
			const struct who_part *present)
{
	struct who_part *part = &m->parts[m->n_parts];
	uint32_t n = ns->end - ns->first - present->n_groups;

	if (m->n_parts == MAX_MISSING ||
	    (present->n_groups > 0 && n > MAX_MISSING))
		return false;
	*part = (struct who_part){
		.namespace = ns,
		.groups = &m->groups[m->n_groups],
		.is_all = present->n_groups == 0 && n > 1,
		.n_groups = n,
	};
	m->n_parts++;
	for (uint32_t i = ns->first; !part->is_all && i < ns->end; i++) {
		if (is_missing(present, i))
			m->groups[m->n_groups++] = i;
	}
	return true;
}

/* False where too much is missing, or nothing. */
static bool list_missing(const struct writing *w, struct missing *m)
{
	const struct who *who = w->who;
	size_t at = 0;

	for (size_t i = 0; i < w->index->n_namespaces; i++) {
		const struct who_namespace *ns = &w->index->namespaces[i];
		const struct who_part none = { .namespace = ns };
		const struct who_part *part = &none;

		if (at < who->n_parts && who->parts[at].namespace == ns)
			part = &who->parts[at++];
		if (!part->is_all && !add_missing(m, ns, part))
			return false;
	}
	return m->n_parts > 0;
}

static bool write_all_but(struct writing *w)
{
	struct missing m = { .n_parts = 0 };

	if (w->who->n_parts <= MAX_MISSING || !list_missing(w, &m))
		return false;
	fputs(w->who->all_outside ? "everyone but " : "all pods but ", w->out);
	for (size_t i = 0; i < m.n_parts; i++) {
		const struct who_part *part = &m.parts[i];

		fputs(i == 0 ? "" : i + 1 < m.n_parts ? ", " : " and ", w->out);
		write_name(w, part->namespace->name);
		fputs("/", w->out);
		if (part->is_all)
			fputs("*", w->out);
		else
			write_groups(w, part->groups, part->n_groups);
	}
	w->n_items++;
	return true;
}

/* ---- all of it ---------------------------------------------------------- */

/* Whether units outside are all that there are of a family; alone one has a
   better name. */
static bool is_all_of_family(const struct writing *w, enum ip_family family)
{
	const struct outside_names *outside = &w->index->outside;
	size_t n = 0, n_all = outside->n_of_family[family == IP_V6];

	for (size_t i = 0; i < w->who->n_outside; i++)
		n += outside->families[w->who->outside[i]] == family;
	return n > 1 && n == n_all;
}

static void write_outside(struct writing *w)
{
	static const enum ip_family families[] = { IP_V4, IP_V6 };
	const struct outside_names *outside = &w->index->outside;
	bool told[2];

	for (int f = 0; f < 2; f++) {
		told[f] = is_all_of_family(w, families[f]);
		if (told[f] && begin_item(w, 0))
			fprintf(w->out, "outside (IPv%d)", families[f]);
	}
	for (size_t i = 0; i < w->who->n_outside; i++) {
		uint32_t unit = w->who->outside[i];
		enum ip_family family = outside->families[unit];

		if (family && told[family == IP_V6])
			continue;
		if (begin_item(w, 0))
			fputs(outside->names[unit], w->out);
	}
}

static void write_all(struct writing *w)
{
	const struct who *who = w->who;

	if (who->all_pods && who->all_outside && w->index->n_groups > 1) {
		fputs("everyone", w->out);
		return;
	}
	if (who->all_pods && w->index->n_groups > 1) {
		fputs("all pods", w->out);
		w->n_items++;
	} else if (write_all_but(w)) {
		if (who->all_outside)
			return;
	} else {
		write_parts(w);
	}
	if (!who->all_outside || w->index->n_outside == 1)
		write_outside(w);
	else if (begin_item(w, 0))
		fputs("outside", w->out);
	if (w->n_more)
		fprintf(w->out, " and %zu more (%u pods)", w->n_more,
			w->n_more_pods);
}

int who_text_write(FILE *out, struct who_index *index, const uint32_t *units,
		   size_t n, const struct who_text_options *options,
		   bool *told_own)
{
	struct writing writing = {
		.out = out,
		.index = index,
		.limit = options->limit,
		.own = options->own,
	};
	struct who who;
	int r = who_sort(index, units, n, &who);

	if (r < 0)
		return r;
	writing.who = &who;
	write_all(&writing);
	if (told_own)
		*told_own |= writing.told_own;
	return 0;
}
