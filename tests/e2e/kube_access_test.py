#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""netpold asks for what manifests/rbac.yaml grants, for all of it, and no more (API-1).

What was asked is read from the server's audit log. The server streams its lists at
first, and does not later (API-31); it knows no ClusterNetworkPolicy at first, and
has some later (API-2). A right that is missing is named (API-2).
"""

import re
import time

import kube_client
import kube_cluster
import tap
import world
from manifests import pods, policy, port, rule
from probe import ALLOWED, DENIED, Probe, check_all

SOON_S = 90  # waits are a minute at most (API-50)
SERVED_S = 30
PODS = [world.PodSpec("client-a", labels={"app": "client"}),
        world.PodSpec("other-a", labels={"app": "other"}),
        world.PodSpec("web-a", labels={"app": "web"}, listens=(("tcp", 8080),))]
CLOSED = policy("web-in", "shop", {"app": "web"},
                ingress=[rule([pods(app="client")], [port(8080)])])
GROUP, PLURAL = "policy.networking.k8s.io", "clusternetworkpolicies"

CRD = {
    "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
    # Who makes a kind of this group has to say that it was approved.
    "metadata": {"name": f"{PLURAL}.{GROUP}",
                 "annotations": {"api-approved.kubernetes.io": "unapproved, for a test"}},
    "spec": {"group": GROUP, "scope": "Cluster",
             "names": {"kind": "ClusterNetworkPolicy", "plural": PLURAL,
                       "singular": "clusternetworkpolicy"},
             "versions": [{"name": "v1alpha2", "served": True, "storage": True, "schema": {
                 "openAPIV3Schema": {"type": "object",
                                     "x-kubernetes-preserve-unknown-fields": True}}}]},
}
CLUSTER_POLICY = {
    "apiVersion": f"{GROUP}/v1alpha2", "kind": "ClusterNetworkPolicy",
    "metadata": {"name": "deny-all"},
    "spec": {"tier": "Admin", "priority": 1, "subject": {"namespaces": {}},
             "ingress": [{"action": "Deny", "from": [{"namespaces": {}}]}]},
}


def ways(sentence):
    return [Probe(f"{sentence}: {name} to web-a: {expected}", name, "web-a", "tcp", 8080, expected)
            for name, expected in (("client-a", ALLOWED), ("other-a", DENIED))]


def granted(client):
    """{(verb, group, resource)} of the ClusterRole, as the server has it."""
    return {(verb, group, resource)
            for rule_ in client.get("ClusterRole", "", "netpold")["rules"]
            for verb in rule_["verbs"] for group in rule_["apiGroups"]
            for resource in rule_["resources"]}


def asked(server):
    """The same, of what netpold has asked for; (verb, path) of what is no resource."""
    return {(event["verb"], event["objectRef"].get("apiGroup", ""),
             "/".join(filter(None, (event["objectRef"]["resource"],
                                    event["objectRef"].get("subresource")))))
            if "objectRef" in event else (event["verb"], event["requestURI"])
            for event in server.audit_events()}


def foreign(server, node_name):
    """Names of other nodes' objects that it asked for: none are, nor is all of them."""
    return [event["requestURI"] for event in server.audit_events()
            if event["objectRef"]["resource"] == "nodes"
            and f"fieldSelector=metadata.name%3D{node_name}" not in event["requestURI"]]


def asks_for(verb):
    def find(event):
        return event["objectRef"]["resource"] == PLURAL and event["verb"] == verb \
            and event.get("responseStatus", {}).get("code") == 200
    return find


def create_once_served(client, item):
    """Its kind has just been made known to the server."""
    deadline = time.monotonic() + SERVED_S
    while True:
        try:
            return client.create(item)
        except kube_client.KubeError as error:
            if error.status != 404 or time.monotonic() > deadline:
                raise
        time.sleep(0.05)


def check_cluster_policies(tap_, kube):
    """They are served now, and there is one: netpold says so."""
    kube.client.create(CRD)
    create_once_served(kube.client, CLUSTER_POLICY)
    netpold = kube.start_anew(kube.worlds[0])
    line = netpold.log.wait(
        lambda line, _at: line if "ClusterNetworkPolic" in line else None, patience=SOON_S)
    tap_.true("a line says that a ClusterNetworkPolicy is not enforced",
              "not enforced" in line.lower(), "… not enforced …", line)
    netpold.wait_in_force()
    check_all(tap_, kube, ways("what it denies is not denied"))


def check_fallback(tap_, kube):
    """A server that does not stream lists."""
    kube.server.features = {"WatchList": False}
    kube.server.restart()
    kube.start_anew(kube.worlds[0]).wait_in_force()
    kube.server.wait_audit(asks_for("list"), SOON_S)
    check_all(tap_, kube, ways("from a server that does not stream lists"))


def check_missing(tap_, kube, resource, group):
    """The right to a resource is missing: netpold says which, and goes on once it is there."""
    client = kube.client
    rules = client.get("ClusterRole", "", "netpold")["rules"]
    client.patch("ClusterRole", "", "netpold", {"rules": [
        {**rule_, "resources": [name for name in rule_["resources"] if name != resource]}
        for rule_ in rules if rule_["resources"] != [resource]]})
    netpold = kube.start_anew(kube.worlds[0])
    line = netpold.log.wait(lambda line, _at: line if "ClusterRole" in line else None)
    grant = rf'verb (list|watch) on the resource {resource} of the API group "{group}"'
    tap_.true(f"no right to {resource}: a line names verb, resource and group",
              re.search(grant, line), grant, line)
    tap_.equal(f"no right to {resource}: nothing new is in force", False,
               "in force:" in netpold.log.text())
    client.patch("ClusterRole", "", "netpold", {"rules": rules})
    netpold.wait_in_force(patience=SOON_S)
    check_all(tap_, kube, ways(f"with the right to {resource} again"))


def test(tap_):
    with kube_cluster.KubeCluster(PODS) as kube:
        half = kube.worlds[0]
        kube.start()
        kube.enforce(CLOSED)
        check_all(tap_, kube, ways("with all rights"))
        check_cluster_policies(tap_, kube)
        check_fallback(tap_, kube)
        tap_.equal("it asks for what it is granted, for all of it, and no more",
                   sorted(granted(kube.client)), sorted(asked(kube.server)))
        tap_.equal("of nodes it asks for its own only", [], foreign(kube.server, half.node_name))
        check_missing(tap_, kube, "networkpolicies", "networking.k8s.io")
        check_missing(tap_, kube, "pods", "")


if __name__ == "__main__":
    tap.main(test)
