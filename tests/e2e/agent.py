#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""The process that lives inside a network namespace and does as it is told.

It makes its namespace itself and keeps no name for it, so that the namespace
lives exactly as long as this process; the process ends when its standard
input does. Whatever kills a test, even -9, thereby removes its namespaces,
its veths and all that is in them, and nothing is left to collide with.

All agents of a test are forked from one process, the nursery, which has loaded
and compiled what they need and does nothing else. Its standard input is a
socket (see netns.py), over which comes for each agent one JSON object with the
agent's standard input and output, {"name": "web", "is_node": false}; a node
also gets its own /sys, and its own empty /run and /var/lib.

Commands come as one JSON object a line, {"id": 1, "op": "try", …}; answers go
out as {"id": 1, "result": …} or {"id": 1, "error": "…"}. Each command has a
thread of its own, so a connection that waits for its time-out does not hold
up the next one. Nearly all operations are in the modules that it imports.
"""

import ctypes
import fcntl
import json
import os
import pathlib
import resource
import signal
import socket
import struct
import sys
import threading
import traceback

import bulk
import burst
import crowd
import dialogue
import first
import flood
import ftp
import insister
import knocks
import lookup
import queues
import raw
import relay
import sniffer
import starters
import tracked
import traffic
import train
import volley
import wires

CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
MS_REC, MS_PRIVATE = 0x4000, 0x40000
PR_SET_PDEATHSIG = 1
SIOCSIFFLAGS, IFF_UP = 0x8914, 1

libc = ctypes.CDLL(None, use_errno=True)


def must(result, what):
    if result != 0:
        sys.exit(f"cannot {what}: {os.strerror(ctypes.get_errno())}; run this as root")


def die_with_parent():
    must(libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL), "ask for a signal")


def enter(is_node):
    """Become the one that holds a new network namespace."""
    die_with_parent()
    must(libc.unshare(CLONE_NEWNET | (CLONE_NEWNS if is_node else 0)),
         "make a network namespace")
    n_files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (n_files, n_files))
    if not is_node:
        return
    # What the daemon finds in /sys is its node's, and what it leaves in /run and
    # /var/lib goes away with the node.
    must(libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None), "unshare the mounts")
    must(libc.mount(b"sysfs", b"/sys", b"sysfs", 0, None), "mount /sys")
    must(libc.mount(b"tmpfs", b"/run", b"tmpfs", 0, b"mode=755"), "mount /run")
    must(libc.mount(b"tmpfs", b"/var/lib", b"tmpfs", 0, b"mode=755"), "mount /var/lib")


def set_up_loopback():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))


def sysctl(settings):
    """Settings as "net/ipv4/ip_forward=1"."""
    for setting in settings:
        name, value = setting.split("=")
        pathlib.Path("/proc/sys", name).write_text(value, encoding="ascii")


class Agent:
    def __init__(self):
        self.lock = threading.Lock()
        self.operations = {"sysctl": sysctl}
        for module in (bulk.Bulk(), burst.Burst(), crowd.Crowd(), dialogue.Dialogue(),
                       first.First(), flood.Flood(), ftp.Ftp(), insister.Insister(),
                       knocks.Knocks(), lookup.Lookup(), queues.Queues(), raw.Raw(),
                       relay.Relay(), sniffer.Sniffer(), starters.Starters(),
                       tracked.Tracked(), traffic.Traffic(), train.Train(),
                       volley.Volley(), wires.Wires()):
            for name, operation in module.operations().items():
                if self.operations.setdefault(name, operation) is not operation:
                    raise ValueError(f"two modules have an operation {name}")

    def answer(self, message):
        with self.lock:
            sys.stdout.write(json.dumps(message) + "\n")
            sys.stdout.flush()

    def handle(self, command):
        number = command.pop("id")
        try:
            operation = self.operations[command.pop("op")]
            self.answer({"id": number, "result": operation(**command)})
        except Exception as error:  # whatever it is, the test wants to read it
            self.answer({"id": number, "error": f"{type(error).__name__}: {error}"})

    def serve(self):
        self.answer({"id": 0, "result": os.getpid()})
        for line in sys.stdin:
            threading.Thread(target=self.handle, args=(json.loads(line),), daemon=True).start()


def become_agent(name, is_node, pipes):
    """In a process of its own, until the test closes its end."""
    for number, pipe in enumerate(pipes):
        os.dup2(pipe, number)
        os.close(pipe)
    sys.argv[1:] = [name]
    enter(is_node)
    set_up_loopback()
    Agent().serve()


def serve_nursery():
    die_with_parent()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for agents
    orders = socket.socket(fileno=os.dup(0))
    while True:
        message, pipes, _, _ = socket.recv_fds(orders, 4096, 2)
        if not message:
            return
        if os.fork() == 0:
            orders.close()
            become_agent(**json.loads(message), pipes=pipes)
            return
        for pipe in pipes:
            os.close(pipe)


if __name__ == "__main__":
    try:
        serve_nursery()
    except (Exception, SystemExit):
        traceback.print_exc()
    finally:
        os._exit(0)  # not waiting for threads that wait for packets
