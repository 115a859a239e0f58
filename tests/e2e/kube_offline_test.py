#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Offline commands ask a real API server (--kubeconfig), and say what they say of a
dump of it. netpold runs nowhere.

    node-a:  client-a  app=client     web-a  app=web
"""

import json
import re

import daemon
import kube_client
import kube_cluster
import kube_server
import tap
import world
from manifests import pods, policy, port, rule

PODS = [world.PodSpec("client-a", labels={"app": "client"}),
        world.PodSpec("other-a", labels={"app": "other"}),
        world.PodSpec("web-a", labels={"app": "web"}, listens=(("tcp", 8080),))]
KINDS = {"Namespace": "v1", "Pod": "v1", "Node": "v1",
         "NetworkPolicy": "networking.k8s.io/v1"}
ASK = ("--from", "shop/other-a", "--to", "shop/web-a", "--port", "8080")


def web_in(app):
    return policy("web-in", "shop", {"app": "web"}, ingress=[rule([pods(app=app)], [port(8080)])])


class Offline:
    """Commands on a node, with a kubeconfig and with a dump."""

    def __init__(self, kube, family):
        self.kube, self.node = kube, kube.worlds[0].node
        token = kube.client.request_token(kube_server.ACCOUNT)
        self.config = kube.server.kubeconfig("offline", token, family)[0]

    def run(self, *arguments):
        return self.node.run(str(daemon.PROGRAM), *map(str, arguments), check=False)

    def ask(self, command, *arguments):
        return self.run(command, "--kubeconfig", self.config, *arguments)

    def file(self, name, objects):
        path = self.kube.server.folder / name
        path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
        return path

    def dump(self):
        """What the server has, as kubectl writes it."""
        return [{**item, "kind": kind, "apiVersion": version} for kind, version in KINDS.items()
                for item in self.kube.client.call("GET", kube_client.collection(kind))["items"]]


def check_answers(tap_, offline):
    dump = offline.file("dump.json", offline.dump())
    for command, *options in (("explain", *ASK), ("explain", *ASK, "--output", "json"),
                              ("matrix", "--by", "pod"), ("matrix", "--output", "json")):
        source = [dump] if command == "matrix" else ["--manifests", dump]
        expected = offline.run(command, *source, *options)
        got = offline.ask(command, *options)
        tap_.true(f"{command}: there is something to say", expected.stdout, "an answer",
                  expected.stderr)
        tap_.equal(f"{command} of the server and of a dump of it are the same",
                   (expected.returncode, expected.stdout, expected.stderr),
                   (got.returncode, got.stdout, got.stderr))
    file, live = offline.run("check", dump), offline.ask("check")
    tap_.true("check: there is something to say", "selects no pod" in live.stdout, "a warning",
              live.stdout)
    tap_.equal("check of the server and of a dump of it are the same", re.sub(
        r"(?m)^[^:]*:\d+: ", "", file.stdout), live.stdout)


def check_diff(tap_, offline):
    new = offline.file("new.json", [web_in("other")])
    before = offline.ask("diff", new)
    tap_.true("diff says what a policy would open and close", before.returncode == 1
              and "OPENS" in before.stdout and "CLOSES" in before.stdout, "both", before.stdout)
    offline.kube.client.apply(web_in("other"))
    after = offline.ask("diff", new)
    tap_.equal("diff says at once that it is applied", 0, after.returncode)
    tap_.equal("explain does, too", "allow", offline.ask("explain", *ASK).stdout.split()[0])


def check_rights(tap_, offline):
    """API-1, API-2."""
    server, client = offline.kube.server, offline.kube.client
    asked = {(event["verb"], event["objectRef"]["resource"]) for event in server.audit_events()}
    tap_.equal("five resources are listed, and nothing is watched",
               {("list", name) for name in ("pods", "namespaces", "networkpolicies", "nodes",
                                            "clusternetworkpolicies")}, asked)
    client.create({"apiVersion": "v1", "kind": "ServiceAccount",
                   "metadata": {"name": "nobody", "namespace": "kube-system"}})
    offline.config = server.kubeconfig(
        "nobody", client.request_token("kube-system/nobody"))[0]
    done = offline.ask("matrix")
    tap_.true("who may not is told what is missing, in one line", done.returncode == 2
              and "403" in done.stderr and "verb list" in done.stderr
              and done.stderr.count("\n") == 1, "403, verb, resource", done.stderr)


def test(tap_):
    with kube_cluster.KubeCluster(PODS) as kube:
        kube.client.create(web_in("client"))
        kube.client.create(policy("idle", "shop", {"app": "wbe"}, ingress=[]))
        for family in "46":
            tap_.section(f"IPv{family}")
            check_answers(tap_, Offline(kube, family))
        tap_.section("")
        offline = Offline(kube, "4")
        check_diff(tap_, offline)
        check_rights(tap_, offline)


if __name__ == "__main__":
    tap.main(test)
