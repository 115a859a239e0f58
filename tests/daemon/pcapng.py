# SPDX-License-Identifier: GPL-2.0-or-later
"""pcapng files: reads them as netpold writes them, packets with comments; and writes
captures of several interfaces."""

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
    link: int


# ---- reading -----------------------------------------------------------------------


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
    """Returns the link types of the interfaces, and the packets."""
    links, packets = [], []
    for kind, body in _blocks(path.read_bytes()):
        if kind == SECTION:
            assert struct.unpack_from("=I", body)[0] == 0x1A2B3C4D
        elif kind == INTERFACE:
            links.append(struct.unpack_from("=H", body)[0])
            assert _options(body[8:])[RESOLUTION] == b"\x09"
        else:
            assert kind == PACKET
            interface, high, low, caplen, wire_len = struct.unpack_from("=IIIII", body)
            options = _options(body[20 + (caplen + 3) // 4 * 4:])
            packets.append(Packet(high << 32 | low, body[20:20 + caplen], wire_len,
                                  options[COMMENT].decode(), links[interface]))
    return links, packets


# ---- writing -----------------------------------------------------------------------


def block(kind, body):
    body += bytes(-len(body) % 4)
    return struct.pack("<II", kind, 12 + len(body)) + body + struct.pack("<I", 12 + len(body))


def section(*links):
    """A section, and an interface for each link type, with stamps in nanoseconds."""
    out = block(SECTION, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    resolution = struct.pack("<HHB3x", RESOLUTION, 1, 9) + bytes(4)
    return out + b"".join(block(INTERFACE, struct.pack("<HHI", link, 0, 65535) + resolution) for link in links)


def packet(interface, ns, frame):
    return block(PACKET, struct.pack("<IIIII", interface, ns >> 32, ns & 0xFFFFFFFF, len(frame), len(frame)) + frame)
