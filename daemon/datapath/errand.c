/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/errand.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Seconds to wait for the lock that all users of xtables share, for who only
   wants to look, and has others waiting. */
#define LIST_WAIT "1"

#define MAX_ARGUMENTS 10

/* ---- what is allowed ----------------------------------------------------- */

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Options of iptables(8) that rules_text.c and its neighbours write. */
static bool is_option_of_ours(const char *word, size_t len)
{
	static const char letters[] = "ADFIXdgijmops";

	if (len == 1) /* a chain without a policy: ":NETPOLD - [0:0]" */
		return true;
	if (word[1] == '-')
		return len < 4 || memcmp(word, "--mo", 4) != 0;
	return len == 2 && strchr(letters, word[1]);
}

static bool is_plain(const char *text)
{
	while (*text) {
		size_t len = 0;

		while (text[len] && !is_space(text[len]))
			len++;
		if (len && text[0] == '-' && !is_option_of_ours(text, len))
			return false;
		text += len + (text[len] != '\0');
	}
	return true;
}

static bool text_is_allowed(const char *text)
{
	return !strpbrk(text, "\"'\\") && is_plain(text);
}

static bool chain_is_allowed(const char *chain)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ-";
	static const char prefix[] = "NETPOLD";
	size_t len = strnlen(chain, ERRAND_CHAIN_LEN);

	return len < ERRAND_CHAIN_LEN && strspn(chain, letters) == len &&
	       strncmp(chain, prefix, strlen(prefix)) == 0;
}

static bool tables_are_known(const struct errand *errand)
{
	return (errand->flavour == IPTABLES_NFT ||
		errand->flavour == IPTABLES_LEGACY) &&
	       (errand->family == IP_V4 || errand->family == IP_V6);
}

bool errand_is_allowed(const struct errand *errand, const char *text)
{
	if (errand->kind == ERRAND_VERSION)
		return true;
	if (!tables_are_known(errand))
		return false;
	switch (errand->kind) {
	case ERRAND_SAVE:
	case ERRAND_SAVE_MANGLE:
		return true;
	case ERRAND_LIST_CHAIN:
		return chain_is_allowed(errand->chain);
	case ERRAND_RESTORE:
		return text && text_is_allowed(text);
	default:
		return false;
	}
}

/* ---- running it ---------------------------------------------------------- */

const char *errand_program(const struct errand *errand,
			   char name[ERRAND_PROGRAM_LEN])
{
	static const char *const suffixes[] = {
		[ERRAND_SAVE] = "-save",
		[ERRAND_SAVE_MANGLE] = "-save",
		[ERRAND_LIST_CHAIN] = "",
		[ERRAND_RESTORE] = "-restore",
	};

	if (errand->kind == ERRAND_VERSION)
		snprintf(name, ERRAND_PROGRAM_LEN, "iptables");
	else
		snprintf(name, ERRAND_PROGRAM_LEN, "%s-%s%s",
			 errand->family == IP_V6 ? "ip6tables" : "iptables",
			 iptables_flavour_name(errand->flavour),
			 suffixes[errand->kind]);
	return name;
}

/* Without a table all that there are are saved: naming one would make it where
   it is not. */
static const char *const *arguments(enum errand_kind kind)
{
	static const char *const version[] = { "-V", NULL };
	static const char *const save[] = { NULL };
	static const char *const save_mangle[] = { "-t", "mangle", NULL };
	static const char *const list_chain[] = { "-w",	    LIST_WAIT, "-t",
						  "mangle", "-v",      "-S",
						  NULL };
	static const char *const restore[] = { "--noflush", "-w",
					       ERRAND_LOCK_WAIT, NULL };
	static const char *const *const all[] = {
		[ERRAND_VERSION] = version,
		[ERRAND_SAVE] = save,
		[ERRAND_SAVE_MANGLE] = save_mangle,
		[ERRAND_LIST_CHAIN] = list_chain,
		[ERRAND_RESTORE] = restore,
	};

	return all[kind];
}

int errand_run(const struct errand *errand, const char *text,
	       struct process_result *result, struct err *err)
{
	const char *argv[MAX_ARGUMENTS + 1] = { NULL };
	char name[ERRAND_PROGRAM_LEN];
	const char *const *given;
	size_t n = 0;

	if (!errand_is_allowed(errand, text))
		return err_set(err, -EPERM,
			       "iptables is not run for what netpold never "
			       "asks of it");
	given = arguments(errand->kind);
	argv[n++] = errand_program(errand, name);
	while (*given)
		argv[n++] = *given++;
	if (errand->kind == ERRAND_LIST_CHAIN)
		argv[n] = errand->chain;
	return process_run(argv, errand->kind == ERRAND_RESTORE ? text : NULL,
			   result, err);
}
