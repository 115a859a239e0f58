# SPDX-License-Identifier: GPL-2.0-or-later
"""What an agent sees on its wires: packets that hold a token, counted.

A packet socket sees what arrives, before the receiver's own stack judges it:
the way to show that something crossed the node, or did not.
"""

import socket
import threading

ETH_P_ALL = 3
PACKET_OUTGOING = 4


class Sniffer:
    def __init__(self):
        self.changed = threading.Condition()
        self.seen = {}  # token: how often

    def operations(self):
        return {"watch": self.watch, "watched": self.watched}

    def watch(self, token):
        """From now on count the packets that come in with this token."""
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        self.seen[token] = 0
        threading.Thread(target=self._read, args=(sock, token), daemon=True).start()

    def _read(self, sock, token):
        wanted = token.encode()
        while True:
            data, address = sock.recvfrom(65536)
            if address[2] != PACKET_OUTGOING and wanted in data:
                with self.changed:
                    self.seen[token] += 1
                    self.changed.notify_all()

    def watched(self, token, count=1, timeout_ms=0):
        """How often the token was seen; waits until it is count times."""
        with self.changed:
            self.changed.wait_for(lambda: self.seen[token] >= count, timeout_ms / 1000)
            return self.seen[token]
