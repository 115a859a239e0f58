# SPDX-License-Identifier: GPL-2.0-or-later
"""Pods that start: many addresses, each of which speaks for the first time.

All of them live in one namespace, which takes whole networks for its own. At
the other end it is seen who came, in which order, and how often.
"""

import collections
import ipaddress
import selectors
import socket
import struct
import threading
import time

import packet

FREEBIND = {socket.AF_INET: (socket.IPPROTO_IP, 15),      # linux/in.h
            socket.AF_INET6: (socket.IPPROTO_IPV6, 78)}   # linux/in6.h
TOTAL_RETRANS = 100  # where it is in struct tcp_info
RESET_AT_CLOSE = struct.pack("ii", 1, 0)
ETH_P_ALL, PACKET_OUTGOING = 3, 4
SYN, ACK = 0x02, 0x10


def _from(address, kind):
    """A socket that sends from this address, whether an interface has it or not."""
    sock = socket.socket(packet.family_of(address), kind)
    sock.setsockopt(*FREEBIND[sock.family], 1)
    sock.bind((address, 0))
    return sock


def _retransmits(sock):
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TOTAL_RETRANS + 4)
    return struct.unpack_from("I", info, TOTAL_RETRANS)[0]


def _opening(data):
    """The source and the destination port of a SYN; None for any other packet."""
    if data[0] >> 4 == 4:
        start, protocol, source = (data[0] & 15) * 4, data[9], data[12:16]
    else:
        start, protocol, source = 40, data[6], data[8:24]
    if protocol != socket.IPPROTO_TCP or len(data) < start + 14:
        return None
    if data[start + 13] & (SYN | ACK) != SYN:
        return None
    return str(ipaddress.ip_address(source)), int.from_bytes(data[start + 2:start + 4], "big")


class Starters:
    def __init__(self):
        self.changed = threading.Condition()
        self.came = {}   # by port: {source: SYNs}
        self.heard = {}  # by port: texts of datagrams, in order

    def operations(self):
        return {name: getattr(self, name) for name in (
            "connect_from", "send_from", "watch_openings", "openings", "hear", "heard_so_far")}

    # ---- who starts ----

    @staticmethod
    def connect_from(sources, targets, port, timeout_ms):
        """Connect from each of these at once, to the target of its family ("4", "6").

        Returns [source, whether it got through, retransmissions] of each.
        """
        waiting, outcome = selectors.DefaultSelector(), {}
        for source in sources:
            sock = _from(source, socket.SOCK_STREAM)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
            sock.setblocking(False)
            sock.connect_ex((targets["6" if ":" in source else "4"], port))
            waiting.register(sock, selectors.EVENT_WRITE, source)
        deadline = time.monotonic() + timeout_ms / 1000
        while waiting.get_map() and (left := deadline - time.monotonic()) > 0:
            for key, _ in waiting.select(left):
                failed = key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                outcome[key.data] = (not failed, _retransmits(key.fileobj))
                waiting.unregister(key.fileobj)
                key.fileobj.close()
        for key in list(waiting.get_map().values()):
            outcome[key.data] = (False, _retransmits(key.fileobj))
            key.fileobj.close()
        return [[source, *outcome[source]] for source in sources]

    @staticmethod
    def send_from(sources, target, port, count=1, every_ms=0):
        """From each of these so many datagrams, numbered through, of one flow each."""
        number = 0
        socks = [_from(source, socket.SOCK_DGRAM) for source in sources]
        for _ in range(count):
            for sock in socks:
                sock.sendto(b"%d" % number, (target, port))
                number += 1
            time.sleep(every_ms / 1000)
        for sock in socks:
            sock.close()

    # ---- whom they reach ----

    def watch_openings(self, port):
        """From now on count the SYNs that come to a port, before anybody answers."""
        self.came[port] = collections.Counter()
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)

        def watch():
            while True:
                data, address = sock.recvfrom(65536)
                if address[2] == PACKET_OUTGOING or not data:
                    continue
                if (opening := _opening(data)) and opening[1] == port:
                    with self.changed:
                        self.came[port][opening[0]] += 1
                        self.changed.notify_all()
        threading.Thread(target=watch, daemon=True).start()

    def openings(self, port, count=0, timeout_ms=0):
        """{source: how often}; waits until there are so many sources."""
        with self.changed:
            self.changed.wait_for(lambda: len(self.came[port]) >= count, timeout_ms / 1000)
            return dict(self.came[port])

    def hear(self, port):
        """Take what comes to a UDP port, of both families."""
        self.heard[port] = []
        sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind(("::", port))

        def read():
            while True:
                data, _ = sock.recvfrom(65536)
                with self.changed:
                    self.heard[port].append(data.decode())
                    self.changed.notify_all()
        threading.Thread(target=read, daemon=True).start()

    def heard_so_far(self, port, count, timeout_ms):
        """The texts, in order; waits until there are so many, and forgets them."""
        with self.changed:
            self.changed.wait_for(lambda: len(self.heard[port]) >= count, timeout_ms / 1000)
            texts, self.heard[port] = self.heard[port], []
        return texts
