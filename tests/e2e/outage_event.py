# SPDX-License-Identifier: GPL-2.0-or-later
"""How each event of outage.py is made, and how it ends.

An event is begun and ended with a run (outage_test.py) and keeps nothing of its own:
what it needs in between is the run's.
"""

import contextlib
import ctypes
import errno
import os
import pathlib
import signal
import time

import netns
import outage

PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207
WALL = 0x40000000  # waitpid: threads that are no children, too
FAMILIES = "46"
QUEUE_MAX_LEN = 1024  # of daemon/datapath/queue.h
FILL_PORT = 9001      # denied
FILL_S = 10           # a source may send so many packets at once and no more
MENDED = "they are put"  # up again, or right: the log about rules, and about sets

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def _ptrace(request, thread):
    if libc.ptrace(request, thread, None, None) < 0:
        raise OSError(ctypes.get_errno(), f"ptrace {request:#x} of {thread}")


def workers(pid):
    """The threads that judge packets."""
    found = [int(task.name) for task in pathlib.Path(f"/proc/{pid}/task").iterdir()
             if (task / "comm").read_text() == "worker\n"]
    if not found:
        raise OSError(errno.ESRCH, f"process {pid} has no worker")
    return found


@contextlib.contextmanager
def frozen(thread):
    """A thread of another process stands still, and the others go on."""
    _ptrace(PTRACE_SEIZE, thread)
    try:
        _ptrace(PTRACE_INTERRUPT, thread)
        os.waitpid(thread, WALL)
        yield
    finally:
        _ptrace(PTRACE_DETACH, thread)


@contextlib.contextmanager
def standing_still(netpold):
    """All that judge packets do; the rest of it goes on."""
    with contextlib.ExitStack() as stack:
        for thread in workers(netpold.process.pid):
            stack.enter_context(frozen(thread))
        yield


class Event:
    """What is the same for all of them."""

    def begin(self, run):
        """Returns once it lasts."""

    def end(self, run):
        """Returns once the policies' change is in force, or is about to be."""
        run.wait_edit()

    def is_over(self, run):
        """Whether it has come to an end by itself."""
        return False


class Gone(Event):
    """It ends by a signal, and is started again."""

    def __init__(self, how):
        self.how = how

    def begin(self, run):
        run.netpold.stop(self.how)

    def end(self, run):
        run.start()


class HandedOver(Event):
    """Another one starts beside it and gets its queues."""

    def begin(self, run):
        run.old, run.netpold = run.netpold, run.another()

    def end(self, run):
        run.netpold.wait_in_force()
        run.old.wait_exit()
        run.old.__exit__()

    def is_over(self, run):
        return run.old.process.poll() is not None


class Stopped(Event):
    def begin(self, run):
        run.stack.enter_context(run.netpold.asleep())

    def end(self, run):
        run.stack.close()
        run.wait_edit()


class Overloaded(Event):
    """Its workers stand still and the queues are full, while the rest of it goes on."""

    def begin(self, run):
        run.stack.enter_context(standing_still(run.netpold))
        deadline = time.monotonic() + FILL_S
        while run.world.netfilter.waiting_least() < QUEUE_MAX_LEN:
            if time.monotonic() > deadline:
                raise netns.CommandError(f"no full queue within {FILL_S} s")
            for cpu in os.sched_getaffinity(0):
                for family in FAMILIES:
                    run.world["client"].call("send_many", port=FILL_PORT, count=QUEUE_MAX_LEN // 2,
                                             address=run.world.address("web", family), cpu=cpu)

    def end(self, run):
        run.wait_edit()
        run.stack.close()


class Flushed(Event):
    """What somebody else has flushed is put right by itself."""

    def __init__(self, flush):
        self.flush = flush

    def begin(self, run):
        run.mended = len(run.netpold.log.lines)
        self.flush(run.world)

    def is_over(self, run):
        return any(MENDED in line for _, line in run.netpold.log.lines[run.mended:])


def flush_rules(world):
    for family in FAMILIES:
        world.netfilter.change(family, "mangle", "-F")


def flush_sets(world):
    for name in world.netfilter.sets():
        world.node.run("ipset", "flush", name)


def forget(world):
    """All connections."""
    for family in ("ipv4", "ipv6"):
        world.node.run("conntrack", "-F", "-f", family)


class Forgotten(Event):
    def begin(self, run):
        forget(run.world)


class Full(Event):
    def begin(self, run):
        run.world.node.call("fill_tracked")

    def end(self, run):
        run.wait_edit()
        run.world.node.call("empty_tracked")


EVENTS = {
    outage.KILLED: Gone(signal.SIGKILL),
    outage.RESTARTED: Gone(signal.SIGTERM),
    outage.HANDED_OVER: HandedOver(),
    outage.STOPPED: Stopped(),
    outage.OVERLOADED: Overloaded(),
    outage.RULES: Flushed(flush_rules),
    outage.SETS: Flushed(flush_sets),
    outage.FORGOTTEN: Forgotten(),
    outage.FULL: Full(),
}
