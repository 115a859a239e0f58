# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets that were made by hand (packet.py), sent as they are.

A raw socket mends some of an IPv4 header; a packet socket sends every byte, but
has to be told which neighbour gets it.
"""

import json
import socket
import subprocess
import time

import packet

PATIENCE = 5  # seconds for a neighbour to be found
DISCARD = 9   # a port; what is sent there only makes the kernel look


class Raw:
    def operations(self):
        return {"send_raw": self.send_raw, "send_frames": self.send_frames}

    @staticmethod
    def send_raw(data, destination):
        family = packet.family_of(destination)
        with socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW) as sock:
            sock.sendto(bytes.fromhex(data), (destination, 0))

    def send_frames(self, frames, via):
        """@via  the neighbour that gets them, by its address"""
        kind = 0x86DD if ":" in via else 0x0800
        with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0) as sock:
            to = ("eth0", kind, 0, 0, self._link_address(via))
            for data in frames:
                sock.sendto(bytes.fromhex(data), to)

    @staticmethod
    def _link_address(via):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with socket.socket(packet.family_of(via), socket.SOCK_DGRAM) as sock:
                sock.sendto(b"", (via, DISCARD))
            found = subprocess.run(["ip", "-json", "neigh", "show", "to", via, "dev", "eth0"],
                                   stdout=subprocess.PIPE, check=True).stdout
            for neighbour in json.loads(found):
                if "lladdr" in neighbour:
                    return bytes.fromhex(neighbour["lladdr"].replace(":", ""))
            time.sleep(0.01)
        raise TimeoutError(f"no neighbour has the address {via}")
