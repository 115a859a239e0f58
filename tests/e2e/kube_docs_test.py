#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the pages have a reader ask a cluster for, a real API server does.

Of the blocks `console cluster` these are the commands of kubectl, and those of netpold that
ask the server; page by page in one shell, in a copy of the manifests, by somebody who may do
all. There is no kubelet and no controller: what waits for pods is left out, as is
what is about the node, an image or another program's installation.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import daemon
import deployed
import kube_server
import kubectl as kubectl_
import tap

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1])]
import page  # noqa: E402
import told  # noqa: E402

PATIENCE_S = 300
MARK = "\x01"
CLUSTER = re.compile(
    r"(?:[a-z]+=\$\()?kubectl\s|\(?cd\s|netpold (?:check|suggest) .*--kubeconfig", re.DOTALL)
# They wait for pods, which nobody starts here.
WAITS = re.compile(r"\brollout\b|\bport-forward\b")
BEFORE = "set -o pipefail\n"
# It is not built here; that it is asked where it has something to edit can be told.
KUSTOMIZE = "#!/bin/sh\nexec test -f kustomization.yaml\n"
# The account that the pages make, with their kubeconfig, in the folder that they leave.
NODE = "netpold check --kubeconfig netpold.kubeconfig"
RECORDED = "tests/cases/allow-dns-lets-lookups-out-and-nothing-else/traffic.pcap"


def is_asked(command):
    return CLUSTER.match(command.text) and not WAITS.search(command.text)


def asked_by(page_):
    """The commands in question, in order."""
    return [command for block in page_.blocks if block.kind == "console cluster"
            for command in block.commands() if is_asked(command)]


def home_of(kubectl, folder):
    """A reader's home, with the programs and files that the pages speak of."""
    (folder / ".kube").mkdir()
    shutil.copy(kubectl.config, folder / ".kube/config")
    shutil.copytree(page.ROOT / "manifests", folder / "manifests")
    shutil.copy(page.ROOT / RECORDED, folder / "flows.log")
    (folder / "bin").mkdir()
    (folder / "bin/kubectl").symlink_to(kube_server.PROGRAMS / "kubectl")
    (folder / "bin/netpold").symlink_to(told.NETPOLD)
    (folder / "bin/kustomize").write_text(KUSTOMIZE, encoding="utf-8")
    (folder / "bin/kustomize").chmod(0o755)


def run(server, folder, commands):
    """[(exit status, what was printed)], as far as it went, and all of it."""
    text = BEFORE + "".join(
        f"printf '\\n{MARK}\\n'\n{command.text}\nprintf '\\n{MARK}%d\\n' $?\n"
        for command in commands)
    done = subprocess.run(
        [*server.host.enter(), "bash", "--norc", "-c", text], cwd=folder,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=PATIENCE_S, check=False, env={
            **{key: value for key, value in os.environ.items() if key != "KUBECONFIG"},
            "HOME": str(folder), "PATH": f"{folder}/bin:{os.environ['PATH']}"})
    return [(int(status), printed) for printed, status in re.findall(
        rf"\n{MARK}\n(.*?)\n{MARK}(\d+)\n", done.stdout, re.DOTALL)], done.stdout


def check_page(tap_, server, kubectl, page_):
    commands = asked_by(page_)
    if any("netpold.kubeconfig" in command.text for command in commands):
        commands.append(page.Command(NODE, []))
    if not commands:
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        home_of(kubectl, folder)
        results, whole = run(server, folder, commands)
    if not tap_.equal(f"{page_.name}: all that it asks a cluster for is run", len(commands),
                      len(results)):
        tap_.comment(whole)
    for command, (status, printed) in zip(commands, results):
        allowed = [0, 1] if command.text.startswith("netpold") else [0]
        tap_.true(f"{page_.name}: {' '.join(command.text.split())[:100]}: is done",
                  status in allowed, allowed, f"{status}\n{printed}")
    return len(commands)


def test(tap_):
    kube_server.must_exist()
    kubectl_.must_exist()
    daemon.must_exist()
    with kube_server.alone() as server:
        kubectl = kubectl_.Kubectl(server)
        deployed.know_operators(kubectl)
        for name in ("shop", "guests", "monitoring"):
            kubectl.run("create", "namespace", name)
        n_run = sum(check_page(tap_, server, kubectl, page_) for page_ in page.read_all())
        tap_.true("the pages ask for something", n_run > 10, "more than 10", n_run)


if __name__ == "__main__":
    tap.main(test)
