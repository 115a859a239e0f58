#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Whatever let a flow in, when it is gone the flow is cut, within a second (L8).

    client ── TCP 8080, UDP 9000, SCTP 7000 ──► web      by the policy of web
    free   ── the same ───────────────────────► vault    nobody is isolated
    guest  ── the same ───────────────────────► sender   no policy, throughout

Policies are edited, labels change, ports get other names, an address gets
another owner (NP-65), a pod that was open is selected, and a rule holds for one
protocol less: each edit is told of in one sentence, and reaches flows that are
open. They go on when it is taken back, without being opened again, and those
of guest lose nothing all the while. SCTP is there at the level of packets. The
topology is drawn in world.py.
"""

import copy

import daemon
import scenario
import stalls
import streams
import tap
import world
from manifests import pods, policy, port, rule

PODS = ("web", "client", "vault", "free", "sender", "guest")
PORTS = (("tcp", 8080), ("udp", 9000), ("sctp", 7000))
SILENCE_MS = 250
SOON_MS = 1000
COUNT = 5

TCP, UDP, SCTP = port("http"), port(9000, "UDP"), port(7000, "SCTP")


def web_in(*ports, **labels):
    return policy("web-in", "shop", {"app": "web"}, ingress=[
        rule([pods(**(labels or scenario.CLIENT))], ports or (TCP, UDP, SCTP))])


BASE = [web_in()]
SELECTED = policy("vault-in", "shop", {"app": "vault"}, ingress=[])


# ---- edits: what becomes of the cluster, and of the policies ------------------

def with_policies(*policies):
    return lambda cluster: (cluster, policies)


def with_pod(name, change):
    """Another manifest for one of the pods."""
    def edit(cluster):
        cluster = copy.deepcopy(cluster)
        for item in cluster:
            if (item["kind"], item["metadata"]["name"]) == ("Pod", name):
                change(item)
        return cluster, BASE
    return edit


def relabel(pod):
    pod["metadata"]["labels"]["app"] = "other"


def rename_ports(pod):
    for one in pod["spec"]["containers"][0]["ports"]:
        one["name"] = {"http": "alt", "alt": "http"}[one["name"]]


def change_owner(pod):
    """Another pod has the address now, and nobody knows the first one any more."""
    pod["metadata"]["name"] = "other"
    pod["metadata"]["labels"] = {"app": "other"}
    pod["metadata"]["uid"] = "00000000-0000-0000-0000-0000000000ff"


def move(pod):
    """The address belongs to a pod with the same labels in another namespace."""
    pod["metadata"]["namespace"] = "guests"


WEB = [("client", "web", *each) for each in PORTS]
VAULT = [("free", "vault", *each) for each in PORTS]
KEPT = [("guest", "sender", *each) for each in PORTS]
ALL = WEB + VAULT + KEPT

EDITS = [
    # (what, edit, flows that it cuts)
    ("the policy's only rule goes", with_policies(
        policy("web-in", "shop", {"app": "web"}, ingress=[])), WEB),
    ("the rule asks for another label", with_policies(web_in(app="other")), WEB),
    ("the rule loses TCP", with_policies(web_in(UDP, SCTP)), WEB[:1]),
    ("the rule loses UDP", with_policies(web_in(TCP, SCTP)), WEB[1:2]),
    ("the rule loses SCTP", with_policies(web_in(TCP, UDP)), WEB[2:]),
    ("the client's labels change", with_pod("client", relabel), WEB),
    ("the client's address gets another owner", with_pod("client", change_owner), WEB),
    ("the client's address moves to another namespace", with_pod("client", move), WEB),
    ("the server's port gets another name", with_pod("web", rename_ports), WEB[:1]),
    ("a server that was open is selected", with_policies(*BASE, SELECTED), VAULT),
]


# ---- checks ------------------------------------------------------------------

def tell(netpold, cluster, policies):
    """In one file, so that it is one change."""
    return netpold.apply(*cluster, *policies, name="cluster")


def check_edit(tap_, netpold, cluster, edit, everyone, stood):
    what, change_it, flows = edit
    cut = everyone.part(flows)
    rest = everyone.part([each for each in ALL if each not in flows])
    change = tell(netpold, *change_it(cluster))
    took_ms = change.measured_ms
    took_ms -= 1000 * stood.within(change.at - took_ms / 1000, change.at)
    tap_.true(f"{what}: in force within a second", took_ms < SOON_MS,
              f"less than {SOON_MS} ms", took_ms)
    tap_.equal(f"{what}: these flows are cut, and no others", [],
               cut.flowing(change.at, count=1, timeout_ms=SILENCE_MS))
    tap_.equal(f"{what}: the others go on", rest.names(), rest.flowing(change.at, COUNT))
    back = tell(netpold, cluster, BASE)
    tap_.equal(f"{what}, and taken back: all go on", cut.names() + rest.names(),
               cut.flowing(back.at, COUNT) + rest.flowing(back.at, COUNT))


def check_world(tap_, world_):
    tap_.section(world_.name)
    cluster = world_.cluster()
    world_.folder.put("cluster", *cluster, *BASE)
    with daemon.Daemon(world_) as netpold, stalls.Stalls() as stood:
        netpold.wait_in_force()
        everyone = streams.Streams(world_, ALL)
        for edit in EDITS:
            check_edit(tap_, netpold, cluster, edit, everyone, stood)
        reports = everyone.part(KEPT).each("stream_stop")
        tap_.equal("after all that, flows that no edit concerns have lost nothing", [],
                   [name for name, report in reports if report["sent"] != report["answered"]])


def test(tap_):
    for world_ in world.variants(scenario.specs(*PODS), world.CROSS):
        check_world(tap_, world_)


if __name__ == "__main__":
    tap.main(test)
