# SPDX-License-Identifier: GPL-2.0-or-later
"""New connections at a steady pace, each by itself, and what became of them.

A knock is a TCP connection that is opened, or a UDP flow with one question. The
next one begins when it is due, however long others wait, unless very many do. Who
was held up does not catch up. Whoever is knocked at does nothing but answer.
"""

import selectors
import socket
import struct
import threading
import time

import volley

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: leave nothing behind
MOST_WAITING = 400  # so that a queue has room for them all while its worker waits for a CPU


class _Knocking:
    """@targets: [protocol, address, port] in turn; @patience: seconds, after which one is
    given up"""

    def __init__(self, targets, every_us, patience):
        self.targets = targets
        self.every = every_us / 1000000
        self.stopping = False
        self.patience = patience
        self.waiting = []  # in the order in which they began
        self.report = {"begun": 0, "answered": 0, "silent": 0, "wrong": {}, "slowest_ms": 0.0}
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def stop(self, patience):
        self.patience = patience
        self.stopping = True
        self.thread.join()
        return self.report

    def _run(self):
        next_at = time.monotonic()
        with selectors.DefaultSelector() as selector:
            while not self.stopping or self.waiting:
                now = time.monotonic()
                if self.stopping:
                    left = self.patience / 10
                elif len(selector.get_map()) >= MOST_WAITING:
                    left = self.every
                elif now >= next_at:
                    self._begin(selector)
                    next_at = max(next_at + self.every, now)
                    left = 0
                else:
                    left = next_at - now
                self._hear(selector, left)
                self._give_up(selector, now)

    def _hear(self, selector, left):
        """Also when more are due than can begin: an answer that has come is not silence."""
        for key, _ in selector.select(max(0, left)):
            if key.data.go_on():
                self._end(selector, key.data)

    def _begin(self, selector):
        protocol, address, port = self.targets[self.report["begun"] % len(self.targets)]
        one = volley.Try(protocol, address, port, True, 0)
        self.report["begun"] += 1
        one.begin()
        selector.register(one.sock, one.events(), one)
        self.waiting.append(one)

    def _end(self, selector, one):
        if one.outcome == volley.ANSWERED:
            self.report["answered"] += 1
            took = one.ended - one.began
            self.report["slowest_ms"] = max(self.report["slowest_ms"], took * 1000)
        else:
            words = self.report["wrong"]
            words[one.outcome] = words.get(one.outcome, 0) + 1
        self._close(selector, one)

    def _give_up(self, selector, now):
        while self.waiting and self.waiting[0].outcome:
            self.waiting.pop(0)
        while self.waiting and now - self.waiting[0].began > self.patience:
            one = self.waiting.pop(0)
            if not one.outcome:
                self.report["silent"] += 1
                self._close(selector, one)

    @staticmethod
    def _close(selector, one):
        selector.unregister(one.sock)
        if one.protocol == "tcp":
            one.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        one.sock.close()


class Knocks:
    def __init__(self):
        self.knocking = {}

    def operations(self):
        return {"knock_listen": self.listen, "knock": self.knock, "knock_stop": self.stop,
                "knock_count": self.count}

    @staticmethod
    def listen(port):
        """TCP and UDP, both families."""
        for family, any_address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
            for kind, serve in ((socket.SOCK_STREAM, _accept), (socket.SOCK_DGRAM, _echo)):
                sock = socket.socket(family, kind)
                if family == socket.AF_INET6:
                    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                sock.bind((any_address, port))
                if kind == socket.SOCK_STREAM:
                    sock.listen(4096)
                threading.Thread(target=serve, args=(sock,), daemon=True).start()

    def knock(self, name, targets, every_us=1000, patience_ms=2000):
        self.knocking[name] = _Knocking(targets, every_us, patience_ms / 1000)

    def count(self, name):
        """How many have begun."""
        return self.knocking[name].report["begun"]

    def stop(self, name, patience_ms=2000):
        """Begin no more; returns what became of them all."""
        return self.knocking.pop(name).stop(patience_ms / 1000)


def _accept(listener):
    while True:
        sock, _ = listener.accept()
        sock.close()


def _echo(sock):
    while True:
        data, peer = sock.recvfrom(65536)
        try:
            sock.sendto(data, peer)
        except OSError:
            pass  # an ICMP error about an earlier answer
