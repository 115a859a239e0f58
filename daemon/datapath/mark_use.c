/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/mark_use.h"

#include <stdlib.h>
#include <string.h>

/* Which bits an argument means. */
enum meaning {
	COMPARED, /* VALUE/MASK: those under the mask, which is all by default
		   */
	SET,	  /* the same, and those of the value, which are flipped */
	MASK,	  /* those that it names */
	WHOLE,	  /* none needed: the option means every bit */
};

static const struct {
	const char *name;
	enum meaning meaning;
	bool writes;
} options[] = {
	{ "--mark", COMPARED, false },	/* -m mark, -m connmark */
	{ "--set-xmark", SET, true },	/* -j MARK, -j CONNMARK */
	{ "--tproxy-mark", SET, true }, /* -j TPROXY */
	{ "--nfmask", MASK, true },	/* -j CONNMARK: one of the two */
	{ "--ctmask", MASK, true },	/* marks is read, the other written */
	{ "--hmark-mod", WHOLE, true }, /* -j HMARK: a hash is the mark */
	{ "--map-mark", WHOLE, true },	/* -j SET: a member says which bits */
	{ "--restore-skmark", WHOLE, true }, /* -m socket */
};
#define N_OPTIONS (sizeof(options) / sizeof(options[0]))

struct word {
	const char *text;
	size_t len;
};

/* The next word before @end; false where there is none. */
static bool next_word(const char **at, const char *end, struct word *word)
{
	while (*at < end && **at == ' ')
		++*at;
	word->text = *at;
	while (*at < end && **at != ' ')
		++*at;
	word->len = (size_t)(*at - word->text);
	return word->len > 0;
}

static bool word_is(struct word word, const char *text)
{
	return word.len == strlen(text) &&
	       memcmp(word.text, text, word.len) == 0;
}

/* None for what is no number: such rules do not come from iptables-save. */
static uint32_t bits_of(struct word word, enum meaning meaning)
{
	unsigned long value, mask = UINT32_MAX;
	char text[32], *rest;

	if (meaning == WHOLE)
		return UINT32_MAX;
	if (word.len == 0 || word.len >= sizeof(text))
		return 0;
	memcpy(text, word.text, word.len);
	text[word.len] = '\0';
	value = strtoul(text, &rest, 0);
	if (*rest == '/')
		mask = strtoul(rest + 1, &rest, 0);
	if (*rest)
		return 0;
	if (meaning == MASK)
		return (uint32_t)value;
	return (uint32_t)(meaning == SET ? value | mask : mask);
}

static void read_option(struct word option, struct word argument,
			struct mark_use *use)
{
	for (size_t i = 0; i < N_OPTIONS; i++) {
		if (!word_is(option, options[i].name))
			continue;
		use->bits |= bits_of(argument, options[i].meaning);
		use->writes |= options[i].writes;
	}
}

static bool is_foreign_rule(const char *line)
{
	return strncmp(line, "-A ", 3) == 0 &&
	       strncmp(line, "-A NETPOLD", strlen("-A NETPOLD")) != 0;
}

static void read_rule(const char *line, size_t len, struct mark_use *use)
{
	const char *at = line, *end = line + len;
	struct word option, argument;

	*use = (struct mark_use){ .rule = line, .len = len };
	while (next_word(&at, end, &option)) {
		const char *rest = at;

		next_word(&rest, end, &argument); /* or an empty one */
		read_option(option, argument, use);
	}
}

void mark_uses_find(const char *saved, uint32_t mask,
		    void (*found)(void *ctx, const struct mark_use *use),
		    void *ctx)
{
	for (const char *line = saved; *line;) {
		size_t len = strcspn(line, "\n");
		struct mark_use use;

		if (is_foreign_rule(line)) {
			read_rule(line, len, &use);
			use.bits &= mask;
			if (use.bits)
				found(ctx, &use);
		}
		line += len + (line[len] == '\n');
	}
}
