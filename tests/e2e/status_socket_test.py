#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""The status socket: who may make it, who may ask, and that asking harms nothing.

    client ──► web     allowed by web's policy

The topology is drawn in world.py.
"""

import concurrent.futures
import contextlib
import os
import shutil
import signal
import stat
import threading

import daemon
import observer
import probe
import scenario
import tap
import world
from probe import ALLOWED, Probe

OPEN = scenario.allow_clients(*scenario.WEB_PORTS)
CLOSED = scenario.allow_clients()

ROWS = [Probe("what is allowed still is", "client", "web", "udp", 9000, ALLOWED)]

GARBAGE = (b"\n", b"\0" * 100 + b"\n", b"\xff\xfe\n", b"{\n", b"[[[[\n", b"{}\n", b"null\n",
           b'{"get": "nonsense"}\n', b'{"get": ["status"]}\n', b'{"put": "status"}\n',
           b"GET / HTTP/1.1\r\n\r\n", b'{"get": "status", "get": "status"}\n')


def mode(world_, path):
    return oct(stat.S_IMODE(os.lstat(world_.node.path(path)).st_mode))


# ---- the socket ---------------------------------------------------------------


def check_refused_start(tap_, world_, what, words, *options):
    with daemon.Daemon(world_, *options) as netpold:
        status = netpold.wait_refused()
        log = netpold.log.text()
    tap_.equal(f"{what}: exit status 2", 2, status)
    tap_.true(f"{what}: one line says so",
              len(log.splitlines()) == 1 and all(word in log for word in words),
              " … ".join(words), log)
    tap_.equal(f"{what}: nothing is put into the kernel", ([], {}),
               (world_.netfilter.own_rules(), world_.netfilter.sets()))


def check_no_socket(tap_, world_):
    check_refused_start(tap_, world_, "a folder that cannot be made",
                        ("cannot make the folder", "/proc/nowhere"),
                        "--status-socket", "/proc/nowhere/status.sock")
    world_.node.path("/run/file").write_text("mine")
    check_refused_start(tap_, world_, "a file that is no socket", ("'/run/file' is no socket",),
                        "--status-socket", "/run/file")
    tap_.equal("a file that is no socket: it is left alone", "mine",
               world_.node.path("/run/file").read_text())
    check_refused_start(tap_, world_, "a path that is too long", ("107 bytes",),
                        "--status-socket", "/run/" + "x" * 120)
    with daemon.Daemon(world_, "--status-socket", "") as netpold:
        netpold.wait_in_force()
        tap_.equal("no path, no socket", 2, observer.status(world_).returncode)
        tap_.equal("without a socket it stops in order", 0, netpold.stop())
    daemon.clean(world_)


def check_modes(tap_, world_):
    tap_.equal("the socket is for root only", "0o600", mode(world_, observer.SOCKET))
    tap_.equal("its folder can be looked at", "0o755", mode(world_, "/run/netpold"))
    program = world_.node.path("/run/netpold-for-all")  # where anybody may read
    shutil.copy(daemon.PROGRAM, program)
    done = world_.node.run("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
                           "/run/netpold-for-all", "status", check=False)
    tap_.true("another user is told to be root", done.returncode == 2 and
              "run this as root" in done.stderr, "run this as root", done.stderr)


def check_second(tap_, world_, netpold):
    """In the same network namespace, where it may not take over (handover_refused_test.py),
    and in another with the same folder."""
    for what, options, before, names in (
            ("a second netpold", ("--queue-base=17100",), (), "--queue-base"),
            ("a netpold for another node", (), ("unshare", "--net"), observer.SOCKET)):
        with daemon.Daemon(world_, *options, before=before) as second:
            status = second.wait_refused()
            log = second.log.text()
        tap_.equal(f"{what}: exit status 2", 2, status)
        tap_.true(f"{what}: one line says what they share",
                  "another netpold" in log and names in log and len(log.splitlines()) == 1,
                  names, log)
        tap_.equal(f"{what}: the first one still answers", netpold.generation,
                   observer.get(world_, "status")["generation"])


def check_dead(tap_, world_, netpold):
    netpold.stop(signal.SIGKILL)
    tap_.true("killed, it leaves its socket behind",
              world_.node.path(observer.SOCKET).is_socket(), "a socket", "none")
    tap_.equal("killed: exit status 2", 2, observer.status(world_).returncode)
    with daemon.Daemon(world_) as again:
        again.wait_in_force()
        tap_.equal("a dead daemon's socket is replaced", 0, observer.status(world_).returncode)
        tap_.equal("it stops in order", 0, again.stop())
    tap_.true("stopped, it takes its socket away",
              not world_.node.path(observer.SOCKET).exists(), "none", "a socket")


def check_starting(tap_, world_):
    """Somebody writes a manifest: the start waits, and says so."""
    with open(world_.folder.real / "new.yaml", "w", encoding="utf-8") as file:
        file.write("# ")
        file.flush()
        with daemon.Daemon(world_) as netpold:
            for _ in range(200):
                done = observer.status(world_)
                if "Refused" in done.stdout:
                    break
            tap_.equal("starting: exit status 1", 1, done.returncode)
            tap_.true("starting: the page says so, and what it waits for",
                      "STARTING" in done.stdout.splitlines()[0] and "new.yaml" in done.stdout,
                      "STARTING … new.yaml", done.stdout)
            file.close()
            world_.folder.remove("new.yaml")
            netpold.wait_in_force()
            tap_.equal("started: exit status 0", 0, observer.status(world_).returncode)
            tap_.equal("started late, it stops in order", 0, netpold.stop())


# ---- clients ------------------------------------------------------------------


def check_garbage(tap_, world_):
    with observer.Client(world_) as client:
        for line in GARBAGE:
            client.say(line)
            for _ in range(line.count(b"\n")):
                answer = client.hear()
                tap_.true(f"{line[:20]!r} is answered by an error",
                          answer["version"] == 1 and "error" in answer, "an error", answer)
        tap_.equal("after all that, a question is answered", 1,
                   client.get("status")["generation"])
    with observer.Client(world_) as client:
        with contextlib.suppress(BrokenPipeError):
            client.say(b"x" * 1_000_000)
        tap_.true("a line without end is refused", "too long" in client.hear()["error"],
                  "too long", "")
        tap_.equal("and is the end", None, client.hear())


def check_slow(tap_, world_):
    """Clients that ask and do not listen, or say nothing, keep nobody waiting."""
    with contextlib.ExitStack() as stack:
        for i in range(15):
            client = stack.enter_context(observer.Client(world_))
            if i % 3 == 0:
                with contextlib.suppress(TimeoutError, BlockingIOError):
                    client.socket.settimeout(0)
                    client.say(b'{"get": "metrics"}\n' * 3000)
            elif i % 3 == 1:
                client.say(b'{"get": ')
        done = observer.status(world_)
        tap_.equal("among slow clients one that listens is served", 0, done.returncode)


def check_dropped(tap_, world_):
    with observer.Client(world_) as silent:
        tap_.equal("a client that says nothing is dropped", None, silent.hear())


def ask_often(world_, stop):
    """Returns how many answers came; every one has to."""
    count = 0
    while not stop.is_set():
        with observer.Client(world_) as client:
            for name in ("status", "metrics", "status"):
                if not client.get(name):
                    return -1
                count += 1
    return count


def check_crowd(tap_, world_, netpold):
    """More ask at once than are let in, while policies change."""
    stop = threading.Event()
    with concurrent.futures.ThreadPoolExecutor(20) as crowd:
        asking = [crowd.submit(ask_often, world_, stop) for _ in range(20)]
        try:
            for i in range(10):
                netpold.apply(CLOSED if i % 2 == 0 else OPEN)
            probe.check_all(tap_, world_, ROWS)
        finally:
            stop.set()
        answers = [future.result(60) for future in asking]
    tap_.true("of 20 who ask at once, each gets its answers", min(answers) > 0,
              "answers for all", answers)
    tap_.comment(f"{sum(answers)} answers while policies changed ten times")
    tap_.equal("what is told is what is in force", netpold.generation,
               observer.get(world_, "status")["generation"])


def check_world(tap_, world_):
    tap_.section(world_.name)
    world_.folder.put("policies", OPEN)
    check_no_socket(tap_, world_)
    check_starting(tap_, world_)
    with daemon.Daemon(world_) as netpold:
        netpold.wait_in_force()
        check_modes(tap_, world_)
        check_second(tap_, world_, netpold)
        check_garbage(tap_, world_)
        check_slow(tap_, world_)
        check_crowd(tap_, world_, netpold)
        check_dropped(tap_, world_)
        check_dead(tap_, world_, netpold)


def test(tap_):
    # Who asks for a socket has nothing to do with how packets come.
    for backend in world.BACKENDS:
        with world.World("routed", backend, scenario.specs("web", "client", "guest")) as world_:
            check_world(tap_, world_)


if __name__ == "__main__":
    tap.main(test)
