#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Random changes and random faults of an API server, for some seconds (L29).

Each seed is a node of its own with a netpold and a server (see fake_node.py) that
puts and deletes objects and does everything wrong that fake_faults.py knows, now and
then is away, forgets its history, or ends what it is asked for. Then it behaves
again, and netpold believes what the server holds.

    SEED=N DURATION=N fake_history_test.py      one seed alone, for so many seconds
"""

import os
import random
import signal
import time

import fake_faults as faults
import fake_node
import fake_store
import manifests
import scenario
import side
import tap
from fake_faults_test import BAD_POLICY, NO_KIND, PACKED, check_memory

SECONDS = float(os.environ.get("DURATION", 4))
N_SEEDS = 12
NAMES = ("a", "b", "c", "d")
SPACES = ("shop", "guests")
# An old server's bookmarks tell that it does not stream, or half a minute's silence would.
STREAMING = (("on", 0.1), ("on", 60), ("off", 0.1), ("off", 60), ("old", 0.1))
CODES = (400, 401, 404, 410, 422, 429, 500, 503, 504)


class History:
    """One seed."""

    def __init__(self, seed):
        self.name = f"seed {seed}"
        self.random = random.Random(seed)
        watch_list, bookmark_s = self.pick(*STREAMING)
        self.settings = {"watch_list": watch_list, "bookmark_s": bookmark_s,
                         "gone_as": self.pick("event", "status"),
                         "metadata_only": self.pick(True, False)}

    def pick(self, *values):
        return self.random.choice(values)

    # ---- changes ----

    def pod(self):
        made = manifests.pod(self.pick(*NAMES), self.pick(*SPACES),
                             self.pick(fake_node.NODE, "node-b"),
                             [f"10.66.0.{self.random.randint(2, 60)}"],
                             {"app": self.pick(*NAMES)},
                             self.pick((), scenario.HTTP[:1], scenario.HTTP))
        made["spec"]["hostNetwork"] = self.pick(True, False, False)
        del made["metadata"]["uid"]  # one that is made anew gets another
        made["status"]["phase"] = self.pick("Pending", "Running", "Succeeded", "Failed")
        return made

    def policy(self):
        kind, direction = self.pick(("ingress", "from"), ("egress", "to"))
        peers = [manifests.pods(app=self.pick(*NAMES))]
        ports = [manifests.port(self.pick("http", "alt", 8080))]
        rules = self.pick([], [{}], [manifests.rule(peers, ports, direction)])
        return manifests.policy(self.pick(*NAMES), self.pick(*SPACES),
                                {"app": self.pick(*NAMES)}, **{kind: rules})

    def change(self, store):
        kind = self.pick("Pod", "Pod", "NetworkPolicy", "NetworkPolicy", "Namespace")
        if kind == "Namespace":
            store.put(manifests.namespace(self.pick(*SPACES), team=self.pick(*NAMES)))
        elif self.pick(True, True, False):
            store.put(self.pod() if kind == "Pod" else self.policy())
        else:
            known = list(store.now[fake_store.OF_KIND[kind].name])
            if known:
                space, name = self.pick(*known)
                store.delete(kind, name, space)

    # ---- faults ----

    def fault(self, store):
        """(the resource that it is about, or None; the fault)"""
        old = self.random.randint(store.oldest, store.version)
        code = self.pick(*CODES)
        kind = self.pick(
            faults.HangUp, lambda: faults.HangUp(reset=True), faults.CutList,
            lambda: faults.SlowList(self.random.randint(1, 200), 0), faults.CutEvent,
            lambda: faults.OldList(old), lambda: faults.Again(old), faults.SlowEvents,
            lambda: faults.Send(b"}garbage{\n"), faults.Twice, faults.Mistaken,
            lambda: faults.Crossed(self.pick(*NAMES)), faults.Strangers, faults.EndAtOnce,
            lambda: faults.ErrorEvent(code, "an event says so"), faults.CutInitial,
            faults.NoInitialEnd, lambda: faults.SayStatus(code, "a status says so"),
            lambda: faults.Say(200), lambda: faults.Raw(PACKED), lambda: faults.Raw(b"?\r\n"))
        return self.pick(None, *fake_store.RESOURCES), kind()

    def spoil(self, server):
        resource, fault = self.fault(server.store)
        if self.pick(*range(10)) == 0:  # objects that are none stay, where they could be one
            resource = "networkpolicies"
            fault = self.pick(faults.BadItem, faults.BadEvent)(self.pick(BAD_POLICY, NO_KIND))
        server.faults.add(resource, self.pick(None, "list", "watch", "stream"), fault,
                          self.pick(1, 2))

    def step(self, server, netpold):
        """One thing that happens."""
        dice = self.random.random()
        if dice < 0.5:
            self.change(server.store)
        elif dice < 0.75:
            self.spoil(server)
        elif dice < 0.8:
            server.end_watches()
        elif dice < 0.85:
            server.lose_history()
        elif dice < 0.88:
            server.store.compact()
        elif dice < 0.91:
            server.hang_up()
        elif dice < 0.93:
            (server.stop if server.is_up else server.start)()
        else:  # or it would wait most of the time
            netpold.process.send_signal(signal.SIGHUP)
        time.sleep(self.random.random() / 20)


# What no history has: who counts it has read to the end.
LAST = (manifests.namespace("last"), manifests.policy("last", "shop", {}, ingress=[]),
        manifests.pod("last", "shop", "node-b", ["10.66.0.61"]))


def make_well(server, netpold):
    """It behaves again; whether netpold watches everything then."""
    if not server.is_up:
        server.start()
    server.faults.clear()
    server.lose_history()
    for _ in range(30):
        netpold.process.send_signal(signal.SIGHUP)
        if server.wait_settled(0.5):
            return True
    return False


def check(notes, history):
    with fake_node.fed_node(**history.settings) as fed:
        for space in SPACES:
            fed.put(manifests.namespace(space))
        fed.put(manifests.node(fake_node.NODE, ["10.66.0.0/24"]))
        for _ in range(20):
            history.change(fed.server.store)
        with fed.netpold() as netpold:
            netpold.wait_in_force()
            end = time.monotonic() + SECONDS
            while time.monotonic() < end:
                history.step(fed.server, netpold)
            notes.true("everything is watched again", make_well(fed.server, netpold),
                       "all five", netpold.log.text()[-3000:])
            fed.put(*LAST)
            notes.equal("the status counts what the server holds, and no trouble",
                        fed.server_counts(), fed.wait_counts())
            check_memory(notes, netpold)
            notes.equal("it ends in order", 0, netpold.stop())
        notes.equal("it believes what the server holds", fed.server_objects(),
                    fed.warm_objects())
        notes.equal("nothing that it asks is to be complained about", [], fed.server.complaints)


def test(tap_):
    fake_node.prepare()
    first = random.randrange(1 << 32)
    seeds = [int(os.environ["SEED"])] if "SEED" in os.environ else \
        range(first, first + N_SEEDS)
    tap_.comment(f"seeds: {' '.join(map(str, seeds))}")
    side.run(tap_, list(map(History, seeds)), check, at_once=N_SEEDS)


if __name__ == "__main__":
    tap.main(test)
