#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Service addresses that are local to the node, as kube-proxy has them in IPVS mode.

    sender  egress: to web, UDP 9000      web    ingress: from app=client
    loner   egress: to a block, that of   vault  ingress: from app=client
            Services                      free   no policy
    client  no policy; app=client
    guest   no policy

The device kube-ipvs0 holds the addresses of Services for web, vault and free,
so that a pod's packet to one goes to INPUT, and from there out again through
OUTPUT (NF-5). relay.py does what IPVS does in between. Two things would be
wrong: to judge what comes to a Service's address as if it were the node's own
(NF-70), and to take what leaves the node for its own because of that, though
its source is a pod (NF-9). What pods send to the node itself is judged as ever
(NP-57). Services of this kind, too, have the verdict of the pod behind them
(L3). The topology is drawn in world.py.
"""

import dataclasses

import daemon
import netns
import packet
import probe
import scenario
import tap
import world
from manifests import block, pods, policy, port, rule, to
from probe import ALLOWED, DENIED

PORT, TARGET = 53, 9000
BACKENDS = ("web", "vault", "free")

POLICIES = [
    policy("web-in", "shop", {"app": "web"}, ingress=[rule([pods(app="client")])]),
    policy("vault-in", "shop", {"app": "vault"}, ingress=[rule([pods(app="client")])]),
    policy("sender-out", "shop", {"role": "sender"}, egress=[
        to([pods(app="web")], [port(TARGET, "UDP")])]),
    policy("loner-out", "shop", {"app": "loner"}, egress=[
        to([block("10.96.0.0/16"), block("fd96::/64")])]),
]


@dataclasses.dataclass
class Call:
    """A row; its name is a sentence that is true when it passes."""
    name: str
    source: str
    target: str  # the pod behind a Service, or the node
    expected: str


ROWS = [
    Call("a pod without a policy is let in by the backend's", "client", "web", ALLOWED),
    Call("a pod that the backend's policy does not name is kept out", "guest", "web", DENIED),
    Call("and reaches a backend without a policy", "guest", "free", ALLOWED),
    Call("egress is allowed by the backend's address and port", "sender", "web", ALLOWED),
    Call("egress to a backend that no rule names is dropped, though the backend lets it in",
         "sender", "vault", DENIED),
    Call("egress to a backend without a policy is dropped", "sender", "free", DENIED),
    Call("a block with the range of Services opens nothing (NP-80)", "loner", "free", DENIED),
    Call("what a pod sends to its own node is judged by the node's address",
         "sender", "node", DENIED),
    Call("a pod without a policy reaches its node", "client", "node", ALLOWED),
]


def vip(target, family):
    start = {"4": "10.96.0.", "6": "fd96::"}[family]
    return f"{start}{10 + BACKENDS.index(target)}"


def start_services(world_):
    """A bridge without ports will do for a dummy device: some kernels have none."""
    world_.node.ip("link add kube-ipvs0 type bridge", "link set kube-ipvs0 up",
                   *(f"address add {vip(target, family)}/{length} dev kube-ipvs0{flag}"
                     for target in BACKENDS
                     for family, length, flag in (("4", 32, ""), ("6", 128, " nodad"))))
    for target in BACKENDS:
        for family in "46":
            world_.node.call("relay", address=vip(target, family), port=PORT,
                             backend=world_.address(target, family), target=TARGET)


def begin(world_, row, family, question):
    """What is denied must not arrive either: its answer could be what was dropped."""
    to_node = row.target == "node"
    if not to_node:
        world_[row.target].call("watch", token=question)
    return world_[row.source].begin(
        "ask_anybody", port=TARGET if to_node else PORT, question=question,
        address=world_.address("node", family) if to_node else vip(row.target, family),
        timeout_ms=probe.DENIED_MS if row.expected == DENIED else probe.ALLOWED_MS)


def check_rows(tap_, world_, rows):
    begun = [(row, family, question, begin(world_, row, family, question))
             for number, row in enumerate(rows) for family in "46"
             for question in [f"question {number} {row.expected} {family}\n"]]
    for row, family, question, future in begun:
        got = ALLOWED if future.result(netns.ANSWER_TIMEOUT) else DENIED
        if got == DENIED and row.target != "node":
            got = "arrived" if world_[row.target].call("watched", token=question) else DENIED
        tap_.equal(f"IPv{family}: {row.name}", row.expected, got)


def forge(world_, port, word):
    """A pod calls web's Service under the node's address; returns whether it came through.

    IPv6 only: Linux itself drops such packets of IPv4. What a pod without a policy asks
    afterwards comes through, and is counted after it.
    """
    forged, asked = 1, 2
    world_["web"].call("count", word=word)
    packet_ = packet.udp(world_.address("node", "6"), vip("web", "6"), port, PORT,
                         f"{word} {forged};".encode())
    world_["guest"].call("send_raw", data=packet_.hex(), destination=vip("web", "6"))
    begin(world_, ROWS[0], "6", f"{word} {asked};").result(netns.ANSWER_TIMEOUT)
    came = dict(world_["web"].call("counted", word=word, numbers=[asked],
                                   timeout_ms=probe.ALLOWED_MS))
    if asked not in came:
        raise netns.CommandError(f"{word}: what was asked afterwards has not come through")
    return forged in came


def check_world(tap_, world_):
    start_services(world_)
    tap_.section(f"{world_.name}, without netpold")
    check_rows(tap_, world_, [dataclasses.replace(row, expected=ALLOWED) for row in ROWS])
    tap_.equal("a packet under the node's address comes through", True,
               forge(world_, 4711, "forged before"))
    tap_.section(world_.name)
    world_.folder.put("policies", *POLICIES)
    with daemon.Daemon(world_) as netpold:
        netpold.wait_in_force()
        check_rows(tap_, world_, ROWS)
        tap_.equal("a packet under the node's address is not the node's (NF-9)", False,
                   forge(world_, 4712, "forged after"))


def test(tap_):
    specs = scenario.specs("web", "vault", "free", "sender", "client", "guest", "loner")
    for world_ in world.variants(specs, world.CROSS):
        check_world(tap_, world_)


if __name__ == "__main__":
    tap.main(test)
