/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/rules.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "netpold/cleanup.h"

#include "datapath/feature.h"
#include "datapath/restore_text.h"
#include "datapath/rules_text.h"
#include "datapath/standing.h"

static const enum ip_family families[] = { IP_V4, IP_V6 };

static void free_listing(char **saved)
{
	free(*saved);
}

/* ---- installation -------------------------------------------------------- */

static enum feature_use rules_use(const struct rules_options *options)
{
	if (options->audit)
		return FEATURES_AUDIT;
	return options->remember[VERDICT_ALLOW] ? FEATURES_REMEMBER
						: FEATURES_ENFORCE;
}

int rules_install_family(const struct rules_options *options,
			 enum ip_family family, struct err *err)
{
	CLEANUP(restore_text_release) struct restore_text t = { 0 };
	CLEANUP(free_listing) char *saved = NULL;
	int r;

	r = iptables_save(options->flavour, family, &saved, err);
	if (r < 0)
		return r;
	if (restore_text_open(&t) < 0)
		return err_set(err, -ENOMEM, "no memory for rules");
	rules_write(&t, options, family, saved);
	if (restore_text_close(&t) < 0)
		return err_set(err, -ENOMEM, "no memory for rules");
	return iptables_restore(options->flavour, family, t.data, err);
}

/* Why rules were refused: by trying one after the other. */
static int diagnose(const struct rules_options *options, enum ip_family family,
		    int refused, struct err *err)
{
	const char *missing;

	if (feature_missing(options->flavour, family, rules_use(options),
			    &missing, NULL) == 0 &&
	    missing)
		return err_set(err, -EOPNOTSUPP,
			       "this kernel or iptables lacks %s, which "
			       "netpold's rules need: load the module or use "
			       "a kernel that has it",
			       missing);
	return refused;
}

int rules_install(const struct rules_options *options, struct err *err)
{
	for (size_t i = 0; i < 2; i++) {
		int r = rules_install_family(options, families[i], err);

		if (r == -EINVAL)
			r = diagnose(options, families[i], r, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- what stands -------------------------------------------------------- */

static size_t count_rules(const char *text)
{
	size_t n = 0;

	for (const char *p = text; (p = strstr(p, "\n-A NETPOLD")); p++)
		n++;
	return n;
}

static bool structure_stands(const char *saved)
{
	bool stands = true;

	for (size_t i = 0; i < N_STANDING_CHAINS; i++)
		stands &= standing_has_chain(standing_chains[i], saved);
	for (size_t i = 0; i < N_STANDING_JUMPS; i++)
		stands &= standing_count(&standing_jumps[i], saved) == 1 &&
			  standing_first(&standing_jumps[i], saved);
	return stands;
}

int rules_are_whole(const struct rules_options *options, enum ip_family family,
		    const char *saved)
{
	CLEANUP(restore_text_release) struct restore_text t = { 0 };

	if (restore_text_open(&t) < 0)
		return -ENOMEM;
	rules_write(&t, options, family, saved);
	if (restore_text_close(&t) < 0)
		return -ENOMEM;
	return structure_stands(saved) &&
	       count_rules(saved) == count_rules(t.data);
}

/* ---- removal ------------------------------------------------------------ */

int rules_stand(enum iptables_flavour flavour, struct rules_standing *out,
		struct err *err)
{
	*out = (struct rules_standing){ .any = false };
	for (size_t i = 0; i < 2; i++) {
		CLEANUP(free_listing) char *saved = NULL;
		int r = iptables_save(flavour, families[i], &saved, err);
		bool any = false;

		if (r < 0)
			return r;
		for (size_t k = 0; k < N_STANDING_CHAINS; k++)
			any |= standing_has_chain(standing_chains[k], saved);
		out->any |= any;
		out->enforce |= any && !standing_audits(saved);
	}
	return 0;
}

/* Jumps first, then contents, then the chains: none is in use by then. */
static int remove_family(enum iptables_flavour flavour, enum ip_family family,
			 struct err *err)
{
	CLEANUP(restore_text_release) struct restore_text t = { 0 };
	CLEANUP(free_listing) char *saved = NULL;
	bool any = false;
	int r;

	r = iptables_save(flavour, family, &saved, err);
	if (r < 0)
		return r;
	if (restore_text_open(&t) < 0)
		return err_set(err, -ENOMEM, "no memory for rules");
	restore_text_put(&t, "*mangle");
	for (size_t i = 0; i < N_STANDING_JUMPS; i++) {
		for (size_t n = standing_count(&standing_jumps[i], saved);
		     n > 0; n--)
			restore_text_put(&t, "-D %s -j %s",
					 standing_jumps[i].hook,
					 standing_jumps[i].chain);
	}
	for (size_t i = 0; i < N_STANDING_CHAINS; i++) {
		if (standing_has_chain(standing_chains[i], saved)) {
			restore_text_put(&t, "-F %s", standing_chains[i]);
			any = true;
		}
	}
	for (size_t i = 0; i < N_STANDING_CHAINS; i++) {
		if (standing_has_chain(standing_chains[i], saved))
			restore_text_put(&t, "-X %s", standing_chains[i]);
	}
	restore_text_put(&t, "COMMIT");
	if (restore_text_close(&t) < 0)
		return err_set(err, -ENOMEM, "no memory for rules");
	return any ? iptables_restore(flavour, family, t.data, err) : 0;
}

int rules_remove(enum iptables_flavour flavour, struct err *err)
{
	for (size_t i = 0; i < 2; i++) {
		int r = remove_family(flavour, families[i], err);

		if (r < 0)
			return r;
	}
	return 0;
}
