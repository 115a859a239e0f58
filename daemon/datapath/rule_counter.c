/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/rule_counter.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "netpold/snapshot.h"

/* Where the rules are that end in a queue (rules_text.c), or in a copy
   (audit_text.c): then the second chain is empty. */
static const char *const chains[] = { "NETPOLD-JUDGE", "NETPOLD-STAGED" };
#define N_CHAINS (sizeof(chains) / sizeof(chains[0]))

static bool has(const char *line, size_t len, const char *words)
{
	return memmem(line, len, words, strlen(words));
}

/* The packets of a rule as it is listed:
 *
 *	-A NETPOLD-JUDGE -c 12 720 -j NFQUEUE --queue-num 17000 --queue-bypass
 */
static bool parse_packets(const char *line, size_t len, uint64_t *packets)
{
	static const char word[] = " -c ";
	const char *at = memmem(line, len, word, strlen(word));
	unsigned long long n;
	char *end;

	if (!at)
		return false;
	at += strlen(word);
	if (*at < '0' || *at > '9')
		return false;
	errno = 0;
	n = strtoull(at, &end, 10);
	if (errno || *end != ' ')
		return false;
	*packets = n;
	return true;
}

static void count_copies(struct rule_counts *counts, uint64_t packets)
{
	counts->audits = true;
	counts->copied += packets;
}

static void count_rule(struct rule_counts *counts, const char *line, size_t len,
		       uint64_t packets)
{
	if (has(line, len, " -j NFQUEUE "))
		counts->queued += packets;
	else if (has(line, len, " -j NFLOG "))
		count_copies(counts, packets);
	else if (has(line, len, " --match-set netpold-allowed-"))
		counts->recalled[VERDICT_ALLOW] += packets;
	else if (has(line, len, " --match-set netpold-denied-"))
		counts->recalled[VERDICT_DENY] += packets;
	else if (has(line, len, " -m hashlimit "))
		counts->limited += packets;
}

bool rule_counter_parse(const char *listing, struct rule_counts *out)
{
	struct rule_counts counts = { 0 };
	bool found = false;

	for (const char *line = listing; *line;) {
		size_t len = strcspn(line, "\n");
		uint64_t packets;

		if (parse_packets(line, len, &packets)) {
			count_rule(&counts, line, len, packets);
			found |= has(line, len, " -j NFQUEUE ");
		}
		line += len + (line[len] == '\n');
	}
	found |= counts.audits;
	if (found)
		*out = counts;
	return found;
}

static int add_chain(enum iptables_flavour flavour, enum ip_family family,
		     const char *chain, struct rule_counts *sum,
		     struct err *err)
{
	struct rule_counts counts;
	char *listing;
	bool found;
	int r = iptables_list_chain(flavour, family, chain, &listing, err);

	if (r < 0)
		return r;
	found = rule_counter_parse(listing, &counts);
	free(listing);
	if (!found && sum->audits)
		return 0;
	if (!found)
		return err_set(err, -ENOENT,
			       "no rule of netpold leads to a queue, or "
			       "copies");
	sum->queued += counts.queued;
	sum->copied += counts.copied;
	sum->audits |= counts.audits;
	sum->limited += counts.limited;
	for (int v = VERDICT_DENY; v <= VERDICT_ALLOW; v++)
		sum->recalled[v] += counts.recalled[v];
	return 0;
}

int rule_counter_read(enum iptables_flavour flavour, struct rule_counts *out,
		      struct err *err)
{
	static const enum ip_family families[] = { IP_V4, IP_V6 };
	struct rule_counts sum = { 0 };

	for (size_t i = 0; i < 2 * N_CHAINS; i++) {
		int r = add_chain(flavour, families[i % 2], chains[i / 2], &sum,
				  err);

		if (r < 0)
			return r;
	}
	*out = sum;
	return 0;
}
