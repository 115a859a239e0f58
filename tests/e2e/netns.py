# SPDX-License-Identifier: GPL-2.0-or-later
"""Network namespaces, each held by an agent process and by nothing else.

There is no `ip netns add`: a name on disk outlives a test that is killed. The
namespace is reached through its agent's process id, and the kernel takes it
away when the agent ends (see agent.py).
"""

import concurrent.futures
import functools
import json
import os
import pathlib
import select
import signal
import socket
import subprocess
import sys
import threading

AGENT = pathlib.Path(__file__).with_name("agent.py")
ANSWER_TIMEOUT = 30  # seconds; far beyond what any operation waits for


class CommandError(Exception):
    """A command in a namespace failed; the message says which and how."""


def run(*command, check=True, stdin=""):
    """Run a command to its end and return it, with its output as text."""
    try:
        done = subprocess.run(command, input=stdin, capture_output=True, text=True,
                              timeout=60, check=False)
    except FileNotFoundError as error:
        raise CommandError(f"{error.filename} is not installed; `make deps` does it") from None
    if check and done.returncode != 0:
        raise CommandError(f"{' '.join(command)}: exit status {done.returncode}\n"
                           f"{done.stderr.strip()}")
    return done


class Nursery:
    """The process that agents are forked from, and the socket to it."""

    def __init__(self):
        self.orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # A session of its own: Ctrl-C is for the test, which then tears down.
        self.process = subprocess.Popen([sys.executable, "-B", "-E", "-s", AGENT],
                                        stdin=theirs, start_new_session=True)
        theirs.close()

    def fork(self, name, is_node):
        """Returns the standard input and output of a new agent, as files."""
        theirs_in, our_out = os.pipe()
        our_in, theirs_out = os.pipe()
        order = json.dumps({"name": name, "is_node": is_node}).encode()
        socket.send_fds(self.orders, [order], [theirs_in, theirs_out])
        os.close(theirs_in)
        os.close(theirs_out)
        return open(our_out, "w", encoding="utf-8"), open(our_in, encoding="utf-8")


@functools.cache
def nursery():
    return Nursery()


class Namespace:
    """A network namespace and the agent in it.

    Operations are those of the agent: call() waits for the answer, begin()
    returns a future, so that many can go on at once.
    """

    def __init__(self, name, is_node=False):
        self.name = name
        self.is_node = is_node
        self.waiting = {}
        self.next_id = 1
        self.lock = threading.Lock()
        self.stdin, self.stdout = nursery().fork(name, is_node)
        self.pid = self.process = None

    def wait_ready(self):
        """The agent has its namespace. Apart, so that many can start at once."""
        first = self.stdout.readline()
        if not first:
            raise CommandError(f"the agent of {self.name} did not start")
        self.pid = json.loads(first)["result"]
        self.process = os.pidfd_open(self.pid)
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def _read(self):
        for line in self.stdout:
            answer = json.loads(line)
            with self.lock:
                future = self.waiting.pop(answer["id"])
            if "error" in answer:
                future.set_exception(CommandError(f"{self.name}: {answer['error']}"))
            else:
                future.set_result(answer["result"])
        with self.lock:
            for future in self.waiting.values():
                future.set_exception(CommandError(f"the agent of {self.name} is gone"))
            self.waiting.clear()

    def begin(self, op, **arguments):
        future = concurrent.futures.Future()
        with self.lock:
            number, self.next_id = self.next_id, self.next_id + 1
            self.waiting[number] = future
            self.stdin.write(json.dumps({"id": number, "op": op, **arguments}) + "\n")
            self.stdin.flush()
        return future

    def call(self, op, **arguments):
        return self.begin(op, **arguments).result(ANSWER_TIMEOUT)

    def enter(self):
        """The words before a command that make it run in here."""
        mounts = ("--mount",) if self.is_node else ()
        return ("nsenter", f"--target={self.pid}", "--net", *mounts)

    def run(self, *command, check=True, stdin=""):
        return run(*self.enter(), *command, check=check, stdin=stdin)

    def ip(self, *lines):
        """`ip` commands, one a line, in one go."""
        self.run("ip", "-batch", "-", stdin="\n".join(lines) + "\n")

    def sysctl(self, *settings):
        """Settings as "net/ipv4/ip_forward=1"."""
        self.call("sysctl", settings=settings)

    def path(self, path):
        """Where a path of this namespace is for us."""
        return pathlib.Path(f"/proc/{self.pid}/root{path}")

    def stop(self):
        self.stdin.close()
        if self.process is None:
            return
        if not select.select([self.process], [], [], 5)[0]:
            signal.pidfd_send_signal(self.process, signal.SIGKILL)
            select.select([self.process], [], [])
        os.close(self.process)
