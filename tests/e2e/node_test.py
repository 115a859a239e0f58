#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""The node and its own pods: probes, forged addresses, egress to the node.

The topology is drawn in world.py. `loner` is isolated both ways and no rule
lets anything in; the node reaches it nevertheless (NP-55, L4), because its
packets are born there, and not because of the address that they come from
(NF-9). Neighbour and listener discovery reach it as long as they come from its
own link, which their hop limit shows (NP-72, L5). A pod that claims an address
of the node does not get the node isolated (NP-53).

What a pod sends to its node comes by way of INPUT (NF-1, NP-57).

With --node-egress=allow, loner also reaches its node, and nobody else.
"""

import dataclasses

import daemon
import manifests
import packet
import parcel
import probe
import scenario
import tap
import traffic
import world
from parcel import ARRIVES, DROPPED, Parcel
from probe import ALLOWED, DENIED, Probe

PORT = 9000
SILENT_PORT = 9999  # nobody there: no echo that could be taken for an arrival
WAIT_MS = 5000
CONFIG = "/run/netpold.yaml"  # on the node
OTHER_ADDRESS = {"4": "192.0.2.1", "6": "2001:db8:2::1"}
ON_LINK, LISTENERS = range(133, 138), (130, 131, 132, 143)

ROWS = [
    Probe("a probe of the node reaches a pod that lets nothing in, over TCP",
          "node", "loner", "tcp", 8080, ALLOWED),
    Probe("a probe of the node reaches a pod that lets nothing in, over UDP",
          "node", "loner", "udp", 9000, ALLOWED),
    Probe("a ping of the node reaches a pod that lets nothing in",
          "node", "loner", "icmp", 0, ALLOWED),
    Probe("a probe of the node reaches a ClusterIP whose pod lets nothing in",
          "node", "service", "tcp", 80, ALLOWED),
    Probe("who is no node does not reach it", "outside", "loner", "tcp", 8080, DENIED),
    Probe("egress to the own node passes where a rule allows it (NP-57)",
          "talker", "node", "tcp", 8080, ALLOWED),
    Probe("egress to the own node is dropped on other ports",
          "talker", "node", "udp", 9000, DENIED),
    Probe("ping of the own node is dropped where no rule allows it",
          "talker", "node", "icmp", 0, DENIED),
    Probe("a pod that may send nothing does not reach its own node",
          "loner", "node", "tcp", 8080, DENIED),
    Probe("nor by the node's other address", "loner", "node", "tcp", 8080, DENIED,
          address=OTHER_ADDRESS),
    Probe("a pod without a policy reaches its node", "guest", "node", "tcp", 8080, ALLOWED),
    Probe("a pod without a policy pings its node", "guest", "node", "icmp", 0, ALLOWED),
]

# With --node-egress=allow. The last four end at what the node answers: errors
# of the network, too, take the way that replies take (L19).
ROWS_OF_ALLOW = [
    Probe("a pod that may send nothing reaches its own node, over TCP",
          "loner", "node", "tcp", 8080, ALLOWED),
    Probe("a pod that may send nothing reaches its own node, over UDP",
          "loner", "node", "udp", 9000, ALLOWED),
    Probe("a pod that may send nothing reaches its own node, over SCTP",
          "loner", "node", "sctp", 7000, ALLOWED),
    Probe("a pod that may send nothing pings its own node", "loner", "node", "icmp", 0, ALLOWED),
    Probe("it reaches the node's other address", "loner", "node", "tcp", 8080, ALLOWED,
          address=OTHER_ADDRESS),
    Probe("it reaches nobody else", "loner", "outside", "tcp", 8080, DENIED),
    Probe("no other pod either", "loner", "web", "tcp", 8080, DENIED),
    Probe("nobody else reaches it", "outside", "loner", "tcp", 8080, DENIED),
    Probe("ports of the node that no rule names are open", "talker", "node", "udp", 9000, ALLOWED),
    Probe("a probe of the node still reaches it", "node", "loner", "tcp", 8080, ALLOWED),
    Probe("a closed TCP port of the node says so", "loner", "node", "tcp", SILENT_PORT,
          traffic.REFUSED),
    Probe("a closed UDP port of the node says so", "loner", "node", "udp", SILENT_PORT,
          traffic.REFUSED),
]


def forged(addresses):
    """A datagram that claims to come from the node."""
    def build(_source, target, token):
        source = addresses["6" if ":" in target else "4"]
        return [packet.udp(source, target, 4711, SILENT_PORT, token)]
    return build


def discovery(kind, hop_limit):
    """An ICMPv6 message with room for data."""
    return lambda source, target, token: [
        packet.icmp6(source, target, kind, b"\0" * 20 + token, hop_limit)]


ATTACKS = [
    Parcel("a packet under the address of the pods' gateway", "guest", "loner",
           forged(world.GATEWAY), DROPPED),
    Parcel("a packet under the address of the node's uplink", "guest", "loner",
           forged(world.SITE.out(1)), DROPPED),
    *(Parcel(f"an ICMPv6 message of type {kind} with data and a hop limit of {hop_limit}",
             "guest", "loner", discovery(kind, hop_limit), DROPPED, ("6",))
      for kind in ON_LINK for hop_limit in (2, 64)),
    # Of a hop limit of 2 a router leaves 1, as from the same link.
    *(Parcel(f"an ICMPv6 message of type {kind} to a pod, with data and a hop limit of {hop_limit}",
             "guest", "loner", discovery(kind, hop_limit), DROPPED, ("6",))
      for kind in LISTENERS for hop_limit in (2, 64, 255)),
]
GENUINE = [
    Parcel(f"an ICMPv6 message of type {kind} with a hop limit of 255, from the same link",
           "guest", "loner", discovery(kind, 255), ARRIVES, ("6",))
    for kind in ON_LINK]


def check_attacks_without(tap_, world_):
    """They are packets that a node forwards. Of IPv4, Linux itself drops those under
    its address, unless they come by a bridge."""
    dropped = "4" if world_.layout == "routed" else ""
    parcel.check_all(tap_, world_, [
        dataclasses.replace(row, expected=ARRIVES,
                            families=tuple(each for each in row.families if each != dropped))
        for row in ATTACKS], "without netpold")


def check_attacks(tap_, world_):
    parcel.check_all(tap_, world_, ATTACKS, "attack")
    genuine = GENUINE
    if world_.layout == "routed":  # the node is between them
        genuine = [dataclasses.replace(row, name=f"{row.name}, and yet not", expected=DROPPED)
                   for row in GENUINE]
    parcel.check_all(tap_, world_, genuine, "genuine")


def check_claimed(tap_, world_, netpold):
    """Somebody's manifest says that the node's addresses are a pod's."""
    world_.folder.put("claim", manifests.pod(
        "claimer", "shop", world_.node_name,
        [world.GATEWAY["4"], world.GATEWAY["6"]], {"app": "loner"}))
    netpold.wait_in_force()
    members = {member for some in world_.netfilter.sets().values() for member in some}
    tap_.equal("an address of the node that a pod claims is in no set", set(),
               members & set(world.GATEWAY.values()))
    probe.check_all(tap_, world_, [
        Probe("the node is reached, though a pod that may get nothing claims its address",
              "guest", "node", "tcp", 8080, ALLOWED),
        Probe("and reaches its pods", "node", "loner", "tcp", 8080, ALLOWED)])


def check_world(tap_, world_):
    tap_.section(f"{world_.name}, without netpold")
    check_attacks_without(tap_, world_)
    tap_.section(world_.name)
    world_.add_service("service", scenario.SERVICE, "tcp", 80, "loner", 8080)
    world_.folder.put("policies", *scenario.policies())
    with daemon.Daemon(world_) as netpold:
        netpold.wait_in_force()
        for host in world_.hosts.values():
            host.run("ip", "neigh", "flush", "all")
        probe.check_all(tap_, world_, ROWS)
        check_attacks(tap_, world_)
        check_claimed(tap_, world_, netpold)
        tap_.equal("it stops in order", 0, netpold.stop())
    check_allowing(tap_, world_)


# ---- --node-egress=allow ---------------------------------------------------------

STREAMS = [(protocol, port, family) for protocol, port in (("tcp", 8080), ("udp", PORT))
           for family in "46"]


def open_streams(world_):
    for protocol, port, family in STREAMS:
        world_["loner"].call("stream", name=protocol + family, protocol=protocol, port=port,
                             address=world_.address("node", family))


def check_streams(tap_, world_, sentence, goes_on, since):
    for protocol, _, family in STREAMS:
        came = world_["loner"].call("stream_wait", name=protocol + family,
                                    count=10 if goes_on else 1, since=since,
                                    timeout_ms=WAIT_MS if goes_on else 400)
        tap_.true(f"IPv{family}: {protocol} of loner to its node {sentence}",
                  came >= 10 if goes_on else came == 0,
                  "10 answers" if goes_on else "none", came)


def check_allowing(tap_, world_):
    """Rules of an enforcing run stand; they are replaced, and later again."""
    world_.node.path(CONFIG).write_text("node-egress: allow\n")
    with daemon.Daemon(world_, "--config", CONFIG) as netpold:
        netpold.wait_in_force()
        probe.check_all(tap_, world_, ROWS_OF_ALLOW)
        parcel.check_all(tap_, world_, ATTACKS, "allowing")
        open_streams(world_)
        change = netpold.apply(manifests.policy("more", "shop", {"name": "loner"}, egress=[]),
                               name="more")
        check_streams(tap_, world_, "outlives a change of policies", True, change.at)
        tap_.equal("it stops in order", 0, netpold.stop())
    with daemon.Daemon(world_, "--config", CONFIG, "--node-egress", "enforce") as netpold:
        started = netpold.wait_in_force()
        check_streams(tap_, world_, "is cut when egress to the node is judged again", False,
                      started.at)
        tap_.equal("it stops in order", 0, netpold.stop())


def test(tap_):
    specs = scenario.specs("loner", "talker", "guest", "web")
    for world_ in world.variants(specs, world.CROSS):
        check_world(tap_, world_)


if __name__ == "__main__":
    tap.main(test)
