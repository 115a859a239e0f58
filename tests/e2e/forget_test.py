#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Threads open connections while policies change; what the kernel remembers never lets
one in too late.

    client, sender ── TCP 8080, 8081, UDP 9000, 9001 ──► web     by turns
    guest          ── TCP 8080 ────────────────────────► vault   always

Each edit closes and opens ports of web by chance. A port that was closed by one
edit and not opened by the next is closed from when the first is in force until
the next is written: not one connection may be begun and answered in between. Answers
last for an hour here, so that none of them is forgotten by itself; the build for
tests can be told so (fault.h). The topology is drawn in world.py.
"""

import bisect
import itertools
import os
import random
import time

import daemon
import manifests
import observer
import scenario
import tap
import world

SECONDS = float(os.environ.get("NETPOLD_FORGET_SECONDS", "8"))  # in each world
LASTING = "FAULT_POINTS=timeout=3600"
HOLD_S = 0.006  # how long an edit is left alone, once it is in force

PORTS = [("tcp", 8080), ("tcp", 8081), ("udp", 9000), ("udp", 9001)]
CHOICES = [list(some) for n in range(len(PORTS) + 1)
           for some in itertools.combinations(PORTS, n)]
KNOCKERS = ["client", "sender"]
VAULT = manifests.policy("vault-from-guests", "shop", {"app": "vault"},
                         ingress=[manifests.rule([manifests.namespaces(team="guests")])])


def policy_of(ports):
    """A port that nobody knocks at keeps the rule from being about all of them."""
    return scenario.allow_clients(manifests.port(4444), *(
        manifests.port(number, protocol.upper()) for protocol, number in ports))


def targets(world_):
    return [[protocol, world_.address("web", family), port]
            for protocol, port in PORTS for family in "46"]


def edit(world_, netpold):
    """Edits for a while; [(when it was in force, when the next was begun, closed ports)]"""
    draw = random.Random(int(os.environ.get("NETPOLD_SEED", "1")))
    closed_for, opened = [], list(PORTS)
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        begun = time.monotonic()
        if closed_for:
            closed_for[-1][1] = begun
        opened = draw.choice([some for some in CHOICES if some != opened])
        change = netpold.apply(policy_of(opened), VAULT)
        closed_for.append([change.at, 0.0, [port for port in PORTS if port not in opened]])
        time.sleep(HOLD_S)
    closed_for[-1][1] = time.monotonic()
    return closed_for


def late(closed_for, answered, wanted):
    """Which connections were begun and answered while their port was closed."""
    starts = [since for since, _, _ in closed_for]
    found = []
    for number, began, ended in answered:
        i = bisect.bisect_right(starts, began) - 1
        protocol, address, port = wanted[number]
        if i >= 0 and ended < closed_for[i][1] and (protocol, port) in closed_for[i][2]:
            found.append(f"{protocol} {port} at {address}, {(began - starts[i]) * 1000:.1f} ms "
                         "after it was in force")
    return found


def kept(world_, before):
    """How many answers about vault are still those that they were, and how many there were."""
    now = {name: set(members) for name, members in world_.netfilter.sets(answers=True).items()}
    there = [(name, member) for name, members in before.items() if name.startswith("netpold-a")
             for member in members if world_.address("vault", name[-1]) in member]
    return sum(member in now[name] for name, member in there), len(there)


def check_world(tap_, world_):
    tap_.section(world_.name)
    world_.folder.put("policies", policy_of(PORTS), VAULT)
    wanted = targets(world_)
    with daemon.Daemon(world_, daemon.REMEMBER, before=("env", LASTING),
                       program=daemon.FAULTY) as netpold:
        netpold.wait_in_force()
        world_["guest"].call("volley", tries=[
            ["tcp", world_.address("vault", family), 8080, True] for family in "46"])
        before = world_.netfilter.sets(answers=True)
        for name in KNOCKERS:
            world_[name].call("insist", targets=wanted)
        closed_for = edit(world_, netpold)
        reports = [world_[name].call("insist_end") for name in KNOCKERS]
        metrics = observer.metrics(world_)
        answered = [one for report in reports for one in report["answered"]]
        tap_.comment(f"{sum(report['asked'] for report in reports)} connections, "
                     f"{len(answered)} answered, {len(closed_for)} edits")
        tap_.comment(", ".join(f"{name} {metrics['netpold_kernel_cache_' + name]}" for name in (
            "hits_total", "rejudged_total", "deletions_total")))
        tap_.true("connections are answered", len(answered) > 100, "more than 100", len(answered))
        tap_.equal("NF-95: no connection is answered while its port is closed",
                   [], late(closed_for, answered, wanted)[:5])
        tap_.true("the kernel has given many answers itself",
                  metrics["netpold_kernel_cache_hits_total"] >
                  metrics["netpold_packets_total"] / 4, "a quarter as many as netpold",
                  f"{metrics['netpold_kernel_cache_hits_total']}, and netpold "
                  f"{metrics['netpold_packets_total']}")
        n_kept, n_there = kept(world_, before)
        tap_.comment(f"answers unrelated to the edits: {n_kept} of {n_there} are kept")
        tap_.equal("answers that no edit is about are kept", (n_there, True),
                   (n_kept, n_there > 0))


def test(tap_):
    daemon.faulty_must_exist()
    specs = scenario.specs("web", "vault", "client", "sender", "guest")
    for world_ in world.variants(specs, world.CROSS):
        check_world(tap_, world_)


if __name__ == "__main__":
    tap.main(test)
