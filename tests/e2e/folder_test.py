#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Whatever is done to the manifests, only a whole state of them is in force.

    client ── TCP 8080 ──► web    allowed by the policy that is in force
    guest  ── TCP 8080 ──► web    denied by it; half of a file would allow it

A file that is open for writing is not read, a folder that was replaced is
watched again, and what is no file is refused. How pods are connected does not
matter to any of this: one world will do. The topology is drawn in world.py.
"""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import time

import daemon
import manifests
import probe
import scenario
import tap
import world
from probe import ALLOWED, DENIED, Probe

CLIENTS = scenario.allow_clients(manifests.port("http"))
DB = manifests.policy("db-alone", "shop", {"app": "db"}, ingress=[])
VAULT = manifests.policy("vault-alone", "shop", {"app": "vault"}, ingress=[])


def yaml(*objects):
    """One document each."""
    return "".join(f"---\n{json.dumps(item)}\n" for item in objects)


# Half of it opens every port of web to everyone, the whole of it only one.
WIDENING_HALF = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web-from-all, namespace: shop}
spec:
  podSelector: {matchLabels: {app: web}}
  policyTypes: [Ingress]
  ingress:
  - from:
    - namespaceSelector: {}
"""
WIDENING = WIDENING_HALF + """\
    ports:
    - {protocol: UDP, port: 9001}
"""

# By itself it leaves web open to everyone.
WITHOUT_WEB = yaml(DB)

# How many events wait at most; what comes then is lost (inotify(7)).
MAX_EVENTS = pathlib.Path("/proc/sys/fs/inotify/max_queued_events")


def next_word(netpold, start, words):
    """The first line from @start on that says what became of a change, expected
    or not, so that a failure shows what came."""
    endings = ("in force: generation=", "being written", "stays in force", "is in force")

    def find(line, _at):
        return line if any(word in line for word in (*words, *endings)) else None
    return netpold.log.wait(find, start)


def check_word(tap_, sentence, netpold, start, *words):
    line = next_word(netpold, start, words)
    tap_.true(sentence, all(word in line for word in words), " … ".join(words), line)


def check_narrow(tap_, world_, when):
    probe.check_all(tap_, world_, [
        Probe(f"{when}, client reaches web", "client", "web", "tcp", 8080, ALLOWED),
        Probe(f"{when}, guest does not", "guest", "web", "tcp", 8080, DENIED)])


def check_in_force(tap_, sentence, netpold, policies):
    """The next change in force is this one: so many policies."""
    tap_.equal(sentence, policies, netpold.wait_in_force().policies)


def fill(world_, *policies):
    """The folder anew, with nothing of an earlier case in it."""
    shutil.rmtree(world_.folder.real)
    world_.folder = manifests.Folder(world_.folder.path, world_.folder.real)
    world_.folder.put("cluster", *world_.cluster())
    world_.folder.put("policies", *policies)


@contextlib.contextmanager
def running(world_, *policies, path=None):
    """netpold in force, with these policies or with what stands at @path."""
    if not path:
        fill(world_, *policies)
    with daemon.Daemon(world_, folder=path) as netpold:
        netpold.wait_in_force()
        yield netpold


# ---- files that are being written ---------------------------------------------

def check_rewritten(tap_, world_):
    """A file is overwritten in place, slowly."""
    with running(world_) as netpold:
        world_.folder.put_text("several.yaml", yaml(DB, CLIENTS))
        check_in_force(tap_, "a file of two policies is in force", netpold, 2)
        start = len(netpold.log.lines)
        with open(world_.folder.real / "several.yaml", "w", encoding="utf-8") as file:
            file.write(WITHOUT_WEB)
            file.flush()
            world_.folder.put("other", VAULT)
            check_word(tap_, "half a file is waited for when another one changes", netpold, start,
                       "several.yaml", "being written", "generation 2 stays in force")
            check_narrow(tap_, world_, "half a file is written")
            file.write(yaml(CLIENTS))
        check_in_force(tap_, "closed, the whole file is in force, as one change with the other",
                       netpold, 3)
        check_narrow(tap_, world_, "the whole file is written")


def check_new_file(tap_, world_):
    """A new file comes, slowly; its first half is a wider policy."""
    with running(world_, CLIENTS) as netpold:
        start = len(netpold.log.lines)
        with open(world_.folder.real / "new.yaml", "w", encoding="utf-8") as file:
            file.write(WIDENING_HALF)
            file.flush()
            world_.folder.put("other", DB)
            check_word(tap_, "half a new file is waited for", netpold, start, "new.yaml",
                       "being written", "generation 1 stays in force")
            check_narrow(tap_, world_, "half a new file is written")
            file.write(WIDENING[len(WIDENING_HALF):])
        check_in_force(tap_, "closed, the whole of the new file is in force, as one change",
                       netpold, 3)
        check_narrow(tap_, world_, "the whole of the new file is written")
        probe.check_all(tap_, world_, [Probe("what the new file allows is allowed",
                                             "guest", "web", "udp", 9001, ALLOWED)])


def watches(netpold):
    """Whether netpold has come as far as watching its folder."""
    files = pathlib.Path(f"/proc/{netpold.process.pid}/fd")
    with contextlib.suppress(OSError):  # one of them may be closed meanwhile
        return any("inotify" in os.readlink(file) for file in files.iterdir())
    return False


def check_start(tap_, world_):
    """A file is being written when netpold starts."""
    fill(world_)
    with open(world_.folder.real / "several.yaml", "w", encoding="utf-8") as file:
        file.write(WITHOUT_WEB)
        file.flush()
        with daemon.Daemon(world_) as netpold:
            deadline = time.monotonic() + daemon.PATIENCE
            while not watches(netpold) and time.monotonic() < deadline:
                time.sleep(0.01)
            file.write(yaml(CLIENTS))
            file.close()
            check_in_force(tap_, "a start waits for a file that is being written", netpold, 2)
            check_narrow(tap_, world_, "started while a file was being written")


# ---- folders that are replaced ------------------------------------------------

def write_state(folder, world_, *policies):
    """A folder with all manifests in one file."""
    folder.mkdir(parents=True)
    text = json.dumps({"apiVersion": "v1", "kind": "List",
                       "items": [*world_.cluster(), *policies]})
    (folder / "all.json").write_text(text, encoding="utf-8")


def point(link, target):
    """Make a link, or let it lead elsewhere in one step."""
    new = link.with_name(f".{link.name}.new")
    new.symlink_to(target)
    new.rename(link)


def check_config_map(tap_, world_):
    """kubelet writes a new folder beside the old, and renames a link to it."""
    real = world_.node.path("/run/configmap")
    write_state(real / "..1", world_, CLIENTS)
    write_state(real / "..2", world_, CLIENTS, DB)
    point(real / "..data", "..1")
    point(real / "all.json", "..data/all.json")
    with running(world_, path="/run/configmap") as netpold:
        point(real / "..data", "..2")
        check_in_force(tap_, "a ConfigMap that was swapped is in force", netpold, 2)
        write_state(real / "..3", world_, CLIENTS, DB, VAULT)
        point(real / "..data", "..3")
        check_in_force(tap_, "swapped again, too", netpold, 3)


def check_link(tap_, world_):
    """--manifests names a link to a folder."""
    real = world_.node.path("/run/links")
    write_state(real / "a", world_, CLIENTS)
    write_state(real / "b", world_, CLIENTS, DB)
    point(real / "now", "a")
    with running(world_, path="/run/links/now") as netpold:
        point(real / "now", "b")
        check_in_force(tap_, "where the link leads to now is in force", netpold, 2)
        (real / "b/more.yaml").write_text(yaml(VAULT), encoding="utf-8")
        check_in_force(tap_, "where the link leads to now is watched", netpold, 3)
        point(real / "now", "a")
        check_in_force(tap_, "where it led to at first is in force again", netpold, 1)
        (real / "a/more.yaml").write_text(yaml(DB), encoding="utf-8")
        check_in_force(tap_, "where it led to at first is watched again", netpold, 2)


def check_remade(tap_, world_):
    with running(world_, CLIENTS) as netpold:
        start = len(netpold.log.lines)
        with netpold.asleep():
            shutil.rmtree(world_.folder.real)
        check_word(tap_, "a folder that is gone is an error", netpold, start, "netpold: error:",
                   world_.folder.path, "generation 1 stays in force")
        check_narrow(tap_, world_, "the folder is gone")
        with netpold.asleep():
            world_.folder.real.mkdir()
            fill(world_, CLIENTS, DB)
        check_in_force(tap_, "a folder that was made anew is in force", netpold, 2)
        world_.folder.put("policies", CLIENTS)
        check_in_force(tap_, "a folder that was made anew is watched", netpold, 1)


def check_overflow(tap_, world_):
    """More happens than the kernel remembers, and the folder's end is lost in it."""
    with running(world_, CLIENTS) as netpold:
        with netpold.asleep():
            for i in range(int(MAX_EVENTS.read_text()) + 1):
                (world_.folder.real / f"{i % 2}.tmp").touch()
            fill(world_, CLIENTS, DB)
        check_in_force(tap_, "after an overflow of events, what stands is in force", netpold, 2)
        world_.folder.put("policies", CLIENTS)
        check_in_force(tap_, "after an overflow of events, a folder that was made anew is watched",
                       netpold, 1)


# ---- what is no file, and signals ----------------------------------------------

ODD = [
    ("a FIFO", os.mkfifo, "no regular file"),
    ("a device", lambda path: path.symlink_to("/dev/zero"), "no regular file"),
    ("a link to nothing", lambda path: path.symlink_to("nowhere"), "No such file"),
]


def check_odd_files(tap_, world_):
    with running(world_, CLIENTS) as netpold:
        for what, make, words in ODD:
            odd = world_.folder.real / "x.yaml"
            start = len(netpold.log.lines)
            make(odd)
            check_word(tap_, f"{what} is refused", netpold, start, "netpold: error:", "x.yaml",
                       words, "generation 1 stays in force")
            start = len(netpold.log.lines)
            odd.unlink()
            check_word(tap_, f"{what} is gone: all is as it was", netpold, start,
                       "generation 1 is in force")
        start = len(netpold.log.lines)
        os.mkfifo(world_.folder.real / "x.yaml")
        check_word(tap_, "a FIFO is refused again", netpold, start, "x.yaml")
        check_narrow(tap_, world_, "a FIFO stands in the folder")
        tap_.equal("a FIFO does not keep netpold from stopping", 0, netpold.stop())


def check_hangup(tap_, world_):
    """What a link in the folder leads to changes without a sign in the folder."""
    elsewhere = world_.node.path("/run/elsewhere.yaml")
    elsewhere.write_text(yaml(CLIENTS), encoding="utf-8")
    with running(world_) as netpold:
        point(world_.folder.real / "link.yaml", "/run/elsewhere.yaml")
        check_in_force(tap_, "a link to a file elsewhere is read", netpold, 1)
        elsewhere.write_text(yaml(CLIENTS, DB), encoding="utf-8")
        netpold.process.send_signal(signal.SIGHUP)
        check_in_force(tap_, "SIGHUP reads all manifests again", netpold, 2)
        tap_.equal("after SIGHUP it stops in order", 0, netpold.stop())


def test(tap_):
    with world.World("routed", "nft", scenario.specs("web", "client", "guest")) as world_:
        for check in (check_rewritten, check_new_file, check_start, check_config_map, check_link,
                      check_remade, check_overflow, check_odd_files, check_hangup):
            try:
                check(tap_, world_)
            except daemon.DaemonError as error:  # the other cases have folders of their own
                tap_.broken(error)


if __name__ == "__main__":
    tap.main(test)
