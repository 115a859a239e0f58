# SPDX-License-Identifier: GPL-2.0-or-later
"""What the packet path costs: real packets through a node's rules and queues.

    client0 … client7          the node           server0 … server7
    ns0, app=a1          netpold, or the loop      ns0, app=a0
         └──── veth ─────  rules, queues, W(10)  ──── veth ────┘

Every client talks to every server: 64 pairs, each judged on both sides, since
policies isolate both. The traffic keeps its own pace: it waits for what it has
sent (traffic.c), so that nothing is measured that is thrown away.

Sides (sides.py) differ in user space only: netpold puts up the rules for each of
them, with the number of queues that the side needs, and the loop takes over the
queues when netpold has stopped; or there is no netpold at all. Conntrack starts
out empty on each side. Checked on every side: a packet was answered in user
space for each SYN or connection that got through, and not several.

The idle node has the same pods in a namespace without policies, and beside them
one that a policy isolates, so that its sets are not empty.
"""

import contextlib
import json
import statistics
import subprocess
import time

import daemon
import netns
import workload
import world
from sides import (CONNECT_PORT, CPUS, PROGRAMS, QUEUE_BASE, Flooded, Loop, Netpold, Nobody,
                   Remembering, require)

N_CLIENTS, N_SERVERS = 8, 8
N_NAMESPACES = 10
IDLE_NAMESPACE = "idle"

IN_FLIGHT = 500  # packets; generous
SETTLE_S = 0.5   # what a side does when it starts is not measured

ANSWERLESS_PORT = 9090  # allowed by the same; the servers' own rule drops it


# ---- the node --------------------------------------------------------------

class Datapath:
    """The node and its pods. Use it in a with statement."""

    n_pairs = N_CLIENTS * N_SERVERS

    def __init__(self, layout, backend, milliseconds, isolated=True):
        """@isolated  by policies; else none selects those who talk"""
        self.milliseconds = milliseconds
        self.isolated = isolated
        namespace = workload.LIVE_NAMESPACE if isolated else IDLE_NAMESPACE
        self.world = world.World(layout, backend, [
            *(self._spec(f"client{i}", namespace, 1) for i in range(N_CLIENTS)),
            *(self._spec(f"server{i}", namespace, 0) for i in range(N_SERVERS)),
            self._spec("bystander", workload.LIVE_NAMESPACE, 0)])

    @staticmethod
    def _spec(name, namespace, j):
        return world.PodSpec(name, namespace, workload.labels(j),
                             (("http", 8080, "TCP"), ("metrics", 9090, "TCP")))

    def __enter__(self):
        self.world.__enter__()
        try:
            self._prepare()
        except BaseException:
            self.world.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.world.__exit__()

    def live_pods(self):
        """Their manifests."""
        return [made for made in self.world.cluster() if made["kind"] == "Pod"]

    def _prepare(self):
        self.world.folder.put("cluster", *workload.objects(N_NAMESPACES), *self.live_pods())
        # As kube-proxy does: without any rule that asks for connections the kernel keeps none,
        # and a node without netpold would be a node without Services, too.
        self.world.netfilter.change("4", "filter", "-A", "FORWARD", "-m", "conntrack",
                                    "--ctstate", "ESTABLISHED,RELATED", "-j", "ACCEPT")
        drop = ("-t", "raw", "-A", "PREROUTING", "-p", "tcp", "--dport", str(ANSWERLESS_PORT),
                "-j", "DROP")
        for i in range(N_SERVERS):
            self.world[f"server{i}"].run(f"iptables-{self.world.backend}", *drop)

    @contextlib.contextmanager
    def netpold(self, workers, *options):
        """netpold in force, conntrack empty."""
        self.world.node.run("conntrack", "-F")
        with daemon.Daemon(self.world, "--queue-base", str(QUEUE_BASE),
                           "--workers", str(workers), *options) as netpold:
            netpold.wait_in_force()
            yield netpold

    @contextlib.contextmanager
    def process(self, *command):
        """A program on the node, until the end of the with statement."""
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *self.world.node.enter(), *map(str, command)],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            start_new_session=True)
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def traffic(self, mode, port, *arguments):
        pods = [",".join(f"{self.world[name].pid}={self.world.address(name, '4')}"
                         for name in names)
                for names in ([f"client{i}" for i in range(N_CLIENTS)],
                              [f"server{i}" for i in range(N_SERVERS)])]
        done = netns.run("setpriv", "--pdeathsig", "KILL", str(PROGRAMS / "traffic"), mode,
                         str(port), *pods, *map(str, arguments))
        return json.loads(done.stdout)

    def measure(self, side, mode, port, threads, queued=None):
        """
        Let some traffic go for a while.

        @queued  how many packets are to be answered in user space; as many as get through,
                 unless said otherwise
        """
        with side.run(self) as finish:
            time.sleep(SETTLE_S)
            result = self.traffic(mode, port, self.milliseconds, threads)
            answered = finish()
        require(result["done"] > 0 and result["lost"] == 0,
                f"{side.name}: {result['lost']} of {mode} got lost, {result['done']} did not")
        # What is on its way when the traffic ends is answered, but not counted.
        queued = result["total"] if queued is None else queued
        slack = queued * 0.1 + IN_FLIGHT if queued else 0
        if isinstance(side, Nobody) or not self.isolated:
            queued, slack = 0, 0
        if side.remembers:
            queued, slack = 0, self.n_pairs + IN_FLIGHT
        require(queued <= answered <= queued + slack,
                f"{side.name}: {queued} {mode} got through, {answered} packets came to the queue")
        return result

    def rate(self, side, *what, **options):
        """How much of some traffic gets through in a second."""
        result = self.measure(side, *what, **options)
        return result["done"] / result["seconds"]


# ---- rows ------------------------------------------------------------------

def openers(bench):
    return bench.options.openers or min(CPUS, N_CLIENTS)


def verdict_pps_ratio(bench):
    """Packets each one queued: see packets.c."""
    path = bench.datapath()

    def rate(side):
        return path.rate(side, "packets", ANSWERLESS_PORT, min(CPUS, N_CLIENTS))
    return bench.pairs(rate, Netpold(), Loop(same=True))


def connection_ratios(bench, path, ours, theirs):
    """One connection at a time on each CPU, or as --openers says: see connections.c."""
    def rate(side):
        return path.rate(side, "connections", CONNECT_PORT, openers(bench))
    return bench.pairs(rate, ours, theirs)


def throughput_ratios(bench, path):
    """One stream for each opener, whose first packet alone is judged: see streams.c."""
    def rate(side):
        return path.rate(side, "streams", CONNECT_PORT, openers(bench), queued=openers(bench))
    return bench.pairs(rate, Netpold(), Nobody())


def tcp_conn_ratio(bench):
    return connection_ratios(bench, bench.datapath(), Netpold(), Loop(same=False))


def tcp_conn_same_ratio(bench):
    return connection_ratios(bench, bench.datapath(), Netpold(), Loop(same=True))


def tcp_throughput_ratio(bench):
    return throughput_ratios(bench, bench.datapath())


def tcp_conn_known_ratio(bench):
    """Between pairs that netpold was asked about before, and is not any more."""
    path = bench.datapath()

    def rate(side):
        return path.rate(side, "connections", CONNECT_PORT, openers(bench))
    return bench.pairs(rate, Remembering(), Nobody())


FLOODS = {"tuple": 0.9, "ports": 0.6, "sources": 0.6}  # and what is to be reached


def deny_flood_ratio(bench):
    """One connection after the other on one CPU while a pod floods on another, against the
    same without: the kind of flood that comes off worst by its own measure."""
    path = bench.datapath()

    def rate(side):
        return path.rate(side, "connections", CONNECT_PORT, 1)
    ratios = {kind: bench.pairs(rate, Flooded(kind), Remembering()) for kind in FLOODS}
    for kind, samples in ratios.items():
        bench.note(f"{kind}: {statistics.median(samples):.3f} ({min(samples):.3f} to "
                   f"{max(samples):.3f}), to reach {FLOODS[kind]}")
    return min(ratios.items(), key=lambda item: statistics.median(item[1]) / FLOODS[item[0]])[1]


def tcp_idle_ratio(bench):
    """Of connections and throughput the one that suffers more."""
    path = bench.datapath(isolated=False)
    return min(connection_ratios(bench, path, Netpold(), Nobody()),
               throughput_ratios(bench, path), key=statistics.median)


def first_packet_us(bench):
    """How much longer one connection after the other takes at the median than with the loop."""
    path = bench.datapath()

    def median(side):
        return path.measure(side, "connections", CONNECT_PORT, 1)["median_us"]
    return bench.differences(median, Netpold(), Loop(same=False))
