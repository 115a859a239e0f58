#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""netpold at work: a node, pods, policies, real connections, in ten seconds.

    sudo make demo

Makes one node and its pods out of network namespaces (see world.py), starts
`netpold run` on the node, tries connections over IPv4 and IPv6, edits the
policies meanwhile, and prints what was expected, what came, and why. Exit
status 1 if anything differs. Nothing is left behind.
"""

import argparse
import os
import signal
import sys
import time

import daemon
import manifests
import netns
import probe
import world
from manifests import block, namespaces, pods, policy, port, rule, to
from probe import ALLOWED, DENIED, Probe

COLOURS = {"good": "32", "bad": "1;31", "head": "1", "dim": "2"}
WIDTHS = (8, 8, 10, 8, 8)
SILENCE_MS = 500  # how long the cut connection is listened to

SPECS = [
    world.PodSpec("web", "shop", {"app": "web"}, (("http", 8080, "TCP"),),
                  (("tcp", 8080), ("tcp", 9090), ("udp", 9000))),
    world.PodSpec("db", "shop", {"app": "db"}, (), (("tcp", 5432), ("sctp", 7000))),
    world.PodSpec("client", "shop", {"app": "client"}),
    world.PodSpec("guest", "guests", {"app": "guest"}),
    world.PodSpec("free", "shop", {"app": "free"}, (), (("tcp", 8080),)),
]


def web(*peers):
    return policy("web-in", "shop", {"app": "web"},
                  ingress=[rule(peers, [port("http"), port(9000, "UDP")])])


CLIENTS = pods(app="client")
GUESTS = namespaces(team="guests")
DB = [
    policy("db-in", "shop", {"app": "db"}, ingress=[
        rule([pods(app="web")], [port(5432), port(7000, "SCTP")]),
        rule([block("192.0.2.0/24"), block("2001:db8:2::/64")])]),
    policy("db-out", "shop", {"app": "db"}, egress=[]),
]



# The name of a row says why: which policy decides, and by what.
FIRST = [
    Probe("shop/web-in: from app=client, port http", "client", "web", "tcp", 8080, ALLOWED),
    Probe("shop/web-in: from app=client, port 9000/UDP", "client", "web", "udp", 9000, ALLOWED),
    Probe("shop/web-in names no such port", "client", "web", "tcp", 9090, DENIED),
    Probe("shop/web-in: a rule with ports matches no ping", "client", "web", "icmp", 0, DENIED),
    Probe("shop/web-in has no rule for guests", "guest", "web", "tcp", 8080, DENIED),
    Probe("a ClusterIP: judged as web, port http", "client", "svc", "tcp", 80, ALLOWED),
    Probe("a ClusterIP is no way around shop/web-in", "guest", "svc", "tcp", 80, DENIED),
    Probe("shop/db-in: from app=web, port 5432", "web", "db", "tcp", 5432, ALLOWED),
    Probe("shop/db-in: from app=web, port 7000/SCTP", "web", "db", "sctp", 7000, ALLOWED),
    Probe("shop/db-in has no rule for app=client", "client", "db", "tcp", 5432, DENIED),
    Probe("shop/db-in: its ipBlock, any protocol", "outside", "db", "icmp", 0, ALLOWED),
    Probe("shop/db-out lets nothing out", "db", "outside", "tcp", 8080, DENIED),
    Probe("the own node reaches its pods (probes)", "node", "db", "tcp", 5432, ALLOWED),
    Probe("no policy selects free", "guest", "free", "tcp", 8080, ALLOWED),
]
AFTER_EDIT = [
    Probe("shop/web-in: from namespaces team=guests", "guest", "web", "tcp", 8080, ALLOWED),
    Probe("the same, through the ClusterIP", "guest", "svc", "tcp", 80, ALLOWED),
]
AFTER_CUT = [
    Probe("shop/web-in names only guests now", "client", "web", "tcp", 8080, DENIED),
]


class Screen:
    def __init__(self):
        self.coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self.wrong = 0

    def paint(self, how, text):
        return f"\033[{COLOURS[how]}m{text}\033[0m" if self.coloured else text

    def title(self, text):
        print(f"\n{self.paint('head', text)}", flush=True)

    def note(self, text):
        print(f"  {self.paint('dim', text)}", flush=True)

    def fact(self, good, text):
        """One line that is right or wrong."""
        self.wrong += not good
        word = self.paint("good", "yes") if good else self.paint("bad", "NO ")
        print(f"  {word}  {text}", flush=True)

    def row(self, cells, why, how=None):
        words = [f"{cell:<{width}}" for cell, width in zip(cells, WIDTHS)]
        if how:
            words[4] = self.paint(how, words[4])
        print("  " + " ".join(words) + " " + why, flush=True)

    def table(self, world_, rows):
        """Try every row over IPv4 and IPv6, all at once."""
        begun = [[probe.begin(world_, row, family) for family in "46"] for row in rows]
        head = ("from", "to", "port", "expected", "got")
        print(self.paint("head", "  " + " ".join(
            f"{cell:<{width}}" for cell, width in zip(head, WIDTHS)) + " why"))
        for probed, futures in zip(rows, begun):
            got = [probe.outcome(future.result(netns.ANSWER_TIMEOUT)) for future in futures]
            good = got == [probed.expected] * 2
            self.wrong += not good
            shown = got[0] if got[0] == got[1] else f"IPv4 {got[0]}, IPv6 {got[1]}"
            what = f"{probed.port}/{probed.protocol}" if probed.port else "ping"
            self.row((probed.source, probed.target, what, probed.expected, shown), probed.name,
                     "good" if good else "bad")


def show_cut(screen, world_, netpold):
    """An established connection is cut by an edit, and another one is not."""
    flows = [("client", f"{protocol.upper()} over IPv{family}", protocol, family)
             for family in "46" for protocol in ("tcp", "udp")]
    kept = [("guest", *flow[1:]) for flow in flows]
    ports = {"tcp": 8080, "udp": 9000}
    for source, name, protocol, family in flows + kept:
        world_[source].call("stream", name=name, protocol=protocol, every_ms=2,
                            address=world_.address("web", family), port=ports[protocol])
    for source, name, _, _ in flows + kept:
        world_[source].call("stream_wait", name=name, count=20)

    saved_at = world_.folder.put("policies", web(GUESTS), *DB)
    change = netpold.wait_in_force(since=saved_at)
    for source, name, _, _ in flows:
        stray = world_[source].call("stream_wait", name=name, count=1, since=change.at,
                                    timeout_ms=SILENCE_MS // len(flows))
        last = world_[source].call("stream_report", name=name)["last_answer"]
        after_ms = (last - saved_at) * 1000
        told = f"the last answer came {after_ms:.1f} ms after the edit" if after_ms > 0 \
            else "not one answer came after the edit"
        screen.fact(stray == 0, f"client → web, {name}: cut; {told}")
    screen.note(f"netpold: in force {change.measured_ms:.1f} ms after the file was saved, "
                f"{change.revoked} flows revoked")
    for source, name, _, _ in kept:
        report = world_[source].call("stream_stop", name=name)
        screen.fact(report["sent"] == report["answered"], f"guest → web, {name}: goes on; "
                    f"{report['answered']} of {report['sent']} messages answered")


def show(screen, world_):
    world_.add_service("svc", {"4": "10.96.0.10", "6": "fd96::10"}, "tcp", 80, "web", 8080)
    world_.folder.put("policies", web(CLIENTS), *DB)
    with daemon.Daemon(world_) as netpold:
        change = netpold.wait_in_force()
        screen.title("1. Policies are in force")
        screen.note(f"netpold run: {change.policies} policies, {change.pods} pods, "
                    f"took {change.took_ms} ms")
        screen.table(world_, FIRST)

        screen.title("2. The policy shop/web-in is edited: guests may come, too")
        change = netpold.wait_in_force(since=world_.folder.put(
            "policies", web(CLIENTS, GUESTS), *DB))
        screen.note(f"netpold: in force {change.measured_ms:.1f} ms after the file was saved")
        screen.table(world_, AFTER_EDIT)

        screen.title("3. It is edited again: only guests may. Open connections of client are cut")
        show_cut(screen, world_, netpold)
        screen.table(world_, AFTER_CUT)

        screen.title("4. netpold stops and is cleaned away")
        screen.fact(netpold.stop() == 0, "it stops in order at SIGTERM")
    done = daemon.clean(world_)
    left = [*world_.netfilter.own_rules(), *world_.netfilter.sets()]
    told = done.stderr.strip() or "; ".join(left) or "no rule, no set"
    screen.fact(done.returncode == 0 and not left, f"netpold clean leaves nothing: {told}")


def stop(_signal, _frame):
    raise SystemExit(143)


def arguments():
    parser = argparse.ArgumentParser(description="netpold at work, in network namespaces")
    parser.add_argument("--layout", choices=world.LAYOUTS, default="routed",
                        help="how pods are connected (default: routed)")
    parser.add_argument("--iptables", choices=world.BACKENDS, default="nft",
                        help="which iptables netpold uses (default: nft)")
    return parser.parse_args()


def main():
    options = arguments()
    signal.signal(signal.SIGTERM, stop)
    screen = Screen()
    started = time.monotonic()
    if os.geteuid() != 0:
        sys.exit("demo: network namespaces need root: sudo make demo")
    try:
        daemon.must_exist()
        with world.World(options.layout, options.iptables, SPECS) as world_:
            print(f"One node, {len(SPECS)} pods and a host outside, IPv4 and IPv6, "
                  f"{options.layout}, iptables-{options.iptables}")
            show(screen, world_)
    except KeyboardInterrupt:
        print("\ninterrupted; everything is taken down")
        return 130
    except (netns.CommandError, daemon.DaemonError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2
    took = time.monotonic() - started
    if screen.wrong:
        print(f"\n{screen.paint('bad', f'{screen.wrong} things differ')} ({took:.1f} s)")
        return 1
    print(f"\n{screen.paint('good', 'All as expected')} ({took:.1f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
