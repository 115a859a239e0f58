#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""The captures of tests/cases through a running daemon: each packet gets the
verdict that `netpold replay` gives it.

A capture is sent packet by packet, each on the wire of who sent it, and looked
for at who is to get it; the next one is sent when that is known. replay says
beforehand which of them pass (--write-allowed, --write-denied) and why; the flow
log has to say the same of what it tells.

What a denied opening led to in the capture (its answer, and all that came of it)
is not sent: where it is denied there is no answer. The topology is drawn in
stage.py.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import daemon
import stage
import tap

ROOT = pathlib.Path(__file__).resolve().parents[2]
CASES = ROOT / "tests/cases"
sys.path += [str(ROOT / "tests/daemon"), str(CASES)]
import make_pcaps as pcaps  # noqa: E402
import pcapng  # noqa: E402

COMES_MS, STAYS_AWAY_MS = 5000, 300
OTHERS = [pcaps.OTHER_NODE, pcaps.OUTSIDE, pcaps.METADATA]
DISCOVERY = "neighbour-discovery-passes-from-the-link-only"
# A router takes from the hop limit: what it forwards is from the link no more.
RUNS = [("bridge", "nft", lambda case: True),
        ("routed", "legacy", lambda case: case.name != DISCOVERY)]
ETHERNET_LEN = 14

# What connection tracking calls invalid is dropped by a rule of its own (NF-50), and
# nobody is asked about it: from, to and port of a SYN with ACK, and of an ICMP error,
# that belong to nothing.
UNASKED = {(pcaps.WEB, pcaps.CURL, 40002), (pcaps.OUTSIDE, pcaps.WEB, None)}


def address(data):
    return (".".join(map(str, data)) if len(data) == 4 else
            str(pcaps.ipaddress.IPv6Address(bytes(data))))


class Packet:
    """One of a capture, and what becomes of it."""

    def __init__(self, frame, is_allowed):
        self.data = frame[ETHERNET_LEN:]
        self.is_allowed = is_allowed
        six = self.data[0] >> 4 == 6
        self.source, self.destination = (
            (address(self.data[8:24]), address(self.data[24:40])) if six else
            (address(self.data[12:16]), address(self.data[16:20])))
        self.protocol = self.data[6] if six else self.data[9]
        start = 40 if six else 20
        self.ports = (tuple(self.data[start:start + 4][i:i + 2] for i in (0, 2))
                      if self.protocol in (pcaps.TCP, pcaps.UDP) and not self.is_later_fragment else (b"", b""))

    @property
    def fragment(self):
        return int.from_bytes(self.data[6:8], "big") if self.data[0] >> 4 == 4 else 0

    @property
    def is_later_fragment(self):
        return bool(self.fragment & 0x1FFF)

    @property
    def has_more(self):
        """The datagram does not end with it."""
        return bool(self.fragment & 0x2000)

    @property
    def way(self):
        return self.protocol, (self.source, self.ports[0]), (self.destination, self.ports[1])


def replay(case, *arguments):
    return subprocess.run([daemon.PROGRAM, "replay", "--manifests", case / "cluster.yaml",
                           *arguments, case / "traffic.pcap"], capture_output=True, check=True)


def packets_of(case):
    """In the order of the capture, with replay's verdicts."""
    with tempfile.TemporaryDirectory() as folder:
        files = {verdict: pathlib.Path(folder, verdict) for verdict in ("allowed", "denied")}
        replay(case, "--write-allowed", files["allowed"], "--write-denied", files["denied"])
        found = [(packet.ns, Packet(packet.frame, verdict == "allowed"))
                 for verdict, path in files.items() for packet in pcapng.read(path)[1]]
    return [packet for _, packet in sorted(found, key=lambda pair: pair[0])]


def without_answers(packets):
    """Less what a denied opening led to."""
    openings, answered, kept = set(), set(), []
    for packet in packets:
        protocol, source, destination = packet.way
        conversation = (protocol, frozenset((source, destination)))
        if not packet.is_allowed:
            if (protocol, destination, source) in openings:
                answered.add(conversation)
            if conversation in answered:
                continue
            openings.add(packet.way)
        kept.append(packet)
    return kept


# ---- verdicts of the packets -----------------------------------------------------------


def run_packets(scene, packets):
    """What came of each: [(number, arrived)]. The pieces of a datagram are judged when it
    is whole."""
    seen, waiting = [], []
    for number, packet in enumerate(packets):
        scene.send(packet.data, packet.source, packet.destination)
        waiting.append((number, packet))
        if packet.has_more:
            continue
        seen += [(i, scene.arrives(part.data, part.destination,
                                   COMES_MS if part.is_allowed else STAYS_AWAY_MS))
                 for i, part in waiting]
        waiting = []
    return seen


# ---- verdicts of the flow log -----------------------------------------------------------


def verdict_of(record):
    """What a record says, without what only one of both knows."""
    ends = [(record[end]["ip"], record[end].get("pod")) for end in ("from", "to")]
    sides = [json.dumps(record[side], sort_keys=True) for side in ("egress", "ingress")]
    return (*ends, record["to"].get("port"), record["protocol"], record["verdict"], *sides)


def is_policys(record):
    """A policy has a word in it, and is asked."""
    if (record["from"]["ip"], record["to"]["ip"], record["to"].get("port")) in UNASKED:
        return False
    return any(record[side]["reason"] in ("rule", "no-rule-matches") for side in ("egress", "ingress"))


def check_records(tap_, sentence, case, log):
    expected = [json.loads(line) for line in replay(case, "--output", "json").stdout.splitlines()]
    wanted = {verdict_of(record) for record in expected if is_policys(record)}
    known = {verdict_of(record) for record in expected}

    def records():
        text = log.read_text() if log.exists() else ""
        return {verdict_of(record) for line in text[:text.rfind("\n") + 1].splitlines()
                for record in [json.loads(line)] if "note" not in record}
    deadline = time.monotonic() + daemon.PATIENCE
    while wanted - records() and time.monotonic() < deadline:
        time.sleep(0.02)
    tap_.equal(f"{sentence}: the flow log has every flow that policies decide about", set(),
               wanted - records())
    tap_.equal(f"{sentence}: the flow log says nothing that replay does not", set(), records() - known)


# ---- the cases --------------------------------------------------------------------------


def pods_of(manifest):
    """The addresses of each pod: what stands in the file is plain."""
    return [sorted(set(re.findall(r"(?:podIP|- ip): (\S+)", document)))
            for document in manifest.split("\n---\n") if re.search(r"^kind: Pod$", document, re.M)]


def check_case(tap_, case, layout, backend):
    sentence = case.name.replace("-", " ")
    manifest = (case / "cluster.yaml").read_text()
    packets = without_answers(packets_of(case))
    with stage.Stage(layout, backend, "node-1", manifest, pods_of(manifest), pcaps.NODE, OTHERS) as scene:
        log = scene.node.path("/run/flows.json")
        with daemon.Daemon(scene, daemon.ASK_ALWAYS, "--flow-log", "file:/run/flows.json") as netpold:
            netpold.wait_in_force()
            scene.node.sysctl("net/netfilter/nf_conntrack_tcp_be_liberal=1")
            seen = run_packets(scene, packets)
            check_records(tap_, sentence, case, log)
            tap_.equal(f"{sentence}: netpold ends in order", 0, netpold.stop())
    tap_.equal(f"{sentence}: {len(packets)} packets, each with the verdict of replay", [],
               [f"packet {i}, {packets[i].source} to {packets[i].destination}: "
                f"{'arrives' if arrived else 'does not arrive'}"
                for i, arrived in sorted(seen) if arrived != packets[i].is_allowed])
    tap_.equal(f"{sentence}: every packet was looked for", len(packets), len(seen))


def test(tap_):
    cases = sorted(path for path in CASES.iterdir() if (path / "traffic.pcap").exists())
    for layout, backend, applies in RUNS:
        tap_.section(f"{layout}, {backend}")
        for case in filter(applies, cases):
            check_case(tap_, case, layout, backend)


if __name__ == "__main__":
    daemon.must_exist()
    tap.main(test)
