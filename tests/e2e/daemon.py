# SPDX-License-Identifier: GPL-2.0-or-later
"""netpold in a node's namespace: started, watched through its log, stopped."""

import contextlib
import dataclasses
import os
import pathlib
import re
import signal
import subprocess
import threading
import time

import netns

PROGRAM = pathlib.Path(os.environ.get(
    "NETPOLD", pathlib.Path(__file__).resolve().parents[2] / "build/netpold")).resolve()
# Built with faults (daemon/fault.h).
FAULTY = pathlib.Path(os.environ.get(
    "FAULTY", pathlib.Path(__file__).resolve().parents[2] / "build/faults/netpold")).resolve()
REMEMBER = "--kernel-cache=on"     # for tests of that, whatever the environment says
ASK_ALWAYS = "--kernel-cache=off"  # for tests of what netpold does when it is asked
PATIENCE = 15  # seconds until something that should happen counts as not happening

IN_FORCE = re.compile(
    r"netpold: (?:in force|audited): generation=(?P<generation>\d+) policies=(?P<policies>\d+) "
    r"pods=(?P<pods>\d+) isolated=egress:(?P<egress>\d+),ingress:(?P<ingress>\d+) "
    r"revoked=(?P<revoked>\d+) took_ms=(?P<took_ms>[\d.]+)")
SANITIZER = re.compile(r"(WARNING|ERROR): \w+Sanitizer|: runtime error: ")
REFUSED = re.compile(r"netpold: error: .*; generation (?P<generation>\d+) stays in force$")


class DaemonError(Exception):
    """The daemon did not do what the test needs; the message holds its log."""


@dataclasses.dataclass
class InForce:
    """A change that is in force, as the log tells it."""
    generation: int
    policies: int
    pods: int
    isolated_egress: int
    isolated_ingress: int
    revoked: int
    took_ms: float
    at: float           # when we read it
    measured_ms: float = 0.0  # since the file was renamed into place


def _in_force(match, at):
    words = match.groupdict()
    return InForce(int(words["generation"]), int(words["policies"]), int(words["pods"]),
                   int(words["egress"]), int(words["ingress"]), int(words["revoked"]),
                   float(words["took_ms"]), at)


class Log:
    """The lines a process writes, each with the time we read it."""

    def __init__(self, stream):
        self.lines = []
        self.ended = False
        self.changed = threading.Condition()
        threading.Thread(target=self._read, args=(stream,), daemon=True).start()

    def _read(self, stream):
        for line in stream:
            with self.changed:
                self.lines.append((time.monotonic(), line.rstrip("\n")))
                self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def wait(self, find, start=0, patience=PATIENCE):
        """The first thing that find(line, at) gives for a line from @start on."""
        def look():
            for at, line in self.lines[start:]:
                if (result := find(line, at)) is not None:
                    return result
            return self.ended or None
        with self.changed:
            found = self.changed.wait_for(look, patience)
        if found is None or found is True:
            why = "it ended" if found else f"not within {patience} s"
            raise DaemonError(f"the daemon's log lacks a line that was due: {why}; "
                              f"its log:\n{self.text()}")
        return found

    def wait_end(self):
        with self.changed:
            self.changed.wait_for(lambda: self.ended, PATIENCE)

    def text(self):
        with self.changed:
            return "\n".join(line for _, line in self.lines)


class Daemon:
    """`netpold run` on a world's node.

    As a context manager it is killed at the end if it still runs, and fails if a
    sanitizer has found something, which may show nowhere else. It dies with this
    process, whatever ends that.

    @source     the options that say where objects come from, where that is not the
                world's folder, or @folder
    @variables  more environment, by name
    """

    def __init__(self, world, *options, before=(), program=PROGRAM, folder=None, source=None,
                 variables=None):
        self.world = world
        self.command = [
            "setpriv", "--pdeathsig", "KILL", *world.node.enter(), *before, str(program), "run",
            *(source or ("--manifests", folder or world.folder.path)),
            "--node-name", world.node_name, "--iptables", world.backend, *options]
        # Settings come from the options above, not from whoever runs the tests; but all
        # of them can be run with the kernel remembering, or not.
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith("NETPOLD_") or name == "NETPOLD_KERNEL_CACHE"}
        environment |= variables or {}
        self.process = subprocess.Popen(
            self.command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True, errors="replace", start_new_session=True)
        self.log = Log(self.process.stderr)
        self.generation = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if SANITIZER.search(self.log.text()):
            raise DaemonError(f"a sanitizer has found something; the log:\n{self.log.text()}")

    def wait_in_force(self, since=None, start=0, patience=PATIENCE):
        """Wait until the next change counts as in force."""
        after = self.generation

        def find(line, at):
            match = IN_FORCE.search(line)
            if match and int(match["generation"]) > after:
                return _in_force(match, at)
            return None
        change = self.log.wait(find, start, patience)
        self.generation = change.generation
        if since is not None:
            change.measured_ms = (change.at - since) * 1000
        return change

    def apply(self, *objects, name="policies"):
        """Put objects into the folder and wait until they are in force."""
        return self.wait_in_force(since=self.world.folder.put(name, *objects))

    def wait_refusal(self, edit):
        """Make an edit that must be refused; returns the line that says so."""
        start = len(self.log.lines)
        edit()

        def find(line, _at):
            return line if line.startswith("netpold: error: ") else None
        return self.log.wait(find, start)

    def wait_refused(self):
        """For a start that must fail: the exit status, or that it runs."""
        def find(line, _at):
            return "running" if IN_FORCE.search(line) else None
        try:
            return self.log.wait(find)
        except DaemonError:
            return self.process.wait(PATIENCE) if self.log.ended else "nothing in the log"

    @contextlib.contextmanager
    def asleep(self):
        """It does nothing meanwhile; at the end it goes on where it was."""
        self.process.send_signal(signal.SIGSTOP)
        deadline = time.monotonic() + PATIENCE
        while not self._is_stopped() and time.monotonic() < deadline:
            time.sleep(0.001)
        yield
        self.process.send_signal(signal.SIGCONT)

    def _is_stopped(self):
        threads = pathlib.Path(f"/proc/{self.process.pid}/task").glob("*/stat")
        return all(thread.read_text().rpartition(")")[2].split()[0] == "T" for thread in threads)

    def stop(self, how=signal.SIGTERM):
        """Returns the exit status."""
        self.process.send_signal(how)
        return self.wait_exit()

    def wait_exit(self):
        try:
            status = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise DaemonError(f"the daemon did not end within {PATIENCE} s; its log:\n"
                              f"{self.log.text()}") from None
        self.log.wait_end()
        return status


def clean(world, *options):
    """`netpold clean` on the node; returns the finished process."""
    return world.node.run(str(PROGRAM), "clean", *options,
                          check=False)


def must_exist():
    if not PROGRAM.exists():
        raise netns.CommandError(f"{PROGRAM} is not there; run `make`, or set NETPOLD")


def faulty_must_exist():
    if not FAULTY.exists():
        raise netns.CommandError(f"{FAULTY} is not there; `make BUILD=build/faults FAULTS=1` "
                                 "makes it, or set FAULTY")
