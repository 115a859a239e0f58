# SPDX-License-Identifier: GPL-2.0-or-later
"""Many UDP flows, of which each is one datagram at first.

What is sent holds a word and the flow's number, as sniffer.py counts it.
"""

import socket
import time

import packet


class Burst:
    def __init__(self):
        self.socks = {}  # by the name of the burst

    def operations(self):
        return {"burst": self.burst, "burst_again": self.burst_again}

    def burst(self, name, addresses, port, count, word, every_us=0):
        """So many flows to these addresses in turn, not faster than that."""
        self.socks[name] = []
        next_at = time.monotonic()
        for number in range(count):
            address = addresses[number % len(addresses)]
            sock = socket.socket(packet.family_of(address), socket.SOCK_DGRAM)
            sock.connect((address, port))
            self.socks[name].append(sock)
            self._send(sock, word, number)
            next_at += every_us / 1000000
            time.sleep(max(0, next_at - time.monotonic()))

    def burst_again(self, name, word):
        """One datagram more of each flow."""
        for number, sock in enumerate(self.socks[name]):
            self._send(sock, word, number)

    @staticmethod
    def _send(sock, word, number):
        try:
            sock.send(b"%s %d;" % (word.encode(), number))
        except OSError:
            pass  # an ICMP error about an earlier one
