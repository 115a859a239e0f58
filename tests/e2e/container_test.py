#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""The image at work, as the DaemonSet of manifests/ has it run.

kubectl gives the kustomization to a real API server, and what that makes of the DaemonSet
is run by runc, word for word (container.py): capabilities, seccomp, a root that is read
only, the node's network. On node-a, which uses iptables-nft, and on node-b, which uses
iptables-legacy (kube_cluster.py), it enforces, ends and comes back, is followed by another
one without a gap, and is cleaned away.

    client-x ── TCP and UDP 7777, a new one every other millisecond ──► web-x   allowed
    guest-x  ── the same, every 10 ms ──► web-x                                 denied
"""

import copy
import re
import signal

import daemon
import deployed
import image as image_
import kube_cluster
import kubectl as kubectl_
import kubelet as kubelet_
import manifests
import netfilter
import probe
import tap
import world
from probe import ALLOWED, DENIED, Probe

KNOCK_PORT = 7777
KNOCK_US = {"client": 2000, "guest": 10000}
NEEDED = {"NET_ADMIN", "NET_RAW"}
# What each process keeps: only who runs iptables needs both.
LEFT = {"netpold": ["NET_ADMIN"], "netpold-repair": ["NET_ADMIN", "NET_RAW"]}
POLICY = manifests.policy(
    "web-in", "shop", {"app": "web"}, ingress=[manifests.rule([manifests.pods(app="client")], [
        manifests.port(8080), manifests.port(KNOCK_PORT), manifests.port(KNOCK_PORT, "UDP")])])
WRITABLE = sorted(["/run/netpold", "/run/xtables.lock", "/var/lib/netpold"])
# As kubelets make them, that others may tell which flavour is used.
HINT = "KUBE-IPTABLES-HINT"


def specs(letter):
    return [world.PodSpec(f"web-{letter}", labels={"app": "web"}, listens=(("tcp", 8080),)),
            world.PodSpec(f"client-{letter}", labels={"app": "client"}),
            world.PodSpec(f"guest-{letter}", labels={"app": "guest"})]


class Node:
    """One node, and what is tried there."""

    def __init__(self, tap_, kube, kubelet, pods):
        self.tap, self.kube, self.kubelet, self.pods = tap_, kube, kubelet, pods
        self.half = kubelet.half
        self.letter = self.half.node_name[-1]

    def host(self, word):
        return self.kube[f"{word}-{self.letter}"]

    def start(self, folder="base", which="containers"):
        return self.kubelet.start(self.pods[folder], which)

    def rows(self, when, guest=DENIED, client=ALLOWED):
        return [Probe(f"{when}: {word} to web: {expected}", f"{word}-{self.letter}",
                      f"web-{self.letter}", "tcp", 8080, expected)
                for word, expected in (("client", client), ("guest", guest))]

    def check(self, when, **expected):
        probe.check_all(self.tap, self.kube, self.rows(when, **expected))

    def hint(self, change):
        for family in netfilter.FAMILIES:
            self.half.netfilter.change(family, "mangle", change, HINT)

    # ---- connections all the time --------------------------------------------

    def knock(self):
        for word, every_us in KNOCK_US.items():
            self.host(word).call("knock", name="all", every_us=every_us, targets=[
                [protocol, self.host("web").addresses[family], KNOCK_PORT]
                for protocol in ("tcp", "udp") for family in "46"])

    def knocks(self):
        """How many connections of client have begun."""
        return self.host("client").call("knock_count", name="all")

    def check_knocks(self, when, turns):
        """@turns  what knocks() said at each turn of events"""
        stopped = [self.host(word).begin("knock_stop", name="all", patience_ms=patience_ms)
                   for word, patience_ms in (("client", 2000), ("guest", probe.DENIED_MS))]
        client, guest = [future.result(daemon.PATIENCE) for future in stopped]
        self.tap.comment(f"{when}: {client['begun']} connections of client, the slowest took "
                         f"{client['slowest_ms']:.0f} ms; {guest['begun']} of guest")
        self.tap.rises(f"{when}, there were connections all the time",
                       [*turns, client["begun"]])
        self.tap.true(f"{when}, there were many connections", client["begun"] > 200, "many",
                      client["begun"])
        self.tap.equal(f"{when}, every allowed connection is answered, and none is refused",
                       (client["begun"], {}, 0),
                       (client["answered"], client["wrong"], client["silent"]))
        self.tap.equal(f"{when}, no denied connection passes", (0, {}),
                       (guest["answered"], guest["wrong"]))


def check_confined(node, one):
    """What the kernel says of the processes."""
    tap_ = node.tap
    allowed = kubelet_.capabilities(NEEDED)
    for status in one.processes():
        beyond = {word: status[word] for word in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
                  if int(status[word], 16) & ~allowed}
        tap_.equal(f"{status['Name']} has no capability but {' and '.join(sorted(NEEDED))}, nor "
                   "can it get any", {}, beyond)
        tap_.equal(f"{status['Name']} gains no privileges, and is under seccomp", ("1", "2"),
                   (status["NoNewPrivs"], status["Seccomp"]))
        tap_.equal(f"{status['Name']} can use {LEFT[status['Name']]}", LEFT[status["Name"]],
                   [name for name in sorted(NEEDED)
                    if int(status["CapEff"], 16) & kubelet_.capabilities({name})])
    tap_.equal("it may write to three places, and nowhere else", WRITABLE, one.writable())
    tried = one.exec("touch", "/usr/bin/another")
    tap_.true("its image is read only", "Read-only file system" in tried.stderr, "a refusal",
              tried.stderr)
    status = kubelet_.process_status(one.first())
    request = one.spec["resources"]["requests"]["memory"]
    peak_kib = int(status["VmHWM"].split()[0])
    tap_.true("a small cluster takes less memory than is asked for",
              peak_kib < int(request[:-2]) * 1024, request, f"{peak_kib} KiB")
    tap_.comment(f"at most {peak_kib} KiB of memory")


def check_backend(node, when):
    found = node.half.netfilter
    node.tap.true(f"{when}: its rules are among those of iptables-{found.backend}",
                  found.own_rules(), "rules", found.rules())
    if found.backend == "nft":
        node.tap.equal(f"{when}: no table of the other flavour was made", {"4": [], "6": []},
                       found.legacy_tables())


def check_needed(node):
    """Each capability is needed: without it netpold says so, and does nothing."""
    for name in sorted(NEEDED):
        pod = copy.deepcopy(node.pods["base"])
        pod["containers"][0]["securityContext"]["capabilities"]["add"] = sorted(NEEDED - {name})
        one = node.kubelet.start(pod)
        status = one.wait_end()
        one.log.wait_end()
        node.tap.equal(f"without {name} it does not start", 2, status)
        node.tap.true(f"without {name} it says that it needs it", f"CAP_{name}" in one.log.text(),
                      f"CAP_{name}", one.log.text())


def check_start(node):
    one = node.start()
    took = one.wait_ready()
    node.tap.comment(f"ready {took * 1000:.0f} ms after it was started")
    check_backend(node, "started")
    node.check("started")
    check_confined(node, one)
    return one


def check_restart(node, one):
    """Killed, and ended in order: another container of the same pod comes."""
    for how, expected in ((signal.SIGKILL, 137), (signal.SIGTERM, 0)):
        node.tap.equal(f"ended by {how.name}: its exit status", expected, one.end(how))
        node.tap.true(f"ended by {how.name}: its rules stay", node.half.netfilter.own_rules(),
                      "rules", "none")
        one = node.start()
        one.wait_ready()
        node.check(f"started again after {how.name}")
    return one


def check_upgrade(node, old):
    """maxSurge: 1: another pod is there before the first one is deleted."""
    node.knock()
    node.tap.equal("before an upgrade: ready", True, old.probe()[0])
    turns = [0, node.knocks()]
    new = node.start()
    new.wait_ready()
    turns.append(node.knocks())
    ready, said = old.probe()
    node.tap.equal("upgraded: the probe of the old one takes no answer for its own",
                   (False, None), (ready, old.process.poll()))
    node.tap.true("upgraded: the probe says whose answer it is", "another" in said,
                  "another container's", said)
    node.tap.equal("upgraded: the old one waits until it is told to end, and ends in order", 0,
                   old.end())
    turns.append(node.knocks())
    node.check("upgraded")
    node.check_knocks("upgraded", turns)
    node.tap.equal("upgraded: the new one is ready", True, new.probe()[0])
    return new


def check_clean(node, last, before):
    """As the overlay that is for it does it."""
    refused = node.start("overlays/clean", "initContainers")
    node.tap.equal("clean does nothing beneath a netpold that runs", 2, refused.wait_end())
    last.end()
    cleaner = node.start("overlays/clean", "initContainers")
    node.tap.equal("cleaned: its exit status", 0, cleaner.wait_end())
    found = node.half.netfilter
    node.tap.equal("cleaned: the rules are those that were there before", before, found.rules())
    node.tap.equal("cleaned: no set is left", {}, found.sets(answers=True))
    node.tap.equal("cleaned: no connection has a mark", [],
                   [mark for mark in found.marks() if mark & netfilter.MARK_MASK])
    node.tap.equal("cleaned: of files, only the lock that all share is left",
                   ["run/xtables.lock"], node.kubelet.files())
    node.check("cleaned", guest=ALLOWED)
    pause = node.start("overlays/clean").wait_running()
    node.tap.equal("cleaned: a process without any right stays, which does nothing", ["sleep"],
                   [status["Name"] for status in pause.processes()])
    pause.end(signal.SIGKILL)


def check_overlays(node):
    """One after the other, each on a node that is clean."""
    audit = node.start("overlays/audit")
    audit.wait_ready()
    node.check("audit", guest=ALLOWED)
    line = audit.out.wait(lambda line, _at: line if '"deny"' in line else None)
    node.tap.true("audit: what would be denied is told on standard output",
                  re.search(f"guest-{node.letter}", line), f"guest-{node.letter}", line)
    audit.end()
    node.tap.equal("audit: cleaned", 0, node.start("overlays/clean", "initContainers").wait_end())
    closed = node.start("overlays/fail-closed")
    closed.wait_ready()
    closed.end(signal.SIGKILL)
    node.check("fail-closed, killed", client=DENIED)
    closed = node.start("overlays/fail-closed")
    closed.wait_ready()
    node.check("fail-closed, started again")
    closed.end()
    node.tap.equal("fail-closed: cleaned", 0,
                   node.start("overlays/clean", "initContainers").wait_end())


def check_node(tap_, kube, half, image, pods):
    tap_.section(half.name)
    family = "64"[half is kube.worlds[0]]
    with kubelet_.Kubelet(half, kube.server, image, family) as kubelet:
        node = Node(tap_, kube, kubelet, pods)
        node.host("web").call("knock_listen", port=KNOCK_PORT)
        node.hint("-N")
        before = half.netfilter.rules()
        check_needed(node)
        one = check_start(node)
        one = check_restart(node, one)
        one = check_upgrade(node, one)
        check_clean(node, one, before)
        check_overlays(node)


def test(tap_):
    kubectl_.must_exist()
    image = image_.Image()
    with kube_cluster.KubeCluster(specs("a"), specs("b")) as kube:
        kubectl = kubectl_.Kubectl(kube.server)
        pods = {folder: deployed.pod_spec(deployed.kustomized(kubectl, folder)) for folder in (
            "base", "overlays/audit", "overlays/clean", "overlays/fail-closed")}
        kube.client.create(POLICY)
        for half in kube.worlds:
            check_node(tap_, kube, half, image, pods)


if __name__ == "__main__":
    tap.main(test)
