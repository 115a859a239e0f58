#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Two nodes, each with its own netpold: one table of verdicts for all ways.

    node-a               node-b
    web-a    shop        web-b    shop      ingress: see POLICIES
    client-a shop        client-b shop      egress: to web; app=client
    guest-a  guests      guest-b  guests    no policy

A pod is called at its address and through a ClusterIP, from its own node and
from the other: one row, one verdict (L3, NP-80). The first is also what is
left of a headless Service (NP-83), and of one that sockets or eBPF have
translated (NP-84). The port named http is 8080
in web-a and 8081 in web-b. What client may not send is dropped where client
runs, what web does not take is dropped where web runs. Who is on a node is let
in by its own pods and by no others (NP-55, NP-56, L4). What is judged are the
real ends (NF-1). The topology is drawn in cluster.py.
"""

import dataclasses

import cluster
import kube_proxy
import manifests
import netns
import tap
import volley
import world
from manifests import block, namespaces, pods, policy, port, rule, to

CLIENT = {"app": "client"}
LISTENS = (("tcp", 8080), ("tcp", 8081), ("tcp", 8082), ("udp", 9000), ("udp", 9001),
           ("sctp", 7000), ("sctp", 7001))
HTTP = {"web-a": 8080, "web-b": 8081}


def half(letter):
    web = f"web-{letter}"
    return [world.PodSpec(web, labels={"app": "web"}, listens=LISTENS,
                          ports=(("http", HTTP[web], "TCP"),)),
            world.PodSpec(f"client-{letter}", labels=CLIENT, listens=LISTENS),
            world.PodSpec(f"guest-{letter}", namespace="guests", labels=CLIENT)]


POLICIES = [
    policy("web-in", "shop", {"app": "web"}, ingress=[
        rule([pods(**CLIENT)],
             [port("http"), port(8082), port(9000, "UDP"), port(7000, "SCTP")]),
        rule([namespaces(team="guests")])]),
    policy("client-out", "shop", CLIENT, egress=[
        to([pods(app="web")],
           [port("http"), port(9000, "UDP"), port(9001, "UDP"), port(7000, "SCTP")])]),
]
NODE_POLICY = policy("web-from-node-a", "shop", {"app": "web"}, ingress=[
    rule([block(f"{cluster.SITES[0].out(1)[family]}/{length}")
          for family, length in (("4", 32), ("6", 128))], [port("http")])])

PORTS = (("tcp", "http"), ("tcp", "the other of 8080 and 8081"), ("tcp", 8082), ("udp", 9000),
         ("udp", 9001), ("sctp", 7000), ("sctp", 7001), ("icmp", 0))
# Which of these ports of web are open, and for whom.
OPEN = {
    "client": [("tcp", "http"), ("udp", 9000), ("sctp", 7000)],
    "guest": list(PORTS),
    "web": [],
    "outside": [],
}


@dataclasses.dataclass
class Way:
    """A pod that calls a web on some port."""
    source: str
    target: str
    protocol: str
    port: object
    allowed: bool

    @property
    def number(self):
        if isinstance(self.port, int):
            return self.port
        return HTTP[self.target] if self.port == "http" else 8080 + 8081 - HTTP[self.target]

    @property
    def sentence(self):
        where = "on one node" if self.source[-1] == self.target[-1] else "on two nodes"
        what = "ping" if self.protocol == "icmp" else f"{self.protocol.upper()} {self.port}"
        return f"{self.source} to {self.target}, {where}, {what}: " \
               f"{'allowed' if self.allowed else 'denied'} by every address"

    def addresses(self, cluster_):
        """By its own, and through a Service; ping and SCTP have no Services here."""
        for family in "46":
            yield cluster_.address(self.target, family), self.number
            if (self.protocol, self.number) in SERVICE_PORTS:
                yield cluster_.address(f"{self.target}-service", family), \
                    SERVICE_PORTS[self.protocol, self.number]


SERVICE_PORTS = {("tcp", 8080): 80, ("tcp", 8081): 81, ("tcp", 8082): 82, ("udp", 9000): 53,
                 ("udp", 9001): 54}


def ways():
    sources = [f"{kind}-{letter}" for kind in ("client", "guest", "web") for letter in "ab"]
    return [Way(source, target, *each, each in OPEN[source.split("-")[0]])
            for source in [*sources, "outside"] for target in HTTP if source != target
            for each in PORTS]


def start_services(cluster_):
    services = []
    for number, target in enumerate(HTTP, 10):
        addresses = {"4": f"10.96.0.{number}", "6": f"fd96::{number}"}
        cluster_.services[f"{target}-service"] = addresses
        services += [kube_proxy.Service(f"{target}-{number}", addresses, number,
                                        ((target, inner),), protocol)
                     for (protocol, inner), number in SERVICE_PORTS.items()]
    for half_ in cluster_.worlds:
        kube_proxy.start(half_, services, cluster_.address)


def outcomes(cluster_, ways_):
    """What became of each: {way's number: {(address, port): outcome}}"""
    shots = {}
    for number, way in enumerate(ways_):
        for address, port_ in way.addresses(cluster_):
            shots.setdefault(way.source, []).append((number, way, address, port_))
    begun = {source: cluster_[source].begin("volley", tries=[
        (way.protocol, address, port_, way.allowed) for _, way, address, port_ in group])
             for source, group in shots.items()}
    result = {}
    for source, future in begun.items():
        for (number, _, address, port_), outcome in zip(shots[source],
                                                        future.result(netns.ANSWER_TIMEOUT)):
            result.setdefault(number, {})[address, port_] = outcome
    return result


def check_ways(tap_, cluster_, ways_):
    got = outcomes(cluster_, ways_)
    for number, way in enumerate(ways_):
        tap_.equal(way.sentence, dict.fromkeys(got[number], volley.ANSWERED if way.allowed else ""),
                   got[number])


def check_everyone(tap_, cluster_, sentence):
    """Without a policy every way is open."""
    open_ways = [dataclasses.replace(way, allowed=True) for way in ways()]
    got = outcomes(cluster_, open_ways)
    tap_.equal(sentence, [], [f"{way.source} to {way.target}, {way.protocol} {way.port}: {shut}"
                              for number, way in enumerate(open_ways)
                              if (shut := [address for address, outcome in got[number].items()
                                           if outcome != volley.ANSWERED])])


def queued(cluster_):
    return sum(half_.netfilter.queued(family) for half_ in cluster_.worlds for family in "46")


def check_no_policy(tap_, cluster_):
    check_everyone(tap_, cluster_, "without a policy everyone reaches everyone, with netpold")
    tap_.equal("with no policy that selects a pod, nothing is queued (NF-72)", 0,
               queued(cluster_))
    tap_.equal("with no policy that selects a pod, the sets are empty (NF-72)", [],
               [members for half_ in cluster_.worlds
                for members in half_.netfilter.sets().values() if members])


def node_ways(allowed_from_a):
    """The nodes call both webs."""
    for source, target, allowed in (("node-a", "web-a", True), ("node-b", "web-b", True),
                                    ("node-a", "web-b", allowed_from_a),
                                    ("node-b", "web-a", False)):
        yield Way(source, target, "tcp", "http", allowed)


def check_nodes(tap_, cluster_, daemons):
    tap_.section(f"{cluster_.name}, by the policies of pods")
    check_ways(tap_, cluster_, list(node_ways(False)))
    daemons.apply(*POLICIES, NODE_POLICY)
    tap_.section(f"{cluster_.name}, with a block that holds node-a")
    check_ways(tap_, cluster_, list(node_ways(True)))
    tap_.section(cluster_.name)


def check_cluster(tap_, cluster_):
    tap_.section(cluster_.name)
    start_services(cluster_)
    check_everyone(tap_, cluster_, "without netpold everyone reaches everyone")
    with cluster.Daemons(cluster_) as daemons:
        check_no_policy(tap_, cluster_)
        daemons.apply(*POLICIES)
        check_ways(tap_, cluster_, ways())
        check_nodes(tap_, cluster_, daemons)


def test(tap_):
    for layout, backend in world.EVERY:
        with cluster.Cluster(layout, backend, half("a"), half("b")) as cluster_:
            check_cluster(tap_, cluster_)


if __name__ == "__main__":
    tap.main(test)
