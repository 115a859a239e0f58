/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/mark.h"

#include <errno.h>

enum mark_value {
	VALUE_ALLOWED = 1,
	VALUE_OWN_NODE = 2,
	VALUE_PICKED_UP = 3, /* ALLOWED and one bit more */
	VALUE_TO_NODE = 4,
	VALUE_BYPASS = 5,
	VALUE_REMEMBER = 7,
	VALUE_DENIED = 9,
	VALUE_TOLD_DIFFER = 14, /* the bits in which odd values differ */
};
#define VALUE_BITS 4

/* Even ones. Those from 8 on were these classes' before there were others. */
static const uint32_t class_values[N_PACKET_CLASSES] = {
	[CLASS_ORIGINAL_NEW] = 8,   [CLASS_ORIGINAL] = 14,
	[CLASS_REPLY] = 10,	    [CLASS_RELATED] = 6,
	[CLASS_RELATED_REPLY] = 12, [CLASS_UNTRACKED] = 4,
};

/* Put the bits of @value into the set bits of @mask, lowest value bit into the
   highest mask bit: the low bits are the ones that others reach for first. */
static uint32_t spread(uint32_t value, uint32_t mask)
{
	uint32_t out = 0;

	for (; value && mask; value >>= 1) {
		uint32_t highest = 1u << (31 - __builtin_clz(mask));

		if (value & 1)
			out |= highest;
		mask &= ~highest;
	}
	return out;
}

int mark_layout_init(struct mark_layout *layout, uint32_t mask, struct err *err)
{
	if (__builtin_popcount(mask) < VALUE_BITS)
		return err_set(err, -EINVAL,
			       "mark mask %#x: has %d bits; netpold needs %d",
			       mask, __builtin_popcount(mask), VALUE_BITS);
	layout->mask = mask;
	layout->allowed = spread(VALUE_ALLOWED, mask);
	layout->picked_up = spread(VALUE_PICKED_UP, mask);
	layout->own_node = spread(VALUE_OWN_NODE, mask);
	layout->to_node = spread(VALUE_TO_NODE, mask);
	layout->bypass = spread(VALUE_BYPASS, mask);
	layout->remember = spread(VALUE_REMEMBER, mask);
	layout->denied = spread(VALUE_DENIED, mask);
	layout->judged_mask = mask & ~(layout->allowed ^ layout->picked_up);
	layout->told_mask = mask & ~spread(VALUE_TOLD_DIFFER, mask);
	for (uint32_t i = 0; i < N_PACKET_CLASSES; i++)
		layout->class[i] = spread(class_values[i], mask);
	return 0;
}

bool mark_to_class(const struct mark_layout *layout, uint32_t mark,
		   enum packet_class *class)
{
	for (int i = 0; i < N_PACKET_CLASSES; i++) {
		if ((mark & layout->mask) == layout->class[i]) {
			*class = i;
			return true;
		}
	}
	return false;
}
