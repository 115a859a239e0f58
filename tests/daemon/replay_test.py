#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`netpold replay` over the cases of tests/cases, and over bad input.

Prints TAP. NETPOLD names the program (default: build/netpold). A case is a
folder with cluster.yaml, traffic.pcap and expected.txt; `--update` writes what
is seen as what is expected, for a person to read before it is committed.
"""

import gzip
import json
import os
import pathlib
import re
import signal
import struct
import subprocess
import sys
import tempfile
import time

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


def netpold(*arguments, stdin=None):
    return subprocess.run([NETPOLD, "replay", *map(str, arguments)], input=stdin or b"",
                          capture_output=True, timeout=60, check=False)


def replay(cluster, capture, *arguments):
    return netpold("--manifests", cluster, *arguments, capture)


# ---- cases ---------------------------------------------------------------------


def verdicts_of_text(text):
    return re.findall(r"  (allow|deny )  ", text)


def check_case(tap_, case, update):
    sentence = case.name.replace("-", " ")
    expected = case / "expected.txt"
    text = replay(case / "cluster.yaml", case / "traffic.pcap")
    got = text.stdout.decode() + text.stderr.decode()
    if update:
        expected.write_text(got)
    tap_.equal(sentence, expected.read_text() if expected.exists() else "(no expected.txt)", got)
    tap_.equal(f"{sentence}: exit status 0", 0, text.returncode)

    as_json = replay(case / "cluster.yaml", case / "traffic.pcap", "--output", "json")
    records = [json.loads(line) for line in as_json.stdout.splitlines()]
    root = json.loads(SCHEMA.read_text())
    wrong = [w for record in records for w in schema.violations(record, root)]
    tap_.equal(f"{sentence}: JSON keeps to its schema", [], wrong)
    tap_.equal(f"{sentence}: JSON says what text says",
               [verdict.strip() for verdict in verdicts_of_text(text.stdout.decode())],
               [record["verdict"] for record in records])


def check_cases(tap_, update):
    folders = sorted(path for path in CASES.iterdir() if (path / "traffic.pcap").exists())
    for case in folders:
        check_case(tap_, case, update)
    tap_.equal("every case of make_pcaps.py is there, and no other",
               sorted(pcaps.CASES), [case.name for case in folders])
    stale = [case.name for case in folders
             if (case / "traffic.pcap").read_bytes() != pcaps.CASES.get(case.name)]
    tap_.equal("the captures are what make_pcaps.py writes", [], stale)


# ---- JSON in detail --------------------------------------------------------------


def check_json(tap_):
    case = CASES / "allow-from-a-namespace-lets-its-pods-in"
    lines = replay(case / "cluster.yaml", case / "traffic.pcap", "--output", "json").stdout.splitlines()
    first, second = json.loads(lines[0]), json.loads(lines[1])
    tap_.equal("an allowed flow as JSON", {
         "time": "2023-11-14T22:13:20.000000000Z",
         "from": {"ip": pcaps.CURL, "port": 40000, "namespace": "client", "pod": "curl"},
         "to": {"ip": pcaps.WEB, "port": 80, "namespace": "shop", "pod": "web"},
         "protocol": "TCP",
         "verdict": "allow",
         "egress": {"verdict": "allow", "reason": "not-isolated"},
         "ingress": {"verdict": "allow", "reason": "rule", "policy": "shop/allow-web", "rule": 1},
         "packets": {"there": 4, "back": 4, "icmp_errors": 0},
         "asked_both_ways": False,
     }, first)
    tap_.equal("a denied flow names all that isolate, and the nearest rule", {
         "verdict": "deny", "reason": "no-rule-matches",
         "isolated_by": ["shop/allow-web", "shop/deny-ingress"],
         "nearest": {"policy": "shop/allow-web", "rule": 1, "misses": ["port"],
                     "would_match_if": "the port were 80/TCP (not 8080/TCP)"},
     }, second["ingress"])
    lines = replay(CASES / "deny-all-isolates-every-pod-of-its-namespace" / "cluster.yaml",
                   case / "traffic.pcap", "--output", "json").stdout.splitlines()
    tap_.equal("without rules none is the nearest", {
         "verdict": "deny", "reason": "no-rule-matches", "isolated_by": ["shop/deny-all"],
     }, json.loads(lines[0])["ingress"])


# ---- link types --------------------------------------------------------------------


def captured(frames, *links):
    """A pcapng file: frames of an interface for each link type, in turn."""
    return pcapng.section(*links) + b"".join(
        pcapng.packet(i % len(links), pcaps.START * 10**9 + i * 1_000_001, frame) for i, frame in enumerate(frames))


def cooked(packet):
    """As Linux has it, version 1."""
    return struct.pack("!HHH8sH", 0, 1, 6, bytes(8), pcaps.ethertype(packet)) + packet


def link_types():
    """Each way to wrap the same packets, as a sentence and a capture."""
    four = pcaps.connection(pcaps.CURL, 40000, pcaps.WEB, 80)
    six = pcaps.connection(pcaps.CURL6, 40000, pcaps.WEB6, 80)
    packets = [packet for pair in zip(four, six) for packet in pair]
    kind = pcaps.ethertype
    vlan, service = (0x8100, 7), (0x88A8, 9)

    yield "Ethernet", pcaps.pcap([pcaps.ethernet(p) for p in packets])
    yield "Ethernet with a VLAN tag", pcaps.pcap([pcaps.ethernet(p, [vlan]) for p in packets])
    yield "Ethernet with two VLAN tags", pcaps.pcap([pcaps.ethernet(p, [service, vlan]) for p in packets])
    yield "Ethernet with padding", pcaps.pcap([pcaps.ethernet(p) + b"\xff" * 12 for p in packets])
    yield "Linux cooked v1", pcaps.pcap(
        [cooked(p) for p in packets], pcaps.SLL)
    yield "Linux cooked v2", pcaps.pcap(
        [struct.pack("!HHIHBB8s", kind(p), 0, 1, 1, 0, 6, bytes(8)) + p for p in packets], pcaps.SLL2)
    yield "raw IP", pcaps.pcap(packets, pcaps.RAW)
    yield "BSD loopback, little-endian", pcaps.pcap(
        [struct.pack("<I", 30 if kind(p) == 0x86DD else 2) + p for p in packets], pcaps.NULL)
    yield "OpenBSD loopback", pcaps.pcap(
        [struct.pack("!I", 24 if kind(p) == 0x86DD else 2) + p for p in packets], pcaps.LOOP)
    yield "pcapng", captured([pcaps.ethernet(p) for p in packets], pcaps.ETHERNET)
    yield "pcapng with raw IP", captured(packets, pcaps.RAW)
    ways = (pcaps.ethernet, cooked, bytes)
    mixed = [ways[i % 3](p) for i, p in enumerate(packets)]
    yield "pcapng of three link types", captured(mixed, pcaps.ETHERNET, pcaps.SLL, pcaps.RAW)
    yield "pcapng of two sections, whose interfaces are others", (
        captured(packets[:4], pcaps.RAW) + captured([pcaps.ethernet(p) for p in packets[4:]], pcaps.ETHERNET))


def check_link_types(tap_, folder):
    cluster = CASES / "ipv6-is-judged-as-ipv4-is" / "cluster.yaml"
    for name, capture in link_types():
        path = folder / "link.pcap"
        path.write_bytes(capture)
        done = replay(cluster, path)
        got = [re.sub(r" +", " ", line).strip().split(" ", 1)[1] for line in done.stdout.decode().splitlines()[1:]]
        tap_.equal(f"{name}: the same flows", [
             "client/curl:40000 -> shop/web:80/TCP 4/4 allow ingress: shop/allow-web rule 1"
         ] * 2, got)


def check_one_link_family(tap_, folder):
    """IPv4-only and IPv6-only raw link types."""
    cluster = CASES / "ipv6-is-judged-as-ipv4-is" / "cluster.yaml"
    for name, link, ends in (("LINKTYPE_IPV4", 228, (pcaps.CURL, pcaps.WEB)),
                             ("LINKTYPE_IPV6", 229, (pcaps.CURL6, pcaps.WEB6))):
        path = folder / "link.pcap"
        path.write_bytes(pcaps.pcap(pcaps.connection(ends[0], 40000, ends[1], 80), link))
        done = replay(cluster, path)
        tap_.equal(f"{name} is read", b"packets: 8, flows: 1, allowed: 1, denied: 0, unparsable: 0, not IP: 0\n",
                   done.stderr)


# ---- bad input -----------------------------------------------------------------------


def one_sentence(stderr):
    lines = stderr.decode().splitlines()
    return [line for line in lines if line.startswith("netpold")]


def check_refused(tap_, sentence, done, words, n_flows=0):
    """Exit status 2, one line that has the words, and so many flows before it."""
    said = one_sentence(done.stderr)
    tap_.equal(f"{sentence}: exit status 2", 2, done.returncode)
    tap_.true(f"{sentence}: one clear sentence", len(said) == 1 and all(word in said[0] for word in words),
               f"one line with {words}", done.stderr.decode())
    flows = [line for line in done.stdout.decode().splitlines() if "->" in line and "/TCP" in line]
    tap_.equal(f"{sentence}: {n_flows} flows were reported", n_flows, len(flows))


def check_bad_input(tap_, folder):
    case = CASES / "allow-from-a-namespace-lets-its-pods-in"
    cluster, capture = case / "cluster.yaml", case / "traffic.pcap"
    whole = capture.read_bytes()
    path = folder / "bad.pcap"

    def with_bytes(data):
        path.write_bytes(data)
        return replay(cluster, path)

    check_refused(tap_, "a capture cut inside a packet", with_bytes(whole[:-7]), [str(path), "cut short"], 5)
    check_refused(tap_, "a capture cut inside a packet's header", with_bytes(whole[: 24 + 8]), ["cut short"])
    check_refused(tap_, "a file that is no capture", with_bytes(b"apiVersion: v1\nkind: Pod\n" * 4),
                  [str(path), "no pcap"])
    check_refused(tap_, "a compressed capture", with_bytes(gzip.compress(whole)), [str(path), "no pcap"])
    check_refused(tap_, "an empty file", with_bytes(b""), [str(path), "no pcap"])
    check_refused(tap_, "a packet longer than any can be",
                  with_bytes(whole[:24] + struct.pack("<IIII", 0, 0, 0x7FFFFFFF, 0x7FFFFFFF) + bytes(64)),
                  [str(path)])
    check_refused(tap_, "an unknown link type", with_bytes(pcaps.pcap([b"\0" * 32], 105)),
                  [str(path), "IEEE802_11", "Ethernet"])
    check_refused(tap_, "an unknown link type in pcapng", with_bytes(captured([b"\0" * 32], 105)),
                  [str(path), "IEEE802_11", "Ethernet"])
    check_refused(tap_, "a pcapng file whose packet is longer than its block",
                  with_bytes(pcapng.section(1) + pcapng.block(6, struct.pack("<IIIII", 0, 0, 0, 64, 64) + bytes(60))),
                  [str(path), "longer than its block"])
    check_refused(tap_, "a pcapng file with a packet of no interface",
                  with_bytes(captured([bytes(64)], 1) + pcapng.packet(1, 0, bytes(64))),
                  [str(path), "beyond packet 1", "interface"])
    check_refused(tap_, "a capture that is not there", replay(cluster, folder / "absent.pcap"),
                  ["absent.pcap", "No such file"])
    check_refused(tap_, "a folder as capture", replay(cluster, folder), [str(folder), "folder"])
    check_refused(tap_, "a manifests folder that is not there", replay(folder / "absent", capture), ["absent"])
    broken = folder / "broken.yaml"
    broken.write_text(cluster.read_text() + "---\nkind: NetworkPolicy\napiVersion: networking.k8s.io/v1\n"
                      "metadata: {name: x, namespace: shop}\nspec: {podSelectors: {}}\n")
    check_refused(tap_, "a policy with an unknown field", replay(broken, capture), ["broken.yaml", "podSelectors"])


def check_usage(tap_):
    for sentence, arguments, word in (
        ("no arguments", [], "capture"),
        ("no manifests", ["x.pcap"], "--manifests"),
        ("two captures", ["--manifests", "m", "x.pcap", "y.pcap"], "y.pcap"),
        ("an unknown option", ["--colour", "x.pcap"], "--colour"),
        ("an option without its value", ["x.pcap", "--manifests"], "--manifests"),
        ("an unknown format", ["--manifests", "m", "--output", "xml", "x.pcap"], "xml"),
        ("no flow at a time", ["--manifests", "m", "--max-flows", "0", "x.pcap"], "--max-flows"),
        ("flows that are no number", ["--manifests", "m", "--max-flows", "9x", "x.pcap"], "9x"),
        ("more flows than can be numbered", ["--manifests", "m", "--max-flows", "2147483649", "x.pcap"], "2147483648"),
        ("standard input twice", ["--manifests", "-", "-"], "standard input"),
    ):
        check_refused(tap_, sentence, netpold(*arguments), [word])
    shown = netpold("--help")
    tap_.equal("--help: exit status 0", 0, shown.returncode)
    tap_.true("--help fits one screen", 5 < len(shown.stdout.splitlines()) < 25, "a short text", shown.stdout)


# ---- a pipe --------------------------------------------------------------------------


def check_interrupt(tap_):
    """As in a terminal, where Ctrl-C reaches who writes and who reads."""
    case = CASES / "allow-from-a-namespace-lets-its-pods-in"
    capture = (case / "traffic.pcap").read_bytes()
    whole = replay(case / "cluster.yaml", case / "traffic.pcap")
    with subprocess.Popen([NETPOLD, "replay", "--manifests", case / "cluster.yaml", "-"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        child.stdin.write(capture + 100 * capture[24:])
        child.stdin.flush()
        wait_ignored(child.pid)
        child.send_signal(signal.SIGINT)
        child.stdin.close()
        told = child.stdout.read()
        status = child.wait(60)
    tap_.equal("what came through a pipe is told although somebody interrupts",
               (0, whole.stdout.splitlines()[:2]), (status, told.splitlines()[:2]))


def wait_ignored(pid):
    """Until a process ignores SIGINT."""
    for _ in range(1000):
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        if int(re.search(r"SigIgn:\s*(\w+)", status)[1], 16) >> (signal.SIGINT - 1) & 1:
            return
        time.sleep(0.01)


# ---- odd input that is read all the same ------------------------------------------------


def check_odd_input(tap_, folder):
    case = CASES / "allow-from-a-namespace-lets-its-pods-in"
    cluster, capture = case / "cluster.yaml", case / "traffic.pcap"
    whole = replay(cluster, capture)
    piped = netpold("--manifests", cluster, "-", stdin=capture.read_bytes())
    tap_.equal("standard input is a capture too", whole.stdout, piped.stdout)
    piped = netpold("--manifests", "-", capture, stdin=cluster.read_bytes())
    tap_.equal("manifests come from standard input too", whole.stdout, piped.stdout)

    syn = pcaps.tcp(pcaps.CURL, 40000, pcaps.WEB, 80, pcaps.SYN)
    frames = [pcaps.arp(), b"", pcaps.ethernet(syn)[:10], pcaps.ethernet(syn)[:22], pcaps.ethernet(syn)[:38],
              pcaps.ethernet(b"\x4f" + syn[1:])[:40], pcaps.ethernet(syn)]
    path = folder / "odd.pcap"
    path.write_bytes(pcaps.pcap(frames))
    done = replay(cluster, path)
    tap_.equal("what cannot be read is counted and passed over",
               "packets: 7, flows: 1, allowed: 1, denied: 0, unparsable: 5, not IP: 1\n", done.stderr.decode())
    tap_.equal("what cannot be read is no trouble", 0, done.returncode)

    path.write_bytes(captured([pcaps.ethernet(syn), b"\0" * 32], 1, 105))
    done = replay(cluster, path)
    tap_.equal("beside others, packets of an unknown link type are counted",
               (0, "packets: 2, flows: 1, allowed: 1, denied: 0, unparsable: 1, not IP: 0\n"),
               (done.returncode, done.stderr.decode()))

    path.write_bytes(pcaps.pcap([]))
    done = replay(cluster, path)
    tap_.equal("a capture without packets is no trouble",
               (0, "packets: 0, flows: 0, allowed: 0, denied: 0, unparsable: 0, not IP: 0\n"),
               (done.returncode, done.stderr.decode()))


def test(tap_):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        check_cases(tap_, "--update" in sys.argv)
        check_json(tap_)
        check_link_types(tap_, folder)
        check_one_link_family(tap_, folder)
        check_bad_input(tap_, folder)
        check_usage(tap_)
        check_odd_input(tap_, folder)
        check_interrupt(tap_)


if __name__ == "__main__":
    tap.main(test)
