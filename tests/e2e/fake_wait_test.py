#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Receipts of what an API server says, whatever it does meanwhile (L36).

    the test ──► fake server ◄── netpold ◄── `netpold wait` ── the test
                                              (see fake_node.py)

A list that comes anew, a watch that ends, a server that goes and comes back: a receipt is for
the generation that is in force, and who has not changed keeps the time since when. That packets
obey it is for wait_test.py to see, and with a real server for kube_policy_test.py.
"""

import time

import daemon
import fake_node
import manifests
import observer
import tap
from wait_test import Wait, look, wait_until_asked

A, B, C = ("shop/a", "shop/b", "shop/c")
N_PODS = 50


def policy(name, *peers):
    """What it says is for the peers to tell: another list of them, another generation."""
    return manifests.policy(name, "shop", {"app": name}, ingress=[manifests.rule(peers)])


def receipts(fed):
    """{name: (generation, since)}"""
    with observer.Client(fed.world) as client:
        return {f"{row['namespace']}/{row['name']}": (row.get("generation"), row["in_force_since"])
                for row in client.get("receipts")}


def generations(fed):
    return {name: generation for name, (generation, _) in receipts(fed).items()}


def check_waited(tap_, fed, what, act, *options):
    """It waits already when something happens, and that ends it."""
    wait = Wait(fed.world, *options)
    wait_until_asked(fed.world)
    act()
    ended, _ = wait.end()
    tap_.true(f"{what}: it returns", (ended[0], ended[2]) == (0, ""), 0, ended)


def check_events(tap_, fed):
    check_waited(tap_, fed, "a policy is created", lambda: fed.put(policy("a")),
                 "--policy", A, "--generation=1")
    check_waited(tap_, fed, "it is changed", lambda: fed.put(policy("a", manifests.pods(x="y"))),
                 "--policy", A, "--generation=2")
    fed.put(policy("b"), policy("c"))
    check_waited(tap_, fed, "another one is deleted", lambda: (
        Wait(fed.world, "--policy", C).end(), fed.server.store.delete("NetworkPolicy", "c", "shop")),
        "--policy", C, "--deleted")
    tap_.equal("there is a receipt for each, and no other", {A: 2, B: 1}, generations(fed))


def check_pods(tap_, fed):
    """Changes of others cost a policy nothing, not even its time."""
    before = receipts(fed)
    for number in range(N_PODS):
        fed.put(manifests.pod(f"pod-{number}", "shop", fake_node.NODE, [f"10.66.0.{number + 1}"],
                              {"app": "a"}))
    tap_.equal("pods have come", N_PODS, fed.wait_counts()[0]["pods"])
    wait_until(lambda: observer.get(fed.world, "status")["local_pods"] == N_PODS)
    tap_.equal("pods have come: receipts are as they were", before, receipts(fed))


def check_listed_again(tap_, fed):
    before, since = receipts(fed), time.monotonic()
    fed.server.lose_history()
    found = fed.server.wait_asked(lambda asked: any(one.n_events for one in asked),
                                  resource="networkpolicies", since=since)
    tap_.true("policies are listed anew", any(one.n_events for one in found), "a list", found)
    tap_.equal("policies are listed anew: nothing lacks", fed.server_counts(), fed.wait_counts())
    tap_.equal("policies are listed anew: receipts are as they were", before, receipts(fed))


def check_missed(tap_, fed):
    """What has changed is found out from a list (API-26, API-17)."""
    before = receipts(fed)

    def miss():
        fed.server.stop()
        fed.server.store.delete("NetworkPolicy", "c", "shop")
        fed.put(policy("a", manifests.pods(x="z")), policy("d"))
        fed.server.store.compact()
        fed.server.start()
    check_waited(tap_, fed, "a list tells what was missed", miss, "--policy", A, "--generation=2")
    tap_.equal("a list tells what was missed: another one has gone", 0,
               Wait(fed.world, "--policy", C, "--deleted").end()[0][0])
    tap_.equal("after a list there is a receipt for each", {A: 2, B: 1, "shop/d": 1},
               generations(fed))
    tap_.equal("who is listed as it was keeps its time", before[B], receipts(fed)[B])


def check_recreated(tap_, fed):
    """Another policy of that name begins with generation 1."""
    def recreate():
        fed.server.store.delete("NetworkPolicy", "a", "shop")
        fed.put(policy("a", manifests.pods(x="new")))
    fed.put(policy("a", manifests.pods(x="y")))
    Wait(fed.world, "--policy", A, "--generation=2").end()
    recreate()
    tap_.equal("deleted and created again: it is in force", 0, wait_until(lambda: generations(fed).get(A) == 1))
    ended = look(fed.world, "--policy", A, "--generation=2")
    tap_.true("deleted and created again: the old generation is not", ended[0] == 1 and
              "at generation 1 since" in ended[1], 1, ended)


def uid_of(fed, name):
    return next(item["metadata"]["uid"] for item in fed.server.store.items("networkpolicies")[0]
                if item["metadata"]["name"] == name)


def check_successor(tap_, fed):
    """Its predecessor, which is in force, has a generation that is as good (API-25)."""
    fed.put(policy("a", manifests.pods(x="y")))
    Wait(fed.world, "--policy", A, "--generation=2").end()
    old = uid_of(fed, "a")
    fed.server.stop()
    fed.server.store.delete("NetworkPolicy", "a", "shop")
    fed.put(policy("a", manifests.pods(x="y")))
    new = uid_of(fed, "a")
    ended = look(fed.world, "--policy", A, f"--uid={new}", "--generation=1")
    tap_.true("one that is created anew: its predecessor's generation is none of its own",
              ended[0] == 1 and f"is another one: its UID is {old}" in ended[1], old, ended)
    before = receipts(fed)[A][1]
    check_waited(tap_, fed, "one that is created anew", fed.server.start,
                 "--policy", A, f"--uid={new}", "--generation=1")
    tap_.true("one that is created anew: is in force since then", receipts(fed)[A][1] > before,
              f"later than {before}", receipts(fed)[A])
    tap_.equal("one that is created anew: its predecessor is not", 0,
               look(fed.world, "--policy", A, f"--uid={old}", "--deleted")[0])


def in_part(name):
    """Of a server that is newer: it has a rule that nobody knows here, and loses that only."""
    item = policy(name)
    item["spec"]["policyTypes"] = ["Ingress"]
    item["spec"]["ingress"] = [{"tomorrow": 1}]
    return item


def unreadable(name):
    item = policy(name)
    item["spec"]["podSelector"] = {"tomorrow": 1}
    return item


def check_unreadable(tap_, fed):
    """What is in force of it is not what the server has (L23)."""
    fed.put(unreadable("b"), unreadable("d"), in_part("a"))
    wait_until(lambda: generations(fed).get(A) == 2)
    for name, what, generation, words in (  # the first has come: so have the others
            (A, "a part of a policy", 2, f"{A} is in force at generation 2 since"),
            (B, "what a policy was before", 1, f"{B} is in force at generation 1 since")):
        ended, _ = Wait(fed.world, "--policy", name, f"--generation={generation}",
                        "--timeout=2s").end()
        tap_.true(f"{what} is in force: it is not waited for", ended[0] == 1 and
                  ended[1].startswith(f"not within 2 s: {words}") and
                  "), and NOT READ in full: the log says why" in ended[1], 1, ended)
    ended = look(fed.world, "--policy", "shop/d")
    tap_.true("a policy that cannot be read is not in force, and said to be there",
              ended[0] == 1 and "no policy shop/d is in force: it can NOT be READ" in ended[1], 1,
              ended)
    tap_.equal("others are", 0, look(fed.world, "--policy", C)[0])
    for name in ("a", "b", "d"):
        check_waited(tap_, fed, f"{name} can be read", lambda name=name: fed.put(
            policy(name, manifests.pods(x="y"))), "--policy", f"shop/{name}")
    tap_.equal("all that can be read is in force", {A: 3, B: 3, C: 1, "shop/d": 2},
               generations(fed))


def wait_until(enough):
    """0, or 1 where it takes too long."""
    deadline = time.monotonic() + daemon.PATIENCE
    while not enough():
        if time.monotonic() > deadline:
            return 1
        time.sleep(0.02)
    return 0


def check_away(tap_, fed):
    fed.server.stop()
    ended, _ = Wait(fed.world, "--policy", B, "--generation=2", "--timeout=2s").end()
    tap_.true("the server is away: what is in force is told, and that nobody tells more",
              ended[0] == 1 and f"{B} is in force at generation 1 since" in ended[1] and
              "the API server does not tell of networkpolicies just now: " in ended[1], 1, ended)


def check_warm(tap_, fed):
    """The server is away, and the last run has read it."""
    with fed.netpold() as netpold:
        netpold.wait_in_force()
        ended = look(fed.world, "--policy", B, "--generation=1")
        tap_.true("a warm start: what the last run has read is in force, and said to be that",
                  ended[0] == 0 and "what the last run has read" in ended[1], 0, ended)
        check_waited(tap_, fed, "the server comes back", lambda: (
            fed.server.start(), fed.put(policy("b", manifests.pods(x="y")))),
            "--policy", B, "--generation=2")
        tap_.equal("the server comes back: receipts are for what it says", {A: 1, B: 2, C: 1},
                   generations(fed))
        netpold.stop()


def check_recreated_and_away(tap_, fed):
    check_recreated(tap_, fed)
    check_away(tap_, fed)


def test(tap_):
    """Each on a node of its own: who has failed often is slower to ask again."""
    for check in (check_events, check_pods, check_listed_again, check_missed, check_successor,
                  check_unreadable, check_recreated_and_away):
        with fake_node.fed_node() as fed:
            fed.put(manifests.namespace("shop"), manifests.node(fake_node.NODE, ["10.66.0.0/24"]))
            if check is not check_events:
                fed.put(policy("a"), policy("b"), policy("c"))
            with fed.netpold() as netpold:
                netpold.wait_in_force()
                check(tap_, fed)
                netpold.stop()
            if check is check_recreated_and_away:
                check_warm(tap_, fed)


if __name__ == "__main__":
    tap.main(test)
