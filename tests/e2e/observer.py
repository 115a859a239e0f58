# SPDX-License-Identifier: GPL-2.0-or-later
"""Asks a daemon how it stands: over its socket, and as an operator does."""

import json
import pathlib
import re
import socket
import time

import daemon
import netns

SOCKET = "/run/netpold/status.sock"
SCHEMA = json.loads((pathlib.Path(__file__).resolve().parents[2] /
                     "include/netpold/schema/status.schema.json").read_text())


def status(world, *options):
    """`netpold status` on the node; returns the finished process."""
    return world.node.run(str(daemon.PROGRAM), "status", *options, check=False)


class Client:
    """One connection to the status socket of a world's node."""

    def __init__(self, world, path=SOCKET, timeout=daemon.PATIENCE):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(str(world.node.path(path)))
        self.lines = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lines.close()
        self.socket.close()

    def say(self, data):
        self.socket.sendall(data)

    def hear(self):
        """The next answer; None where the daemon hangs up."""
        try:
            line = self.lines.readline()
        except ConnectionResetError:
            return None
        return json.loads(line) if line else None

    def get(self, name):
        self.say(json.dumps({"get": name}).encode() + b"\n")
        return self.hear()[name]


def get(world, name):
    with Client(world) as client:
        return client.get(name)


def metrics(world):
    """{name: value}, of several values their sum, of histograms their count."""
    return {metric["name"]: sum(value.get("value", value.get("count"))
                                for value in metric["values"])
            for metric in get(world, "metrics")}


def totals(world, name, *wanted):
    """Of a metric, by each of these labels, the sum of the values that have them."""
    values = [value for metric in get(world, "metrics") if metric["name"] == name
              for value in metric["values"]]
    return [sum(value["value"] for value in values if labels.items() <= value["labels"].items())
            for labels in wanted]


def wait_metric(world, name, enough):
    """Ask again until enough(value); returns the value."""
    deadline = time.monotonic() + daemon.PATIENCE
    while time.monotonic() < deadline:
        value = metrics(world).get(name)
        if value is not None and enough(value):
            return value
        time.sleep(0.05)
    raise daemon.DaemonError(f"{name} is still {value} after {daemon.PATIENCE} s")


def number(page, pattern):
    """The first group of a pattern in a page, as a number."""
    match = re.search(pattern, page)
    if not match:
        raise netns.CommandError(f"the page lacks '{pattern}':\n{page}")
    return int(match[1])
