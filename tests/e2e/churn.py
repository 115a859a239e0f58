# SPDX-License-Identifier: GPL-2.0-or-later
"""Random policies over pods that come and go.

An address is a seat. Pods take it one after the other: another namespace, other
labels, and other numbers behind the names of ports; or nobody for a while, and
then it is an address like any outside.
"""

import random_policies

MIN_PODS = 3  # for there is something to be judged


class Churn(random_policies.RandomPolicies):
    """@seats  {name: (node, addresses)}: all of them are taken at first
    @ports  lists of ports, of which each pod has one"""

    def __init__(self, seed, seats, ports, others):
        self.ports = ports
        self.uids = {seat: number for number, seat in enumerate(seats)}
        self.n_pods = len(seats)
        super().__init__(seed, {
            seat: (node, addresses, ports[number % len(ports)])
            for number, (seat, (node, addresses)) in enumerate(seats.items())}, others)
        self.empty = {}  # seats without a pod, as in self.pods

    def kinds(self):
        return super().kinds() + (self._relabel_pod, self._replace_pod, self._swap_pods,
                                  self._delete_pod, self._create_pod, self._create_pod)

    def objects(self):
        objects = super().objects()
        for item in objects:
            if item["kind"] == "Pod":
                number = self.uids[item["metadata"]["name"]]
                item["metadata"]["uid"] = f"uid-{number}"
                item["metadata"]["name"] = f"pod-{number}"
        return objects

    # ---- seats that are given up for a while, by whoever moves them ----

    def leave(self, seat):
        """Its pod ends."""
        self.n_edits += 1
        if seat in self.pods:
            self.empty[seat] = self.pods.pop(seat)

    def take(self, seat, addresses):
        """A new pod begins, at other addresses."""
        self.n_edits += 1
        node, _, ports = self.empty[seat]
        self.empty[seat] = node, addresses, ports
        self._sit(seat)

    # ---- edits ----

    def _delete_pod(self):
        if len(self.pods) <= MIN_PODS:
            return self._create_pod()
        seat = self.random.choice(list(self.pods))
        self.leave(seat)
        return f"pod at {seat} deleted"

    def _create_pod(self):
        if not self.empty:
            return self._replace_pod()
        return f"pod at {self._sit(self.random.choice(list(self.empty)))} created"

    def _replace_pod(self):
        """Its address is another pod's at once (NP-65)."""
        seat = self.random.choice(list(self.pods))
        self.leave(seat)
        return f"pod at {self._sit(seat)} replaced"

    def _swap_pods(self):
        """Two pods, each with the addresses of the other."""
        one, other = self.random.sample(list(self.pods), 2)
        for of in (self.uids, self.namespace_of, self.pod_labels):
            of[one], of[other] = of[other], of[one]
        (*here, ports), (*there, others) = self.pods[one], self.pods[other]
        self.pods[one], self.pods[other] = (*here, others), (*there, ports)
        return f"pods at {one} and {other} swapped"

    def _sit(self, seat):
        node, addresses, _ = self.empty.pop(seat)
        self.n_pods += 1
        self.pods[seat] = node, addresses, self.random.choice(self.ports)
        self.uids[seat] = self.n_pods
        self.namespace_of[seat] = self.random.choice(random_policies.NAMESPACES)
        self.pod_labels[seat] = self._labels(random_policies.LABELS)
        return seat
