#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Lookups of names through a Service with two backends: none times out (L2).

    client, pinger ── UDP 53, A and AAAA at once ──► ClusterIP ─┬─► web
                                                                └─► vault

All four are isolated, so that the first packets of every flow go through the
queue, the second before the first has its verdict. Each of the two may be sent
to another backend; then the connection tracking has to make one flow of them.
Where a resolver is not answered, it asks again after five seconds. The topology
is drawn in world.py.
"""

import daemon
import kube_proxy
import netns
import scenario
import tap
import world
from manifests import pods, policy, port, rule, to

N_LOOKUPS = 10000  # in both worlds together
CLIENTS = ("client", "pinger")
BACKENDS = ("web", "vault")
TIMEOUT_MS = 4000
DNS, TARGET = 53, 9000

DNS_PORT = [port(TARGET, "UDP")]
POLICIES = [
    *(policy(f"{name}-in", "shop", {"app": name},
             ingress=[rule([pods(app=client) for client in CLIENTS], DNS_PORT)], egress=[])
      for name in BACKENDS),
    *(policy(f"{name}-out", "shop", {"app": name},
             egress=[to([pods(app=backend) for backend in BACKENDS], DNS_PORT)], ingress=[])
      for name in CLIENTS)]


def start_service(world_):
    world_.services["dns"] = scenario.SERVICE
    kube_proxy.start(world_, [kube_proxy.Service(
        "dns", scenario.SERVICE, DNS, tuple((name, TARGET) for name in BACKENDS), "udp")])


def check_world(tap_, world_):
    tap_.section(world_.name)
    start_service(world_)
    world_.folder.put("policies", *POLICIES)
    count = N_LOOKUPS // len(CLIENTS) // len(world.CROSS)
    with daemon.Daemon(world_) as netpold:
        netpold.wait_in_force()
        before = sum(world_.netfilter.queued(family) for family in "46")
        begun = [world_[client].begin(
            "look_up", count=count, timeout_ms=TIMEOUT_MS, port=DNS,
            addresses=[world_.address("dns", family) for family in "46"]) for client in CLIENTS]
        failed = sum(future.result(netns.ANSWER_TIMEOUT) for future in begun)
        tap_.equal(f"of {count * len(CLIENTS)} lookups none lacks an answer", 0, failed)
        queued = sum(world_.netfilter.queued(family) for family in "46") - before
        tap_.comment(f"{queued} packets went through the queue")


def test(tap_):
    for world_ in world.variants(scenario.specs(*CLIENTS, *BACKENDS), world.CROSS):
        check_world(tap_, world_)


if __name__ == "__main__":
    tap.main(test)
