# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets built by hand: what sockets do not send, or would not let us send.

SCTP is here because many kernels are built without SCTP sockets, while every
conntrack knows the protocol. Its checksum must be right, or conntrack calls
the packet INVALID and no policy is ever asked.
"""

import errno
import ipaddress
import os
import socket
import struct

REFUSED = "refused"
SCTP_INIT = 1
SCTP_INIT_ACK = 2
ICMP_ECHO, ICMP_ECHO_REPLY = 8, 0
ICMP6_ECHO, ICMP6_ECHO_REPLY = 128, 129
FIN, SYN, RST, ACK = 1, 2, 4, 16
DESTINATION_OPTIONS, FRAGMENT = 60, 44  # IPv6 extension headers
UNKNOWN_OPTION = 0x1E


def family_of(address):
    """AF_INET or AF_INET6, by how the address is written."""
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def icmp_protocol(family):
    return socket.IPPROTO_ICMP if family == socket.AF_INET else socket.IPPROTO_ICMPV6


def error_word(number):
    """What an error means for a try: refused, or the system's words for it."""
    return REFUSED if number == errno.ECONNREFUSED else os.strerror(number)


def raw_payload(family, data):
    """What follows the IP header; IPv4 raw sockets show it, IPv6 ones do not."""
    return data[(data[0] & 15) * 4:] if family == socket.AF_INET else data


def internet_checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def crc32c(data):
    """Castagnoli's CRC, bit by bit: our packets are a few bytes long."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def sctp(source_port, port, tag, chunk_type, initiate_tag, words=b""):
    """One SCTP packet with an INIT or INIT ACK chunk.

    @words  told in a parameter that nobody knows, and that all pass over
    """
    body = struct.pack("!IIHHI", initiate_tag, 65535, 1, 1, 1)
    if chunk_type == SCTP_INIT_ACK:
        body += struct.pack("!HHI", 7, 8, 0)  # a state cookie is mandatory
    if words:
        body += struct.pack("!HH", 0x8ABC, 4 + len(words)) + words + b"\0" * (-len(words) % 4)
    chunk = struct.pack("!BBH", chunk_type, 0, 4 + len(body)) + body
    header = struct.pack("!HHI", source_port, port, tag)
    checksum = crc32c(header + b"\0\0\0\0" + chunk)
    return header + struct.pack("<I", checksum) + chunk


def sctp_parse(data):
    """(source port, port, chunk type, initiate tag); None if it is no INIT."""
    if len(data) < 20 or data[12] not in (SCTP_INIT, SCTP_INIT_ACK):
        return None
    source_port, port = struct.unpack("!HH", data[:4])
    return source_port, port, data[12], struct.unpack("!I", data[16:20])[0]


def sctp_tag(data):
    """Whom a packet is for: the tag in its common header."""
    return struct.unpack("!I", data[4:8])[0]


def icmp_echo(family, identifier, sequence, payload=b"netpold"):
    """An echo request. The kernel fills in the checksum of ICMPv6."""
    kind = ICMP_ECHO if family == socket.AF_INET else ICMP6_ECHO
    rest = struct.pack("!HH", identifier, sequence) + payload
    checksum = 0
    if family == socket.AF_INET:
        checksum = internet_checksum(struct.pack("!BBH", kind, 0, 0) + rest)
    return struct.pack("!BBH", kind, 0, checksum) + rest


def echo_reply(family, data):
    """(identifier, sequence) of what a raw socket got; None if it is none."""
    kind, _, _, *rest = struct.unpack("!BBHHH", raw_payload(family, data)[:8])
    wanted = ICMP_ECHO_REPLY if family == socket.AF_INET else ICMP6_ECHO_REPLY
    return tuple(rest) if kind == wanted else None


def ipv4(source, destination, protocol, payload, options=b"", hop_limit=64, **lies):
    """A whole packet, from whatever source one likes. Options fill whole words.

    @lies  what the header says although it is not so, or of a fragment: words,
           total, identification, fragment (flags and offset)
    """
    header_len = 20 + len(options)
    fields = (0x40 | lies.get("words", header_len // 4), 0,
              lies.get("total", header_len + len(payload)), lies.get("identification", 1),
              lies.get("fragment", 0), hop_limit, protocol)
    ends = ipaddress.ip_address(source).packed + ipaddress.ip_address(destination).packed
    checksum = internet_checksum(struct.pack("!BBHHHBBH", *fields, 0) + ends + options)
    return struct.pack("!BBHHHBBH", *fields, checksum) + ends + options + payload


def ipv6(source, destination, next_header, payload, hop_limit=64, length=None):
    """@length  what the header says of the payload, if that is a lie"""
    return struct.pack("!IHBB", 6 << 28, len(payload) if length is None else length,
                       next_header, hop_limit) \
        + ipaddress.ip_address(source).packed + ipaddress.ip_address(destination).packed + payload


def ip(source, destination, protocol, payload, hop_limit=64):
    """A whole IPv4 or IPv6 packet."""
    make = ipv6 if ":" in source else ipv4
    return make(source, destination, protocol, payload, hop_limit=hop_limit)


def options(size, words=b""):
    """IP options of so many bytes, of a kind that everybody passes over: longer
    padding is thrown away by Linux. The first holds the words."""
    body = b""
    while (left := size - len(body)) > 1:
        data = min(left - 2, 250)
        body += struct.pack("!BB", UNKNOWN_OPTION, data) + words.ljust(data, b"\0")
        words = b""
    return body + b"\0" * left


def ipv4_options(words):
    """As few as hold the words. IPv4 counts an option's first two bytes, too."""
    return (struct.pack("!BB", UNKNOWN_OPTION, 2 + len(words)) + words
            + b"\0" * (-(2 + len(words)) % 4))


def destination_options(next_header, size, words=b""):
    """An IPv6 extension header of so many bytes, eight at least and a multiple of
    eight."""
    return struct.pack("!BB", next_header, size // 8 - 1) + options(size - 2, words)


def fragment_header(next_header, offset, more, identification):
    """IPv6's. @offset in bytes"""
    return struct.pack("!BBHI", next_header, 0, offset | more, identification)


def _checksum(source, destination, protocol, message):
    """Of a transport's message, its own field zero."""
    pseudo = ipaddress.ip_address(source).packed + ipaddress.ip_address(destination).packed \
        + struct.pack("!II", len(message), protocol)
    return internet_checksum(pseudo + message)


def udp_datagram(source, destination, source_port, port, payload):
    header = struct.pack("!HHHH", source_port, port, 8 + len(payload), 0)
    checksum = _checksum(source, destination, socket.IPPROTO_UDP, header + payload)
    return header[:6] + struct.pack("!H", checksum or 0xFFFF) + payload


def udp(source, destination, source_port, port, payload):
    """A whole IP packet with one UDP datagram, its checksum right."""
    return ip(source, destination, socket.IPPROTO_UDP,
              udp_datagram(source, destination, source_port, port, payload))


def tcp_segment(source, destination, source_port, port, flags, payload=b"", words=5):
    """@words  how long the header says it is"""
    header = struct.pack("!HHIIBBHHH", source_port, port, 1, 1 if flags & ACK else 0,
                         words << 4, flags, 1024, 0, 0)
    checksum = _checksum(source, destination, socket.IPPROTO_TCP, header + payload)
    return header[:16] + struct.pack("!H", checksum) + header[18:] + payload


def tcp(source, destination, source_port, port, flags, payload=b""):
    """A whole IP packet with one TCP segment."""
    return ip(source, destination, socket.IPPROTO_TCP,
              tcp_segment(source, destination, source_port, port, flags, payload))


def icmp_error(source, destination, kind, code, quoted, word=0):
    """A whole packet with an ICMP or ICMPv6 error about another packet."""
    body = struct.pack("!I", word) + quoted
    if ":" in source:
        return icmp6(source, destination, kind, body, code=code)
    checksum = internet_checksum(struct.pack("!BBH", kind, code, 0) + body)
    return ipv4(source, destination, socket.IPPROTO_ICMP,
                struct.pack("!BBH", kind, code, checksum) + body)


def icmp6(source, destination, kind, body, hop_limit=64, code=0):
    """A whole packet with an ICMPv6 message."""
    message = struct.pack("!BBH", kind, code, 0) + body
    checksum = _checksum(source, destination, socket.IPPROTO_ICMPV6, message)
    return ipv6(source, destination, socket.IPPROTO_ICMPV6,
                message[:2] + struct.pack("!H", checksum) + message[4:], hop_limit)
