# SPDX-License-Identifier: GPL-2.0-or-later
"""What a change costs: sweeps of the table of connections, and the way of an edit
from the manifest folder, or from the API server, to being in force.

Sweeps are measured by a program (sweep.c) in a network namespace where nothing
else is. Edits are made on the node that the packet rows use, with connections
of its pods in the table; how long each took is what the daemon's log says: from
the event of the file system on, or from when the API server's event has come.
"""

import contextlib
import json
import statistics
import time

import daemon
import datapath
import manifests
import netns
import sides
import workload
from manifests import pods, port, rule

PROGRAM = daemon.PROGRAM.parent / "tests/bench/sweep"
RECALL = daemon.PROGRAM.parent / "tests/bench/recall"

ANSWERS, QUICK_ANSWERS = 65536, 4096

CONNECTIONS = {"sweep": 100000, "edit": 10000}
QUICK_CONNECTIONS = {"sweep": 5000, "edit": 1000}
QUICK_EDITS, EDITS = 10, 200  # of each batch, whose 99th percentile is a sample
QUICK_BATCHES, BATCHES = 1, 5
TOLD_APART_S = 0.25  # what an API server says sooner shares a line of the log

TRACK = "iptables -t mangle -A OUTPUT -m conntrack --ctstate NEW && exec "


def _connections(bench, what):
    return (QUICK_CONNECTIONS if bench.options.quick else CONNECTIONS)[what]


# ---- sweeps ----------------------------------------------------------------

def _sweep(bench):
    """The row that is being run, by the program."""
    samples = max(bench.options.pairs, 2)
    done = netns.run("unshare", "-n", "sh", "-c", TRACK + " ".join(
        [str(PROGRAM), bench.row.name, str(_connections(bench, "sweep")), str(samples)]))
    report = json.loads(done.stdout)
    bench.note(report["note"])
    return report["samples"]


def sweep_100k_ratio(bench):
    samples = _sweep(bench)
    path = bench.datapath()
    n = str(_connections(bench, "sweep"))

    def rate(side):
        with contextlib.ExitStack() as stack:
            if side == "while sweeping":
                stack.enter_context(path.process(PROGRAM, "again", n, 100))
            return path.rate(sides.Netpold(), "connections", datapath.CONNECT_PORT, 1)
    ratios = [rate("while sweeping") / rate("alone") for _ in range(bench.options.pairs)]
    bench.note(f"one connection after the other while sweeps go on, against none: "
               f"{statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})")
    return samples


def sweep_pod_ms(bench):
    return _sweep(bench)


# ---- remembered answers ----------------------------------------------------

def rejudge_64k_ms(bench):
    n = QUICK_ANSWERS if bench.options.quick else ANSWERS
    done = netns.run("unshare", "-n", str(RECALL), bench.row.name, str(n),
                     str(max(bench.options.pairs, 2)))
    report = json.loads(done.stdout)
    bench.note(report["note"])
    return report["samples"]


# ---- edits -----------------------------------------------------------------

ONLY = {"name": "server0"}


def _policy(ports):
    """It lets everybody in on 8080, so that no connection is lost."""
    return manifests.policy("edited", workload.LIVE_NAMESPACE, ONLY, ingress=[
        rule([pods()], [port(8080), *(port(number) for number in ports)])])


def _allowing(number):
    """Ever more ports."""
    return _policy(range(20000, 20001 + number))


def _revoking(number):
    """Always another port."""
    return _policy([20000 + number % 2])


def _fill(bench, path):
    """Connections of all pairs, as if the daemon had allowed them."""
    world = path.world
    clients, servers = (",".join(world.address(f"{end}{i}", "4") for i in range(n)) for end, n in
                        (("client", datapath.N_CLIENTS), ("server", datapath.N_SERVERS)))
    world.node.run(str(PROGRAM), "fill", str(_connections(bench, "edit")), clients, servers)


def _batch(bench, apply, make, n):
    """@apply  puts a policy where netpold reads it, and returns when it is in force"""
    took = []
    for number in range(n):
        change = apply(make(number))
        sides.require(change.revoked == 0, f"{change.revoked} connections were revoked")
        took.append(change.took_ms)
    percentile = statistics.quantiles(took, n=100)[98] if n >= 100 else max(took)
    bench.note(f"{n} edits: median {statistics.median(took):.2f} ms, 99th percentile "
               f"{percentile:.2f}, at most {max(took):.2f}")
    return percentile


def _batches(bench, apply, make):
    samples = []
    for _ in range(QUICK_BATCHES if bench.options.quick else BATCHES):
        apply(_policy([]))
        samples.append(_batch(bench, apply, make, QUICK_EDITS if bench.options.quick else EDITS))
    return samples


def _edits(bench, make):
    """In the manifest folder."""
    path = bench.datapath()
    with path.netpold(sides.CPUS, daemon.ASK_ALWAYS) as netpold:
        _fill(bench, path)
        samples = _batches(bench, lambda policy: netpold.apply(policy, name="edited"), make)
        netpold.stop()
    return samples


def _events(bench, make):
    """By calls of the API."""
    path, fed = bench.datapath(), bench.feed()
    path.world.node.run("conntrack", "-F")
    with fed.netpold(daemon.ASK_ALWAYS) as netpold:
        _fill(bench, path)

        def apply(policy):
            time.sleep(TOLD_APART_S)
            fed.client.apply(policy)
            return netpold.wait_in_force()
        samples = _batches(bench, apply, make)
        netpold.stop()
    fed.client.delete("NetworkPolicy", workload.LIVE_NAMESPACE, "edited")
    return samples


def edit_allowed_p99_ms(bench):
    return _edits(bench, _allowing)


def edit_enforced_p99_ms(bench):
    return _edits(bench, _revoking)


def event_allowed_p99_ms(bench):
    return _events(bench, _allowing)


def event_enforced_p99_ms(bench):
    return _events(bench, _revoking)
