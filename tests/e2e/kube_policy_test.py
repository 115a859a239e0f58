#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Policies, labels and namespaces of a real API server, as packets feel them.

    node-a                          node-b
    client-a  shop    app=client    web-b     shop    app=web   the policies' pod
    other-a   shop    app=other     client-b  shop    app=client
    guest-a   guests  app=client    shelf-b   store   app=shelf

Policies have receipts: `netpold wait` returns, and the next packet meets what it
waited for, on either node (L36). Pods and namespaces have none: there it is
looked for, and then checked. The topology is drawn in kube_cluster.py.
"""

import kube_client
import kube_cluster
import tap
import world
from manifests import namespaces, pods, policy, port, rule, to
from probe import ALLOWED, DENIED, Probe, check_all

SERVES = (("tcp", 8080), ("tcp", 8081))
HALVES = (
    [world.PodSpec("client-a", labels={"app": "client"}),
     world.PodSpec("other-a", labels={"app": "other"}),
     world.PodSpec("guest-a", namespace="guests", labels={"app": "client"})],
    [world.PodSpec("web-b", labels={"app": "web"}, listens=SERVES, ports=(("http", 8080, "TCP"),)),
     world.PodSpec("client-b", labels={"app": "client"}),
     world.PodSpec("shelf-b", namespace="store", labels={"app": "shelf"}, listens=SERVES)],
)
CLIENTS = ("client-a", "client-b", "other-a", "guest-a")


def web_in(*peers):
    return policy("web-in", "shop", {"app": "web"}, ingress=[rule(peers, [port("http")])])


def ways(sentence, allowed, target="web-b", number=8080):
    """Who gets through to a pod; the others do not."""
    return [Probe(f"{sentence}: {name} to {target}, {number}: "
                  f"{ALLOWED if name in allowed else DENIED}", name, target, "tcp", number,
                  ALLOWED if name in allowed else DENIED) for name in CLIENTS]


def check_policies(tap_, kube):
    """Created, changed, deleted: each is in force when `netpold wait` returns."""
    check_all(tap_, kube, ways("no policy", CLIENTS))
    kube["other-a"].call("open", name="open", protocol="tcp",
                         address=kube.address("web-b", "4"), port=8080)
    created = kube.enforce(web_in(pods(app="client")))
    begun = ways("created", ("client-a", "client-b"))
    check_all(tap_, kube, begun + ways("created", (), number=8081))
    tap_.equal("created: what was open and is not allowed is cut", False,
               is_heard(kube, 500))
    changed = kube.enforce(web_in(pods(app="other")))
    tap_.equal("the server counts the change as another generation", (1, 2),
               tuple(item["metadata"]["generation"] for item in (created, changed)))
    check_all(tap_, kube, ways("changed", ("other-a",)))
    tap_.equal("changed: what is allowed again goes on", True, is_heard(kube))
    kube["other-a"].call("close", name="open")
    send = policy("client-out", "shop", {"app": "client"},
                  egress=[to([pods(app="web")], [port(8081)])])
    kube.enforce(send)
    kube.withdraw(web_in())
    check_all(tap_, kube, ways("ingress deleted, egress created", ("other-a", "guest-a"))
              + ways("ingress deleted, egress created", CLIENTS, number=8081))
    kube.withdraw(send)
    check_all(tap_, kube, ways("all deleted", CLIENTS))


def check_labels(tap_, kube):
    """Of pods and of namespaces, as they are now (NP-68)."""
    kube.enforce(web_in(pods(app="client"), namespaces(team="friends")))
    client = kube.client
    check_all(tap_, kube, ways("before any label changes", ("client-a", "client-b")))
    client.label("Pod", "shop", "other-a", app="client")
    client.label("Pod", "shop", "client-b", app=None)
    client.label("Namespace", "", "guests", team="friends")
    kube.check_soon(tap_, ways("labels of pods and a namespace changed",
                               ("client-a", "other-a", "guest-a")))
    client.label("Pod", "shop", "web-b", app="elsewhere")
    kube.check_soon(tap_, ways("the pod is no longer selected", CLIENTS))
    client.label("Pod", "shop", "web-b", app="web")
    client.label("Pod", "shop", "other-a", app="other")
    client.label("Pod", "shop", "client-b", app="client")
    client.label("Namespace", "", "guests", team="guests")
    kube.check_soon(tap_, ways("all labels are as they were", ("client-a", "client-b")))
    kube.withdraw(web_in())


def check_namespace(tap_, kube):
    """Under deletion its pods keep their policies to their end (NP-66), whatever goes first."""
    shelf = {"target": "shelf-b"}
    kube.enforce(policy("closed", "store", {}, ingress=[]))
    kube.enforce(web_in(namespaces(team="friends")))
    check_all(tap_, kube, ways("its policy is in force", (), **shelf))
    kube.client.delete("Namespace", "", "store")
    kube.client.label("Namespace", "", "guests", team="friends")
    kube.check_soon(tap_, ways("what is said after the deletion has been heard", ("guest-a",)))
    kube.client.delete("NetworkPolicy", "store", "closed")
    kube.enforce(web_in(pods(app="client")))  # heard of behind the deletion, and in force
    check_all(tap_, kube, ways("its policy has been deleted before its pod", (), **shelf))
    kube.client.delete("Pod", "store", "shelf-b")
    kube.check_soon(tap_, ways("its pod is gone", CLIENTS, **shelf))
    kube.client.finalize_namespace("store")
    tap_.equal("the namespace is gone", 404, status_of(kube, "Namespace", "store"))
    check_all(tap_, kube, ways("another namespace's are in force", ("client-a", "client-b")))


def is_heard(kube, timeout_ms=5000):
    """Whether the open connection still carries something both ways."""
    return kube["other-a"].call("ask", name="open", timeout_ms=timeout_ms) == 1


def status_of(kube, kind, name):
    try:
        kube.client.get(kind, "", name)
    except kube_client.KubeError as error:
        return error.status
    return 200


def test(tap_):
    with kube_cluster.KubeCluster(*HALVES) as kube:
        kube.start()
        for check in (check_policies, check_labels, check_namespace):
            check(tap_, kube)


if __name__ == "__main__":
    tap.main(test)
