#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Odd headers are no way around a policy, and harm nobody who is honest.

    client ──► web     allowed: TCP 8080, UDP 9000, SCTP 7000
    guest  ──► web     denied

Each packet is sent twice, as client and as guest, made by hand and put on the
wire byte by byte. What guest sends never arrives at web. What client sends
arrives where the headers are merely unusual (L7: extension headers of up to 256
bytes change nothing), and is dropped where they lie or hide their ports (L6,
NF-50): by the kernel, which calls them INVALID, or by netpold, which reads only
the first 512 bytes of a packet (NF-31) and counts what it cannot read. The
topology is drawn in world.py.
"""

import re
import socket
import struct
import zlib

import daemon
import manifests
import observer
import packet
import parcel
import scenario
import tap
import world
from packet import DESTINATION_OPTIONS, FRAGMENT, SYN
from parcel import ARRIVES, DROPPED, Parcel

TCP, UDP, SCTP = socket.IPPROTO_TCP, socket.IPPROTO_UDP, socket.IPPROTO_SCTP
PORTS = {TCP: 8080, UDP: 9000, SCTP: 7000}
NO_OPERATION = b"\1"
COPIED = 512  # how much of a packet netpold reads
HOP_BY_HOP, NO_NEXT = 0, 59


# ---- transports --------------------------------------------------------------

def source_port(words):
    """Each packet is a flow of its own, whatever was let through before."""
    return 20000 + zlib.crc32(words) % 40000


def syn(source, target, words, header_words=5):
    return packet.tcp_segment(source, target, source_port(words), PORTS[TCP], SYN, words,
                              header_words)


def datagram(source, target, words):
    return packet.udp_datagram(source, target, source_port(words), PORTS[UDP], words)


def init(_source, _target, words):
    return packet.sctp(source_port(words), PORTS[SCTP], 0, packet.SCTP_INIT, 77, words)


MAKE = {TCP: syn, UDP: datagram, SCTP: init}


def whole(protocol):
    return lambda source, target, token: [
        packet.ip(source, target, protocol, MAKE[protocol](source, target, token))]


def labelled(source, target, token, protocol, data, missing=0):
    """A packet that has the token in its IP options, and may claim to be shorter."""
    if ":" in source:
        data = packet.destination_options(protocol, 32, token) + data
        return [packet.ipv6(source, target, DESTINATION_OPTIONS, data,
                            length=len(data) - missing)]
    options = packet.ipv4_options(token)
    return [packet.ipv4(source, target, protocol, data, options,
                        total=20 + len(options) + len(data) - missing)]


def cut(protocol, length):
    """A packet that ends within its transport header."""
    return lambda source, target, token: labelled(
        source, target, token, protocol, MAKE[protocol](source, target, token)[:length])


def shortened(source, target, token):
    """The IP header says that the packet ends with the header of the datagram."""
    return labelled(source, target, token, UDP, datagram(source, target, token),
                    missing=len(token))


def tcp_words(words):
    """A TCP header that says it is so long."""
    return lambda source, target, token: [
        packet.ip(source, target, TCP, syn(source, target, token, words))]


def udp_length(length):
    def build(source, target, token):
        data = datagram(source, target, token)
        return [packet.ip(source, target, UDP, data[:4] + struct.pack("!H", length) + data[6:])]
    return build


# ---- IPv4 --------------------------------------------------------------------

def v4(protocol=UDP, **how):
    return lambda source, target, token: [
        packet.ipv4(source, target, protocol, MAKE[protocol](source, target, token), **how)]


def row_number(token):
    """What tells the fragments of one packet from another's."""
    return int(token.split()[-1][:-1])


def around(token):
    """However it is cut into pieces on its way, the token stays whole."""
    return b"...." + token + b"." * 48


def v4_fragments(protocol, size, overlap=0):
    """In two pieces; the second begins @overlap bytes early."""
    def build(source, target, token):
        data = MAKE[protocol](source, target, around(token))
        return [packet.ipv4(source, target, protocol, piece, identification=row_number(token),
                            fragment=more | start // 8)
                for start, piece, more in ((0, data[:size], 0x2000),
                                           (size - overlap, data[size - overlap:], 0))]
    return build


# ---- IPv6 --------------------------------------------------------------------

def v6(protocol, *sizes):
    """Behind extension headers of these sizes."""
    def build(source, target, token):
        data = MAKE[protocol](source, target, token)
        following = protocol
        for size in reversed(sizes):
            data = packet.destination_options(following, size) + data
            following = DESTINATION_OPTIONS
        return [packet.ipv6(source, target, following, data)]
    return build


def v6_length(length):
    return lambda source, target, token: [
        packet.ipv6(source, target, UDP, datagram(source, target, token), length=length)]


def v6_leaving(source, target, token):
    """The extension header ends behind the packet."""
    data = packet.destination_options(UDP, 64, token)[:32]
    return [packet.ipv6(source, target, DESTINATION_OPTIONS, data)]


def v6_hop_by_hop(source, target, token):
    data = packet.destination_options(UDP, 24) + datagram(source, target, token)
    return [packet.ipv6(source, target, HOP_BY_HOP, data)]


def v6_fragments(protocol, size=None):
    """In two pieces, or in one that is called a fragment."""
    def build(source, target, token):
        data = MAKE[protocol](source, target, around(token))
        pieces = [(0, data[:size], 1)] + ([(size, data[size:], 0)] if size else [])
        return [packet.ipv6(source, target, FRAGMENT, packet.fragment_header(
            protocol, at, more if size else 0, row_number(token)) + piece)
                for at, piece, more in pieces]
    return build


def nothing_follows(source, target, token):
    return [packet.ipv6(source, target, NO_NEXT, datagram(source, target, token))]


# ---- rows --------------------------------------------------------------------

HIDDEN = [
    ("ports beyond what is read", v6(UDP, 256, 240), DROPPED, "6"),
    ("ports just beyond what is read, TCP", v6(TCP, COPIED - 40), DROPPED, "6"),
    ("ports beyond what is read, SCTP", v6(SCTP, 1000), DROPPED, "6"),
    ("a SYN whose ports are read, and whose flags are not", v6(TCP, COPIED - 48), DROPPED, "6"),
]
ROWS = [
    # (what, packets, of client: arrives or not, families)
    ("a TCP SYN", whole(TCP), ARRIVES, "46"),
    ("a UDP datagram", whole(UDP), ARRIVES, "46"),
    ("an SCTP INIT", whole(SCTP), ARRIVES, "46"),
    # unusual
    ("40 bytes of IP options", v4(options=NO_OPERATION * 40), ARRIVES, "4"),
    ("40 bytes of IP options, TCP", v4(TCP, options=NO_OPERATION * 40), ARRIVES, "4"),
    ("a datagram in two fragments", v4_fragments(UDP, 8), ARRIVES, "4"),
    ("a SYN whose flags are in its second fragment", v4_fragments(TCP, 8), ARRIVES, "4"),
    ("an extension header of 8 bytes", v6(UDP, 8), ARRIVES, "6"),
    ("extension headers of 256 bytes", v6(UDP, 128, 128), ARRIVES, "6"),
    ("extension headers of 256 bytes, TCP", v6(TCP, 8, 120, 128), ARRIVES, "6"),
    ("extension headers of 256 bytes, SCTP", v6(SCTP, 256), ARRIVES, "6"),
    ("a hop-by-hop header", v6_hop_by_hop, ARRIVES, "6"),
    ("a datagram in two fragments", v6_fragments(UDP, 8), ARRIVES, "6"),
    ("a SYN in two fragments", v6_fragments(TCP, 24), ARRIVES, "6"),
    ("a fragment that is the whole", v6_fragments(UDP), ARRIVES, "6"),
    # hidden
    *HIDDEN,
    ("no next header, and yet a datagram", nothing_follows, DROPPED, "6"),
    # lying
    ("an IP header of 4 words", v4(words=4), DROPPED, "4"),
    ("an IP header that is longer than the packet", v4(words=15), DROPPED, "4"),
    ("more bytes than there are", v4(total=1000), DROPPED, "4"),
    ("fewer bytes than the IP header has", v4(total=16), DROPPED, "4"),
    ("no bytes", v4(total=0), DROPPED, "4"),
    ("fragments that overlap", v4_fragments(TCP, 24, 16), DROPPED, "4"),
    ("a SYN whose flags are in its second fragment", v6_fragments(TCP, 8), DROPPED, "6"),
    ("more bytes than there are", v6_length(1000), DROPPED, "6"),
    ("an extension header that leaves the packet", v6_leaving, DROPPED, "6"),
    ("fewer bytes than the datagram has", shortened, DROPPED, "46"),
    ("a TCP header that says it has 4 words", tcp_words(4), DROPPED, "46"),
    ("a TCP header that says it is longer than the packet", tcp_words(15), DROPPED, "46"),
    ("a datagram that says it has 7 bytes", udp_length(7), DROPPED, "46"),
    ("a datagram that says it is longer than the packet", udp_length(1000), DROPPED, "46"),
]
SHORT = [(protocol, length) for protocol, full in ((TCP, 20), (UDP, 8), (SCTP, 12))
         for length in range(full)]


def parcels(source, rows):
    """What guest sends is always dropped."""
    words = {"client": "of who is allowed", "guest": "of who is not"}
    return [Parcel(f"{name}, {words[source]}: {expected}", source, "web", build, expected,
                   tuple(families))
            for name, build, of_client, families in rows
            for expected in [of_client if source == "client" else DROPPED]]


def check_rows(tap_, world_):
    for source in ("client", "guest"):
        parcel.check_all(tap_, world_, parcels(source, ROWS), f"row of {source}")


def check_short(tap_, world_, sentence, expected):
    """@expected  "arrives" or "dropped", for all"""
    rows = [(f"{protocol} {length}", cut(protocol, length), expected, "46")
            for protocol, length in SHORT]
    got = parcel.send(world_, parcels("client", rows), f"short, {expected}")
    tap_.equal(sentence, [], [f"IPv{family}: protocol {protocol}, {length} bytes"
                              for (row, family), what in got.items() if what != expected
                              for protocol, length in [SHORT[row]]])


def check_counted(tap_, world_):
    """Of those alone that netpold cannot read."""
    with daemon.Daemon(world_, daemon.ASK_ALWAYS) as netpold:
        netpold.wait_in_force()
        parcel.check_all(tap_, world_, parcels("client", HIDDEN), "counted")
        netpold.stop()
        last = netpold.log.lines[-1][1]
    tap_.equal("netpold counts the packets that it could not read",
               len(HIDDEN), int(re.search(r"unparsable=(\d+)", last)[1]))


def check_told(tap_, world_, staged, expected):
    """What passes is told as allowed, and that it would be denied; what is dropped, once."""
    wanted = [{"mode": mode, "verdict": verdict, "reason": "unparsable"}
              for mode in ("enforce", "audit") for verdict in ("allow", "deny")]
    told = observer.totals(world_, "netpold_verdicts_total", *wanted)
    tap_.equal(f"{staged} is staged: what cannot be read is told as what becomes of it",
               [True, False, False, True] if expected == ARRIVES else [False, True, False, False],
               [n > 0 for n in told])


def check_staged(tap_, world_):
    """NP-8: what is staged drops nothing, in the direction in which it is staged."""
    policies = {way: manifests.policy(f"web-{way}", "shop", {"app": "web"}, **{way: []})
                for way in ("ingress", "egress")}
    for staged, enforced, expected in (("ingress", "egress", ARRIVES),
                                       ("egress", "ingress", DROPPED)):
        world_.folder.put("policies", policies[enforced],
                          manifests.with_mode("audit", policies[staged]))
        with daemon.Daemon(world_, daemon.ASK_ALWAYS) as netpold:
            netpold.wait_in_force()
            rows = [(f"{name}; {staged} is staged, {enforced} enforced", build, expected, families)
                    for name, build, _, families in HIDDEN]
            parcel.check_all(tap_, world_, parcels("client", rows), f"{staged} is staged")
            check_told(tap_, world_, staged, expected)


def check_world(tap_, world_):
    tap_.section(world_.name)
    check_short(tap_, world_, "without netpold, headers that are cut short arrive", ARRIVES)
    world_.folder.put("policies", scenario.allow_clients(
        manifests.port("http"), manifests.port(9000, "UDP"), manifests.port(7000, "SCTP")))
    with daemon.Daemon(world_, daemon.ASK_ALWAYS) as netpold:
        netpold.wait_in_force()
        check_rows(tap_, world_)
        check_short(tap_, world_, "every header that is cut short is dropped (L6)", DROPPED)
        tap_.equal("after all that, netpold stops in order", 0, netpold.stop())
    check_counted(tap_, world_)
    check_staged(tap_, world_)


def test(tap_):
    for world_ in world.variants(scenario.specs("web", "client", "guest"), world.CROSS):
        check_world(tap_, world_)


if __name__ == "__main__":
    tap.main(test)
