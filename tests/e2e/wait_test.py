#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""`netpold wait` returns when a policy is in force, and packets obey it from then on (L36).

    client ── TCP 8080 ──► web     allowed by generation 1, revoked by generation 2
    client ── TCP 8081 ──► web     denied by generation 1, allowed by generation 2
    free   ── TCP 8080 ──► vault   denied while vault-closed is there

Each time it waits already when the edit is made; what is sent right after it has
returned is the receipt's proof. It outlives the netpold that it has asked: a hand-over,
and a restart. The topology is drawn in world.py.
"""

import contextlib
import json
import pathlib
import signal
import subprocess
import sys
import time

import daemon
import manifests
import observer
import probe
import scenario
import streams
import tap
import world
from probe import ALLOWED, DENIED, Probe

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "daemon"))
import schema  # noqa: E402

WEB = "shop/web-from-clients"
VAULT = "shop/vault-closed"
BROKEN = '{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}'
CUT = [("client", "web", "tcp", 8080)]
N_WAITERS = 20  # more than netpold lets in at once


def web(generation, port="http"):
    policy = scenario.allow_clients(manifests.port(port))
    policy["metadata"]["generation"] = generation
    return policy


def vault():
    return manifests.policy("vault-closed", "shop", {"app": "vault"}, ingress=[])


class Wait:
    """`netpold wait` on the node, under way."""

    def __init__(self, world_, *options):
        self.process = subprocess.Popen(
            [*world_.node.enter(), str(daemon.PROGRAM), "wait", "--timeout=15s", *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def end(self):
        """(exit status, standard output, standard error), and when it ended."""
        said, complaint = self.process.communicate(timeout=daemon.PATIENCE + 5)
        return (self.process.returncode, said, complaint), time.monotonic()

    def is_waiting(self):
        return self.process.poll() is None


def wait_until_asked(world_, n=1):
    """Until so many answers are kept back: each holds a connection to the socket."""
    def asked():
        lines = world_.node.run("ss", "-xH", "state", "connected").stdout.splitlines()
        return sum(observer.SOCKET in line for line in lines)
    deadline = time.monotonic() + daemon.PATIENCE
    while asked() < n:
        assert time.monotonic() < deadline, "nobody asks"
        time.sleep(0.005)


def look(world_, *options):
    """The same, once."""
    return Wait(world_, "--timeout=0s", *options).end()[0]


# ---- what is sent right after it ----------------------------------------------


def check_revoking(tap_, world_):
    """A denied flow is denied at once, and an open connection is cut."""
    opened = streams.Streams(world_, CUT)
    wait = Wait(world_, "--policy", WEB, "--generation=2")
    wait_until_asked(world_)
    edited = world_.folder.put("web", web(2, "alt"))
    ended, at = wait.end()
    begun = probe.begin_all(world_, [
        Probe("right after it a revoked flow is denied", "client", "web", "tcp", 8080, DENIED),
        Probe("right after it a new one is allowed", "client", "web", "tcp", 8081, ALLOWED)])
    tap_.equal("right after it an open connection is cut", [],
               opened.flowing(at, count=1, timeout_ms=probe.DENIED_MS))
    probe.check_begun(tap_, begun)
    tap_.comment(f"it returned {(at - edited) * 1000:.0f} ms after the edit")
    tap_.true("it says which generation is in force", ended[0] == 0 and ended[2] == "" and
              ended[1].startswith(f"{WEB} is in force at generation 2 since 2"), 0, ended)
    opened.each("stream_stop", patience_ms=0)


def check_coming(tap_, world_):
    wait = Wait(world_, "--policy", VAULT)
    wait_until_asked(world_)
    world_.folder.put("vault", vault())
    ended, _ = wait.end()
    probe.check_all(tap_, world_, [
        Probe("right after a policy has come it denies", "free", "vault", "tcp", 8080, DENIED)])
    tap_.true("it says that it is in force, without a generation", ended[0] == 0 and
              ended[1].startswith(f"{VAULT} is in force since 2"), 0, ended)


def check_going(tap_, world_):
    wait = Wait(world_, "--policy", VAULT, "--deleted")
    wait_until_asked(world_)
    world_.folder.remove("vault.json")
    ended, _ = wait.end()
    probe.check_all(tap_, world_, [
        Probe("right after a policy has gone it denies nothing", "free", "vault", "tcp", 8080,
              ALLOWED)])
    tap_.equal("it says that it is not in force", (0, f"no policy {VAULT} is in force\n", ""),
               ended)


# ---- what is in force, and what is in the way ---------------------------------

# Options, exit status, how the answer begins.
LOOKS = [
    (["--policy", WEB], 0, f"{WEB} is in force at generation 2 since 2"),
    (["--policy", WEB, "--generation=2"], 0, f"{WEB} is in force at generation 2 since 2"),
    (["--policy", WEB, "--generation=1"], 0, f"{WEB} is in force at generation 2 since 2"),
    (["--policy", WEB, "--generation=3"], 1,
     f"not within 0 s: {WEB} is in force at generation 2 since 2"),
    (["--policy", WEB, "--deleted"], 1,
     f"not within 0 s: {WEB} is in force at generation 2 since 2"),
    (["--policy", "shop/none"], 1, "not within 0 s: no policy shop/none is in force\n"),
    (["--policy", "guests/web-from-clients"], 1, "not within 0 s: no policy guests/web-from"),
    (["--policy", "shop/none", "--deleted"], 0, "no policy shop/none is in force\n"),
]


def check_looks(tap_, world_):
    for options, status, words in LOOKS:
        ended = look(world_, *options)
        tap_.true(f"{' '.join(options)}: exit status {status}",
                  (ended[0], ended[2]) == (status, "") and ended[1].startswith(words), words,
                  ended)
    ended = look(world_, "--policy", WEB, "--generation=3")
    tap_.true("what is in force in its place is told", ended[1].endswith(
        "), generation 3 is not\n"), "generation 3 is not", ended)


def check_json(tap_, world_, what, in_the_way, *options):
    status, said, _ = look(world_, *options, "--output=json")
    told = json.loads(said)
    tap_.equal(f"{what}: the JSON keeps to the schema", [],
               list(schema.violations(told, observer.SCHEMA)))
    tap_.equal(f"{what}: it has what is in the way", in_the_way,
               [item["what"] for item in told["in_the_way"]])
    tap_.equal(f"{what}: it has the answer", status == 0, told["receipt"]["met"])
    return told


def check_refused(tap_, world_, netpold):
    netpold.wait_refusal(lambda: world_.folder.put_text("bad.yaml", BROKEN))
    world_.folder.put("web", web(3))
    ended, _ = Wait(world_, "--policy", WEB, "--generation=3", "--timeout=1s").end()
    tap_.true("a change that is refused is told when the time is over", ended[0] == 1 and
              "not within 1 s" in ended[1] and "is in force at generation 2" in ended[1] and
              "a change is REFUSED" in ended[1] and "bad.yaml" in ended[1], "REFUSED", ended)
    check_json(tap_, world_, "refused", ["refused"], "--policy", WEB, "--generation=3")
    wait = Wait(world_, "--policy", WEB, "--generation=3")
    wait_until_asked(world_)
    world_.folder.remove("bad.yaml")
    tap_.equal("once it is not refused any more, it returns", 0, wait.end()[0][0])
    netpold.wait_in_force()


def check_paused(tap_, world_, netpold):
    world_.node.run(str(daemon.PROGRAM), "pause", "--for=1h", "--reason=ticket 4711")
    for options in (["--policy", WEB], ["--policy", "shop/none", "--deleted"]):
        ended = look(world_, *options)
        tap_.true(f"{' '.join(options)}: not in a pause, which is told", ended[0] == 1 and
                  "PAUSED" in ended[1] and "ticket 4711" in ended[1], "PAUSED", ended)
    told = check_json(tap_, world_, "paused", ["paused"], "--policy", WEB)
    tap_.true("paused: nothing is in force", not told["receipt"]["in_force"], False, told)
    wait = Wait(world_, "--policy", WEB, "--generation=4")
    wait_until_asked(world_)
    start = len(netpold.log.lines)
    world_.folder.put("web", web(4))
    netpold.log.wait(lambda line, _at: line if "taken up" in line else None, start)
    tap_.true("what comes in a pause is waited for", wait.is_waiting(), "it waits", "it ended")
    world_.node.run(str(daemon.PROGRAM), "pause", "--end")
    ended, at = wait.end()
    tap_.true("until its end", ended[0] == 0 and "at generation 4" in ended[1], 0, ended)
    tap_.equal("right after it nobody gets by", DENIED, probe.outcome(probe.begin(
        world_, Probe("", "client", "web", "tcp", 8081, DENIED), "4").result(daemon.PATIENCE)))
    tap_.comment(f"it returned {time.monotonic() - at:.1f} s ago")
    netpold.wait_in_force()


def check_list(tap_, world_):
    world_.folder.put("vault", vault())
    tap_.equal("both are in force", 0, Wait(world_, "--policy", VAULT).end()[0][0])
    done = observer.status(world_, "--policies")
    tap_.true("`netpold status --policies` lists them", done.returncode == 0 and
              [line.split()[0] + " " + line.split()[2] for line in
               done.stdout[done.stdout.index("GENERATION"):].splitlines()[1:]] ==
              [f"- {VAULT}", f"4 {WEB}"], [VAULT, WEB], done.stdout)
    told = json.loads(observer.status(world_, "--policies", "--output=json").stdout)
    tap_.equal("the list keeps to the schema", [], list(schema.violations(told, observer.SCHEMA)))
    tap_.equal("it has them, too", [("shop", "vault-closed", None), ("shop", "web-from-clients", 4)],
               [(row["namespace"], row["name"], row.get("generation"))
                for row in told["receipts"]])
    world_.folder.remove("vault.json")


# ---- who answers ----------------------------------------------------------------


def check_many(tap_, world_):
    """Half of netpold's places are for others, whoever waits."""
    waits = [Wait(world_, "--policy", VAULT) for _ in range(N_WAITERS)]
    wait_until_asked(world_, 8)
    begun = time.monotonic()
    tap_.equal("while many wait, the status is told", 0, observer.status(world_).returncode)
    tap_.comment(f"which took {(time.monotonic() - begun) * 1000:.0f} ms")
    world_.folder.put("vault", vault())
    tap_.equal("all of them are told", [0] * N_WAITERS, [wait.end()[0][0] for wait in waits])
    world_.folder.remove("vault.json")


def check_hand_over(tap_, world_):
    """The one that was asked hangs up, and the next one is asked."""
    wait = Wait(world_, "--policy", WEB, "--generation=5")
    wait_until_asked(world_)
    with contextlib.ExitStack() as running:
        for _ in range(2):
            heir = running.enter_context(daemon.Daemon(world_))
            heir.wait_in_force()
            wait_until_asked(world_)
        tap_.true("two hand-overs do not end it", wait.is_waiting(), "it waits", "it ended")
        world_.folder.put("web", web(5))
        ended, _ = wait.end()
        tap_.true("it is the last one that answers", ended[0] == 0 and "generation 5" in ended[1],
                  0, ended)
        heir.stop(signal.SIGKILL)
        check_restart(tap_, world_)


def check_restart(tap_, world_):
    ended = look(world_, "--policy", WEB)
    tap_.true("where no netpold answers it has exit status 2", ended[0] == 2 and
              "no netpold answers" in ended[2], 2, ended)
    with daemon.Daemon(world_) as netpold:
        netpold.wait_in_force()
        wait = Wait(world_, "--policy", WEB, "--generation=6")
        wait_until_asked(world_)
        netpold.stop(signal.SIGKILL)
    world_.folder.put("web", web(6))
    with daemon.Daemon(world_):
        ended, _ = wait.end()
        tap_.true("it waits for a restart", ended[0] == 0 and "generation 6" in ended[1], 0, ended)
        wait = Wait(world_, "--policy", WEB, "--generation=9", "--timeout=6s")
        wait_until_asked(world_)
    ended, _ = wait.end()
    tap_.true("if none comes it has exit status 2 when the time is over", ended[0] == 2 and
              "no netpold answers" in ended[2], 2, ended)


def check_starting(tap_, world_):
    """Somebody writes the manifests, and nothing is in force yet."""
    with open(world_.node.path("/run/manifests/web.json"), "a", encoding="utf-8"):
        with daemon.Daemon(world_, "--state-dir=") as netpold:
            deadline = time.monotonic() + daemon.PATIENCE
            while "REFUSED" not in (ended := look(world_, "--policy", WEB))[1] \
                    and time.monotonic() < deadline:
                time.sleep(0.01)
            tap_.true("before anything is in force, that is told", ended[0] == 1 and
                      "is starting" in ended[1], "is starting", ended)
            check_json(tap_, world_, "starting", ["starting", "refused"], "--policy", WEB)
            netpold.stop(signal.SIGKILL)


def check_warm(tap_, world_):
    """The state of the last run counts, and is told to be that."""
    with daemon.Daemon(world_) as netpold:
        netpold.wait_in_force()
        netpold.stop()
    world_.folder.put_text("bad.yaml", BROKEN)
    with daemon.Daemon(world_) as netpold:
        netpold.wait_in_force()
        ended = look(world_, "--policy", WEB)
        tap_.true("after a warm start what the last run has read is in force, and said to be that",
                  ended[0] == 0 and "at generation 6" in ended[1]
                  and "what the last run has read" in ended[1], 0, ended)
        check_json(tap_, world_, "warm", ["warm", "refused"], "--policy", WEB, "--generation=7")
        wait = Wait(world_, "--policy", WEB, "--generation=7")
        wait_until_asked(world_)
        world_.folder.put("web", web(7))
        world_.folder.remove("bad.yaml")
        ended, _ = wait.end()
        tap_.true("it returns when the manifests can be read", ended[0] == 0 and
                  "generation 7" in ended[1] and "last run" not in ended[1], 0, ended)
        netpold.stop()


def check_world(tap_, world_):
    tap_.section(world_.name)
    world_.folder.put("web", web(1))
    with daemon.Daemon(world_) as netpold:
        netpold.wait_in_force()
        check_revoking(tap_, world_)
        check_coming(tap_, world_)
        check_going(tap_, world_)
        if world_.backend != "nft":  # the rest has nothing to do with rules
            return
        check_looks(tap_, world_)
        check_refused(tap_, world_, netpold)
        check_paused(tap_, world_, netpold)
        check_list(tap_, world_)
        check_many(tap_, world_)
        check_hand_over(tap_, world_)
    check_starting(tap_, world_)
    check_warm(tap_, world_)


def test(tap_):
    for world_ in world.variants(scenario.specs("web", "vault", "client", "free"), world.CROSS):
        check_world(tap_, world_)


if __name__ == "__main__":
    tap.main(test)
