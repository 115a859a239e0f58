#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes traffic.pcap into every case folder beside this script.

The captures are kept in the repository; this script says what is in them, and
writes the same bytes every time. Python's standard library is enough.

    make_pcaps.py           write them all
    make_pcaps.py --check   exit 1 if one is not as it would be written
"""

import ipaddress
import pathlib
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent

# Who is who in the cases. Each cluster.yaml names those that it needs.
WEB, WEB6 = "10.1.0.10", "fd00:1::10"
DB = "10.1.0.11"
CURL, CURL6 = "10.1.1.10", "fd00:1:1::10"
PROBE = "10.1.2.10"
DNS = "10.1.3.10"
NODE = "192.168.7.1"
OTHER_NODE = "192.168.7.2"
OUTSIDE, METADATA = "203.0.113.9", "169.254.169.254"

ICMP, TCP, UDP, ICMP6 = 1, 6, 17, 58
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
ETHERNET, LOOP, RAW, SLL, NULL, SLL2 = 1, 108, 101, 113, 0, 276
START = 1700000000  # the first packet, seconds since 1970


# ---- packets -----------------------------------------------------------------


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def is_ipv6(address):
    return ":" in address


def packed(address):
    return ipaddress.ip_address(address).packed


def with_checksum(src, dst, protocol, segment, offset):
    """The segment with its checksum, which covers both addresses."""
    if protocol == ICMP:
        covered = segment
    elif is_ipv6(src):
        covered = packed(src) + packed(dst) + struct.pack("!II", len(segment), protocol) + segment
    else:
        covered = packed(src) + packed(dst) + struct.pack("!HH", protocol, len(segment)) + segment
    return segment[:offset] + struct.pack("!H", checksum(covered)) + segment[offset + 2 :]


def ip(src, dst, protocol, payload, hops=64, ident=0, flags_offset=0):
    if is_ipv6(src):
        return struct.pack("!IHBB", 6 << 28, len(payload), protocol, hops) + packed(src) + packed(dst) + payload
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), ident, flags_offset, hops, protocol, 0)
    header += packed(src) + packed(dst)
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + payload


def tcp(src, sport, dst, dport, flags, data=b""):
    segment = struct.pack("!HHIIBBHHH", sport, dport, 1, 1 if flags & ACK else 0, 0x50, flags, 64240, 0, 0) + data
    return ip(src, dst, TCP, with_checksum(src, dst, TCP, segment, 16))


def udp_segment(src, sport, dst, dport, data):
    segment = struct.pack("!HHHH", sport, dport, 8 + len(data), 0) + data
    return with_checksum(src, dst, UDP, segment, 6)


def udp(src, sport, dst, dport, data=b"hello"):
    return ip(src, dst, UDP, udp_segment(src, sport, dst, dport, data))


def icmp(src, dst, kind, code=0, rest=b"\0\0\0\0", data=b"", hops=64):
    protocol = ICMP6 if is_ipv6(src) else ICMP
    segment = struct.pack("!BBH", kind, code, 0) + rest + data
    return ip(src, dst, protocol, with_checksum(src, dst, protocol, segment, 2), hops)


def ping(src, dst, ident=7):
    return icmp(src, dst, 128 if is_ipv6(src) else 8, rest=struct.pack("!HH", ident, 1))


def pong(src, dst, ident=7):
    return icmp(src, dst, 129 if is_ipv6(src) else 0, rest=struct.pack("!HH", ident, 1))


def port_unreachable(src, dst, about):
    return icmp(src, dst, 3, 3, data=about[:28])


def too_big(src, dst, about):
    """IPv4 calls it "fragmentation needed"."""
    if is_ipv6(src):
        return icmp(src, dst, 2, 0, struct.pack("!I", 1280), about[:1200])
    return icmp(src, dst, 3, 4, struct.pack("!HH", 0, 1400), about[:28])


def extension(next_header, length):
    """A destination options header, filled with padding."""
    return struct.pack("!BBBB", next_header, length // 8 - 1, 1, length - 4) + bytes(length - 4)


# ---- conversations -----------------------------------------------------------


def connection(client, cport, server, sport):
    """A whole TCP connection: opened, one request, closed."""
    return [
        tcp(client, cport, server, sport, SYN),
        tcp(server, sport, client, cport, SYN | ACK),
        tcp(client, cport, server, sport, ACK),
        tcp(client, cport, server, sport, PSH | ACK, b"GET / HTTP/1.0\r\n\r\n"),
        tcp(server, sport, client, cport, PSH | ACK, b"HTTP/1.0 200 OK\r\n\r\n"),
        tcp(server, sport, client, cport, FIN | ACK),
        tcp(client, cport, server, sport, FIN | ACK),
        tcp(server, sport, client, cport, ACK),
    ]


def attempt(client, cport, server, sport):
    """Nobody answers."""
    return [tcp(client, cport, server, sport, SYN)] * 2


def lookup(client, cport, server, name=b"\3web\4shop\0"):
    query = struct.pack("!HHHHHH", 1, 0x0100, 1, 0, 0, 0) + name + struct.pack("!HH", 1, 1)
    return [udp(client, cport, server, 53, query), udp(server, 53, client, cport, query)]


def fragments(src, sport, dst, dport, size, ident):
    """One UDP datagram in two pieces."""
    segment = udp_segment(src, sport, dst, dport, b"x" * (size - 8))
    cut = size // 2 // 8 * 8
    return [
        ip(src, dst, UDP, segment[:cut], ident=ident, flags_offset=0x2000),
        ip(src, dst, UDP, segment[cut:], ident=ident, flags_offset=cut // 8),
    ]


# ---- captures ----------------------------------------------------------------


def ethertype(packet):
    return 0x86DD if packet[0] >> 4 == 6 else 0x0800


def ethernet(packet, tags=()):
    frame = b"\x02\0\0\0\0\2" + b"\x02\0\0\0\0\1"
    for kind, vlan in tags:
        frame += struct.pack("!HH", kind, vlan)
    return frame + struct.pack("!H", ethertype(packet)) + packet


def arp():
    return b"\xff" * 6 + b"\x02\0\0\0\0\1" + struct.pack("!H", 0x0806) + bytes(28)


def pcap(frames, link=ETHERNET, step_us=1000):
    """A pcap file, a frame every millisecond."""
    out = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link)
    for i, frame in enumerate(frames):
        us = i * step_us
        out += struct.pack("<IIII", START + us // 1000000, us % 1000000, len(frame), len(frame)) + frame
    return out


def traffic(*conversations):
    return pcap([ethernet(packet) for packets in conversations for packet in packets])


# ---- the cases ---------------------------------------------------------------

CASES = {
    "deny-all-isolates-every-pod-of-its-namespace": traffic(
        attempt(CURL, 40000, WEB, 80),
        attempt(CURL, 40001, DB, 5432),
        [udp(CURL, 40002, WEB, 514)],
        [ping(CURL, WEB)],
        attempt(WEB, 40003, CURL, 80),
        connection(CURL, 40004, OUTSIDE, 443),
    ),
    "allow-from-a-namespace-lets-its-pods-in": traffic(
        connection(CURL, 40000, WEB, 80),
        connection(CURL, 40001, WEB, 8080),
        attempt(PROBE, 40002, WEB, 80),
        attempt(OUTSIDE, 40003, WEB, 80),
        attempt(DB, 40004, WEB, 80),
    ),
    "allow-dns-lets-lookups-out-and-nothing-else": traffic(
        lookup(WEB, 50000, DNS),
        connection(WEB, 50001, DNS, 53),
        attempt(WEB, 50002, DNS, 9153),
        attempt(WEB, 50003, OUTSIDE, 443),
        [udp(WEB, 50004, OUTSIDE, 53)],
    ),
    "egress-to-a-block-leaves-out-what-it-excepts": traffic(
        connection(WEB, 50000, OUTSIDE, 443),
        attempt(WEB, 50001, METADATA, 80),
        attempt(WEB, 50002, CURL, 80),
        attempt(WEB, 50003, OUTSIDE, 25),
    ),
    "ipv6-is-judged-as-ipv4-is": traffic(
        connection(CURL6, 40000, WEB6, 80),
        attempt(CURL6, 40001, WEB6, 81),
        [ping(CURL6, WEB6)],
        [ip(CURL6, WEB6, 60, extension(TCP, 256) + tcp(CURL6, 40002, WEB6, 80, SYN)[40:])],
        [ip(CURL6, WEB6, 60, extension(TCP, 256) + tcp(CURL6, 40003, WEB6, 81, SYN)[40:])],
        attempt(CURL, 40004, WEB, 80),
    ),
    "neighbour-discovery-passes-from-the-link-only": traffic(
        [icmp(CURL6, WEB6, 135, data=packed(WEB6), hops=255)],
        [icmp(WEB6, CURL6, 136, data=packed(WEB6), hops=255)],
        [icmp(CURL6, WEB6, 135, data=packed(WEB6), hops=64)],
    ),
    "replies-belong-to-the-flow-that-was-opened": traffic(
        connection(WEB, 40000, CURL, 80),
        lookup(WEB, 40001, DNS),
        [ping(WEB, CURL), pong(CURL, WEB)],
        [udp(WEB, 40002, CURL, 9), port_unreachable(CURL, WEB, udp(WEB, 40002, CURL, 9))],
        attempt(CURL, 40000, WEB, 80),
    ),
    "a-flow-met-in-its-middle-is-asked-both-ways": traffic(
        connection(WEB, 80, CURL, 40000)[3:5],
        [tcp(CURL, 40000, WEB, 80, ACK)],
        [tcp(DB, 5432, CURL, 40001, ACK)],
        [tcp(CURL, 40002, WEB, 80, SYN | ACK)],
        attempt(WEB, 80, CURL, 40000),
    ),
    "a-pod-hears-its-own-node": traffic(
        connection(NODE, 50000, WEB, 80),
        attempt(OTHER_NODE, 50001, WEB, 80),
        [tcp(WEB, 80, NODE, 50002, PSH | ACK, b"late")],
        attempt(WEB, 50003, NODE, 10250),
    ),
    "later-fragments-follow-the-first": traffic(
        fragments(CURL, 40000, WEB, 514, 2000, 1),
        fragments(CURL, 40001, WEB, 515, 2000, 2),
    ),
    "isolating-a-namespace-keeps-its-pods-together": traffic(
        connection(WEB, 40000, DB, 5432),
        [ping(WEB, DB), pong(DB, WEB)],
        attempt(CURL, 40001, DB, 5432),
        attempt(WEB, 40002, CURL, 80),
        attempt(WEB, 40003, OUTSIDE, 443),
        attempt(OUTSIDE, 40004, WEB, 80),
    ),
    "external-only-reaches-the-outside-and-no-pod": traffic(
        connection(WEB, 40000, OUTSIDE, 443),
        [udp(DB, 40001, OUTSIDE, 123)],
        attempt(WEB, 40002, DB, 5432),
        attempt(WEB, 40003, CURL, 80),
        attempt(WEB, 40004, NODE, 10250),
    ),
    "the-metadata-address-is-denied-and-nothing-else": traffic(
        attempt(WEB, 40000, METADATA, 80),
        attempt(DB, 40001, METADATA, 80),
        connection(WEB, 40002, OUTSIDE, 443),
        connection(WEB, 40003, CURL, 80),
    ),
    "icmp-errors-follow-the-flow-they-are-about": traffic(
        connection(CURL, 40000, WEB, 80)[:4],
        [too_big(OUTSIDE, WEB, tcp(WEB, 80, CURL, 40000, PSH | ACK))],
        [too_big(OUTSIDE, WEB, tcp(WEB, 81, CURL, 40000, PSH | ACK))],
    ),
}


def main():
    stale = []
    for name, capture in CASES.items():
        path = HERE / name / "traffic.pcap"
        if "--check" in sys.argv:
            if not path.exists() or path.read_bytes() != capture:
                stale.append(name)
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(capture)
    for name in stale:
        print(f"{name}/traffic.pcap is not what make_pcaps.py writes", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
