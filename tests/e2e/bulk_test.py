#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Large packets: those that nobody has cut yet, and those that do not fit.

    client ── TCP 8200, UDP 9200 ──► web     allowed; both are isolated
    client ── UDP 9201 ───────────► web      denied

What the stack leaves to the hardware to cut (GSO) waits in the queue whole, in
one place, and is delivered whole (L17, NF-25): the first datagrams of a flow,
and packets from the middle of a transfer whose connection the kernel has
forgotten. Where a link on the way is narrower, the router says so in an ICMP
error, about the flow of a pod that lets nothing in; without it the transfer
would never get anywhere (L19). The topology is drawn in world.py, and for two
nodes in cluster.py.
"""

import cluster
import daemon
import netns
import scenario
import tap
import world
from manifests import pods, policy, port, rule, to

PORT, SEGMENTS_PORT, DENIED_PORT = 8200, 9200, 9201
PORTS = [port(PORT), port(SEGMENTS_PORT, "UDP")]
POLICIES = [
    policy("web", "shop", {"app": "web"}, ingress=[rule([pods(app="client")], PORTS)], egress=[]),
    policy("client", "shop", {"app": "client"}, ingress=[], egress=[
        to([pods(app="web")], PORTS)])]

MTU, NARROW = 1500, 1400
N_SEGMENTS = 20
SILENCE_MS = 300
N_FLUSHES = 10
SIZE, RATE = 32 << 20, 64 << 20  # bytes, and bytes a second: while it is flushed
SMALL_SIZE = 4 << 20
TIMEOUT_MS = 10000


def counted(world_, family):
    """(packets queued, their bytes, places that they took)"""
    return (world_.netfilter.queued(family), world_.netfilter.queued_bytes(family),
            world_.netfilter.entries())


def since(world_, family, before):
    return tuple(after - first for after, first in zip(counted(world_, family), before))


# ---- datagrams ---------------------------------------------------------------

def check_segments(tap_, world_, family):
    before = counted(world_, family)
    sent = [f"{family} {number}".ljust(1000) for number in range(N_SEGMENTS)]
    address = world_.address("web", family)
    world_["client"].call("segments_send", address=address, port=SEGMENTS_PORT, segments=sent)
    came = world_["web"].call("segments_wait", count=N_SEGMENTS, timeout_ms=TIMEOUT_MS)
    tap_.equal(f"IPv{family}: datagrams in one packet arrive, each of them, in order", sent, came)
    packets, n_bytes, places = since(world_, family, before)
    tap_.equal(f"IPv{family}: the queue took them as one packet, in one place", (1, 1),
               (packets, places))
    tap_.true(f"IPv{family}: which was too large for the wire", n_bytes > MTU, f"more than {MTU}",
              n_bytes)
    world_["client"].call("segments_send", address=address, port=DENIED_PORT, segments=sent)
    tap_.equal(f"IPv{family}: to a port that is closed none of them arrives", [],
               world_["web"].call("segments_wait", count=1, timeout_ms=SILENCE_MS))


# ---- a transfer --------------------------------------------------------------

def check_transfer(tap_, world_, family):
    """Each time that the kernel forgets it, some of it goes through the queue."""
    before = counted(world_, family)
    transfer = world_["client"].begin("bulk_send", address=world_.address("web", family),
                                      port=PORT, size=SIZE, rate=RATE, timeout_ms=TIMEOUT_MS)
    for _ in range(N_FLUSHES):
        world_.node.run("conntrack", "-F")
    tap_.equal(f"IPv{family}: a transfer arrives whole, forgotten {N_FLUSHES} times", "whole",
               transfer.result(netns.ANSWER_TIMEOUT))
    packets, n_bytes, places = since(world_, family, before)
    tap_.equal(f"IPv{family}: each packet that was queued took one place", packets, places)
    tap_.true(f"IPv{family}: and some were too large for the wire", n_bytes > packets * MTU,
              f"more than {packets} times {MTU}", n_bytes)


def check_world(tap_, world_):
    tap_.section(world_.name)
    world_["web"].call("bulk_listen", port=PORT)
    for number in (SEGMENTS_PORT, DENIED_PORT):
        world_["web"].call("segments_listen", port=number)
    world_.folder.put("policies", *POLICIES)
    with daemon.Daemon(world_) as netpold:
        netpold.wait_in_force()
        for family in "46":
            check_segments(tap_, world_, family)
            check_transfer(tap_, world_, family)


# ---- a narrow link -----------------------------------------------------------

def narrow(cluster_):
    """The link between the router and node-b."""
    cluster_["outside"].ip(f"link set to-node-b mtu {NARROW}")
    cluster_["node-b"].ip(f"link set up0 mtu {NARROW}")


def check_narrow(tap_, cluster_, family):
    result = cluster_["client"].call("bulk_send", address=cluster_.address("web", family),
                                     port=PORT, size=SMALL_SIZE, timeout_ms=TIMEOUT_MS)
    tap_.equal(f"IPv{family}: a transfer finds its way through a narrow link (L19)", "whole",
               result)
    known = cluster_["client"].run("ip", f"-{family}", "route", "get",
                                   cluster_.address("web", family)).stdout
    tap_.true(f"IPv{family}: for the pod has heard of its width", f"mtu {NARROW}" in known,
              f"mtu {NARROW}", known)


def check_cluster(tap_, cluster_):
    tap_.section(cluster_.name)
    narrow(cluster_)
    cluster_["web"].call("bulk_listen", port=PORT)
    cluster_.put("policies", POLICIES)
    with cluster.Daemons(cluster_):
        for family in "46":
            check_narrow(tap_, cluster_, family)


def test(tap_):
    for world_ in world.variants(scenario.specs("web", "client"), world.CROSS):
        check_world(tap_, world_)
    for layout, backend in world.CROSS:
        with cluster.Cluster(layout, backend, scenario.specs("client"),
                             scenario.specs("web")) as cluster_:
            check_cluster(tap_, cluster_)


if __name__ == "__main__":
    tap.main(test)
