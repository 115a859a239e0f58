/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agreement.h"

#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "twin/twin.h"

#include "workload.h"

/* Addresses of the workloads are all in 10.0.0.0/8: a bit for each. */
#define N_ADDRESSES (1 << 24)

struct acquaintance {
	unsigned char bits[N_ADDRESSES / 8];
};

static size_t number_of(const uint8_t addr[4])
{
	return (size_t)addr[1] << 16 | (size_t)addr[2] << 8 | addr[3];
}

static void note_address(void *ctx, int family, const uint8_t addr[16])
{
	struct acquaintance *known = ctx;
	size_t number = number_of(addr);

	(void)family;
	known->bits[number / 8] |= (unsigned char)(1 << number % 8);
}

/* An address that no pod has is the same to everybody. */
static bool is_known(const struct acquaintance *known,
		     const struct snapshot *snapshot,
		     const struct ip_addr *addr)
{
	size_t number = number_of(addr->bytes);

	return known->bits[number / 8] >> number % 8 & 1 ||
	       !snapshot_pod_by_address(snapshot, addr);
}

static char *read_file(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;

	if (!file || getdelim(&text, &size, '\0', file) < 0)
		err(2, "cannot read '%s'", path);
	fclose(file);
	return text;
}

static struct probe probe_of(const struct flow_key *key)
{
	struct probe probe = {
		.family = 4,
		.protocol = key->protocol,
		.has_port = key->has_port,
		.port = key->dst_port,
	};

	memcpy(probe.src, key->src.bytes, sizeof(probe.src));
	memcpy(probe.dst, key->dst.bytes, sizeof(probe.dst));
	return probe;
}

static void require_agreement(struct twin *twin, const struct flow_key *key)
{
	const struct probe probe = probe_of(key);
	struct writer complaint = { 0 };
	const bool explain = false;

	if (!twin_agrees(twin, &probe, explain, &complaint))
		errx(2, "engine and oracle differ: %s", complaint.data);
	writer_release(&complaint);
}

size_t agreement_check(const struct cluster *cluster,
		       const struct snapshot *snapshot, const char *node,
		       const struct questions *questions, const char *path,
		       size_t most)
{
	/* The twin only asks it. */
	struct twin twin = { .node = node,
			     .snapshot = (struct snapshot *)(uintptr_t)snapshot,
			     .oracle = oracle_new() };
	struct acquaintance *known = calloc(1, sizeof(*known));
	char *json = read_file(path);
	size_t asked = 0;

	if (!twin.oracle || !known)
		errx(2, "no memory for the oracle");
	workload_compare(cluster, json);
	oracle_put(twin.oracle, json, 0);
	oracle_each_address(twin.oracle, note_address, known);
	for (size_t i = 0; i < questions->n && asked < most; i++) {
		const struct flow_key *key = &questions->items[i];

		if (!is_known(known, snapshot, &key->src) ||
		    !is_known(known, snapshot, &key->dst))
			continue;
		require_agreement(&twin, key);
		asked++;
	}
	if (asked == 0)
		errx(2, "'%s' knows no end of any flow", path);
	oracle_free(twin.oracle);
	free(known);
	free(json);
	return asked;
}
