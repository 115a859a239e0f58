#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Random policies on running daemons get the verdicts that an oracle gives.

Six pods on two nodes and a host outside. Policies and labels are drawn by lot
(random_policies.py) and edited again and again, so that what was compiled, what
is in the sets and what connections are marked with is what earlier edits left.
After each edit everybody calls everybody, over TCP, UDP and ping, IPv4 and
IPv6, at the pod's address and through its ClusterIP, and oracle.py says what
should come of it.

Beside that one flow from each pod to each other carries numbered messages as
long as it is allowed: an edit that revokes it has to silence it within a second,
and one that does not may cost no message (L8, NF-62).

NETPOLD_SEED chooses what is drawn. The topology is drawn in cluster.py.
"""

import json
import os
import time

import cluster
import kube_proxy
import netns
import oracle
import random_policies
import stalls
import tap
import volley
import world

N_EDITS = 14
EVERY_MS = 40

# The name of a port is another number in every other pod.
PORTS = ((("http", 8080, "TCP"), ("admin", 8081, "TCP"), ("query", 9000, "UDP")),
         (("http", 8081, "TCP"), ("admin", 8080, "TCP")))
LISTENS = (("tcp", 8080), ("tcp", 8081), ("udp", 9000))
TRIES = (("tcp", 8080), ("tcp", 8081), ("udp", 9000), ("icmp", 0))
SERVICE_PORTS = {("tcp", 8080): 80, ("tcp", 8081): 81, ("udp", 9000): 53}


def half(letter):
    return [world.PodSpec(f"{letter}{number}", ports=PORTS[number % 2], listens=LISTENS)
            for number in range(3)]


class Flow:
    """The stream from one pod to another, while it is allowed."""

    def __init__(self, cluster_, number, source, target):
        self.agent = cluster_[source]
        self.protocol, self.port = ("udp", 9000) if number % 3 == 0 else ("tcp", 8080)
        self.family = "46"[number // 2 % 2]
        self.ends = (cluster_.address(source, self.family), cluster_.address(target, self.family))
        self.service = number % 2 == 0
        self.address, self.number = (
            (cluster_.address(f"{target}-service", self.family),
             SERVICE_PORTS[self.protocol, self.port])
            if self.service else (self.ends[1], self.port))
        self.name = f"{source} to {target}, {self.protocol.upper()}, IPv{self.family}" \
                    f"{', ClusterIP' if self.service else ''}"
        self.open = False

    def allowed(self, oracle_):
        return oracle_.allows(*self.ends, self.protocol.upper(), self.port)

    def begin(self, op, **arguments):
        return self.agent.begin(op, name=self.name, **arguments)

    def start(self):
        self.open = True
        return self.begin("stream", protocol=self.protocol, address=self.address,
                          port=self.number, every_ms=EVERY_MS)


def each(flows, op, **arguments):
    """The same of each; [(flow, answer)]"""
    begun = [(flow, flow.begin(op, **arguments)) for flow in flows]
    return [(flow, future.result(netns.ANSWER_TIMEOUT)) for flow, future in begun]


class Truth:
    """A cluster, and what is drawn for it."""

    def __init__(self, tap_, cluster_, seed):
        self.tap, self.cluster, self.stood = tap_, cluster_, stalls.Stalls()
        pods = cluster_.pods
        outside = list(cluster_.worlds[0].site.out(10).values())
        self.drawn = random_policies.RandomPolicies(seed, {
            spec.name: (half_.node_name, list(half_[spec.name].addresses.values()), spec.ports)
            for half_ in cluster_.worlds for spec in half_.specs}, outside)
        self._start_services()
        self.flows = [Flow(cluster_, number, source, target) for number, (source, target)
                      in enumerate((a, b) for a in pods for b in pods if a != b)]

    def _start_services(self):
        services = []
        for number, pod in enumerate(self.cluster.pods, 10):
            addresses = {"4": f"10.96.0.{number}", "6": f"fd96::{number}"}
            self.cluster.services[f"{pod}-service"] = addresses
            services += [kube_proxy.Service(f"{pod}-{port}", addresses, port, ((pod, target),),
                                            protocol)
                         for (protocol, target), port in SERVICE_PORTS.items()]
        for half_ in self.cluster.worlds:
            kube_proxy.start(half_, services, self.cluster.address)

    # ---- verdicts ----

    def source_address(self, source, target, family):
        """The host outside has one on each side."""
        if source != "outside":
            return self.cluster.address(source, family)
        return self.cluster.world_of(target).site.out(10)[family]

    def questions(self, source, oracle_):
        """[(in words, protocol, address, port, allowed)]"""
        for target in [*self.cluster.pods, *(["outside"] if source != "outside" else [])]:
            for family in "46":
                ends = self.source_address(source, target, family), \
                    self.cluster.address(target, family)
                for protocol, port in TRIES:
                    if target == "outside" and port == 8081:
                        continue  # nobody listens
                    allowed = oracle_.allows(*ends, protocol.upper(), port or None)
                    words = f"{source} to {target}, {protocol} {port}, IPv{family}"
                    if source != target:
                        yield f"{words}, by address", protocol, ends[1], port, allowed
                    if "outside" not in (source, target) and port:
                        yield (f"{words}, by ClusterIP", protocol,
                               self.cluster.address(f"{target}-service", family),
                               SERVICE_PORTS[protocol, port], allowed)

    def check_verdicts(self, sentence, oracle_):
        asked = {source: list(self.questions(source, oracle_))
                 for source in [*self.cluster.pods, "outside"]}
        begun = {source: self.cluster[source].begin("volley", tries=[one[1:] for one in questions])
                 for source, questions in asked.items()}
        wrong = []
        for source, future in begun.items():
            for (words, *_, allowed), outcome in zip(asked[source],
                                                     future.result(netns.ANSWER_TIMEOUT)):
                if outcome != (volley.ANSWERED if allowed else ""):
                    wrong.append(f"{words}: {'allowed' if allowed else 'denied'}, "
                                 f"but {outcome or 'silence'}")
        verdicts = [question[-1] for questions in asked.values() for question in questions]
        self.tap.comment(f"{len(verdicts)} verdicts, {sum(verdicts)} of them to allow")
        if not self.tap.equal(sentence, [], wrong):
            self.tap.comment(json.dumps(self.drawn.objects()))

    # ---- flows ----

    def check_flows(self, sentence, oracle_, edited, in_force):
        """Called some while after the edit came into force."""
        kept = [flow for flow in self.flows if flow.open and flow.allowed(oracle_)]
        cut = [flow for flow in self.flows if flow.open and not flow.allowed(oracle_)]
        heard = each(kept, "stream_wait", count=2, since=in_force, timeout_ms=10000)
        self.tap.equal(f"{sentence}: flows that are allowed go on", [],
                       [flow.name for flow, count in heard if count < 2])
        reports = each(cut, "stream_report", since=in_force)
        self.tap.equal(f"{sentence}: flows that are revoked are silent", [],
                       [flow.name for flow, report in reports if report["answered_since"]])
        self.tap.equal(f"{sentence}: they were silent within a second", [],
                       [flow.name for flow, report in reports
                        if report["last_answer"] > edited + 1 + self.stood.within(
                            edited, report["last_answer"])])
        self.tap.comment(f"{len(kept)} flows kept, {len(cut)} cut")
        for flow, _ in each(cut, "stream_stop", patience_ms=0):
            flow.open = False

    def open_flows(self, oracle_):
        """Those that are allowed and were not."""
        begun = [flow.start() for flow in self.flows if not flow.open and flow.allowed(oracle_)]
        for future in begun:
            future.result(netns.ANSWER_TIMEOUT)

    def check_nothing_lost(self):
        reports = each([flow for flow in self.flows if flow.open], "stream_stop")
        self.tap.equal("flows that stay allowed lose nothing", [],
                       [f"{flow.name}: {report['answered']} of {report['sent']}"
                        for flow, report in reports if report["sent"] != report["answered"]])

    # ---- edits ----

    def run(self):
        self.cluster.put("cluster", self.drawn.objects())
        with cluster.Daemons(self.cluster) as daemons, self.stood:
            self.open_flows(oracle.Oracle(self.drawn.objects()))
            for number in range(1, N_EDITS + 1):
                words = self.drawn.edit()
                objects = self.drawn.objects()
                oracle_ = oracle.Oracle(objects)
                edited = time.monotonic()
                changes = daemons.apply(*objects, name="cluster")
                self.check_verdicts(f"edit {number} ({words}): all verdicts are the oracle's",
                                    oracle_)
                self.check_flows(f"edit {number}", oracle_, edited,
                                 max(change.at for change in changes))
                self.open_flows(oracle_)
            self.check_nothing_lost()


def test(tap_):
    seed = int(os.environ.get("NETPOLD_SEED", time.time_ns() // 1000000))
    tap_.comment(f"NETPOLD_SEED={seed}")
    for number, (layout, backend) in enumerate(world.CROSS):
        with cluster.Cluster(layout, backend, half("a"), half("b")) as cluster_:
            tap_.section(f"NETPOLD_SEED={seed}, {cluster_.name}")
            Truth(tap_, cluster_, seed + number).run()


if __name__ == "__main__":
    tap.main(test)
