/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The matrix as text: for each destination, on which ports, who may reach it.
 *
 * Destinations of which the same is to be said are told together, and what is
 * of the destination's own namespace is told as such, so that twenty teams
 * whose databases only their own web servers may reach are one paragraph. First
 * come those that policies protect, then those of which some pods are
 * protected, then those that no policy protects, then the outside.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "command/matrix.h"
#include "command/matrix_body.h"
#include "command/usage.h"
#include "memory_text.h"
#include "netpold/cleanup.h"
#include "plain_text.h"
#include "progress.h"
#include "source/offline.h"
#include "who_text.h"
#include "wrap_text.h"

enum {
	MAX_ITEMS = 24, /* of a head; more are counted */
	MAX_POLICIES = 4,
};

enum section { PROTECTED = 0, PARTLY, UNPROTECTED, OUTSIDE, N_SECTIONS };

static const char *const headings[N_SECTIONS] = {
	"PROTECTED: policies say who may reach them",
	"PROTECTED IN PART: policies say who may reach some of their pods",
	"UNPROTECTED: no policy isolates them for ingress",
	"OUTSIDE: whom pods may reach that is no pod",
};

/* Destinations of which the same is said. */
struct paragraph {
	struct paragraph *next;	   /* in the order in which they came */
	struct paragraph *chained; /* in their bucket */
	enum section section;
	struct matrix_body body;
	uint32_t first, last; /* units, in a chain */
	size_t n_units;
	const struct who_namespace *own; /* of all of them; NULL: several */
};

#define N_BUCKETS 4096

struct text {
	FILE *out;
	struct matrix *matrix;
	const struct grid_unit *units;
	size_t n_units;
	struct arena arena;
	struct arena scratch;
	uint32_t *next; /* unit of the same paragraph; 0: the end */
	size_t n_told;	/* paragraphs */
	struct paragraph *buckets[N_BUCKETS];
	struct paragraph *first, **end;
};

/* ---- counts ------------------------------------------------------------- */

static void write_count(FILE *out, size_t n, const char *one, const char *many)
{
	fprintf(out, "%zu %s", n, n == 1 ? one : many);
}

static void write_left_out(const struct text *t)
{
	const struct offline *offline = t->matrix->offline;

	offline_write_left_out(t->out, offline, "");
	if (offline->n_on_host) {
		write_count(t->out, offline->n_on_host, "pod", "pods");
		fputs(" on the host network: policies take them for their "
		      "nodes, which are outside\n",
		      t->out);
	}
}

static void write_summary(const struct text *t)
{
	const struct matrix *m = t->matrix;
	const struct path_list *namespaces = m->namespaces;
	char plain[PLAIN_TEXT_LEN];

	write_count(t->out, m->offline->n_pods, "pod", "pods");
	fputs(" in ", t->out);
	write_count(t->out, m->index.n_namespaces, "namespace", "namespaces");
	if (m->by == GRID_BY_WORKLOAD) {
		fputs(", ", t->out);
		write_count(t->out, m->index.n_groups, "workload", "workloads");
	}
	fputs(", ", t->out);
	write_count(t->out, m->offline->n_policies, "policy", "policies");
	fputc('\n', t->out);
	for (size_t i = 0; i < namespaces->n; i++)
		fprintf(t->out, "%s%s%s", i == 0 ? "only to and from " : ", ",
			plain_text(namespaces->items[i], plain),
			i + 1 == namespaces->n ? "\n" : "");
	write_left_out(t);
}

/* ---- paragraphs --------------------------------------------------------- */

static uint32_t n_isolated(const struct grid_unit *unit)
{
	return unit->n_isolated[REACH_OLD][DIRECTION_INGRESS];
}

static enum section section_of(const struct grid_unit *unit)
{
	if (unit->is_outside)
		return OUTSIDE;
	if (n_isolated(unit) == unit->n_pods)
		return PROTECTED;
	return n_isolated(unit) > 0 ? PARTLY : UNPROTECTED;
}

/* The namespace that all groups of a unit are of, or NULL. Members are in
   order. */
static const struct who_namespace *own_namespace(const struct text *t,
						 const struct grid_unit *unit)
{
	const struct who_index *index = &t->matrix->index;
	uint32_t first, last;

	if (unit->is_outside)
		return NULL;
	first = index->namespace_of[unit->members[0]];
	last = index->namespace_of[unit->members[unit->n_members - 1]];
	return first == last ? &index->namespaces[first] : NULL;
}

static size_t bucket_of(const char *text)
{
	size_t hash = 5381;

	for (; *text; text++)
		hash = hash * 33 + (unsigned char)*text;
	return hash % N_BUCKETS;
}

static struct paragraph *find_paragraph(const struct text *t,
					enum section section,
					const struct matrix_body *body)
{
	struct paragraph *p = t->buckets[bucket_of(body->text)];

	while (p &&
	       (p->section != section || strcmp(p->body.text, body->text) != 0))
		p = p->chained;
	return p;
}

static struct paragraph *add_paragraph(struct text *t, enum section section,
				       const struct matrix_body *body)
{
	struct paragraph *p = arena_alloc(&t->arena, sizeof(*p));
	struct paragraph **bucket = &t->buckets[bucket_of(body->text)];

	if (!p)
		return NULL;
	p->section = section;
	p->body = *body;
	p->body.text = arena_strdup(&t->arena, body->text);
	if (!p->body.text)
		return NULL;
	p->chained = *bucket;
	*bucket = p;
	*t->end = p;
	t->end = &p->next;
	return p;
}

static int add_unit(struct text *t, uint32_t unit)
{
	const struct who_namespace *own = own_namespace(t, &t->units[unit]);
	enum section section = section_of(&t->units[unit]);
	struct matrix_body body;
	struct paragraph *p;
	int r;

	arena_clear(&t->scratch);
	r = matrix_body_make(t->matrix, unit, own, &t->scratch, &body);
	if (r < 0)
		return r;
	/* Who is not asked about is told of only where there is something. */
	if (!*body.text && !t->units[unit].is_inside)
		return 0;
	p = find_paragraph(t, section, &body);
	if (!p)
		p = add_paragraph(t, section, &body);
	if (!p)
		return -ENOMEM;
	if (p->n_units == 0) {
		p->first = unit;
		p->own = own;
	} else {
		t->next[p->last] = unit;
		p->own = p->own == own ? own : NULL;
	}
	p->last = unit;
	p->n_units++;
	return 0;
}

/* ---- heads -------------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
	return strcmp((*(const struct network_policy *const *)a)->name,
		      (*(const struct network_policy *const *)b)->name);
}

/* By name alone: a policy is of the namespace whose pods it isolates. */
static int write_policies(struct text *t, FILE *out, const uint32_t *units,
			  size_t n_units)
{
	size_t n, n_names = 0;
	const struct network_policy *const *policies =
		grid_policies(t->matrix->grid, REACH_OLD, units, n_units,
			      DIRECTION_INGRESS, &t->scratch, &n);
	const struct network_policy **names;
	char plain[PLAIN_TEXT_LEN];

	names = arena_array(&t->scratch, policies ? n : 0, sizeof(void *));
	if (!policies || !names)
		return -ENOMEM;
	if (n > 0)
		memcpy(names, policies, n * sizeof(void *));
	if (n > 1)
		qsort(names, n, sizeof(void *), compare_names);
	for (size_t i = 0; i < n; i++) {
		if (n_names == 0 ||
		    compare_names(&names[n_names - 1], &names[i]) != 0)
			names[n_names++] = names[i];
	}
	for (size_t i = 0; i < n_names && i < MAX_POLICIES; i++)
		fprintf(out, "%s%s", i == 0 ? "isolated by " : ", ",
			plain_text(names[i]->name, plain));
	if (n_names > MAX_POLICIES)
		fprintf(out, " and %zu more", n_names - MAX_POLICIES);
	return 0;
}

static int write_title(struct text *t, FILE *out, const struct paragraph *p,
		       const uint32_t *units)
{
	const struct who_text_options options = { .limit = MAX_ITEMS };
	size_t n_pods = 0, n_some = 0;
	int r = who_text_write(out, &t->matrix->index, units, p->n_units,
			       &options, NULL);

	if (r < 0 || p->section == OUTSIDE)
		return r;
	for (size_t i = 0; i < p->n_units; i++) {
		n_pods += t->units[units[i]].n_pods;
		n_some += n_isolated(&t->units[units[i]]);
	}
	fputs("  (", out);
	write_count(out, n_pods, "pod", "pods");
	if (n_some > 0)
		fputs("; ", out);
	if (p->section == PARTLY)
		fprintf(out, "%zu of them ", n_some);
	r = write_policies(t, out, units, p->n_units);
	fputc(')', out);
	return r;
}

static int write_head(struct text *t, const struct paragraph *p)
{
	CLEANUP(memory_text_release) struct memory_text title = { 0 };
	uint32_t *units = arena_array(&t->scratch, p->n_units, sizeof(*units));
	const char *words = NULL;
	size_t n = 0;

	if (!units || !memory_text_open(&title))
		return -ENOMEM;
	for (uint32_t unit = p->first; n < p->n_units; unit = t->next[unit])
		units[n++] = unit;
	if (write_title(t, title.out, p, units) == 0)
		words = memory_text_close(&title);
	if (!words)
		return -ENOMEM;
	wrap_text_write(t->out, words, 0);
	return 0;
}

/* In one namespace its name is better than "the same". */
static int write_body(struct text *t, const struct paragraph *p)
{
	struct matrix_body body = p->body;
	int r = 0;

	if (body.told_own && p->own)
		r = matrix_body_make(t->matrix, p->first, NULL, &t->scratch,
				     &body);
	if (r == 0)
		fputs(*body.text ? body.text : "    nobody\n", t->out);
	return r;
}

/* ---- all of it ---------------------------------------------------------- */

static int gather(struct text *t)
{
	int r = 0;

	t->end = &t->first;
	t->next = arena_array(&t->arena, t->n_units, sizeof(uint32_t));
	if (!t->next)
		return -ENOMEM;
	for (uint32_t i = 0; i < t->n_units && r == 0; i++) {
		progress_tell(t->matrix->progress, i, "destinations seen");
		r = add_unit(t, i);
	}
	return r;
}

static int write_section(struct text *t, enum section section)
{
	bool is_first = true;
	int r = 0;

	for (const struct paragraph *p = t->first; p && r == 0; p = p->next) {
		if (p->section != section)
			continue;
		if (is_first)
			fprintf(t->out, "\n%s\n", headings[section]);
		is_first = false;
		fputc('\n', t->out);
		progress_tell(t->matrix->progress, t->n_told++,
			      "paragraphs written");
		arena_clear(&t->scratch);
		r = write_head(t, p);
		if (r == 0)
			r = write_body(t, p);
	}
	return r;
}

int matrix_text_write(FILE *out, struct matrix *matrix, struct err *err)
{
	struct text text = { .out = out, .matrix = matrix };
	int r;

	text.units = grid_units(matrix->grid, &text.n_units);
	r = gather(&text);
	if (r == 0)
		write_summary(&text);
	for (int i = 0; i < N_SECTIONS && r == 0; i++)
		r = write_section(&text, i);
	arena_release(&text.arena);
	arena_release(&text.scratch);
	return r < 0 ? err_set(err, r, "out of memory") : 0;
}
