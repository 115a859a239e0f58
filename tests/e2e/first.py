# SPDX-License-Identifier: GPL-2.0-or-later
"""The first packets of flows: sent once, not sent again, and seen when they arrive.

A TCP connection tries again when its first packet is lost, so that nobody can tell
whether that one waited or was dropped. These are datagrams, each of a flow of its own.
"""

import socket
import threading

import packet


class First:
    def __init__(self):
        self.came = {}   # word: the numbers that have arrived
        self.socks = {}  # word: the flows that were begun here
        self.changed = threading.Condition()

    def operations(self):
        return {name: getattr(self, name) for name in (
            "first_listen", "first_came", "first_send", "first_go_on", "first_end")}

    # ---- who listens ----

    def first_listen(self, port):
        for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
            sock = socket.socket(family, socket.SOCK_DGRAM)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind((address, port))
            threading.Thread(target=self._read, args=(sock,), daemon=True).start()

    def _read(self, sock):
        while True:
            word, _, number = sock.recv(512).decode().rpartition(" ")
            with self.changed:
                self.came.setdefault(word, set()).add(int(number))
                self.changed.notify_all()

    def first_came(self, word, count=0, timeout_ms=0):
        """Of how many flows a packet with this word has arrived; waits for so many."""
        def n():
            return len(self.came.get(word, ()))
        with self.changed:
            self.changed.wait_for(lambda: n() >= count, timeout_ms / 1000)
            return n()

    # ---- who begins them ----

    def first_send(self, word, addresses, port, count):
        """So many flows to each address."""
        self.socks[word] = []
        for address in addresses * count:
            sock = socket.socket(packet.family_of(address), socket.SOCK_DGRAM)
            sock.connect((address, port))
            self.socks[word].append(sock)
        self._say(word, word)

    def first_go_on(self, word, again):
        """A packet more of each of these flows, with another word."""
        self._say(word, again)

    def first_end(self, word):
        for sock in self.socks.pop(word):
            sock.close()

    def _say(self, flows, word):
        for number, sock in enumerate(self.socks[flows]):
            try:
                sock.send(f"{word} {number}".encode())
            except OSError:
                pass  # an ICMP error about an earlier one
