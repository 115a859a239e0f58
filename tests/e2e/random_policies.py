# SPDX-License-Identifier: GPL-2.0-or-later
"""Namespaces, labels and policies drawn by lot, and edits of them.

Few words and few addresses, so that selectors often match and blocks often
hold somebody: about half of what is drawn is allowed.
"""

import random

import manifests

NAMESPACES = ("x", "y", "z")
LABELS = {"app": ("a", "b", "c"), "tier": ("front", "back", "")}
TEAMS = {"team": ("red", "blue"), "env": ("test", "live")}
PORT_NAMES = ("http", "admin", "query")
MAX_POLICIES = 7


class RandomPolicies:
    """A world that goes from one edit to the next.

    @pods  {name: (node, addresses, ports as manifests.pod() takes them)}
    """

    def __init__(self, seed, pods, others):
        self.random = random.Random(seed)
        self.pods = pods
        self.addresses = [address for _, both, _ in pods.values() for address in both] + others
        self.namespace_of = {name: NAMESPACES[number % len(NAMESPACES)]
                             for number, name in enumerate(pods)}
        self.team_labels = {name: self._labels(TEAMS) for name in NAMESPACES}
        self.pod_labels = {name: self._labels(LABELS) for name in pods}
        self.policies = {}
        self.n_policies = self.n_edits = 0
        for _ in range(MAX_POLICIES // 2):
            self._add()

    def edit(self):
        """A few changes, made at once; returns what was done, in words."""
        self.n_edits += 1
        return ", ".join(self.random.choice(self.kinds())()
                         for _ in range(self.random.randint(1, 4)))

    def kinds(self):
        """What may be done; what is named more often is done more often."""
        return (self._add, self._add, self._add, self._replace, self._remove,
                self._relabel_pod, self._relabel_namespace)

    def objects(self):
        """No two edits have the same: there is an empty namespace that counts them."""
        return [
            manifests.namespace("edits", number=str(self.n_edits)),
            *(manifests.namespace(name, **labels) for name, labels in self.team_labels.items()),
            *(manifests.pod(name, self.namespace_of[name], node, both, self.pod_labels[name], ports)
              for name, (node, both, ports) in self.pods.items()),
            *self.policies.values()]

    # ---- edits ----

    def _add(self):
        if len(self.policies) >= MAX_POLICIES:
            return self._remove()
        self.n_policies += 1
        name = f"p{self.n_policies}"
        self.policies[name] = self._policy(name, self.random.choice(NAMESPACES))
        return f"{name} added"

    def _replace(self):
        if not self.policies:
            return self._add()
        name = self.random.choice(list(self.policies))
        self.policies[name] = self._policy(name, self.policies[name]["metadata"]["namespace"])
        return f"{name} replaced"

    def _remove(self):
        if not self.policies:
            return self._add()
        name = self.random.choice(list(self.policies))
        del self.policies[name]
        return f"{name} removed"

    def _relabel_pod(self):
        name = self.random.choice(list(self.pods))
        self.pod_labels[name] = self._labels(LABELS)
        return f"pod {name} labelled"

    def _relabel_namespace(self):
        name = self.random.choice(NAMESPACES)
        self.team_labels[name] = self._labels(TEAMS)
        return f"namespace {name} labelled"

    # ---- draws ----

    def _chance(self, percent):
        return self.random.random() * 100 < percent

    def _labels(self, words):
        return {key: self.random.choice(values) for key, values in words.items()
                if self._chance(80)}

    def _expression(self, words):
        key = self.random.choice(list(words))
        operator = self.random.choice(("In", "NotIn", "Exists", "DoesNotExist"))
        expression = {"key": key, "operator": operator}
        if operator in ("In", "NotIn"):
            values = words[key]
            expression["values"] = self.random.sample(values, self.random.randint(1, len(values)))
        return expression

    def _selector(self, words, empty):
        if self._chance(empty):
            return {}
        if self._chance(50):
            key = self.random.choice(list(words))
            return {"matchLabels": {key: self.random.choice(words[key])}}
        return {"matchExpressions": [self._expression(words)
                                     for _ in range(self.random.randint(1, 2))]}

    def _block(self):
        address = self.random.choice(self.addresses)
        widths = (24, 16, 30, 32) if "." in address else (64, 48, 126, 128)
        block = {"cidr": f"{address}/{self.random.choice(widths[:2] + (widths[3],))}"}
        if not block["cidr"].endswith(f"/{widths[3]}") and self._chance(60):
            prefix = address.rpartition("." if "." in address else ":")[0]
            near = f"{prefix}{'.' if '.' in address else ':'}{self.random.randint(11, 13)}"
            block["except"] = [f"{near}/{self.random.choice(widths[2:])}"]
        return {"ipBlock": block}

    def _peer(self):
        if self._chance(30):
            return self._block()
        peer = {}
        kind = self.random.randrange(3)
        if kind != 0:
            peer["namespaceSelector"] = self._selector(TEAMS, 35)
        if kind != 1:
            peer["podSelector"] = self._selector(LABELS, 25)
        return peer

    def _port(self):
        port = {}
        if self._chance(60):
            port["protocol"] = self.random.choice(("TCP", "TCP", "UDP", "SCTP"))
        if self._chance(30):
            port["port"] = self.random.choice(PORT_NAMES)
        elif self._chance(80):
            port["port"] = self.random.choice((8080, 8081, 9000, 8000))
            if self._chance(30):
                port["endPort"] = port["port"] + self.random.choice((0, 1, 80, 1000))
        return port

    def _rule(self, direction):
        rule = {}
        if self._chance(85):
            rule[direction] = [self._peer() for _ in range(self.random.randint(1, 3))]
        if self._chance(60):
            rule["ports"] = [self._port() for _ in range(self.random.randint(1, 3))]
        return rule

    def _policy(self, name, namespace):
        spec = {"podSelector": self._selector(LABELS, 15)}
        types = self.random.choice((["Ingress"], ["Egress"], ["Ingress", "Egress"], None))
        for kind, direction in (("ingress", "from"), ("egress", "to")):
            if types is None or kind.capitalize() in types or self._chance(10):
                spec[kind] = [self._rule(direction) for _ in range(self.random.randint(0, 3))]
        if types is not None:
            spec["policyTypes"] = types
        return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
                "metadata": {"name": name, "namespace": namespace}, "spec": spec}
