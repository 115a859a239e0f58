# SPDX-License-Identifier: GPL-2.0-or-later
"""Cases of tests that feed a netpold from a fake server: a shop with one pod and one
policy, and what is waited for in most of them. See fake_node.py."""

import contextlib
import dataclasses
import typing

import fake_node
import manifests


@dataclasses.dataclass
class Case:
    """@check  check(notes, case), as side.run() calls it"""
    name: str
    check: typing.Callable
    words: object = ()  # for the check


def objects():
    """One pod and its policy, and what they live in."""
    return [manifests.namespace("shop"), manifests.node(fake_node.NODE, ["10.66.0.0/24"]),
            manifests.pod("web", "shop", fake_node.NODE, ["10.66.0.11"], {"app": "web"}),
            manifests.policy("web", "shop", {"app": "web"}, ingress=[])]


def another(number):
    """One more policy of the same pod."""
    return manifests.policy(f"more-{number}", "shop", {"app": "web"}, ingress=[])


@contextlib.contextmanager
def filled(plain=False, **settings):
    """A node and a server that holds them; the server has such settings."""
    with fake_node.fed_node(plain, **settings) as fed:
        fed.put(*objects())
        yield fed


def must_come(notes, netpold, name="what the server holds comes into force"):
    change = netpold.wait_in_force()
    notes.equal(name, (1, 1), (change.policies, change.pods))
    return change


def wait_words(netpold, words):
    """A line of the log that holds them."""
    return netpold.log.wait(lambda line, _at: line if words in line else None)
