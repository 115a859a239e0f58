#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`netpold replay --inner`: what VXLAN and Geneve tunnels carry.

Prints TAP. NETPOLD names the program (default: build/netpold).
"""

import os
import pathlib
import struct
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
CASES = ROOT / "tests" / "cases"
NETPOLD = os.environ.get("NETPOLD", str(ROOT / "build" / "netpold"))

sys.dont_write_bytecode = True
sys.path[:0] = [str(CASES), str(ROOT / "tests" / "e2e")]
import make_pcaps as pcaps  # noqa: E402
import tap  # noqa: E402

CASE = CASES / "ipv6-is-judged-as-ipv4-is"
ENDS = {4: (pcaps.NODE, pcaps.OTHER_NODE), 6: ("fd00:7::1", "fd00:7::2")}
VXLAN, OLD_VXLAN, GENEVE = 4789, 8472, 6081
SYN4 = pcaps.tcp(pcaps.CURL, 40000, pcaps.WEB, 80, pcaps.SYN)
SYN6 = pcaps.tcp(pcaps.CURL6, 40000, pcaps.WEB6, 80, pcaps.SYN)


def vxlan(payload, flags=0x08):
    return struct.pack("!B3xI", flags, 77 << 8) + payload


def geneve(payload, kind=0x6558, options=b"", version=0):
    return struct.pack("!BBHI", version << 6 | len(options) // 4, 0, kind, 77 << 8) + options + payload


def tunnel(data, port, family=4):
    return pcaps.udp(ENDS[family][0], 50000, ENDS[family][1], port, data)


def frame(packet, *tags):
    return pcaps.ethernet(packet, tags)


# A sentence, an IP packet, and the flows that it is with and without --inner: to whom.
OUTER, INNER = "192.168.7.2", "shop/web:80/TCP"
ROWS = [
    ("VXLAN", tunnel(vxlan(frame(SYN4)), VXLAN), INNER),
    ("VXLAN on the port that Linux had", tunnel(vxlan(frame(SYN4)), OLD_VXLAN), INNER),
    ("VXLAN over IPv6", tunnel(vxlan(frame(SYN4)), VXLAN, 6), INNER),
    ("IPv6 in VXLAN", tunnel(vxlan(frame(SYN6)), VXLAN), INNER),
    ("a VLAN in VXLAN", tunnel(vxlan(frame(SYN4, (0x8100, 5))), VXLAN), INNER),
    ("Geneve", tunnel(geneve(frame(SYN4)), GENEVE), INNER),
    ("Geneve with options", tunnel(geneve(frame(SYN4), options=bytes(248)), GENEVE), INNER),
    ("IPv4 right in Geneve", tunnel(geneve(SYN4, 0x0800), GENEVE), INNER),
    ("IPv6 right in Geneve", tunnel(geneve(SYN6, 0x86DD), GENEVE), INNER),
    ("VXLAN in Geneve", tunnel(geneve(frame(tunnel(vxlan(frame(SYN4)), VXLAN))), GENEVE), INNER),
    ("VXLAN without a network is none", tunnel(vxlan(frame(SYN4), flags=0), VXLAN), OUTER),
    ("Geneve of another version is none", tunnel(geneve(frame(SYN4), version=1), GENEVE), OUTER),
    ("VXLAN that ends in its header is none", tunnel(vxlan(b"")[:7], VXLAN), OUTER),
    ("Geneve that ends in its options is none", tunnel(geneve(b"", options=bytes(8))[:12], GENEVE), OUTER),
    ("another port is none", tunnel(vxlan(frame(SYN4)), 4790), OUTER),
    ("a packet in no tunnel is as it is", SYN4, INNER),
]


def replay(path, *arguments):
    return subprocess.run([NETPOLD, "replay", "--manifests", CASE / "cluster.yaml", *arguments, path],
                          capture_output=True, text=True, timeout=60, check=False)


def reached(done):
    """To whom the flows are."""
    return [line.split(" -> ")[1].split(" ")[0] for line in done.stdout.splitlines()[1:]]


def check_rows(tap_, folder):
    path = folder / "tunnel.pcap"
    for sentence, packet, expected in ROWS:
        path.write_bytes(pcaps.pcap([pcaps.ethernet(packet)]))
        got = [to.rpartition(":")[0] if to.endswith("/UDP") else to
               for to in reached(replay(path, "--inner"))]
        tap_.equal(f"with --inner: {sentence}", [expected], got)
    path.write_bytes(pcaps.pcap([pcaps.ethernet(tunnel(vxlan(frame(SYN4)), VXLAN))]))
    tap_.equal("without --inner a tunnel is what nodes send each other",
               ["192.168.7.2:4789/UDP"], reached(replay(path)))


def check_counts(tap_, folder):
    """What a tunnel carries need be no packet."""
    path = folder / "odd.pcap"
    odd = [pcaps.arp(), b"", frame(SYN4)[:20], frame(SYN4)[:30], frame(SYN4)]
    path.write_bytes(pcaps.pcap([pcaps.ethernet(tunnel(vxlan(data), VXLAN)) for data in odd]))
    tap_.equal("what cannot be read inside is counted",
               "packets: 5, flows: 1, allowed: 1, denied: 0, unparsable: 3, not IP: 1\n",
               replay(path, "--inner").stderr)
    whole = pcaps.ethernet(tunnel(geneve(frame(SYN4), options=bytes(16)), GENEVE))
    path.write_bytes(pcaps.pcap([whole[:n] for n in range(len(whole) + 1)]))
    done = replay(path, "--inner")
    tap_.equal("a tunnel that is cut anywhere is read or counted", (0, len(whole) + 1),
               (done.returncode, int(done.stderr.split(",")[0].removeprefix("packets: "))))


def test(tap_):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        check_rows(tap_, folder)
        check_counts(tap_, folder)


if __name__ == "__main__":
    tap.main(test)
