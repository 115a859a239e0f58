/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/suggest_output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/suggest_yaml.h"
#include "log.h"
#include "netpold/manifest_write.h"
#include "netpold/object.h"

static void put(void *ctx, const char *text, size_t len)
{
	fwrite(text, 1, len, ctx);
}

static void write_json(FILE *out, const struct suggested_policy *policies,
		       size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct object object = {
			.kind = OBJECT_NETWORK_POLICY,
			.policy = policies[i].policy,
		};

		manifest_write(&object, put, out);
	}
}

static void write_policies(FILE *out, const struct suggest_output *to,
			   const struct suggested_policy *policies, size_t n)
{
	if (to->json)
		write_json(out, policies, n);
	else
		suggest_yaml_write(out, policies, n);
}

static void write_unseen(FILE *out, const struct suggestion *suggestion)
{
	if (suggestion->n_unseen == 0)
		return;
	fputs("# Nothing was seen of these, so that nothing is suggested "
	      "for them:\n",
	      out);
	for (size_t i = 0; i < suggestion->n_unseen; i++) {
		fputs("# - ", out);
		suggest_yaml_write_word(out, suggestion->unseen[i].namespace);
		fputc('/', out);
		suggest_yaml_write_word(out, suggestion->unseen[i].name);
		fputc('\n', out);
	}
}

static void write_commented(FILE *out, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		fprintf(out, "#%s%.*s\n", len > 0 ? " " : "", (int)len, text);
		text += len + (text[len] == '\n');
	}
}

static const char why_apart[] =
	"# To decide: seen too seldom, not to be allowed without every port, or "
	"of an\n# address in a node's pod range that no pod has: of one that is "
	"gone, most likely.\n";

/* Behind the policies, so that nobody applies it without a thought. */
static int write_apart_commented(FILE *out, const struct suggestion *suggestion)
{
	char *text = NULL;
	size_t len = 0;
	FILE *memory;

	if (suggestion->n_apart == 0)
		return 0;
	memory = open_memstream(&text, &len);
	if (!memory)
		return -ENOMEM;
	suggest_yaml_write(memory, suggestion->apart, suggestion->n_apart);
	if (fclose(memory) != 0) {
		free(text);
		return -ENOMEM;
	}
	fputs(why_apart, out);
	write_commented(out, text);
	free(text);
	return 0;
}

static int write_apart_file(const struct suggest_output *to,
			    const struct suggestion *suggestion,
			    struct err *err)
{
	FILE *out = fopen(to->to_decide, "we");
	bool failed;

	if (!out)
		return err_set(err, -errno, "cannot write '%s': %s",
			       to->to_decide, strerror(errno));
	if (!to->json && suggestion->n_apart > 0)
		fputs(why_apart, out);
	write_policies(out, to, suggestion->apart, suggestion->n_apart);
	failed = ferror(out) != 0;
	if (fclose(out) != 0 || failed)
		return err_set(err, -EIO, "cannot write '%s'", to->to_decide);
	return 0;
}

/* JSON has no comments to put it in. */
static void warn_of_apart(const struct suggestion *suggestion)
{
	if (suggestion->n_apart == 0)
		return;
	log_warning("what %zu %s to decide would allow is not in this output: "
		    "--to-decide names a file for %s",
		    suggestion->n_apart,
		    suggestion->n_apart == 1 ? "policy" : "policies",
		    suggestion->n_apart == 1 ? "it" : "them");
}

/* Blocks that nobody reads. */
static void warn_of_blocks(const struct suggestion *suggestion)
{
	size_t n = 0;

	for (size_t i = 0; i < suggestion->n_policies; i++)
		n += suggest_yaml_has_many_blocks(&suggestion->policies[i]);
	for (size_t i = 0; i < suggestion->n_apart; i++)
		n += suggest_yaml_has_many_blocks(&suggestion->apart[i]);
	if (n > 0)
		log_warning("%zu %s many blocks of addresses outside: "
			    "--merge-prefix with a smaller length makes fewer",
			    n, n == 1 ? "policy has" : "policies have");
}

/* A file of policies is read long after the command has gone. */
static void write_head(FILE *out, const struct suggest_counts *counts,
		       const struct suggestion *suggestion)
{
	suggest_counts_write(out, "# ", counts);
	if (suggestion->n_without_port > 0)
		fprintf(out,
			"# left out: %" PRIu64 " %s of fragments, without a "
			"port\n",
			suggestion->n_without_port,
			suggestion->n_without_port == 1 ? "flow" : "flows");
}

int suggest_output_write(const struct suggest_output *to,
			 const struct suggest_counts *counts,
			 const struct suggestion *suggestion, struct err *err)
{
	if (!to->json)
		write_head(stdout, counts, suggestion);
	write_policies(stdout, to, suggestion->policies,
		       suggestion->n_policies);
	if (!to->json)
		write_unseen(stdout, suggestion);
	fprintf(stderr,
		"policies: %zu, to decide: %zu, workloads not seen: %zu",
		suggestion->n_policies, suggestion->n_apart,
		suggestion->n_unseen);
	if (suggestion->n_without_port > 0)
		fprintf(stderr, ", flows without their port: %" PRIu64,
			suggestion->n_without_port);
	fputc('\n', stderr);
	warn_of_blocks(suggestion);
	if (to->to_decide)
		return write_apart_file(to, suggestion, err);
	if (to->json)
		warn_of_apart(suggestion);
	else if (write_apart_commented(stdout, suggestion) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	return 0;
}
