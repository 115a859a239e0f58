#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""What is left to a netpold that runs, and to whoever takes over one of its threads.

    client ── TCP 8080 ──► web    allowed
    guest  ── TCP 8080 ──► web    denied

The kernel is asked what each thread, and the helper that runs iptables, may do
(/proc/PID/status). And in a build for tests each thread tries what an intruder would:
to start a program, to write a file, to look into another process; once as it is, and
once without filters, where all of it is let through, or the test would show nothing.
The topology is drawn in world.py.
"""

import contextlib
import dataclasses
import os
import pathlib
import time

import daemon
import observer
import probe
import scenario
import tap
import world
from probe import ALLOWED, DENIED, REFUSED, Probe

POLICY = scenario.allow_clients(*scenario.WEB_PORTS)
OTHER_USER = 65534

# capability.h
CAPABILITIES = {"dac_override": 1, "dac_read_search": 2, "net_bind_service": 10, "net_admin": 12,
                "net_raw": 13}
SETS = ("CapEff", "CapPrm", "CapBnd")
# What a container has that is given two capabilities.
CONTAINER = ("setpriv", "--bounding-set", "-all,+net_admin,+net_raw", "--inh-caps", "-all")

# Filters of a process, and those with the one that a thread adds.
PROCESS, THREAD, HELPER = 2, 3, 1
FILTERS = {"netpold": PROCESS, "flow-log": PROCESS, "worker": THREAD, "tally": THREAD,
           "observer": THREAD, "web": THREAD, "page": THREAD, "watchdog": THREAD, "flow-hits": THREAD}
EVERYTHING = ("--workers=2", "--metrics-listen=127.0.0.1:9500", "--page-listen=9501",
              daemon.REMEMBER, "--flow-log=stdout")

# What comes of it, by the kind of thread: the way is barred, or leads nowhere.
NOTHING = {"program": "EPERM", "process": "EPERM", "write": "EPERM", "read": "EPERM",
           "move": "EPERM", "trace": "EPERM", "code": "EPERM", "socket": "EPERM"}
READS = NOTHING | {"read": "ENOENT", "socket": "done"}
WRITES = READS | {"write": "ENOENT", "move": "ENOENT"}
UNBARRED = {"program": "ENOENT", "process": "EINVAL", "write": "ENOENT", "read": "ENOENT",
            "move": "ENOENT", "trace": "ESRCH", "code": "done", "socket": "done"}
KINDS = {"control": WRITES, "worker": NOTHING, "tally": NOTHING, "status": READS, "web": READS,
         "page": READS, "watchdog": READS, "hits": READS}

# A kernel without filters, imitated by a filter.
WITHOUT_SECCOMP = """
import ctypes, errno, os, platform, struct, sys
SECCOMP, PRCTL = {"x86_64": (317, 157), "aarch64": (277, 167)}[platform.machine()]
LOAD, EQUAL, RETURN, ALLOW, REFUSE = 0x20, 0x15, 0x06, 0x7fff0000, 0x00050000
code = b"".join(struct.pack("HBBI", *line) for line in (
    (LOAD, 0, 0, 0), (EQUAL, 3, 0, SECCOMP), (EQUAL, 0, 3, PRCTL),
    (LOAD, 0, 0, 16), (EQUAL, 0, 1, 22), (RETURN, 0, 0, REFUSE | errno.EINVAL),
    (RETURN, 0, 0, ALLOW)))
program = ctypes.create_string_buffer(code, len(code))
filter_ = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(code) // 8,
                                                  ctypes.addressof(program)))
if ctypes.CDLL(None, use_errno=True).prctl(22, 2, filter_, 0, 0) != 0:
    sys.exit(os.strerror(ctypes.get_errno()))
os.execvp(sys.argv[1], sys.argv[1:])
"""
OLD_KERNEL = ("python3", "-c", WITHOUT_SECCOMP)


# ---- what the kernel says ------------------------------------------------------------

def read_status(path):
    """The lines of a status file, by name."""
    return {name: value.strip() for name, _, value in (
        line.partition(":") for line in path.read_text().splitlines())}


def threads_of(pid):
    """Who comes and goes while we look is passed over."""
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            found.append(read_status(task / "status"))
    return found


def helper_of(pid):
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [status for child in children for status in threads_of(child)
            if status["Name"] == "netpold-repair"]


def names_of(mask):
    """The capabilities of a mask, those that nobody expects by number."""
    bits = {bit for bit in range(64) if int(mask, 16) >> bit & 1}
    known = {bit: name for name, bit in CAPABILITIES.items()}
    return sorted(known.get(bit, str(bit)) for bit in bits)


def capabilities(status):
    """By set; one that is not there is empty."""
    return {name: names_of(status[name]) for name in (*SETS, "CapInh", "CapAmb")}


def wait_equal(tap_, sentence, expected, look):
    """Threads limit themselves when they begin, and some begin late."""
    deadline = time.monotonic() + daemon.PATIENCE
    while (got := look()) != expected and time.monotonic() < deadline:
        time.sleep(0.01)
    tap_.equal(sentence, expected, got)


# ---- capabilities -------------------------------------------------------------------

@dataclasses.dataclass
class Start:
    """A way to start, and the capabilities that are left."""
    name: str
    keeps: tuple
    options: tuple = ()
    before: tuple = ()
    bounded: tuple = ()  # where that is more
    helper: tuple = ("net_admin", "net_raw")
    denied: str = DENIED  # what becomes of guest


STARTS = [
    Start("fed from a folder", ("dac_read_search", "net_admin")),
    Start("in a container", ("net_admin",), before=CONTAINER, bounded=("net_admin", "net_raw")),
    Start("in a container that rejects", ("net_admin", "net_raw"), ("--deny=reject",), CONTAINER,
          denied=REFUSED),
    Start("with a port below 1024", ("dac_read_search", "net_admin", "net_bind_service"),
          ("--metrics-listen=127.0.0.1:80",)),
    Start("with a page at a port below 1024",
          ("dac_read_search", "net_admin", "net_bind_service"), ("--page-listen=80",)),
    Start("with a flow log in another user's folder",
          ("dac_override", "dac_read_search", "net_admin"), ("--flow-log=file:/run/logs/flows",)),
]


def expected_capabilities(keeps, bounded):
    return {"CapEff": sorted(keeps), "CapPrm": sorted(keeps), "CapBnd": sorted(bounded or keeps),
            "CapInh": [], "CapAmb": []}


def check_capabilities(tap_, world_, start):
    logs = world_.node.path("/run/logs")
    logs.mkdir(exist_ok=True)
    os.chown(logs, OTHER_USER, OTHER_USER)
    with daemon.Daemon(world_, *start.options, before=start.before) as netpold:
        netpold.wait_in_force()
        expected = expected_capabilities(start.keeps, start.bounded)
        each = [capabilities(status) for status in threads_of(netpold.process.pid)]
        tap_.equal(f"{start.name}: all threads have what they need and nothing else", [],
                   [got for got in each if got != expected])
        helpers = helper_of(netpold.process.pid)
        tap_.equal(f"{start.name}: so has the helper",
                   [expected_capabilities(start.helper, ())],
                   [capabilities(status) for status in helpers])
        tap_.equal(f"{start.name}: nobody gets new privileges", {"1"},
                   {status["NoNewPrivs"]
                    for status in threads_of(netpold.process.pid) + helpers})
        check_judged(tap_, world_, start.name, start.denied)
        tap_.equal(f"{start.name}: it stops as it should", 0, netpold.stop())


def check_judged(tap_, world_, when, denied=DENIED):
    probe.check_all(tap_, world_, [
        Probe(f"{when}: what is allowed passes", "client", "web", "tcp", 8080, ALLOWED),
        Probe(f"{when}: what is denied does not", "guest", "web", "tcp", 8080, denied)])


def check_closed_folder(tap_, world_):
    """Only its owner may look into it, and root with CAP_DAC_READ_SEARCH."""
    folder = world_.node.path("/run/manifests")
    os.chown(folder, OTHER_USER, OTHER_USER)
    folder.chmod(0o700)
    with daemon.Daemon(world_) as netpold:
        netpold.wait_in_force()
        netpold.apply(scenario.allow_clients(), name="policies")
        netpold.apply(POLICY, name="policies")
        check_judged(tap_, world_, "from another user's folder, after changes")
    with daemon.Daemon(world_, "--state-dir=", before=CONTAINER) as netpold:
        tap_.equal("without that capability such a folder is refused", 2, netpold.wait_refused())
        tap_.true("and it says why", "ermission denied" in netpold.log.text(),
                  "… Permission denied", netpold.log.text())
    os.chown(folder, 0, 0)
    folder.chmod(0o755)


# ---- system calls -------------------------------------------------------------------

def filters(statuses):
    """By name of thread; how many there are of one does not matter."""
    return {status["Name"]: (status["Seccomp"], int(status["Seccomp_filters"]))
            for status in statuses}


def check_filters(tap_, world_):
    with daemon.Daemon(world_, *EVERYTHING) as netpold:
        pid = netpold.process.pid
        netpold.wait_in_force()
        wait_equal(tap_, "each thread has the filters of its kind",
                   {name: ("2", n) for name, n in FILTERS.items()},
                   lambda: filters(threads_of(pid)))
        tap_.equal("the helper has its own", {"netpold-repair": ("2", HELPER)},
                   filters(helper_of(pid)))
        tap_.equal("the status is told", 0, observer.status(world_).returncode)
        check_judged(tap_, world_, "with filters")
    with daemon.Daemon(world_, *EVERYTHING, "--seccomp=off") as netpold:
        pid = netpold.process.pid
        netpold.wait_in_force()
        tap_.equal("--seccomp=off: there are none", {("0", 0)},
                   set(filters(threads_of(pid) + helper_of(pid)).values()))


def check_old_kernel(tap_, world_):
    with daemon.Daemon(world_, before=OLD_KERNEL) as netpold:
        tap_.equal("a kernel without filters is refused", 2, netpold.wait_refused())
        lines = netpold.log.text().splitlines()
        tap_.true("one line says what would help",
                  len(lines) == 1 and "--seccomp=off" in lines[0] and "kernel" in lines[0],
                  "… kernel … --seccomp=off …", lines)
    tap_.equal("no rule is left behind", [], world_.netfilter.own_rules())
    for words, status, said in (((), 2, "missing  this kernel has no filters"),
                                (("--seccomp=off",), 0, "good     queues")):
        done = world_.node.run(*OLD_KERNEL, str(daemon.PROGRAM), "run", "--check", *words,
                               "--manifests", world_.folder.path, check=False)
        tap_.true(f"run --check {' '.join(words)} says so before",
                  done.returncode == status and said in done.stdout, (status, said),
                  (done.returncode, done.stdout))
    with daemon.Daemon(world_, "--seccomp=off", before=OLD_KERNEL) as netpold:
        netpold.wait_in_force()
        check_judged(tap_, world_, "without filters")


# ---- intruders ----------------------------------------------------------------------

def breaches(netpold):
    """By kind of thread, what came of each attempt."""
    found = {}
    for _, line in netpold.log.lines:
        if line.startswith("breach: "):
            kind, _, words = line.removeprefix("breach: ").partition(":")
            found[kind] = dict(word.split("=") for word in words.split())
    return found


def check_breaches(tap_, world_):
    with daemon.Daemon(world_, *EVERYTHING, program=daemon.FAULTY,
                       variables={"FAULT_POINTS": "breach=all"}) as netpold:
        netpold.wait_in_force()
        wait_equal(tap_, "whoever takes over a thread gets no further than that may", KINDS,
                   lambda: breaches(netpold))
        check_judged(tap_, world_, "after attempts in each thread")
        tap_.equal("after attempts in each thread it stops as it should", 0, netpold.stop())
    with daemon.Daemon(world_, *EVERYTHING, program=daemon.FAULTY,
                       variables={"FAULT_POINTS": "breach=all,without=confine"}) as netpold:
        netpold.wait_in_force()
        wait_equal(tap_, "without filters all of it would be let through",
                   {kind: UNBARRED for kind in KINDS}, lambda: breaches(netpold))


def test(tap_):
    with world.World("routed", "nft", scenario.specs("web", "client", "guest")) as world_:
        world_.folder.put("policies", POLICY)
        for start in STARTS:
            check_capabilities(tap_, world_, start)
        check_closed_folder(tap_, world_)
        check_filters(tap_, world_)
        check_breaches(tap_, world_)
        daemon.clean(world_)
        check_old_kernel(tap_, world_)


if __name__ == "__main__":
    tap.main(test)
