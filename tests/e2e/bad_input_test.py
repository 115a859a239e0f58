#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Whatever is wrong gets one clear sentence, and what is in force stays.

Two halves. Where the daemon cannot start, it prints one line that names the
thing and what to do, and exits with status 2. Where it runs already, a bad
edit is refused with one line, and traffic shows that the policies from before
are still in force. The topology is drawn in world.py.
"""

import dataclasses
import json
import shutil

import daemon
import probe
import scenario
import tap
import world
import wrapper
from probe import ALLOWED, DENIED, Probe

QUEUE = 17000
PROGRAM_IN_NODE = "/run/netpold-copy"  # a copy that nobody@ may execute, too

POLICY = scenario.allow_clients(*scenario.WEB_PORTS)


def broken_policy(**changes):
    spec = {**POLICY["spec"], **changes}
    return json.dumps({**POLICY, "spec": spec})


@dataclasses.dataclass
class Text:
    """A file that must be refused, and words that the sentence has to hold."""
    name: str
    text: str
    words: tuple


TEXTS = [
    Text("a file that is not YAML", "{ this: [is not, YAML\n", ("bad.yaml",)),
    Text("a file of zero bytes and noise", "\x00\x01\xff\x00", ("bad.yaml",)),
    Text("a policy with an unknown field", broken_policy(podSelectr={}),
         ("bad.yaml", "web-from-clients", "podSelectr")),
    Text("a policy with an unknown policy type", broken_policy(policyTypes=["Sideways"]),
         ("bad.yaml", "web-from-clients", "policyTypes", "Sideways")),
    Text("a policy with an unknown protocol",
         broken_policy(ingress=[{"ports": [{"protocol": "TPC", "port": 80}]}]),
         ("bad.yaml", "web-from-clients", "protocol", "TPC")),
    Text("a policy with a port out of range",
         broken_policy(ingress=[{"ports": [{"port": 70000}]}]),
         ("bad.yaml", "web-from-clients", "70000")),
    Text("a policy with an address that is none",
         broken_policy(ingress=[{"from": [{"ipBlock": {"cidr": "10.0.0.0/33"}}]}]),
         ("bad.yaml", "web-from-clients", "10.0.0.0/33")),
    Text("a policy with an unknown operator", broken_policy(
        podSelector={"matchExpressions": [{"key": "app", "operator": "Like", "values": ["w"]}]}),
         ("bad.yaml", "web-from-clients", "Like")),
]


# ---- at start-up ------------------------------------------------------------

def check_refusal_line(tap_, what, words, lines):
    """One line; it names things; it says what to do, not only what failed."""
    tap_.equal(f"{what}: the log is one line", 1, len(lines))
    line = lines[0] if lines else ""
    tap_.true(f"{what}: the line says what is wrong",
              line.startswith("netpold: error: ") and all(
                  word.lower() in line.lower() for word in words),
              "netpold: error: … " + " … ".join(words), line)
    tap_.comment(f"{what}: {line}")


def check_no_start(tap_, world_, what, words, *options, before=(), folder=None):
    with daemon.Daemon(world_, *options, before=before, folder=folder,
                       program=PROGRAM_IN_NODE) as netpold:
        status = netpold.wait_refused()
        lines = netpold.log.text().splitlines()
    tap_.equal(f"{what}: the exit status is 2", 2, status)
    check_refusal_line(tap_, what, words, lines)


def check_bad_manifests(tap_, world_):
    check_no_start(tap_, world_, "a folder that is not there", ("/run/nowhere",),
                   folder="/run/nowhere")
    for case in TEXTS:
        world_.folder.put_text("bad.yaml", case.text)
        check_no_start(tap_, world_, case.name, case.words)
    world_.folder.remove("bad.yaml")


def check_bad_usage(tap_, world_):
    check_no_start(tap_, world_, "an option that does not exist", ("--wrong",), "--wrong")
    check_no_start(tap_, world_, "a queue number that is none", ("queue-base", "70000"),
                   "--queue-base", "70000")


def check_privileges(tap_, world_):
    check_no_start(tap_, world_, "no root", ("root",), before=(
        "setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"))
    for names in (("net_admin",), ("net_raw",), ("net_admin", "net_raw")):
        what = " and ".join(f"CAP_{name.upper()}" for name in names)
        words = (f"needs {what} in", f"add {what.replace('CAP_', '')} to")
        dropped = ",".join(f"-{name}" for name in names)
        before = ("setpriv", "--bounding-set", dropped, "--inh-caps", dropped)
        check_no_start(tap_, world_, f"no {what}", words, before=before)
        check_no_start(tap_, world_, f"no {what}, --check", words, "--check", before=before)


# What iptables of either flavour says on a kernel without a target.
WITHOUT = """
case "$name" in
*-restore)
    rules=$(cat)
    if line=$(printf '%s\\n' "$rules" | grep -n -e '-j {target} '); then
        echo "$name: line ${line%%:*} failed: No chain/target/match by that name." >&2
        exit 1
    fi
    printf '%s\\n' "$rules" | {real} "$name" "$@"
    ;;
*)
    case "$*" in *"-j {target} "*)
        echo "$name: No chain/target/match by that name." >&2
        exit 1;;
    esac
    exec {real} "$name" "$@"
    ;;
esac
"""


def without(world_, target):
    return wrapper.before(world_, WITHOUT.replace("{target}", target))


def check_no_target(tap_, world_):
    check_no_start(tap_, world_, "a kernel without the NFQUEUE target", ("NFQUEUE",),
                   before=without(world_, "NFQUEUE"))
    check_no_start(tap_, world_, "a kernel without the SET target",
                   ("lacks the SET target", "--kernel-cache=off"), "--kernel-cache=on",
                   before=without(world_, "SET"))
    with daemon.Daemon(world_, daemon.ASK_ALWAYS, before=without(world_, "SET")) as netpold:
        tap_.equal("where nothing is to be remembered, that is no reason not to start",
                   "running", netpold.wait_refused())
        netpold.stop()
    daemon.clean(world_)


def check_queue_taken(tap_, world_):
    world_.node.call("take_queue", number=QUEUE)
    check_no_start(tap_, world_, "a queue number that another process has taken (L15)",
                   (str(QUEUE), "queue-base"))
    world_.node.call("release_queue", number=QUEUE)


def check_bridge_settings(tap_, world_):
    """Only a bridge needs them (NF-7)."""
    for family, word in (("4", "bridge-nf-call-iptables"), ("6", "bridge-nf-call-ip6tables")):
        world_.call_iptables(family, 0)
        check_no_start(tap_, world_, f"{word} is off while pods are on a bridge", (word,))
        world_.call_iptables(family, 1)


def check_left_nothing(tap_, world_):
    tap_.equal("who could not start left no rule behind", [], world_.netfilter.own_rules())
    tap_.equal("who could not start left no set behind", {}, world_.netfilter.sets())


# ---- while it runs -----------------------------------------------------------

def check_in_force(tap_, world_, after):
    probe.check_all(tap_, world_, [
        Probe(f"after {after}, what was allowed still is", "client", "web", "udp", 9000, ALLOWED),
        Probe(f"after {after}, what was denied still is", "guest", "web", "udp", 9000, DENIED)])


def check_refused_edit(tap_, netpold, what, words, edit):
    start = len(netpold.log.lines)
    line = netpold.wait_refusal(edit)
    expected = f"; generation {netpold.generation} stays in force"
    tap_.true(f"running, {what}: the log says that the generation stays in force",
              line.endswith(expected), f"…{expected}", line)
    tap_.true(f"running, {what}: the line says what is wrong",
              all(word.lower() in line.lower() for word in words), " … ".join(words), line)
    errors = [text for _, text in netpold.log.lines[start:] if "netpold: error:" in text]
    tap_.equal(f"running, {what}: one line is all", [line], errors)


def check_bad_edits(tap_, world_, netpold):
    for case in TEXTS:
        def edit(text=case.text):
            world_.folder.put_text("bad.yaml", text)
        check_refused_edit(tap_, netpold, case.name, case.words, edit)
    check_in_force(tap_, world_, "bad edits")
    world_.folder.remove("bad.yaml")


def check_missing_folder(tap_, world_, netpold):
    elsewhere = world_.folder.real.with_name("elsewhere")
    check_refused_edit(tap_, netpold, "the folder is moved away", (world_.folder.path,),
                       lambda: world_.folder.move(elsewhere))
    check_in_force(tap_, world_, "the folder is gone")
    elsewhere.rename(world_.folder.real)


def check_recovery(tap_, world_, netpold):
    netpold.apply(scenario.allow_clients())
    probe.check_all(tap_, world_, [Probe("after all that, a good edit is in force",
                                         "client", "web", "udp", 9001, ALLOWED)])


def check_second_daemon(tap_, world_):
    check_no_start(tap_, world_, "a second netpold", ("another netpold",), "--queue-base",
                   str(QUEUE + 100))
    check_in_force(tap_, world_, "a second netpold was refused")


def check_world(tap_, world_):
    tap_.section(world_.name)
    shutil.copy(daemon.PROGRAM, world_.node.path(PROGRAM_IN_NODE))
    check_bad_manifests(tap_, world_)
    check_bad_usage(tap_, world_)
    check_privileges(tap_, world_)
    check_queue_taken(tap_, world_)
    check_no_target(tap_, world_)
    if world_.layout == "bridge":
        check_bridge_settings(tap_, world_)
    check_left_nothing(tap_, world_)

    world_.folder.put("policies", POLICY)
    with daemon.Daemon(world_) as netpold:
        netpold.wait_in_force()
        check_in_force(tap_, world_, "a good start")
        check_second_daemon(tap_, world_)
        check_bad_edits(tap_, world_, netpold)
        check_missing_folder(tap_, world_, netpold)
        check_recovery(tap_, world_, netpold)


def test(tap_):
    for world_ in world.variants(scenario.specs("web", "client", "guest")):
        check_world(tap_, world_)


if __name__ == "__main__":
    tap.main(test)
