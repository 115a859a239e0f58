#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""What goes wrong of HTTP/2, and netpold finds the thread again (API-52, L29).

Each case is a node of its own with a netpold and a server behind fake_http2.Front. Each
watch has a connection; what ends in the middle of an event of a pod is the stream, or
the connection, or the server, which takes no more streams on this one. How the calls
of a client fail then, one by one, is tested in tests/daemon/kube/http2_test.py.
"""

import contextlib
import dataclasses
import re
import typing

import fake_faults_test
import fake_http2
import fake_node
import manifests
import side
import tap
from fake_faults_test import PODS


@dataclasses.dataclass
class Case:
    """@act  what the server does, in the middle of an event: act(connection, stream)"""
    name: str
    act: typing.Callable
    asks: str           # of pods, as in fake_faults_test.py
    n_connections: int  # in the end
    words: str = ""     # in the log


def go_away(connection, stream):
    """It is about to end, and gives up what is not done."""
    connection.go_away(connection.last)
    connection.reset(stream)


CASES = [
    Case("nothing", None, "S L W", 5),
    Case("a watch's stream is reset in the middle of an event",
         lambda connection, stream: connection.reset(stream), "S L W ~ W", 5,
         r"pods of \S+: watching failed: .*INTERNAL_ERROR"),
    Case("a watch's connection ends in the middle of an event",
         lambda connection, _: connection.close(), "S L W ~ W", 6,
         r"pods of \S+: watching failed: "),
    Case("the server takes no more on a connection, and resets a watch", go_away,
         "S L W ~ W", 6, r"pods of \S+: watching failed: .*partial file"),
]


@contextlib.contextmanager
def front_node():
    with fake_node.fed_node(plain=True, watch_list="off") as fed, \
            fake_http2.Front(fed.server, fake_node.certificate()) as front:
        fed.write(server=front.url)
        yield fed, front


def check(notes, case):
    with front_node() as (fed, front):
        fed.put(*fake_faults_test.before())
        with fed.netpold() as netpold:
            netpold.wait_in_force()
            fed.server.wait_settled()
            if case.act:
                front.fault = "/pods?", case.act
            fake_faults_test.edit(fed.server.store)
            fake_faults_test.wait_counts(netpold, 3, 4)
            notes.true("every resource is watched again", fed.server.wait_settled(),
                       "all five", netpold.log.text())
            fed.put(manifests.policy("last", "shop", {"app": "new"}, ingress=[]))
            fake_faults_test.wait_counts(netpold, 4, 4)
            notes.equal("the status counts what the server holds, and no trouble",
                        fed.server_counts(), fed.wait_counts())
            notes.equal("it ends in order", 0, netpold.stop())
            log = netpold.log.text()
        if case.words:
            notes.true("the log says what is wrong", re.search(case.words, log), case.words,
                       log)
        asked = fake_faults_test.asked_words(fed.server, PODS)
        pattern = case.asks.replace(" ", " (?:~ )?")
        notes.true(f"it asks for {case.asks}", re.fullmatch(pattern, asked), case.asks, asked)
        notes.equal("each resource has a connection (API-52), as long as it stands",
                    case.n_connections, len(front.connections))
        notes.equal("it believes what the server holds", fed.server_objects(),
                    fed.warm_objects())
        if case.act:
            notes.equal("the fault was met", None, front.fault)


def test(tap_):
    fake_node.prepare()
    side.run(tap_, CASES, check)


if __name__ == "__main__":
    tap.main(test)
