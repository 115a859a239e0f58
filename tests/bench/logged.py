# SPDX-License-Identifier: GPL-2.0-or-later
"""What the flow log costs the packets.

    bystander ── UDP, 50,000 new flows a second ──► server0    denied, each one queued
      from every CPU

No two of the packets are alike: the log gets a record for each, nothing is folded,
nothing suppressed, and none may be lost. Measured is the time that the workers
spend on a CPU, with the log and without: what the log does in its own thread is
not the packets' affair, but what it takes from their caches is. A worker that is
kept waiting finds more packets at a time, and takes less time for each: so the
packets come by the batch, on either side (flood.c). The names of the daemon's
threads tell which are workers.
"""

import contextlib
import pathlib
import re
import tempfile
import time

import observer
from sides import CPUS, DENIED_PORT, PROGRAMS, Netpold, require

RATE = 50000
LEAST = 0.9  # of that, or the machine is too busy to say anything
SETTLE_S = 0.3
TOTALS = re.compile(r"netpold: flow log: judged=(\d+) logged=(\d+) folded=(\d+) "
                    r"suppressed=(\d+) lost=(\d+)")


def workers_cpu_s(pid):
    """What they have spent on CPUs so far."""
    return sum(int((task / "schedstat").read_text().split()[0])
               for task in pathlib.Path(f"/proc/{pid}/task").iterdir()
               if (task / "comm").read_text() == "worker\n") / 1e9


class Judging(Netpold):
    """netpold, without a log."""

    name = "no log"

    def measure(self, path):
        """Packets judged in a second of the workers' CPU time."""
        ends = [f"{path.world[name].pid}={path.world.address(name, '4')}"
                for name in ("bystander", "server0")]
        with path.netpold(self.workers, *self.options) as netpold:
            with contextlib.ExitStack() as senders:
                for cpu in range(CPUS):
                    senders.enter_context(path.process(
                        PROGRAMS / "flood", "flows", DENIED_PORT, cpu, *ends, RATE // CPUS))
                time.sleep(SETTLE_S)
                judged, cpu_s = self._packets(path, netpold, path.milliseconds / 1000)
            netpold.stop()
            self.check(netpold.log.text())
        return judged / cpu_s

    @staticmethod
    def _packets(path, netpold, seconds):
        """(packets, CPU seconds) in a while."""
        started, cpu_s = time.monotonic(), workers_cpu_s(netpold.process.pid)
        packets = observer.metrics(path.world)["netpold_packets_total"]
        time.sleep(seconds)
        took = time.monotonic() - started
        cpu_s = workers_cpu_s(netpold.process.pid) - cpu_s
        packets = observer.metrics(path.world)["netpold_packets_total"] - packets
        require(packets >= RATE * LEAST * took,
                f"of {RATE} flows a second {packets / took:.0f} came to the queue")
        return packets, cpu_s

    def check(self, log):
        """At the end."""


class Logging(Judging):
    """The same, with one; nothing of it is kept."""

    name = "log"

    def __init__(self, folder):
        super().__init__()
        self.options = (*Judging.options, "--flow-log", f"file:{folder}/flows",
                        "--flow-log-rate", "0", "--flow-log-keep", "1")

    def check(self, log):
        judged, logged, folded, _, _ = map(int, TOTALS.search(log).groups())
        require(judged == logged + folded and folded <= judged / 100,
                f"of {judged} flows {logged} were logged, {folded} were folded")


def log_overhead(bench):
    """See above."""
    path = bench.datapath()
    with tempfile.TemporaryDirectory(prefix="netpold-bench-") as folder:
        return bench.pairs(lambda side: side.measure(path), Logging(folder), Judging())
