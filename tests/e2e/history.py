# SPDX-License-Identifier: GPL-2.0-or-later
"""What the manifests said when, and so what could be seen at a moment.

        written 1      in force 1         written 2     in force 2
    ───────┼───────────────┼──────────────────┼──────────────┼──────►
     0 only      0 or 1           1 only           1 or 2      2 only

Changes come one after the other: the next is written when the last is in force
on every node. While one comes into force a node may be ahead of another.

Packets of an address in the range of a node's pods that is nobody's may have to wait for
its pod there (NP-67): that they are held, and dropped in the end, is a verdict, too.

While something goes wrong on a node (disturbances.py) new flows may fare either way,
whatever a state says: that time is an outage.
"""

import ipaddress

import oracle


class State:
    """@number, @words  the change that led to it
    @ranges  networks in which a pod has to be known"""

    def __init__(self, number, words, objects, ranges=()):
        self.number = number
        self.ranges = [ipaddress.ip_network(each) for each in ranges]
        self.words = words
        self.objects = objects
        self.oracle = oracle.Oracle(objects)
        self.written = self.in_force = float("inf")
        self.due = float("inf")  # since when nothing keeps it from being in force
        self.answers = {}  # to questions that were asked before

    def sides(self, flow):
        """@flow  (source, destination, protocol, port)"""
        if flow not in self.answers:
            self.answers[flow] = tuple(
                allowed and not self.waits(end)
                for allowed, end in zip(self.oracle.sides(*flow), flow))
        return self.answers[flow]

    def waits(self, address):
        """Whether packets from and to it do, for somebody who has it."""
        return not self.oracle.has_pod(address) and any(
            ipaddress.ip_address(address) in network for network in self.ranges)

    def allows(self, flow):
        return all(self.sides(flow))


class History:
    """Written by one thread, read by any."""

    def __init__(self):
        self.states = []
        self.outages = []  # [began, ended]

    @property
    def last(self):
        return self.states[-1]

    def now(self):
        """The newest that is in force everywhere."""
        return next(state for state in reversed(self.states)
                    if state.in_force < float("inf"))

    def is_troubled(self, began, ended):
        """Whether that time touches an outage."""
        return any(began <= end and ended >= start for start, end in self.outages)

    def between(self, began, ended):
        """All that a node can have gone by meanwhile, oldest first."""
        found = []
        for state in reversed(self.states):
            if state.written <= ended:
                found.insert(0, state)
                if state.in_force <= began:
                    break
        return found


def possible(flow, states, one_node):
    """The verdicts that a flow can have got: each end is judged by one of the states,
    both by the same one where they are on the same node."""
    sides = [state.sides(flow) for state in states]
    verdicts = {all(pair) for pair in sides}
    if not one_node and all(any(some) for some in zip(*sides)):
        verdicts.add(True)
    return verdicts


def words_of(state, start):
    """For who reads a failure: when it was, and what it was."""
    def at(moment):
        return f"{moment - start:.3f} s" if moment < float("inf") else "not yet"
    return f"change {state.number} ({state.words}), written at {at(state.written)}, " \
           f"in force at {at(state.in_force)}"
