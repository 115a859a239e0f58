# SPDX-License-Identifier: GPL-2.0-or-later
"""What NetworkPolicy says of a flow, written down as plainly as it can be.

Nothing is shared with netpold: manifests are read anew for every question, and
every policy, rule, peer and port is looked at in turn. Rules are cited where
they are followed; policy/RULES.md explains them.
"""

import ipaddress

OPERATORS = {  # NP-23
    "In": lambda labels, key, values: key in labels and labels[key] in values,
    "NotIn": lambda labels, key, values: key not in labels or labels[key] not in values,
    "Exists": lambda labels, key, values: key in labels,
    "DoesNotExist": lambda labels, key, values: key not in labels,
}


def selects(selector, labels):
    """An empty selector selects everything (NP-21), all it says must hold (NP-20)."""
    return all(labels.get(key) == value
               for key, value in selector.get("matchLabels", {}).items()) and \
        all(OPERATORS[wanted["operator"]](labels, wanted["key"], wanted.get("values", []))
            for wanted in selector.get("matchExpressions", []))


def in_block(block, address):
    """Families never match each other (NP-37); except is the peer's own (NP-36)."""
    def holds(cidr):
        return ipaddress.ip_address(address) in ipaddress.ip_network(cidr, strict=False)
    return holds(block["cidr"]) and not any(holds(cidr) for cidr in block.get("except", []))


def labels_of(item):
    return item["metadata"].get("labels", {})


class Oracle:
    """@objects  Namespaces, Pods and NetworkPolicies, as in manifests"""

    def __init__(self, objects):
        self.objects = objects

    def _all(self, kind):
        return [item for item in self.objects if item["kind"] == kind]

    def _pod_at(self, address):
        for pod in self._all("Pod"):
            if any(each["ip"] == address for each in pod["status"]["podIPs"]):
                return pod
        return None

    def allows(self, source, destination, protocol, port=None):
        """@protocol as policies write it, or another; @port None where it has none.
        Both ends have to agree (DEC-3)."""
        return all(self.sides(source, destination, protocol, port))

    def sides(self, source, destination, protocol, port=None):
        """What egress of the source says, and ingress of the destination; who is no
        pod has no say."""
        sender, receiver = self._pod_at(source), self._pod_at(destination)
        if sender and sender is receiver:
            return True, True  # NP-50
        flow = (receiver, protocol, port)
        return (not sender or self._side("Egress", sender, destination, receiver, flow),
                not receiver or self._side("Ingress", receiver, source, sender, flow))

    def has_pod(self, address):
        return self._pod_at(address) is not None

    def isolated(self, direction):
        """The addresses of all pods that some policy isolates for that (NP-10)."""
        return {address["ip"] for pod in self._all("Pod") if self._policies(direction, pod)
                for address in pod["status"]["podIPs"]}

    def _policies(self, direction, pod):
        return [policy for policy in self._all("NetworkPolicy")
                if policy["metadata"]["namespace"] == pod["metadata"]["namespace"]
                and selects(policy["spec"].get("podSelector", {}), labels_of(pod))
                and direction in self._types(policy)]

    def _side(self, direction, pod, peer_address, peer, flow):
        """Not isolated, or allowed by one rule of one policy (NP-10 … NP-13)."""
        policies = self._policies(direction, pod)
        return not policies or any(
            self._rule(rule, direction, policy, peer_address, peer, flow)
            for policy in policies for rule in policy["spec"].get(direction.lower()) or [])

    @staticmethod
    def _types(policy):
        """NP-3"""
        return policy["spec"].get("policyTypes") or \
            ["Ingress"] + (["Egress"] if policy["spec"].get("egress") else [])

    def _rule(self, rule, direction, policy, peer_address, peer, flow):
        """Some peer, or none is named; some port, or none is named (NP-14, NP-15)."""
        peers = rule.get("from" if direction == "Ingress" else "to") or []
        ports = rule.get("ports") or []
        return (not peers or any(self._peer(each, policy, peer_address, peer)
                                 for each in peers)) and \
            (not ports or any(self._port(each, *flow) for each in ports))

    def _peer(self, peer, policy, address, pod):
        if "ipBlock" in peer:
            return in_block(peer["ipBlock"], address)  # pods, too (NP-35)
        if not pod:
            return False  # NP-34
        namespace = pod["metadata"]["namespace"]
        if "namespaceSelector" in peer:  # NP-31, NP-32
            labels = [labels_of(item) for item in self._all("Namespace")
                      if item["metadata"]["name"] == namespace]
            if not selects(peer["namespaceSelector"], labels[0]):
                return False
        elif namespace != policy["metadata"]["namespace"]:  # NP-30
            return False
        return selects(peer.get("podSelector", {}), labels_of(pod))

    @staticmethod
    def _port(wanted, receiver, protocol, number):
        """A name is looked up on the receiver (NP-45, NP-47); ICMP has no port (NP-70)."""
        if wanted.get("protocol", "TCP") != protocol:
            return False
        port = wanted.get("port")
        if isinstance(port, str):
            return receiver is not None and any(
                each.get("name") == port and each.get("protocol", "TCP") == protocol
                and each["containerPort"] == number
                for container in receiver["spec"]["containers"]
                for each in container.get("ports", []))
        return port is None or port <= number <= wanted.get("endPort", port)  # NP-43, NP-48
