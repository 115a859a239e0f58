#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""The API server ends, hangs, forgets, or cannot be reached.

    node-a                       node-b
    client-a  app=client  ────►  web-b  app=web

Meanwhile the last state stays in force, without a limit in time (API-28). When the
server is back, each netpold takes the thread up where it was (API-27), or begins
anew where the server has forgotten that place (API-26); either way all that has
changed comes into force.
"""

import collections
import signal

import kube_client
import kube_cluster
import tap
import world
from manifests import pods, policy, port, rule
from probe import ALLOWED, DENIED, Probe, check_all

BACK_S = 50  # after failures that have gone on for some seconds
MANY = 8  # requests, by waits of 0.8 s, 1.6 s, … (API-50): more than a start takes
HALVES = (
    [world.PodSpec("client-a", labels={"app": "client"}),
     world.PodSpec("other-a", labels={"app": "other"})],
    [world.PodSpec("web-b", labels={"app": "web"}, listens=(("tcp", 8080),))],
)


def web_in(app):
    return policy("web-in", "shop", {"app": "web"}, ingress=[rule([pods(app=app)], [port(8080)])])


def ways(sentence, *allowed):
    return [Probe(f"{sentence}: {name} to web-b: {ALLOWED if name in allowed else DENIED}", name,
                  "web-b", "tcp", 8080, ALLOWED if name in allowed else DENIED)
            for name in ("client-a", "other-a")]


def check_restart(tap_, kube):
    for how in (signal.SIGTERM, signal.SIGKILL):
        kube.server.stop(how)
        check_all(tap_, kube, ways(f"the server ended by {how.name}", "client-a"))
        start = kube.server.audit_size()
        kube.server.start()
        changed = kube.client.apply(web_in("other"))
        tap_.equal(f"ended by {how.name} and started: a change comes into force", [],
                   kube.wait(changed, *generation(changed), patience_s=BACK_S))
        check_all(tap_, kube, ways(f"after {how.name}, changed", "other-a"))
        kube.enforce(web_in("client"))
        most = max(requests(kube.server, start).values())
        tap_.true(f"after {how.name}: no node asks for anything in a hot loop (L29, L33)",
                  most <= MANY, f"{MANY} requests for one resource at most", most)


def requests(server, start):
    """How often each node has asked for each resource."""
    return collections.Counter(
        (event["sourceIPs"][0], event["objectRef"]["resource"])
        for event in server.audit_events(start=start) if event["stage"] == "RequestReceived")


def check_pause(tap_, kube):
    """Connections stay open, and nothing comes over them."""
    with kube.server.paused():
        check_all(tap_, kube, ways("the server hangs", "client-a"))
    kube.enforce(web_in("other"))
    check_all(tap_, kube, ways("the server goes on", "other-a"))
    kube.enforce(web_in("client"))


def check_partition(tap_, kube):
    """Of the node that judges what comes in: the other one goes on meanwhile."""
    there, here = kube.worlds
    with kube.partition(here):
        changed = kube.client.apply(web_in("other"))
        tap_.equal("the node that is not cut off has the change", [],
                   kube.wait(changed, *generation(changed), halves=[there]))
        tap_.true("the node that is cut off does not say that it had it",
                  kube.wait(changed, *generation(changed), halves=[here], patience_s=1),
                  "netpold wait ends in vain", "it was in force")
        check_all(tap_, kube, ways("cut off", "client-a"))
    tap_.equal("no longer cut off: the change comes into force", [],
               kube.wait(changed, *generation(changed), halves=[here], patience_s=BACK_S))
    check_all(tap_, kube, ways("no longer cut off", "other-a"))
    kube.enforce(web_in("client"))


def check_compaction(tap_, kube):
    """What happens while a node is away is forgotten before it is back: 410, and a relist."""
    half, client = kube.worlds[1], kube.client
    kube.start_anew(half).wait_in_force()  # no failures of before make this one wait
    seen = client.call("GET", "/api/v1/pods")["metadata"]["resourceVersion"]
    with kube.cut_off(half):
        withdrawn = web_in("client")
        client.delete("NetworkPolicy", "shop", "web-in")
        client.label("Pod", "shop", "other-a", app="trusted")
        created = client.apply(policy("web-in-too", "shop", {"app": "web"},
                                      ingress=[rule([pods(app="trusted")])]))
        kube.server.compact()
        kube.server.restart()
        start = kube.server.audit_size()
        tap_.equal("the server has forgotten what the node saw last", 410, watch_at(client, seen))
    tap_.equal("a policy that was created meanwhile comes into force", [],
               kube.wait(created, *generation(created), patience_s=BACK_S))
    tap_.equal("a policy that was deleted meanwhile is in force no more", [],
               kube.wait(withdrawn, "--deleted", patience_s=BACK_S))
    kube.check_soon(tap_, ways("and a label that was changed meanwhile counts", "other-a"), BACK_S)
    lists = {event["objectRef"]["resource"] for event in kube.server.audit_events(start=start)
             if is_list(event) and event["sourceIPs"][0] in half.site.out(1).values()}
    tap_.equal("it has listed anew what it watches", {"namespaces", "networkpolicies", "pods"},
               lists & {"namespaces", "networkpolicies", "pods"})


def generation(item):
    return "--generation", str(item["metadata"]["generation"])


def is_list(event):
    return event["verb"] == "list" or "sendInitialEvents=true" in event["requestURI"]


def watch_at(client, version):
    """The status of a watch from there on, whether the server says it at once or in an event."""
    try:
        events = client.watch("Pod", "", version)
    except kube_client.KubeError as error:
        return error.status
    return events[0]["object"].get("code") if events else 200


def test(tap_):
    with kube_cluster.KubeCluster(*HALVES) as kube:
        kube.start()
        kube.enforce(web_in("client"))
        check_all(tap_, kube, ways("to begin with", "client-a"))
        for check in (check_pause, check_partition, check_restart, check_compaction):
            check(tap_, kube)


if __name__ == "__main__":
    tap.main(test)
