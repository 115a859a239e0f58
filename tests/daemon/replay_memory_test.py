#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What `netpold replay` takes of memory: as much as it follows flows, however long a
capture is.

Prints TAP. NETPOLD names the program (default: build/netpold), which has to be one
that gives back what it does not need: none of a sanitizer.
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


def many_flows(path, n):
    """So many pings of different ids and addresses: one packet each, at the same time."""
    packet = bytearray(pcaps.ethernet(pcaps.ping(pcaps.CURL, pcaps.WEB)))
    head = struct.pack("<IIII", pcaps.START, 0, len(packet), len(packet))
    with path.open("wb") as out:
        out.write(pcaps.pcap([]))
        for flow in range(n):
            packet[28:30] = (flow >> 16).to_bytes(2, "big")  # of the source's address
            packet[38:40] = (flow & 0xFFFF).to_bytes(2, "big")
            out.write(head + packet)


def peak_kib(*arguments):
    """Of a replay; and what it has counted."""
    with tempfile.TemporaryFile() as told:
        child = subprocess.Popen([NETPOLD, "replay", *map(str, arguments)],
                                 stdout=subprocess.DEVNULL, stderr=told)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        told.seek(0)
        return usage.ru_maxrss, told.read().decode()


def check_memory(tap_, folder):
    """How long a capture is says nothing of what it takes; how many flows, at most."""
    cluster = CASES / "allow-from-a-namespace-lets-its-pods-in" / "cluster.yaml"
    few, many = folder / "few.pcap", folder / "many.pcap"
    many_flows(few, 2000)
    many_flows(many, 200000)
    small, _ = peak_kib("--manifests", cluster, "--max-flows", "1000", few)
    large, told = peak_kib("--manifests", cluster, "--max-flows", "1000", many)
    tap_.true("a capture a hundred times as long takes no more memory", large < small * 1.1 + 1024,
              f"about {small} KiB", f"{large} KiB")
    tap_.true("flows that had to go before their end are told, and counted",
              "flows: 200000," in told and "flows told before their end: 199000" in told, "199000", told)
    unbound, told = peak_kib("--manifests", cluster, many)
    tap_.true("without a bound of one's own they are all followed",
              "before their end" not in told and unbound > large + 20000, "much more memory", f"{unbound} KiB, {told}")


def check_timeline(tap_, folder):
    """How often policies have changed says nothing, either: only those that flows were judged by are kept."""
    pods = "".join("---\napiVersion: v1\nkind: Pod\nmetadata: {namespace: shop, name: pod-%d, labels: {app: a%d}}\n"
                   "status: {phase: Running, podIP: 10.2.%d.%d}\n" % (i, i, i >> 8, i & 255) for i in range(1500))
    world = (CASES / "allow-from-a-namespace-lets-its-pods-in" / "cluster.yaml").read_text() + pods
    capture = folder / "hour.pcap"
    capture.write_bytes(pcaps.pcap([pcaps.ethernet(pcaps.tcp(pcaps.CURL, 40000 + i, pcaps.WEB, 80, pcaps.SYN))
                                    for i in range(30)], step_us=1000000))
    peaks = []
    for n in (2, 30):
        timeline = folder / str(n)
        for second in range(n):
            (timeline / f"2023-11-14T22:13:{20 + second}Z").mkdir(parents=True)
            (timeline / f"2023-11-14T22:13:{20 + second}Z" / "cluster.yaml").write_text(world)
        for more in ([], ["--summary"]):
            peak, told = peak_kib("--timeline", timeline, "--max-flows", "1", *more, capture)
            tap_.true(f"with {n} changes all flows are judged: {more}", "flows: 30, allowed: 30," in told, "30", told)
            peaks.append(peak)
    tap_.true("a timeline fifteen times as long takes no more memory", max(peaks[2:]) < max(peaks[:2]) * 1.3 + 1024,
              f"about {peaks[:2]} KiB", f"{peaks[2:]} KiB")


def test(tap_):
    with tempfile.TemporaryDirectory() as name:
        check_memory(tap_, pathlib.Path(name))
        check_timeline(tap_, pathlib.Path(name))


if __name__ == "__main__":
    tap.main(test)
