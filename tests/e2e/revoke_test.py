#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""A flow that is revoked is cut both ways, and stays cut (L8, NF-66).

    pinger  ◄──► free     egress of pinger revoked; free has no policy
    client  ◄──► web      ingress of web revoked; client has no policy
    outside ◄──► db       ingress of db revoked
    outside ◄──► loner    ingress of loner revoked
    guest   ◄──► vault    allowed throughout

Over each go TCP and UDP of both families, and both ends talk all the time: who
has no policy has nothing that would stop it but its peer's. "In force" is what
the daemon's log says; packets are looked for on the wires of the two ends from
then on.

db before the edit, and loner after it, sends packets that live for one hop
only. The node answers with ICMP errors, its own packets in the pod's flow,
which must not make the flow the node's own: that would pass for ever (NP-55,
NF-9). Packets without a TCP flag belong to no flow, and are no way around
either (NF-50). The topology is drawn in world.py.
"""

import re
import socket
import struct
import time

import daemon
import manifests
import netns
import packet
import scenario
import tap
import world

PORT = 7777
SILENCE_MS = 300  # how long a revoked flow is listened to
PROTOCOLS = ("tcp", "udp")

REVOKED = [("pinger", "free"), ("client", "web"), ("outside", "db"), ("outside", "loner")]
KEPT = [("guest", "vault")]
ERRORS = {"4": ("snmp", "OutTimeExcds"), "6": ("snmp6", "Icmp6OutTimeExcds")}

VAULT = manifests.policy("vault-from-guests", "shop", {"app": "vault"}, ingress=[
    manifests.rule([manifests.namespaces(team="guests")])])
OPEN = [
    manifests.policy("pinger-out", "shop", {"app": "pinger"}, egress=[
        manifests.to([manifests.pods(app="free")])]),
    manifests.policy("web-in", "shop", {"app": "web"}, ingress=[
        manifests.rule([manifests.pods(app="client")])]),
    manifests.policy("db-in", "shop", {"app": "db"}, ingress=[
        manifests.rule(scenario.outside_blocks())]),
    manifests.policy("loner-in", "shop", {"app": "loner"}, ingress=[
        manifests.rule(scenario.outside_blocks())]),
    VAULT,
]
CLOSED = [
    manifests.policy("pinger-out", "shop", {"app": "pinger"}, egress=[]),
    manifests.policy("web-in", "shop", {"app": "web"}, ingress=[]),
    manifests.policy("db-in", "shop", {"app": "db"}, ingress=[]),
    manifests.policy("loner-in", "shop", {"app": "loner"}, ingress=[]),
    VAULT,
]


class Flow:
    def __init__(self, world_, client, server, protocol, family):
        self.ends = {"up": world_[server], "down": world_[client]}  # who hears what
        self.client, self.protocol = client, protocol
        self.address = world_.address(server, family)
        self.peer = world_.address(client, family)
        self.name = f"{protocol.upper()} over IPv{family} from {client} to {server}"

    def begin(self):
        return self.ends["down"].begin("dialogue", name=self.name, protocol=self.protocol,
                                       address=self.address, port=PORT)


def flows(world_, pairs):
    return [Flow(world_, client, server, protocol, family) for client, server in pairs
            for protocol in PROTOCOLS for family in "46"]


def each_way(flows_, begin):
    """Ask both ends of every flow; {"up NAME": answer}, in the order of the flows."""
    begun = {f"{way} {flow.name}": begin(flow, way, end)
             for flow in flows_ for way, end in flow.ends.items()}
    return {key: future.result(netns.ANSWER_TIMEOUT) for key, future in begun.items()}


def check_going(tap_, sentence, flows_):
    heard = each_way(flows_, lambda flow, _, end: end.begin(
        "dialogue_wait", name=flow.name, count=5))
    tap_.equal(sentence, [], [key for key, count in heard.items() if count < 5])


def check_silent(tap_, sentence, flows_):
    """Nothing has come since watch(), nor comes for a while."""
    seen = each_way(flows_, lambda flow, way, end: end.begin(
        "watched", token=f"{way} {flow.name}\n", timeout_ms=SILENCE_MS))
    tap_.equal(sentence, [], [f"{key}: {count} packets" for key, count in seen.items() if count])


def watch(flows_):
    each_way(flows_, lambda flow, way, end: end.begin("watch", token=f"{way} {flow.name}\n"))


def hop_limit_errors(world_, family):
    """How many ICMP errors "time exceeded" the node has made."""
    file, name = ERRORS[family]
    text = world_.node.run("cat", f"/proc/net/{file}").stdout
    if family == "6":
        return int(re.search(rf"^{name}\s+(\d+)", text, re.M)[1])
    head, values = re.findall(r"^Icmp: (.*)", text, re.M)
    return int(values.split()[head.split().index(name)])


def send_one_hop(world_, pod):
    """Make the node answer with errors in the flows of a pod, over each protocol."""
    for protocol in PROTOCOLS:
        before = {family: hop_limit_errors(world_, family) for family in "46"}
        world_[pod].call("dialogue_hop_limit", protocol=protocol, limit=1)
        deadline = time.monotonic() + daemon.PATIENCE
        while not all(hop_limit_errors(world_, family) > before[family] for family in "46"):
            if time.monotonic() > deadline:
                raise netns.CommandError(f"the node made no ICMP error about {protocol}")
        world_[pod].call("dialogue_hop_limit", protocol=protocol, limit=64)


def send_without_flags(flows_):
    """A packet of no flow, from the server of each to its client."""
    for flow in flows_:
        header = struct.pack("!HHIIBBHHH", PORT, 4711, 1, 1, 5 << 4, 0, 1024, 0, 0)
        data = packet.ip(flow.address, flow.peer, socket.IPPROTO_TCP,
                         header + f"down {flow.name}\n".encode())
        flow.ends["up"].call("send_raw", data=data.hex(), destination=flow.peer)


def check_without_flags(tap_, flow):
    """They are packets that a node forwards."""
    token = f"down {flow.name}\n"
    flow.ends["down"].call("watch", token=token)
    send_without_flags([flow])
    tap_.equal("without netpold, a packet without a flag arrives", 1,
               flow.ends["down"].call("watched", token=token, timeout_ms=5000))


def make_flows(world_):
    """Those to be revoked, and the others; nobody talks yet."""
    for _, server in REVOKED + KEPT:
        for protocol in PROTOCOLS:
            world_[server].call("dialogue_listen", protocol=protocol, port=PORT)
    return flows(world_, REVOKED), flows(world_, KEPT)


def check_world(tap_, world_):
    tap_.section(world_.name)
    revoked, kept = make_flows(world_)
    # Every packet is answered with an error, not one a second.
    world_.node.sysctl("net/ipv4/icmp_ratelimit=0", "net/ipv6/icmp/ratelimit=0")
    check_without_flags(tap_, revoked[0])
    world_.folder.put("policies", *OPEN)
    with daemon.Daemon(world_) as netpold:
        netpold.wait_in_force()
        for future in [flow.begin() for flow in revoked + kept]:
            future.result(netns.ANSWER_TIMEOUT)
        check_going(tap_, "before the edit both ends of every flow hear each other",
                    revoked + kept)
        send_one_hop(world_, "db")
        check_going(tap_, "a packet that ends at the node harms no flow", revoked + kept)

        change = netpold.apply(*CLOSED)
        watch(revoked)
        tap_.true("the log counts the revoked flows", change.revoked >= len(revoked),
                  f"at least {len(revoked)}", change.revoked)
        check_silent(tap_, "in force, no packet of a revoked flow arrives at either end", revoked)
        send_one_hop(world_, "loner")
        check_silent(tap_, "a packet that ends at the node revives no revoked flow", revoked)
        send_without_flags(revoked)
        check_silent(tap_, "a packet of no flow does not arrive in place of one", revoked)
        check_going(tap_, "the flows of others go on", kept)


def test(tap_):
    specs = scenario.specs("web", "db", "vault", "loner", "pinger", "free", "client", "guest")
    for world_ in world.variants(specs, world.CROSS):
        check_world(tap_, world_)


if __name__ == "__main__":
    tap.main(test)
