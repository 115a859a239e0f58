#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""An API server that is away: what it said last stays, and comes back after a restart.

    client ── TCP 8080 ──► web     allowed, until an edit; one connection stands throughout
    client ── TCP 8081 ──► web     allowed
    guest  ── TCP 8080 ──► web     denied
                                              node: netpold ── 127.0.0.1 ──► fake server

The rest of the topology is drawn in world.py, the server in fake_api.py.
"""

import dataclasses
import re
import signal
import time
import typing

import daemon
import fake_node
import kube_client
import manifests
import observer
import probe
import scenario
import side
import streams
import tap
import world
from probe import ALLOWED, DENIED, Probe

OPEN = scenario.allow_clients(manifests.port("http"), manifests.port("alt"))
LESS = scenario.allow_clients(manifests.port("alt"))
KEPT = ("client", "web", "tcp", 8081)
HEALTH = ("127.0.0.1", 9100)
LISTEN = ("--metrics-listen", "127.0.0.1:9100")
WARM = "WARM START: the API server has not said everything yet"


def check_flows(tap_, world_, when, http=ALLOWED, denied=DENIED):
    probe.check_all(tap_, world_, [
        Probe(f"{when}: what is allowed", "client", "web", "tcp", 8081, ALLOWED),
        Probe(f"{when}: what only one edition allows", "client", "web", "tcp", 8080, http),
        Probe(f"{when}: what no policy allows", "guest", "web", "tcp", 8080, denied)])


def wait_words(netpold, words, start=0):
    return netpold.log.wait(lambda line, _at: line if words in line else None, start)


def ask(fed, path):
    """Of the page that netpold serves: (status, text)."""
    return kube_client.ask(fed.world.node.pid, HEALTH, "GET", path)


def wait_ready(fed):
    """The page is made anew a moment after the log's line; returns the last status."""
    deadline = time.monotonic() + daemon.PATIENCE
    while (status := ask(fed, "/readyz")[0]) != 200 and time.monotonic() < deadline:
        time.sleep(0.05)
    return status


def age_s(fed):
    """How long ago the server was heard of, as the metric says."""
    found = re.search(r'^netpold_source_age_seconds\{[^}]*"pods"[^}]*\} (\S+)$',
                      ask(fed, "/metrics")[1], re.M)
    return float(found[1])


def check_first(tap_, fed):
    """Nothing is enforced before the first sync (L30)."""
    fed.server.stop()
    with fed.netpold(*LISTEN) as netpold:
        wait_words(netpold, "waiting for")
        status, text = ask(fed, "/readyz")
        tap_.true("before the server is there: it is not ready, and says why",
                  status == 503 and "pods" in text, 503, (status, text))
        tap_.equal("before the server is there: it is alive", 200, ask(fed, "/livez")[0])
        check_flows(tap_, fed.world, "before the server is there", denied=ALLOWED)
        tap_.true("before the server is there: nothing is in force",
                  not daemon.IN_FORCE.search(netpold.log.text()), "nothing",
                  netpold.log.text())
        fed.server.start()
        change = netpold.wait_in_force()
        tap_.equal("then all of it is, at once", (1, 3), (change.policies, change.pods))
        tap_.equal("then it is ready", 200, wait_ready(fed))
        check_flows(tap_, fed.world, "once it is there")
        netpold.stop()


def check_away(tap_, fed):
    """API-28: it is away for some seconds, and is edited as it comes back."""
    with fed.netpold(*LISTEN) as netpold:
        netpold.wait_in_force()
        kept = streams.Streams(fed.world, [KEPT])
        fed.server.stop()
        wait_words(netpold, "what was known stays")
        time.sleep(2)  # while it tries, in vain
        check_flows(tap_, fed.world, "while the server is away")
        tap_.equal("while the server is away: netpold stays ready", 200, ask(fed, "/readyz")[0])
        tap_.true("while the server is away: the metric says for how long",
                  (age := age_s(fed)) >= 2, "2 s at least", age)
        objects, troubles = fed.counts()
        tap_.true("while the server is away: the status says so of each resource, and what is "
                  "known", len(troubles) == 5 and objects["pods"] == 3, "5 troubles, 3 pods",
                  (objects, troubles))
        tap_.equal("while the server is away: connections go on", kept.names(),
                   kept.flowing(time.monotonic()))
        fed.put(LESS)
        at = time.monotonic()
        fed.server.start()
        change = netpold.wait_in_force()
        tap_.true("what was edited comes into force soon", change.at - at < 10, "10 s",
                  change.at - at)
        check_flows(tap_, fed.world, "after the server was away", http=DENIED)
        tap_.equal("after the server was away: connections go on", kept.names(),
                   kept.flowing(change.at))
        kept.each("stream_stop", patience_ms=0)
        fed.put(OPEN)
        netpold.wait_in_force()
        netpold.stop()


def wait_well(fed):
    """Until `netpold status` has nothing to complain about; returns the last one."""
    deadline = time.monotonic() + daemon.PATIENCE
    while (done := observer.status(fed.world)).returncode and time.monotonic() < deadline:
        time.sleep(0.1)
    return done


def check_warm(tap_, fed):
    """It is killed while the server is away, and started."""
    with fed.netpold("--on-failure=closed") as netpold:
        netpold.wait_in_force()
        netpold.stop()
    fed.server.stop()
    with fed.netpold("--on-failure=closed") as netpold:
        change = netpold.wait_in_force()
        tap_.true("a warm start: the log says so", WARM in netpold.log.text(), WARM,
                  netpold.log.text())
        tap_.equal("a warm start: as much is in force as before", (1, 3),
                   (change.policies, change.pods))
        check_flows(tap_, fed.world, "a warm start")
        done = observer.status(fed.world)
        tap_.true("a warm start: the status says so", done.returncode == 1
                  and "\nWarm         since 2" in done.stdout, "exit status 1", done)
        fed.put(LESS)
        bring_back(fed, netpold)
        netpold.wait_in_force()
        check_flows(tap_, fed.world, "a warm start, and the server is back", http=DENIED)
        tap_.true("a warm start: its end is said", wait_words(netpold, "the warm start is over"),
                  "it is over", netpold.log.text())
        done = wait_well(fed)
        tap_.true("a warm start, and the server is back: all is well", done.returncode == 0
                  and "Warm" not in done.stdout, "exit status 0", done.stdout)
        fed.put(OPEN)
        netpold.wait_in_force()
        netpold.stop()


@dataclasses.dataclass
class File:
    """A warm file that no start may begin with."""
    name: str
    change: typing.Callable  # of what the last run wrote
    words: str               # in the line that says why


FILES = [
    File("a damaged file", lambda text: text[:-3] + b"?" + text[-2:], "is damaged"),
    File("a file of a later version", lambda text: text.replace(b" 001 ", b" 002 "),
         "has version 2"),
    File("a file of another server", None, "is of another source"),
]


def check_file(notes, file):
    """On a node of its own, without packets."""
    with fake_node.fed_node() as fed:
        fed.put(manifests.namespace("shop"), manifests.node(fake_node.NODE, ["10.66.0.0/24"]),
                OPEN)
        with fed.netpold() as netpold:
            netpold.wait_in_force()
            netpold.stop()
        fed.server.stop()
        path = fed.world.node.path(f"{fake_node.STATE}/warm")
        if file.change:
            path.write_bytes(file.change(path.read_bytes()))
        else:
            fed.server.prefix = "/another"
            fed.write()
        with fed.netpold() as netpold:
            line = wait_words(netpold, "it is ignored")
            notes.true("the log says why it is ignored", file.words in line, file.words, line)
            notes.true("nothing is in force", not daemon.IN_FORCE.search(netpold.log.text()),
                       "nothing", netpold.log.text())
            bring_back(fed, netpold)
            notes.equal("what the server says is in force once it is back", 1,
                        netpold.wait_in_force().policies)
            netpold.stop()


def bring_back(fed, netpold):
    """The server is there again, and netpold is told so: it would see within seconds."""
    fed.server.start()
    netpold.process.send_signal(signal.SIGHUP)


def test(tap_):
    fake_node.prepare()
    specs = scenario.specs("web", "client", "guest")
    with world.World("routed", "nft", specs) as world_, fake_node.Fed(world_) as fed:
        fed.put(*world_.cluster(), OPEN, manifests.node(world_.node_name, ["10.66.0.0/24"]))
        for check in (check_first, check_away, check_warm):
            check(tap_, fed)
            daemon.clean(world_)
    side.run(tap_, FILES, check_file)


if __name__ == "__main__":
    tap.main(test)
