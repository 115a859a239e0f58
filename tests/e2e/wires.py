# SPDX-License-Identifier: GPL-2.0-or-later
"""Ends of wires where nobody lives: what an agent sends and gets there is bytes, and
no stack answers to them.

On a node the other way to get packets is by what its own stack is given, behind all
rules: raw sockets.
"""

import socket
import threading

ETH_P_ALL = 3
PACKET_OUTGOING = 4
ETHERNET_LEN = 14
LOCAL = "local"  # what the stack of a node is given
PROTOCOLS = (socket.IPPROTO_TCP, socket.IPPROTO_UDP, socket.IPPROTO_ICMP)


def plain(packet):
    """An IP packet without what routers, and a sender's kernel, may change."""
    packet = bytearray(packet)
    if packet[0] >> 4 == 6:
        packet[7] = 0  # hop limit
        return bytes(packet[:40 + int.from_bytes(packet[4:6], "big")])
    packet[8] = 0  # TTL
    packet[10:12] = bytes(2)
    if not int.from_bytes(packet[6:8], "big") & 0x3FFF:
        packet[4:6] = bytes(2)  # what is no fragment needs no identity
    return bytes(packet[:int.from_bytes(packet[2:4], "big")])


class Wires:
    def __init__(self):
        self.changed = threading.Condition()
        self.seen = {}   # wire: packets that came
        self.sockets = {}

    def operations(self):
        return {name: getattr(self, name)
                for name in ("wire_listen", "wire_send", "wire_wait", "local_listen")}

    def wire_listen(self, names):
        for name in names:
            sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            sock.bind((name, ETH_P_ALL))
            self.sockets[name] = sock
            self._begin(name, sock, ETHERNET_LEN)

    def local_listen(self):
        for protocol in PROTOCOLS:
            self._begin(LOCAL, socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol), 0)

    def wire_send(self, name, frame):
        self.sockets[name].send(bytes.fromhex(frame))

    def wire_wait(self, name, packet, patience_ms):
        """Whether the packet comes; one that has come is not counted again."""
        wanted = plain(bytes.fromhex(packet))
        with self.changed:
            came = self.changed.wait_for(lambda: wanted in self.seen[name], patience_ms / 1000)
            if came:
                self.seen[name].remove(wanted)
            return came

    def _begin(self, name, sock, skip):
        self.seen.setdefault(name, [])
        threading.Thread(target=self._read, args=(name, sock, skip), daemon=True).start()

    def _read(self, name, sock, skip):
        while True:
            data, address = sock.recvfrom(65536)
            is_outgoing = skip and address[2] == PACKET_OUTGOING
            if is_outgoing or len(data) < skip + 20 or data[skip] >> 4 not in (4, 6):
                continue
            with self.changed:
                self.seen[name].append(plain(data[skip:]))
                self.changed.notify_all()
