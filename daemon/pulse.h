/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_PULSE_H
#define NETPOLD_DAEMON_PULSE_H

/**
 * A sign of life of the control thread, from within what may take longer than
 * anybody waits for one (L32): who goes through a million connections beats
 * now and then, and who waits for something beats before and after. Who stands
 * still does not.
 *
 * An all-zero struct is silent.
 */
struct pulse {
	void (*beat)(void *ctx);
	void *ctx;
};

/** Cheap enough for each of some thousand things. */
static inline void pulse_beat(const struct pulse *pulse)
{
	if (pulse->beat)
		pulse->beat(pulse->ctx);
}

#endif
