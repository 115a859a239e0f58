#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""The table of daemon/README.md is true: what packets meet while something goes wrong.

    client ── UDP 9000, TCP 8080 ──► web     new, allowed; and established
    guest  ── UDP 9000, TCP 8080 ──► web     new, denied
    client ── UDP 9002, TCP 8081 ──► web     established, and revoked meanwhile

The table is outage.py, the events are outage_event.py. For each row and each value of
--on-failure: flows are opened, the event is made, new flows are begun and the policy is
changed while it lasts, and it is seen what arrives. It ends, and within the seconds that
the row names everything has to fare as the policies say: new flows, those that were
open, and those that came in unjudged. web is isolated both ways, so that nothing of it
can be taken for a flow of its own. Afterwards the queues are full once more, right after
web was isolated: what stood before then is asked about with its next packet. The topology
is drawn in world.py.
"""

import concurrent.futures
import contextlib
import itertools
import time

import daemon
import manifests
import netns
import outage
import outage_event
import scenario
import stalls
import streams
import tap
import world
from outage import CUT, DROPPED, GOES_ON, PASSES, WAITS

FIRST_PORT = 9100
N_FLOWS = 3          # of each kind and family
ARRIVES_MS = 1000    # what passes at once has arrived by then, however busy the machine
SILENCE_MS = 250     # what has not arrived by then does not
DUE_MS = 3000        # an answer that is due is waited for
GOES_ON_S = 0.3      # after the change, a flow that is not cut is seen to go on
MOST_SECONDS = 60

FIRST = manifests.port(FIRST_PORT, "UDP")
KEPT_PORTS = (manifests.port("http"), manifests.port(9000, "UDP"), FIRST)
KEPT = [("client", "web", "tcp", 8080), ("client", "web", "udp", 9000)]
REVOKED = [("client", "web", "tcp", 8081), ("client", "web", "udp", 9002)]


def policy(*ports):
    return manifests.policy("web", "shop", {"app": "web"}, egress=[], ingress=[
        manifests.rule([manifests.pods(**scenario.CLIENT)], ports)])


BEFORE = policy(*KEPT_PORTS, manifests.port("alt"), manifests.port(9002, "UDP"))
AFTER = policy(*KEPT_PORTS)
NOBODY = manifests.policy("web", "shop", {"app": "nobody"})


class Run:
    """netpold in a world, from one event to the next."""

    def __init__(self, world_, mode, stood):
        self.world, self.mode, self.stood = world_, mode, stood
        self.stack = contextlib.ExitStack()  # what the event now holds
        self.words = (f"{mode} {number}" for number in itertools.count())
        self.log_start = 0
        self.is_edited = False
        world_.folder.put("policies", BEFORE)
        self.start()

    def another(self):
        return daemon.Daemon(self.world, "--on-failure", self.mode, daemon.ASK_ALWAYS)

    def start(self):
        self.netpold = self.another()
        self.netpold.wait_in_force()

    def prepare(self):
        """The policy from before any event."""
        if self.is_edited:
            self.netpold.apply(BEFORE)
            self.is_edited = False

    def edit(self):
        """The change that revokes; nobody may hear of it now."""
        self.log_start = len(self.netpold.log.lines)
        self.is_edited = True
        self.world.folder.put("policies", AFTER)
        return time.monotonic()

    def wait_edit(self):
        self.netpold.wait_in_force(start=self.log_start)

    def end(self):
        self.stack.close()
        self.netpold.__exit__()

    # ---- flows ----

    def begin_flows(self, source):
        """The first packets of flows; returns the word by which they are known."""
        word = f"{source}, {next(self.words)}"
        self.world[source].call("first_send", word=word, port=FIRST_PORT, count=N_FLOWS, addresses=[
            self.world.address("web", family) for family in "46"])
        return word

    def came(self, word, wait_ms=0):
        """How many of them have arrived; waits that long for all of them."""
        return self.world["web"].call("first_came", word=word, count=2 * N_FLOWS,
                                      timeout_ms=wait_ms)

    def go_on(self, source, word):
        """A packet more of each; returns how many of these arrive."""
        again = f"{word}, again {next(self.words)}"
        self.world[source].call("first_go_on", word=word, again=again)
        return self.came(again, SILENCE_MS)

    def try_tcp(self, source, timeout_ms):
        return self.world[source].begin("try_once", protocol="tcp", port=8080,
                                        address=self.world.address("web", "4"),
                                        timeout_ms=timeout_ms)


# ---- while it lasts ------------------------------------------------------------

def seen_revoked(revoked, edited_at, row, stood):
    """Whether flows go on that the change revokes."""
    limit_s, wait_ms = (row.cut_s, SILENCE_MS) if row.revoked == CUT else (GOES_ON_S, DUE_MS)
    while True:
        now = time.monotonic()
        if not revoked.flowing(now, count=1, timeout_ms=wait_ms):
            return CUT
        if now > edited_at + limit_s + stood.within(edited_at, now):
            return GOES_ON
        time.sleep(0.02)


def word_for_new(during, at_last):
    """@during, @at_last  how many arrived while it lasted, and all in all"""
    everything = 2 * N_FLOWS
    if during == everything:
        return PASSES
    if during == 0:
        return {everything: WAITS, 0: DROPPED}.get(at_last, f"{at_last} of {everything} wait")
    return f"{during} of {everything} pass"


class Outage:
    """One row in one mode, and what is seen of it."""

    def __init__(self, run, row):
        self.run, self.row = run, row
        self.took = self.lasted = 0.0  # seconds: until all was right, and all in all
        self.wrong = []                # what was not right in time
        self.event = outage_event.EVENTS[row.event]
        self.seen = {}

    def open(self):
        self.run.prepare()
        self.kept = streams.Streams(self.run.world, KEPT)
        self.revoked = streams.Streams(self.run.world, REVOKED)
        for flows in (self.kept, self.revoked):  # all of them marked
            flows.flowing(0, count=10)

    def close(self):
        for flows in (self.kept, self.revoked):
            flows.each("stream_stop", patience_ms=0)
        for source, word in (("client", self.allowed), ("guest", self.denied)):
            self.run.world[source].call("first_end", word=word)

    def begin(self):
        """Returns false where it was over before all could be seen."""
        self.began = time.monotonic()
        self.event.begin(self.run)
        since = time.monotonic()
        self.allowed, self.denied = (self.run.begin_flows(source) for source in ("client", "guest"))
        if self.event.is_over(self.run):
            return False
        self.during = [self.run.came(word, ARRIVES_MS if expected == PASSES else SILENCE_MS)
                       for word, expected in ((self.allowed, self.row.new_allowed),
                                              (self.denied, self.row.new_denied))]
        edited_at = self.run.edit()
        self.seen["established"] = GOES_ON if self.kept.flowing(since, timeout_ms=DUE_MS) == \
            self.kept.names() else CUT
        self.seen["revoked"] = seen_revoked(self.revoked, edited_at, self.row, self.run.stood)
        if self.seen["revoked"] != self.row.revoked and self.event.is_over(self.run):
            self.event.end(self.run)
            return False
        return True

    def end(self):
        self.event.end(self.run)
        self.ended = self.began if self.row.end == outage.FLUSH else time.monotonic()

    def wait_right(self):
        """Until all is as the policies say: the seconds that took, and what is not."""
        while True:
            began = time.monotonic()
            wrong = self.look()
            lost = self.run.stood.within(self.ended, began)
            if not wrong or began > self.ended + self.row.right_s + lost:
                return began - self.ended, wrong
            time.sleep(0.05)

    def look(self):
        """What is not as the policies say; a name for each."""
        run = self.run
        since = time.monotonic()
        tcp = [run.try_tcp("client", ARRIVES_MS), run.try_tcp("guest", SILENCE_MS)]
        allowed, denied = run.begin_flows("client"), run.begin_flows("guest")
        facts = {
            "new flows that are allowed": run.came(allowed, ARRIVES_MS) == 2 * N_FLOWS,
            "new flows that are denied": run.came(denied, SILENCE_MS) == 0,
            "flows that came in meanwhile": run.go_on("guest", self.denied) == 0,
            "revoked flows": not self.revoked.flowing(since, count=1, timeout_ms=0),
            "established flows": self.kept.flowing(since, count=3) == self.kept.names(),
        }
        for name, future, is_answered in zip(("allowed", "denied"), tcp, (True, False)):
            facts[f"new connections that are {name}"] = \
                future.result(netns.ANSWER_TIMEOUT)["ok"] == is_answered
        for source, word in (("client", allowed), ("guest", denied)):
            run.world[source].call("first_end", word=word)
        return [name for name, is_right in facts.items() if not is_right]

    def see_new(self):
        """By now what waited has arrived."""
        at_last = [self.run.came(word) for word in (self.allowed, self.denied)]
        self.seen["new_allowed"], self.seen["new_denied"] = map(word_for_new, self.during, at_last)


def try_row(run, row):
    """Makes it happen; returns the Outage, which is over, and what is wrong afterwards."""
    one = Outage(run, row)
    for _ in range(3):
        one.open()
        if one.begin():
            break
        one.close()
    else:
        raise netns.CommandError(f"{row.event}: it was over each time before all could be seen")
    one.end()
    one.took, one.wrong = one.wait_right()
    one.see_new()
    one.lasted = time.monotonic() - one.began
    one.close()
    return one


def try_unasked(run):
    """Two flows stand before web is isolated, and one of them speaks before the queues are
    full. Which get answers meanwhile, and which when there is room again."""
    client = run.world["client"]
    row = next(row for row in outage.TABLE if row.event == outage.OVERLOADED)

    def answered(**timeouts):
        return [name for name, timeout_ms in timeouts.items()
                if client.call("ask", name=name, timeout_ms=timeout_ms)]

    run.netpold.apply(NOBODY)
    for name in ("asked", "unasked"):
        client.call("open", name=name, protocol="udp", port=9000,
                    address=run.world.address("web", "4"))
    run.netpold.apply(BEFORE)
    client.call("ask", name="asked")
    outage_event.EVENTS[row.event].begin(run)
    meanwhile = answered(asked=ARRIVES_MS, unasked=SILENCE_MS)
    run.stack.close()
    until = time.monotonic() + row.right_s
    while True:
        afterwards = answered(asked=ARRIVES_MS, unasked=ARRIVES_MS)
        if len(afterwards) == 2 or time.monotonic() > until:
            return meanwhile, afterwards


def check_unasked(tap_, seen, mode):
    meanwhile, afterwards = seen
    tap_.section(f"{mode}: {outage.OVERLOADED}, right after a pod was isolated")
    tap_.equal("a flow from before goes on once it was asked about, and else is dropped",
               ["asked"], meanwhile)
    tap_.equal("with room both go on", ["asked", "unasked"], afterwards)


def check_row(tap_, one, mode):
    row = one.row
    tap_.section(f"{mode}: {row.event}")
    for name, words in (("new_allowed", "a new flow that is allowed"),
                        ("new_denied", "a new flow that is denied"),
                        ("established", "an established flow"), ("revoked", "a revoked flow")):
        expected = getattr(row, name)
        tap_.equal(f"{words}: {expected}", expected, one.seen.get(name, "not seen"))
    tap_.equal(f"all is right within {row.right_s} s after {row.end}", [], one.wrong)
    tap_.comment(f"right after {one.took:.2f} s, {one.lasted:.1f} s in all")


def check_readme(tap_):
    tap_.equal("daemon/README.md has this very table", outage.markdown(), outage.in_readme())
    tap_.equal("each event can be made", sorted({row.event for row in outage.TABLE}),
               sorted(outage_event.EVENTS))


def try_mode(mode, stood):
    """All of its rows, in a world of their own: the Outages, what became of flows that
    nobody was asked about, and how netpold ended."""
    with world.World(*world.CROSS[0], scenario.specs("web", "client", "guest")) as world_:
        world_.netfilter.keep_tracking()
        world_["web"].call("listen", protocol="udp", port=9002)
        world_["web"].call("first_listen", port=FIRST_PORT)
        run = Run(world_, mode, stood)
        try:
            return [try_row(run, row) for row in outage.TABLE if mode in row.modes], \
                try_unasked(run), run.netpold.stop()
        finally:
            run.end()


def test(tap_):
    began = time.monotonic()
    check_readme(tap_)
    netns.nursery()  # one for both
    # Most of the time is waiting.
    with concurrent.futures.ThreadPoolExecutor() as pool, stalls.Stalls() as stood:
        modes = list(zip(outage.BOTH, pool.map(lambda mode: try_mode(mode, stood), outage.BOTH)))
    for mode, (outages, unasked, status) in modes:
        for one in outages:
            check_row(tap_, one, mode)
        check_unasked(tap_, unasked, mode)
        tap_.section(mode)
        tap_.equal("it stops in order", 0, status)
    tap_.section("")
    took = time.monotonic() - began
    tap_.true(f"all of that takes {MOST_SECONDS} s at most", took < MOST_SECONDS,
              f"{MOST_SECONDS} s", f"{took:.0f} s")


if __name__ == "__main__":
    tap.main(test)
