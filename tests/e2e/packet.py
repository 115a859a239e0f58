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
ICMP6_NEIGHBOUR_SOLICITATION = 135


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


def sctp(source_port, port, tag, chunk_type, initiate_tag):
    """One SCTP packet with an INIT or INIT ACK chunk."""
    body = struct.pack("!IIHHI", initiate_tag, 65535, 1, 1, 1)
    if chunk_type == SCTP_INIT_ACK:
        body += struct.pack("!HHI", 7, 8, 0)  # a state cookie is mandatory
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


def ip(source, destination, protocol, payload, hop_limit=64):
    """A whole IPv4 or IPv6 packet, from whatever source one likes."""
    src = ipaddress.ip_address(source).packed
    dst = ipaddress.ip_address(destination).packed
    if len(src) == 16:
        return struct.pack("!IHBB", 6 << 28, len(payload), protocol, hop_limit) \
            + src + dst + payload
    fields = (0x45, 0, 20 + len(payload), 1, 0, hop_limit, protocol)
    without = struct.pack("!BBHHHBBH", *fields, 0) + src + dst
    return struct.pack("!BBHHHBBH", *fields, internet_checksum(without)) \
        + src + dst + payload


def _pseudo_header(source, destination, protocol, length):
    src = ipaddress.ip_address(source).packed
    dst = ipaddress.ip_address(destination).packed
    return src + dst + struct.pack("!II", length, protocol)


def udp(source, destination, source_port, port, payload):
    """A whole IP packet with one UDP datagram, its checksum right."""
    length = 8 + len(payload)
    header = struct.pack("!HHH", source_port, port, length)
    pseudo = _pseudo_header(source, destination, socket.IPPROTO_UDP, length)
    checksum = internet_checksum(pseudo + header + b"\0\0" + payload) or 0xFFFF
    datagram = header + struct.pack("!H", checksum) + payload
    return ip(source, destination, socket.IPPROTO_UDP, datagram)


def neighbour_solicitation(source, destination, payload, hop_limit):
    """An ICMPv6 type 135 with room for data; genuine ones have hop limit 255."""
    target = ipaddress.ip_address(destination).packed
    body = struct.pack("!I", 0) + target + payload
    message = struct.pack("!BBH", ICMP6_NEIGHBOUR_SOLICITATION, 0, 0) + body
    pseudo = _pseudo_header(source, destination, socket.IPPROTO_ICMPV6, len(message))
    checksum = internet_checksum(pseudo + message)
    message = message[:2] + struct.pack("!H", checksum) + message[4:]
    return ip(source, destination, socket.IPPROTO_ICMPV6, message, hop_limit)
