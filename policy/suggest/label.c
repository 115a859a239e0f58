/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "suggest/label.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

/* AV-30 … AV-38. */
#define MAX_KEY_LEN (253 + 1 + 63)
#define MAX_VALUE_LEN 63

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Kubernetes, "Well-Known Labels, Annotations and Taints". */
static const char *const unstable[] = {
	"apps.kubernetes.io/pod-index",
	"batch.kubernetes.io/controller-uid",
	"batch.kubernetes.io/job-completion-index",
	"batch.kubernetes.io/job-name",
	"controller-revision-hash",
	"controller-uid",
	"job-name",
	"pod-template-generation",
	"pod-template-hash",
	"statefulset.kubernetes.io/pod-name",
};

/* Whoever makes them: rollouts-pod-template-hash, app-checksum, configHash. */
static const char *const unstable_ends[] = {
	"hash",
	"checksum",
	"revision",
	"uid",
};

/* The recommended labels, and those from before there were any. */
static const char *const names[] = {
	"app.kubernetes.io/name", "app", "k8s-app", "name", "run",
};

static const char *const parts[] = {
	"app.kubernetes.io/component",
	"component",
	"tier",
	"role",
	"app.kubernetes.io/instance",
	"release",
	"app.kubernetes.io/part-of",
};

static const char *const passing[] = {
	"app.kubernetes.io/managed-by",
	"heritage",
	"app.kubernetes.io/version",
	"version",
	"helm.sh/chart",
	"chart",
};

static size_t find(const char *const *list, size_t n, const char *key)
{
	size_t i = 0;

	while (i < n && strcmp(list[i], key) != 0)
		i++;
	return i;
}

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9');
}

static bool is_spelt(const char *text, const char *between, size_t max_len)
{
	size_t len = strlen(text);

	if (len == 0 || len > max_len || !is_plain(text[0]) ||
	    !is_plain(text[len - 1]))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!is_plain(text[i]) && !strchr(between, text[i]))
			return false;
	}
	return true;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* As a word: "fluid" is no uid. */
static bool ends_with_word(const char *key, const char *word)
{
	size_t len = strlen(key), word_len = strlen(word);
	const char *end = key + len - word_len;

	if (len < word_len || strcasecmp(end, word) != 0)
		return false;
	return end == key || !is_letter(end[-1]) ||
	       (end[-1] >= 'a' && *end <= 'Z');
}

static bool ends_unstable(const char *key)
{
	for (size_t i = 0; i < N_OF(unstable_ends); i++) {
		if (ends_with_word(key, unstable_ends[i]))
			return true;
	}
	return false;
}

bool label_is_stable(const char *key)
{
	return find(unstable, N_OF(unstable), key) == N_OF(unstable) &&
	       !ends_unstable(key) && is_spelt(key, "-_./", MAX_KEY_LEN);
}

bool label_can_match(const char *value)
{
	return !*value || is_spelt(value, "-_.", MAX_VALUE_LEN);
}

int label_rank(const char *key)
{
	size_t name = find(names, N_OF(names), key);
	size_t part = find(parts, N_OF(parts), key);
	size_t late = find(passing, N_OF(passing), key);

	if (name < N_OF(names))
		return (int)name;
	if (part < N_OF(parts))
		return 100 + (int)part;
	if (late < N_OF(passing))
		return LABEL_RANK_PASSING + (int)late;
	return LABEL_RANK_UNKNOWN;
}

const char *label_of_name(const struct labels *labels)
{
	for (size_t i = 0; i < N_OF(names); i++) {
		const char *value = labels_get(labels, names[i]);

		if (value && *value)
			return value;
	}
	return NULL;
}
