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


def test(tap_):
    with tempfile.TemporaryDirectory() as name:
        check_memory(tap_, pathlib.Path(name))


if __name__ == "__main__":
    tap.main(test)
