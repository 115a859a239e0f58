#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Offline commands whose cluster does not answer say so in one line, and give up.

Prints TAP. NETPOLD names the program (default: build/netpold). The cluster is a fake
API server, over TLS.
"""

import dataclasses
import json
import pathlib
import sys
import time
import typing

sys.dont_write_bytecode = True
sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / folder)
                for folder in ("e2e", "daemon")]
import fake_faults  # noqa: E402
import manifests  # noqa: E402
import served  # noqa: E402
import tap  # noqa: E402
from served import netpold  # noqa: E402

PATIENCE_S = 5  # of a person, until a command gives up
MAX_REQUESTS = 5  # one of each resource

# Each needs a cluster, and has no other source.
COMMANDS = [
    ("check", ("check",)),
    ("explain", ("explain", "--from", "shop/web", "--to", "shop/web", "--port", "80")),
    ("matrix", ("matrix",)),
    ("diff", ("diff", "/dev/null")),
    ("replay", ("replay", "/dev/null")),
    ("suggest", ("suggest", "/dev/null")),
    ("test", ("test", "/dev/null")),
]


def objects():
    return [manifests.namespace("shop"),
            manifests.pod("web", "shop", "node1", ["10.66.0.11"], {"app": "web"}),
            manifests.policy("web", "shop", {"app": "web"}, ingress=[])]


@dataclasses.dataclass
class Case:
    """What is done to the server or the kubeconfig, and words of the line that says so."""
    name: str
    break_it: typing.Callable
    words: tuple
    n_requests: int = MAX_REQUESTS  # at most


def no_file(fed):
    fed.config.unlink()


def no_kubeconfig(fed):
    fed.config.write_text("clusters: [\n")


def exec_plugin(fed):
    fed.write({"exec": {"command": "aws", "apiVersion": "client.authentication.k8s.io/v1"}})


def away(fed):
    fed.server.stop()


def unknown(fed):
    fed.server.tokens = {"another"}
    fed.write({"token": "mine"})


def forbidden(fed):
    fed.server.forbidden = {("list", "pods")}


def foreign(fed):
    fed.server.set_tls(*served.certificate(foreign=True))


def expired(fed):
    fed.server.set_tls(*served.certificate(days=-1))


def elsewhere(fed):
    fed.server.set_tls(*served.certificate("DNS:elsewhere"))


def wrong_prefix(fed):
    fed.write(server=f"{fed.server.url}/k8s")
    fed.server.prefix = "/k8s/clusters"


def garbage(fed):
    fed.server.faults.add("pods", "list", fake_faults.Send(b"{]"))


def cut(fed):
    fed.server.faults.add("pods", "list", fake_faults.CutList())


def busy(fed):
    fed.server.faults.add("networkpolicies", "list", fake_faults.SayStatus(503, "not now"))


def bad_item(fed):
    fed.server.faults.add("pods", "list", fake_faults.BadItem(
        {"metadata": {"name": "bad", "namespace": "shop"}, "spec": {"containers": 7}}))


CASES = [
    Case("a kubeconfig that is not there", no_file, ("config", "No such file"), 0),
    Case("a file that is no kubeconfig", no_kubeconfig, ("config:",), 0),
    Case("an exec plugin", exec_plugin, ("config", "exec"), 0),
    Case("a server that is away", away, ("cannot read from https://127.0.0.1:", "refused"), 0),
    Case("a token that nobody knows", unknown, ("401", "Unauthorized")),
    Case("who may not list pods", forbidden, ("403", "verb list", "resource pods")),
    Case("a certificate of a foreign CA", foreign, ("cannot read from https://", "issuer"), 0),
    Case("a certificate that has expired", expired, ("expired",), 0),
    Case("a certificate of another name", elsewhere, ("127.0.0.1",), 0),
    Case("a path at which there is no API", wrong_prefix, ("404",)),
    Case("an answer that is no JSON", garbage, ("pods",)),
    Case("an answer that breaks off", cut, ("cannot read from",)),
    Case("a server that is too busy", busy, ("503", "not now")),
    Case("an object that makes no sense", bad_item, ("Pod shop/bad", "spec.containers")),
]


def refused(tap_, about, fed, case, arguments):
    fed.server.requests.clear()
    began = time.monotonic()
    done = netpold(*arguments, "--kubeconfig", fed.config)
    took = time.monotonic() - began
    tap_.equal(f"{about}: exit status 2, and no answer", (2, ""), (done.returncode, done.stdout))
    tap_.true(f"{about}: one line says why", done.stderr.count("\n") == 1
              and all(word in done.stderr for word in case.words), case.words, done.stderr)
    tap_.true(f"{about}: it gives up", took < PATIENCE_S, f"within {PATIENCE_S} s", took)
    n_requests = len(fed.server.requests)
    tap_.true(f"{about}: nothing is asked for twice", n_requests <= case.n_requests,
              f"{case.n_requests} requests", n_requests)


def check_cases(tap_):
    for case in CASES:
        with served.Served(objects()) as fed:
            case.break_it(fed)
            refused(tap_, case.name, fed, case, ("matrix",))


def check_commands(tap_):
    """API-2: each of them says which verb on which resource is missing."""
    case = next(case for case in CASES if case.break_it is forbidden)
    for name, arguments in COMMANDS:
        with served.Served(objects()) as fed:
            forbidden(fed)
            refused(tap_, f"{name}: {case.name}", fed, case, arguments)


def check_findings(tap_):
    """What makes no sense is a finding of check."""
    with served.Served(objects()) as fed:
        bad_item(fed)
        done = netpold("check", "--output", "json", "--kubeconfig", fed.config)
        found = [(finding["severity"], finding["file"], finding["name"])
                 for finding in json.loads(done.stdout or '{"findings": []}')["findings"]]
        tap_.equal("check tells of an object that makes no sense", (1, [("error", "", "bad")]),
                   (done.returncode, found))


def check_strict(tap_):
    """AV-57: what an old server has let in."""
    odd = manifests.policy("odd", "shop", {"app": "web"}, ingress=[
        manifests.rule([manifests.block("10.0.0.5/8")])])
    with served.Served([*objects(), odd]) as fed:
        for options, status, severity in (((), 0, "warning"), (("--strict",), 1, "error")):
            done = netpold("check", *options, "--output", "json", "--kubeconfig", fed.config)
            found = [(finding["severity"], finding["code"], finding["name"])
                     for finding in json.loads(done.stdout)["findings"]]
            tap_.equal(f"an odd CIDR is {severity} with {options}",
                       (status, (severity, "odd-cidr", "odd")), (done.returncode, found[0]))
        good = fed.file("good.json", [manifests.policy("odd", "shop", {"app": "web"}, ingress=[])])
        done = netpold("check", "--strict", "--kubeconfig", fed.config, good)
        tap_.equal("of what a file replaces nothing is said", (0, ""),
                   (done.returncode, done.stdout))
        done = netpold("matrix", "--kubeconfig", fed.config)
        tap_.equal("other commands take it as the server does", 0, done.returncode)


def check_usage(tap_):
    for name, arguments, words in (
            ("check", ["check"], ("a file or folder", "--kubeconfig")),
            ("explain", list(COMMANDS[1][1]), ("--manifests", "--kubeconfig")),
            ("matrix", ["matrix"], ("a file or folder", "--kubeconfig")),
            ("diff", ["diff", "NEW"], ("OLD", "--kubeconfig")),
            ("replay", ["replay", "FILE"], ("--manifests", "--kubeconfig")),
            ("suggest", ["suggest", "FILE"], ("--manifests", "--kubeconfig"))):
        done = netpold(*arguments)
        tap_.true(f"{name} without a source names both kinds", done.returncode == 2
                  and all(word in done.stderr for word in words), words, done.stderr)
        done = netpold(*arguments, "--kubeconfig")
        tap_.true(f"{name} --kubeconfig needs a file", done.returncode == 2
                  and "'--kubeconfig' is no option here, or lacks its value" in done.stderr,
                  "lacks its value", done.stderr)


def test(tap_):
    check_cases(tap_)
    check_commands(tap_)
    check_findings(tap_)
    check_strict(tap_)
    check_usage(tap_)


if __name__ == "__main__":
    tap.main(test)
