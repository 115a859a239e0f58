#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""A pod ends and another one gets its address, in every order of events (NP-64, NP-65).

    node-a                                    node-b
    guise-0 … one for each order   ────────►  web-b   takes app=client on 8080
    flag    shows what has been heard         free-b  no policy

A guise is an address whose pod is replaced: app=other, then app=client, then
app=other again. The two tell apart on both nodes: web-b takes one of them, and on
node-a a policy of app=client lets these send to port 8080 only. The first time
all events of an order come in one go, the second time each is heard before the
next one is made. Streams of the server keep their order: what was said of pods
before the flag's label changed has been heard when its packets show it. Pods that
have finished are not asked for: the server says that they are gone (API-24, API-42).
"""

import copy
import dataclasses

import kube_cluster
import tap
import world
from manifests import pods, policy, port, rule, to
from probe import ALLOWED, DENIED, Probe, check_all

SERVES = (("tcp", 8080), ("tcp", 8081))
CLIENT, OTHER = {"app": "client"}, {"app": "other"}

POLICIES = (
    policy("web-in", "shop", {"app": "web"}, ingress=[rule([pods(**CLIENT)], [port(8080)])]),
    policy("client-out", "shop", CLIENT, egress=[to([], [port(8080)])]),
)


@dataclasses.dataclass
class Order:
    """In which the server tells how one pod follows another."""
    sentence: str
    steps: tuple
    same_name: bool = False


ORDERS = (
    Order("gone before the next one is there", ("delete", "create", "address")),
    Order("gone before the next one, which has its name", ("delete", "create", "address"), True),
    Order("gone before the next one has the address", ("create", "delete", "address")),
    Order("gone after the next one has the address", ("create", "address", "delete")),
    Order("gone while its end takes time", ("terminate", "create", "address", "delete")),
    Order("finished, and never deleted", ("finish", "create", "address")),
    Order("finished when the next one has its address", ("create", "address", "finish")),
    Order("finished, then deleted between the two events of the next",
          ("finish", "create", "delete", "address")),
)


class Guise:
    """An address, and the pod that has it just now."""

    def __init__(self, kube, number, order):
        self.kube, self.host, self.order = kube, f"guise-{number}", order
        self.now = self.next = kube.pod(self.host)
        self.n_made = 0

    def prepare(self, labels):
        """The next pod, that nobody has been told of."""
        self.n_made += 1
        self.next = copy.deepcopy(self.now)
        self.next["metadata"]["labels"] = labels
        if not self.order.same_name:
            self.next["metadata"]["name"] = f"{self.host}-{self.n_made}"

    def step(self, word):
        name, client = self.now["metadata"]["name"], self.kube.client
        if word == "delete":
            client.delete("Pod", "shop", name)
        elif word == "terminate":
            client.delete("Pod", "shop", name, grace_s=30)
        elif word == "finish":
            client.patch("Pod", "shop", name, {"status": {"phase": "Succeeded"}}, "/status")
        elif word == "create":
            client.create_pod(self.next, with_status=False)
        else:
            client.set_status(self.next)

    def take_over(self):
        self.now = self.next

    def rows(self, is_client):
        return rows(self.host, is_client, self.order.sentence)


def rows(host, is_client, sentence):
    """What tells an app=client from others, on both nodes."""
    word = "client" if is_client else "other"
    return [Probe(f"{sentence}: it is app={word} on node-b", host, "web-b", "tcp", 8080,
                  ALLOWED if is_client else DENIED),
            Probe(f"{sentence}: it is app={word} on node-a", host, "free-b", "tcp", 8081,
                  DENIED if is_client else ALLOWED)]


class Flag:
    """A pod whose label shows which events have been heard."""

    def __init__(self, kube):
        self.kube, self.is_client = kube, False

    def wait(self):
        """Until all that was said of pods before is in force."""
        self.is_client = not self.is_client
        self.kube.client.label("Pod", "shop", "flag", app="client" if self.is_client else "other")
        self.kube.wait_soon(rows("flag", self.is_client, "flag"))


def in_one_go(guises, _flag):
    for guise in guises:
        for word in guise.order.steps:
            guise.step(word)


def one_by_one(guises, flag):
    for number in range(max(len(guise.order.steps) for guise in guises)):
        for guise in guises:
            if number < len(guise.order.steps):
                guise.step(guise.order.steps[number])
        flag.wait()


def check_replaced(tap_, kube, guises):
    flag = Flag(kube)
    for is_client, how in ((True, in_one_go), (False, one_by_one)):
        tap_.section(how.__name__.replace("_", " "))
        for guise in guises:
            guise.prepare(CLIENT if is_client else OTHER)
        how(guises, flag)
        kube.check_soon(tap_, [row for guise in guises for row in guise.rows(is_client)])
        for guise in guises:
            guise.take_over()
    tap_.section("")


def check_ends(tap_, kube, guises):
    """An address without a pod is nobody's: no policy is about it, and none lets it in."""
    for guise in guises[:2]:
        guise.prepare(CLIENT)
        in_one_go([guise], None)
        guise.take_over()
    kube.check_soon(tap_, [row for guise in guises[:2] for row in guise.rows(True)])
    kube.client.delete("Pod", "shop", guises[0].now["metadata"]["name"])
    kube.client.patch("Pod", "shop", guises[1].now["metadata"]["name"],
                      {"status": {"phase": "Failed"}}, "/status")
    kube.check_soon(tap_, rows("guise-0", False, "deleted, and nobody follows")
                    + rows("guise-1", False, "failed, and nobody follows"))


def specs():
    names = [f"guise-{number}" for number in range(len(ORDERS))] + ["flag"]
    return ([world.PodSpec(name, labels=OTHER) for name in names],
            [world.PodSpec("web-b", labels={"app": "web"}, listens=SERVES),
             world.PodSpec("free-b", labels={"app": "free"}, listens=SERVES)])


def test(tap_):
    with kube_cluster.KubeCluster(*specs()) as kube:
        kube.start()
        for item in POLICIES:
            kube.enforce(item)
        guises = [Guise(kube, number, order) for number, order in enumerate(ORDERS)]
        check_all(tap_, kube, [row for guise in guises for row in guise.rows(False)])
        check_replaced(tap_, kube, guises)
        check_ends(tap_, kube, guises)


if __name__ == "__main__":
    tap.main(test)
