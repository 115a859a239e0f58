# SPDX-License-Identifier: GPL-2.0-or-later
"""Clusters as people have them, to be shown and compared: a small shop, and a
thousand pods of twenty-five teams. Objects are plain dictionaries."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from manifests import (  # noqa: E402
    block, namespace, namespaces, pod, pods, policy, port, rule, to)

SYSTEM = "kube-system"
NAME = "kubernetes.io/metadata.name"


class Cluster:
    """Namespaces, workloads and policies, and the addresses that pods get."""

    def __init__(self):
        self.objects = []
        self.n_pods = 0

    def namespace(self, name, **labels):
        self.objects.append(namespace(name, **labels))

    def _pod(self, name, where, labels, ports, owner):
        self.n_pods += 1
        address = f"10.{1 + self.n_pods // 65000}.{self.n_pods // 250 % 260}.{self.n_pods % 250 + 1}"
        item = pod(name, where, f"node{self.n_pods % 7}", [address], labels, ports)
        item["metadata"]["ownerReferences"] = [
            {"apiVersion": "apps/v1", "kind": owner[0], "name": owner[1], "uid": "u",
             "controller": True}]
        self.objects.append(item)

    def deployment(self, where, name, replicas, ports=(), **labels):
        """Its pods are those of a ReplicaSet, and are named as such."""
        owner = f"{name}-{spell(hash_of(where + name), 9)}"
        labels = {"app": name, "pod-template-hash": owner.rpartition("-")[2], **labels}
        for i in range(replicas):
            self._pod(f"{owner}-{spell(hash_of(owner) + i * 7919, 5)}", where, labels, ports,
                      ("ReplicaSet", owner))

    def stateful_set(self, where, name, replicas, ports=(), **labels):
        for i in range(replicas):
            self._pod(f"{name}-{i}", where,
                      {"app": name, "statefulset.kubernetes.io/pod-name": f"{name}-{i}", **labels},
                      ports, ("StatefulSet", name))

    def policy(self, where, name, selects, ingress=None, egress=None):
        self.objects.append(policy(name, where, selects, ingress, egress))

    def text(self):
        return json.dumps({"apiVersion": "v1", "kind": "List", "items": self.objects}, indent=1)


ALPHABET = "bcdfghjklmnpqrstvwxz2456789"  # of what Kubernetes puts behind names


def spell(number, length):
    text = ""
    for _ in range(length):
        text += ALPHABET[number % len(ALPHABET)]
        number = number // len(ALPHABET) + number * 31 % 1009
    return text


def hash_of(text):
    """The same on every machine, unlike Python's own."""
    value = 2166136261
    for byte in text.encode():
        value = (value ^ byte) * 16777619 % 2**32
    return value


def _system(cluster):
    cluster.namespace(SYSTEM)
    cluster.deployment(SYSTEM, "coredns", 2, [("dns", 53, "UDP"), ("dns-tcp", 53, "TCP")],
                       **{"k8s-app": "kube-dns"})
    cluster.namespace("ingress-nginx", role="edge")
    cluster.deployment("ingress-nginx", "controller", 2, [("http", 80, "TCP"), ("https", 443, "TCP")])
    cluster.namespace("monitoring", role="monitoring")
    cluster.stateful_set("monitoring", "prometheus", 2, [("web", 9090, "TCP")])
    cluster.deployment("monitoring", "grafana", 1, [("http", 3000, "TCP")])
    cluster.policy("monitoring", "prometheus", {"app": "prometheus"},
                   ingress=[rule([pods(app="grafana")], [port("web")])])


DNS = to([{**namespaces(**{NAME: SYSTEM}), **pods(**{"k8s-app": "kube-dns"})}],
         [port(53, "UDP"), port(53)])
EDGE = [namespaces(role="edge")]
SCRAPE = rule([namespaces(role="monitoring")], [port(9102)])


def shop():
    """Twenty pods."""
    cluster = Cluster()
    _system(cluster)
    cluster.namespace("shop", team="shop")
    cluster.deployment("shop", "web", 3, [("http", 8080, "TCP")])
    cluster.deployment("shop", "api", 3, [("http", 8080, "TCP")])
    cluster.stateful_set("shop", "db", 2, [("sql", 5432, "TCP")])
    cluster.deployment("shop", "mailer", 1)
    cluster.namespace("dev", team="dev")
    cluster.deployment("dev", "sandbox", 2)
    cluster.deployment("dev", "builder", 1)
    cluster.stateful_set("dev", "cache", 1, [("redis", 6379, "TCP")])
    cluster.policy("shop", "deny-ingress", {}, ingress=[])
    cluster.policy("shop", "web", {"app": "web"}, ingress=[rule(EDGE, [port("http")]), SCRAPE])
    cluster.policy("shop", "api", {"app": "api"},
                   ingress=[rule([pods(app="web")], [port("http")]), SCRAPE])
    cluster.policy("shop", "db", {"app": "db"},
                   ingress=[rule([pods(app="api")], [port("sql")])], egress=[DNS])
    cluster.policy("shop", "mailer", {"app": "mailer"},
                   egress=[DNS, to([block("0.0.0.0/0", "10.0.0.0/8")], [port(25), port(587)])])
    return cluster


TIERS = [("web", 14, 8080), ("api", 12, 8080), ("worker", 8, None), ("db", 3, 5432), ("cache", 3, 6379)]


def _team(cluster, name, strict):
    cluster.namespace(name, team=name)
    for app, replicas, number in TIERS:
        ports = [("main", number, "TCP")] if number else []
        make = cluster.stateful_set if app in ("db", "cache") else cluster.deployment
        make(name, app, replicas, ports)
    if not strict:
        return
    cluster.policy(name, "deny-all", {}, ingress=[], egress=[DNS])
    cluster.policy(name, "web", {"app": "web"}, ingress=[rule(EDGE, [port("main")]), SCRAPE],
                   egress=[to([pods(app="api")], [port("main")])])
    cluster.policy(name, "api", {"app": "api"},
                   ingress=[rule([pods(app="web"), pods(app="worker")], [port("main")]), SCRAPE],
                   egress=[to([pods(app="db"), pods(app="cache")], [port("main")])])
    cluster.policy(name, "worker", {"app": "worker"},
                   egress=[to([pods(app="api"), pods(app="cache")], [port("main")]),
                           to([block("0.0.0.0/0", "10.0.0.0/8", "169.254.0.0/16")], [port(443)])])
    cluster.policy(name, "data", {"tier": "data"}, ingress=[])
    cluster.policy(name, "db", {"app": "db"}, ingress=[rule([pods(app="api")], [port("main")])])
    cluster.policy(name, "cache", {"app": "cache"},
                   ingress=[rule([pods(app="api"), pods(app="worker")], [port("main")])])


def teams(n=25):
    """Forty pods a team; every third one has no policies yet."""
    cluster = Cluster()
    _system(cluster)
    for i in range(n):
        _team(cluster, f"team-{chr(ord('a') + i)}", strict=i % 3 != 2)
    return cluster


if __name__ == "__main__":
    print({"shop": shop, "teams": teams}[sys.argv[1]]().text())
