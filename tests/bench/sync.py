# SPDX-License-Identifier: GPL-2.0-or-later
"""What a first list of a large cluster costs: 50,000 pods of 4 KiB each.

They are the pods of W(500), fattened (fat_pods.py), and its policies hold. A real
API server hands them out; netpold's own time on the CPUs is that of all its threads,
from its start until they are in force. The kernel says how much, and how much memory
it has taken at most (VmHWM).
"""

import dataclasses
import os
import pathlib
import time

import fat_pods
import feed
import kube_client
import memory
import sides
import workload
import world

NODE = "node7"  # has 500 of them
NAMESPACES, QUICK_NAMESPACES = 500, 5
SYNCS, QUICK_SYNCS = 3, 1
TICKS_S = os.sysconf("SC_CLK_TCK")


@dataclasses.dataclass
class Sync:
    cpu_s: float
    seconds: float
    peak_mib: float


def _objects(n):
    for i in range(n):
        for item in workload.namespace_objects(i):
            yield fat_pods.fatten(item) if item["kind"] == "Pod" else item


def cpu_s(pid):
    """Of all threads of a process, ended or not."""
    words = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / TICKS_S


def _check_size(fed):
    """The server has to hand out what it was to be."""
    path = f"{kube_client.collection('Pod', workload.LIVE_NAMESPACE)}/pod7"
    status, text = kube_client.ask(fed.server.host.pid, fed.client.address, "GET", path,
                                   headers={"Accept": "application/json"}, tls=fed.client.tls)
    size = len(text.encode())
    sides.require(status == 200 and abs(size - fat_pods.SIZE) < 64,
                  f"a pod is {size} bytes, as handed out: {status}")


def _sync(fed, n_pods):
    began = time.monotonic()
    with fed.netpold() as netpold:
        pid = netpold.process.pid
        done = Sync(cpu_s(pid), time.monotonic() - began, memory.mib(pid, "VmHWM"))
        text = netpold.log.text()
        sides.require(f" pods={n_pods} " in text, f"not {n_pods} pods are in force:\n{text}")
        netpold.stop()
    return done


def measure(bench):
    """A few first lists, which both rows share."""
    quick = bench.options.quick
    n = QUICK_NAMESPACES if quick else NAMESPACES
    with world.World(bench.options.layout, bench.options.iptables, []) as node:
        node.node_name = NODE
        bench.note(f"writing {n * workload.PODS:,} pods, and starting an API server")
        with feed.Feed(node, _objects(n)) as fed:
            _check_size(fed)
            syncs = [_sync(fed, n * workload.PODS)
                     for _ in range(QUICK_SYNCS if quick else SYNCS)]
    for sync in syncs:
        bench.note(f"{sync.cpu_s:.2f} s on the CPUs, in force after {sync.seconds:.1f} s, "
                   f"{sync.peak_mib:.1f} MiB at most")
    return syncs


def sync_50k_cpu_s(bench):
    return [sync.cpu_s for sync in bench.sync()]


def sync_50k_rss_mib(bench):
    return [sync.peak_mib for sync in bench.sync()]
