#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Pods whose first act is to connect, before anybody knows them.

    yard ── 1,000 addresses ──► web      a pod starts at each of them (--hold-unknown)

The yard has 10.67.0.0/21 and fd67::/64; each address in them is a pod of its
own, of the namespace that its object names:

    allowed   egress: to web on TCP 8080 and UDP 9000
    denied    egress: nothing
    free      no policy

A pod's object comes some while after its first packet, as a kubelet tells of an
address when the container runs already. The topology is drawn in world.py.
"""

import ipaddress
import random
import time

import daemon
import manifests
import netns
import observer
import probe
import scenario
import tap
import world
from manifests import block, policy, port, to
from probe import ALLOWED, Probe

N_STARTS, AT_ONCE = 1000, 100
HOLD_MS = 900
LATEST_S = 0.3        # when the last object of a round comes
GIVE_UP_MS = 5000
TCP, UDP = 8080, 9010
YARD = {"4": ipaddress.ip_network("10.67.0.0/21"), "6": ipaddress.ip_network("fd67::/64")}
RANGE = ("--pod-cidr", f"10.66.0.0/24,{YARD['4']},fd66::/64,{YARD['6']}")
HOLD = (*RANGE, f"--hold-unknown={HOLD_MS}")
HOLD_LONG_MS = 2000  # the longest there is
HOLD_LONG = (*RANGE, f"--hold-unknown={HOLD_LONG_MS}")
RELEASED_MS = 1500  # after what was sent: that is before its time
ONE_WORKER = "--workers=1"  # who changes its CPU meanwhile is judged by the same one
HELD_AT_MOST, OF_ONE_ADDRESS = 256, 32
N_HANDED = OF_ONE_ADDRESS - 2  # one that comes at the wrong moment takes two places
N_DISORDER, SILENCE_MS = N_HANDED, 500
SHORT_MS, LONG_MS = 50, 300  # how long a release is held up; nobody waits for the longer
RULES_LOOK_S = 5  # until whoever looks after rules and sets has done so
SEED = 20261126
SAID = "netpold: warning: packets of an address that no pod has are dropped"

POLICIES = [
    policy("to-web", "allowed", {}, egress=[to([block("10.66.0.0/24"), block("fd66::/64")],
                                               [port(TCP), port(UDP, "UDP")])]),
    policy("nothing", "denied", {}, egress=[]),
]


class Yard:
    """Addresses that pods start at, each once."""

    def __init__(self, world_):
        self.world = world_
        self.host = world_["yard"]
        self.told = 0
        self.n_pods = len(world_.specs)
        self.taken = {"4": 256, "6": 256}
        self.targets = {family: world_.address("web", family) for family in "46"}
        for family, network in YARD.items():
            via = world_.address("yard", family)
            device = "pods0" if world_.layout == "bridge" else "veth-yard"
            world_.node.ip(f"route add {network} via {via} dev {device} onlink")
            self.host.ip(f"route add local {network} dev lo")

    def addresses(self, count, families="46"):
        taken = []
        for number in range(count):
            family = families[number % len(families)]
            taken.append(str(YARD[family][self.taken[family]]))
            self.taken[family] += 1
        return taken

    def tell(self, namespace, *addresses):
        """Their objects come, in a file of their own."""
        self.told += 1
        self.n_pods += len(addresses)
        return self.world.folder.put(f"starts-{self.told}", *(
            manifests.pod(address.replace(".", "-").replace(":", "-"), namespace,
                          self.world.node_name, [address]) for address in addresses))

    def connect(self, sources, timeout_ms):
        return self.host.begin("connect_from", sources=sources, targets=self.targets, port=TCP,
                               timeout_ms=timeout_ms)


def start_round(yard, netpold, namespace, chance):
    """Some pods start at once; what became of their connections, and whether the machine
    was so slow that the last object was not in force in time."""
    sources = yard.addresses(AT_ONCE)
    begun = yard.connect(sources, GIVE_UP_MS if namespace == "allowed" else HOLD_MS)
    began = time.monotonic()
    for number, wait in enumerate(sorted(chance.uniform(0, LATEST_S) for _ in range(4))):
        time.sleep(max(0, began + wait - time.monotonic()))
        yard.tell(namespace, *sources[number::4])
    change = netpold.wait_in_force()
    while change.pods < yard.n_pods:
        change = netpold.wait_in_force()
    return begun.result(netns.ANSWER_TIMEOUT), change.at - began > HOLD_MS / 1000


def start_all(yard, netpold, namespace):
    chance = random.Random(SEED)
    return [start_round(yard, netpold, namespace, chance) for _ in range(N_STARTS // AT_ONCE)]


def check_denied(tap_, world_, netpold, yard):
    outcomes = [outcome for some, _ in start_all(yard, netpold, "denied") for outcome in some]
    came = world_["web"].call("openings", port=TCP)
    tap_.equal(f"L9: of {N_STARTS} starts under a standing deny", 0,
               sum(through for _, through, _ in outcomes))
    tap_.equal("L9: and none of their packets has reached web", [],
               [source for source, _, _ in outcomes if source in came])


def check_allowed(tap_, world_, netpold, yard):
    rounds = start_all(yard, netpold, "allowed")
    came = world_["web"].call("openings", port=TCP, count=N_STARTS, timeout_ms=GIVE_UP_MS)
    outcomes = [outcome for some, _ in rounds for outcome in some]
    tap_.equal(f"L10: of {N_STARTS} starts under an allow, failed", [],
               [source for source, through, _ in outcomes if not through])
    tap_.equal("L10: and web saw each once", {1},
               {came.get(source) for source, _, _ in outcomes})
    tap_.equal("L10: where the object comes in time, who had to send a SYN again", [],
               [source for some, late in rounds if not late
                for source, _, again in some if again])
    tap_.true("L10: and it did", not all(late for _, late in rounds), "not late in every round",
              "late in every round")


def check_order(tap_, world_, yard):
    """As many datagrams of two flows as may be held, sent before the object comes."""
    count = OF_ONE_ADDRESS // 2
    for namespace in ("allowed", "free"):
        for source in yard.addresses(2):
            family = "6" if ":" in source else "4"
            yard.host.call("send_from", sources=[source, source], port=UDP, count=count,
                           target=yard.targets[family])
            yard.tell(namespace, source)
            heard = world_["web"].call("heard_so_far", port=UDP, count=2 * count,
                                       timeout_ms=GIVE_UP_MS)
            tap_.equal(f"NP-67, IPv{family}: what one that is {namespace} has sent comes in order",
                       [str(number) for number in range(2 * count)], heard)


def fates(world_):
    """How many packets are held, and what became of the others: [held, …]."""
    values = observer.metrics(world_)
    return [values[f"netpold_held_packets{what}"]
            for what in ("", "_overflowed_total", "_timed_out_total", "_released_total")]


def wait_fates(world_, enough):
    """Ask again until enough(fates)."""
    deadline = time.monotonic() + daemon.PATIENCE
    while not enough(seen := fates(world_)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return seen


def disorder(world_, yard, guarded):
    """One that is free speaks on while what it has said before is just being released.

    It speaks to one that nobody isolates, so that what passes by is not asked for, and
    through one worker, since a worker that is held up is overtaken by others.

    Returns what comes after something that was said later, or not at all: nobody asks for
    what is held when nothing else comes to the worker.
    """
    points = f"release={SHORT_MS}" if guarded else f"release={LONG_MS},without=held"
    with daemon.Daemon(world_, *HOLD_LONG, ONE_WORKER,
                       before=("env", f"FAULT_POINTS={points}"), program=daemon.FAULTY) as netpold:
        netpold.wait_in_force()
        [source] = yard.addresses(1, "4")
        sending = yard.host.begin("send_from", sources=[source], port=UDP, count=N_DISORDER,
                                  every_ms=40, target=world_.address("client", "4"))
        wait_fates(world_, lambda seen: seen[0] > 0)
        yard.tell("free", source)
        sending.result(netns.ANSWER_TIMEOUT)
        heard = [int(text) for text in world_["client"].call(
            "heard_so_far", port=UDP, count=N_DISORDER,
            timeout_ms=GIVE_UP_MS if guarded else SILENCE_MS)]
        netpold.stop()
    late = {number for at, number in enumerate(heard) if number < max(heard[:at], default=-1)}
    return sorted(late | set(range(N_DISORDER)) - set(heard))


def check_disorder(tap_, world_, yard):
    tap_.equal("NP-67, NF-63: a pod counts as known when nothing of it is held any more", [],
               disorder(world_, yard, True))
    tap_.happens("and without held what it says later comes first",
                 lambda: disorder(world_, yard, False))


def check_bounds(tap_, world_, netpold, yard):
    """Of a netpold that has held nothing before."""
    [one] = yard.addresses(1, "4")
    yard.host.call("send_from", sources=[one], port=UDP, count=100, target=yard.targets["4"])
    tap_.equal("NP-67: one address has no more held than its share",
               [OF_ONE_ADDRESS, 100 - OF_ONE_ADDRESS, 0, 0],
               wait_fates(world_, lambda seen: sum(seen) == 100))
    wait_fates(world_, lambda seen: seen[0] == 0)
    yard.host.call("send_from", sources=yard.addresses(400, "4"), port=UDP,
                   target=yard.targets["4"])
    tap_.equal("NP-67: and all together no more than there is room for",
               [HELD_AT_MOST, 500 - OF_ONE_ADDRESS - HELD_AT_MOST, OF_ONE_ADDRESS, 0],
               wait_fates(world_, lambda seen: sum(seen) == 500))
    probe.check_all(tap_, world_, [
        Probe("what is known goes on meanwhile", "client", "web", "tcp", TCP, ALLOWED)])
    tap_.equal("NP-67: what was held is dropped when its time is up",
               [0, 500 - OF_ONE_ADDRESS - HELD_AT_MOST, OF_ONE_ADDRESS + HELD_AT_MOST, 0],
               wait_fates(world_, lambda seen: seen[0] == 0))
    tap_.equal("NP-67: nothing of it comes", [],
               world_["web"].call("heard_so_far", port=UDP, count=1, timeout_ms=0))
    netpold.log.wait(lambda line, _at: line if SAID in line else None)
    tap_.equal("NP-67: the log says so, once", 1, netpold.log.text().count(SAID))


def check_mended(tap_, world_):
    """Somebody flushes who is known: whoever has a pod is judged by it all the same."""
    known = world_.netfilter.sets()["netpold-known-4"]
    world_.node.run("ipset", "flush", "netpold-known-4")
    probe.check_all(tap_, world_, [
        Probe("who is known has a pod, also when the set is flushed", "client", "web", "tcp",
              TCP, ALLOWED)])
    deadline = time.monotonic() + daemon.PATIENCE
    while world_.netfilter.sets()["netpold-known-4"] != known and time.monotonic() < deadline:
        time.sleep(0.1)
    tap_.equal("NF-71: and the set is put right", known,
               world_.netfilter.sets()["netpold-known-4"])


def check_own(tap_, world_, yard):
    """Who has an address in the range, and is no pod's."""
    [stranger] = yard.addresses(1, "4")
    yard.host.call("hear", port=UDP + 1)
    probe.check_all(tap_, world_, [
        Probe("the node reaches one that nobody knows: NP-55", "node", "yard", "tcp", TCP,
              ALLOWED, address={"4": stranger}, families=("4",)),
        Probe("an isolated pod reaches its node, whose address is in the range", "talker", "node",
              "tcp", TCP, ALLOWED),
    ])


def released(world_, sent):
    """What web hears, of one datagram that was sent then, until RELEASED_MS after that."""
    left_ms = RELEASED_MS - 1000 * (time.monotonic() - sent)
    return world_["web"].call("heard_so_far", port=UDP, count=1, timeout_ms=max(0, left_ms))


def speak(world_, yard, timeout_ms):
    """One datagram of one that nobody knows; whether it comes in that time."""
    yard.host.call("send_from", sources=yard.addresses(1, "4"), port=UDP,
                   target=yard.targets["4"])
    return ["0"] == world_["web"].call("heard_so_far", port=UDP, count=1,
                                       timeout_ms=timeout_ms)


def is_watched(world_):
    """Whether any rule asks who is known, and how many are."""
    return (any("netpold-known" in rule for rule in world_.netfilter.own_rules()),
            len(world_.netfilter.sets()["netpold-known-4"]))


def check_pause(tap_, world_, yard):
    """In a pause nobody is waited for."""
    with daemon.Daemon(world_, *HOLD_LONG) as netpold:
        netpold.wait_in_force()
        known = is_watched(world_)
        sent = time.monotonic()
        yard.host.call("send_from", sources=yard.addresses(1, "4"), port=UDP,
                       target=yard.targets["4"])
        wait_fates(world_, lambda seen: seen[0] > 0)
        world_.node.run(str(daemon.PROGRAM), "pause", "--for=1h")
        tap_.equal("NP-67: a pause lets go of what is held, at once", ["0"],
                   released(world_, sent))
        tap_.true("NP-67: and of whoever is not known", speak(world_, yard, GIVE_UP_MS),
                  "a packet", "none")
        tap_.equal("NP-67: nothing asks who is known", (False, 0), is_watched(world_))
        world_.node.run(str(daemon.PROGRAM), "pause", "--end")
        tap_.equal("NP-67: at its end it is asked again", known, is_watched(world_))
        tap_.true("NP-67: and who is not known has to wait",
                  not speak(world_, yard, SILENCE_MS), "no packet", "a packet")
        time.sleep(RULES_LOOK_S)
        tap_.true("NP-67: nobody takes any of this for somebody else's doing",
                  "somebody had changed" not in netpold.log.text(), "no line about it",
                  netpold.log.text())
        netpold.stop()


def hand_over(world_, yard, delay_ms):
    """What web hears of one that speaks while another netpold takes over; and whether that
    came in time: while it spoke, and before anything was held for too long."""
    options = (*HOLD_LONG, ONE_WORKER)
    faults = ("env", f"FAULT_POINTS=reclaim-read={delay_ms}")
    with daemon.Daemon(world_, *options) as old:
        old.wait_in_force()
        [source] = yard.addresses(1, "4")
        began = time.monotonic()
        sending = yard.host.begin("send_from", sources=[source], port=UDP, count=N_HANDED,
                                  every_ms=30, target=yard.targets["4"])
        wait_fates(world_, lambda seen: seen[0] > 0)
        with daemon.Daemon(world_, *options, program=daemon.FAULTY, before=faults) as new:
            new.wait_in_force()
            meanwhile = not sending.done()
            sending.result(netns.ANSWER_TIMEOUT)
            yard.tell("allowed", source)
            in_time = meanwhile and new.wait_in_force().at < began + HOLD_LONG_MS / 1000
            heard = [int(text) for text in world_["web"].call(
                "heard_so_far", port=UDP, count=N_HANDED, timeout_ms=GIVE_UP_MS)]
            old.wait_exit()
            new.stop()
    return heard, in_time


def check_handover(tap_, world_, yard, delay_ms):
    """What the old one holds is the new one's to hold, and to let go of; and so is what comes
    while it finds out what that is. For that the kernel queues all of it again, one by one:
    what comes in between finds its place there."""
    what = f"NP-67: another netpold takes over what is held ({delay_ms} ms)"
    for _ in range(3):
        heard, in_time = hand_over(world_, yard, delay_ms)
        if in_time:
            break
    early = [number for at, number in enumerate(heard) if number > min(heard[at:])]
    tap_.equal(f"{what}, while more comes: nothing is lost", (True, list(range(N_HANDED))),
               (in_time, sorted(heard)))
    tap_.true(f"{what}, in order, but for what comes meanwhile", len(early) <= 1, "at most one",
              heard)


def put_node(world_, *blocks):
    return world_.folder.put("node", manifests.node(world_.node_name, blocks))


def check_node_object(tap_, world_, yard):
    """Where nobody names the range, the Node object does."""
    option = HOLD_LONG[-1]
    with daemon.Daemon(world_, option) as netpold:
        tap_.equal("NP-67: without a range nothing can be held: exit status", 2,
                   netpold.wait_refused())
        tap_.true("NP-67: and it is said what is missing",
                  all(word in netpold.log.text() for word in (
                      "--hold-unknown", f"Node '{world_.node_name}'", "--pod-cidr")),
                  "what to give", netpold.log.text())
    inside, outside = str(YARD["4"]), "10.68.0.0/24"
    put_node(world_, inside)
    with daemon.Daemon(world_, option) as netpold:
        netpold.wait_in_force()
        sent = time.monotonic()
        yard.host.call("send_from", sources=yard.addresses(1, "4"), port=UDP,
                       target=yard.targets["4"])
        tap_.equal("NP-67: the range is the Node's: what comes from there is held", [1, 0, 0, 0],
                   wait_fates(world_, sum))
        put_node(world_, outside)
        netpold.log.wait(lambda line, _at: line if f"in {outside} now" in line else None)
        tap_.equal("NP-67: it is another one: what was held is judged as it is, at once", ["0"],
                   released(world_, sent))
        yard.host.call("send_from", sources=yard.addresses(1, "4"), port=UDP,
                       target=yard.targets["4"])
        tap_.equal("NP-67: and what comes from the old one is not held any more", ["0"],
                   world_["web"].call("heard_so_far", port=UDP, count=1, timeout_ms=GIVE_UP_MS))
        world_.folder.remove("node.json")
        netpold.wait_in_force()
        tap_.true("NP-67: without the Node the last range stays",
                  any(outside in rule for rule in world_.netfilter.own_rules()), outside,
                  world_.netfilter.own_rules())
        netpold.stop()


def check_world(tap_, world_):
    tap_.section(world_.name)
    yard = Yard(world_)
    world_["web"].call("watch_openings", port=TCP)
    for name in ("web", "client"):
        world_[name].call("hear", port=UDP)
    world_.folder.put("policies", *POLICIES, *scenario.policies(),
                      policy("anybody", "shop", {"app": "web"}, ingress=[manifests.rule()]),
                      *(manifests.namespace(name) for name in ("allowed", "denied", "free")))
    with daemon.Daemon(world_, *HOLD) as netpold:
        netpold.wait_in_force()
        check_denied(tap_, world_, netpold, yard)
        check_allowed(tap_, world_, netpold, yard)
        netpold.stop()
    with daemon.Daemon(world_, *HOLD_LONG, ONE_WORKER) as netpold:
        netpold.wait_in_force()
        check_order(tap_, world_, yard)
        check_own(tap_, world_, yard)
        check_mended(tap_, world_)
        netpold.stop()
    with daemon.Daemon(world_, *HOLD_LONG, ONE_WORKER) as netpold:
        netpold.wait_in_force()
        check_bounds(tap_, world_, netpold, yard)
        netpold.stop()
    check_disorder(tap_, world_, yard)
    check_pause(tap_, world_, yard)
    for delay_ms in (0, 100):
        check_handover(tap_, world_, yard, delay_ms)
    check_node_object(tap_, world_, yard)
    with daemon.Daemon(world_, *RANGE) as netpold:
        netpold.wait_in_force()
        outcomes, _ = start_round(yard, netpold, "denied", random.Random(SEED))
        tap_.true("without --hold-unknown some would have got through",
                  any(through for _, through, _ in outcomes), "some", "none")
        tap_.equal("it stops in order", 0, netpold.stop())


def test(tap_):
    specs = [*scenario.specs("web", "client", "talker"),
             world.PodSpec("yard", labels={"app": "yard"}, listens=(("tcp", TCP),))]
    for world_ in world.variants(specs, world.CROSS):
        check_world(tap_, world_)


if __name__ == "__main__":
    tap.main(test)
