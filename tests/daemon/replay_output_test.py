#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What `netpold replay` tells, in other ways than by lines of text: CSV, a summary
by policy, captures of what is allowed and denied.

Prints TAP. NETPOLD names the program (default: build/netpold).
"""

import collections
import csv
import io
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
CASES = ROOT / "tests" / "cases"
SCHEMAS = ROOT / "include" / "netpold" / "schema"
NETPOLD = os.environ.get("NETPOLD", str(ROOT / "build" / "netpold"))

sys.dont_write_bytecode = True
sys.path[:0] = [str(CASES), str(ROOT / "tests" / "e2e")]
import make_pcaps as pcaps  # noqa: E402
import pcapng  # noqa: E402
import schema  # noqa: E402
import tap  # noqa: E402

FOLDERS = sorted(path for path in CASES.iterdir() if (path / "traffic.pcap").exists())
NAMESPACES = CASES / "allow-from-a-namespace-lets-its-pods-in"


def netpold(*arguments):
    return subprocess.run([NETPOLD, "replay", *map(str, arguments)], stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=60, check=False)


def replay(case, *arguments, capture=None):
    return netpold("--manifests", case / "cluster.yaml", *arguments, capture or case / "traffic.pcap")


def records_of(case, *arguments):
    return [json.loads(line) for line in
            replay(case, "--output", "json", *arguments).stdout.splitlines()]


def rows_of(case, *arguments):
    done = replay(case, "--output", "csv", *arguments)
    return list(csv.DictReader(io.StringIO(done.stdout.decode(), newline="")))


# ---- CSV ---------------------------------------------------------------------------


def as_row(record):
    """What CSV has to say of a decision record."""
    def end(name):
        at = record[name]
        return [at.get("namespace", ""), at.get("pod", ""), at["ip"], str(at.get("port", ""))]
    packets = record["packets"]
    return [record["time"], *end("from"), *end("to"), record["protocol"], record["verdict"],
            str(packets["there"]), str(packets["back"]), str(packets["icmp_errors"]),
            str(record["asked_both_ways"]).lower(), str(record.get("denied_alone", 0)),
            str(record.get("allowed_alone", 0)), str(len(record.get("changes", [])))]


def check_csv(tap_):
    for case in FOLDERS:
        sentence = case.name.replace("-", " ")
        rows = [list(row.values()) for row in rows_of(case)]
        tap_.equal(f"{sentence}: CSV says what JSON says", [as_row(record) for record in records_of(case)],
                   [row[:-1] for row in rows])
        text = replay(case).stdout.decode()
        tap_.equal(f"{sentence}: CSV gives the reasons that text gives", [],
                   [row[-1] for row in rows if row[-1] not in text])
    quoted = rows_of(NAMESPACES)[1]["why"]
    tap_.true("a reason with commas is one field", "shop/allow-web, shop/deny-ingress" in quoted,
              "both policies", quoted)


# ---- the summary -------------------------------------------------------------------------


def expected_summary(records):
    """Straight from the records: (policy, direction) to flows and packets by verdict."""
    counts = collections.Counter()
    for record in records:
        packets = record["packets"]["there"] + record["packets"]["back"]
        behind = []
        for direction in ("egress", "ingress"):
            side = record[direction]
            if side["verdict"] != record["verdict"]:
                continue
            behind += [(policy, direction) for policy in
                       ([side["policy"]] if side["reason"] == "rule" else side.get("isolated_by", []))]
        for who in behind or [(None, None)]:
            counts[*who, record["verdict"], "flows"] += 1
            counts[*who, record["verdict"], "packets"] += packets
    return counts


def seen_summary(lines):
    counts = collections.Counter()
    for line in lines:
        for key, verdict in (("allowed", "allow"), ("denied", "deny")):
            for what in ("flows", "packets"):
                counts[line.get("policy"), line.get("direction"), verdict, what] += line[key][what]
    return +counts


def check_summary(tap_):
    root = json.loads((SCHEMAS / "replay-summary.schema.json").read_text())
    for case in FOLDERS:
        sentence = case.name.replace("-", " ")
        lines = records_of(case, "--summary")
        tap_.equal(f"{sentence}: flows and packets are counted for the policies behind them",
                   expected_summary(records_of(case)), seen_summary(lines))
        tap_.equal(f"{sentence}: the summary keeps to its schema", [],
                   [wrong for line in lines for wrong in schema.violations(line, root)])
        rows = [[row["namespace"], row["policy"], row["direction"], int(row["allowed_flows"]),
                 int(row["denied_flows"]), int(row["allowed_packets"]), int(row["denied_packets"])]
                for row in rows_of(case, "--summary")]
        tap_.equal(f"{sentence}: CSV sums up as JSON does",
                   [[*line.get("policy", "/").split("/"), line.get("direction", ""),
                     line["allowed"]["flows"], line["denied"]["flows"],
                     line["allowed"]["packets"], line["denied"]["packets"]] for line in lines], rows)
    done = replay(NAMESPACES, "--summary")
    tap_.equal("as text it is a table", [
        "POLICY DIRECTION ALLOWED DENIED PACKETS OF DENIED",
        "shop/allow-web ingress 1 4 8 14",
        "shop/deny-ingress ingress 0 4 0 14",
    ], [" ".join(line.split()) for line in done.stdout.decode().splitlines()])
    tap_.equal("what is counted is told all the same", replay(NAMESPACES).stderr, done.stderr)


# ---- captures ------------------------------------------------------------------------------


def frames_of(capture):
    """(time in ns, frame) of a pcap file in microseconds."""
    data, at, frames = capture.read_bytes(), 24, []
    while at < len(data):
        seconds, us, length, _ = struct.unpack_from("<IIII", data, at)
        frames.append((seconds * 10**9 + us * 1000, data[at + 16:at + 16 + length]))
        at += 16 + length
    return frames


def check_written(tap_, folder):
    allowed, denied = folder / "allowed.pcapng", folder / "denied.pcapng"
    for case in FOLDERS:
        sentence = case.name.replace("-", " ")
        plain = replay(case)
        done = replay(case, "--write-allowed", allowed, "--write-denied", denied)
        tap_.equal(f"{sentence}: writing captures changes nothing that is told",
                   (plain.stdout, plain.stderr, 0), (done.stdout, done.stderr, done.returncode))
        links, passed = pcapng.read(allowed)
        _, dropped = pcapng.read(denied)
        tap_.equal(f"{sentence}: each packet is in one of both, as it was, with its time and link type",
                   ([1], sorted(frames_of(case / "traffic.pcap"))),
                   (links, sorted((p.ns, p.frame) for p in passed + dropped)))
        tap_.equal(f"{sentence}: comments begin with the verdict", ([], []),
                   ([p.comment for p in passed if not p.comment.startswith("allow: ")],
                    [p.comment for p in dropped if not p.comment.startswith("deny: ")]))
        reasons = {row["why"] for row in rows_of(case) if row["verdict"] == "deny"}
        tap_.equal(f"{sentence}: each reason for a denial is a comment", set(),
                   reasons - {p.comment.removeprefix("deny: ") for p in dropped})
        again = replay(case, capture=allowed)
        tap_.true(f"{sentence}: nothing of what is allowed is denied", b" denied: 0," in again.stderr,
                  "denied: 0", again.stderr)


def check_packets_alone(tap_, folder):
    """A packet can be judged otherwise than its flow, or not at all."""
    web, curl = pcaps.WEB, pcaps.CURL
    late = pcaps.tcp(web, 40000, curl, 80, pcaps.ACK)      # met in its middle: curl may have opened it
    against = pcaps.tcp(web, 40000, curl, 80, pcaps.SYN)   # web may not
    syn = pcaps.tcp(curl, 40001, web, 80, pcaps.SYN)
    frames = [pcaps.ethernet(packet) for packet in (late, syn)] + [pcaps.arp(), pcaps.ethernet(syn)[:38]]
    path = folder / "alone.pcap"
    path.write_bytes(pcaps.pcap([*frames, pcaps.ethernet(against)]))
    allowed, denied = folder / "allowed.pcapng", folder / "denied.pcapng"
    case = CASES / "deny-all-isolates-every-pod-of-its-namespace"
    replay(case, "--write-allowed", allowed, "--write-denied", denied, capture=path)
    dropped = [p.comment.split(":")[1].strip() for p in pcapng.read(denied)[1]]
    tap_.equal("what cannot be read is denied, and what is not IP is in neither",
               (["egress", "ingress", "cannot be read", "egress"], []),
               (dropped, pcapng.read(allowed)[1]))


def check_cut(tap_, folder):
    """A snap length: what was cut stays cut, and its length on the wire is kept."""
    frame = pcaps.ethernet(pcaps.udp(pcaps.CURL, 40000, pcaps.WEB, 80, b"x" * 500))
    header = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 64, pcaps.ETHERNET)  # nanoseconds
    packet = struct.pack("<IIII", pcaps.START, 123456789, 64, len(frame)) + frame[:64]
    path, denied = folder / "cut.pcap", folder / "denied.pcapng"
    path.write_bytes(header + packet)
    replay(NAMESPACES, "--write-denied", denied, capture=path)
    tap_.equal("a packet that was cut is written as it is, to the nanosecond",
               [(pcaps.START * 10**9 + 123456789, frame[:64], len(frame))],
               [(p.ns, p.frame, p.wire_len) for p in pcapng.read(denied)[1]])


def check_cut_in_link_header(tap_, folder):
    """What is too short to say what it is, and what is of a link type that nobody knows: counted, and written."""
    good = pcaps.ethernet(pcaps.tcp(pcaps.DB, 40001, pcaps.WEB, 8080, pcaps.SYN))
    frames = [(2, b"usb"), (0, good[:9]), (1, b"radio"), (0, good)]
    path, denied = folder / "cut.pcapng", folder / "denied.pcapng"
    path.write_bytes(pcapng.section(pcaps.ETHERNET, 147, 148, *range(149, 163)) + b"".join(
        pcapng.packet(interface, pcaps.START * 10**9 + i, frame) for i, (interface, frame) in enumerate(frames)) +
        b"".join(pcapng.packet(3 + i, pcaps.START * 10**9 + 10 + i, b"x") for i in range(14)))
    done = replay(NAMESPACES, "--write-denied", denied, capture=path)
    tap_.true("packets that are cut in their link header are counted", b"unparsable: 17," in done.stderr,
              "17", done.stderr)
    tap_.equal("and are in what is denied, with their link types",
               [(148, b"usb"), (pcaps.ETHERNET, good[:9]), (147, b"radio"), (pcaps.ETHERNET, good)] +
               [(149 + i, b"x") for i in range(14)],
               [(p.link, p.frame) for p in pcapng.read(denied)[1]])


def check_several_links(tap_, folder):
    """Packets stay of the link type of their interface."""
    path, allowed, denied = folder / "several.pcapng", folder / "allowed.pcapng", folder / "denied.pcapng"
    out = pcaps.tcp(pcaps.WEB, 40000, pcaps.OUTSIDE, 443, pcaps.SYN)
    back = pcaps.tcp(pcaps.OUTSIDE, 443, pcaps.WEB, 40000, pcaps.SYN | pcaps.ACK)
    in_ = pcaps.tcp(pcaps.DB, 40001, pcaps.WEB, 8080, pcaps.SYN)
    frames = [(0, out), (1, pcaps.ethernet(back)), (1, pcaps.ethernet(in_)), (0, in_)]
    path.write_bytes(pcapng.section(pcaps.RAW, pcaps.ETHERNET) + b"".join(
        pcapng.packet(interface, pcaps.START * 10**9 + i, frame) for i, (interface, frame) in enumerate(frames)))
    replay(NAMESPACES, "--write-allowed", allowed, "--write-denied", denied, capture=path)
    tap_.equal("of a capture of two link types each packet keeps its own",
               [[(pcaps.RAW, out), (pcaps.ETHERNET, pcaps.ethernet(back))],
                [(pcaps.ETHERNET, pcaps.ethernet(in_)), (pcaps.RAW, in_)]],
               [[(p.link, p.frame) for p in pcapng.read(file)[1]] for file in (allowed, denied)])
    path.write_bytes(pcaps.pcap([]))
    replay(NAMESPACES, "--write-allowed", allowed, capture=path)
    tap_.equal("a capture without packets is one all the same, for all who read it", ([1], []), pcapng.read(allowed))


def check_refused(tap_, folder):
    capture = folder / "same.pcap"
    capture.write_bytes((NAMESPACES / "traffic.pcap").read_bytes())
    before = capture.read_bytes()
    (folder / "x").write_text("mine")
    (folder / "link").symlink_to("x")
    for sentence, arguments, word in (
        ("the capture itself", ["--write-denied", folder / "." / "same.pcap"], "written over"),
        ("one file for both", ["--write-denied", folder / "x", "--write-allowed", folder / "x"], "both"),
        ("one file for both by two names", ["--write-denied", folder / "x", "--write-allowed", f"{folder}/./x"],
         "both"),
        ("one file for both by a link", ["--write-denied", folder / "x", "--write-allowed", folder / "link"], "both"),
        ("a folder that is not there", ["--write-denied", folder / "absent" / "x"], "absent"),
        ("a full disk", ["--write-allowed", "/dev/full"], "No space left"),
    ):
        done = replay(NAMESPACES, *arguments, capture=capture)
        said = [line for line in done.stderr.decode().splitlines() if line.startswith("netpold")]
        tap_.true(f"{sentence} is refused in one sentence, with exit status 2",
                  done.returncode == 2 and len(said) == 1 and word in said[0],
                  f"one line with {word}", done.stderr.decode())
    with capture.open("rb") as stdin:
        done = subprocess.run([NETPOLD, "replay", "--manifests", NAMESPACES / "cluster.yaml", "--write-allowed", capture,
                               "-"], stdin=stdin, capture_output=True, timeout=60, check=False)
    tap_.true("standard input that is the same file is refused", done.returncode == 2 and
              b"written over" in done.stderr, "written over", done)
    tap_.equal("a capture is never written over, and what is refused is as it was", (before, "mine"),
               (capture.read_bytes(), (folder / "x").read_text()))


def test(tap_):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        check_csv(tap_)
        check_summary(tap_)
        check_written(tap_, folder)
        check_packets_alone(tap_, folder)
        check_cut(tap_, folder)
        check_cut_in_link_header(tap_, folder)
        check_several_links(tap_, folder)
        check_refused(tap_, folder)


if __name__ == "__main__":
    tap.main(test)
