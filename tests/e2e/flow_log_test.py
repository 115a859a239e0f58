#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""What is judged is written down, with the policies behind it (L34), and whoever
reads it, or does not, is nothing to the packets.

    client ── TCP 8080, UDP 9000 ───────► web     allowed
    client ── TCP 8081, UDP 9001, ping ─► web     denied
    guest  ── UDP, all it can ──────────► web     denied: a flood

Every record is checked against the schema. At the end of each run all packets that
netpold has received are told of: by a record of their own, by a count, or by
how many of them were suppressed or lost. So are those that the kernel has answered by itself.
The topology is drawn in world.py.
"""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import sys
import tempfile
import time

import daemon
import observer
import probe
import scenario
import tap
import world
from probe import ALLOWED, DENIED, Probe

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/daemon"))
import schema  # noqa: E402

SCHEMA = json.loads((ROOT / "include/netpold/schema/decision.schema.json").read_text())

POLICY = "shop/web-from-clients"
ROWS = [
    Probe("TCP that is allowed", "client", "web", "tcp", 8080, ALLOWED),
    Probe("UDP that is allowed", "client", "web", "udp", 9000, ALLOWED),
    Probe("TCP that is denied", "client", "web", "tcp", 8081, DENIED),
    Probe("UDP that is denied", "client", "web", "udp", 9001, DENIED),
    Probe("a ping that is denied", "client", "web", "icmp", 0, DENIED),
]
PROTOCOLS = {"tcp": {"4": "TCP", "6": "TCP"}, "udp": {"4": "UDP", "6": "UDP"},
             "icmp": {"4": "ICMP", "6": "ICMPv6"}}
ECHO = {"4": {"type": 8, "code": 0}, "6": {"type": 128, "code": 0}}
STOPPED = re.compile(r"netpold: stopped: packets=(\d+) ")
TOTALS = re.compile(r"netpold: flow log: judged=(?P<judged>\d+) logged=(?P<logged>\d+) "
                    r"folded=(?P<folded>\d+) suppressed=(?P<suppressed>\d+) lost=(?P<lost>\d+) "
                    r"by_kernel=(?P<by_kernel>\d+) ends=(?P<ends>\d+)")
RATE = 5
KERNEL_FOLD_S = 2
FLOOD_S = 1.0
FLOODS_S = 60  # until something is lost
MANY = 1000  # packets, or it was no flood
PORTS = (20000, 60000)


class Lines:
    """A file of records, and what is in it so far."""

    def __init__(self, path):
        self.path = pathlib.Path(path)

    def records(self):
        """Of lines that are whole."""
        text = self.path.read_text() if self.path.exists() else ""
        return [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines()]

    def wait(self, enough):
        """Until enough(records); returns what there is then."""
        deadline = time.monotonic() + daemon.PATIENCE
        while not enough(self.records()) and time.monotonic() < deadline:
            time.sleep(0.02)
        return self.records()


def wait_received(world_, copied):
    """@copied  before the first copy, of a netpold that audits; otherwise None"""
    if copied is None:
        observer.wait_metric(world_, "netpold_queue_waiting_packets", lambda n: n == 0)
    else:
        observer.wait_metric(world_, "netpold_packets_total",
                             lambda n: n == world_.netfilter.copied() - copied)


@contextlib.contextmanager
def running(tap_, world_, *options, **more):
    """A netpold; at its end its counts have to be those of its packets. Gives it, and
    a dictionary that gets these counts."""
    totals = {}
    with daemon.Daemon(world_, *options, **more) as netpold:
        netpold.wait_in_force()
        copied = world_.netfilter.copied() if "--mode=audit" in options else None
        yield netpold, totals
        # What it receives while it stops is in the one count and not in the other.
        wait_received(world_, copied)
        status = netpold.stop()
        log = netpold.log.text()
        packets = int(STOPPED.search(log)[1])
        totals |= {name: int(n) for name, n in TOTALS.search(log).groupdict().items()}
    tap_.equal("it ends in order", 0, status)
    tap_.equal("all packets that it has received are judged", packets, totals["judged"])
    tap_.equal("all of them, what the kernel has answered, and ends are told of",
               totals["judged"] + totals["by_kernel"] + totals["ends"],
               sum(totals[name] for name in ("logged", "folded", "suppressed", "lost")))


def flow_of(record):
    return (record["from"].get("pod"), record["to"].get("pod"), record["protocol"],
            record["to"].get("port", 0), ":" in record["to"]["ip"])


def about(records, row, family):
    """The records of a row."""
    flow = (row.source, row.target, PROTOCOLS[row.protocol][family], row.port, family == "6")
    return [record for record in records if flow_of(record) == flow]


def check_records(tap_, records):
    tap_.equal("every record is as the schema says", [],
               [wrong for record in records for wrong in schema.violations(record, SCHEMA)][:5])


def check_row(tap_, world_, records, row, family):
    sentence = f"IPv{family}: {row.name}"
    found = about(records, row, family)
    tap_.true(f"{sentence} is written down", found, "a record", [flow_of(r) for r in records])
    if not found:
        return
    record = found[0]
    denied = row.expected == DENIED
    tap_.equal(f"{sentence}: verdict, mode, node, and what became of it",
               ("deny" if denied else "allow", "enforce", world_.node_name,
                "dropped" if denied else "flow-allowed"),
               (record["verdict"], record["mode"], record["node"], record["outcome"]))
    side = record["ingress"]
    tap_.equal(f"{sentence}: the policy is named", [POLICY],
               side.get("isolated_by") if denied else [side.get("policy")])
    tap_.equal(f"{sentence}: the sender's pod was asked, too", ["egress", "ingress"],
               record["directions"])
    if row.protocol == "tcp":
        tap_.equal(f"{sentence}: it was a SYN", True, "SYN" in record["tcp_flags"])
    if row.protocol == "icmp":
        tap_.equal(f"{sentence}: it was an echo request", ECHO[family], record["icmp"])


def check_told(tap_, world_, folder):
    """One record for each flow, and what it says."""
    lines = Lines(folder / "told")
    with running(tap_, world_, daemon.ASK_ALWAYS, "--flow-log", f"file:{lines.path}",
                 "--flow-log-labels", "on") as (netpold, totals):
        probe.check_all(tap_, world_, ROWS)
        records = lines.wait(lambda told: all(about(told, row, family)
                                              for row in ROWS for family in "46"))
        for row in ROWS:
            for family in "46":
                check_row(tap_, world_, records, row, family)
        labels = records[0]["to"].get("labels") if records else None
        tap_.true("labels are told where they are asked for", labels, "some", labels)
        check_status(tap_, world_)
        # Somebody moves it away.
        os.rename(lines.path, folder / "moved")
        netpold.process.send_signal(signal.SIGHUP)
        moved = Lines(lines.path).wait(lambda _: lines.path.exists())
        tap_.equal("SIGHUP begins a new file", (True, []), (lines.path.exists(), moved))
    tap_.equal("only root may read it", 0o600, lines.path.stat().st_mode & 0o777)
    records = Lines(folder / "moved").records() + lines.records()
    check_records(tap_, records)
    tap_.equal("all is told, and in the end all that was folded", totals["judged"],
               sum(record["count"] for record in records))
    tap_.equal("nothing was suppressed or lost", (0, 0), (totals["suppressed"], totals["lost"]))


def check_status(tap_, world_):
    told = observer.get(world_, "status")["flow_log"]
    tap_.equal("the status has the same sum", told["events"], sum(
        told[name] for name in ("logged", "folded", "suppressed", "lost", "waiting")))
    metrics = observer.metrics(world_)
    tap_.true("so have metrics", metrics["netpold_flow_log_events_total"] >=
              metrics["netpold_flow_log_records_total"] > 0, "more events than records, above 0",
              {name: n for name, n in metrics.items() if "flow_log" in name})
    page = observer.status(world_).stdout
    tap_.true("the page tells of it", re.search(r"Flow log +\d+ packets: ", page),
              "Flow log     … packets: …", page)


def check_folded(tap_, world_, folder):
    """Who knocks again and again is one record a second."""
    lines, knocks = Lines(folder / "folded"), 5
    row = ROWS[3]
    with running(tap_, world_, daemon.ASK_ALWAYS, "--flow-log", f"file:{lines.path}",
                 "--flow-log-fold", "1", "--flow-log-only", "denied") as (_, totals):
        for _ in range(knocks):
            world_["client"].call("try_once", protocol="udp", port=row.port, timeout_ms=1,
                                  address=world_.address("web", "4"))
        probe.check_all(tap_, world_, ROWS[:1])
        lines.wait(lambda told: sum(record["count"] for record in told) >= knocks)
    records = lines.records()
    check_records(tap_, records)
    found = about(records, row, "4")
    tap_.equal("the first of them is told at once, and alone", 1, found[0]["count"])
    tap_.equal("all of them are told", totals["logged"] + totals["folded"],
               sum(record["count"] for record in records))
    tap_.true("the others are told together", 2 <= len(found) < totals["judged"],
              f"from 2 to {totals['judged'] - 1} records", len(found))
    again = found[-1]
    tap_.true("with the times of the first and the last", again["first"] <= again["last"],
              "first before last", (again["first"], again["last"]))
    tap_.equal("what is allowed was not asked for", [],
               [record for record in records if record["verdict"] == "allow"])
    tap_.true("and is counted", totals["suppressed"] > 0, "more than 0", totals)


def by_kernel(world_):
    """Packets that the kernel has answered from memory, as its rules count them."""
    hits = next(metric for metric in observer.get(world_, "metrics")
                if metric["name"] == "netpold_kernel_cache_hits_total")
    return {value["labels"]["verdict"]: value["value"] for value in hits["values"]}


def told_by_kernel(records, verdict):
    return sum(record.get("by_kernel", 0) for record in records if record["verdict"] == verdict)


def settled(world_, before, least):
    """by_kernel(), which is not read every time that somebody asks, when it has grown by that
    much, and the log knows of all of it; or when that does not come."""
    observer.wait_metric(world_, "netpold_kernel_cache_hits_total",
                         lambda n: n >= sum(before.values()) + least)
    deadline, last, now = time.monotonic() + daemon.PATIENCE, None, by_kernel(world_)
    while time.monotonic() < deadline:
        known = observer.get(world_, "status")["flow_log"]["by_kernel"]
        if now == last and known == sum(now.values()) - sum(before.values()):
            break
        time.sleep(0.5)
        last, now = now, by_kernel(world_)
    return now


def check_kernel(tap_, world_, folder):
    """NF-95: what the kernel answers by itself nobody sees, and it is told of all the same: but
    for what was answered before the counts were first read, or since they were last read when a
    denial is forgotten, which is little, unless the machine is slow."""
    lines, knocks = Lines(folder / "kernel"), 25
    began = time.monotonic()
    rows = [ROWS[0], ROWS[3]]
    with running(tap_, world_, daemon.REMEMBER, "--flow-log", f"file:{lines.path}",
                 "--flow-log-fold", str(KERNEL_FOLD_S)) as (_, totals):
        before = by_kernel(world_)
        probe.check_all(tap_, world_, rows)
        lines.wait(lambda told: all(about(told, row, family) for row in rows for family in "46"))
        for family in "46":
            for row in rows * knocks:
                world_["client"].call("try_once", protocol=row.protocol, port=row.port,
                                      timeout_ms=1000 if row.protocol == "tcp" else 1,
                                      address=world_.address("web", family))
        after = settled(world_, before, 2 * knocks)
    most = (time.monotonic() - began) / KERNEL_FOLD_S + 2
    records = lines.records()
    check_records(tap_, records)
    for verdict in ("allow", "deny"):
        answered = after[verdict] - before[verdict]
        told = told_by_kernel(records, verdict)
        tap_.true(f"the kernel answers: {verdict}", answered >= knocks, f"at least {knocks}",
                  answered)
        tap_.true(f"and it is told, nothing of it twice: {verdict}",
                  answered / 2 <= told <= answered, f"{answered}, or a few less", told)
    tap_.equal("the sum says the same", totals["by_kernel"],
               sum(record.get("by_kernel", 0) for record in records))
    tap_.equal("all is told, in the end", totals["judged"] + totals["by_kernel"],
               sum(record["count"] for record in records))
    for row in rows:
        for family in "46":
            check_flow(tap_, about(records, row, family), f"IPv{family}: {row.name}", most)


def check_flow(tap_, records, sentence, most):
    """What the kernel has answered are repeats of what was judged."""
    first, more = records[0], records[1:]
    tap_.equal(f"{sentence}: the first was judged", (1, None),
               (first["count"], first.get("by_kernel")))
    tap_.true(f"{sentence}: the kernel's are told of together", 1 <= len(more) <= most,
              f"1 to {most:.0f} records", len(more))
    tap_.equal(f"{sentence}: for the same reason", [first["ingress"]] * len(more),
               [record["ingress"] for record in more])
    size = first["bytes"]
    tap_.equal(f"{sentence}: with the bytes that they had", [],
               [record for record in more if record["bytes"] != record["count"] * size])


def flood(world_):
    """Returns how many packets were sent."""
    world_["guest"].call("flood", address=world_.address("web", "4"), ports=PORTS)
    deadline, failed = time.monotonic() + FLOOD_S, 0
    while time.monotonic() < deadline:
        result = world_["client"].call("try_once", protocol="tcp", port=8080, timeout_ms=5000,
                                       address=world_.address("web", "4"))
        failed += not result["ok"]
    return world_["guest"].call("flooded"), failed


def check_limited(tap_, world_, folder):
    """A pod that floods fills nobody's disk."""
    lines, started = Lines(folder / "limited"), time.monotonic()
    with running(tap_, world_, daemon.ASK_ALWAYS, "--flow-log", f"file:{lines.path}",
                 "--flow-log-rate", str(RATE)) as (_, totals):
        sent, failed = flood(world_)
    most = RATE * (time.monotonic() - started + 2)
    records = [record for record in lines.records() if record["from"].get("pod") == "guest"]
    tap_.true("a pod floods", sent > MANY, f"more than {MANY}", sent)
    tap_.equal("nobody else notices", 0, failed)
    tap_.true("it has its share of records, no more", 0 < len(records) <= most,
              f"at most {most:.0f}", len(records))
    tap_.true("the others are counted as suppressed", totals["suppressed"] > MANY / 2,
              f"more than {MANY // 2}", totals)
    check_records(tap_, records)


@contextlib.contextmanager
def listening(folder):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket"))
        listener.listen(1)
        listener.settimeout(daemon.PATIENCE)
        yield listener
    (folder / "socket").unlink()


def check_slow_reader(tap_, world_, folder):
    """Who reads nothing holds nobody up."""
    with listening(folder) as listener:
        with running(tap_, world_, daemon.ASK_ALWAYS, "--flow-log", f"unix:{folder}/socket",
                     "--flow-log-rate", "0", "--flow-log-fold", "0") as (_, totals):
            reader, _ = listener.accept()
            with reader:
                failed = flood_until_lost(world_)
    tap_.equal("with a reader that reads nothing nobody is held up", 0, failed)
    tap_.true("what he misses is counted", totals["lost"] > 0, "more than 0", totals)


def flood_until_lost(world_):
    """Returns how many connections of others failed meanwhile."""
    deadline, failed = time.monotonic() + FLOODS_S, 0
    while not lost(world_) and time.monotonic() < deadline:
        failed += flood(world_)[1]
    return failed


def lost(world_):
    return observer.get(world_, "status")["flow_log"]["lost"]


def check_socket(tap_, world_, folder):
    """Nobody listens, somebody does, he goes, he comes back."""
    with running(tap_, world_, daemon.ASK_ALWAYS, "--flow-log", f"unix:{folder}/socket",
                 "--flow-log-fold", "0") as (netpold, totals):
        probe.check_all(tap_, world_, ROWS[:1])
        netpold.log.wait(lambda line, _: line if "cannot connect to" in line else None)
        for _ in range(2):
            with listening(folder) as listener:
                reader, _ = listener.accept()
                with reader, reader.makefile("r") as records:
                    probe.check_all(tap_, world_, ROWS[:1])
                    record = json.loads(records.readline())
                tap_.equal("a reader that comes gets whole records", [],
                           list(schema.violations(record, SCHEMA)))
            probe.check_all(tap_, world_, ROWS[:1])
    tap_.true("what nobody was there for is lost, and counted", totals["lost"] > 0,
              "more than 0", totals)
    warnings = [line for line in netpold.log.text().splitlines() if "warning: flow log" in line]
    tap_.true("the log tells each time that it begins, not each record", 1 <= len(warnings) <= 4,
              "1 to 4 lines", warnings)


def check_output(tap_, world_, folder):
    lines = Lines(folder / "output")
    with running(tap_, world_, daemon.ASK_ALWAYS, "--flow-log", "stdout",
                 before=("sh", "-c", f'exec "$@" > {lines.path}', "sh")) as (_, totals):
        probe.check_all(tap_, world_, ROWS[:1])
    records = lines.records()
    check_records(tap_, records)
    tap_.equal("standard output gets every record", totals["judged"],
               sum(record["count"] for record in records))


def check_refused(tap_, world_, folder):
    """Before anything stands."""
    (folder / "link").symlink_to(folder / "elsewhere")
    for sentence, name in (("in a folder that is not there", "no/file"), ("that is a link", "link"),
                           ("that is a folder", "")):
        with daemon.Daemon(world_, "--flow-log", f"file:{folder}/{name}") as netpold:
            tap_.equal(f"a file {sentence} is refused at the start", 2, netpold.wait_refused())
            tap_.true(f"and the log tells of it: {sentence}",
                      f"flow log: cannot write to '{folder}/{name}': " in netpold.log.text(),
                      "flow log: cannot write to …", netpold.log.text())


def check_world(tap_, world_):
    tap_.section(world_.name)
    world_.folder.put("policies", scenario.allow_clients(*scenario.WEB_PORTS))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="netpold-flows-"))
    try:
        for check in (check_told, check_folded, check_kernel, check_limited, check_slow_reader,
                      check_socket, check_output, check_refused):
            check(tap_, world_, folder)
    finally:
        shutil.rmtree(folder)


def test(tap_):
    for world_ in world.variants(scenario.specs("web", "client", "guest"), world.CROSS):
        check_world(tap_, world_)


if __name__ == "__main__":
    tap.main(test)
