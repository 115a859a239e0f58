#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""How it stands between netpold and an API server, as all who ask are told.

    the test ──► fake server ◄── netpold ◄── 127.0.0.1:9500, `netpold status` ── the test
                                              (see fake_node.py)

Before the first sync netpold is not ready, and says what it waits for; from then on it is ready,
also while the server is away: what was read stays, and its age is a metric (API-28, L29). It lives
all the while (L32). Policies that are not enforced are told of wherever anybody looks.
"""

import pathlib
import sys
import time

import fake_node
import health_test
import manifests
import observer
import scenario
import tap
import web

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "daemon"))
import exposition  # noqa: E402
import schema  # noqa: E402

ENFORCED = ("namespaces", "networkpolicies", "nodes", "pods")
CLUSTER_POLICY = {
    "apiVersion": "policy.networking.k8s.io/v1alpha2", "kind": "ClusterNetworkPolicy",
    "metadata": {"name": "deny"}, "spec": {"tier": "Admin", "priority": 1}}
PATIENCE = 15


class Health:
    """What is told over HTTP, read anew each time, and of metrics once a second."""

    def __init__(self, asker):
        self.asker = asker

    def families(self):
        time.sleep(1.1)
        return exposition.read(self.asker.get("/metrics")[1] + "\n")

    def source(self, word):
        """{resource: value} of a metric."""
        family = self.families()[0].get(f"netpold_source_{word}")
        return {dict(labels)["resource"]: value
                for (_, labels), value in family.samples.items()} if family else {}

    def wait_source(self, word, enough):
        """Ask until enough({resource: value}); returns the last."""
        deadline = time.monotonic() + PATIENCE
        while True:
            got = self.source(word)
            if enough(got) or time.monotonic() > deadline:
                return got

    def ready(self):
        return self.asker.wait("/readyz", lambda status, _: status == 200)


def netpold(fed, *options):
    return fed.netpold(*health_test.LISTEN, *options)


def fill(fed):
    fed.put(manifests.namespace("shop"), manifests.node(fake_node.NODE, ["10.66.0.0/24"]),
            scenario.allow_clients(manifests.port("http")))


def wait_status(fed, enough):
    """`netpold status`, asked until enough(it); returns it."""
    deadline = time.monotonic() + PATIENCE
    while True:
        done = observer.status(fed.world)
        if enough(done) or time.monotonic() > deadline:
            return done
        time.sleep(0.1)


def check_waiting(tap_, fed, health):
    """L30: nothing is in force before all lists are there."""
    fed.server.stop()
    with netpold(fed) as running:
        status, said = health.asker.wait("/readyz", lambda _, said: "onnect" in said)
        tap_.true("a server is not there: it is not ready, and says what it waits for, and why",
                  status == 503 and said.startswith("not ready: waiting for namespaces, ") and
                  all(name in said for name in (*ENFORCED, fed.server.url)) and
                  "clusternetworkpolicies" not in said, "not ready: waiting for …", said)
        tap_.equal("a server is not there: it lives", 200, health.asker.get("/livez")[0])
        tap_.equal("a server is not there: nothing is synced", {0},
                   set(health.source("synced").values()))
        tap_.equal("a server is not there: a probe by exec is told the same", (1, True), (
            health_test.ready_by_command(fed.world)[0],
            health_test.ready_by_command(fed.world)[1].startswith("not ready: waiting for")))
        fed.server.start()
        tap_.equal("it comes: it is ready", 200, health.ready()[0])
        running.stop()


def is_synced(now):
    return all(now.get(name) == 1 for name in ENFORCED)


def check_numbers(tap_, fed, health):
    health.wait_source("synced", is_synced)  # the metrics come twice a second
    families, problems = health.families()
    tap_.equal("metrics: nothing is wrong with the format", [], problems)
    synced = {name: exposition.value(families, "netpold_source_synced", resource=name)
              for name in ENFORCED}
    tap_.equal("metrics: all that is enforced is synced", dict.fromkeys(ENFORCED, 1), synced)
    objects = health.source("objects")
    tap_.equal("metrics: how many objects there are",
               {"namespaces": 1, "networkpolicies": 1, "nodes": 1, "pods": 0},
               {name: objects[name] for name in ENFORCED})
    for word in ("lists", "watches", "requests"):
        counts = health.source(f"{word}_total")
        tap_.true(f"metrics: {word} are counted", all(counts[name] >= 1 for name in ENFORCED),
                  "1 or more of each", counts)
    before = health.source("events_total")
    fed.put(manifests.namespace("bank"))
    after = health.wait_source("events_total",
                               lambda now: now["namespaces"] > before["namespaces"])
    tap_.equal("metrics: an event is counted, of its resource", {"namespaces": 1, "pods": 0},
               {name: after[name] - before[name] for name in ("namespaces", "pods")})
    age = health.source("age_seconds")
    tap_.true("metrics: the server was heard of just now", 0 <= age["namespaces"] < PATIENCE,
              "some seconds", age)


def check_status(tap_, fed):
    done = wait_status(fed, lambda done: done.returncode == 0)
    tap_.equal("the status: all is well", (0, ""), (done.returncode, done.stderr))
    tap_.true("the status: the page says where objects come from",
              f"\nSource       {fed.server.url}, all heard of in the last " in done.stdout,
              fed.server.url, done.stdout)
    told = observer.get(fed.world, "status")
    tap_.equal("the status: it keeps to its schema", [],
               list(schema.violations({"version": 1, "status": told}, observer.SCHEMA)))
    tap_.equal("the status: its source", ("api-server", fed.server.url, 0),
               (told["source"]["kind"], told["source"]["server"],
                told["source"]["ignored_cluster_network_policies"]))


def check_away(tap_, fed, health):
    fed.server.stop()
    done = wait_status(fed, lambda done: "NOT FOLLOWED" in done.stdout and
                       "\n             pods: " in done.stdout)
    tap_.true("the server goes: the page says so, and why", done.returncode == 1 and
              "objects are NOT FOLLOWED" in done.stdout.splitlines()[0] and
              "\n             pods: " in done.stdout, "exit status 1", done.stdout)
    before = health.source("age_seconds")
    failures = health.source("failures_total")
    after = health.wait_source("age_seconds", lambda now: all(
        now[name] > before[name] + 3 for name in ENFORCED))
    tap_.true("the server is away: its silence grows", all(
        3 < after[name] - before[name] < PATIENCE for name in ENFORCED), "3 s or more",
              (before, after))
    tap_.equal("the server is away: it stays ready, and lives", [200, 200],
               [health.asker.get(path)[0] for path in ("/readyz", "/livez")])
    tap_.equal("the server is away: it stays ready for a probe by exec", 0,
               health_test.ready_by_command(fed.world)[0])
    now = health.wait_source("failures_total", lambda now: all(
        now[name] > failures[name] for name in ENFORCED))
    tap_.true("the server is away: failures are counted", all(
        now[name] > failures[name] for name in ENFORCED), "more of each", (failures, now))
    fed.server.start()
    done = wait_status(fed, lambda done: done.returncode == 0)
    tap_.equal("the server comes back: the status says so", 0, done.returncode)
    age = health.wait_source("age_seconds", lambda now: all(
        now[name] < before[name] + 3 for name in ENFORCED))
    tap_.true("the server comes back: it is heard of", all(
        age[name] < after[name] for name in ENFORCED), "less than before", (after, age))


def check_ignored(tap_, fed, health):
    def ignored():
        return exposition.value(health.families()[0], "netpold_cluster_network_policies_ignored")

    tap_.equal("no ClusterNetworkPolicy: none is ignored", 0, ignored())
    fed.put(CLUSTER_POLICY)
    done = wait_status(fed, lambda done: "NOT ENFORCED" in done.stdout)
    tap_.true("a ClusterNetworkPolicy: the page says that it is not enforced",
              done.returncode == 1 and "ClusterNetworkPolicies are NOT ENFORCED" in
              done.stdout.splitlines()[0] and "\nNOT ENFORCED 1 ClusterNet" in done.stdout,
              "exit status 1", done.stdout)
    tap_.equal("a ClusterNetworkPolicy: so does the metric", 1, ignored())
    tap_.equal("a ClusterNetworkPolicy: it stays ready", 200, health.asker.get("/readyz")[0])
    fed.server.store.delete("ClusterNetworkPolicy", "deny")
    tap_.equal("it is deleted: all is well", 0,
               wait_status(fed, lambda done: done.returncode == 0).returncode)
    tap_.equal("it is deleted: none is ignored", 0, ignored())


def check_not_served(tap_, fed, health):
    """Most clusters do not know ClusterNetworkPolicies, which is nothing to worry about."""
    with netpold(fed):
        health.ready()
        done = wait_status(fed, lambda done: done.returncode == 0)
        tap_.equal("ClusterNetworkPolicies are not served: all is well", 0, done.returncode)
        synced = health.wait_source("synced", is_synced)
        tap_.equal("ClusterNetworkPolicies are not served: nothing lacks", dict.fromkeys(ENFORCED, 1),
                   synced)


def check_unkept(tap_, fed):
    """What the log says is right wherever objects come from."""
    fed.world.node.path("/run/unkept/warm").mkdir(parents=True)
    with netpold(fed, "--state-dir=/run/unkept") as running:
        line = running.log.wait(lambda line, _at: line if "/warm" in line else None)
        tap_.true("objects cannot be kept: the log says so, and of objects",
                  line.endswith(": where objects cannot be read at a start, netpold will not know "
                                "what they said last; trying again"), "objects", line)
        tap_.equal("no line of it is about manifests", [],
                   [line for _, line in running.log.lines if "manifest" in line])
        running.stop()


def test(tap_):
    with fake_node.fed_node() as fed, web.Web(fed.world.node, health_test.PORT) as asker:
        health = Health(asker)
        fill(fed)
        check_waiting(tap_, fed, health)
        with netpold(fed) as running:
            health.ready()
            check_numbers(tap_, fed, health)
            check_status(tap_, fed)
            check_away(tap_, fed, health)
            check_ignored(tap_, fed, health)
            tap_.equal("it stops in order", 0, running.stop())
    with fake_node.fed_node(serves_cluster_policies=False) as fed, \
            web.Web(fed.world.node, health_test.PORT) as asker:
        fill(fed)
        check_not_served(tap_, fed, Health(asker))
        check_unkept(tap_, fed)


if __name__ == "__main__":
    tap.main(test)
