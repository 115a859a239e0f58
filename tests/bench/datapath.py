# SPDX-License-Identifier: GPL-2.0-or-later
"""What the packet path costs: real packets through a node's rules and queues.

    client0 … client7          the node           server0 … server7
    ns0, app=a1          netpold, or the loop      ns0, app=a0
         └──── veth ─────  rules, queues, W(10)  ──── veth ────┘

Every client talks to every server: 64 pairs, each judged on both sides, since
policies isolate both. The traffic keeps its own pace: it waits for what it has
sent (traffic.c), so that nothing is measured that is thrown away.

A side is what answers the queues while we measure. Sides differ in user space
only: netpold puts up the rules for each of them, with the number of queues that
the side needs, and the loop takes over the queues when netpold has stopped.
Conntrack starts out empty on each side.

That nothing is fast by being wrong is checked on every side: a packet was
answered in user space for each SYN or connection that got through, and not
several. And on netpold's: nothing was denied but what is denied on purpose,
once for each pair after the measurement, and of that nothing arrived.
"""

import contextlib
import json
import os
import re
import signal
import subprocess

import daemon
import netns
import workload
import world

N_CLIENTS, N_SERVERS = 8, 8
N_PAIRS = N_CLIENTS * N_SERVERS
N_NAMESPACES = 10
QUEUE_BASE = 100
CPUS = os.cpu_count()

IN_FLIGHT = 500  # packets; generous

CONNECT_PORT = 8080  # allowed by ns0/p0 and ns0/p1; the servers listen
ANSWERLESS_PORT = 9090  # allowed by the same; the servers' own rule drops it
DENIED_PORT = 8081  # what ns0/p0 does not name

PROGRAMS = daemon.PROGRAM.parent / "tests/bench"
STOPPED = re.compile(
    r"netpold: stopped: packets=(?P<packets>\d+) allowed=(?P<allowed>\d+) "
    r"passed=(?P<passed>\d+) denied=(?P<denied>\d+) unparsable=(?P<unparsable>\d+) "
    r"overruns=(?P<overruns>\d+)")


class BenchError(Exception):
    """What was measured is not what should have been."""


def require(condition, sentence):
    if not condition:
        raise BenchError(sentence)


# ---- sides -----------------------------------------------------------------

class Netpold:
    """netpold itself."""

    name = "netpold"

    def __init__(self, workers=CPUS):
        self.workers = workers

    @contextlib.contextmanager
    def run(self, path):
        with path.netpold(self.workers) as netpold:
            yield lambda: self._finish(path, netpold)

    def _finish(self, path, netpold):
        """Returns how many packets it has answered."""
        probe = path.traffic("probe", DENIED_PORT)
        netpold.stop()
        stopped = STOPPED.search(netpold.log.text())
        require(stopped, f"netpold did not stop in order:\n{netpold.log.text()}")
        counted = {name: int(number) for name, number in stopped.groupdict().items()}
        require(probe["done"] == 0 and counted["denied"] == N_PAIRS,
                f"of {N_PAIRS} packets to be denied {counted['denied']} were, and "
                f"{probe['done']} arrived")
        require(counted["unparsable"] == counted["overruns"] == 0, f"netpold: {stopped[0]}")
        return counted["allowed"]


class Loop:
    """The yardstick, in one of its two forms (accept_loop.c)."""

    name = "loop"

    def __init__(self, same):
        self.workers = CPUS if same else 1
        self.arguments = ["--same", str(QUEUE_BASE), str(CPUS)] if same else [str(QUEUE_BASE)]

    @contextlib.contextmanager
    def run(self, path):
        with path.netpold(self.workers) as netpold:
            netpold.stop()
        with path.process(PROGRAMS / "accept_loop", *self.arguments) as process:
            log = daemon.Log(process.stderr)
            log.wait(lambda line, _at: line if line == "ready" else None)
            yield lambda: self._finish(process, log)

    @staticmethod
    def _finish(process, log):
        process.send_signal(signal.SIGTERM)
        return log.wait(lambda line, _at: int(line.removeprefix("packets="))
                        if line.startswith("packets=") else None)


# ---- the node --------------------------------------------------------------

class Datapath:
    """The node and its pods. Use it in a with statement."""

    def __init__(self, layout, backend, milliseconds):
        self.milliseconds = milliseconds
        self.world = world.World(layout, backend, [
            *(self._spec(f"client{i}", 1) for i in range(N_CLIENTS)),
            *(self._spec(f"server{i}", 0) for i in range(N_SERVERS))])

    @staticmethod
    def _spec(name, j):
        return world.PodSpec(name, workload.LIVE_NAMESPACE, workload.labels(j),
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

    def _prepare(self):
        live = [made for made in self.world.cluster() if made["kind"] == "Pod"]
        self.world.folder.put("cluster", *workload.objects(N_NAMESPACES), *live)
        drop = ("-t", "raw", "-A", "PREROUTING", "-p", "tcp", "--dport", str(ANSWERLESS_PORT),
                "-j", "DROP")
        for i in range(N_SERVERS):
            self.world[f"server{i}"].run(f"iptables-{self.world.backend}", *drop)

    @contextlib.contextmanager
    def netpold(self, workers):
        """netpold in force, conntrack empty."""
        self.world.node.run("conntrack", "-F")
        with daemon.Daemon(self.world, "--queue-base", str(QUEUE_BASE),
                           "--workers", str(workers)) as netpold:
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

    def rate(self, side, mode, port, *arguments):
        """How much of some traffic gets through in a second."""
        with side.run(self) as finish:
            result = self.traffic(mode, port, self.milliseconds, *arguments)
            answered = finish()
        require(result["done"] > 0 and result["lost"] == 0,
                f"{side.name}: {result['lost']} of {mode} got lost, {result['done']} did not")
        # What is on its way when the traffic ends is answered, but not counted.
        total = result["total"]
        require(total <= answered <= total * 1.1 + IN_FLIGHT,
                f"{side.name}: {total} {mode} got through, {answered} packets came to the queue")
        return result["done"] / result["seconds"]


# ---- rows ------------------------------------------------------------------

def verdict_pps_ratio(bench):
    """Packets each one queued: see packets.c."""
    path = bench.datapath()

    def rate(side):
        return path.rate(side, "packets", ANSWERLESS_PORT, min(CPUS, N_CLIENTS))
    return bench.pairs(rate, Netpold(), Loop(same=True))


def tcp_conn_ratio(bench):
    """One connection at a time on each CPU, or as --openers says: see connections.c."""
    path = bench.datapath()
    openers = bench.options.openers or min(CPUS, N_CLIENTS)

    def rate(side):
        return path.rate(side, "connections", CONNECT_PORT, openers)
    return bench.pairs(rate, Netpold(), Loop(same=False))
