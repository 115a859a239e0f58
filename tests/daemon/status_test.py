#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""`netpold status` against a daemon that says whatever a test wants it to say.

Prints TAP. NETPOLD names the program (default: build/netpold). What a real
daemon says is tested in tests/e2e/status_test.py.
"""

import json
import os
import pathlib
import queue
import re
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "include" / "netpold" / "schema" / "status.schema.json"
NETPOLD = os.environ.get("NETPOLD", str(ROOT / "build" / "netpold"))

sys.path[:0] = [str(ROOT / "tests" / "daemon"), str(ROOT / "tests" / "e2e")]
import fake_daemon  # noqa: E402
import schema  # noqa: E402
import tap  # noqa: E402

PATIENCE_S = 5  # of the command, by its help

SINCE = "2024-02-29T12:34:56.789Z"
TROUBLE = {"since": SINCE, "reason": "web.yaml:9: NetworkPolicy shop/web: no"}


def metric(name, *values, label=None, **more):
    """A metric with the values of label 0, 1 … or one without label."""
    return {"name": name, "type": "counter", "unit": "things", "help": "A help.", "values": [
        {"labels": {label[0]: label[1][i] if isinstance(label[1], tuple) else str(label[1] + i)},
         "value": value, **more} if label else
        {"value": value, **more} for i, value in enumerate(values)]}


PID_NAMESPACE = os.stat("/proc/self/ns/pid").st_ino

STATUS = {
    "netpold": "9.8.7", "node": "node-a", "pid": 4711, "started_at": SINCE, "mode": "enforce",
    "generation": 3, "in_force_since": SINCE,
    "last_change": {"received_at": "2024-02-29T12:34:56.765Z", "published_at": SINCE,
                    "in_force_at": SINCE},
    "policies": 12, "pods": 480, "local_pods": 23, "isolated": {"egress": 10, "ingress": 14},
    "revoked": 2, "picked_up": 1, "iptables": "nft", "mark_mask": "0x107f",
    "queues": {"first": 17000, "count": 3}, "pid_namespace": PID_NAMESPACE,
    "ready_since": SINCE, "source": {"kind": "manifests", "paths": ["dump/", "web.yaml"]},
}
WORKER, QUEUE = ("worker", 0), ("queue", 17000)
VERDICT = ("verdict", ("deny", "allow"))
METRICS = [
    metric("netpold_queue_waiting_packets", 0, 0, 5, label=QUEUE),
    metric("netpold_queue_dropped_packets_total", 0, 11, 0, label=QUEUE),
    metric("netpold_queue_user_dropped_packets_total", 0, 1, 0, label=QUEUE),
    metric("netpold_queue_overruns_total", 0, 1, 0, label=WORKER),
    metric("netpold_packets_total", 1000, 200, 30, label=WORKER),
    metric("netpold_packets_allowed_total", 900, 150, 20, label=WORKER),
    metric("netpold_packets_passed_total", 1, 0, 0, label=WORKER),
    metric("netpold_packets_denied_total", 99, 50, 10, label=WORKER),
    metric("netpold_packets_rejected_total", 40, 20, 1, label=WORKER),
    metric("netpold_packets_unparsable_total", 0, 2, 0, label=WORKER),
    metric("netpold_packets_unclassified_total", 0, 0, 0, label=WORKER),
    metric("netpold_held_packets", 2, 0, 1, label=WORKER),
    metric("netpold_held_packets_released_total", 30, 4, 0, label=WORKER),
    metric("netpold_held_packets_timed_out_total", 0, 5, 1, label=WORKER),
    metric("netpold_held_packets_overflowed_total", 0, 7, 0, label=WORKER),
    metric("netpold_unjudged_packets_total", 15),
    metric("netpold_limited_packets_total", 77),
    metric("netpold_cache_hits_total", 700, 50, 0, label=WORKER),
    metric("netpold_cache_misses_total", 200, 40, 10, label=WORKER),
    metric("netpold_cache_evictions_total", 4, 0, 0, label=WORKER),
    metric("netpold_kernel_cache_capacity_answers", 512, 512, label=VERDICT),
    metric("netpold_kernel_cache_answers", 7, 12, label=VERDICT),
    metric("netpold_kernel_cache_hits_total", 300, 80000, label=VERDICT),
    metric("netpold_resident_memory_bytes", 4 << 20),
    metric("netpold_snapshot_memory_bytes", 1024, 2048, label=("part", 0)),
]

PAGE = f"""\
netpold 9.8.7 on node-a: all is in force

In force     generation 3, 24 ms after it was noticed
             since {SINCE} (AGE)
Connections  obey it; 2 revoked and 1 picked up since the start
Source       manifests in dump/, web.yaml
Objects      12 policies, 480 pods, of which 23 on this node
Isolated     10 addresses for egress, 14 for ingress

Queue        WAITING   DROPPED  OVERRUNS   PACKETS   ALLOWED    PASSED    DENIED
all                5        12         1      1230      1070         1       159
17001              0        12         1       200       150         0        50
17002              5         0         0        30        20         0        10

Unjudged     15 packets, of which 3 were let through
Held         3 packets for pods to come; 34 judged, 6 timed out, 7 overflowed
Rejected     61 denied packets were answered to their senders
Limited      77 packets of sources that send too many were not judged
Unparsable   2 packets could not be read, and are denied to isolated pods
Remembered   75.0 % of 1000 questions, 4 answers forgotten early
In kernel    12 answers allow, used 80000 times; 7 deny, used 300 times
Memory       4096 KiB, of which 3 KiB compiled policies
Process      4711, since {SINCE} (AGE)
Rules        iptables nft, mark mask 0x107f
"""


# ---- a daemon -----------------------------------------------------------------


def answers(status=None, metrics=None, denied=(), receipts=None):
    """Says what it is asked for, with these changes. @denied, @receipts: None, as an
    older one."""
    told = {"status": {**STATUS, **(status or {})},
            "metrics": METRICS if metrics is None else metrics, "denied": denied,
            "receipts": receipts}
    told["status"] = {key: value for key, value in told["status"].items() if value is not None}

    def answer(line):
        name = json.loads(line)["get"]
        if told[name] is None:
            return b'{"version": 1, "error": "get takes something else"}\n'
        return json.dumps({"version": 1, name: told[name]}).encode() + b"\n"
    return answer


def netpold(*arguments, **environment):
    environment = {**os.environ, **environment}
    return subprocess.run([NETPOLD, "status", *arguments], capture_output=True, text=True,
                          timeout=60, check=False, env=environment, errors="replace")


def ask(answer, *arguments):
    with fake_daemon.listening(answer) as path:
        return netpold("--status-socket", path, *arguments)


# ---- pages --------------------------------------------------------------------


def check_page(tap_):
    done = ask(answers())
    page = re.sub(r"\(\d+ d \d+ h\)", "(AGE)", done.stdout)
    tap_.equal("all in force: the page", PAGE, page)
    tap_.equal("all in force: exit status 0, and no error", (0, ""),
               (done.returncode, done.stderr))
    tap_.equal("it fits a screen", (True, []), (
        len(page.splitlines()) <= 24, [line for line in page.splitlines() if len(line) > 80]))


DENIED = [{"packets": 300 - number, "flow": f"shop/a -> shop/b:{number}/TCP",
           "why": "ingress: shop/b is isolated by shop/p", "decision": {}}
          for number in range(3)]


def check_denied(tap_):
    done = ask(answers(denied=DENIED))
    tap_.true("what the kernel denies most: the page tells of two", """
Denied       shop/a -> shop/b:0/TCP, 300 packets
             ingress: shop/b is isolated by shop/p
             shop/a -> shop/b:1/TCP, 299 packets
             ingress: shop/b is isolated by shop/p
Memory """ in done.stdout, "Denied …", done.stdout)
    done = ask(answers(denied=DENIED), "--output", "json")
    tap_.equal("JSON has all", DENIED, json.loads(done.stdout)["denied"])
    done = ask(answers(denied=None))
    tap_.equal("a daemon that cannot tell is no trouble", (0, "", False),
               (done.returncode, done.stderr, "Denied" in done.stdout))


def resource(name, **more):
    counts = ("objects", "lists", "watches", "events", "failures", "requests")
    return {"name": name, "synced": True, "served": True, **dict.fromkeys(counts, 0), **more}


def from_server(*resources, ignored=0):
    return {"source": {"kind": "api-server", "server": "https://10.96.0.1:443",
                       "resources": list(resources), "ignored_cluster_network_policies": ignored}}


AWAY = "cannot connect to https://10.96.0.1:443: refused"


def check_source(tap_):
    def ago(seconds):
        return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() - seconds))

    done = ask(answers(from_server(resource("pods", heard_at=ago(5)),
                                   resource("nodes", heard_at=ago(65)),
                                   resource("clusternetworkpolicies", served=False))))
    tap_.equal("an API server is followed: exit status 0", 0, done.returncode)
    tap_.true("an API server is followed: what has been silent for longest counts",
              re.search(r"\nSource       https://10.96.0.1:443, all heard of in the last "
                        r"1 min [5-9] s\nObjects", done.stdout), "1 min 5 s", done.stdout)
    tap_.true("an API server is not heard of yet: the page says so",
              "443, not heard of yet\n" in ask(answers(from_server(resource("pods")))).stdout,
              "not heard of yet", "")
    page = ask(answers({"source": None})).stdout
    tap_.true("an older daemon tells of no source", "Source" not in page, "nothing", page)


NEGATIVE = (
    ("the API server is away",
     from_server(resource("pods", trouble=AWAY), resource("nodes", trouble=AWAY),
                 resource("namespaces", trouble="403"), resource("networkpolicies")),
     ("objects are NOT FOLLOWED, what was read last is in force", f"             pods: {AWAY}\n",
      "             nodes: the same\n", "             namespaces: 403\nObjects", "generation 3")),
    ("a policy cannot be read in full",
     from_server(resource("pods"), resource("networkpolicies", objects=3, unreadable=1,
                                            first_unreadable="shop/web")),
     ("objects are NOT READ in full, and not in force as they stand",
      "NOT READ     1 of networkpolicies in full, as shop/web: the log says why\n")),
    ("there are ClusterNetworkPolicies",
     from_server(resource("clusternetworkpolicies", objects=12), ignored=12),
     ("ClusterNetworkPolicies are NOT ENFORCED, all else is in force",
      "NOT ENFORCED 12 ClusterNetworkPolicies, which the API server has\n")),
    ("a change is refused", {"refused": TROUBLE},
     ("a change is REFUSED", "Refused      web.yaml:9: NetworkPolicy shop/web: no",
      "generation 3")),
    ("open connections do not obey", {"unsettled": TROUBLE},
     ("NOT OBEY", "Not obeyed   web.yaml:9: NetworkPolicy shop/web: no")),
    ("a worker stands still", {"stalled": TROUBLE},
     ("a worker STANDS STILL", "Stalled      web.yaml:9: NetworkPolicy shop/web: no",
      "In force")),
    ("a worker stands still, and a change is refused", {"stalled": TROUBLE, "refused": TROUBLE},
     ("a worker STANDS STILL", "Stalled      web.yaml:9", "Refused      web.yaml:9")),
    ("an operator has paused it, and a change is refused",
     {"paused": {**TROUBLE, "until": "2020-01-01T00:00:00.000Z"}, "in_force_since": None,
      "refused": TROUBLE},
     ("enforcement is PAUSED, nothing is denied", "Paused       until 2020-01-01T00:00:00.000Z, for 0 s",
      "             web.yaml:9: NetworkPolicy shop/web: no", "Refused      web.yaml:9",
      "Connections  are not judged; ")),
    ("it was started in a pause", {"generation": 0, "paused": {**TROUBLE, "until": SINCE}},
     ("enforcement is PAUSED",)),
    ("objects cannot be read since the start",
     {"warm": {"since": SINCE, "written_at": "2024-02-29T12:30:00.000Z"}, "refused": TROUBLE},
     ("objects CANNOT BE READ, those of the last run are in force", f"Warm         since {SINCE} (",
      "), with what was read until\n             2024-02-29T12:30:00.000Z (", "Refused      web.yaml:9",
      "In force     generation 3")),
    ("netpold is starting", {"generation": 0, "in_force_since": None, "last_change": None,
                             "iptables": None},
     ("STARTING, nothing is in force yet",)),
    ("netpold cannot start yet", {"generation": 0, "refused": TROUBLE},
     ("STARTING", "web.yaml:9")),
)


def check_negative(tap_):
    for sentence, changes, words in NEGATIVE:
        done = ask(answers(changes))
        tap_.equal(f"{sentence}: exit status 1", 1, done.returncode)
        tap_.equal(f"{sentence}: the page says so", [],
                   [word for word in words if word not in done.stdout])
        tap_.true(f"{sentence}: the first line says so", words[0] in done.stdout.splitlines()[0],
                  words[0], done.stdout)


AUDIT_METRICS = [each for each in METRICS if each["name"].startswith(
    ("netpold_packets_", "netpold_cache_", "netpold_resident", "netpold_snapshot"))] + [
    metric("netpold_queue_overruns_total", 1, label=WORKER),
    metric("netpold_copies_lost_total", 42, label=WORKER)]

AUDIT_PAGE = """\
Copies      OVERRUNS   PACKETS   ALLOWED    PASSED    DENIED
all                1      1230      1070         1       159

Lost         42 copies; what counts as denied has passed, too
"""


def check_audit(tap_):
    done = ask(answers({"mode": "audit"}, AUDIT_METRICS))
    tap_.true("an audit: the first line says that nothing is enforced",
              done.stdout.startswith("netpold 9.8.7 on node-a: NOTHING IS ENFORCED (--mode=audit); "
                                     "all is audited\n"), "that", done.stdout)
    tap_.equal("an audit: nothing is wrong with it", 0, done.returncode)
    tap_.equal("an audit: the page tells of copies, and of no queue", [],
               [words for words in (AUDIT_PAGE, "Audited      generation 3",
                                    "Connections  are not touched\n")
                if words not in done.stdout] + [
                words for words in ("?", "In force", "Unjudged") if words in done.stdout])
    done = ask(answers({"mode": "audit", "refused": TROUBLE}, AUDIT_METRICS))
    tap_.true("an audit: a change may be refused as ever", done.returncode == 1 and
              "NOTHING IS ENFORCED (--mode=audit); a change is REFUSED\n" in done.stdout,
              "a change is REFUSED", done.stdout)


def check_ages(tap_):
    for seconds, pattern in ((5, r"\([5-9] s\)"), (125, r"\(2 min [5-9] s\)"),
                             (3 * 3600 + 60, r"\(3 h 1 min\)"), (2 * 86400 + 3600, r"\(2 d 1 h\)"),
                             (-30, r"\(0 s\)")):
        then = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() - seconds))
        page = ask(answers({"in_force_since": then})).stdout
        tap_.true(f"what is {seconds} s old is said to be so",
                  re.search(f"In force.*\n *since {then} {pattern}", page), pattern, page)


def check_other_versions(tap_):
    """What a daemon of another version does not tell is no trouble."""
    page = ask(answers({"isolated": None, "picked_up": None, "new": {"thing": 1}}, []))
    tap_.equal("what is not told: exit status 0", 0, page.returncode)
    for words in ("Isolated     ? addresses for egress, ? for ingress", "Unjudged     ? packets",
                  "and ? picked up", "Memory       ? KiB"):
        tap_.true(f"what is not told is a question mark ({words[:8].strip()})",
                  words in page.stdout, words, page.stdout)
    page = ask(answers({"generation": 10**15, "queues": {"first": -1, "count": 10**12}}))
    tap_.equal("numbers without sense do no harm", 0, page.returncode)


# Asked with --ready: what the daemon tells, exit status, the line.
READINESS = (
    ("it is ready", {}, 0, f"ready since {SINCE}"),
    ("a change is refused, which does not matter", {"refused": TROUBLE}, 0,
     f"ready since {SINCE}"),
    ("a daemon of another container answers", {"pid_namespace": 1}, 1,
     "not ready: the netpold that answers is that of another container"),
    ("the daemon cannot tell its container, and its word counts", {"pid_namespace": 0}, 0,
     f"ready since {SINCE}"),
    ("it waits", {"ready_since": None, "unready": "not ready: waiting for pods\x1b"}, 1,
     "not ready: waiting for pods?"),
    ("an older daemon does not tell", {"ready_since": None, "pid_namespace": None}, 1, "?"),
)


def check_ready(tap_):
    for sentence, changes, status, line in READINESS:
        done = ask(answers(changes), "--ready")
        tap_.equal(f"--ready, {sentence}: exit status {status}, and why", (status, line + "\n", ""),
                   (done.returncode, done.stdout, done.stderr))
    done = ask(lambda _: b"\n", "--ready")
    tap_.equal("--ready, no netpold answers: exit status 2", (2, ""),
               (done.returncode, done.stdout))


# Asked with --live, likewise.
LIVENESS = (
    ("it lives", {}, 0, "alive"),
    ("it is not ready, which does not matter", {"ready_since": None, "unready": "no"}, 0, "alive"),
    ("it is stuck", {"stuck": "stuck: the control loop turned 61.0 s ago\x1b"}, 1,
     "stuck: the control loop turned 61.0 s ago?"),
    ("another container's is", {"stuck": "stuck", "pid_namespace": 1}, 0,
     "alive: the netpold that answers is that of another container"),
)


def check_live(tap_):
    for sentence, changes, status, line in LIVENESS:
        done = ask(answers(changes), "--live")
        tap_.equal(f"--live, {sentence}: exit status {status}, and why", (status, line + "\n", ""),
                   (done.returncode, done.stdout, done.stderr))
    done = ask(lambda _: b"\n", "--live")
    tap_.equal("--live, no netpold answers: exit status 2", (2, ""),
               (done.returncode, done.stdout))


def check_terminal(tap_):
    reason = "a\x1b]0;gotcha\x07\x9b31m\n\r\x7fä"
    page = ask(answers({"refused": {**TROUBLE, "reason": reason}})).stdout
    tap_.true("control characters do not reach the terminal",
              "Refused      a?]0;gotcha??31m???ä\n" in page, "question marks", repr(page))


def check_json(tap_):
    root = json.loads(SCHEMA.read_text())
    server = from_server(resource("pods", heard_at=SINCE, trouble=AWAY))
    for sentence, changes, status in (("all in force", {}, 0), ("refused", {"refused": TROUBLE}, 1),
                                      ("from an API server", server, 1),
                                      ("an audit", {"mode": "audit"}, 0),
                                      ("stalled", {"stalled": TROUBLE}, 1)):
        done = ask(answers(changes, denied=DENIED), "--output", "json")
        told = json.loads(done.stdout)
        tap_.equal(f"JSON, {sentence}: exit status {status}", status, done.returncode)
        tap_.equal(f"JSON, {sentence}: it keeps to its schema", [],
                   list(schema.violations(told, root)))
        tap_.equal(f"JSON, {sentence}: it is what the daemon says",
                   {"version": 1, "status": {**STATUS, **changes}, "metrics": METRICS,
                    "denied": DENIED}, told)


# ---- policies -----------------------------------------------------------------

RECEIPTS = [
    {"namespace": "shop", "name": "db", "in_force_since": "2020-01-01T00:00:00.000Z"},
    {"namespace": "shop", "name": "web\x1b[31m", "generation": 12,
     "in_force_since": "2020-01-02T00:00:00.000Z", "uid": "u-1", "unreadable": True},
]


def check_policies(tap_):
    done = ask(answers(receipts=RECEIPTS), "--policies")
    table = [line.partition(" (")[0] for line in done.stdout.splitlines()[-4:]]
    tap_.equal("a list of policies follows the page", [
        "", "GENERATION  IN FORCE SINCE            POLICY",
        "         -  2020-01-01T00:00:00.000Z  shop/db",
        "        12  2020-01-02T00:00:00.000Z  shop/web?[31m"], table)
    tap_.equal("it marks what is in force in part", [False, True],
               [line.endswith("), NOT READ in full") for line in done.stdout.splitlines()[-2:]])
    tap_.equal("exit status 0", (0, ""), (done.returncode, done.stderr))
    done = ask(answers(receipts=RECEIPTS))
    tap_.true("nobody gets it unasked", "GENERATION" not in done.stdout, "no list", done.stdout)
    told = json.loads(ask(answers(receipts=RECEIPTS), "--policies", "--output=json").stdout)
    tap_.equal("JSON has it, and keeps to its schema", (RECEIPTS, []),
               (told["receipts"], list(schema.violations(told, json.loads(SCHEMA.read_text())))))
    done = netpold("--policies", "--ready")
    tap_.true("who wants one line gets no list", done.returncode == 2
              and "--ready, --live and --policies exclude each other" in done.stderr, 2, done.stderr)
    done = ask(answers(), "--policies")
    tap_.true("an older daemon has none: exit status 2", done.returncode == 2
              and "get takes something else" in done.stderr, 2, done.stderr)


# ---- trouble ------------------------------------------------------------------

TROUBLES = (
    ("an error", lambda _: b'{"version": 1, "error": "no memory"}\n', "says: no memory"),
    ("garbage", lambda _: b"\xff garbage\n", "no netpold of this version"),
    ("an empty line", lambda _: b"\n", "no netpold of this version"),
    ("a list", lambda _: b"[]\n", "no netpold of this version"),
    ("another version", lambda _: b'{"version": 2, "status": {}}\n',
     "no netpold of this version"),
    ("something else", lambda _: b'{"version": 1, "weather": {}}\n', "does not tell its status"),
    ("nothing, and hangs up", lambda _: b"", "has hung up"),
)


def check_trouble(tap_):
    for sentence, answer, words in TROUBLES:
        done = ask(answer)
        tap_.equal(f"the daemon says {sentence}: exit status 2, and no page", (2, ""),
                   (done.returncode, done.stdout))
        tap_.true(f"the daemon says {sentence}: one line says what is wrong",
                  words in done.stderr and len(done.stderr.splitlines()) == 1, words, done.stderr)


def check_patience(tap_):
    def say_half(line):
        return answers()(line)[:-10]

    def say_forever(_line):
        return b"x" * (17 << 20)

    for sentence, answer, words in (("says nothing", lambda _: None, "not answered within 5 s"),
                                    ("stops in the middle", say_half, "not answered within 5 s"),
                                    ("does not come to an end", say_forever, "too long")):
        hung_up = queue.SimpleQueue()
        with fake_daemon.listening(answer, hung_up=hung_up.put) as path:
            done = netpold("--status-socket", path)
            took = hung_up.get(timeout=60)
        tap_.true(f"the daemon {sentence}: exit status 2 and one line, in {PATIENCE_S} s",
                  done.returncode == 2 and words in done.stderr and took < PATIENCE_S + 2,
                  words, f"{done.returncode} after {took:.1f} s: {done.stderr}")


def check_nobody(tap_):
    with tempfile.TemporaryDirectory(prefix="netpold-status-") as folder:
        path = f"{folder}/status.sock"
        done = netpold("--status-socket", path)
        tap_.equal("no socket: exit status 2", (2, ""), (done.returncode, done.stdout))
        tap_.true("no socket: one line names it", f"no netpold answers at '{path}'" in done.stderr,
                  path, done.stderr)
        dead = socket.socket(socket.AF_UNIX)
        dead.bind(path)
        dead.close()
        done = netpold("--status-socket", path)
        tap_.equal("a dead daemon's socket: exit status 2", 2, done.returncode)
        tap_.true("a dead daemon's socket: the line is the same",
                  f"no netpold answers at '{path}'" in done.stderr, path, done.stderr)
        done = netpold("--status-socket", f"{folder}/{'x' * 200}")
        tap_.equal("a path that is too long: exit status 2", 2, done.returncode)


def check_usage(tap_):
    with fake_daemon.listening(answers()) as path:
        done = netpold(NETPOLD_STATUS_SOCKET=path)
        tap_.equal("the socket's path may be in the environment", (0, ""),
                   (done.returncode, done.stderr))
        done = netpold("--status-socket", path, NETPOLD_STATUS_SOCKET="/nowhere")
        tap_.equal("the command line counts more", (0, ""), (done.returncode, done.stderr))
    for sentence, arguments in (("an unknown option", ("--wrong",)),
                                ("an unknown format", ("--output", "yaml")),
                                ("a path without its option", ("x.sock",)),
                                ("an option without its value", ("--status-socket",))):
        done = netpold(*arguments)
        tap_.true(f"{sentence} is refused",
                  done.returncode == 2 and "netpold: error: status: " in done.stderr,
                  "exit status 2", f"{done.returncode}: {done.stderr}")
    done = netpold("--help")
    tap_.true("its help fits a screen", done.returncode == 0 and
              len(done.stdout.splitlines()) <= 24, "at most 24 lines", done.stdout)


def test(tap_):
    check_page(tap_)
    check_denied(tap_)
    check_source(tap_)
    check_negative(tap_)
    check_audit(tap_)
    check_ready(tap_)
    check_live(tap_)
    check_ages(tap_)
    check_other_versions(tap_)
    check_terminal(tap_)
    check_json(tap_)
    check_policies(tap_)
    check_trouble(tap_)
    check_patience(tap_)
    check_nobody(tap_)
    check_usage(tap_)


if __name__ == "__main__":
    tap.main(test)
