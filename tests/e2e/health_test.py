#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Health and metrics over HTTP: what is told is so, and asking harms nothing.

    client ── TCP 8080 ──► web     allowed
    guest  ── TCP 8080 ──► web     denied

Whether it lives depends on nothing but its control loop (L32): not on a change that takes long,
not on manifests that cannot be read. Whether it is ready depends on what is in force, once. Delays
are those of a build for tests (fault.h). The topology is drawn in world.py.
"""

import contextlib
import pathlib
import subprocess
import sys
import time

import daemon
import manifests
import observer
import pause_test
import probe
import scenario
import tap
import web
import world
from probe import ALLOWED, DENIED, Probe

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "daemon"))
import exposition  # noqa: E402

PORT = 9500
LISTEN = ("--metrics-listen", f":{PORT}")
OPEN = scenario.allow_clients(manifests.port("http"))
MORE = scenario.allow_clients(manifests.port("http"), manifests.port("alt"))
BROKEN = '{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}'
ROWS = [Probe("what is allowed still is", "client", "web", "tcp", 8080, ALLOWED),
        Probe("what is denied still is", "guest", "web", "tcp", 8080, DENIED)]


def slow(world_, points, *options):
    return daemon.Daemon(world_, *LISTEN, *options, program=daemon.FAULTY,
                         before=("env", f"FAULT_POINTS={points}"))


def ready_by_command(world_, *before):
    """`netpold status --ready`: its exit status, and what it says."""
    done = world_.node.run(*before, str(daemon.PROGRAM), "status", "--ready", check=False)
    return done.returncode, done.stdout.strip()


def live_by_command(world_):
    """`netpold status --live`: its exit status, and the first word that it says."""
    done = world_.node.run(str(daemon.PROGRAM), "status", "--live", check=False)
    return done.returncode, done.stdout.strip().split(":")[0]


# ---- ready --------------------------------------------------------------------


def check_start(tap_, world_, asker):
    with slow(world_, "first-read=2500") as netpold:
        alive = asker.wait("/livez", lambda status, _: status)
        tap_.equal("before the first sync: it lives", (200, True),
                   (alive[0], alive[1].startswith("alive: the control loop turned ")))
        tap_.equal("before the first sync: it is not ready, and says why",
                   (503, "not ready: starting, nothing is in force yet"), asker.get("/readyz"))
        families, _ = exposition.read(asker.get("/metrics")[1] + "\n")
        tap_.equal("before the first sync: nor is it by its metric", (0, 0),
                   (exposition.value(families, "netpold_ready"),
                    exposition.value(families, "netpold_generation")))
        tap_.equal("before the first sync: nor for a probe by exec",
                   (1, "not ready: starting, nothing is in force yet"), ready_by_command(world_))
        tap_.true("nothing was in force by then", "in force" not in netpold.log.text(),
                  "no line about it", netpold.log.text())
        netpold.wait_in_force()
        status, said = asker.wait("/readyz", lambda status, _: status == 200)
        since = observer.get(world_, "status")["ready_since"]
        tap_.equal("after it: it is ready", (200, f"ready since {since}"), (status, said))
        tap_.equal("after it: also for a probe by exec", (0, f"ready since {since}"),
                   ready_by_command(world_))
        tap_.equal("after it: but not for one of another container",
                   (1, "not ready: the netpold that answers is that of another container"),
                   ready_by_command(world_, "unshare", "--pid", "--fork"))
        tap_.equal("it stops in order", 0, netpold.stop())


def check_stays_ready(tap_, world_, asker, netpold):
    """What is in force stays in force (API-28), and it was asked for by somebody who may."""
    netpold.wait_refusal(lambda: world_.folder.put_text("bad.yaml", BROKEN))
    tap_.equal("a change is refused: it stays ready", 200, asker.get("/readyz")[0])
    tap_.equal("a change is refused: the metrics say so", 1, metrics(asker, "netpold_refused"))
    world_.folder.remove("bad.yaml")
    pause_test.must_pause(tap_, world_, "a pause begins", "--for", "10m")
    status, said = asker.get("/readyz")
    tap_.true("in a pause it is ready, and says that there is one",
              status == 200 and said.endswith("; enforcement is paused"), "200 …", (status, said))
    pause_test.must_pause(tap_, world_, "it ends", "--end")


def check_start_in_pause(tap_, world_, asker):
    with daemon.Daemon(world_, *LISTEN) as netpold:
        netpold.wait_in_force()
        pause_test.must_pause(tap_, world_, "a pause begins", "--for", "10m")
        netpold.stop()
    with daemon.Daemon(world_, *LISTEN) as netpold:
        status, said = asker.wait("/readyz", lambda status, _: status == 200)
        tap_.true("started in a pause it is ready, though nothing is in force", status == 200 and
                  said.endswith("; enforcement is paused") and
                  observer.get(world_, "status")["generation"] == 0, "200 …", (status, said))
        pause_test.must_pause(tap_, world_, "it ends", "--end")
        netpold.stop()


def check_warm(tap_, world_, asker):
    """What the last run read is in force, which is no reason to go on with a roll-out."""
    world_.folder.put_text("bad.yaml", BROKEN)
    with daemon.Daemon(world_, *LISTEN) as netpold:
        netpold.wait_in_force()
        status, said = asker.wait("/readyz", lambda _, said: "bad.yaml" in said)
        tap_.true("a warm start is not ready, and says what is in force, and why",
                  status == 503 and said.startswith("not ready: objects cannot be read, those that "
                                                    "were read until 20") and "bad.yaml" in said,
                  "503 … bad.yaml …", (status, said))
        tap_.equal("a warm start lives", 200, asker.get("/healthz")[0])
        tap_.equal("a warm start is not ready for a probe by exec", (1, said),
                   ready_by_command(world_))
        world_.folder.remove("bad.yaml")
        tap_.equal("when they can be read, it is ready", 200,
                   asker.wait("/readyz", lambda status, _: status == 200)[0])
        netpold.stop()


# ---- alive --------------------------------------------------------------------


def check_long_change(tap_, world_, asker):
    """L32: a change that takes long is no death; one that takes too long is, until it is over."""
    for points, expected in (("publish=2500", {200}), ("publish=2500,health-patience=1",
                                                       {200, 503})):
        with slow(world_, points) as netpold:
            netpold.wait_in_force()
            world_.folder.put("policies", MORE)
            met, words, told = set(), set(), set()
            end = time.monotonic() + 3
            while time.monotonic() < end:
                status, said = asker.get("/livez")
                met.add(status)
                words.add(said.split(":")[0])
                ready = asker.get("/readyz")[0]
                told.add(live_by_command(world_))
            tap_.equal(f"{points}: while a change takes long, it is alive, or stuck", expected, met)
            tap_.equal(f"{points}: it says which", {200: "alive", 503: "stuck"}.keys() & expected,
                       {{"alive": 200, "stuck": 503}[word] for word in words})
            tap_.equal(f"{points}: so does a probe by exec, unless it had to wait too long",
                       {{200: (0, "alive"), 503: (1, "stuck")}[status] for status in expected},
                       told - {(2, "")})
            tap_.equal(f"{points}: ready it is in any case", 200, ready)
            netpold.wait_in_force()
            tap_.equal(f"{points}: when it is over, it is alive", 200,
                       asker.wait("/livez", lambda status, _: status == 200)[0])
            netpold.stop()
        world_.folder.put("policies", OPEN)


def alive_until(asker, done):
    """All statuses until done()."""
    met = set()
    end = time.monotonic() + daemon.PATIENCE
    while not done() and time.monotonic() < end:
        met.add(asker.get("/livez")[0])
        time.sleep(0.02)
    return met


def check_long_steps(tap_, world_, asker):
    """L32: steps that are each shorter than the patience, and together longer."""
    since = time.monotonic()
    with slow(world_, "publish=3000,sweep=3000,health-patience=5") as netpold:
        asker.wait("/livez", lambda status, _: status)
        for what, act in (("a start", lambda: None),
                          ("a change", lambda: world_.folder.put("policies", OPEN))):
            start = netpold.generation or 0
            act()
            log = netpold.log
            met = alive_until(asker, lambda: f"in force: generation={start + 1} " in log.text())
            took = time.monotonic() - since
            netpold.wait_in_force()
            tap_.true(f"{what} whose steps take long does so", took > 5, "more than 5 s", took)
            tap_.equal(f"{what} whose steps take long: it is alive all the while", {200}, met)
            world_.folder.put("policies", MORE)
            netpold.wait_in_force()
            since = time.monotonic()
        netpold.stop()
    world_.folder.put("policies", OPEN)


# ---- metrics ------------------------------------------------------------------


def metrics(asker, name, **labels):
    """Of this second."""
    time.sleep(1.1)
    return exposition.value(exposition.read(asker.get("/metrics")[1] + "\n")[0], name, **labels)


def flat(family):
    """As the status tells them: {labels: value}, of histograms their count."""
    name = family.name + ("_count" if family.type == "histogram" else "")
    return {labels: value for (sample, labels), value in family.samples.items() if sample == name}


def as_told(metric):
    return {tuple(sorted(value.get("labels", {}).items())): value.get("value", value.get("count"))
            for value in metric["values"]}


CHANGING = ("seconds", "bytes")  # of those that are another a moment later


def check_metrics(tap_, world_, asker):
    probe.check_all(tap_, world_, ROWS)
    time.sleep(1.1)
    status, body, headers = asker.ask("/metrics")
    told = {metric["name"]: metric for metric in observer.get(world_, "metrics")}
    families, problems = exposition.read(body)
    tap_.equal("metrics: nothing is wrong with the format", (200, []), (status, problems))
    tap_.equal("metrics: the format is named", "text/plain; version=0.0.4; charset=utf-8",
               headers["Content-Type"])
    tap_.equal("metrics: names and types are those of the status",
               {name: (metric["type"], metric["help"]) for name, metric in told.items()},
               {name: (family.type, family.help) for name, family in families.items()})
    tap_.equal("metrics: values, too",
               {name: as_told(metric) for name, metric in told.items()
                if metric["unit"] not in CHANGING},
               {name: flat(family) for name, family in families.items()
                if told[name]["unit"] not in CHANGING})
    tap_.equal("metrics: packets were judged", True,
               sum(flat(families["netpold_packets_total"]).values()) > 0)
    version = subprocess.run([daemon.PROGRAM, "--version"], capture_output=True, text=True,
                             check=True).stdout.split()[1]
    tap_.equal("metrics: which netpold it is", 1,
               exposition.value(families, "netpold_build_info", version=version))
    tap_.equal("metrics: it is ready", 1, exposition.value(families, "netpold_ready"))
    since = exposition.value(families, "netpold_in_force_timestamp_seconds")
    tap_.true("metrics: since when the change is in force", time.time() - 60 < since < time.time(),
              "less than a minute ago", since)
    tap_.equal("metrics: of an API server there are none", [],
               [name for name in families if "source" in name or "cluster" in name])


# ---- requests -----------------------------------------------------------------


def check_requests(tap_, world_, asker):
    for family in "46":
        tap_.equal(f"IPv{family}: both names of the same question are answered", [200, 200],
                   [asker.get(path, family)[0] for path in ("/livez", "/healthz")])
    tap_.equal("another path is told what there is",
               (404, "expected /healthz, /livez, /readyz or /metrics"), asker.get("/metrics/"))
    tap_.equal("HEAD is answered without a body", (200, ""), asker.ask("/readyz", "HEAD")[:2])
    tap_.equal("POST is refused", 405, asker.ask("/metrics", "POST")[0])


def check_hostile(tap_, world_, asker, netpold):
    """A crowd that asks for nothing, and some who ask for too much."""
    before = metrics(asker, "netpold_resident_memory_bytes")
    crowd = [asker.connect("46"[i % 2]) for i in range(100)]
    for connection in crowd[::3]:
        with contextlib.suppress(OSError):
            connection.sendall(b"GET /metrics HT")
    change = netpold.apply(MORE)
    tap_.true("in a crowd: a change is in force as soon as ever", change.measured_ms < 1000,
              "less than 1000 ms", change.measured_ms)
    probe.check_all(tap_, world_, ROWS)
    for connection in crowd:
        with contextlib.suppress(OSError):
            connection.recv(1)
        connection.close()
    for what, request in (("a long URL", b"GET /" + b"x" * 100000 + b" HTTP/1.1\r\n\r\n"),
                          ("garbage", b"\x00\xff" * 5000 + b"\r\n\r\n")):
        with asker.connect() as connection, contextlib.suppress(OSError):
            connection.sendall(request)
            answer = connection.recv(4096)
            tap_.true(f"{what} gets no page", b" 200 " not in answer, "none", answer)
    tap_.equal("after that it answers", 200,
               asker.wait("/livez", lambda status, _: status == 200)[0])
    grown = metrics(asker, "netpold_resident_memory_bytes") - before
    tap_.true("what it takes is bounded", grown < 4 << 20, "less than 4 MiB", grown)
    netpold.apply(OPEN)


# ---- where to listen ----------------------------------------------------------


def check_refused_start(tap_, world_, what, address, words, before=()):
    with daemon.Daemon(world_, "--metrics-listen", address, before=before) as netpold:
        status = netpold.wait_refused()
        log = netpold.log.text()
    tap_.equal(f"{what}: exit status 2", 2, status)
    tap_.true(f"{what}: one line says so",
              len(log.splitlines()) == 1 and all(word in log for word in (address, *words)),
              " … ".join((address, *words)), log)
    tap_.equal(f"{what}: nothing is put into the kernel", ([], {}),
               (world_.netfilter.own_rules(), world_.netfilter.sets()))


def check_addresses(tap_, world_, asker):
    daemon.clean(world_)
    with asker.socket() as other:
        other.bind(("127.0.0.1", PORT))
        other.listen()
        for address in (f"127.0.0.1:{PORT}", f":{PORT}"):
            check_refused_start(tap_, world_, f"{address} is in use", address,
                                ("another program listens there", "--metrics-listen"))
    check_refused_start(tap_, world_, "an address of another node", f"203.0.113.1:{PORT}",
                        ("this node has no such address",))
    check_refused_start(tap_, world_, "a port that needs a privilege", "127.0.0.1:80",
                        ("needs CAP_NET_BIND_SERVICE",),
                        before=("setpriv", "--bounding-set=-net_bind_service"))
    with daemon.Daemon(world_) as netpold:
        netpold.wait_in_force()
        with contextlib.suppress(OSError):
            asker.connect().close()
            tap_.true("without an address nobody listens", False, "nobody", "somebody")
        netpold.stop()


# ---- two of them --------------------------------------------------------------


def when_started(asker):
    families, _ = exposition.read(asker.get("/metrics")[1] + "\n")
    return exposition.value(families, "netpold_start_time_seconds")


def silence_ms(asker, until):
    """The longest time for which nobody answered, until until(); asked all the time."""
    longest = 0
    heard = time.monotonic()
    while not until():
        try:
            answered = asker.get("/livez")[0] == 200
        except OSError:
            answered = False
        now = time.monotonic()
        longest = max(longest, now - heard)
        if answered:
            heard = now
    return longest * 1000


def check_hand_over(tap_, world_, asker):
    """The port is the old one's until it leaves, and then the new one's, also where the old one
    waits to be told to stop."""
    with daemon.Daemon(world_, *LISTEN, "--when-replaced=wait") as old, contextlib.ExitStack() as stack:
        old.wait_in_force()
        first = when_started(asker)
        new = stack.enter_context(daemon.Daemon(world_, *LISTEN))
        silence = silence_ms(asker, lambda: "told at" in new.log.text() or
                             new.process.poll() is not None)
        tap_.true("handed over: nobody answers for a moment at most", silence < 1500,
                  "less than 1500 ms", silence)
        tap_.comment(f"nobody answered for {silence:.0f} ms")
        new.wait_in_force()
        tap_.equal("handed over: the old one is still there", None, old.process.poll())
        tap_.true("handed over: the new one answers", when_started(asker) > first,
                  f"more than {first}", when_started(asker))
        tap_.equal("handed over: it is ready", 200, asker.get("/readyz")[0])
        tap_.equal("the old one stops in order", 0, old.stop())
        tap_.equal("so does the new one", 0, new.stop())


def test(tap_):
    for world_ in world.variants(scenario.specs("web", "client", "guest"), world.CROSS[:1]):
        world_.folder.put("policies", OPEN)
        with web.Web(world_.node, PORT) as asker:
            check_addresses(tap_, world_, asker)
            check_start(tap_, world_, asker)
            with daemon.Daemon(world_, *LISTEN) as netpold:
                netpold.wait_in_force()
                check_requests(tap_, world_, asker)
                check_metrics(tap_, world_, asker)
                check_stays_ready(tap_, world_, asker, netpold)
                netpold.stop()
            with daemon.Daemon(world_, *LISTEN) as netpold:
                netpold.wait_in_force()
                check_hostile(tap_, world_, asker, netpold)
                netpold.stop()
            check_start_in_pause(tap_, world_, asker)
            check_warm(tap_, world_, asker)
            check_long_change(tap_, world_, asker)
            check_long_steps(tap_, world_, asker)
            check_hand_over(tap_, world_, asker)


if __name__ == "__main__":
    tap.main(test)
