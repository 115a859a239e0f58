#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`netpold replay --timeline`: objects that change while the capture runs.

Prints TAP. NETPOLD names the program (default: build/netpold).
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
CASES = ROOT / "tests" / "cases"
SCHEMA = ROOT / "include" / "netpold" / "schema" / "decision.schema.json"
NETPOLD = os.environ.get("NETPOLD", str(ROOT / "build" / "netpold"))

sys.dont_write_bytecode = True
sys.path[:0] = [str(CASES), str(ROOT / "tests" / "e2e")]
import make_pcaps as pcaps  # noqa: E402
import pcapng  # noqa: E402
import schema  # noqa: E402
import tap  # noqa: E402

DENY_ALL = CASES / "deny-all-isolates-every-pod-of-its-namespace" / "cluster.yaml"
ALLOW_WEB = CASES / "allow-from-a-namespace-lets-its-pods-in" / "cluster.yaml"
FIRST, SECOND, THIRD = (f"2023-11-14T22:13:{seconds}Z" for seconds in (20, "20.010", 21))

# What each of them says of curl's connections to web's port 80.
WORLDS = {"deny": DENY_ALL, "allow": ALLOW_WEB}


def netpold(*arguments, stdin=b""):
    return subprocess.run([NETPOLD, "replay", *map(str, arguments)], input=stdin,
                          capture_output=True, timeout=60, check=False)


def make(folder, ages):
    """A timeline; @ages: {name: "allow"}"""
    timeline = folder / "timeline"
    shutil.rmtree(timeline, ignore_errors=True)
    for name, world in ages.items():
        (timeline / name).mkdir(parents=True)
        shutil.copy(WORLDS[world], timeline / name / "cluster.yaml")
    return timeline


def capture_of(folder, packets, step_us=2000):
    path = folder / "traffic.pcap"
    path.write_bytes(pcaps.pcap([pcaps.ethernet(packet) for packet in packets], step_us=step_us))
    return path


def records_of(timeline, capture, *more):
    done = netpold("--timeline", timeline, "--output", "json", *more, capture)
    return [json.loads(line) for line in done.stdout.splitlines()]


def told(record):
    return record["verdict"], [(change["time"], change["verdict"])
                               for change in record.get("changes", [])]


CONNECTION = pcaps.connection(pcaps.CURL, 40000, pcaps.WEB, 80)  # eight packets
ANOTHER = pcaps.attempt(pcaps.CURL, 40001, pcaps.WEB, 80)
LATER = "2023-11-14T22:13:20.010000000Z"  # the sixth packet

# A sentence, the ages, and what is told of the first flow.
ROWS = [
    ("policies that are in force from the beginning hold throughout",
     {FIRST: "allow"}, ("allow", [])),
    ("before the first time, what comes with it is in force",
     {THIRD: "deny"}, ("deny", [])),
    ("a flow that is no longer allowed is denied from its next packet on",
     {FIRST: "allow", SECOND: "deny"}, ("allow", [(LATER, "deny")])),
    ("a flow that comes to be allowed is so from its next packet on",
     {FIRST: "deny", SECOND: "allow"}, ("deny", [(LATER, "allow")])),
    ("policies that say the same change nothing",
     {FIRST: "allow", SECOND: "allow"}, ("allow", [])),
    ("of changes between two packets the last one counts",
     {FIRST: "allow", "2023-11-14T22:13:20.0085Z": "deny", SECOND: "allow"}, ("allow", [])),
    ("what was in force before the capture and is not any more is passed over",
     {"2020-01-01T00:00:00Z": "deny", FIRST: "allow"}, ("allow", [])),
    ("a time after the capture does not come",
     {FIRST: "allow", THIRD: "deny"}, ("allow", [])),
]


def check_changes(tap_, folder):
    capture = capture_of(folder, CONNECTION)
    for sentence, ages, expected in ROWS:
        records = records_of(make(folder, ages), capture)
        tap_.equal(sentence, [expected], [told(record) for record in records])
    records = records_of(make(folder, {FIRST: "allow", SECOND: "deny"}),
                         capture_of(folder, CONNECTION + ANOTHER))
    tap_.equal("new flows are judged by what is in force when they open",
               [("allow", [(LATER, "deny")]), ("deny", [])], [told(record) for record in records])
    tap_.equal("changes name the policies", ["shop/deny-all"],
               records[0]["changes"][0]["ingress"]["isolated_by"])
    ports = make(folder, {FIRST: "allow", SECOND: "allow"})
    for age in ports.iterdir():
        (age / "cluster.yaml").write_text((age / "cluster.yaml").read_text().replace(
            "protocol: TCP", "protocol: UDP"))
    whole = pcaps.udp(pcaps.CURL, 40000, pcaps.WEB, 80, b"x" * 32)
    pieces = [[pcaps.ip(pcaps.CURL, pcaps.WEB, pcaps.UDP, whole[20:44], ident=ident, flags_offset=0x2000),
               pcaps.ip(pcaps.CURL, pcaps.WEB, pcaps.UDP, whole[44:], ident=ident, flags_offset=3)]
              for ident in (7, 8)]
    capture = capture_of(folder, pieces[0] + pieces[1], step_us=10000)  # the change is before the second
    tap_.equal("a later fragment that is first after a change asks nothing: it has no port", [("allow", [])],
               [told(record) for record in records_of(ports, capture)])
    shutil.copy(DENY_ALL, ports / SECOND / "cluster.yaml")
    tap_.equal("the flow is asked about by the next packet that has one",
               [("allow", [("2023-11-14T22:13:20.020000000Z", "deny")])],
               [told(record) for record in records_of(ports, capture)])
    root = json.loads(SCHEMA.read_text())
    tap_.equal("JSON keeps to its schema", [],
               [wrong for record in records for wrong in schema.violations(record, root)])


def check_told(tap_, folder):
    capture = capture_of(folder, CONNECTION)
    timeline = make(folder, {FIRST: "allow", SECOND: "deny"})
    denied = folder / "denied.pcapng"
    done = netpold("--timeline", timeline, "--write-denied", denied, capture)
    tap_.true("text tells of a change", b"(deny from 0.010000 on: ingress: shop/web is isolated by shop/deny-all"
              in done.stdout, "from when on, and why", done.stdout.decode())
    tap_.true("changes are counted", b"flows whose verdict changed: 1" in done.stderr, "one", done.stderr)
    tap_.equal("packets are denied from the change on", 3, len(pcapng.read(denied)[1]))


def check_summary(tap_, folder):
    """A flow counts for each verdict that it had, with the packets of its time."""
    timeline = make(folder, {FIRST: "allow", SECOND: "deny"})
    lines = records_of(timeline, capture_of(folder, CONNECTION), "--summary")
    tap_.equal("--summary counts a flow for each of its verdicts, and its packets for one",
               [("shop/allow-web", 1, 5, 0, 0), ("shop/deny-all", 0, 0, 1, 3)],
               [(line.get("policy"), line["allowed"]["flows"], line["allowed"]["packets"],
                 line["denied"]["flows"], line["denied"]["packets"]) for line in lines])


def check_joined(tap_, folder):
    """--manifests for what stays, the timeline for what does not."""
    objects = ALLOW_WEB.read_text().split("---\n")
    stays = folder / "stays.yaml"
    stays.write_text("---\n".join(o for o in objects if "kind: NetworkPolicy" not in o))
    timeline = folder / "timeline"
    shutil.rmtree(timeline, ignore_errors=True)
    for name, kept in ((FIRST, []), (SECOND, [o for o in objects if "kind: NetworkPolicy" in o])):
        (timeline / name).mkdir(parents=True)
        (timeline / name / "policies.yaml").write_text("---\n".join(kept))
    capture = capture_of(folder, pcaps.connection(pcaps.CURL, 40000, pcaps.WEB, 8080))
    records = records_of(timeline, capture, "--manifests", stays)
    tap_.equal("objects that stay are named once, besides", [("allow", [(LATER, "deny")])],
               [told(record) for record in records])
    piped = netpold("--timeline", timeline, "--manifests", stays, "--output", "json", "-",
                    stdin=capture.read_bytes())
    tap_.equal("the capture may come from standard input", records,
               [json.loads(line) for line in piped.stdout.splitlines()])


def check_refused(tap_, folder):
    capture = capture_of(folder, CONNECTION)
    odd = make(folder, {FIRST: "allow"})
    (odd / "yesterday").mkdir()
    rows = [("a folder that is named by no time", [odd], "yesterday"),
            ("a timeline that is not there", [folder / "absent"], "absent")]
    empty = folder / "empty"
    empty.mkdir()
    (empty / "a-file").write_text("")
    (empty / ".hidden").mkdir()
    rows.append(("a folder without times", [empty], "no folder"))
    twice = folder / "twice"
    for name in ("2023-11-14T22:13:20Z", "2023-11-14T22:13:20.0Z"):
        (twice / name).mkdir(parents=True)
    rows += [("two folders of one time", [twice], "same time"),
             ("a cluster besides", [empty, "--kubeconfig", "x"], "--kubeconfig"),
             ("objects from standard input", [empty, "--manifests", "-"], "standard input")]
    for sentence, arguments, word in rows:
        done = netpold("--timeline", *arguments, capture)
        said = [line for line in done.stderr.decode().splitlines() if line.startswith("netpold")]
        tap_.true(f"{sentence}: one clear sentence, and exit status 2",
                  done.returncode == 2 and len(said) == 1 and word in said[0],
                  f"one line with {word}", done.stderr.decode())
    broken = make(folder, {FIRST: "allow", SECOND: "allow"})
    (broken / SECOND / "broken.yaml").write_text("kind: NetworkPolicy\napiVersion: networking.k8s.io/v1\n"
                                                 "metadata: {name: x, namespace: shop}\nspec: {podSelectors: {}}\n")
    done = netpold("--timeline", broken, capture)
    tap_.true("an object that is wrong is named when its time comes, and what was before it is told",
              done.returncode == 2 and b"broken.yaml" in done.stderr and b"3/2 " in done.stdout,
              "broken.yaml, and five packets", done)


def test(tap_):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        check_changes(tap_, folder)
        check_told(tap_, folder)
        check_summary(tap_, folder)
        check_joined(tap_, folder)
        check_refused(tap_, folder)


if __name__ == "__main__":
    tap.main(test)
