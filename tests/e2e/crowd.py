# SPDX-License-Identifier: GPL-2.0-or-later
"""Very many flows that stay open, served and spoken over by one thread each.

Every flow carries a numbered message at a steady pace and waits for its echo;
whatever is missing at the end was lost, by TCP or by UDP.
"""

import selectors
import socket
import threading
import time

import packet

WIDTH = 8  # bytes of a message
SO_RCVBUFFORCE = 33  # asm-generic/socket.h


class _Flow:
    def __init__(self, sock):
        self.sock = sock
        self.sent = 0
        self.answered = 0
        self.pending = b""

    def send(self, number):
        self.sent += 1
        try:
            self.sock.send(b"%0*d" % (WIDTH, number))
        except OSError:
            pass  # it is missing at the end

    def receive(self):
        try:
            self.pending += self.sock.recv(65536)
        except OSError:
            return
        whole = len(self.pending) // WIDTH
        self.answered += whole
        self.pending = self.pending[whole * WIDTH:]


class _Crowd:
    def __init__(self):
        self.flows = []
        self.selector = selectors.DefaultSelector()
        self.stopping = False
        self.thread = None

    def add(self, protocol, address, port):
        tcp = protocol == "tcp"
        sock = socket.socket(packet.family_of(address),
                             socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM)
        if tcp:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(5)
        sock.connect((address, port))
        sock.setblocking(False)
        self.flows.append(_Flow(sock))
        self.selector.register(sock, selectors.EVENT_READ, self.flows[-1])

    def hear(self, deadline, enough=lambda: False):
        while (left := deadline - time.monotonic()) > 0 and not enough():
            for key, _ in self.selector.select(left):
                key.data.receive()

    def talk(self, every):
        number = 0
        while not self.stopping:
            deadline = time.monotonic() + every
            for flow in self.flows:
                flow.send(number)
            number += 1
            self.hear(deadline)

    def missing(self):
        return sum(flow.sent - flow.answered for flow in self.flows)


class Crowd:
    def __init__(self):
        self.crowds = {}

    def operations(self):
        return {name: getattr(self, name) for name in (
            "crowd_listen", "crowd_open", "crowd_talk", "crowd_heard", "crowd_end")}

    # ---- the server ----

    def crowd_listen(self, port):
        selector = selectors.DefaultSelector()
        for family, any_address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                sock = socket.socket(family, kind)
                if family == socket.AF_INET6:
                    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                # All flows speak at once, and what finds no room here would be lost.
                sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 22)
                sock.bind((any_address, port))
                if kind == socket.SOCK_STREAM:
                    sock.listen(1024)
                sock.setblocking(False)
                selector.register(sock, selectors.EVENT_READ, self._accept
                                  if kind == socket.SOCK_STREAM else self._echo_datagram)
        threading.Thread(target=self._serve, args=(selector,), daemon=True).start()

    @staticmethod
    def _serve(selector):
        while True:
            for key, _ in selector.select():
                key.data(selector, key.fileobj)

    def _accept(self, selector, listener):
        sock, _ = listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(sock, selectors.EVENT_READ, self._echo)

    @staticmethod
    def _echo(selector, sock):
        try:
            data = sock.recv(65536)
        except OSError:
            data = b""
        if data:
            sock.sendall(data)
        else:
            selector.unregister(sock)
            sock.close()

    @staticmethod
    def _echo_datagram(_selector, sock):
        data, peer = sock.recvfrom(65536)
        sock.sendto(data, peer)

    # ---- the client ----

    def crowd_open(self, name, protocol, address, port, count):
        crowd = self.crowds.setdefault(name, _Crowd())
        for _ in range(count):
            crowd.add(protocol, address, port)

    def crowd_talk(self, name, every_ms):
        crowd = self.crowds[name]
        crowd.thread = threading.Thread(target=crowd.talk, args=(every_ms / 1000,), daemon=True)
        crowd.thread.start()

    def crowd_heard(self, name, count, timeout_ms=10000):
        """Waits until every flow has got so many echoes more; how many have not."""
        flows = self.crowds[name].flows
        goals = [flow.answered + count for flow in flows]
        deadline = time.monotonic() + timeout_ms / 1000

        def behind():
            return sum(flow.answered < goal for flow, goal in zip(flows, goals))
        while behind() and time.monotonic() < deadline:
            time.sleep(0.02)
        return behind()

    def crowd_end(self, name, patience_ms=5000):
        """Messages sent, and how many of them had no echo."""
        crowd = self.crowds.pop(name)
        crowd.stopping = True
        crowd.thread.join()
        crowd.hear(time.monotonic() + patience_ms / 1000, lambda: crowd.missing() == 0)
        return [sum(flow.sent for flow in crowd.flows), crowd.missing()]
