#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""With --deny=reject, who is denied is told, and need not wait (L18).

    client ─► web      TCP, UDP, port 8081, 9001: denied by web's ingress
    sender ─► free     denied by sender's own egress
    sender ─► the node likewise
    outside ─► db      denied by db's ingress, from another host
    client ─► web      TCP 8080: allowed, then revoked while it is open

failure_test.py has what becomes of that while nobody judges. The topology is drawn
in world.py.
"""

import errno
import os

import daemon
import manifests
import observer
import probe
import scenario
import streams
import tap
import world
from probe import ALLOWED, REFUSED, Probe

PROHIBITED = {"4": os.strerror(errno.EHOSTUNREACH), "6": os.strerror(errno.EACCES)}

DENIED_FLOWS = [("client", "web", "tcp", 8081), ("client", "web", "udp", 9001),
                ("sender", "free", "tcp", 8080), ("sender", "free", "udp", 9000),
                ("outside", "db", "tcp", 8080), ("outside", "db", "udp", 9000),
                ("sender", "node", "tcp", 8080)]

POLICIES = [
    scenario.allow_clients(manifests.port("http")),
    manifests.policy("sender-out", "shop", {"role": "sender"}, egress=[]),
    manifests.policy("db-in", "shop", {"app": "db"}, ingress=[]),
]


def rows():
    for source, target, protocol, port in DENIED_FLOWS:
        for family in "46":
            expected = REFUSED if protocol == "tcp" else PROHIBITED[family]
            yield Probe(f"L18: {source} is told at once that {protocol.upper()} to {target} is "
                        "denied", source, target, protocol, port, expected, families=(family,))


def check_told(tap_, world_):
    probe.check_all(tap_, world_, list(rows()))
    least = 2 * len(DENIED_FLOWS)
    # A worker counts once it has told.
    rejected = observer.wait_metric(world_, "netpold_packets_rejected_total",
                                    lambda n: n >= least)
    tap_.true("whoever is told is counted", rejected >= least, f"{least} or more", rejected)
    told = observer.number(observer.status(world_).stdout, r"Rejected +(\d+) denied packets")
    tap_.equal("and the page says how many", rejected, told)


def check_revoked(tap_, world_, netpold):
    flows = streams.Streams(world_, [("client", "web", "tcp", 8080)])
    flows.flowing(0)
    netpold.apply(scenario.allow_clients(manifests.port(4444)), *POLICIES[1:])
    tap_.equal("a revoked connection is reset", [True, True],
               [world_["client"].call("stream_ended", name=name, timeout_ms=2000)
                for _, name in flows.streams])


def check_world(tap_, world_):
    tap_.section(world_.name)
    world_.folder.put("policies", *POLICIES)
    with daemon.Daemon(world_, "--deny", "reject") as netpold:
        netpold.wait_in_force()
        probe.check_all(tap_, world_, [
            Probe("what is allowed passes", "client", "web", "tcp", 8080, ALLOWED)])
        check_told(tap_, world_)
        check_revoked(tap_, world_, netpold)


def test(tap_):
    for world_ in world.variants(scenario.specs("web", "db", "sender", "client", "free")):
        check_world(tap_, world_)


if __name__ == "__main__":
    tap.main(test)
