/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_RECEIPT_UID_H
#define NETPOLD_DAEMON_OBSERVE_RECEIPT_UID_H

/**
 * Room for who a policy is: servers give UUIDs, of 36 characters. What does not
 * fit is cut, here and where somebody asks for it (receipt_request.h refuses
 * it), so that no two policies are taken for one.
 */
enum { RECEIPT_UID_SIZE = 64 };

#endif
