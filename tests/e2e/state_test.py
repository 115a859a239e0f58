#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""What connection tracking makes of a packet, and what becomes of it then.

    web     ingress: from app=client on TCP 8080, UDP 9000; egress: no policy
    vault   ingress: from app=client on TCP 8080, UDP 9000; egress: nothing
    free    no policy
    client  no policy; app=client
    guest   no policy

INVALID packets belong to no flow and cannot be judged: isolated pods neither
get nor send any (NF-50, NF-94). A TCP packet from the middle of a flow that
nobody knows passes where either end may open that flow, but a SYN only where
its sender may, whatever was let through before it (NF-53). Untracked packets
are judged one by one, in the same way (NF-51). When somebody flushes the
tracking, flows are met in their middle: what is allowed goes on. Packets are
made by hand where sockets would not send them. The topology is drawn in
world.py.
"""

import functools
import socket

import daemon
import netfilter
import packet
import parcel
import probe
import scenario
import tap
import world
from manifests import pods, policy, port, rule
from packet import ACK, SYN
from parcel import ARRIVES, DROPPED, Parcel
from probe import ALLOWED, DENIED, Probe

PODS = ("web", "vault", "free", "client", "guest")
EVERY_MS = 5
SILENCE_MS = 300

FROM_CLIENTS = [rule([pods(**scenario.CLIENT)], [port(8080), port(9000, "UDP")])]
WEB = policy("web-in", "shop", {"app": "web"}, ingress=FROM_CLIENTS)
VAULT = policy("vault", "shop", {"app": "vault"}, ingress=FROM_CLIENTS, egress=[])
VAULT_CLOSED = policy("vault", "shop", {"app": "vault"}, ingress=[], egress=[])

# Of these pods' own TCP: it would answer packets made by hand, and end the flow.
RESETS = ("OUTPUT", "-p", "tcp", "--tcp-flags", "RST", "RST", "-j", "DROP")


# ---- packets -----------------------------------------------------------------

def segment(flags, source_port, port_):
    """@source_port, @port_: both ends of the flow, so that rows can share one."""
    def build(source, target, token):
        return [packet.tcp(source, target, source_port, port_, flags, token)]
    return build


def without_flags(source, target, token):
    return segment(0, 4711, 8080)(source, target, token)


def bad_checksum(source, target, token):
    good = packet.tcp_segment(source, target, 4712, 8080, SYN, token)
    return [packet.ip(source, target, socket.IPPROTO_TCP, good[:16] + b"\x12\x34" + good[18:])]


def error_about_nothing(source, target, token):
    """Port unreachable, about a datagram that the target never sent."""
    quoted = packet.udp(target, source, 4713, 4714, token)
    kind, code = (1, 4) if ":" in source else (3, 3)
    return [packet.icmp_error(source, target, kind, code, quoted)]


INVALID = [
    row for build, what in (
        (without_flags, "a TCP packet without a flag"),
        (bad_checksum, "a SYN with a wrong checksum"),
        (segment(SYN | ACK, 4715, 8080), "a SYN-ACK that answers nothing"),
        (error_about_nothing, "an ICMP error about nothing"))
    for row in (
        Parcel(f"{what} does not reach an isolated pod from one that may call it",
               "client", "web", build, DROPPED),
        Parcel(f"{what} does not leave an isolated pod", "vault", "free", build, DROPPED),
        Parcel(f"{what} does not leave a pod that is isolated for ingress",
               "web", "client", build, DROPPED),
        Parcel(f"{what} passes between pods without a policy", "guest", "free", build, ARRIVES))
]

MIDDLE = [
    Parcel("an ACK from nowhere passes where its sender may open the flow",
           "client", "vault", segment(ACK, 5001, 8080), ARRIVES),
    Parcel("and where its receiver may", "vault", "client", segment(ACK, 8080, 5002), ARRIVES),
    Parcel("but not by the other port", "vault", "client", segment(ACK, 8081, 5003), DROPPED),
    Parcel("nor where neither may", "guest", "vault", segment(ACK, 5004, 8080), DROPPED),
    Parcel("nor where neither may, the other way",
           "vault", "guest", segment(ACK, 8080, 5005), DROPPED),
    # openers of the flows below
    Parcel("an ACK of the server", "web", "guest", segment(ACK, 8080, 5006), ARRIVES),
    Parcel("an ACK of the client", "guest", "web", segment(ACK, 5007, 8080), ARRIVES),
    Parcel("an ACK that looks like a reply", "vault", "client", segment(ACK, 8080, 5008), ARRIVES),
    Parcel("an ACK of a client that is allowed", "client", "web", segment(ACK, 5009, 8080),
           ARRIVES),
]
SYNS = [
    Parcel("an ACK of the server opens no way for a SYN of the client",
           "guest", "web", segment(SYN, 5006, 8080), DROPPED),
    Parcel("an ACK of the client opens no way for its SYN",
           "guest", "web", segment(SYN, 5007, 8080), DROPPED),
    Parcel("an ACK that looks like a reply opens no way for a SYN",
           "vault", "client", segment(SYN, 8080, 5008), DROPPED),
    Parcel("who is allowed to is not held up by an ACK from nowhere",
           "client", "web", segment(SYN, 5009, 8080), ARRIVES),
]
UNTRACKED = [
    Parcel("untracked, an ACK passes as a reply", "vault", "client", segment(ACK, 8080, 5010),
           ARRIVES),
    Parcel("untracked, a SYN does not pass as a reply", "vault", "client",
           segment(SYN, 8080, 5011), DROPPED),
    Parcel("untracked, an ACK of who may not send it is dropped", "guest", "vault",
           segment(ACK, 5012, 8080), DROPPED),
]
UNTRACKED_SOCKETS = [
    Probe(f"untracked, {sentence}, {protocol.upper()}", source, target, protocol, number, expected)
    for protocol, number in (("tcp", 8080), ("udp", 9000))
    for sentence, source, target, expected in (
        ("an allowed flow stands, and its replies pass", "client", "vault", ALLOWED),
        ("a denied flow does not stand", "guest", "vault", DENIED),
        ("a pod that may send nothing opens nothing", "vault", "client", DENIED),
        ("pods without a policy talk", "guest", "free", ALLOWED))]


# ---- checks ------------------------------------------------------------------

def check_packets(tap_, world_):
    parcel.check_all(tap_, world_, INVALID, "invalid")
    parcel.check_all(tap_, world_, MIDDLE, "middle")
    parcel.check_all(tap_, world_, SYNS, "syn")


def stream(world_, source, target, family):
    name = f"to {target}, IPv{family}"
    world_[source].call("stream", name=name, protocol="tcp", port=8080, every_ms=EVERY_MS,
                        address=world_.address(target, family))
    return functools.partial(world_[source].call, name=name)


def check_flush(tap_, world_, netpold):
    """conntrack -F, twice: the second finds flows that were picked up."""
    flows = {(source, family): stream(world_, source, "vault", family)
             for source in ("client", "node") for family in "46"}
    cut = [stream(world_, "client", "web", family) for family in "46"]
    for call in (*flows.values(), *cut):
        call("stream_wait", count=5)
    closed = policy("web-in", "shop", {"app": "web"}, ingress=[], egress=[])
    change = netpold.apply(closed, VAULT)
    for _ in range(2):
        world_.node.run("conntrack", "-F")
        # New flows come into being, so that this is after the flush.
        for family in "46":
            world_["client"].call("try_once", protocol="tcp", port=8080, timeout_ms=5000,
                                  address=world_.address("vault", family))
    for (source, family), call in flows.items():
        report = call("stream_stop")
        tap_.equal(f"IPv{family}: flushed, a flow of {source} that is allowed loses nothing (L11)",
                   report["sent"], report["answered"])
    tap_.equal("flushed, a flow that was revoked stays cut", [0, 0],
               [call("stream_wait", count=1, since=change.at, timeout_ms=SILENCE_MS)
                for call in cut])
    netpold.apply(WEB, VAULT)


def untrack(world_):
    for family in netfilter.FAMILIES:
        for chain in ("PREROUTING", "OUTPUT"):
            world_.netfilter.change(family, "raw", "-A", chain, "-j", "CT", "--notrack")


def check_untracked(tap_, world_, netpold):
    untrack(world_)
    parcel.check_all(tap_, world_, UNTRACKED, "untracked")
    probe.check_all(tap_, world_, UNTRACKED_SOCKETS)
    flows = [stream(world_, "client", "vault", family) for family in "46"]
    change = netpold.apply(WEB, VAULT_CLOSED)
    tap_.equal("untracked, a flow that is revoked is cut at once", [0, 0],
               [call("stream_wait", count=1, since=change.at, timeout_ms=SILENCE_MS)
                for call in flows])


def check_world(tap_, world_):
    tap_.section(world_.name)
    for pod in PODS:
        for family in netfilter.FAMILIES:
            netfilter.Netfilter(world_[pod], world_.backend).change(
                family, "filter", "-A", *RESETS)
    world_.folder.put("policies", WEB, VAULT)
    with daemon.Daemon(world_) as netpold:
        netpold.wait_in_force()
        check_packets(tap_, world_)
        check_flush(tap_, world_, netpold)
        check_untracked(tap_, world_, netpold)


def test(tap_):
    for world_ in world.variants(scenario.specs(*PODS), world.CROSS):
        check_world(tap_, world_)


if __name__ == "__main__":
    tap.main(test)
