# SPDX-License-Identifier: GPL-2.0-or-later
"""Somebody else's NFQUEUE: taken, or holding what comes until it is told. Or somebody
else's log group.

Messages are written by hand, as Python has no library for them (see
linux/netfilter/nfnetlink_queue.h and nfnetlink_log.h).
"""

import os
import socket
import struct
import threading

NETLINK_NETFILTER = 12
SUBSYSTEM = 3 << 8  # of queues
PACKET, VERDICT, CONFIG = SUBSYSTEM | 0, SUBSYSTEM | 1, SUBSYSTEM | 2
GROUP_CONFIG = 4 << 8 | 1  # of log groups
CONFIG_COMMAND, CONFIG_PARAMS, BIND, COPY_META = 1, 2, 1, 1
PACKET_HEADER, VERDICT_HEADER, ACCEPT = 1, 2, 1
REQUEST, ACKNOWLEDGE = 1, 4
BUFFER = 1 << 22


def message(kind, flags, queue, *attributes):
    """@attributes: (type, bytes) each"""
    body = struct.pack("!BBH", 0, 0, queue)  # nfgenmsg
    for number, data in attributes:
        body += struct.pack("=HH", 4 + len(data), number) + data + b"\0" * (-len(data) % 4)
    return struct.pack("=IHHII", 16 + len(body), kind, REQUEST | flags, 1, 0) + body


def attribute(data, wanted):
    """Of the attributes in a message's body, the bytes of one."""
    at = 20
    while at + 4 <= len(data):
        length, number = struct.unpack_from("=HH", data, at)
        if number & 0x3FFF == wanted:
            return data[at + 4:at + length]
        at += (max(length, 4) + 3) & ~3
    return b""


class Queues:
    def __init__(self):
        self.socks = {}  # by queue number
        self.held = {}   # the packets of each, by what the kernel calls them
        self.changed = threading.Condition()

    def operations(self):
        return {name: getattr(self, name) for name in (
            "take_queue", "take_group", "release_queue", "hold", "wait_held", "let_go")}

    def take_queue(self, number):
        """Bind a queue number, as another program might have."""
        self._take(number, message(CONFIG, ACKNOWLEDGE, number, (
            CONFIG_COMMAND, struct.pack("!BBH", BIND, 0, 0))))

    def take_group(self, number):
        """Bind a log group's number."""
        self._take(number, message(GROUP_CONFIG, ACKNOWLEDGE, number, (
            CONFIG_COMMAND, struct.pack("!B", BIND))))

    def _take(self, number, request):
        sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
        sock.bind((0, 0))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        self._ask(sock, request)
        self.socks[number] = sock

    def release_queue(self, number):
        self.socks.pop(number).close()

    def hold(self, number):
        """Take a queue and keep what comes."""
        self.take_queue(number)
        self.held[number] = []
        self._ask(self.socks[number], message(CONFIG, ACKNOWLEDGE, number, (
            CONFIG_PARAMS, struct.pack("!IB", 0, COPY_META))))
        threading.Thread(target=self._keep, args=(number,), daemon=True).start()

    def wait_held(self, number, count, timeout_ms=5000):
        with self.changed:
            self.changed.wait_for(lambda: len(self.held[number]) >= count, timeout_ms / 1000)
            return len(self.held[number])

    def let_go(self, number):
        """Accept what was kept; returns how many packets that was."""
        with self.changed:
            packets, self.held[number] = self.held[number], []
        sock = self.socks[number]
        for packet in packets:
            sock.send(message(VERDICT, 0, number, (
                VERDICT_HEADER, struct.pack("!II", ACCEPT, packet))))
        return len(packets)

    def _keep(self, number):
        while True:
            data = self.socks[number].recv(65536)
            if struct.unpack_from("=H", data, 4)[0] == PACKET:
                with self.changed:
                    self.held[number].append(
                        struct.unpack_from("!I", attribute(data, PACKET_HEADER))[0])
                    self.changed.notify_all()

    @staticmethod
    def _ask(sock, request):
        sock.send(request)
        code = struct.unpack_from("=i", sock.recv(4096), 16)[0]
        if code:
            raise OSError(-code, os.strerror(-code))
