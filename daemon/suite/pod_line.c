/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "suite/pod_line.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "flow_words.h"
#include "plain_text.h"

/* More than anybody writes in a line. */
#define MAX_WORDS 64

static const char separators[] = " \t,";

/* What a line becomes, whatever it is of. */
struct reading {
	struct arena *arena;
	struct label labels[MAX_WORDS];
	size_t n_labels;
	struct container_port ports[MAX_WORDS];
	size_t n_ports;
	struct ip_addr addresses[POD_MAX_ADDRESSES];
	size_t n_addresses;
	const char *node;
};

static int no_memory(struct err *err)
{
	return err_set(err, -ENOMEM, "out of memory");
}

static int refuse(const char *word, const char *why, struct err *err)
{
	char plain[PLAIN_TEXT_LEN];

	return err_set(err, -EINVAL, "'%.100s' %s", plain_text(word, plain),
		       why);
}

/* ---- words --------------------------------------------------------------- */

static bool is_made_of(const char *text, const char *also)
{
	for (const char *p = text; *p; p++) {
		bool is_letter = (*p >= 'a' && *p <= 'z') ||
				 (*p >= 'A' && *p <= 'Z') ||
				 (*p >= '0' && *p <= '9');

		if (!is_letter && !strchr(also, *p))
			return false;
	}
	return true;
}

static int read_label(struct reading *reading, const char *word,
		      struct err *err)
{
	char *key = arena_strdup(reading->arena, word);
	char *value = key ? strchr(key, '=') : NULL;

	if (!value)
		return no_memory(err);
	*value++ = '\0';
	if (!*key || !is_made_of(key, "-_./") || !is_made_of(value, "-_."))
		return refuse(word, "is no label", err);
	for (size_t i = 0; i < reading->n_labels; i++) {
		if (strcmp(reading->labels[i].key, key) == 0)
			return refuse(key, "is there twice", err);
	}
	reading->labels[reading->n_labels++] = (struct label){ key, value };
	return 0;
}

static int read_port(struct reading *reading, const char *word, struct err *err)
{
	char *name = arena_strdup(reading->arena, word);
	char *number = name ? strchr(name, ':') : NULL;
	struct flow_words words = { 0 };
	int r;

	if (!number)
		return no_memory(err);
	*number++ = '\0';
	if (!*name || !is_made_of(name, "-"))
		return refuse(word, "is no port, as NAME:PORT/PROTOCOL", err);
	r = flow_words_read_port(number, reading->arena, &words, err);
	if (r < 0)
		return r;
	if (!words.has_number || words.number == 0)
		return refuse(word, "has no number from 1 to 65535", err);
	reading->ports[reading->n_ports++] = (struct container_port){
		.name = name,
		.number = words.number,
		.protocol = words.protocol,
	};
	return 0;
}

/* A pod has one of each family (NP-60). */
static int add_address(struct reading *reading, const char *word,
		       const struct ip_addr *addr, struct err *err)
{
	for (size_t i = 0; i < reading->n_addresses; i++) {
		if (reading->addresses[i].family == addr->family)
			return refuse(word, "is a second address of its family",
				      err);
	}
	reading->addresses[reading->n_addresses++] = *addr;
	return 0;
}

static int read_word(struct reading *reading, const char *word, bool is_pod,
		     struct err *err)
{
	struct ip_addr addr;

	if (strchr(word, '='))
		return read_label(reading, word, err);
	if (!is_pod)
		return refuse(word, "is no label, as KEY=VALUE", err);
	if (ip_addr_parse(word, strlen(word), &addr) == 0)
		return add_address(reading, word, &addr, err);
	if (*word == '@' && word[1] && is_made_of(word + 1, "-.")) {
		reading->node = word + 1;
		return 0;
	}
	if (strchr(word, ':'))
		return read_port(reading, word, err);
	return refuse(word,
		      "is none of KEY=VALUE, NAME:PORT, an address and @NODE",
		      err);
}

/* The first word into @first, the others into @reading. */
static int read_words(struct reading *reading, const char *line, bool is_pod,
		      const char **first, struct err *err)
{
	char *text = arena_strdup(reading->arena, line);
	char *rest = NULL, *word;
	size_t n = 0;
	int r = 0;

	if (!text)
		return no_memory(err);
	*first = "";
	for (word = strtok_r(text, separators, &rest); word && r == 0;
	     word = strtok_r(NULL, separators, &rest), n++) {
		if (n == 0)
			*first = word;
		else if (n > MAX_WORDS)
			r = refuse(word, "is more than a line may have", err);
		else
			r = read_word(reading, word, is_pod, err);
	}
	return r;
}

/* ---- results ------------------------------------------------------------- */

static int compare_labels(const void *a, const void *b)
{
	const struct label *p = a, *q = b;

	return strcmp(p->key, q->key);
}

static void *copy(struct arena *arena, const void *items, size_t n, size_t size)
{
	void *out = arena_array(arena, n, size);

	if (out && n > 0)
		memcpy(out, items, n * size);
	return out;
}

static int take_labels(struct reading *reading, struct labels *out,
		       struct err *err)
{
	if (reading->n_labels > 1)
		qsort(reading->labels, reading->n_labels,
		      sizeof(*reading->labels), compare_labels);
	out->items = copy(reading->arena, reading->labels, reading->n_labels,
			  sizeof(*reading->labels));
	out->n = reading->n_labels;
	return out->items ? 0 : no_memory(err);
}

static int take_ports(struct reading *reading, struct pod *out, struct err *err)
{
	out->ports = copy(reading->arena, reading->ports, reading->n_ports,
			  sizeof(*reading->ports));
	out->n_ports = (uint32_t)reading->n_ports;
	return out->ports ? 0 : no_memory(err);
}

static int take_name(struct arena *arena, const char *word, struct pod *out,
		     struct err *err)
{
	char *namespace = arena_strdup(arena, word);
	char *name = namespace ? strchr(namespace, '/') : NULL;

	if (!namespace)
		return no_memory(err);
	if (!name || name == namespace || !name[1])
		return refuse(word, "is no NAMESPACE/POD", err);
	*name++ = '\0';
	if (!is_made_of(namespace, "-") || !is_made_of(name, "-."))
		return refuse(word, "is no NAMESPACE/POD", err);
	out->namespace = namespace;
	out->name = name;
	return 0;
}

int pod_line_read(const char *line, struct arena *arena, struct pod *out,
		  struct err *err)
{
	struct reading reading = { .arena = arena, .node = "" };
	const char *name = NULL;
	int r = read_words(&reading, line, true, &name, err);

	*out = (struct pod){
		.uid = "",
		.node_name = reading.node,
		.owner_kind = "",
		.owner_name = "",
		.n_addresses = (uint8_t)reading.n_addresses,
	};
	memcpy(out->addresses, reading.addresses, sizeof(out->addresses));
	if (r == 0)
		r = take_name(arena, name, out, err);
	if (r == 0)
		r = take_labels(&reading, &out->labels, err);
	return r == 0 ? take_ports(&reading, out, err) : r;
}

int namespace_line_read(const char *line, struct arena *arena,
			struct namespace *out, struct err *err)
{
	struct reading reading = { .arena = arena };
	const char *name = NULL;
	int r = read_words(&reading, line, false, &name, err);

	*out = (struct namespace){ .uid = "" };
	if (r < 0)
		return r;
	if (!*name || !is_made_of(name, "-"))
		return refuse(name, "is no name of a namespace", err);
	out->name = name;
	for (size_t i = 0; i < reading.n_labels; i++) {
		if (strcmp(reading.labels[i].key, NAMESPACE_NAME_LABEL) == 0)
			return refuse(NAMESPACE_NAME_LABEL,
				      "is a label that the API server sets",
				      err);
	}
	if (reading.n_labels == MAX_WORDS)
		return refuse(name, "has more labels than a line may", err);
	reading.labels[reading.n_labels++] =
		(struct label){ NAMESPACE_NAME_LABEL, name };
	return take_labels(&reading, &out->labels, err);
}
