# SPDX-License-Identifier: GPL-2.0-or-later
"""Trains of datagrams: the first packets of a UDP flow, back to back.

Each flow is a socket of its own, which sends so many numbered datagrams without a
pause. Who listens writes down in which order they come, and echoes them, if told to.
"""

import collections
import socket
import struct
import threading
import time

import packet

SO_RCVBUFFORCE = 33  # asm-generic/socket.h
ROOM = 1 << 23       # bytes of a socket's buffer: what finds no room would be lost
HEAD = struct.Struct("!II")  # the flow's number, the datagram's
SIZE = 64            # bytes of a datagram
PATIENCE_S = 15.0    # for echoes, however busy the machine


def _reordered(numbers):
    """How many came after a later one (RFC 4737, section 3)."""
    latest, late = -1, 0
    for number in numbers:
        late += number < latest
        latest = max(latest, number)
    return late


class _Listener:
    """@echo  whether what comes is sent back"""

    def __init__(self, port, echo):
        self.came = collections.defaultdict(list)  # by flow, in their order
        self.count = 0  # of all flows
        for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
            sock = socket.socket(family, socket.SOCK_DGRAM)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, ROOM)
            sock.bind((address, port))
            threading.Thread(target=self._read, args=(sock, echo), daemon=True).start()

    def _read(self, sock, echo):
        while True:
            data, peer = sock.recvfrom(SIZE)
            flow, number = HEAD.unpack_from(data)
            self.came[flow].append(number)
            self.count += 1
            if echo:
                sock.sendto(data, peer)

    def take(self):
        """{flow: its numbers}"""
        came, self.came, self.count = self.came, collections.defaultdict(list), 0
        return came


class Train:
    def __init__(self):
        self.listeners = {}  # by port

    def operations(self):
        return {name: getattr(self, name) for name in (
            "train_listen", "train_count", "train_take", "train_send")}

    def train_listen(self, port, echo=False):
        self.listeners[port] = _Listener(port, echo)

    def train_count(self, port):
        """How many datagrams have come since the last take."""
        return self.listeners[port].count

    def train_take(self, port):
        """[[flow, how many came, how many of them late, how many twice]]"""
        return [[flow, len(set(numbers)), _reordered(numbers), len(numbers) - len(set(numbers))]
                for flow, numbers in sorted(self.listeners[port].take().items())]

    @staticmethod
    def train_send(address, port, flows, length, every_us, echoed=False):
        """So many flows of so many datagrams each, one flow after the other; returns
        [[flow, echoes that came, how many of them late]]."""
        socks, next_at = [], time.monotonic()
        for flow in range(flows):
            sock = socket.socket(packet.family_of(address), socket.SOCK_DGRAM)
            sock.connect((address, port))
            socks.append(sock)
            train = [HEAD.pack(flow, number).ljust(SIZE) for number in range(length)]
            for data in train:
                sock.send(data)
            next_at = max(next_at + every_us / 1000000, time.monotonic())
            time.sleep(max(0, next_at - time.monotonic()))
        deadline = time.monotonic() + PATIENCE_S
        echoes = [_echoes(sock, length if echoed else 0, deadline) for sock in socks]
        return [[flow, len(numbers), _reordered(numbers)] for flow, numbers in enumerate(echoes)]


def _echoes(sock, due, deadline):
    """The numbers of those that come; closes the socket."""
    numbers = []
    with sock:
        while len(numbers) < due and (left := deadline - time.monotonic()) > 0:
            sock.settimeout(left)
            try:
                numbers.append(HEAD.unpack_from(sock.recv(SIZE))[1])
            except OSError:
                break
    return numbers
