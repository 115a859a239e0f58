# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads pcapng files as netpold writes them: one interface, packets with comments."""

import dataclasses
import struct

SECTION, INTERFACE, PACKET = 0x0A0D0D0A, 1, 6
COMMENT, RESOLUTION = 1, 9


@dataclasses.dataclass
class Packet:
    ns: int
    frame: bytes
    wire_len: int
    comment: str


def _blocks(data):
    at = 0
    while at < len(data):
        kind, length = struct.unpack_from("=II", data, at)
        assert length % 4 == 0 and struct.unpack_from("=I", data, at + length - 4)[0] == length
        yield kind, data[at + 8:at + length - 4]
        at += length


def _options(data):
    at, found = 0, {}
    while at < len(data):
        code, length = struct.unpack_from("=HH", data, at)
        if code == 0:
            break
        found[code] = data[at + 4:at + 4 + length]
        at += 4 + (length + 3) // 4 * 4
    return found


def read(path):
    """Returns the link type, and the packets."""
    link, packets = None, []
    for kind, body in _blocks(path.read_bytes()):
        if kind == SECTION:
            assert struct.unpack_from("=I", body)[0] == 0x1A2B3C4D
        elif kind == INTERFACE:
            link = struct.unpack_from("=H", body)[0]
            assert _options(body[8:])[RESOLUTION] == b"\x09"
        else:
            assert kind == PACKET
            _, high, low, caplen, wire_len = struct.unpack_from("=IIIII", body)
            options = _options(body[20 + (caplen + 3) // 4 * 4:])
            packets.append(Packet(high << 32 | low, body[20:20 + caplen], wire_len,
                                  options[COMMENT].decode()))
    return link, packets
