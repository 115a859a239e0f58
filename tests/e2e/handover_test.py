#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""One netpold takes over from another, and no packet tells.

    client ── TCP and UDP 7777, a new one every millisecond ──► web   allowed
    guest  ── the same, every 5 ms ──► web                            denied
    client ── TCP 8080, UDP 9000 ──► web       established, for all of the time

Twenty times a netpold starts beside the one that runs, gets its queues, and is
left alone. At every moment somebody has the sockets, so that the kernel drops
nothing of what waits (NF-23): every SYN and every datagram that client sends is
one that web gets. Verdicts of both count (NF-40); and who leaves, leaves rules,
sets and marks (NF-69, L13). The topology is drawn in world.py.
"""

import concurrent.futures
import contextlib
import threading
import time

import crossing
import daemon
import manifests
import observer
import probe
import scenario
import streams
import tap
import world
from probe import ALLOWED, DENIED, Probe

N_HAND_OVERS = 20
KNOCK_PORT = 7777
KNOCK_US = {"client": 1000, "guest": 5000}
ESTABLISHED = [("client", "web", "tcp", 8080), ("client", "web", "udp", 9000)]
POLICY = scenario.allow_clients(
    manifests.port("http"), manifests.port(9000, "UDP"), manifests.port(KNOCK_PORT),
    manifests.port(KNOCK_PORT, "UDP"))
MODES = ("open", "closed")


def new_flows(when):
    return [Probe(f"{when}, what is allowed still is", "client", "web", "tcp", 8080, ALLOWED),
            Probe(f"{when}, what is denied still is", "guest", "web", "tcp", 8080, DENIED)]


def start_knocking(world_, paces):
    """@paces  microseconds from one to the next, by pod"""
    for source, every_us in paces.items():
        world_[source].call("knock", name="all", every_us=every_us, targets=[
            [protocol, world_.address("web", family), KNOCK_PORT]
            for protocol in ("tcp", "udp") for family in "46"])


def stop_knocking(world_):
    """What became of those of client, and of those of guest, which are denied."""
    stopped = [world_[source].begin("knock_stop", name="all", patience_ms=patience_ms)
               for source, patience_ms in (("client", 2000), ("guest", probe.DENIED_MS))]
    return [future.result(daemon.PATIENCE) for future in stopped]


def knocks(world_):
    """How many connections of client have begun."""
    return world_["client"].call("knock_count", name="all")


def check_knocks(tap_, world_, counter, when, turns):
    """@turns  what knocks() said before and after each hand-over"""
    client, guest = stop_knocking(world_)
    counts = counter.stop()
    tap_.comment(f"{client['begun']} connections of client, the slowest took "
                 f"{client['slowest_ms']:.0f} ms; {guest['begun']} of guest")
    tap_.rises(f"{when}, there were connections all the time", turns)
    tap_.true(f"{when}, there were many connections", client["begun"] > 1000, "many",
              client["begun"])
    tap_.equal(f"{when}, every allowed connection is answered", client["begun"],
               client["answered"])
    tap_.equal(f"{when}, none is refused, none is given up", ({}, 0),
               (client["wrong"], client["silent"]))
    tap_.true(f"{when}, as many SYNs and datagrams as were sent have come through",
              crossing.lost(counts) == 0 and
              sum(sent for sent, _ in counts.values()) >= client["begun"],
              f"{client['begun']}, and what was sent again", counts)
    tap_.equal(f"{when}, no denied connection passes", (0, {}),
               (guest["answered"], guest["wrong"]))


def take_over(world_, old, *options, program=daemon.PROGRAM):
    """Start another beside one that runs; returns it when the old one has left."""
    new = daemon.Daemon(world_, *options, program=program)
    try:
        change = new.wait_in_force()
        status = old.wait_exit()
    except daemon.DaemonError:
        new.__exit__()
        raise
    return new, change, status


def check_many(tap_, world_, mode, pool):
    option = f"--on-failure={mode}"
    when = f"{N_HAND_OVERS} hand-overs, {mode}"
    current = daemon.Daemon(world_, option)
    stop = threading.Event()
    try:
        current.wait_in_force()
        asking = pool.submit(ask_all_along, world_, stop)
        flows = streams.Streams(world_, ESTABLISHED)
        counter = crossing.Crossing(world_, "client", "web", KNOCK_PORT)
        start_knocking(world_, KNOCK_US)
        before = world_.netfilter.rules(), world_.netfilter.sets()
        ends, took, turns = [], [], [knocks(world_)]
        for _ in range(N_HAND_OVERS):
            old = current
            current, change, status = take_over(world_, old, option)
            old.__exit__()
            ends.append((status, old.log.lines[-1][1].split(":")[1].strip()))
            took.append(change.took_ms)
            turns.append(knocks(world_))
        stop.set()
        check_knocks(tap_, world_, counter, when, turns)
        answers = asking.result(daemon.PATIENCE)
        tap_.true(f"{when}: whoever asks for the status gets an answer",
                  answers[True] > 100 and not answers[False], "answers, every time", answers)
        tap_.comment(f"from start to in force: {min(took):.0f} to {max(took):.0f} ms")
        tap_.equal(f"{when}: each old one leaves with status 0, and says why",
                   [(0, "handed over")] * N_HAND_OVERS, ends)
        tap_.equal(f"{when}: rules and sets stand as before",
                   before, (world_.netfilter.rules(), world_.netfilter.sets()))
        for name, report in flows.each("stream_stop"):
            tap_.equal(f"{when}: {name} lost no message", report["sent"], report["answered"])
        check_status(tap_, world_, current, when)
        probe.check_all(tap_, world_, new_flows("handed over"))
        current.apply(scenario.allow_clients(manifests.port(4444)))
        probe.check_all(tap_, world_, [Probe("handed over, a change is in force", "client", "web",
                                             "tcp", 8080, DENIED)])
        tap_.equal(f"{when}: the last one stops in order", 0, current.stop())
    finally:
        stop.set()
        current.__exit__()


def check_status(tap_, world_, netpold, when):
    status, counters = observer.get(world_, "status"), observer.metrics(world_)
    tap_.equal(f"{when}: `netpold status` tells of the last one",
               (0, netpold.process.pid, 1),
               (observer.status(world_).returncode, status["pid"], status["generation"]))
    tap_.equal(f"{when}: nothing went unjudged, no queue dropped a packet", [0, 0, 0, 0],
               [counters[f"netpold_{word}_total"] for word in (
                   "unjudged_packets", "queue_dropped_packets", "queue_user_dropped_packets",
                   "queue_overruns")])
    tap_.equal(f"{when}: nobody picks up flows from the one before", 0, status["picked_up"])


def ask_all_along(world_, stop):
    """How often `status` was answered, and how often not."""
    counts = {True: 0, False: 0}
    while not stop.is_set():
        try:
            counts[observer.get(world_, "status") is not None] += 1
        except (OSError, TypeError):
            counts[False] += 1
        time.sleep(0.002)
    return counts


def check_waiting(tap_, world_):
    """Who would be started again if it ended does not end, until it is told to."""
    world_.folder.put("policies", POLICY)
    with daemon.Daemon(world_, "--when-replaced=wait") as old, contextlib.ExitStack() as stack:
        old.wait_in_force()
        new = stack.enter_context(daemon.Daemon(world_, "--when-replaced=wait"))
        new.wait_in_force()
        old.log.wait(lambda line, _at: line if "waiting to be told to stop" in line else None)
        tap_.equal("replaced, it waits", None, old.process.poll())
        tap_.equal("replaced, it stops in order when it is told to", 0, old.stop())
        probe.check_all(tap_, world_, new_flows("the one that was replaced has stopped"))
        tap_.equal("the new one answers", new.process.pid, observer.get(world_, "status")["pid"])
        tap_.equal("not replaced, it stops when it is told to", 0, new.stop())


def test(tap_):
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        for world_ in world.variants(scenario.specs("web", "client", "guest"), world.CROSS):
            world_["web"].call("knock_listen", port=KNOCK_PORT)
            for mode in MODES:
                tap_.section(f"{world_.name}, {mode}")
                world_.folder.put("policies", POLICY)
                check_many(tap_, world_, mode, pool)
            tap_.section(world_.name)
            check_waiting(tap_, world_)


if __name__ == "__main__":
    tap.main(test)
