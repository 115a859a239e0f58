# SPDX-License-Identifier: GPL-2.0-or-later
"""Small builders of Kubernetes objects, and the folder they are written to.

JSON is YAML, so the files need no YAML library here. A file appears by being
renamed into place, as ConfigMaps and careful people do it: whoever watches
the folder never sees half of it.
"""

import json
import os
import time

CREATED = "2024-01-01T00:00:00Z"


def namespace(name, **labels):
    return {
        "apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": name,
                     "labels": {"kubernetes.io/metadata.name": name, **labels}},
        "status": {"phase": "Active"},
    }


def node(name, pod_cidrs):
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name},
            "spec": {"podCIDR": pod_cidrs[0], "podCIDRs": list(pod_cidrs)}}


def pod(name, namespace, node, addresses, labels=None, ports=()):
    """@ports: (name, number, protocol) each."""
    return {
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "uid": f"uid-{namespace}-{name}",
                     "creationTimestamp": CREATED, "labels": labels or {}},
        "spec": {
            "nodeName": node,
            "containers": [{"name": "main", "image": "example.org/image:1", "ports": [
                {"name": port, "containerPort": number, "protocol": protocol}
                for port, number, protocol in ports]}],
        },
        "status": {"phase": "Running", "podIP": addresses[0],
                   "podIPs": [{"ip": address} for address in addresses]},
    }


def policy(name, namespace, selects, ingress=None, egress=None):
    """A direction that is None is left to the other policies of the pod.

    @selects          labels; {} is every pod of the namespace
    @ingress, @egress lists of rule()s
    """
    spec = {"podSelector": {"matchLabels": selects} if selects else {},
            "policyTypes": []}
    for kind, rules in (("Ingress", ingress), ("Egress", egress)):
        if rules is not None:
            spec["policyTypes"].append(kind)
            spec[kind.lower()] = rules
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
            "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def with_mode(mode, made):
    """A policy or a namespace that says "audit" or "enforce" of itself."""
    annotations = {"netpold.io/mode": mode}
    return {**made, "metadata": {**made["metadata"], "annotations": annotations}}


def rule(peers=(), ports=(), direction="from"):
    """A rule; no peers means anyone, no ports means any protocol."""
    result = {}
    if peers:
        result[direction] = list(peers)
    if ports:
        result["ports"] = list(ports)
    return result


def to(peers=(), ports=()):
    return rule(peers, ports, "to")


def pods(**labels):
    """A peer: pods of the policy's own namespace; without labels, all of them."""
    return {"podSelector": {"matchLabels": labels} if labels else {}}


def namespaces(**labels):
    """A peer: every pod of namespaces with these labels."""
    return {"namespaceSelector": {"matchLabels": labels} if labels else {}}


def block(cidr, *excepted):
    """A peer: addresses, whoever has them."""
    ip_block = {"cidr": cidr}
    if excepted:
        ip_block["except"] = list(excepted)
    return {"ipBlock": ip_block}


def port(number_or_name, protocol="TCP", end=None):
    result = {"protocol": protocol, "port": number_or_name}
    if end is not None:
        result["endPort"] = end
    return result


class Folder:
    """The folder that the daemon watches.

    @path  as the daemon sees it
    @real  the same folder as we see it
    """

    def __init__(self, path, real):
        self.path = path
        self.real = real
        real.mkdir(parents=True)
        real.chmod(0o755)

    def put(self, name, *objects):
        """Write objects to NAME.json; returns when it was renamed into place."""
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}, indent=1)
        return self.put_text(f"{name}.json", text)

    def put_text(self, file, text):
        """Written beside the folder, so that the daemon wakes for the rename alone."""
        beside = self.real.parent / f".{self.real.name}.{file}.new"
        beside.write_text(text)
        beside.chmod(0o644)
        at = time.monotonic()
        os.rename(beside, self.real / file)
        return at

    def remove(self, file):
        at = time.monotonic()
        (self.real / file).unlink()
        return at

    def move(self, elsewhere):
        """Take the whole folder away, or bring it back."""
        at = time.monotonic()
        os.rename(self.real, elsewhere)
        return at
