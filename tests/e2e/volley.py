# SPDX-License-Identifier: GPL-2.0-or-later
"""Many connections tried at once, in one thread.

Silence can only be waited for. So all are begun together, and once those are
answered that should be, the others have a short while left: what is answered
wrongly is answered as fast as all the rest.
"""

import dataclasses
import random
import selectors
import socket
import time

import packet

ANSWERED = "answered"


@dataclasses.dataclass
class Try:
    """One connection, or one question."""
    protocol: str
    address: str
    port: int
    expected: bool  # to be answered
    number: int     # of its own: an echo's, or a source port
    outcome: str = ""
    began: float = 0.0  # before its first packet
    ended: float = 0.0  # it was answered, or is given up

    def __post_init__(self):
        self.family = packet.family_of(self.address)

    def begin(self):
        begin = {"tcp": self._begin_tcp, "udp": self._begin_udp,
                 "icmp": self._begin_icmp, "sctp": self._begin_sctp}
        self.began = time.monotonic()
        self.sock = begin[self.protocol]()
        self.sock.setblocking(False)

    def _begin_tcp(self):
        sock = socket.socket(self.family, socket.SOCK_STREAM)
        sock.setblocking(False)
        sock.connect_ex((self.address, self.port))
        return sock

    def _begin_udp(self):
        sock = socket.socket(self.family, socket.SOCK_DGRAM)
        sock.connect((self.address, self.port))
        sock.send(b"?\n")
        return sock

    def _begin_icmp(self):
        protocol = packet.icmp_protocol(self.family)
        sock = socket.socket(self.family, socket.SOCK_RAW, protocol)
        sock.sendto(packet.icmp_echo(self.family, self.number, 1), (self.address, 0))
        return sock

    def _begin_sctp(self):
        sock = socket.socket(self.family, socket.SOCK_RAW, socket.IPPROTO_SCTP)
        init = packet.sctp(self.number, self.port, 0, packet.SCTP_INIT, self.number)
        sock.sendto(init, (self.address, 0))
        return sock

    def events(self):
        return selectors.EVENT_WRITE if self.protocol == "tcp" else selectors.EVENT_READ

    def go_on(self):
        """The socket is ready for something: returns whether it is over."""
        try:
            if self.protocol == "tcp":
                error = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                self.outcome = packet.error_word(error) if error else ANSWERED
            elif self._is_answer(self.sock.recv(65536)):
                self.outcome = ANSWERED
        except OSError as error:
            self.outcome = packet.error_word(error.errno)
        if self.outcome:
            self.ended = time.monotonic()
        return bool(self.outcome)

    def _is_answer(self, data):
        if self.protocol == "icmp":
            return packet.echo_reply(self.family, data) == (self.number, 1)
        if self.protocol == "sctp":
            answer = packet.sctp_parse(packet.raw_payload(self.family, data))
            return bool(answer) and answer[1:3] == (self.number, packet.SCTP_INIT_ACK)
        return True


class Volley:
    def operations(self):
        return {"volley": self.volley, "volley_timed": self.volley_timed}

    def volley(self, tries, patience_ms=5000, quiet_ms=250):
        """@tries: [protocol, address, port, expected to be answered]; for each
        ANSWERED, another word, or "" for silence."""
        return [outcome for outcome, *_ in self.volley_timed(tries, patience_ms, quiet_ms)]

    def volley_timed(self, tries, patience_ms=5000, quiet_ms=250):
        """For each [outcome, when it began, when it ended], CLOCK_MONOTONIC."""
        numbers = random.sample(range(32768, 61000), len(tries))
        tries = [Try(*each, number) for each, number in zip(tries, numbers)]
        with selectors.DefaultSelector() as selector:
            for one in tries:
                one.begin()
                selector.register(one.sock, one.events(), one)
            self._await(selector, tries, time.monotonic() + patience_ms / 1000, quiet_ms / 1000)
        for one in tries:
            one.sock.close()
        now = time.monotonic()
        return [[one.outcome, one.began, one.ended or now] for one in tries]

    @staticmethod
    def _await(selector, tries, deadline, quiet):
        due = sum(one.expected for one in tries)
        if not due:
            deadline = time.monotonic() + quiet
        while selector.get_map() and (left := deadline - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                one = key.data
                if one.go_on():
                    selector.unregister(one.sock)
                    due -= one.expected
                    if one.expected and not due:
                        deadline = time.monotonic() + quiet
