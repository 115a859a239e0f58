# SPDX-License-Identifier: GPL-2.0-or-later
"""Who answers the queues while we measure, or that nobody does.

A side says how many packets it has answered. That nothing is fast by being wrong
is checked on netpold's: nothing was denied but what is denied on purpose, once
for each pair after the measurement, and of that nothing arrived.
"""

import contextlib
import os
import re
import signal

import daemon

CPUS = os.cpu_count()
QUEUE_BASE = 100
CONNECT_PORT = 8080  # allowed by ns0/p0 and ns0/p1; the servers listen
DENIED_PORT = 8081  # what ns0/p0 does not name
ASK_ALL_MS = 200  # in which every pair is asked about

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


class Netpold:
    """netpold itself, asked about every flow."""

    name = "netpold"
    options = (daemon.ASK_ALWAYS,)
    remembers = False  # whom it was asked about before, in an earlier run, too

    def __init__(self, workers=CPUS):
        self.workers = workers

    @contextlib.contextmanager
    def run(self, path):
        with path.netpold(self.workers, *self.options) as netpold:
            self.prepare(path)
            yield lambda: self._finish(path, netpold)

    def prepare(self, path):
        """Before anything is measured."""

    def _finish(self, path, netpold):
        """Returns how many packets it has answered."""
        expected = path.n_pairs if path.isolated else 0
        probe = path.traffic("probe", DENIED_PORT)
        netpold.stop()
        stopped = STOPPED.search(netpold.log.text())
        require(stopped, f"netpold did not stop in order:\n{netpold.log.text()}")
        counted = {name: int(number) for name, number in stopped.groupdict().items()}
        denied = expected if self.remembers else counted["denied"]
        require(probe["done"] == path.n_pairs - expected and denied == expected,
                f"of {expected} packets to be denied {denied} were, and {probe['done']} arrived")
        require(counted["unparsable"] == counted["overruns"] == 0, f"netpold: {stopped[0]}")
        return counted["allowed"]


class Remembering(Netpold):
    """netpold, and a kernel that remembers what it was asked before."""

    name = "netpold, remembering"
    options = ("--kernel-cache=on",)
    remembers = True

    def prepare(self, path):
        path.traffic("connections", CONNECT_PORT, ASK_ALL_MS, CPUS)


class Flooded(Remembering):
    """The same, while a pod floods another one on the last CPU, and is denied."""

    def __init__(self, kind, workers=CPUS):
        super().__init__(workers)
        self.kind = kind
        self.name = f"flooded ({kind})"

    @contextlib.contextmanager
    def run(self, path):
        ends = [f"{path.world[name].pid}={path.world.address(name, '4')}"
                for name in ("bystander", "server0")]
        with super().run(path) as finish:
            with path.process(PROGRAMS / "flood", self.kind, DENIED_PORT, CPUS - 1, *ends):
                yield finish

    def _finish(self, path, netpold):
        """How many packets it has answered is up to the flood."""
        netpold.stop()
        return 0


class Loop:
    """The yardstick, in one of its two forms (accept_loop.c)."""

    name = "loop"
    remembers = False

    def __init__(self, same):
        self.workers = CPUS if same else 1
        self.arguments = ["--same", str(QUEUE_BASE), str(CPUS)] if same else [str(QUEUE_BASE)]

    @contextlib.contextmanager
    def run(self, path):
        with path.netpold(self.workers, daemon.ASK_ALWAYS) as netpold:
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


class Nobody:
    """A node without netpold."""

    name = "nobody"
    remembers = False

    @contextlib.contextmanager
    def run(self, path):
        done = daemon.clean(path.world)
        require(done.returncode == 0, f"netpold clean: {done.stderr}")
        path.world.node.run("conntrack", "-F")
        yield lambda: 0
