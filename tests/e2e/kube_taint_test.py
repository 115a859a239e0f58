#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""A new node's taint goes when its netpold is ready, and not before (manifests/startup-taint).

The script runs with the rights that its manifests give it, against a real API server; the
test is kubelet and DaemonSet controller.
"""

import contextlib
import json
import os
import signal
import subprocess
import time

import daemon
import deployed
import kube_server
import kubectl as kubectl_
import manifests
import tap

FOLDER = deployed.MANIFESTS / "startup-taint"
TAINT = {"key": "netpold.io/not-ready", "effect": "NoSchedule"}
OTHER = {"key": "example.org/other", "effect": "NoSchedule"}
ACCOUNT = "kube-system/netpold-untaint"


def node(name):
    item = manifests.node(name, ["10.66.0.0/24"])
    return {**item, "spec": {**item["spec"], "taints": [TAINT, OTHER]}}


def netpold_on(name):
    """Its pod on a node, as it is before it is ready."""
    item = manifests.pod(f"netpold-{name}", "kube-system", name, ["10.66.0.5"],
                         {"app.kubernetes.io/name": "netpold"})
    item["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
    return item


def taints(client, name):
    """Those that it was made with; the server adds one of its own."""
    return [taint["key"] for taint in client.get("Node", "", name)["spec"].get("taints", ())
            if taint["key"] in (TAINT["key"], OTHER["key"])]


def say_ready(client, name):
    client.patch("Pod", "kube-system", f"netpold-{name}", {"status": {"conditions": [
        {"type": "Ready", "status": "True"}]}}, "/status")


def wait_untainted(client, name):
    deadline = time.monotonic() + daemon.PATIENCE
    while TAINT["key"] in taints(client, name) and time.monotonic() < deadline:
        time.sleep(0.05)
    return taints(client, name)


@contextlib.contextmanager
def script(server):
    """It runs meanwhile; gives what it says."""
    config, _ = server.kubeconfig("untaint", server.client.request_token(ACCOUNT))
    environment = {**os.environ, "KUBECONFIG": str(config), "HOME": str(server.folder),
                   "PATH": f"{kube_server.PROGRAMS}:{os.environ['PATH']}"}
    # It dies with us, and what it has run ends with the server.
    process = subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", *server.host.enter(), str(FOLDER / "untaint.sh")],
        env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, start_new_session=True)
    try:
        yield daemon.Log(process.stdout)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test(tap_):
    kube_server.must_exist()
    kubectl_.must_exist()
    with kube_server.alone() as server:
        client, kubectl = server.client, kubectl_.Kubectl(server)
        kubectl.run("apply", "-k", FOLDER)
        for name in ("early", "late"):
            client.create(node(name))
            client.create_pod(netpold_on(name))
        say_ready(client, "early")
        with script(server) as log:
            tap_.equal("a node whose netpold was ready before loses the taint, and no other",
                       [OTHER["key"]], wait_untainted(client, "early"))
            tap_.equal("a node whose netpold is not ready keeps it",
                       [TAINT["key"], OTHER["key"]], taints(client, "late"))
            say_ready(client, "late")
            tap_.equal("it loses it when that is ready", [OTHER["key"]],
                       wait_untainted(client, "late"))
            tap_.comment(log.text())
        answer = json.loads(kubectl.run(
            "get", "deployment", "-n", "kube-system", "netpold-untaint", "-o", "json").stdout)
        pod = answer["spec"]["template"]["spec"]
        names = [item["metadata"]["name"] for item in json.loads(kubectl.run(
            "get", "configmaps", "-n", "kube-system", "-o", "json").stdout)["items"]]
        tap_.true("what the Deployment runs is that script",
                  pod["volumes"][0]["configMap"]["name"] in names, names, pod["volumes"])


if __name__ == "__main__":
    tap.main(test)
