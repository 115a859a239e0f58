/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/standing.h"

#include <stdio.h>
#include <string.h>

#define LINE_LEN 80

const char *const standing_chains[N_STANDING_CHAINS] = {
	"NETPOLD",	 "NETPOLD-CLEAR",  "NETPOLD-DIVERT", "NETPOLD-IN",
	"NETPOLD-JUDGE", "NETPOLD-MARKED", "NETPOLD-OUT",    "NETPOLD-RECALL",
	"NETPOLD-SAVE",	 "NETPOLD-STAGED", "NETPOLD-SYN",
};

const struct standing_jump standing_jumps[N_STANDING_JUMPS] = {
	{ "OUTPUT", "NETPOLD-OUT" },
	{ "POSTROUTING", "NETPOLD" },
	{ "INPUT", "NETPOLD-IN" },
};

static const char *jump_line(char line[LINE_LEN],
			     const struct standing_jump *jump)
{
	snprintf(line, LINE_LEN, "\n-A %s -j %s\n", jump->hook, jump->chain);
	return line;
}

/* netpold's names are its own: in no other table stands anything like them. */
bool standing_has_chain(const char *chain, const char *saved)
{
	char line[LINE_LEN];

	snprintf(line, sizeof(line), "\n:%s ", chain);
	return strstr(saved, line) != NULL;
}

bool standing_audits(const char *saved)
{
	static const char rule[] = "\n-A NETPOLD-JUDGE ";

	for (const char *p = saved; (p = strstr(p, rule)); p++) {
		const char *end = strchr(p + 1, '\n');
		size_t len = end ? (size_t)(end - p) : strlen(p);
		static const char target[] = " -j NFLOG ";

		if (memmem(p, len, target, strlen(target)))
			return true;
	}
	return false;
}

size_t standing_count(const struct standing_jump *jump, const char *saved)
{
	char line[LINE_LEN];
	size_t n = 0;

	jump_line(line, jump);
	for (const char *p = saved; (p = strstr(p, line)); p++)
		n++;
	return n;
}

bool standing_first(const struct standing_jump *jump, const char *saved)
{
	const char *table = strstr(saved, "*mangle\n"), *first;
	char line[LINE_LEN], hook[LINE_LEN];

	if (!table)
		return false;
	snprintf(hook, sizeof(hook), "\n-A %s ", jump->hook);
	jump_line(line, jump);
	first = strstr(table, hook);
	return first && strncmp(first, line, strlen(line)) == 0;
}

/* A chain's line goes on with its counters. */
static void extract_line(const char *line, size_t len, FILE *out)
{
	const char *space = memchr(line, ' ', len);

	if (strncmp(line, ":NETPOLD", strlen(":NETPOLD")) == 0 && space)
		len = (size_t)(space - line);
	else if (strncmp(line, "-A NETPOLD", strlen("-A NETPOLD")) != 0)
		return;
	fwrite(line, 1, len, out);
	fputc('\n', out);
}

char *standing_extract(const char *saved)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	for (const char *line = saved; *line;) {
		size_t length = strcspn(line, "\n");

		extract_line(line, length, out);
		line += length + (line[length] == '\n');
	}
	for (size_t i = 0; i < N_STANDING_JUMPS; i++)
		fprintf(out, "%s: %zu%s\n", standing_jumps[i].hook,
			standing_count(&standing_jumps[i], saved),
			standing_first(&standing_jumps[i], saved) ? ", first"
								  : "");
	return fclose(out) == 0 ? text : NULL;
}
