#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""What `netpold status` tells is what has happened.

    client ──► web     allowed by web's policy
    guest  ──► web     denied by it

Counters are compared with the packets that were sent, as the rules of the
kernel count them, and the page with the log. The topology is drawn in world.py.
"""

import pathlib
import sys
import time

import daemon
import manifests
import observer
import probe
import scenario
import tap
import world
from probe import ALLOWED, DENIED, Probe

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "daemon"))
import schema  # noqa: E402

OPEN = scenario.allow_clients(*scenario.WEB_PORTS)
CLOSED = scenario.allow_clients(manifests.port(4444))
BROKEN = '{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}'

# One packet each, but for the SYNs that are sent again.
ROWS = [
    Probe("what is allowed is allowed", "client", "web", "udp", 9000, ALLOWED),
    Probe("also a second time", "client", "web", "udp", 9000, ALLOWED),
    Probe("also over TCP", "client", "web", "tcp", 8080, ALLOWED),
    Probe("what is denied is denied", "guest", "web", "udp", 9000, DENIED),
    Probe("also over TCP", "guest", "web", "tcp", 8080, DENIED),
]

FLOOD = 5000
STILL_S = 0.3  # who counts nothing for so long has counted all


def queued_by_rules(world_):
    return sum(world_.netfilter.queued(family) for family in "46")


def counted(values):
    return {word: values[f"netpold_packets_{word}_total"]
            for word in ("allowed", "passed", "denied", "unparsable", "unclassified",
                         "unanswered")}


def check_start(tap_, world_, started):
    done = observer.status(world_)
    tap_.equal("started: exit status 0", (0, ""), (done.returncode, done.stderr))
    tap_.true("started: the first line says so", done.stdout.splitlines()[0].endswith(
        f"on {world_.node_name}: all is in force"), "all is in force", done.stdout)
    status = observer.get(world_, "status")
    tap_.equal("started: generation, policies, pods and isolated addresses are those of the log",
               (started.generation, started.policies, started.pods, started.isolated_egress,
                started.isolated_ingress),
               (status["generation"], status["policies"], status["pods"],
                status["isolated"]["egress"], status["isolated"]["ingress"]))
    tap_.equal("started: flavour and mask are those in use", (world_.backend, "0x107f"),
               (status["iptables"], status["mark_mask"]))


def check_counters(tap_, world_):
    before = observer.metrics(world_)
    queued = queued_by_rules(world_)
    probe.check_all(tap_, world_, ROWS)
    after = observer.metrics(world_)
    queued = queued_by_rules(world_) - queued
    packets = after["netpold_packets_total"] - before["netpold_packets_total"]
    words = {word: n - counted(before)[word] for word, n in counted(after).items()}
    tap_.equal("as many packets are received as the rules have queued", queued, packets)
    tap_.equal("every packet has its verdict", packets,
               words["allowed"] + words["passed"] + words["denied"])
    tap_.equal("three flows are allowed in each family", 6, words["allowed"])
    tap_.true("two flows are denied in each family, TCP more than once", words["denied"] >= 4,
              "4 or more", words["denied"])
    tap_.equal("nothing is odd", {"unparsable": 0, "unclassified": 0, "unanswered": 0},
               {word: words[word] for word in ("unparsable", "unclassified", "unanswered")})
    tap_.equal("nothing waits, and nothing is lost", (0, 0, 0, 0), tuple(
        after[f"netpold_queue_{word}"] for word in (
            "waiting_packets", "dropped_packets_total", "user_dropped_packets_total",
            "overruns_total")))
    asked = sum(after[f"netpold_cache_{word}_total"] - before[f"netpold_cache_{word}_total"]
                for word in ("hits", "misses"))
    tap_.true("every packet has asked a question", asked >= packets, f"{packets} or more", asked)
    tap_.equal("nothing goes unjudged", 0, after["netpold_unjudged_packets_total"])
    page = observer.status(world_).stdout
    tap_.equal("the page says the same of packets", after["netpold_packets_total"],
               observer.number(page, r"\nall +0 +0 +0 +(\d+)"))


def check_json(tap_, world_):
    told = {name: observer.get(world_, name) for name in ("status", "metrics")}
    wrong = schema.violations({"version": 1, **told}, observer.SCHEMA)
    tap_.equal("what a daemon tells keeps to the schema", [], list(wrong))
    labels = {metric["name"]: [value.get("labels") for value in metric["values"]]
              for metric in told["metrics"]}
    workers = range(told["status"]["queues"]["count"])
    first = told["status"]["queues"]["first"]
    tap_.equal("each worker has its counters", [{"worker": str(i)} for i in workers],
               labels["netpold_packets_total"])
    tap_.equal("each queue has its counters", [{"queue": str(first + i)} for i in workers],
               labels["netpold_queue_waiting_packets"])
    tap_.true("memory is that of the process", 1 << 20 < observer.metrics(world_)[
        "netpold_resident_memory_bytes"] < 1 << 30, "1 MiB to 1 GiB", told["metrics"])


def check_change(tap_, world_, netpold):
    """A change that revokes, and what is remembered of it."""
    before = observer.metrics(world_)
    for family in "46":
        world_["client"].call("stream", name=f"s{family}", protocol="tcp", every_ms=5,
                              address=world_.address("web", family), port=8080)
        world_["client"].call("stream_wait", name=f"s{family}", count=3, since=0, timeout_ms=5000)
    change = netpold.apply(CLOSED)
    after, status = observer.metrics(world_), observer.get(world_, "status")
    tap_.equal("a change has a generation more", change.generation, status["generation"])
    revoked = (after["netpold_connections_revoked_total"] -
               before["netpold_connections_revoked_total"])
    tap_.equal("revoked connections are counted as in the log", change.revoked, revoked)
    tap_.true("… and there are some", revoked >= 2, "2 or more", revoked)
    times = status["last_change"]
    tap_.true("a change is received, then published, then in force",
              times["received_at"] <= times["published_at"] <= times["in_force_at"],
              "in this order", times)
    tap_.equal("a change is in force since it is", times["in_force_at"], status["in_force_since"])
    tap_.equal("connections are judged again once", 1,
               after["netpold_sweeps_total"] - before["netpold_sweeps_total"])
    for name in ("compile", "program", "publish", "sweep", "change"):
        tap_.equal(f"its time to {name} is counted once", 1,
                   after[f"netpold_{name}_seconds"] - before[f"netpold_{name}_seconds"])
    for family in "46":
        world_["client"].call("stream_stop", name=f"s{family}", patience_ms=0)
    netpold.apply(OPEN)


def check_refused(tap_, world_, netpold):
    """A mistake is told in every way there is (L23)."""
    line = netpold.wait_refusal(lambda: world_.folder.put_text("bad.yaml", BROKEN))
    reason = line.removeprefix("netpold: error: ").split("; generation")[0]
    done = observer.status(world_)
    tap_.equal("refused: exit status 1", (1, ""), (done.returncode, done.stderr))
    tap_.true("refused: the first line says so",
              "a change is REFUSED" in done.stdout.splitlines()[0], "REFUSED", done.stdout)
    tap_.true("refused: the page says why, as the log does",
              f"Refused      {reason}\n" in done.stdout, reason, done.stdout)
    tap_.true("refused: the page says what stays in force",
              f"In force     generation {netpold.generation}" in done.stdout,
              f"generation {netpold.generation}", done.stdout)
    tap_.equal("refused: the metric says so", 1, observer.metrics(world_)["netpold_refused"])
    start = len(netpold.log.lines)
    world_.folder.remove("bad.yaml")
    netpold.log.wait(lambda text, _at: text if "as they were" in text else None, start)
    done = observer.status(world_)
    tap_.equal("mended: exit status 0", 0, done.returncode)
    tap_.true("mended: nothing is said of it", "efused" not in done.stdout, "nothing",
              done.stdout)


def send(world_, source, count, port):
    """Datagrams to web, of a flow each."""
    world_[source].run("python3", "-c", f"""
import socket
for i in range({count}):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(b"x", ("{world_.address('web', '4')}", {port}))
""")


def check_overload(tap_, world_, netpold):
    """A daemon that stands still has full queues."""
    before = observer.metrics(world_)
    with netpold.asleep():
        send(world_, "guest", FLOOD, 9000)
    after = observer.metrics(world_)
    dropped = sum(after[name] - before[name] for name in (
        "netpold_queue_dropped_packets_total", "netpold_queue_user_dropped_packets_total"))
    tap_.true("what a full queue drops is counted", 0 < dropped < FLOOD, f"some of {FLOOD}",
              dropped)
    got = observer.wait_metric(world_, "netpold_unjudged_packets_total",
                               lambda n: n >= before["netpold_unjudged_packets_total"] + dropped)
    tap_.equal("dropped packets are unjudged, and no others", dropped,
               got - before["netpold_unjudged_packets_total"])
    page = observer.status(world_).stdout
    tap_.true("the page names the queue that was full",
              any(line.split()[2:3] not in (["0"], []) for line in page.splitlines()
                  if line.startswith("17")), "a line 17…", page)


def settled(world_, queued_before):
    """What rules and netpold have counted, once it has counted all and neither counts on: a
    worker tells a while after it has judged."""
    deadline, before = time.monotonic() + daemon.PATIENCE, None
    while True:
        queued, metrics = queued_by_rules(world_) - queued_before, observer.metrics(world_)
        told = metrics["netpold_packets_total"] + metrics["netpold_unjudged_packets_total"]
        if told >= queued and (queued, told) == before or time.monotonic() > deadline:
            return queued, told, metrics
        before = (queued, told)
        time.sleep(STILL_S)


def check_let_through(tap_, world_):
    """Of what a full queue lets through, the kernel keeps no count."""
    with daemon.Daemon(world_, daemon.ASK_ALWAYS, "--on-overload=accept") as netpold:
        netpold.wait_in_force()
        before = queued_by_rules(world_)
        with netpold.asleep():
            send(world_, "guest", FLOOD, 9000)  # some are answered, and that is queued, too
        tap_.equal("what has found its place in a queue is judged", 0, observer.wait_metric(
            world_, "netpold_queue_waiting_packets", lambda n: n == 0))
        queued, told, after = settled(world_, before)
        got = after["netpold_unjudged_packets_total"]
        tap_.true("what a full queue lets through is counted", got > 0, "1 or more", got)
        tap_.equal("every packet is judged, or is one of those", queued, told)
        tap_.equal("none was dropped by a queue", 0, after["netpold_queue_dropped_packets_total"])
        page = observer.status(world_).stdout
        tap_.equal("the page says how many were let through", got, observer.number(
            page, r"Unjudged +\d+ packets, of which (\d+) were let through"))


def check_world(tap_, world_):
    tap_.section(world_.name)
    world_.folder.put("policies", OPEN)
    with daemon.Daemon(world_, daemon.ASK_ALWAYS) as netpold:
        check_start(tap_, world_, netpold.wait_in_force())
        check_counters(tap_, world_)
        check_json(tap_, world_)
        check_change(tap_, world_, netpold)
        check_refused(tap_, world_, netpold)
        if world_.layout == "routed":  # of bridges nothing is different here
            check_overload(tap_, world_, netpold)
        tap_.equal("it stops in order", 0, netpold.stop())
    if world_.layout == "routed":
        check_let_through(tap_, world_)
    done = observer.status(world_)
    tap_.equal("stopped: exit status 2", (2, ""), (done.returncode, done.stdout))
    tap_.true("stopped: one line says so", "no netpold answers" in done.stderr,
              "no netpold answers", done.stderr)


def test(tap_):
    for world_ in world.variants(scenario.specs("web", "client", "guest")):
        check_world(tap_, world_)


if __name__ == "__main__":
    tap.main(test)
