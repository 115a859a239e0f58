/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/pod_range.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool add_block(struct pod_range *range, const struct cidr *block)
{
	if (range->n == POD_RANGE_MAX || block->prefix_len == 0)
		return false;
	range->blocks[range->n++] = *block;
	return true;
}

int pod_range_parse(const char *text, struct pod_range *out, struct err *err)
{
	struct pod_range range = { .n = 0 };
	const char *at = text;

	for (;;) {
		size_t len = strcspn(at, ",");
		struct cidr block;

		if (cidr_parse(at, len, &block, NULL) < 0 ||
		    !add_block(&range, &block))
			return err_set(err, -EINVAL,
				       "expected up to %d blocks with commas "
				       "between them, such as 10.244.1.0/24, "
				       "none of which is everything, found "
				       "'%.*s'",
				       POD_RANGE_MAX,
				       (int)(len < CIDR_TEXT_LEN
						     ? len
						     : CIDR_TEXT_LEN),
				       at);
		if (!at[len])
			break;
		at += len + 1;
	}
	*out = range;
	return 0;
}

struct pod_range pod_range_of_node(const struct node *node)
{
	struct pod_range range = { .n = 0 };

	for (size_t i = 0; i < node->n_pod_cidrs; i++)
		add_block(&range, &node->pod_cidrs[i]);
	return range;
}

char *pod_range_format(const struct pod_range *range,
		       char text[POD_RANGE_TEXT_LEN])
{
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < range->n; i++) {
		char block[CIDR_TEXT_LEN];

		len += (size_t)snprintf(text + len, POD_RANGE_TEXT_LEN - len,
					"%s%s", i ? "," : "",
					cidr_format(&range->blocks[i], block));
	}
	return text;
}

bool pod_range_contains(const struct pod_range *range,
			const struct ip_addr *addr)
{
	for (size_t i = 0; i < range->n; i++) {
		if (cidr_contains(&range->blocks[i], addr))
			return true;
	}
	return false;
}

bool pod_range_equal(const struct pod_range *a, const struct pod_range *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (a->blocks[i].prefix_len != b->blocks[i].prefix_len ||
		    !ip_addr_equal(&a->blocks[i].addr, &b->blocks[i].addr))
			return false;
	}
	return true;
}
