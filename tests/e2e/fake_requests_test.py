#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""What netpold asks an API server for, and what it makes of the answers.

Each case is a node of its own with a netpold and a fake server (see fake_node.py).
"""

import signal
import time

import daemon
import fake_case
import fake_faults
import fake_node
import manifests
import observer
import side
import tap
from fake_case import Case

METADATA = "application/json;as=PartialObjectMetadata"
RESOURCES = ("pods", "namespaces", "networkpolicies", "nodes", "clusternetworkpolicies")


def check_forbidden(notes, case):
    """API-1, API-2: RBAC."""
    verb, resource = case.words
    with fake_case.filled(watch_list="off" if verb == "list" else "on",
                forbidden={(verb, resource)}) as fed, fed.netpold() as netpold:
        line = fake_case.wait_words(netpold, "403")
        group = {"networkpolicies": "networking.k8s.io"}.get(resource, "")
        notes.true("the log names verb, resource and group", all(
            words in line for words in (f"verb {verb}", f"resource {resource}",
                                        f'group "{group}"')), (verb, resource, group), line)
        refused = fed.server.wait_asked(
            lambda found: sum(request.status == 403 for request in found) > 1,
            resource=resource)
        fed.server.forbidden = set()
        netpold.process.send_signal(signal.SIGHUP)
        fake_case.must_come(notes, netpold, "once it may, all of it is in force")
        first, second = [request for request in refused if request.status == 403][:2]
        notes.true("it was not asked again at once", (pause := second.at - first.ended) > 0.65,
                   "0.8 s, or a bit less", pause)


def check_least(notes, _case):
    """API-1, API-20, API-40, API-42, API-44, L31, L33: the least that works."""
    with fake_case.filled(watch_list="off") as fed, fed.netpold() as netpold:
        fake_case.must_come(notes, netpold)
        server = fed.server
        server.wait_asked(lambda found: len({it.resource for it in found}) == 5, verb="watch")
        notes.equal("list and watch of five resources, and nothing else", (set(RESOURCES), []),
                    ({request.resource for request in server.requests}, server.complaints))
        notes.equal("only this node is asked for", {f"metadata.name={fake_node.NODE}"},
                    {request.query.get("fieldSelector") for request in server.asked("nodes")})
        notes.equal("pods that are over are not asked for",
                    {"status.phase!=Succeeded,status.phase!=Failed"},
                    {request.query.get("fieldSelector") for request in server.asked("pods")})
        notes.true("of namespaces the metadata is enough", all(
            request.headers["Accept"].startswith(METADATA)
            for request in server.asked("namespaces")), METADATA, "more")
        notes.equal("it has a name of its own", {True}, {
            request.headers["User-Agent"].startswith("netpold/") for request in server.requests})
        notes.equal("answers may be compressed (API-43)", {True}, {
            "gzip" in request.headers.get("Accept-Encoding", "") for request in server.requests})
        watches = server.asked(verb="watch")
        times = [int(request.query["timeoutSeconds"]) for request in watches]
        notes.true("each watch says how long, each differently",
                   all(300 <= seconds <= 600 for seconds in times) and len(set(times)) > 1,
                   "300 to 600", times)
        notes.equal("each watch wants bookmarks", {"true"}, {
            request.query.get("allowWatchBookmarks") for request in watches})


def check_pages(notes, _case):
    """API-10 … API-12, API-43: 1,200 pods at once, compressed; and once more in pages."""
    with fake_case.filled(watch_list="off") as fed:
        many(fed, 1200)
        with fed.netpold() as netpold:
            notes.equal("all pods come", 1201, netpold.wait_in_force().pods)
            fed.server.wait_settled()
            at = time.monotonic()
            fed.server.lose_history()
            fed.put(fake_case.another(1))
            fed.server.wait_asked(lambda found: len(found) >= 3, resource="pods", since=at)
            fed.server.wait_settled()
            notes.equal("the status counts what the server holds, and no trouble",
                        fed.server_counts(), fed.wait_counts())
            netpold.stop()
        notes.equal("the first list is of any version, and so in one answer",
                    [("500", "0")], pages(fed.server.asked("pods", "list")[:1]))
        notes.equal("the next one comes in pages, and is of the last version",
                    [("500", None)] * 3, pages(fed.server.asked("pods", "list", since=at)))
        notes.equal("it believes what the server holds", fed.server_objects(),
                    fed.warm_objects())
        notes.equal("nothing is to be complained about", [], fed.server.complaints)


def pages(requests):
    return [(request.query.get("limit"), request.query.get("resourceVersion"))
            for request in requests]


def many(fed, count):
    for number in range(count):
        fed.put(manifests.pod(f"many-{number}", "shop", "node-b",
                              [f"10.77.{number // 250}.{number % 250 + 1}"],
                              {"app": f"many-{number % 7}", "filler": "x" * 60}))


class Compact(fake_faults.Fault):
    """A history is gone between two pages: the token of the second has expired."""

    def list(self, call, body):
        call.server.store.pass_time()
        call.server.store.compact()
        super().list(call, body)


def check_expired(notes, _case):
    """API-11."""
    with fake_case.filled(watch_list="off") as fed:
        many(fed, 700)
        with fed.netpold() as netpold:
            netpold.wait_in_force()
            fed.server.wait_settled()
            fed.server.faults.add("pods", "list", Compact())
            at = time.monotonic()
            fed.server.lose_history()
            fed.put(fake_case.another(1))
            fed.server.wait_asked(lambda found: found[-1:] and found[-1].verb == "watch",
                                  resource="pods", since=at)
            fed.server.wait_settled()
            notes.equal("the status counts what the server holds, and no trouble",
                        fed.server_counts(), fed.wait_counts())
            netpold.stop()
        asked = fed.server.asked("pods", "list", since=at)
        notes.equal("the list begins anew, without a limit",
                    [("500", False, 200), ("500", True, 410), (None, False, 200)],
                    [(request.query.get("limit"), "continue" in request.query, request.status)
                     for request in asked])
        notes.equal("it believes what the server holds", fed.server_objects(),
                    fed.warm_objects())
        notes.equal("nothing is to be complained about", [], fed.server.complaints)


def check_bookmark(notes, _case):
    """API-22, L33: where a bookmark was, a watch goes on, though the history before it is
    gone."""
    with fake_case.filled(bookmark_s=0.1) as fed, fed.netpold() as netpold:
        fake_case.must_come(notes, netpold)
        fed.server.store.pass_time(100)
        had = {request.resource: request.n_events for request in fed.server.asked()}
        # The first one may still be of the time before.
        fed.server.wait_asked(lambda found: len(found) == 5 and all(
            request.n_events >= had.get(request.resource, 0) + 2 for request in found))
        time.sleep(1.2)  # no watch is a short one
        fed.server.bookmark_s = 60
        fed.server.store.compact()
        at = time.monotonic()
        fed.server.end_watches()
        fed.put(fake_case.another(1))
        netpold.wait_in_force()
        fed.server.wait_asked(lambda found: len(found) >= 5, since=at)
        notes.equal("they watch on, and nothing is listed", ([], 5), (
            [request.resource for request in fed.server.asked(since=at)
             if request.verb != "watch"],
            len(fed.server.asked(since=at))))


def check_retry_after(notes, _case):
    with fake_case.filled() as fed:
        fed.server.faults.add("pods", None, fake_faults.Say(
            429, b"later\n", "text/plain", [("Retry-After", "3")]))
        with fed.netpold() as netpold:
            netpold.wait_in_force()
        first, second = fed.server.asked("pods")[:2]
        waited = second.at - first.ended
        notes.true("it waits as long as it is told", 3 <= waited <= 7, "3 to 6 s", waited)


def check_cluster_policies(notes, _case):
    """API-2, API-3: what is served and not enforced is said aloud."""
    cluster_policy = {
        "apiVersion": "policy.networking.k8s.io/v1alpha2", "kind": "ClusterNetworkPolicy",
        "metadata": {"name": "deny"}, "spec": {"tier": "Admin", "priority": 1}}
    with fake_case.filled() as fed, fed.netpold() as netpold:
        fake_case.must_come(notes, netpold)
        notes.true("nothing is said where there are none", "NOT ENFORCED" not in
                   netpold.log.text(), "nothing", netpold.log.text())
        fed.put(cluster_policy)
        line = fake_case.wait_words(netpold, "NOT ENFORCED")
        notes.true("the log says so", "ClusterNetworkPolicy" in line and " 1 " in line,
                   "1 ClusterNetworkPolicy", line)
        fed.server.store.delete("ClusterNetworkPolicy", "deny")
        fake_case.wait_words(netpold, "no ClusterNetworkPolicy any more")
    with fake_case.filled(serves_cluster_policies=False) as fed, fed.netpold() as netpold:
        fake_case.must_come(notes, netpold, "where they are not served, the rest counts")
        fed.put(fake_case.another(1))
        netpold.wait_in_force()
        asked = fed.server.wait_asked(bool, resource="clusternetworkpolicies")
        notes.equal("it is asked for once", 1, len(asked))
        notes.true("nothing is said of it", "clusternetworkpolicies" not in netpold.log.text(),
                   "nothing", netpold.log.text())


def check_future(notes, _case):
    """L23: a policy with a rule of a later version, and one that nobody can read."""
    later, odd = fake_case.another(1), fake_case.another(2)
    later["spec"]["ingress"] = [{"from": [{"tomorrow": {}}]}]
    odd["spec"] = {"podSelector": 7}
    with fake_case.filled() as fed, fed.netpold() as netpold:
        fake_case.must_come(notes, netpold)
        fed.put(later)
        line = fake_case.wait_words(netpold, "tomorrow")
        notes.true("the log says which, and what is wrong",
                   "shop/more-1" in line and "not in force as it stands" in line,
                   "shop/more-1", line)
        notes.equal("it closes its pods without that rule", 2, wait_policies(netpold, 2))
        fed.put(odd)
        done = wait_status(fed, 1, "NOT READ     2 of networkpolicies in full, as shop/more-1")
        notes.equal("the status says so: exit status 1", 1, done.returncode)
        notes.true("the status says how many, and which",
                   "NOT READ     2 of networkpolicies in full, as shop/more-1" in done.stdout,
                   "2, as shop/more-1", done.stdout)
        notes.equal("so does the metric", 2, observer.metrics(fed.world)[
            "netpold_source_unreadable_objects"])
        notes.equal("what cannot be read at all is none", 2,
                    fed.counts()[0]["networkpolicies"])
        fed.put(fake_case.another(1), fake_case.another(2))
        notes.equal("once they can be read, both are in force", 3, wait_policies(netpold, 3))
        done = wait_status(fed, 0)
        notes.true("then the status is well", done.returncode == 0
                   and "NOT READ" not in done.stdout, "exit status 0", done.stdout)


def wait_policies(netpold, count):
    while (change := netpold.wait_in_force()).policies != count:
        pass
    return change.policies


def wait_status(fed, code, words=""):
    """Until `netpold status` ends so, and says so; returns the last one."""
    deadline = time.monotonic() + daemon.PATIENCE
    while time.monotonic() < deadline:
        done = observer.status(fed.world)
        if done.returncode == code and words in done.stdout:
            break
        time.sleep(0.1)
    return done


CASES = [
    *(Case(f"may not {verb} {resource}", check_forbidden, (verb, resource))
      for verb, resource in (("list", "pods"), ("watch", "pods"), ("list", "networkpolicies"),
                             ("watch", "namespaces"), ("list", "nodes"))),
    Case("what is asked for", check_least),
    Case("pages", check_pages),
    Case("pages whose history is gone", check_expired),
    Case("bookmarks", check_bookmark),
    Case("Retry-After", check_retry_after),
    Case("ClusterNetworkPolicies", check_cluster_policies),
    Case("policies of a later version", check_future),
]


def test(tap_):
    fake_node.prepare()
    side.run(tap_, CASES, lambda notes, case: case.check(notes, case))


if __name__ == "__main__":
    tap.main(test)
