# SPDX-License-Identifier: GPL-2.0-or-later
"""A namespace's connection tracking, filled up to its limit and emptied again.

The limit is one number for all of the machine, which is left alone; what counts
against it is counted for each namespace. The entries are those of connections that
never were, assured, so that the kernel does not give up one of them to make room,
and with a foreign mark by which they are found again. They go away with the
namespace, whatever becomes of the test.

Messages are written by hand: a quarter of a million are too many for a program
that is run for each (see linux/netfilter/nfnetlink_conntrack.h).
"""

import pathlib
import socket
import struct
import threading

NETLINK_NETFILTER = 12
NEW, DELETE = 1 << 8 | 0, 1 << 8 | 2  # of conntrack
REQUEST, ACKNOWLEDGE, CREATE = 1, 4, 0x400
NESTED = 0x8000
TUPLE_ORIG, TUPLE_REPLY, STATUS, PROTOINFO, TIMEOUT, MARK, MARK_MASK = 1, 2, 3, 4, 7, 8, 21
TUPLE_IP, TUPLE_PROTO = 1, 2
SEEN_REPLY, ASSURED, CONFIRMED = 2, 4, 8
ESTABLISHED = 3
FILLER = 0x00800000  # a mark without a bit of netpold's
LIFE_S = 600
PER_SEND = 512       # messages
KEEP_S = 0.002
LIMIT = pathlib.Path("/proc/sys/net/netfilter/nf_conntrack_max")
COUNT = pathlib.Path("/proc/sys/net/netfilter/nf_conntrack_count")


def _attribute(kind, data):
    return struct.pack("=HH", 4 + len(data), kind) + data + b"\0" * (-len(data) % 4)


def _nest(kind, *attributes):
    return _attribute(kind | NESTED, b"".join(attributes))


def _tuple(kind, source, target, source_port, port):
    return _nest(kind,
                 _nest(TUPLE_IP, _attribute(1, source), _attribute(2, target)),
                 _nest(TUPLE_PROTO, _attribute(1, bytes([socket.IPPROTO_TCP])),
                       _attribute(2, struct.pack("!H", source_port)),
                       _attribute(3, struct.pack("!H", port))))


def _message(kind, flags, body):
    body = struct.pack("!BBH", socket.AF_INET, 0, 0) + body
    return struct.pack("=IHHII", 16 + len(body), kind, REQUEST | flags, 0, 0) + body


def _entry(client, server):
    return _message(NEW, CREATE, b"".join((
        _tuple(TUPLE_ORIG, client, server, 1024, 80),
        _tuple(TUPLE_REPLY, server, client, 80, 1024),
        _attribute(STATUS, struct.pack("!I", SEEN_REPLY | ASSURED | CONFIRMED)),
        _attribute(TIMEOUT, struct.pack("!I", LIFE_S)),
        _attribute(MARK, struct.pack("!I", FILLER)),
        _nest(PROTOINFO, _nest(1, _attribute(1, bytes([ESTABLISHED])))))))


def _entries():
    """Ever more of them, PER_SEND at a time: from 198.18.0.0 (RFC 2544) and what follows it.

    They are written once; then the client's address changes, in both its places.
    """
    client, server = socket.inet_aton("198.18.0.0"), socket.inet_aton("198.19.0.0")
    one = _entry(client, server)
    many = bytearray(one * PER_SEND)
    places = [at for at in range(len(one)) if one[at:at + 4] == client]
    first = struct.unpack("!I", client)[0]
    while True:
        for number in range(PER_SEND):
            for place in places:
                struct.pack_into("!I", many, number * len(one) + place, first + number)
        yield many
        first += PER_SEND


def _open():
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
    sock.bind((0, 0))
    return sock


class Tracked:
    def __init__(self):
        self.emptied = threading.Event()
        self.keeper = None

    def operations(self):
        return {"fill_tracked": self.fill_tracked, "empty_tracked": self.empty_tracked}

    def fill_tracked(self):
        """Until nothing more fits, and for as long as that is wanted: returns how many entries
        there are."""
        entries = _entries()
        count = self._fill(entries)
        self.emptied.clear()
        self.keeper = threading.Thread(target=self._keep, args=(entries,), daemon=True)
        self.keeper.start()
        return count

    @staticmethod
    def _fill(entries):
        limit = int(LIMIT.read_text())
        with _open() as sock:
            while (count := int(COUNT.read_text())) < limit:
                sock.send(next(entries))  # what does not fit is refused
            return count

    def _keep(self, entries):
        """Connections that were there before run out, and make room."""
        while not self.emptied.wait(KEEP_S):
            self._fill(entries)

    def empty_tracked(self):
        """Takes them away; returns how many entries are left."""
        self.emptied.set()
        self.keeper.join()
        mark = struct.pack("!I", FILLER)
        with _open() as sock:
            sock.send(_message(DELETE, ACKNOWLEDGE,
                               _attribute(MARK, mark) + _attribute(MARK_MASK, mark)))
            code = struct.unpack_from("=i", sock.recv(4096), 16)[0]
        if code:
            raise OSError(-code, "cannot take the entries away")
        return int(COUNT.read_text())
