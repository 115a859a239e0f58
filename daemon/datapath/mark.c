/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/mark.h"

#include <errno.h>

enum mark_value {
	VALUE_ALLOWED = 1,
	VALUE_OWN_NODE = 2,
	VALUE_PICKED_UP = 3, /* ALLOWED and one bit more */
	VALUE_TO_NODE = 4,
	VALUE_BYPASS = 5,
	VALUE_TOLD_DIFFER = 6, /* the bits in which 1, 3, 5 and 7 differ */
	VALUE_FIRST_CLASS = 8,
};
#define VALUE_BITS 4

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
	_Static_assert(VALUE_FIRST_CLASS + N_PACKET_CLASSES <= 1 << VALUE_BITS,
		       "every value fits");

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
	layout->judged_mask = mask & ~(layout->allowed ^ layout->picked_up);
	layout->told_mask = mask & ~spread(VALUE_TOLD_DIFFER, mask);
	for (uint32_t i = 0; i < N_PACKET_CLASSES; i++)
		layout->class[i] = spread(VALUE_FIRST_CLASS + i, mask);
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
