/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/iptables.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netpold/cleanup.h"

#include "datapath/errand.h"
#include "datapath/runner.h"
#include "process.h"

/* What iptables exits with when it did not get the lock (xtables.h:
   RESOURCE_PROBLEM). */
#define EXIT_LOCKED 4

static const char *const flavour_names[] = {
	[IPTABLES_AUTO] = "auto",
	[IPTABLES_NFT] = "nft",
	[IPTABLES_LEGACY] = "legacy",
};

const char *iptables_flavour_name(enum iptables_flavour flavour)
{
	return flavour_names[flavour];
}

/* What a program said, as one line without the noise around it. */
static const char *one_line(char *text)
{
	size_t len = strlen(text);

	while (len && strchr(" \t\r\n", text[len - 1]))
		text[--len] = '\0';
	for (char *p = text; *p; p++) {
		if (*p == '\n' || *p == '\r')
			*p = ' ';
	}
	return text;
}

int iptables_restore(enum iptables_flavour flavour, enum ip_family family,
		     const char *text, struct err *err)
{
	CLEANUP(process_result_release) struct process_result result = { 0 };
	const struct errand errand = { .kind = ERRAND_RESTORE,
				       .flavour = flavour,
				       .family = family };
	char name[ERRAND_PROGRAM_LEN];
	int r;

	r = runner_run(&errand, text, &result, err);
	if (r < 0)
		return err_prefix(err, "iptables is needed: "), r;
	if (result.status == EXIT_LOCKED)
		return err_set(err, -EBUSY,
			       "another program has held the lock of iptables "
			       "for " ERRAND_LOCK_WAIT
			       " seconds (%s): try again when "
			       "it is done",
			       one_line(result.output));
	if (result.status != 0)
		return err_set(err, -EINVAL, "%s failed: %s",
			       errand_program(&errand, name),
			       one_line(result.output));
	return 0;
}

static int save(const struct errand *errand, char **out, struct err *err)
{
	CLEANUP(process_result_release) struct process_result result = { 0 };
	char name[ERRAND_PROGRAM_LEN];
	int r;

	errand_program(errand, name);
	r = runner_run(errand, NULL, &result, err);
	if (r == -ENOENT) {
		*out = strdup("");
		return *out ? 0 : err_set(err, -ENOMEM, "no memory for rules");
	}
	if (r < 0)
		return r;
	if (result.status != 0)
		return err_set(err, -EIO, "%s failed: %s", name,
			       one_line(result.output));
	if (strstr(result.output, "Table `mangle' is incompatible"))
		return err_set(err, -EOPNOTSUPP,
			       "%s cannot read the mangle table, since "
			       "another program has put rules there with nft: "
			       "use --iptables legacy, or a table of its own "
			       "for that program",
			       name);
	*out = result.output;
	result.output = NULL;
	return 0;
}

int iptables_save(enum iptables_flavour flavour, enum ip_family family,
		  char **out, struct err *err)
{
	const struct errand errand = { .kind = ERRAND_SAVE,
				       .flavour = flavour,
				       .family = family };

	return save(&errand, out, err);
}

int iptables_save_mangle(enum iptables_flavour flavour, enum ip_family family,
			 char **out, struct err *err)
{
	const struct errand errand = { .kind = ERRAND_SAVE_MANGLE,
				       .flavour = flavour,
				       .family = family };

	return save(&errand, out, err);
}

int iptables_list_chain(enum iptables_flavour flavour, enum ip_family family,
			const char *chain, char **out, struct err *err)
{
	CLEANUP(process_result_release) struct process_result result = { 0 };
	struct errand errand = { .kind = ERRAND_LIST_CHAIN,
				 .flavour = flavour,
				 .family = family };
	char name[ERRAND_PROGRAM_LEN];
	int r;

	snprintf(errand.chain, sizeof(errand.chain), "%s", chain);
	r = runner_run(&errand, NULL, &result, err);
	if (r < 0)
		return r;
	if (result.status != 0)
		return err_set(err,
			       result.status == EXIT_LOCKED ? -EBUSY : -EIO,
			       "%s failed: %s", errand_program(&errand, name),
			       one_line(result.output));
	*out = result.output;
	result.output = NULL;
	return 0;
}

/* ---- which flavour ------------------------------------------------------ */

static size_t count_rules(const char *text)
{
	size_t n = 0;

	for (const char *p = text; (p = strstr(p, "\n-A ")); p++)
		n++;
	return n;
}

struct traces {
	bool hint; /* kubelet's */
	size_t n_rules;
};

static int look_for_traces(enum iptables_flavour flavour, struct traces *out,
			   struct err *err)
{
	static const enum ip_family families[] = { IP_V4, IP_V6 };

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < 2; i++) {
		char *saved;
		int r = iptables_save(flavour, families[i], &saved, err);

		if (r < 0)
			return r;
		if (strstr(saved, ":KUBE-IPTABLES-HINT ") ||
		    strstr(saved, ":KUBE-KUBELET-CANARY "))
			out->hint = true;
		out->n_rules += count_rules(saved);
		free(saved);
	}
	return 0;
}

static int default_flavour(enum iptables_flavour *flavour, struct err *err)
{
	CLEANUP(process_result_release) struct process_result result = { 0 };
	const struct errand errand = { .kind = ERRAND_VERSION };
	int r;

	r = runner_run(&errand, NULL, &result, err);
	if (r < 0)
		return err_set(err, r,
			       "no iptables in PATH: install the package "
			       "iptables");
	*flavour = strstr(result.output, "nf_tables") ? IPTABLES_NFT
						      : IPTABLES_LEGACY;
	return 0;
}

int iptables_detect(enum iptables_flavour *flavour, struct err *err)
{
	struct traces nft, legacy;
	int r;

	r = look_for_traces(IPTABLES_NFT, &nft, err);
	if (r < 0)
		return r;
	r = look_for_traces(IPTABLES_LEGACY, &legacy, err);
	if (r < 0)
		return r;
	if (nft.hint != legacy.hint)
		*flavour = nft.hint ? IPTABLES_NFT : IPTABLES_LEGACY;
	else if (nft.n_rules != legacy.n_rules)
		*flavour = nft.n_rules > legacy.n_rules ? IPTABLES_NFT
							: IPTABLES_LEGACY;
	else
		return default_flavour(flavour, err);
	return 0;
}
