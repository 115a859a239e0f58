# SPDX-License-Identifier: GPL-2.0-or-later
"""Much data at once: whole files over TCP, and datagrams that one packet carries.

The stack hands large packets to the wire and leaves it to the hardware to cut
them (GSO); where the wire is a veth, nobody cuts them until they arrive.
"""

import hashlib
import os
import socket
import threading
import time

import packet

CHUNK = 1 << 16
SOL_UDP, UDP_SEGMENT = 17, 103  # linux/udp.h


class Bulk:
    def operations(self):
        return {name: getattr(self, name) for name in (
            "bulk_listen", "bulk_send", "segments_listen", "segments_send", "segments_wait")}

    def __init__(self):
        self.segments = []  # what came, in order
        self.changed = threading.Condition()

    # ---- TCP ----

    def bulk_listen(self, port):
        """A server that takes what comes until its end, and answers with its digest."""
        for sock in _sockets(socket.SOCK_STREAM, port):
            sock.listen()
            threading.Thread(target=self._accept, args=(sock,), daemon=True).start()

    def _accept(self, listener):
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=self._digest, args=(sock,), daemon=True).start()

    @staticmethod
    def _digest(sock):
        digest = hashlib.sha256()
        with sock:
            while data := sock.recv(CHUNK):
                digest.update(data)
            sock.sendall(digest.digest())

    @staticmethod
    def bulk_send(address, port, size, timeout_ms, rate=0):
        """Send so many bytes, at most @rate a second (0: as fast as it goes).

        Returns "whole", "damaged", or what went wrong.
        """
        digest, data = hashlib.sha256(), os.urandom(CHUNK)
        deadline = time.monotonic() + timeout_ms / 1000
        started = time.monotonic()
        try:
            with socket.create_connection((address, port), timeout_ms / 1000) as sock:
                for sent in range(0, size, CHUNK):
                    digest.update(data)
                    sock.settimeout(max(deadline - time.monotonic(), 0.001))
                    sock.sendall(data)
                    if rate:
                        time.sleep(max(0, started + sent / rate - time.monotonic()))
                sock.shutdown(socket.SHUT_WR)
                sock.settimeout(max(deadline - time.monotonic(), 0.001))
                answer = sock.recv(64)
        except OSError as error:
            return packet.error_word(error.errno) if error.errno else "stuck"
        return "whole" if answer == digest.digest() else "damaged"

    # ---- UDP ----

    def segments_listen(self, port):
        for sock in _sockets(socket.SOCK_DGRAM, port):
            threading.Thread(target=self._collect, args=(sock,), daemon=True).start()

    def _collect(self, sock):
        while True:
            data = sock.recv(CHUNK).decode()
            with self.changed:
                self.segments.append(data)
                self.changed.notify_all()

    @staticmethod
    def segments_send(address, port, segments):
        """Datagrams of one size, in a single packet until somebody cuts it."""
        with socket.socket(packet.family_of(address), socket.SOCK_DGRAM) as sock:
            sock.setsockopt(SOL_UDP, UDP_SEGMENT, len(segments[0]))
            sock.connect((address, port))
            sock.send("".join(segments).encode())

    def segments_wait(self, count, timeout_ms):
        """Those that came since the last call; waits until there are so many."""
        with self.changed:
            self.changed.wait_for(lambda: len(self.segments) >= count, timeout_ms / 1000)
            came, self.segments = self.segments, []
            return came


def _sockets(kind, port):
    """One for each family."""
    for family, any_address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        sock = socket.socket(family, kind)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((any_address, port))
        yield sock
