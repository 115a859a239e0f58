# SPDX-License-Identifier: GPL-2.0-or-later
"""A capture of what a node forwards, as `tcpdump -w` makes one.

Each packet is taken where it leaves the node, once: towards a pod, or outside.
"""

import re
import socket
import struct
import threading
import time

import web

ETH_P_ALL, ETH_P_IP, ETH_P_IPV6 = 3, 0x0800, 0x86DD
PACKET_OUTGOING = 4
SO_RCVBUFFORCE = 33  # asm-generic/socket.h
ROOM = 1 << 24
LINK_RAW = 101
MAGIC_NS = 0xA1B23C4D  # times in nanoseconds
WIRES = re.compile(r"veth-|up0$")


class Recorder(web.Web):
    """Use it in a with statement; afterwards write() gives what was seen meanwhile."""

    def __init__(self, node):
        super().__init__(node, 0)
        self.frames = []
        self.ending = threading.Event()

    def __enter__(self):
        super().__enter__()
        self.sock = self.pool.submit(self._open).result(web.PATIENCE)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.reader.join()
        self.sock.close()
        super().__exit__()

    @staticmethod
    def _open():
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, ROOM)
        sock.settimeout(0.05)
        return sock

    def _read(self):
        """Until nothing waits, once the end is asked for."""
        while True:
            try:
                data, (wire, protocol, kind, *_) = self.sock.recvfrom(65536)
            except TimeoutError:
                if self.ending.is_set():
                    return
                continue
            if (kind == PACKET_OUTGOING and protocol in (ETH_P_IP, ETH_P_IPV6)
                    and WIRES.match(wire)):
                self.frames.append((time.time_ns(), data))

    def write(self, path):
        out = [struct.pack("<IHHiIII", MAGIC_NS, 2, 4, 0, 0, 65535, LINK_RAW)]
        for at, data in self.frames:
            out += [struct.pack("<IIII", at // 10**9, at % 10**9, len(data), len(data)), data]
        path.write_bytes(b"".join(out))
