#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""IPv4 alone, IPv6 alone, and pods of one family beside those of both.

    web       both families; ingress: from app=client on TCP 8080, UDP 9000
    web-4, -6 one family; the same policy
    client    both families; client-4, client-6 have one; app=client
    guest     both families; guest-4, guest-6 have one
    caller-4  both families; egress: to all of IPv4
    caller-6  both families; egress: to all of IPv6

A rule about pods holds for all addresses of a pod, however many it has; one
about blocks only for those of its family (NP-37). The topology is drawn in
world.py; where a node has one family, so have all of its pods, and whoever is
outside.
"""

import daemon
import probe
import tap
import world
from manifests import block, pods, policy, port, rule, to
from probe import ALLOWED, DENIED, Probe
from world import PodSpec

LISTENS = (("tcp", 8080), ("udp", 9000))
KINDS = {"": "46", "-4": "4", "-6": "6"}
SPECS = [
    *(PodSpec(f"web{suffix}", labels={"app": "web"}, listens=LISTENS, families=families)
      for suffix, families in KINDS.items()),
    *(PodSpec(f"{name}{suffix}", labels={"app": name}, families=families)
      for name in ("client", "guest") for suffix, families in KINDS.items()),
    *(PodSpec(f"caller-{family}", labels={"app": f"caller-{family}"}) for family in "46"),
]
BLOCKS = {"4": "0.0.0.0/0", "6": "::/0"}
POLICIES = [
    policy("web", "shop", {"app": "web"}, ingress=[
        rule([pods(app="client"), pods(app="caller-4"), pods(app="caller-6")],
             [port(8080), port(9000, "UDP")])]),
    *(policy(f"caller-{family}", "shop", {"app": f"caller-{family}"},
             egress=[to([block(cidr)])]) for family, cidr in BLOCKS.items()),
]


def rows():
    """Between all that have a family in common."""
    for source, answer in (("client", ALLOWED), ("guest", DENIED)):
        for from_, has in KINDS.items():
            for to_, wants in KINDS.items():
                common = tuple(family for family in "46" if family in has and family in wants)
                for protocol, number in LISTENS if common else ():
                    yield Probe(f"{source}{from_} to web{to_}, {protocol.upper()}: {answer}",
                                f"{source}{from_}", f"web{to_}", protocol, number, answer,
                                families=common)
    for mine, block_ in BLOCKS.items():
        for family in "46":
            answer = ALLOWED if family == mine else DENIED
            yield Probe(f"with egress to {block_}, to a pod: {answer}", f"caller-{mine}", "web",
                        "tcp", 8080, answer, families=(family,))
            yield Probe(f"with egress to {block_}, to the outside: {answer}", f"caller-{mine}",
                        "outside", "tcp", 8080, answer, families=(family,))
            yield Probe(f"with egress to {block_}, to the node: {answer}", f"caller-{mine}",
                        "node", "tcp", 8080, answer, families=(family,))


def check_world(tap_, world_, sentence, rows_):
    tap_.section(f"{world_.name}, {sentence}")
    probe.check_all_allowed(tap_, world_, "without a policy everyone reaches everyone", rows_)
    with daemon.Daemon(world_) as netpold:
        netpold.wait_in_force()
        netpold.apply(*POLICIES)
        probe.check_all(tap_, world_, rows_)
        tap_.equal("it stops in order", 0, netpold.stop())


def of_family(family):
    """What is left where there is no other."""
    specs = [spec for spec in SPECS if spec.families == "46"]
    names = {spec.name for spec in specs} | {"outside", "node"}
    return specs, [row for row in rows() if {row.source, row.target} <= names
                   and family in row.families]


def check_single(tap_, layout, backend, family):
    specs, rows_ = of_family(family)
    for row in rows_:
        row.families = (family,)
    with world.World(layout, backend, specs, families=family) as world_:
        check_world(tap_, world_, f"IPv{family} alone", rows_)


def test(tap_):
    for (layout, backend), family in zip(world.CROSS, "46"):
        with world.World(layout, backend, SPECS) as world_:
            check_world(tap_, world_, "families mixed", list(rows()))
        check_single(tap_, layout, backend, family)


if __name__ == "__main__":
    tap.main(test)
