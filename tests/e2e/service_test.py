#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Services are judged by who calls and by the pod that is called.

    node-a                          node-b
    web-a     nothing in but what   web-b     as web-a
              the table says
    client-a  egress: see POLICIES  client-b  no policy

and the host outside, which is client and server. Rules are those of kube-proxy
(kube_proxy.py). What they rewrite is judged behind the DNAT and before the
masquerading (NP-39, NF-1): a pod and its port, never a Service's address (NP-80) or
a node port (NP-59). A client that another node has masqueraded is that node;
with externalTrafficPolicy Local it keeps its address (L27). A pod that calls
itself through its Service is always let in (NP-50, L26). Masquerading goes by
a bit of the packet mark, which has to come through the queue (NF-37). The
topology is drawn in cluster.py.
"""

import dataclasses

import cluster
import kube_proxy
import netns
import probe
import tap
import world
from manifests import block, pods, policy, port, rule, to
from probe import ALLOWED, DENIED

LISTENS = (("tcp", 8080), ("udp", 9000))
LENGTHS = {"4": 32, "6": 128}
MANY = 40  # connections to a Service of two backends: both are chosen, surely

NODE_A, NODE_B = cluster.SITES
ROUTER_AT_A, ROUTER_AT_B = NODE_A.out(10), NODE_B.out(10)  # outside, as the nodes see it
NODE_PORT = {"web-a": 30081, "web-b": 30082}
LOCAL_PORT = 30083


def half(letter):
    return [world.PodSpec(f"web-{letter}", labels={"app": f"web-{letter}"}, listens=LISTENS),
            world.PodSpec(f"client-{letter}", labels={"app": f"client-{letter}"})]


def one_address(addresses):
    return [block(f"{addresses[family]}/{length}") for family, length in LENGTHS.items()]


# From outside: through a node port of node-a, and by the Local one of node-b.
WEB_IN = [rule([pods(app="client-a"), pods(app="client-b"), *one_address(ROUTER_AT_A),
                *one_address(ROUTER_AT_B)], [port(8080), port(9000, "UDP")])]
POLICIES = [
    policy("web-a-in", "shop", {"app": "web-a"}, ingress=WEB_IN, egress=[]),
    policy("web-b-in", "shop", {"app": "web-b"}, ingress=WEB_IN, egress=[]),
    policy("client-a-out", "shop", {"app": "client-a"}, egress=[
        to([pods(app="web-a")], [port(8080), port(9000, "UDP")]),
        to(one_address(ROUTER_AT_A) + one_address(NODE_B.out(1)), [port(8080)]),
        # Neither is of any use: nobody has these addresses behind the DNAT.
        to([block("10.96.0.0/16"), block("fd96::/64")]),
        to(one_address(NODE_A.gateway), [port(30082)])]),
]
# What reaches web-b through node-a comes from node-a.
NODE_A_IN = policy("web-b-from-node-a", "shop", {"app": "web-b"},
                   ingress=[rule(one_address(NODE_A.out(1)), [port(8080)])])


@dataclasses.dataclass
class Call:
    """A row; its name is a sentence that is true when it passes."""
    name: str
    source: str
    target: object  # a Service, or addresses by family
    port: int
    expected: str
    by: str = ""           # who answers
    seen_as: dict = None   # the client, as who answers sees it
    protocol: str = "tcp"


def services(cluster_):
    """{name: ClusterIP}, and the ports of all."""
    backends = {"both": ("web-a", "web-b"), "only-a": ("web-a",), "only-b": ("web-b",)}
    cluster_.services = {name: {"4": f"10.96.0.{number}", "6": f"fd96::{number}"}
                         for number, name in enumerate((*backends, "away", "api", "local"), 10)}
    result = []
    for name, chosen in backends.items():
        addresses = cluster_.services[name]
        node_port = NODE_PORT.get(chosen[0], 0) if len(chosen) == 1 else 0
        result += [kube_proxy.Service(name, addresses, 80, tuple((pod, 8080) for pod in chosen),
                                      node_port=node_port),
                   kube_proxy.Service(name, addresses, 53, tuple((pod, 9000) for pod in chosen),
                                      "udp")]
    return result + [
        kube_proxy.Service("away", cluster_.services["away"], 80, (("outside", 8080),)),
        kube_proxy.Service("api", cluster_.services["api"], 443, (("node-b", 8080),)),
        kube_proxy.Service("local", cluster_.services["local"], 80,
                           (("web-a", 8080), ("web-b", 8080)), node_port=LOCAL_PORT, local=True)]


def addresses_of_backends(cluster_):
    """For these two Services it matters which of its addresses a host is reached by."""
    elsewhere = {"node-b": NODE_B.out(1), "outside": ROUTER_AT_A}

    def address(name, family):
        return elsewhere[name][family] if name in elsewhere else cluster_.address(name, family)
    return address


# ---- rows ------------------------------------------------------------------

def of_pods(cluster_):
    client_a, client_b = cluster_["client-a"].addresses, cluster_["client-b"].addresses
    return [
        Call("egress to a ClusterIP is judged by the backend, on the same node",
             "client-a", "only-a", 80, ALLOWED, "web-a", client_a),
        Call("egress to a ClusterIP is judged by the backend, on another node",
             "client-a", "only-b", 80, DENIED),
        Call("a block with the range of Services opens nothing, for UDP either",
             "client-a", "only-b", 53, DENIED, protocol="udp"),
        Call("ingress from a pod of another node through a ClusterIP",
             "client-b", "only-a", 80, ALLOWED, "web-a", client_b),
        Call("ingress over UDP through a ClusterIP",
             "client-b", "only-a", 53, ALLOWED, "web-a", client_b, "udp"),
        Call("a Service whose backend is outside is judged by that address (NP-81)",
             "client-a", "away", 80, ALLOWED, "outside", client_a),
        Call("the API server is reached by its node's address and port (NP-82)",
             "client-a", "api", 443, ALLOWED, "node", client_a),
        Call("a pod that may send nothing does not reach the API server",
             "web-a", "api", 443, DENIED),
        Call("a pod that may send nothing does not reach what is outside",
             "web-a", "away", 80, DENIED),
        Call("what has no Service is judged as it is", "web-a", "web-b", 8080, DENIED),
    ]


def of_hairpin(_cluster):
    return [Call(f"a pod that may send nothing calls itself through its Service, {protocol}",
                 pod, name, number, ALLOWED, pod, site.gateway, protocol)
            for pod, name, site in (("web-a", "only-a", NODE_A), ("web-b", "only-b", NODE_B))
            for protocol, number in (("tcp", 80), ("udp", 53))]


def of_loopback(_cluster):
    """It never leaves the pod."""
    loopback = {"4": "127.0.0.1", "6": "::1"}
    return [Call("a pod that may send nothing talks to itself by loopback (NP-51)",
                 "web-a", loopback, 8080, ALLOWED, "web-a", loopback),
            Call("and by its own address", "web-a", "web-a", 8080, ALLOWED, "web-a")]


def of_node_ports(cluster_, from_node_a):
    """@from_node_a  web-b has a policy that lets node-a in."""
    to_b = (ALLOWED, "web-b", NODE_A.out(1)) if from_node_a else (DENIED,)
    gateway = NODE_A.gateway
    return [
        Call("a node port of the pod's own node: judged as the client, seen as the node",
             "outside", NODE_A.out(1), NODE_PORT["web-a"], ALLOWED, "web-a", gateway),
        Call("a node port of another node: judged as that node",
             "outside", NODE_A.out(1), NODE_PORT["web-b"], *to_b),
        Call("externalTrafficPolicy Local: judged and seen as the client (L27)",
             "outside", NODE_B.out(1), LOCAL_PORT, ALLOWED, "web-b", ROUTER_AT_B),
        Call("a pod that calls a node port of its node is judged by the backend",
             "client-a", gateway, NODE_PORT["web-a"], ALLOWED, "web-a", gateway),
        Call("a rule for the number of a node port opens nothing (NP-44)",
             "client-a", gateway, NODE_PORT["web-b"], DENIED),
        Call("the node calls its own node port, whose pod is its own",
             "node-a", gateway, NODE_PORT["web-a"], ALLOWED, "web-a", gateway),
        Call("the node's loopback is nobody's business (NP-51)",
             "node-a", {"4": "127.0.0.1", "6": "::1"}, 8080, ALLOWED, "node"),
    ]


def outcome(result, with_address):
    """(what became of it, who answered, as whom the client was seen)"""
    if not result["ok"]:
        return (probe.outcome(result),)
    return ALLOWED, result["by"], *((result["seen_as"],) if with_address else ())


def check_rows(tap_, cluster_, rows):
    begun = []
    for row in rows:
        for family in "46":
            address = row.target[family] if isinstance(row.target, dict) \
                else cluster_.address(row.target, family)
            begun.append((row, family, cluster_[row.source].begin(
                "try_once", protocol=row.protocol, address=address, port=row.port,
                timeout_ms=probe.DENIED_MS if row.expected == DENIED else probe.ALLOWED_MS)))
    for row, family, future in begun:
        seen = (row.seen_as[family],) if row.seen_as else ()
        expected = (ALLOWED, row.by, *seen) if row.expected == ALLOWED else (DENIED,)
        tap_.equal(f"IPv{family}: {row.name}", expected,
                   outcome(future.result(netns.ANSWER_TIMEOUT), row.seen_as))


def check_chance(tap_, cluster_):
    """One backend is allowed, the other is not: it depends on the choice alone."""
    for family in "46":
        futures = [cluster_["client-a"].begin(
            "try_once", protocol="tcp", address=cluster_.address("both", family), port=80,
            timeout_ms=probe.DENIED_MS) for _ in range(MANY)]
        tap_.equal(f"IPv{family}: a Service of two backends gets the verdict of the one chosen",
                   {(ALLOWED, "web-a"), (DENIED,)},
                   {outcome(future.result(netns.ANSWER_TIMEOUT), False) for future in futures})


def check_cluster(tap_, cluster_):
    tap_.section(cluster_.name)
    for half_ in cluster_.worlds:
        kube_proxy.start(half_, services(cluster_), addresses_of_backends(cluster_))
    cluster_.put("policies", POLICIES)
    with cluster.Daemons(cluster_) as daemons:
        check_rows(tap_, cluster_, [*of_pods(cluster_), *of_hairpin(cluster_),
                                    *of_loopback(cluster_), *of_node_ports(cluster_, False)])
        check_chance(tap_, cluster_)
        daemons.apply(*POLICIES, NODE_A_IN)
        tap_.section(f"{cluster_.name}, with a block that holds node-a")
        check_rows(tap_, cluster_, of_node_ports(cluster_, True))


def test(tap_):
    for layout, backend in world.CROSS:
        with cluster.Cluster(layout, backend, half("a"), half("b")) as cluster_:
            check_cluster(tap_, cluster_)


if __name__ == "__main__":
    tap.main(test)
