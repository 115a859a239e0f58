# SPDX-License-Identifier: GPL-2.0-or-later
"""Lookups of names, as resolvers make them: A and AAAA from one socket, at once.

The first packet of the two makes the flow, and the second is on its way before
anybody has judged the first.
"""

import socket

import packet

QUESTIONS = (b"A", b"AAAA")


class Lookup:
    def operations(self):
        return {"look_up": self.look_up}

    @staticmethod
    def look_up(addresses, port, count, timeout_ms):
        """So many, one after the other, at these addresses in turn; returns how many
        of them lacked an answer in time."""
        failed = 0
        for number in range(count):
            address = addresses[number % len(addresses)]
            with socket.socket(packet.family_of(address), socket.SOCK_DGRAM) as sock:
                sock.settimeout(timeout_ms / 1000)
                sock.connect((address, port))
                try:
                    for question in QUESTIONS:
                        sock.send(question)
                    failed += {sock.recv(512) for _ in QUESTIONS} != set(QUESTIONS)
                except OSError:
                    failed += 1
        return failed
