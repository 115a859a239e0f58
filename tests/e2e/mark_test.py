#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Packet marks of other programs are no answers, and stay theirs (NF-60).

    client ──► web     allowed by web's policy
    guest  ──► web     denied by it
    guest  ──► free    no policy at all

Somebody else marks every packet that comes in, before netpold sees it, with
two bits: 0x1, which many like to use and which lies under netpold's mask, and
0x80000, which does not. The topology is drawn in world.py.
"""

import daemon
import netfilter
import probe
import scenario
import tap
import world
from probe import ALLOWED, DENIED, Probe

INSIDE = 0x1       # under netpold's mask: netpold's while it judges a packet
OUTSIDE = 0x80000  # never netpold's

ROWS = [
    Probe("what is allowed passes over TCP", "client", "web", "tcp", 8080, ALLOWED),
    Probe("what is allowed passes over UDP", "client", "web", "udp", 9000, ALLOWED),
    Probe("what is allowed passes over SCTP", "client", "web", "sctp", 7000, ALLOWED),
    Probe("what is denied stays denied over TCP", "guest", "web", "tcp", 8080, DENIED),
    Probe("what is denied stays denied over UDP", "guest", "web", "udp", 9000, DENIED),
    Probe("what is denied stays denied over SCTP", "guest", "web", "sctp", 7000, DENIED),
    Probe("what is denied stays denied for ping", "guest", "web", "icmp", 0, DENIED),
    Probe("who is not isolated is reached", "guest", "free", "tcp", 8080, ALLOWED),
]


def put_foreign_rules(world_):
    """Mark what comes in; behind netpold, count packets by pod and bit."""
    for family in netfilter.FAMILIES:
        world_.netfilter.change(family, "mangle", "-A", "PREROUTING", "-j", "MARK",
                                "--set-mark", f"{INSIDE | OUTSIDE:#x}")
        for pod in ("client", "guest"):
            for bit in (INSIDE, OUTSIDE):
                for negation in ([], ["!"]):
                    world_.netfilter.change(
                        family, "mangle", "-A", "POSTROUTING",
                        "-s", world_.address(pod, family), "-m", "mark", *negation,
                        "--mark", f"{bit:#x}/{bit:#x}", "-m", "comment", "--comment",
                        f"{pod} {bit:#x} {'lost' if negation else 'kept'}")


def packets(world_, family, pod, bit):
    """(kept the bit, lost it)"""
    return [world_.netfilter.rule_packets(family, "POSTROUTING", f"{pod} {bit:#x} {word}")
            for word in ("kept", "lost")]


def check_bits(tap_, world_):
    for family in netfilter.FAMILIES:
        for pod, bit, sentence in (
                ("client", OUTSIDE, "a judged flow keeps a mark of others outside of the mask"),
                ("guest", OUTSIDE, "a flow that is not judged keeps it, too"),
                ("guest", INSIDE, "a flow that is not judged keeps a bit under the mask")):
            kept, lost = packets(world_, family, pod, bit)
            tap_.true(f"IPv{family}: {sentence}", kept > 0 and lost == 0,
                      "kept by all packets", f"kept by {kept}, lost by {lost}")


def check_world(tap_, world_):
    tap_.section(world_.name)
    put_foreign_rules(world_)
    world_.folder.put("policies", scenario.allow_clients(*scenario.WEB_PORTS))
    with daemon.Daemon(world_) as netpold:
        netpold.wait_in_force()
        probe.check_all(tap_, world_, ROWS)
        check_bits(tap_, world_)
        tap_.equal("no connection mark holds a bit of others", [], [
            hex(mark) for mark in world_.netfilter.marks()
            if mark & (INSIDE | OUTSIDE)])


def test(tap_):
    for world_ in world.variants(scenario.specs("web", "free", "client", "guest")):
        check_world(tap_, world_)


if __name__ == "__main__":
    tap.main(test)
