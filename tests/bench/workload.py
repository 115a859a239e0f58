# SPDX-License-Identifier: GPL-2.0-or-later
"""The standard workload W(n), so that figures compare over time.

n namespaces; in each 100 pods, pod j on node j, and 10 policies, policy k for
the pods that are app=a<k>. What costs memory and decides nothing is as in a
real cluster: a UID for each pod, an owner for each ten. The pods of the
datapath's benchmarks come on top: they live in the first namespace and wear its
labels, so the same policies hold for them.

The wide workload is one namespace, in which n policies select the same pod,
each with a peer and a port of its own.

workload.c makes the same objects in memory; the benchmark compares them.
"""

import manifests
from manifests import block, namespaces, pods, port, rule, to

PODS, POLICIES = 100, 10
LIVE_NAMESPACE = "ns0"


def labels(j):
    """Of pod j of any namespace."""
    return {"app": f"a{j % 10}", "tier": f"r{j % 3}", "version": f"v{j % 2}"}


def _expression(key, operator, *values):
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


def _policy(i, k):
    team = {**namespaces(team=f"t{(i + k) % 20}"),
            "podSelector": _expression("tier", "In", "r0", "r1")}
    dns = {**namespaces(), **pods(**{"k8s-app": "dns"})}
    return manifests.policy(
        f"p{k}", f"ns{i}", {"app": f"a{k}"},
        ingress=[rule([pods(app=f"a{(k + 1) % 10}")], [port(8080)]),
                 rule([team], [port("http")]),
                 rule([block("10.0.0.0/8", f"10.{k}.0.0/16")], [port(9090, end=9095)])],
        egress=[to([dns], [port(53, "UDP")]),
                to([pods()]),
                to([{"namespaceSelector": _expression("env", "NotIn", "e2")}],
                   [port(8080), port(9090)])])


def _pod(i, j):
    address = f"10.{100 + i // 250}.{i % 250}.{j + 1}"
    made = manifests.pod(f"pod{j}", f"ns{i}", f"node{j}", [address], labels(j),
                         [("http", 8080, "TCP"), ("metrics", 9090, "TCP")])
    made["metadata"]["uid"] = f"{i:08x}-0000-4000-8000-{j:012x}"
    made["metadata"]["ownerReferences"] = [
        {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": f"a{j % 10}-{i:010x}",
         "uid": f"{i:08x}-0000-4000-9000-{j % 10:012x}", "controller": True}]
    return made


def namespace_objects(i):
    """What W(n) has in its namespace i, and the namespace."""
    return [manifests.namespace(f"ns{i}", team=f"t{i % 20}", env=f"e{i % 3}"),
            *(_pod(i, j) for j in range(PODS)),
            *(_policy(i, k) for k in range(POLICIES))]


def objects(n):
    """All of W(n)."""
    return [made for i in range(n) for made in namespace_objects(i)]


# ---- the wide workload -----------------------------------------------------

WIDE_NAMESPACE = "wide"


def _wide_pod(name, node, address, uid, **its_labels):
    made = manifests.pod(name, WIDE_NAMESPACE, node, [address], its_labels)
    made["metadata"]["uid"] = f"{uid:08x}-0000-4000-8000-{0:012x}"
    return made


def _wide_policy(k):
    peer = block(f"10.{200 + k // 4096}.{k // 16 % 256}.{k % 16 * 16}/28")
    return manifests.policy(
        f"p{k:05}", WIDE_NAMESPACE, {"app": "subject"},
        ingress=[rule([pods(peer=f"p{k}")], [port(10000 + k)])],
        egress=[to([peer], [port(10000 + k)])])


def wide_objects(n):
    """All of the wide workload of n policies."""
    peers = [_wide_pod(f"peer{k}", "node8",
                       f"10.{100 + k // 62500}.{k // 250 % 250}.{k % 250 + 1}", k, peer=f"p{k}")
             for k in range(n)]
    return [_wide_pod("subject", "node7", "10.99.0.1", 0xffffffff, app="subject"),
            *peers, *(_wide_policy(k) for k in range(n)),
            manifests.namespace(WIDE_NAMESPACE)]  # last: the oracle finds it first
