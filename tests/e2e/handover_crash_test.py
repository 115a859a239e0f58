#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Whoever dies in the middle of a hand-over, the other one is in charge.

    client ── TCP and UDP 7777, a new one every 3 ms ──► web   allowed
    guest  ── the same, every 5 ms ──► web                     denied

At each step of a hand-over one of the two is killed, by itself, in a build for
tests (fault.h): the new one, and the old one has to go on; the old one, and the
new one has to come to its end. As soon as both have the queues no packet is
lost by that (NF-23), and none slips through; what the dead one had taken is
answered by one verdict, to be judged anew (NF-39).
In another world the new one stops at a step, for longer than the old one waits,
and finds when it goes on that it is too late. The topology is drawn in world.py.
"""

import contextlib
import dataclasses
import pathlib
import signal
import subprocess
import time

import crossing
import daemon
import handover_test
import manifests
import observer
import probe
import scenario
import tap
import world
from probe import ALLOWED, DENIED, Probe

EVERY_US, GUEST_EVERY_US = 3000, 5000
WHEN_REPLACED = {"open": "exit", "closed": "wait"}
OPEN = handover_test.POLICY
CLOSED = scenario.allow_clients(manifests.port(handover_test.KNOCK_PORT),
                                manifests.port(handover_test.KNOCK_PORT, "UDP"))
KILLED = -signal.SIGKILL
TOO_LATE = "goes on, as this one has taken too long"


@dataclasses.dataclass
class Step:
    """Who is killed there, and whether both have the queues by then."""
    point: str
    when: str
    shared: bool = True

    @property
    def of_new(self):
        return self.point.startswith("taker-")


STEPS = [
    Step("taker-agreed", "when it may take over"),
    Step("taker-got", "when it has the queues"),
    Step("taker-judging", "when it judges"),
    Step("taker-said", "when it has said that it judges"),
    Step("taker-relieved", "when the old one rests"),
    Step("taker-put-up", "when its rules and sets stand"),
    Step("taker-in-force", "when all is in force"),
    Step("giver-asked", "when it is asked", shared=False),
    Step("giver-ready", "when it has stopped to touch rules", shared=False),
    Step("giver-sent", "when it has sent its queues"),
    Step("giver-relieved", "when the new one judges"),
    Step("giver-resting", "when it rests"),
    Step("giver-told", "when it has said that it rests"),
    Step("giver-replaced", "when it is replaced"),
]


def faulty(world_, point, *options):
    before = ("env", f"FAULT_POINTS={point}") if point else ()
    return daemon.Daemon(world_, *options, before=before, program=daemon.FAULTY)


def wait_line(netpold, words):
    """The first line of the log with these words."""
    return netpold.log.wait(lambda line, _at: line if words in line else None)


def count_knocks(world_):
    return crossing.Crossing(world_, "client", "web", handover_test.KNOCK_PORT)


def check_knocks(tap_, world_, counter, name, step):
    client, guest = handover_test.stop_knocking(world_)
    lost = crossing.lost(counter.stop())
    if step.shared:
        tap_.equal(f"{name}: no connection is lost or refused, and no denied one passes",
                   (client["begun"], {}, 0, 0),
                   (client["answered"], client["wrong"], lost, guest["answered"]))
    else:
        tap_.true(f"{name}: there were connections", client["answered"], "some", client)


def check_in_charge(tap_, world_, name, netpold):
    """It has its rules, hears of changes, and judges by them; and so does the next one."""
    probe.check_all(tap_, world_, handover_test.new_flows(name))
    netpold.apply(CLOSED)
    probe.check_all(tap_, world_, [Probe(f"{name}, a change is in force", "client", "web", "tcp",
                                         8080, DENIED)])
    netpold.apply(OPEN)
    new, _, status = handover_test.take_over(world_, netpold, program=daemon.FAULTY)
    with new:
        tap_.equal(f"{name}: it can be taken over from, afterwards", 0, status)
        probe.check_all(tap_, world_, [Probe(f"{name}, taken over", "client", "web", "tcp", 8080,
                                             ALLOWED)])
        tap_.equal(f"{name}: and all ends in order", 0, new.stop())


def check_step(tap_, world_, step, mode):
    option = f"--on-failure={mode}"
    name = f"{'the new' if step.of_new else 'the old'} one is killed {step.when}"
    fault = f"{step.point}=kill"
    world_.folder.put("policies", OPEN)
    with faulty(world_, None if step.of_new else fault, option) as old:
        old.wait_in_force()
        counter = count_knocks(world_)
        handover_test.start_knocking(world_, {"client": EVERY_US, "guest": GUEST_EVERY_US})
        with faulty(world_, fault if step.of_new else None, option) as new:
            dead, left = (new, old) if step.of_new else (old, new)
            tap_.equal(f"{name}: it dies", KILLED, dead.wait_exit())
            if step.of_new:
                wait_line(old, "another netpold has not taken over")
                old.wait_in_force()
            else:
                new.wait_in_force()
            check_knocks(tap_, world_, counter, name, step)
            check_in_charge(tap_, world_, name, left)


# ---- other options ---------------------------------------------------------------

OTHERS = [(daemon.ASK_ALWAYS, "taker-in-force"), ("--deny=reject", "taker-put-up")]


def check_others(tap_, world_):
    """The new one has put away sets that the old one's rules name."""
    for option, point in OTHERS:
        name = f"the new one, with {option}, is killed"
        world_.folder.put("policies", OPEN)
        with faulty(world_, None, daemon.REMEMBER) as old:
            old.wait_in_force()
            with faulty(world_, f"{point}=kill", option) as new:
                tap_.equal(f"{name}: it dies", KILLED, new.wait_exit())
                wait_line(old, "another netpold has not taken over")
                old.wait_in_force()
                check_in_charge(tap_, world_, name, old)


# ---- what the dead one had taken -------------------------------------------------

@dataclasses.dataclass
class Held:
    """One dies with packets in its hands, for want of a verdict; what the other one does is
    to look after them."""
    name: str
    old: str
    new: str
    of_new: bool


HOLDING = "verdict=400"
HELD = [
    Held("the new one dies with packets that it has taken", "",
         f"{HOLDING},taker-alone=200,taker-relieved=kill", of_new=True),
    Held("the old one dies with packets that it has taken",
         f"{HOLDING},giver-relieved=kill", "", of_new=False),
]


def lost_with(world_, held, guarded):
    """How many SYNs and datagrams are lost."""
    world_.folder.put("policies", OPEN)
    without = "" if guarded else "without=reclaim"
    points = [held.old, held.new]
    points[0 if held.of_new else 1] = without  # of who survives
    with faulty(world_, points[0], daemon.ASK_ALWAYS) as old:
        old.wait_in_force()
        counter = count_knocks(world_)
        handover_test.start_knocking(world_, {"client": EVERY_US})
        with faulty(world_, points[1], daemon.ASK_ALWAYS) as new:
            dead, left = (new, old) if held.of_new else (old, new)
            dead.wait_exit()
            left.wait_in_force()
            world_["client"].call("knock_stop", name="all")
            lost = crossing.lost(counter.stop())
    daemon.clean(world_)
    return lost


def check_held(tap_, world_):
    for held in HELD:
        tap_.equal(f"{held.name}: none of them is lost", 0, lost_with(world_, held, True))
        tap_.happens(f"{held.name}: without care some are",
                     lambda: lost_with(world_, held, False) > 0)


# ---- a worker that stands still ---------------------------------------------------

# For longer than the old one waits for its worker, and the new one takes to start.
STUCK_MS = 8000


def check_stuck(tap_, world_):
    """The old one cannot say that it judges nothing more, and goes on."""
    world_.folder.put("policies", OPEN)
    with faulty(world_, f"verdict={STUCK_MS}") as old:
        old.wait_in_force()
        handover_test.start_knocking(world_, {"client": EVERY_US})
        with faulty(world_, None) as new:
            tap_.equal("a worker of the old one stands still: the new one ends with status 2", 2,
                       new.wait_exit())
            line = new.log.lines[-1][1]
            tap_.true("it says why", "stands still" in line, "stands still", line)
        seen = [old.wait_in_force().generation for _ in ("it goes on", "the new one has ended")]
        tap_.equal("the old one goes through all there is, and again when the new one has ended",
                   [2, 3], seen)
        world_["client"].call("knock_stop", name="all", patience_ms=0)
    daemon.clean(world_)


# ---- an operator, meanwhile -------------------------------------------------------

def is_stopped(process):
    return f"State:\tT" in pathlib.Path(f"/proc/{process.pid}/status").read_text()


def has_been_asked(world_):
    """Whether a first request for a pause is known, answered or not."""
    with observer.Client(world_) as client:
        client.say(b'{"pause": {"number": 1}}\n')
        return "error" not in client.hear()


def wait_until(is_so):
    deadline = time.monotonic() + daemon.PATIENCE
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.01)


def check_pause(tap_, world_, option):
    """An operator who asks the old one, which has no time for it, is heard by the new one."""
    world_.folder.put("policies", OPEN)
    name = f"a pause that is asked for meanwhile, {option}"
    with daemon.Daemon(world_, option) as old, contextlib.ExitStack() as stack:
        old.wait_in_force()
        new = stack.enter_context(faulty(world_, "taker-relieved=stop", option))
        wait_until(lambda: is_stopped(new.process))
        pause = subprocess.Popen([*world_.node.enter(), daemon.PROGRAM, "pause", "--for=1h"],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        wait_until(lambda: has_been_asked(world_))
        tap_.equal(f"{name}: the old one does not answer yet", (True, None),
                   (is_stopped(new.process), pause.poll()))
        new.process.send_signal(signal.SIGCONT)
        new.wait_in_force()
        tap_.equal(f"{name}: it is asked for again", ("", 0),
                   (pause.communicate(timeout=daemon.PATIENCE)[1], pause.returncode))
        probe.check_all(tap_, world_, [
            Probe(f"{name}: what is denied passes", "guest", "web", "tcp", 8080, ALLOWED)])
        world_.node.run(str(daemon.PROGRAM), "pause", "--end")
        new.stop()


# ---- stopped, not dead ----------------------------------------------------------

@contextlib.contextmanager
def waiting_for_stopped():
    """A world in which the new one stops when it has everything in force, and the old one
    takes its time to go on."""
    with world.World("routed", "nft", scenario.specs("web", "client", "guest")) as world_:
        world_.folder.put("policies", OPEN)
        with faulty(world_, None) as old:
            old.wait_in_force()
            with faulty(world_, "taker-in-force=stop") as new:
                yield world_, old, new


def check_stopped(tap_, world_, old, new):
    tap_.section(f"{world_.name}, stopped")
    line = old.log.wait(lambda line, _at: line if "has not taken over" in line else None)
    old.wait_in_force()
    tap_.true("the new one stops: the old one goes on", "has not answered within" in line,
              "has not answered within", line)
    new.process.send_signal(signal.SIGCONT)
    tap_.equal("the new one wakes up, and ends with status 2", 2, new.wait_exit())
    again = old.wait_in_force()
    tap_.true("all that it may have judged is gone through again", again.generation >= 3,
              "a third generation, or a later one", again)
    tap_.true("it says why", TOO_LATE in new.log.lines[-1][1], TOO_LATE, new.log.text())
    check_in_charge(tap_, world_, "the new one was stopped", old)


def test(tap_):
    daemon.faulty_must_exist()
    with waiting_for_stopped() as stopped:
        for (layout, backend), mode in zip(world.CROSS, handover_test.MODES):
            with world.World(layout, backend, scenario.specs("web", "client", "guest")) as world_:
                world_["web"].call("knock_listen", port=handover_test.KNOCK_PORT)
                tap_.section(f"{world_.name}, {mode}")
                for step in STEPS:
                    check_step(tap_, world_, step, mode)
                check_others(tap_, world_)
                check_held(tap_, world_)
                check_stuck(tap_, world_)
                check_pause(tap_, world_, f"--when-replaced={WHEN_REPLACED[mode]}")
        check_stopped(tap_, *stopped)


if __name__ == "__main__":
    tap.main(test)
