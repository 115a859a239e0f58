#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""A start at which the manifests cannot be read: what the last run read stands.

    client ── TCP 8080 ──► web     allowed; one connection stands throughout
    guest  ── TCP 8080 ──► web     denied

netpold is killed, its folder taken away, emptied or broken, and it is started
again: it enforces from the warm file, says so in every way it has, and goes over
to the manifests as soon as they are there. A file that is damaged or another's
counts for nothing: the start is refused as if there were none. The topology is
drawn in world.py.
"""

import contextlib
import json
import os
import pathlib
import signal
import sys
import time

import daemon
import manifests
import netns
import observer
import probe
import scenario
import streams
import tap
import world
from probe import ALLOWED, DENIED, Probe

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "daemon"))
import schema  # noqa: E402

OPEN = scenario.allow_clients(manifests.port("http"), manifests.port("alt"))
LESS = scenario.allow_clients(manifests.port("alt"))
BROKEN = '{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}'
KEPT = ("client", "web", "tcp", 8081)
STATE = "/var/lib/netpold"
WARM = "WARM START: the manifests cannot be read"


def check_flows(tap_, world_, when, http=ALLOWED, denied=DENIED):
    probe.check_all(tap_, world_, [
        Probe(f"{when}: what is allowed", "client", "web", "tcp", 8081, ALLOWED),
        Probe(f"{when}: what only one edition allows", "client", "web", "tcp", 8080, http),
        Probe(f"{when}: what no policy allows", "guest", "web", "tcp", 8080, denied)])


def file_of(world_):
    return world_.node.path(f"{STATE}/warm")


def wait_written(world_, words):
    """Until the file holds them."""
    deadline = time.monotonic() + daemon.PATIENCE
    while time.monotonic() < deadline:
        with contextlib.suppress(FileNotFoundError):
            if words in file_of(world_).read_text():
                return
        time.sleep(0.02)
    raise netns.CommandError(f"the warm file lacks '{words}' after {daemon.PATIENCE} s")


def wait_why(netpold):
    """The line that says why manifests cannot be read."""
    return netpold.log.wait(lambda line, _at: line if line.startswith("netpold: error: ")
                            and line.endswith(" stays in force") else None)


@contextlib.contextmanager
def without_folder(world_):
    """Nothing is there."""
    real = world_.folder.real
    os.rename(real, f"{real}.away")
    yield
    os.rename(f"{real}.away", real)


@contextlib.contextmanager
def with_empty_folder(world_):
    """An empty mount, or a folder that was made anew and is not filled yet."""
    with without_folder(world_):
        world_.folder.real.mkdir()
        yield
        world_.folder.real.rmdir()


@contextlib.contextmanager
def with_mistake(world_):
    world_.folder.put_text("bad.yaml", BROKEN)
    yield
    world_.folder.remove("bad.yaml")


# What is wrong with the manifests, and what is said of it.
TROUBLES = [("the folder is gone", without_folder, "No such file or directory"),
            ("the folder is empty", with_empty_folder, "holds no .yaml"),
            ("there is a mistake", with_mistake, "bad.yaml")]


def check_told(tap_, world_, what, words):
    done = observer.status(world_)
    page, status = done.stdout, observer.get(world_, "status")
    tap_.equal(f"{what}: `netpold status` has exit status 1", (1, ""),
               (done.returncode, done.stderr))
    tap_.true(f"{what}: its first line says so", "objects CANNOT BE READ" in page.splitlines()[0],
              "CANNOT BE READ", page)
    tap_.true(f"{what}: the page says since when, and why", "\nWarm         since 2" in page
              and "\nRefused      " in page and words in page and "In force     generation 1" in page,
              words, page)
    tap_.true(f"{what}: the status says what is in force is older",
              status["warm"]["written_at"] < status["warm"]["since"], "in this order", status)
    tap_.equal(f"{what}: it keeps to the schema", [], list(schema.violations(
        {"version": 1, "status": status, "metrics": observer.get(world_, "metrics")},
        observer.SCHEMA)))
    tap_.equal(f"{what}: the metric says so", 1, observer.metrics(world_)["netpold_warm"])


def check_trouble(tap_, world_, what, trouble, words):
    """Killed, started in trouble, which then passes."""
    world_.folder.put("policies", OPEN)
    with daemon.Daemon(world_, "--on-failure=closed") as netpold:
        netpold.wait_in_force()
        kept = streams.Streams(world_, [KEPT])
        wait_written(world_, '"port":"http"')
        tap_.equal(f"{what}: the file is root's alone", 0o100600, file_of(world_).stat().st_mode)
        netpold.stop(signal.SIGKILL)
    with trouble(world_):
        netpold = daemon.Daemon(world_, "--on-failure=closed")
        warm = netpold.wait_in_force()
        why = wait_why(netpold)
        tap_.true(f"{what}: the log says so, and why", WARM in netpold.log.text() and words in why,
                  words, netpold.log.text())
        tap_.equal(f"{what}: as much is in force as before", (1, 3, 0),
                   (warm.policies, warm.pods, warm.revoked))
        check_flows(tap_, world_, what)
        tap_.equal(f"{what}: connections go on", kept.names(), kept.flowing(warm.at))
        check_told(tap_, world_, what, words)
    with netpold:
        change = netpold.wait_in_force()
        tap_.equal(f"{what}, and mended: nothing is revoked", 0, change.revoked)
        tap_.equal(f"{what}, and mended: connections go on", kept.names(), kept.flowing(change.at))
        done = observer.status(world_)
        tap_.true(f"{what}, and mended: all is well",
                  done.returncode == 0 and "Warm" not in done.stdout, "exit status 0", done.stdout)
        netpold.apply(LESS)
        check_flows(tap_, world_, f"{what}, and mended, and edited", http=DENIED)
        netpold.stop()
    kept.each("stream_stop", patience_ms=0)
    text = file_of(world_).read_text()
    tap_.true(f"{what}: an orderly end writes the last edit down",
              '"port":"alt"' in text and '"port":"http"' not in text, '"port":"alt"', text)


# ---- what counts for nothing ------------------------------------------------------


def _sealed(contents):
    """As netpold would have written it (state_file.h)."""
    value = 0xcbf29ce484222325
    for byte in contents:
        value = ((value ^ byte) * 0x100000001b3) % 2**64
    return b"netpold-state 001 warm  %016x %016x\n" % (len(contents), value) + contents


def about(**changes):
    """The line that the contents begin with, with other words in it."""
    def change(text):
        first, _, objects = text.partition(b"\n")[2].partition(b"\n")
        words = {**json.loads(first), **changes}
        return _sealed(json.dumps(words, separators=(",", ":")).encode() + b"\n" + objects)
    return change


def with_object(text):
    """One that this version does not know."""
    return _sealed(text.partition(b"\n")[2] + json.dumps({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "x"},
        "spec": {"podSelector": {}, "tomorrow": 1}}).encode() + b"\n")


def with_half_an_object(text):
    return _sealed(text.partition(b"\n")[2] + b'{"apiVersion": "v1", "ki')


FILES = [("a damaged file", lambda text: text[:-3] + b"?" + text[-2:], "is damaged"),
         ("a file cut short", lambda text: text[:-100], "is damaged"),
         ("an empty file", lambda text: b"", "is damaged"),
         ("a file without a first line", lambda text: _sealed(b"{}"), "is damaged"),
         ("a file of a later version", lambda text: text.replace(b" 001 ", b" 002 "),
          "has version 2, and this netpold reads version 1"),
         ("a file of another node", about(node="node-z"), "is one of node 'node-z'"),
         ("a file of another source", about(source='["manifests","/elsewhere"]'),
          'is of another source, ["manifests","/elsewhere"]'),
         ("a file of an API server", about(source='["api-server","https://x"]'),
          "is of another source"),
         ("a file with an object that cannot be read", with_object, 'unknown field "spec.tomorrow"'),
         ("a file with half an object", with_half_an_object, "holds what this netpold cannot read")]


def must_refuse(tap_, what, netpold, words):
    """Exit status 2 for the manifests, after one warning about the file."""
    tap_.equal(f"{what} counts for nothing: the start is refused", 2, netpold.wait_refused())
    lines = netpold.log.text().splitlines()
    tap_.true(f"{what} counts for nothing: one line says so, one what is wrong with manifests",
              len(lines) == 2 and lines[0].startswith("netpold: warning: ") and words in lines[0]
              and lines[0].endswith(": it is ignored")
              and "netpold: error: " in lines[1] and "No such file" in lines[1], words, lines)


def check_files(tap_, world_):
    world_.folder.put("policies", OPEN)
    with daemon.Daemon(world_) as netpold:
        netpold.wait_in_force()
        netpold.stop()
    written = file_of(world_).read_bytes()
    tap_.equal("a file is made as it is said to be", _sealed(written.partition(b"\n")[2]), written)
    for what, change, words in FILES:
        file_of(world_).write_bytes(change(written))
        with without_folder(world_), daemon.Daemon(world_) as netpold:
            must_refuse(tap_, what, netpold, words)
    file_of(world_).write_bytes(written)
    file_of(world_).chmod(0o666)
    with without_folder(world_), daemon.Daemon(world_) as netpold:
        must_refuse(tap_, "a file that anybody may write", netpold, "by others than root")
    file_of(world_).chmod(0o600)
    for what, options in (("a file in another place", ["--state-dir=/run/other"]),
                          ("a file that is not wanted", ["--state-dir="])):
        with without_folder(world_), daemon.Daemon(world_, *options) as netpold:
            tap_.equal(f"{what} counts for nothing: the start is refused", 2,
                       netpold.wait_refused())
            tap_.equal(f"{what}: there is one line", 1, len(netpold.log.lines))
    check_reboot(tap_, world_, written)
    check_reboot_closed(tap_, world_, written)


def check_reboot(tap_, world_, written):
    """The node's pods have got other addresses."""
    file_of(world_).write_bytes(about(boot_id="0" * 36)(written))
    with without_folder(world_):
        netpold = daemon.Daemon(world_)
        warm = netpold.wait_in_force()
        tap_.equal("after a reboot no address of this node's pods counts", (1, 0, 0),
                   (warm.policies, warm.isolated_egress, warm.isolated_ingress))
        tap_.true("after a reboot the log says so", "the node was restarted since"
                  in netpold.log.text(), "was restarted", netpold.log.text())
        check_flows(tap_, world_, "after a reboot", denied=ALLOWED)
    with netpold:
        netpold.wait_in_force()
        check_flows(tap_, world_, "after a reboot, with manifests")
        netpold.stop()


def check_reboot_closed(tap_, world_, written):
    """What stands until the first sync is not put away for what knows none of the pods."""
    daemon.clean(world_)
    file_of(world_).parent.mkdir(exist_ok=True)
    file_of(world_).write_bytes(about(boot_id="0" * 36)(written))
    with without_folder(world_), daemon.Daemon(world_, "--on-failure=closed", "--pod-cidr",
                                               "10.66.0.0/24,fd66::/64") as netpold:
        tap_.equal("after a reboot, closed: the start is refused", 2, netpold.wait_refused())
        tap_.true("after a reboot, closed: the log says so", "nothing is enforced from what"
                  in netpold.log.text(), "nothing is enforced", netpold.log.text())
    probe.check_all(tap_, world_, [
        Probe("after a reboot, closed: nobody speaks to pods", "client", "web", "tcp", 8080, DENIED)])
    daemon.clean(world_)


def check_pause(tap_, world_):
    """It ends in a warm start."""
    with daemon.Daemon(world_) as netpold:
        netpold.wait_in_force()
        world_.node.run(str(daemon.PROGRAM), "pause", "--for=1h")
        netpold.stop()
    with without_folder(world_):
        netpold = daemon.Daemon(world_)
        wait_why(netpold)
        tap_.true("a warm start in a pause: the log says both", WARM in netpold.log.text()
                  and "stays PAUSED" in netpold.log.text(), "both", netpold.log.text())
        check_flows(tap_, world_, "a warm start in a pause", denied=ALLOWED)
        done = world_.node.run(str(daemon.PROGRAM), "pause", "--end", check=False)
        tap_.equal("the pause is ended", (0, ""), (done.returncode, done.stderr))
        check_flows(tap_, world_, "a warm start after a pause")
        tap_.equal("a warm start after a pause: the metric says so", 1,
                   observer.metrics(world_)["netpold_warm"])
    with netpold:
        netpold.wait_in_force()
        netpold.wait_in_force()
        check_flows(tap_, world_, "with manifests again")
        netpold.stop()
    tap_.equal("`netpold clean`: exit status 0", 0, daemon.clean(world_).returncode)
    tap_.true("`netpold clean` leaves no file behind", not world_.node.path(STATE).exists(),
              "nothing", STATE)


def test(tap_):
    for world_ in world.variants(scenario.specs("web", "client", "guest"), world.CROSS):
        tap_.section(world_.name)
        for what, trouble, words in TROUBLES:
            check_trouble(tap_, world_, what, trouble, words)
        if world_.backend == "nft":  # the rest has nothing to do with rules
            check_files(tap_, world_)
            check_pause(tap_, world_)


if __name__ == "__main__":
    tap.main(test)
