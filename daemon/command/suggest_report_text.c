/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>

#include "command/suggest_counts.h"
#include "command/suggest_report_parts.h"
#include "command/suggest_staged.h"
#include "command/suggest_yaml.h"
#include "netpold/object.h"
#include "netpold/suggest.h"

/* Policies that another one needs; more are counted. */
#define MAX_TOLD 8

static void write_flow(FILE *out, const struct denial *denial)
{
	const char *protocol = protocol_name(denial->protocol);

	suggest_yaml_write_word(out, denial->from);
	fputs(" -> ", out);
	suggest_yaml_write_word(out, denial->to);
	fputc(' ', out);
	if (denial->has_port)
		fprintf(out, "%u/", denial->port);
	if (protocol)
		fputs(protocol, out);
	else
		fprintf(out, "%u", denial->protocol);
}

static const char *verdict_of(const struct judged_policy *judged)
{
	if (!judged->is_safe)
		return "NOT safe to enforce";
	if (judged->staged->n_partners > 0)
		return "safe to enforce together with others, by what was seen";
	return "safe to enforce, by what was seen";
}

static void write_partners(FILE *out, const struct judged_policy *judged)
{
	for (size_t i = 0; i < judged->staged->n_partners; i++) {
		if (i == MAX_TOLD) {
			fprintf(out, ", and %zu more",
				judged->staged->n_partners - i);
			break;
		}
		fputs(i == 0 ? "    not without: " : ", ", out);
		suggest_yaml_write_word(out,
					judged->staged->partners[i]->namespace);
		fputc('/', out);
		suggest_yaml_write_word(out, judged->staged->partners[i]->name);
	}
	if (judged->staged->n_partners > 0)
		fputc('\n', out);
}

void suggest_report_policy_text(FILE *out, const struct judged_policy *judged)
{
	fputc('\n', out);
	suggest_yaml_write_word(out, judged->staged->policy->namespace);
	fputc('/', out);
	suggest_yaml_write_word(out, judged->staged->policy->name);
	fprintf(out, "  %s\n", verdict_of(judged));
	write_partners(out, judged);
	if (judged->n_denials == 0 && judged->n_beyond == 0)
		fputs("    would have denied nothing\n", out);
	for (size_t i = 0; i < judged->n_denials; i++) {
		const struct denial *denial = judged->denials[i];
		struct suggest_use use;

		fprintf(out, "    would have denied, %s: ",
			direction_name(denial->dir));
		write_flow(out, denial);
		fputs(", ", out);
		use = suggest_use_of(&denial->uses);
		suggest_yaml_write_use(out, &use);
		fputc('\n', out);
	}
	if (judged->n_beyond > 0)
		fprintf(out,
			"    would have denied: %" PRIu64 " flows besides\n",
			judged->n_beyond);
	for (size_t i = 0; i < judged->n_unseen; i++) {
		const struct suggested_workload *w = &judged->unseen[i];

		fputs("    not observed: ", out);
		suggest_yaml_write_word(out, w->namespace);
		fputc('/', out);
		suggest_yaml_write_word(out, w->name);
		fprintf(out, " (%zu %s)\n", w->n_pods,
			w->n_pods == 1 ? "pod" : "pods");
	}
	if (judged->n_workloads == 0)
		fputs("    selects no pod\n", out);
}

void suggest_report_begin_text(FILE *out, const struct suggest_counts *counts,
			       size_t n_staged)
{
	suggest_counts_write(out, "", counts);
	if (n_staged == 0)
		fputs("no policy is staged (netpold.io/mode: audit)\n", out);
	else
		fputs("Judged as if all that is staged were enforced at "
		      "once.\n",
		      out);
}
