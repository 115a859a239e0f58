# SPDX-License-Identifier: GPL-2.0-or-later
"""What an agent can do with connections: serve, try, keep open, stream.

Servers echo what they get; to the question b"?" they answer with the address
and port they see as the client's, and with their own name, which is how a test
sees address translation. All times are CLOCK_MONOTONIC, one clock for all namespaces.
"""

import os
import random
import socket
import sys
import threading
import time

import packet

PROTOCOLS = ("tcp", "udp", "sctp", "icmp")
NO_ANSWER = "no answer"
REFUSED = packet.REFUSED
IP_PKTINFO = 8  # of linux/in.h; Python 3.11 does not name it


def _receive_until(sock, deadline, found):
    """Read packets until found(data, sender) gives something; else None."""
    while (left := deadline - time.monotonic()) > 0:
        sock.settimeout(left)
        try:
            data, sender = sock.recvfrom(65536)
        except TimeoutError:
            break
        if (result := found(data, sender)) is not None:
            return result
    return None


def _who_is_who(peer):
    """The client, as it is seen here, and who sees it."""
    return f"{peer[0]} {peer[1]} {sys.argv[1]}\n".encode()


def _any_interface(item):
    """A received PKTINFO as one to send with: the address, not the interface."""
    level, kind, data = item
    if level == socket.IPPROTO_IP:
        return level, kind, b"\0\0\0\0" + data[4:]
    return level, kind, data[:16] + b"\0\0\0\0"


class Flow:
    """An open TCP or UDP connection, spoken over in lines."""

    def __init__(self, protocol, address, port, timeout_ms, source=""):
        family = packet.family_of(address)
        kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
        self.protocol = protocol
        self.sock = socket.socket(family, kind)
        self.sock.settimeout(timeout_ms / 1000)
        if protocol == "tcp":
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            if source:
                self.sock.bind((source, 0))
            self.sock.connect((address, port))
        except OSError:
            self.sock.close()
            raise
        self.pending = b""

    def send(self, line):
        self.sock.sendall(line + b"\n")

    def receive(self):
        """One line; raises TimeoutError when none comes in time."""
        while b"\n" not in self.pending:
            data = self.sock.recv(65536)
            if not data:
                raise ConnectionResetError("closed by the other end")
            self.pending += data
        line, self.pending = self.pending.split(b"\n", 1)
        return line

    def close(self):
        """Whoever waits for a line in another thread is told, too."""
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it is no longer connected
        self.sock.close()


class Association:
    """An SCTP association that never gets further than its first two packets.

    A line is a number, which goes out as the INIT's tag, and comes back as the
    one that the answer is for.
    """

    def __init__(self, address, port):
        self.family = packet.family_of(address)
        self.address, self.port = address, port
        self.source_port = random.randrange(32768, 61000)
        self.sock = socket.socket(self.family, socket.SOCK_RAW, socket.IPPROTO_SCTP)

    def send(self, line):
        init = packet.sctp(self.source_port, self.port, 0, packet.SCTP_INIT, 1 + int(line))
        self.sock.sendto(init, (self.address, 0))

    def receive(self):
        while True:
            data = packet.raw_payload(self.family, self.sock.recv(65536))
            answer = packet.sctp_parse(data)
            if answer and answer[1:3] == (self.source_port, packet.SCTP_INIT_ACK):
                return b"%d" % (packet.sctp_tag(data) - 1)

    def close(self):
        self.sock.close()


class Stream:
    """Numbered messages at a steady pace over one flow, and their echoes."""

    def __init__(self, flow, every_ms):
        self.flow = flow
        self.every = every_ms / 1000
        self.changed = threading.Condition()
        self.sent = []      # when message i was sent
        self.answered = {}  # i: when its echo came
        self.stopping = False
        self.ended = False  # reset by the other end, or told of an error
        flow.sock.settimeout(None)
        self.sender = threading.Thread(target=self._send, daemon=True)
        self.sender.start()
        threading.Thread(target=self._receive, daemon=True).start()

    def _send(self):
        next_at = time.monotonic()
        while not self.stopping:
            with self.changed:
                self.sent.append(time.monotonic())
                number = len(self.sent) - 1
            try:
                self.flow.send(b"%d" % number)
            except OSError:
                return
            next_at = max(next_at + self.every, time.monotonic())
            time.sleep(max(0, next_at - time.monotonic()))

    def _receive(self):
        while True:
            try:
                number = int(self.flow.receive())
            except OSError:
                with self.changed:
                    self.ended = True
                    self.changed.notify_all()
                return
            with self.changed:
                self.answered[number] = time.monotonic()
                self.changed.notify_all()

    def wait(self, count, timeout_ms, since):
        """Wait for the echoes of count messages that were sent after since."""
        def enough():
            return len(self._after(since)) >= count
        with self.changed:
            self.changed.wait_for(enough, timeout_ms / 1000)
            return len(self._after(since))

    def wait_ended(self, timeout_ms):
        with self.changed:
            self.changed.wait_for(lambda: self.ended, timeout_ms / 1000)
            return self.ended

    def _after(self, since):
        return [n for n in self.answered if self.sent[n] > since]

    def report(self, since=0.0, settled=0.0):
        """@settled  "lost" counts what was sent before and not answered"""
        with self.changed:
            due = sum(at < settled for at in self.sent)
            heard = sum(self.sent[n] < settled for n in self.answered)
            times = sorted(self.answered.values())
            gaps = [b - a for a, b in zip(times, times[1:])]
            return {
                "sent": len(self.sent),
                "answered": len(self.answered),
                "answered_since": len(self._after(since)),
                "lost": due - heard,
                "first_sent": self.sent[0] if self.sent else 0.0,
                "last_answer": times[-1] if times else 0.0,
                "longest_gap_ms": max(gaps, default=0) * 1000,
            }

    def stop(self, patience_ms, since, settled):
        """End, and wait for the last echoes for as long as any can come."""
        self.stopping = True
        self.sender.join(1)
        with self.changed:
            self.changed.wait_for(lambda: len(self.answered) == len(self.sent),
                                  patience_ms / 1000)
        report = self.report(since, settled)
        self.flow.close()
        return report


class Traffic:
    def __init__(self):
        self.flows = {}
        self.streams = {}
        self.sctp_ports = set()

    def operations(self):
        return {name: getattr(self, name) for name in (
            "listen", "try_once", "open", "ask", "close", "stream", "stream_wait", "stream_ended",
            "stream_report", "stream_stop", "send_many")}

    # ---- servers ----

    def listen(self, protocol, port):
        for family, any_address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
            if protocol == "sctp":
                self._listen_sctp(family, port)
                continue
            kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
            sock = socket.socket(family, kind)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind((any_address, port))
            if protocol == "tcp":
                sock.listen(512)
            serve = self._serve_tcp if protocol == "tcp" else self._serve_udp
            threading.Thread(target=serve, args=(sock,), daemon=True).start()

    def _serve_tcp(self, listener):
        while True:
            sock, peer = listener.accept()
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._echo_tcp, args=(sock, peer), daemon=True).start()

    def _echo_tcp(self, sock, peer):
        seen = _who_is_who(peer)
        try:
            while data := sock.recv(65536):
                sock.sendall(seen if data == b"?\n" else data)
        except OSError:
            pass
        sock.close()

    def _serve_udp(self, sock):
        """Answers come from the address that was asked: the node has several."""
        level, option = (socket.IPPROTO_IP, IP_PKTINFO) if sock.family == socket.AF_INET \
            else (socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO)
        sock.setsockopt(level, option, 1)
        while True:
            data, control, _, peer = sock.recvmsg(65536, 256)
            seen = _who_is_who(peer)
            try:
                sock.sendmsg([seen if data == b"?\n" else data],
                             [_any_interface(item) for item in control], 0, peer)
            except OSError:
                pass  # an ICMP error about an earlier answer

    def _listen_sctp(self, family, port):
        if (family, 0) not in self.sctp_ports:
            sock = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_SCTP)
            threading.Thread(target=self._serve_sctp, args=(family, sock), daemon=True).start()
        self.sctp_ports |= {(family, 0), (family, port)}

    def _serve_sctp(self, family, sock):
        while True:
            data, peer = sock.recvfrom(65536)
            init = packet.sctp_parse(packet.raw_payload(family, data))
            if not init or init[2] != packet.SCTP_INIT or (family, init[1]) not in self.sctp_ports:
                continue
            client_port, port, _, tag = init
            answer = packet.sctp(port, client_port, tag, packet.SCTP_INIT_ACK, 77)
            sock.sendto(answer, (peer[0], 0))

    # ---- one try ----

    def try_once(self, protocol, address, port=0, timeout_ms=500, count=1,
                 source=""):
        """Connect or ask once (an echo: count times), and say how it went."""
        started = time.monotonic()
        result = {"ok": False, "error": "", "seen_as": "", "by": ""}
        try:
            if protocol == "icmp":
                self._try_icmp(address, timeout_ms, count)
            elif protocol == "sctp":
                self._try_sctp(address, port, timeout_ms)
            else:
                result["seen_as"], _, result["by"] = self._try_flow(
                    protocol, address, port, timeout_ms, source)
            result["ok"] = True
        except TimeoutError:
            result["error"] = NO_ANSWER
        except OSError as error:
            result["error"] = packet.error_word(error.errno) if error.errno else str(error)
        result["ms"] = (time.monotonic() - started) * 1000
        return result

    def _try_flow(self, protocol, address, port, timeout_ms, source):
        flow = Flow(protocol, address, port, timeout_ms, source)
        try:
            flow.send(b"?")
            return flow.receive().decode().split()
        finally:
            flow.close()

    def _try_icmp(self, address, timeout_ms, count):
        family = packet.family_of(address)
        identifier = random.randrange(1, 65536)
        with socket.socket(family, socket.SOCK_RAW, packet.icmp_protocol(family)) as sock:
            for sequence in range(count):
                def found(data, _sender, wanted=(identifier, sequence)):
                    return True if packet.echo_reply(family, data) == wanted else None
                sock.sendto(packet.icmp_echo(family, identifier, sequence), (address, 0))
                if not _receive_until(sock, time.monotonic() + timeout_ms / 1000, found):
                    raise TimeoutError

    def _try_sctp(self, address, port, timeout_ms):
        family = packet.family_of(address)
        source_port = random.randrange(32768, 61000)
        with socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_SCTP) as sock:
            def found(data, _sender):
                answer = packet.sctp_parse(packet.raw_payload(family, data))
                return answer if answer and answer[1:3] == (source_port, packet.SCTP_INIT_ACK) \
                    else None
            init = packet.sctp(source_port, port, 0, packet.SCTP_INIT, random.randrange(1, 2**32))
            sock.sendto(init, (address, 0))
            if not _receive_until(sock, time.monotonic() + timeout_ms / 1000, found):
                raise TimeoutError

    # ---- connections that stay ----

    def open(self, name, protocol, address, port, timeout_ms=3000):
        flow = Flow(protocol, address, port, timeout_ms)
        flow.send(b"?")
        flow.receive()
        self.flows[name] = flow

    def ask(self, name, count=1, timeout_ms=3000):
        """Send messages one after the other; returns how many were echoed."""
        flow = self.flows[name]
        flow.sock.settimeout(timeout_ms / 1000)
        for number in range(count):
            try:
                flow.send(b"%d" % number)
                flow.receive()
            except TimeoutError:
                return number
        return count

    def close(self, name):
        self.flows.pop(name).close()

    def stream(self, name, protocol, address, port, every_ms=5, timeout_ms=3000):
        flow = Association(address, port) if protocol == "sctp" \
            else Flow(protocol, address, port, timeout_ms)
        self.streams[name] = Stream(flow, every_ms)

    def stream_wait(self, name, count, timeout_ms=3000, since=0.0):
        return self.streams[name].wait(count, timeout_ms, since)

    def stream_ended(self, name, timeout_ms=3000):
        """Whether it comes to an end by itself."""
        return self.streams[name].wait_ended(timeout_ms)

    def stream_report(self, name, since=0.0):
        return self.streams[name].report(since)

    def stream_stop(self, name, patience_ms=2000, since=0.0, settled=0.0):
        return self.streams.pop(name).stop(patience_ms, since, settled)

    @staticmethod
    def send_many(address, port, count, cpu=None):
        """Datagrams of one flow, as fast as they can be sent; no answer is waited for.
        @cpu  where"""
        if cpu is not None:
            os.sched_setaffinity(0, [cpu])  # of this thread, which ends
        with socket.socket(packet.family_of(address), socket.SOCK_DGRAM) as sock:
            for _ in range(count):
                sock.sendto(b"!", (address, port))
