#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""A pod that sends as much as it can does not starve the others.

    guest  ── UDP, all it can ──► web     denied, every packet
    client ── TCP 8080 ─────────► web     allowed: opens one connection after the other
    client ── UDP 9000 ─────────► web     the same, with questions

guest sends from every CPU, to ports drawn by lot, so that nobody can remember
the answers, and to one port. What it fills are queues that client's packets
have to go through, too. How many of its packets come there has a limit, and
each source has its own. The topology is drawn in world.py.
"""

import itertools
import time

import daemon
import scenario
import tap
import world
from manifests import port

FLOODS = (("ports drawn by lot", (20000, 60000)), ("one port", (20000, 20001)))
FLOWS = (("tcp", 8080), ("udp", 9000))
N_FLOWS = 100
BUSY = 0.5       # seconds, after which those have to do that there were
PROMPT_MS = 900  # a SYN that got lost is sent again after a second
TIMEOUT_MS = 5000
MANY = 1000      # packets, or it was no flood
RATE, BURST = 20000, 2000  # of one source: packets a second, and at once
TICK = 1.5  # the kernel counts time in ticks, and is generous
NEW_PORTS = itertools.count(10000)  # nobody has asked for them, so that no answer is remembered


def open_flows(world_, protocol, number, family):
    """One after the other; (how many, those that failed, those that took long, seconds)"""
    results, started = [], time.monotonic()
    while len(results) < N_FLOWS and time.monotonic() < started + BUSY:
        results.append(world_["client"].call(
            "try_once", protocol=protocol, address=world_.address("web", family), port=number,
            timeout_ms=TIMEOUT_MS))
    failed = [result["error"] for result in results if not result["ok"]]
    late = [result for result in results if result["ok"] and result["ms"] > PROMPT_MS]
    return len(results), failed, len(late), time.monotonic() - started


def ask_anew(world_, web):
    """Who asks only for what is remembered, which comes before the limit, is forgotten by it in
    2 s (source_limit.h)."""
    for name in ("guest", "client"):
        world_[name].call("send_many", address=web, port=next(NEW_PORTS), count=1)


def check_flood(tap_, world_, what, ports, family):
    web = world_.address("web", family)
    before = world_.netfilter.queued(family)
    world_["guest"].call("flood", address=web, ports=ports)
    started = time.monotonic()
    served = {protocol: open_flows(world_, protocol, number, family)
              for protocol, number in FLOWS}
    ask_anew(world_, web)
    limited = world_.netfilter.limited_sources(family)
    sent = world_["guest"].call("flooded")
    took = time.monotonic() - started
    queued = world_.netfilter.queued(family) - before
    sentence = f"IPv{family}: a pod floods {what}"
    tap_.true(f"{sentence}: it sends very much", sent > MANY, f"more than {MANY}", sent)
    for protocol, (n_flows, failed, late, seconds) in served.items():
        flows = f"{protocol.upper()} flows of another"
        few = 1 + n_flows // 20
        if protocol == "tcp":  # what is lost is sent again
            tap_.equal(f"{sentence}: {flows} stand, each of them", [], failed)
        tap_.true(f"{sentence}: nearly all {flows} at once", late + len(failed) <= few,
                  f"at most {few} of {n_flows} late", late + len(failed))
        tap_.comment(f"{sentence}: {n_flows / seconds:.0f} {flows} a second")
    tap_.equal(f"{sentence}: there is a limit for each of the two", set(),
               {world_.address(name, family) for name in ("guest", "client")} - limited)
    most = BURST + RATE * TICK * took + len(FLOWS) * N_FLOWS
    tap_.true(f"{sentence}: and no more than that comes to the queue", queued <= most,
              f"at most {most:.0f}", queued)
    tap_.comment(f"{sentence}: {sent / took:.0f} packets a second were sent, "
                 f"{queued / took:.0f} came to the queue")


def check_world(tap_, world_):
    tap_.section(world_.name)
    world_.folder.put("policies", scenario.allow_clients(port(8080), port(9000, "UDP")))
    with daemon.Daemon(world_) as netpold:
        netpold.wait_in_force()
        world_["web"].call("watch", token="flood")
        for family in "46":
            for what, ports in FLOODS:
                check_flood(tap_, world_, what, ports, family)
        tap_.equal("no packet of the floods has arrived", 0,
                   world_["web"].call("watched", token="flood"))


def test(tap_):
    for world_ in world.variants(scenario.specs("web", "client", "guest"), world.CROSS):
        check_world(tap_, world_)


if __name__ == "__main__":
    tap.main(test)
