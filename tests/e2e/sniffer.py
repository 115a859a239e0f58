# SPDX-License-Identifier: GPL-2.0-or-later
"""What an agent sees on its wires: packets that hold a token, counted.

A packet socket sees what arrives, before the receiver's own stack judges it:
the way to show that something crossed the node, or did not.
"""

import collections
import re
import socket
import threading

ETH_P_ALL = 3
PACKET_OUTGOING = 4
SO_RCVBUFFORCE = 33  # asm-generic/socket.h
ROOM = 1 << 22       # for a burst that comes while this thread has no CPU


class Sniffer:
    def __init__(self):
        self.changed = threading.Condition()
        self.seen = {}   # token: how often
        self.tally = {}  # word: how often with which number

    def operations(self):
        return {name: getattr(self, name) for name in ("watch", "watched", "count", "counted")}

    def watch(self, token):
        """From now on count the packets that come in with this token."""
        self.seen[token] = 0
        wanted = token.encode()

        def look(data):
            self.seen[token] += wanted in data
        self._begin(look)

    def watched(self, token, count=1, timeout_ms=0):
        """How often the token was seen; waits until it is count times."""
        with self.changed:
            self.changed.wait_for(lambda: self.seen[token] >= count, timeout_ms / 1000)
            return self.seen[token]

    def count(self, word):
        """From now on count the packets that come in with "WORD number;", by number."""
        tally = self.tally[word] = collections.Counter()
        wanted = re.compile(word.encode() + rb" (\d+);")

        def look(data):
            if found := wanted.search(data):
                tally[int(found[1])] += 1
        self._begin(look)

    def counted(self, word, numbers=(), timeout_ms=0):
        """[[number, how often]]; waits until each of these was seen."""
        tally = self.tally[word]
        with self.changed:
            self.changed.wait_for(lambda: all(tally[number] for number in numbers),
                                  timeout_ms / 1000)
            return [[number, count] for number, count in sorted(tally.items()) if count]

    def _begin(self, look):
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, ROOM)
        threading.Thread(target=self._read, args=(sock, look), daemon=True).start()

    def _read(self, sock, look):
        while True:
            data, address = sock.recvfrom(65536)
            if address[2] != PACKET_OUTGOING:
                with self.changed:
                    look(data)
                    self.changed.notify_all()
