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
        expected = path.n_pairs if path.isolated else 0
        probe = path.traffic("probe", DENIED_PORT)
        netpold.stop()
        stopped = STOPPED.search(netpold.log.text())
        require(stopped, f"netpold did not stop in order:\n{netpold.log.text()}")
        counted = {name: int(number) for name, number in stopped.groupdict().items()}
        require(probe["done"] == path.n_pairs - expected and counted["denied"] == expected,
                f"of {expected} packets to be denied {counted['denied']} were, and "
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


class Nobody:
    """A node without netpold."""

    name = "nobody"

    @contextlib.contextmanager
    def run(self, path):
        done = daemon.clean(path.world)
        require(done.returncode == 0, f"netpold clean: {done.stderr}")
        path.world.node.run("conntrack", "-F")
        yield lambda: 0
