# SPDX-License-Identifier: GPL-2.0-or-later
"""Flows in which both ends talk all the time and neither waits for the other.

An echo falls silent as soon as one direction is cut. Here each end sends a
line every few milliseconds whatever it hears, so that a direction that was
forgotten shows: "up NAME" goes to the server and "down NAME" to the client.
"""

import socket
import threading
import time

import packet

EVERY = 0.02  # seconds between two lines

HOP_LIMIT = {socket.AF_INET: (socket.IPPROTO_IP, socket.IP_TTL),
             socket.AF_INET6: (socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS)}


class Dialogue:
    def __init__(self):
        self.changed = threading.Condition()
        self.heard = {}                      # name: lines heard of it
        self.socks = {"tcp": [], "udp": []}  # through which lines are sent

    def operations(self):
        return {name: getattr(self, name) for name in (
            "dialogue_listen", "dialogue", "dialogue_wait", "dialogue_hop_limit")}

    def dialogue_listen(self, protocol, port):
        for family in (socket.AF_INET, socket.AF_INET6):
            sock = self._socket(protocol, family)
            self._bind(sock, port)
            if protocol == "tcp":
                sock.listen(16)
            self._begin(self._serve_tcp if protocol == "tcp" else self._serve_udp, sock)

    def dialogue(self, name, protocol, address, port, silent=False, source_port=0):
        """Begin one; dialogue_wait() says whether it goes.

        @silent  this end says one line, so that the other answers, and no more
        """
        sock = self._socket(protocol, packet.family_of(address))
        if source_port:
            self._bind(sock, source_port)
        sock.settimeout(5)
        sock.connect((address, port))
        sock.settimeout(None)
        self.socks[protocol].append(sock)
        self._begin(self._hear, sock)
        line = f"up {name}\n".encode()
        if silent:
            sock.send(line)
        else:
            self._begin(self._talk, lambda: sock.send(line))

    def dialogue_wait(self, name, count, timeout_ms=5000):
        """Wait to hear so many more lines; returns how many came."""
        with self.changed:
            before = self.heard.get(name, 0)
            self.changed.wait_for(lambda: self.heard.get(name, 0) >= before + count,
                                  timeout_ms / 1000)
            return self.heard.get(name, 0) - before

    def dialogue_hop_limit(self, protocol, limit):
        """For all that this end sends from now on."""
        for sock in self.socks[protocol]:
            sock.setsockopt(*HOP_LIMIT[sock.family], limit)

    @staticmethod
    def _begin(function, *arguments):
        threading.Thread(target=function, args=arguments, daemon=True).start()

    @staticmethod
    def _socket(protocol, family):
        kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
        sock = socket.socket(family, kind)
        if protocol == "tcp":
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    @staticmethod
    def _bind(sock, port):
        if sock.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(("", port))

    @staticmethod
    def _talk(send):
        while True:
            try:
                send()
            except OSError:
                pass  # an ICMP error about an earlier line
            time.sleep(EVERY)

    def _note(self, data):
        """Count the lines of a packet, which are all of one flow; returns its name."""
        first, *rest = data.split(b"\n")
        name = first.decode().split(" ", 1)[-1]
        with self.changed:
            self.heard[name] = self.heard.get(name, 0) + max(len(rest), 1)
            self.changed.notify_all()
        return name

    def _hear(self, sock):
        while True:
            try:
                if not (data := sock.recv(65536)):
                    return
            except OSError:
                continue
            self._note(data)

    def _serve_tcp(self, listener):
        while True:
            sock, _ = listener.accept()
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.socks["tcp"].append(sock)
            self._begin(self._answer_tcp, sock)

    def _answer_tcp(self, sock):
        name = self._note(sock.recv(65536))
        self._begin(self._talk, lambda: sock.send(f"down {name}\n".encode()))
        self._hear(sock)

    def _serve_udp(self, sock):
        self.socks["udp"].append(sock)
        peers = set()
        while True:
            try:
                data, peer = sock.recvfrom(65536)
            except OSError:
                continue
            name = self._note(data)
            if peer not in peers:
                peers.add(peer)
                self._begin(self._talk, lambda line=f"down {name}\n".encode(), to=peer:
                            sock.sendto(line, to))
