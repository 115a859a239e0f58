# SPDX-License-Identifier: GPL-2.0-or-later
"""What the daemon holds in memory: `netpold run` on a node of W(1000).

The kernel says how much it is (VmRSS) and was at most (VmHWM). Both are read
after a policy has been added and SIGHUP has made the daemon read everything
again: what it holds when it has come to rest is what it goes on holding.
"""

import dataclasses
import pathlib
import re
import signal
import time

import daemon
import manifests
import workload
import world
from manifests import pods, port, rule

NODE = "node7"
REST = 1  # seconds; the daemon gives memory back after it has said "in force"


@dataclasses.dataclass
class Size:
    """In MiB."""
    started: float
    steady: float
    peak: float


def mib(pid, name):
    """What the kernel says of a process: VmRSS, VmHWM."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"^{name}:\s+(\d+) kB$", text, re.MULTILINE)[1]) / 1024


def _run_once(node, number):
    with daemon.Daemon(node) as netpold:
        netpold.wait_in_force()
        started = mib(netpold.process.pid, "VmRSS")
        netpold.process.send_signal(signal.SIGHUP)  # comes before the policy
        netpold.apply(manifests.policy("added", workload.LIVE_NAMESPACE, {"app": "a0"},
                                       ingress=[rule([pods()], [port(1000 + number)])]))
        time.sleep(REST)
        size = Size(started, mib(netpold.process.pid, "VmRSS"),
                    mib(netpold.process.pid, "VmHWM"))
        netpold.stop()
    return size


def measure(bench):
    """A few runs, which both rows share."""
    n, runs = (50, 1) if bench.options.quick else (1000, 5)
    with world.World(bench.options.layout, bench.options.iptables, []) as node:
        node.node_name = NODE
        node.folder.put("cluster", *workload.objects(n))
        sizes = [_run_once(node, number) for number in range(runs)]
    for size in sizes:
        bench.note(f"{size.started:.1f} MiB when it had started, {size.steady:.1f} MiB after a "
                   f"change, {size.peak:.1f} MiB at most")
    return sizes


def rss_mib(bench):
    return [size.steady for size in bench.memory()]


def rss_peak_mib(bench):
    return [size.peak for size in bench.memory()]
