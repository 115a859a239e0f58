# SPDX-License-Identifier: GPL-2.0-or-later
"""Threads that keep opening connections, and remember which ones were answered.

Each try has a source port of its own and so little time that nothing is sent
twice: what is answered was let in between its begin and its end.
"""

import random
import select
import socket
import struct
import threading
import time

import packet

GONE = struct.pack("ii", 1, 0)  # SO_LINGER: reset at once, and leave no port taken


def _ask_tcp(address, port, timeout_ms):
    with socket.socket(packet.family_of(address), socket.SOCK_STREAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, GONE)
        sock.setblocking(False)
        sock.connect_ex((address, port))
        poll = select.poll()
        poll.register(sock, select.POLLOUT)
        return bool(poll.poll(timeout_ms)) and not sock.getsockopt(socket.SOL_SOCKET,
                                                                   socket.SO_ERROR)


def _ask_udp(address, port, timeout_ms):
    with socket.socket(packet.family_of(address), socket.SOCK_DGRAM) as sock:
        sock.connect((address, port))
        sock.send(b"?\n")
        poll = select.poll()
        poll.register(sock, select.POLLIN)
        return bool(poll.poll(timeout_ms))


ASK = {"tcp": _ask_tcp, "udp": _ask_udp}


class Insister:
    def __init__(self):
        self.threads = []
        self.ended = threading.Event()
        self.lock = threading.Lock()
        self.asked = 0
        self.answered = []  # [target, when it was begun, when it was answered]

    def operations(self):
        return {"insist": self.insist, "insist_end": self.insist_end}

    def insist(self, targets, n_threads=2, timeout_ms=20, every_ms=1):
        """@targets: [protocol, address, port]"""
        self.ended.clear()
        self.asked, self.answered = 0, []
        self.threads = [threading.Thread(target=self._knock, daemon=True,
                                         args=(targets, timeout_ms, every_ms))
                        for _ in range(n_threads)]
        for thread in self.threads:
            thread.start()

    def insist_end(self):
        """{"asked": number, "answered": [[target's number, begun, answered]]}, times by
        CLOCK_MONOTONIC"""
        self.ended.set()
        for thread in self.threads:
            thread.join()
        return {"asked": self.asked, "answered": self.answered}

    def _knock(self, targets, timeout_ms, every_ms):
        while not self.ended.wait(every_ms / 1000):
            number = random.randrange(len(targets))
            protocol, address, port = targets[number]
            began = time.monotonic()
            answered = ASK[protocol](address, port, timeout_ms)
            ended = time.monotonic()
            with self.lock:
                self.asked += 1
                if answered:
                    self.answered.append([number, began, ended])
