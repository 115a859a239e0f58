#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""`netpold suggest`: from traffic to policies and back (L37).

    shop/web      Deployment, two pods, port http   asked by shop/client and the outside
    shop/client   Deployment
    shop/db       StatefulSet                       asked by shop/web
    kube-system/dns                                 asked by shop/web
    shop/idle     Deployment                        nobody has seen it

Prints TAP. NETPOLD names the program (default: build/netpold).
"""

import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import threading

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
CASES = ROOT / "tests" / "cases"
NETPOLD = os.path.abspath(os.environ.get("NETPOLD", ROOT / "build" / "netpold"))
SCHEMA = json.loads((ROOT / "include" / "netpold" / "schema" / "suggest-report.schema.json").read_text())

sys.path[:0] = [str(CASES), str(ROOT / "tests" / "e2e"), str(ROOT / "tests" / "daemon"),
                str(ROOT / "tests" / "bench")]
import make_pcaps as pcaps  # noqa: E402
import manifests  # noqa: E402
import replay_test  # noqa: E402
import schema  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402

WEB, WEB_2, CLIENT, DB, DNS, IDLE = (f"10.1.{i}.10" for i in range(6))
OUTSIDE = "203.0.113.7"


def owned(kind, owner, made):
    made["metadata"]["ownerReferences"] = [
        {"apiVersion": "apps/v1", "kind": kind, "name": owner, "uid": "u", "controller": True}]
    return made


def deployed(name, address, ports=(), end="x2f8k"):
    labels = {"app": name, "pod-template-hash": "7d4b9c6f5d"}
    return owned("ReplicaSet", f"{name}-7d4b9c6f5d", manifests.pod(
        f"{name}-7d4b9c6f5d-{end}", "shop", "node-1", [address], labels, ports))


PODS = [
    manifests.namespace("shop"), manifests.namespace("kube-system"),
    deployed("web", WEB, [("http", 8080, "TCP")]),
    deployed("web", WEB_2, [("http", 8080, "TCP")], end="q9zz2"),
    deployed("client", CLIENT),
    owned("StatefulSet", "db", manifests.pod("db-0", "shop", "node-1", [DB], {"app": "db"})),
    owned("ReplicaSet", "coredns-bcdfghjklm", manifests.pod(
        "coredns-bcdfghjklm-x2f8k", "kube-system", "node-1", [DNS], {"k8s-app": "kube-dns"})),
    deployed("idle", IDLE),
]

TRAFFIC = pcaps.traffic(
    pcaps.connection(CLIENT, 40000, WEB, 8080),
    pcaps.connection(CLIENT, 40001, WEB_2, 8080),
    pcaps.connection(OUTSIDE, 40002, WEB, 8080),
    pcaps.connection(OUTSIDE, 40003, WEB, 8080),
    pcaps.connection(WEB, 40004, DB, 5432),
    pcaps.connection(WEB_2, 40005, DB, 5432),
    pcaps.lookup(WEB, 40006, DNS),
    pcaps.connection(CLIENT, 40007, DB, 5432),
)
OTHER = pcaps.traffic(
    pcaps.attempt(CLIENT, 41000, WEB, 8081),
    pcaps.attempt(DB, 41001, WEB, 8080),
    pcaps.attempt(CLIENT, 41002, DB, 5432),
    pcaps.attempt("198.51.100.1", 41003, WEB, 8080),
    pcaps.lookup(CLIENT, 41004, DNS),
)


def netpold(*arguments, stdin=b""):
    return subprocess.run([NETPOLD, *map(str, arguments)], input=stdin, capture_output=True,
                          timeout=120, check=False)


def write(folder, name, *objects):
    path = folder / f"{name}.json"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    return path


def suggest(*arguments, stdin=b""):
    return netpold("suggest", *arguments, stdin=stdin)


def documents(text):
    return [document for document in yaml.safe_load_all(text) if document]


def named(text):
    return {(d["metadata"]["namespace"], d["metadata"]["name"]): d["spec"] for d in documents(text)}


def replay(paths, capture):
    arguments = [word for path in paths for word in ("--manifests", path)]
    return netpold("replay", *arguments, "--output", "json", capture).stdout


def verdicts(paths, capture):
    return [json.loads(line)["verdict"] for line in replay(paths, capture).splitlines()]


# ---- from traffic to policies and back ------------------------------------------


def check_round_trip(tap_, folder):
    world, seen, other = write(folder, "world", *PODS), folder / "seen.pcap", folder / "other.pcap"
    seen.write_bytes(TRAFFIC)
    other.write_bytes(OTHER)
    rest = folder / "rest.yaml"
    done = suggest("--manifests", world, "--to-decide", rest, seen)
    policies = folder / "suggested.yaml"
    policies.write_bytes(done.stdout)
    tap_.equal("exit status 0", (0, "flows: 8\npolicies: 4, to decide: 2, workloads not seen: 1\n"),
               (done.returncode, done.stderr.decode()))
    tap_.equal("one policy for each workload that was seen",
               [("kube-system", "coredns"), ("shop", "client"), ("shop", "db"), ("shop", "web")],
               sorted(named(done.stdout)))
    checked = netpold("check", "--strict", policies, rest, world)
    tap_.equal("netpold check finds no error in them", 0, checked.returncode)
    tap_.equal("what was seen is allowed, but for what is to decide",
               ["allow"] * 7 + ["deny"], verdicts([world, policies], seen))
    tap_.equal("with that, all of it", ["allow"] * 8, verdicts([world, policies, rest], seen))
    tap_.equal("other traffic is denied", ["deny"] * 5, verdicts([world, policies], other))
    return world, seen, policies, rest


def check_words(tap_, folder, world, seen, rest):
    done = suggest("--manifests", world, seen)
    text = done.stdout.decode()
    web = named(text)["shop", "web"]
    tap_.equal("selectors have stable labels alone", {"matchLabels": {"app": "web"}},
               web["podSelector"])
    tap_.equal("ports have the names of the pods", [{"port": "http", "protocol": "TCP"}],
               web["ingress"][0]["ports"])
    tap_.equal("addresses outside are a block", [
        {"podSelector": {"matchLabels": {"app": "client"}}},
        {"ipBlock": {"cidr": "203.0.113.0/24"}}], web["ingress"][0]["from"])
    tap_.equal("lookups are one rule", [{
        "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
                "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}],
        "ports": [{"port": 53, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}]}],
        web["egress"][:1])
    for sentence, line in (
            ("comments say whose a policy is", "# shop/web (Deployment, 2 pods)\n"),
            ("and how often and when last a rule was used",
             "  # shop/db: 2 times, last 2023-11-14T22:13:20."),
            ("and each peer of it", "    # shop/client: 2 times, last 2023-11-14T22:13:20."),
            ("with those outside", "    # outside: 2 times, last 2023-11-14T22:13:20."),
            ("and what was not seen", "# - shop/idle\n"),
            ("what is to decide comes commented out", "#   name: db-to-decide\n")):
        tap_.true(sentence, line in text, line, text)
    tap_.equal("--merge-prefix is how long blocks are", "203.0.113.7/32", named(suggest(
        "--manifests", world, "--merge-prefix", "32/128", seen).stdout)[
            "shop", "web"]["ingress"][0]["from"][1]["ipBlock"]["cidr"])
    tap_.equal("--min-count 1 sets nothing apart", [], documents(rest.read_text())[2:] + [
        name for name in named(suggest("--manifests", world, "--min-count", "1", seen).stdout)
        if name[1].endswith("-to-decide")])
    lines = suggest("--manifests", world, "--output", "json", seen).stdout.splitlines()
    for sentence, more, words in (
            ("without a file for it JSON has nothing of what is to decide, which is told", [],
             b"what 2 policies to decide would allow is not in this output: --to-decide names a file"),
            ("with one it has", ["--to-decide", folder / "rest.json"], b"")):
        done = suggest("--manifests", world, "--output", "json", *more, seen)
        tap_.true(sentence, words in done.stderr and (b"not in this" in done.stderr) == (words != b""), words,
                  done.stderr.decode())
    tap_.equal("a file of what is to decide says why", "# To decide: seen too seldom, not to be "
               "allowed without every port, or of an", rest.read_text().splitlines()[0])
    tap_.equal("JSON has the same policies",
               sorted((d["metadata"]["namespace"], d["metadata"]["name"]) for d in map(json.loads, lines)),
               sorted(named(text)))


def one_other_packet(replayed):
    """To a port that nobody has seen, between ends that a rule lets talk; or None."""
    for line in replayed.splitlines():
        record = json.loads(line)
        if "rule" in (record["egress"]["reason"], record["ingress"]["reason"]):
            return pcaps.traffic(pcaps.attempt(record["from"]["ip"], 55555, record["to"]["ip"], 7)[:1])
    return None


def check_cases(tap_, folder):
    n_others = 0
    for case in sorted(path for path in CASES.iterdir() if (path / "traffic.pcap").exists()):
        sentence = case.name.replace("-", " ")
        world = [d for d in yaml.safe_load_all((case / "cluster.yaml").read_text())
                 if d and d["kind"] != "NetworkPolicy"]
        cluster, rest = write(folder, "case", *world), folder / "rest.yaml"
        policies, other = folder / "suggested.yaml", folder / "other.pcap"
        done = suggest("--manifests", cluster, "--min-count", 1, "--to-decide", rest,
                       case / "traffic.pcap")
        policies.write_bytes(done.stdout)
        got = verdicts([cluster, policies, rest], case / "traffic.pcap")
        tap_.true(f"round trip: {sentence}",
                  done.returncode == 0 and "deny" not in got and got, "all allowed",
                  (got, done.stderr.decode()))
        packet = one_other_packet(replay([cluster, policies], case / "traffic.pcap"))
        if packet:
            n_others += 1
            other.write_bytes(packet)
            tap_.equal(f"one packet of other traffic is denied: {sentence}", ["deny"],
                       verdicts([cluster, policies], other))
    tap_.true("most cases have ends to send another packet between", n_others >= 9, "9", n_others)


# ---- records ---------------------------------------------------------------------


def record(source, target, port, verdict="allow", count=3, mode="enforce", protocol="TCP"):
    """An end is an address, or an address with namespace, pod and owner."""
    ends = [end if isinstance(end, dict) else {"ip": end} for end in (source, target)]
    side = {"verdict": verdict, "reason": "not-isolated" if verdict == "allow" else "no-rule-matches"}
    return {"from": {**ends[0], "port": 40000}, "to": {**ends[1], "port": port},
            "protocol": protocol, "verdict": verdict, "egress": side, "ingress": side,
            "mode": mode, "count": count, "first": "2026-03-14T03:07:12.000000000Z",
            "last": "2026-03-14T03:08:12.000000000Z"}


def lines(*records):
    return "".join(json.dumps(r) + "\n" for r in records).encode()


OLD_CLIENT = {"ip": WEB_2, "namespace": "shop", "pod": "client-7d4b9c6f5d-gone1",
              "owner": {"kind": "ReplicaSet", "name": "client-7d4b9c6f5d"}}
GONE = {"ip": WEB_2, "namespace": "shop", "pod": "old-7d4b9c6f5d-gone1",
        "owner": {"kind": "ReplicaSet", "name": "old-7d4b9c6f5d"}}

RECORDS = [  # sentence, records, policies, words of standard error
    ("records are read", [record(CLIENT, WEB, 8080)], ["client", "web"], "flows: 1\n"),
    ("what was denied is left out", [record(CLIENT, WEB, 8080, "deny")], [],
     "left out: 1 denied"),
    ("unless it was an audit, which drops nothing",
     [record(CLIENT, WEB, 8080, "deny", mode="audit")], ["client", "web"], "flows: 1\n"),
    ("a pod that is gone is its workload, whoever has its address now",
     [record(OLD_CLIENT, DB, 5432)], ["client", "db"], "flows: 1\n"),
    ("a workload that is gone is left out", [record(GONE, DB, 5432)], [], "workloads that are gone"),
    ("what was seen once by the nodes of both ends is seen once, and set apart",
     [{**record(CLIENT, WEB, 8080, count=1), "directions": [end]} for end in ("egress", "ingress")],
     ["client", "web"], "to decide: 2"),
    ("an address that has changed hands is nobody's",
     [{**record({"ip": CLIENT}, WEB, 8080), "pods_changed": True}], [], "workloads that are gone"),
    ("the end of a flow is no flow of its own", [{**record(CLIENT, WEB, 8080), "end": {}}], [],
     "left out: 1 ends of flows"),
    ("what no policy judges needs none",
     [{**record(CLIENT, WEB, 8080), "note": "unclaimed"}], [], "left out: 1 that no policy judges"),
    ("what the kernel has answered from memory was seen",
     [{**record(CLIENT, WEB, 8080), "note": "remembered"}], ["client", "web"], "flows: 1\n"),
    ("what one node has seen twice is seen twice",
     [{**record(CLIENT, WEB, 8080, count=2), "directions": ["egress"]}], ["client", "web"],
     "to decide: 0"),
]


def check_records(tap_, folder, world, seen):
    for sentence, records, names, words in RECORDS:
        done = suggest("--manifests", world, "-", stdin=lines(*records))
        tap_.equal(sentence, (0, names), (done.returncode, sorted(n for _, n in named(done.stdout))))
        tap_.true(f"{sentence}, and told", words in done.stderr.decode(), words, done.stderr.decode())
    replayed = netpold("replay", "--manifests", world, "--output", "json", seen).stdout
    log = folder / "flows.jsonl"
    log.write_bytes(replayed)
    tap_.equal("what replay has said makes the same policies as the capture",
               suggest("--manifests", world, "--output", "json", seen).stdout,
               suggest("--manifests", world, "--output", "json", log).stdout)
    done = suggest("--manifests", world, "-", stdin=b"{\n" + lines(record(CLIENT, WEB, 8080)))
    tap_.true("a line that is no record is told, and the next is read",
              done.returncode == 0 and b"standard input:1" in done.stderr
              and b"1 lines that are no record" in done.stderr and len(named(done.stdout)) == 2,
              "standard input:1", done.stderr.decode())


def check_openers(tap_, world):
    """Who has opened a connection that was met in its middle."""
    for sentence, outcome, egress, ingress in (
            ("who answers from the smaller port has not opened it", "flow-picked-up",
             ("client", "web", "http"), ("web", "client", "http")),
            ("unless it was seen to", "flow-allowed", ("web", "client", 40000), ("client", "web", 40000))):
        answer = {**record(WEB, CLIENT, 40000), "outcome": outcome, "directions": ["egress"]}
        answer["from"]["port"] = 8080
        made = named(suggest("--manifests", world, "-", stdin=lines(answer)).stdout)
        for direction, key, (who, whom, port) in (("egress", "to", egress), ("ingress", "from", ingress)):
            tap_.equal(f"{sentence}: {direction} of {who}",
                       [{key: [{"podSelector": {"matchLabels": {"app": whom}}}],
                         "ports": [{"port": port, "protocol": "TCP"}]}],
                       made["shop", who].get(direction))


def piped(folder, world, content):
    """As a shell's <(…) hands it over: it can be read once."""
    pipe = folder / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(content,))
    writer.start()
    done = suggest("--manifests", world, pipe)
    writer.join()
    pipe.unlink()
    return done


def check_streams(tap_, folder, world):
    capture, log = pcaps.traffic(pcaps.connection(CLIENT, 40000, WEB, 8080)), lines(record(CLIENT, WEB, 8080))
    pcapng = replay_test.captured(pcaps.connection(CLIENT, 40000, WEB, 8080), pcaps.RAW)
    for sentence, content, words in (
            ("a capture", capture, "flows: 1\n"), ("a log", log, "flows: 1\n"), ("nothing", b"", "flows: 0\n"),
            ("a log behind a blank line", b"\n" + log, "flows: 1\n"),
            ("a log behind many", b"\n \n\t\r\n\n" + log, "flows: 1\n"),
            ("a pcapng capture, which begins like one", pcapng, "flows: 1\n"),
            ("text that is neither", b"no capture\n", "is no pcap or pcapng capture")):
        path = folder / "plain"
        path.write_bytes(content)
        for how, done in (("a file", suggest("--manifests", world, path)),
                          ("a pipe", piped(folder, world, content)),
                          ("standard input", suggest("--manifests", world, "-", stdin=content))):
            tap_.true(f"{how} is read: {sentence}", words in done.stderr.decode()
                      and b"no record" not in done.stderr and (done.returncode == 0) == (words[:5] == "flows"),
                      words, (done.returncode, done.stderr.decode()))
    done = suggest("--manifests", world, "-", stdin=b"\n\n{\n")
    tap_.true("blank lines count as lines", b"standard input:3" in done.stderr, "standard input:3",
              done.stderr.decode())


def check_twice_told(tap_, folder, world):
    """One connection, in a log, in a capture, in another one, and as replay has said."""
    packets = pcaps.traffic(pcaps.connection(CLIENT, 40000, WEB, 8080))
    one, other, log, said = (folder / name for name in ("one.pcap", "other.pcap", "flows.log", "said.log"))
    for path in (one, other):
        path.write_bytes(packets)
    log.write_bytes(lines(record(CLIENT, WEB, 8080, count=1)))
    said.write_bytes(replay([world], one))
    for sentence, files, n in (("in a log and a capture", (log, one), 2), ("in two captures", (one, other), 2),
                               ("in a capture and what replay has said of it", (one, said), 2),
                               ("in all of them", (one, log, other, said), 2)):
        done = suggest("--manifests", world, *files)
        tap_.true(f"a connection {sentence} is one, and set apart", f"to decide: {n}" in done.stderr.decode(),
                  f"to decide: {n}", done.stderr.decode())


def check_many_blocks(tap_, world):
    """A service that all the world asks."""
    for sentence, n, options, told in (("sixteen", 16, [], None), ("seventeen", 17, [], 17), ("many", 200, [], 200),
                                       ("one, by a smaller length", 200, ["--merge-prefix", "8"], None)):
        log = lines(*(record(f"100.{i}.{i % 2 * 4}.1", WEB, 8080) for i in range(n)))
        done = suggest("--manifests", world, *options, "-", stdin=log)
        text = done.stdout.decode()
        comment = f"  # {told} blocks of addresses outside: --merge-prefix with a smaller length makes fewer\n"
        tap_.equal(f"of {sentence} blocks in a rule: that they are many is said, each alone is not",
                   (told is not None, told is not None, told is not None), (
                       comment in text, b"1 policy has many blocks of addresses outside: --merge-prefix"
                       in done.stderr, text.count("    # outside: ") == 0 and "--merge-prefix" in text))


def check_honest(tap_, world, seen):
    """What is written says what it rests on."""
    read = [record(CLIENT, WEB, 8080), record(CLIENT, WEB, 8080, "deny"), record(GONE, DB, 5432),
            record(GONE, DB, 5433), {**record(CLIENT, WEB, 8080), "end": {}}]
    log = lines(*read) + b"{\n"
    log_words = ["seen: 1 record, or flow of a capture, from 2026-03-14T03:07:12.000Z to "
                 "2026-03-14T03:08:12.000Z", "left out: 1 denied",
                 "left out: 2 of workloads that are gone: shop/old", "left out: 1 ends of flows",
                 "left out: 1 lines that are no record",
                 "What a flow log has suppressed or lost is not in it: `netpold status` tells how much."]
    done = suggest("--manifests", world, "-", stdin=log)
    tap_.equal("a file of policies says what it rests on, and what was left out",
               [f"# {line}" for line in log_words], done.stdout.decode().splitlines()[:len(log_words)])
    done = suggest("--manifests", world, "--report", "-", stdin=log)
    tap_.equal("so does a report", log_words, done.stdout.decode().splitlines()[:len(log_words)])
    report = json.loads(suggest("--manifests", world, "--report", "--output", "json", "-", stdin=log).stdout)
    tap_.equal("in JSON, too", {"denied": 1, "gone": 2, "own_node": 0, "not_judged": 0, "ends": 1,
                                "no_records": 1, "unparsable": 0, "gone_workloads": ["shop/old"]},
               report["left_out"])
    tap_.true("a capture has nothing that is suppressed",
              b"suppressed" not in suggest("--manifests", world, seen).stdout, "no such word", "it")
    crowd = [record({**GONE, "owner": {"kind": "StatefulSet", "name": f"old{i}"}}, DB, 1) for i in range(9)]
    done = suggest("--manifests", world, "-", stdin=lines(*crowd))
    tap_.true("of many who are gone the first are named",
              b": shop/old0, shop/old1" in done.stdout and b"shop/old7, and others\n" in done.stdout
              and b"old8" not in done.stdout, "eight, and others", done.stdout.decode())
    done = suggest("--manifests", world, "-", stdin=lines(record(CLIENT, DB, 5432, count=1)))
    tap_.true("where all that was seen is to decide, nothing says that nothing was seen",
              b"  ingress: [] # what was seen is to decide\n" in done.stdout
              and b"  egress: [] # nothing was seen\n" in done.stdout, "[] # what was seen is to decide",
              done.stdout.decode())


def check_many_staged(tap_, folder, world, seen):
    staged = write(folder, "staged", *(
        manifests.with_mode("audit", manifests.policy(f"db{i:03}", "shop", {"app": "db"}, ingress=[]))
        for i in range(300)))
    report = json.loads(suggest("--manifests", world, "--manifests", staged, "--report", "--output",
                                "json", seen).stdout)
    tap_.equal("each of many that isolate a pod is told of", [2] * 300,
               [len(policy["would_deny"]) for policy in report["policies"]])


def check_hostile(tap_, folder):
    evil = "x\n---\nkind: NetworkPolicy\u2028\"#"
    world = write(folder, "evil", manifests.namespace("shop"),
                  owned("Job\n- a: b", evil, manifests.pod("a", "shop", "node-1", [WEB], {"app": "a"})),
                  manifests.pod("b", "shop", "node-1", [DB], {"app": evil, "true": "no"}))
    done = suggest("--manifests", world, "-", stdin=lines(record(WEB, DB, 1)))
    tap_.equal("names that look like YAML end up in comments and quotes",
               [{"matchLabels": {"app": "a"}}, {"matchLabels": {"true": "no"}}],
               sorted((d["spec"]["podSelector"] for d in documents(done.stdout)), key=str))


def check_alike(tap_, folder):
    """Twenty pods that nobody owns, of two teams."""
    pods = [manifests.pod(f"p{i:02}", "shop", "node-1", [f"10.3.0.{i + 1}"], {"team": f"t{i % 2}"})
            for i in range(20)]
    world = write(folder, "alike", manifests.namespace("shop"), *pods)
    done = suggest("--manifests", world, "-", stdin=lines(record("10.3.0.1", "10.3.0.2", 80)))
    text = done.stdout.decode()
    tap_.equal("workloads that no labels tell apart share a policy", [
        {"matchLabels": {"team": "t0"}}, {"matchLabels": {"team": "t1"}}],
        [spec["podSelector"] for _, spec in sorted(named(done.stdout).items())])
    for sentence, words in (
            ("which says so", "# No labels tell these apart.\n"),
            ("names some of them", "# shop/p14 (Pod, 1 pod)\n# and 2 more\n"),
            ("and is not theirs alone as a peer", "  # shop/p01 and others: 3 times")):
        tap_.true(f"and a comment {sentence}", words in text, words, text)
    tap_.equal("nobody of them was left out", (True, False),
               (b"workloads not seen: 0" in done.stderr, "Nothing was seen of these" in text))


# ---- what there is already -------------------------------------------------------------


def check_diff(tap_, world, seen, policies, rest):
    arguments = ["--manifests", world, "--manifests", policies, "--diff"]
    done = suggest(*arguments, "--min-count", 1, seen)
    tap_.equal("--diff has what is missing alone, under names of its own",
               [("shop", "client-2"), ("shop", "db-2")], sorted(named(done.stdout)))
    spec = named(done.stdout)["shop", "db-2"]
    tap_.equal("and directions in which something is", ["Ingress"], spec["policyTypes"])
    done = suggest(*arguments, "--manifests", rest, "--min-count", 1, seen)
    tap_.equal("nothing, where nothing is missing", [], documents(done.stdout))


STAGED = [
    manifests.with_mode("audit", manifests.policy("db", "shop", {"app": "db"}, ingress=[
        manifests.rule([manifests.pods(app="web")], [manifests.port(5432)])])),
    manifests.with_mode("audit", manifests.policy("web", "shop", {"app": "web"}, ingress=[
        manifests.rule([], [manifests.port("http")])])),
    manifests.with_mode("audit", manifests.policy("idle", "shop", {"app": "idle"}, ingress=[])),
]


def check_report(tap_, folder, world, seen):
    staged = write(folder, "staged", *STAGED)
    arguments = ["--manifests", world, "--manifests", staged, "--report"]
    done = suggest(*arguments, "--output", "json", seen)
    report = json.loads(done.stdout)
    tap_.equal("--report keeps to its schema", [], list(schema.violations(report, SCHEMA)))
    db, idle, web = report["policies"]
    tap_.equal("what would be denied is told by workload", [
        {"direction": "ingress", "from": "shop/client", "to": "shop/db", "protocol": "TCP",
         "port": 5432, "count": 1}],
        [{k: v for k, v in denial.items() if k != "last"} for denial in db["would_deny"]])
    tap_.equal("what was not observed is told",
               [{"namespace": "shop", "kind": "Deployment", "name": "idle", "pods": 1}],
               idle["not_observed"])
    tap_.equal("safe is what does neither", (1, False, False, False, True),
               (done.returncode, report["safe"], db["safe"], idle["safe"], web["safe"]))
    done = suggest(*arguments, seen)
    text = done.stdout.decode()
    for line in ("shop/db  NOT safe to enforce\n    would have denied, ingress: shop/client -> shop/db "
                 "5432/TCP, 1 time, last 2023-11-14T22:13:20.",
                 "shop/idle  NOT safe to enforce\n    would have denied nothing\n    not observed: "
                 "shop/idle (1 pod)\n",
                 "shop/web  safe to enforce, by what was seen\n"):
        tap_.true(f"in words: {line.splitlines()[0]}", line in text, line, text)
    crowd = lines(*(record(f"198.51.{i}.{j}", DB, 5432) for i in (100, 101) for j in range(1, 200)))
    done = suggest(*arguments, "-", stdin=crowd)
    told = [line.split("ingress: ")[1].split(",")[0] for line in done.stdout.decode().splitlines()
            if "would have denied, ingress" in line]
    tap_.equal("addresses outside are told of by block", ["198.51.100.0/24 -> shop/db 5432/TCP",
                                                          "198.51.101.0/24 -> shop/db 5432/TCP"], told)
    ports = lines(*(record(f"198.51.{i}.1", DB, port) for i in (100, 101)
                    for port in range(1, 32800) if port != 5432))
    report = json.loads(suggest(*arguments, "--output", "json", "-", stdin=ports).stdout)
    tap_.equal("flows that are told of have a bound, beyond which they are counted", (65536, 60),
               (len(report["policies"][0]["would_deny"]), report["policies"][0].get("would_deny_besides")))
    tap_.equal("and that keeps to the schema, too", [], list(schema.violations(report, SCHEMA)))
    only = write(folder, "staged", STAGED[1])
    done = suggest("--manifests", world, "--manifests", only, "--report", seen)
    tap_.equal("exit status 0 where all is safe", 0, done.returncode)
    done = suggest("--manifests", world, "--report", seen)
    tap_.equal("and where nothing is staged, which is said", (0, True),
               (done.returncode, b"no policy is staged" in done.stdout))
    done = suggest("--manifests", world, "--manifests", staged, "--diff", "--staged", seen)
    tap_.equal("--diff --staged takes what is staged as being there", ["Egress"],
               named(done.stdout)["shop", "web-2"]["policyTypes"])


def audited(name, **spec):
    return manifests.with_mode("audit", manifests.policy(name, "shop", **spec))


FROM_CLIENT = [manifests.rule([manifests.pods(app="client")], [manifests.port(8080)])]
PARTNERS = [  # sentence, policies, those that each cannot do without
    ("a policy that another one makes up for is safe with that one alone",
     [audited("deny-all", selects={}, ingress=[]), audited("web", selects={"app": "web"}, ingress=FROM_CLIENT)],
     {"deny-all": ["web"], "web": []}),
    ("with none, if it allows the same", [
        audited("a", selects={"app": "web"}, ingress=FROM_CLIENT),
        audited("b", selects={"app": "web"}, ingress=FROM_CLIENT)], {"a": [], "b": []}),
    ("or if what is enforced allows it", [
        audited("deny-all", selects={}, ingress=[]), audited("web", selects={"app": "web"}, ingress=FROM_CLIENT),
        manifests.policy("now", "shop", {"app": "web"}, ingress=FROM_CLIENT)], {"deny-all": [], "web": []}),
    ("at either end", [
        audited("deny-all", selects={}, egress=[]),
        audited("client", selects={"app": "client"},
                egress=[manifests.rule([manifests.pods(app="web")], direction="to")])],
     {"client": [], "deny-all": ["client"]}),
]


def check_partners(tap_, folder, world):
    log = lines(record(CLIENT, WEB, 8080))
    for sentence, policies, expected in PARTNERS:
        staged = write(folder, "staged", *policies)
        arguments = ["--manifests", world, "--manifests", staged, "--report"]
        report = json.loads(suggest(*arguments, "--output", "json", "-", stdin=log).stdout)
        tap_.equal(f"report: {sentence}", (expected, []), (
            {policy["name"]: [other["name"] for other in policy["not_without"]] for policy in report["policies"]},
            list(schema.violations(report, SCHEMA))))
    staged = write(folder, "staged", audited("a", selects={"app": "web"}, ingress=[]),
                   audited("web", selects={"app": "web"}, ingress=FROM_CLIENT))
    done = suggest("--manifests", world, "--manifests", staged, "--report", "-", stdin=log)
    tap_.true("report: which is said in words", done.returncode == 0 and
              "\nJudged as if all that is staged were enforced at once.\n\nshop/a  safe to enforce together with "
              "others, by what was seen\n    not without: shop/web\n" in done.stdout.decode(),
              "not without: shop/web", done.stdout.decode())


# ---- many -----------------------------------------------------------------------------


def rules_of(spec):
    return [rule for direction in ("ingress", "egress") for rule in spec.get(direction, [])]


def check_crowd(tap_, folder):
    """A hundred pods of ten Deployments: each asks the next two, and for names."""
    names = [f"a{i}" for i in range(10)]
    address = {(name, j): f"10.2.{i}.{j + 1}" for i, name in enumerate(names) for j in range(10)}
    world = write(folder, "crowd", *PODS[:2], PODS[6], *(
        deployed(name, address[name, j], [("http", 8080, "TCP")], end=f"x{j}") for name, j in address))
    capture, policies = folder / "crowd.pcap", folder / "suggested.yaml"
    capture.write_bytes(pcaps.traffic(*(
        packets for i, name in enumerate(names) for j in range(10) for packets in (
            pcaps.connection(address[name, j], 40000, address[names[(i + 1) % 10], j], 8080),
            pcaps.connection(address[name, j], 40001, address[names[(i + 2) % 10], 9 - j], 8080),
            pcaps.lookup(address[name, j], 40002, DNS)))))
    done = suggest("--manifests", world, capture)
    policies.write_bytes(done.stdout)
    made = named(done.stdout)
    tap_.equal("a hundred pods of ten workloads and a DNS server have eleven policies",
               sorted([("kube-system", "coredns"), *(("shop", name) for name in names)]), sorted(made))
    tap_.equal("each has one rule for those it serves, one for those it asks, and one for names",
               [1] + [3] * 10, [len(rules_of(made[key])) for key in sorted(made)])
    tap_.true("a policy is a page, whoever reads it", len(done.stdout.splitlines()) <= 11 * 60,
              "60 lines each", len(done.stdout.splitlines()))
    tap_.equal("and with them nothing is denied", ["allow"] * 300, verdicts([world, policies], capture))


def check_standard(tap_, folder):
    """W(10): a thousand pods of a hundred workloads, and random traffic between them
    and with addresses outside: a capture, the policies of it, the capture again."""
    dice = random.Random(7)
    objects = [o for i in range(10) for o in workload.namespace_objects(i)
               if o["kind"] != "NetworkPolicy"]
    pods = {o["status"]["podIP"]: (o["metadata"]["namespace"], o["metadata"]["labels"]["app"])
            for o in objects if o["kind"] == "Pod"}
    world = write(folder, "w10", *objects)
    seen_pcap, other_pcap = folder / "seen.pcap", folder / "other.pcap"
    policies = folder / "suggested.yaml"

    def block(address):
        return address.rpartition(".")[0]

    def flow(outside):
        ends = dice.sample(sorted(pods), 2)
        if dice.random() < 0.1:
            ends[dice.randrange(2)] = f"{outside}.{dice.randrange(20)}.{dice.randrange(1, 255)}"
        return (*ends, dice.choice([53, 8080, 9090, 9093]), dice.choice([pcaps.connection, pcaps.udp]))

    def unit(address):
        return pods.get(address) or block(address)

    seen = [flow("198.51") for _ in range(1500)]
    seen_pcap.write_bytes(pcaps.traffic(*(packets_of(a, 40000 + i, b, port, make)
                                          for i, (a, b, port, make) in enumerate(seen))))
    done = suggest("--manifests", world, "--min-count", 1, seen_pcap)
    policies.write_bytes(done.stdout)
    made = named(done.stdout)
    tap_.equal("W(10): as many policies as workloads", 100, len(made))
    tap_.true("W(10): and no more rules than flows, which are of all kinds here",
              sum(len(rules_of(spec)) for spec in made.values()) <= len(seen), "at most 1500",
              sum(len(rules_of(spec)) for spec in made.values()))
    tap_.equal("W(10): what was seen is allowed", ["allow"] * len(seen),
               verdicts([world, policies], seen_pcap))
    known = {(unit(a), unit(b), port, make) for a, b, port, make in seen}
    others = [other for other in (flow("203.0") for _ in range(1500))
              if (*map(unit, other[:2]), *other[2:]) not in known and pods.get(other[0]) != pods.get(other[1])]
    other_pcap.write_bytes(pcaps.traffic(*(packets_of(a, 40000 + i, b, port, make)[:1]
                                           for i, (a, b, port, make) in enumerate(others))))
    tap_.equal("W(10): each packet of other traffic is denied", ["deny"] * len(others),
               verdicts([world, policies], other_pcap))
    tap_.true("W(10): and there are many", len(others) > 1000, "1000", len(others))


def packets_of(source, port, target, target_port, make):
    packets = make(source, port, target, target_port)
    return packets if isinstance(packets, list) else [packets]


# ---- usage ------------------------------------------------------------------------------

REFUSED = [  # sentence, arguments, words
    ("objects are needed", ["FILE"], "--manifests or --kubeconfig is missing"),
    ("and flows", ["--manifests", "x"], "the flow log or capture is missing"),
    ("standard input is read once", ["--manifests", "-", "-"], "can be read only once"),
    ("a length is a number", ["--manifests", "x", "--merge-prefix", "33", "f"],
     "--merge-prefix: expected a number from 1 to 32, found '33'"),
    ("and of IPv6 another", ["--manifests", "x", "--merge-prefix", "24/129", "f"],
     "expected a number from 1 to 128, found '129'"),
    ("and so is a count", ["--manifests", "x", "--min-count", "0", "f"], "--min-count: expected"),
    ("formats are two", ["--manifests", "x", "--output", "yaml", "f"], "neither text nor json"),
    ("a report is about the policies there are", ["--manifests", "x", "--report", "--diff", "f"],
     "--report judges the policies there are"),
    ("--staged goes with --diff", ["--manifests", "x", "--staged", "f"], "--staged is for --diff"),
    ("other options are none", ["--nonsense"], "'--nonsense' is no option here"),
]


def check_usage(tap_, folder, world):
    for sentence, arguments, words in REFUSED:
        done = suggest(*arguments)
        tap_.true(f"usage: {sentence}", done.returncode == 2 and words in done.stderr.decode(), words,
                  done.stderr.decode())
    text = folder / "text"
    text.write_text("no capture\n")
    for sentence, path in (("a file that is neither is refused", text),
                           ("and one that is not there", folder / "nowhere")):
        done = suggest("--manifests", world, path)
        tap_.true(sentence, done.returncode == 2 and str(path).encode() in done.stderr and not done.stdout,
                  path, done.stderr.decode())
    done = suggest("--help")
    tap_.true("--help fits one screen", done.returncode == 0
              and len(done.stdout.decode().splitlines()) <= 24
              and max(map(len, done.stdout.decode().splitlines())) <= 80,
              "24 lines of 80 characters", done.stdout.decode())


def test(tap_):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        world, seen, policies, rest = check_round_trip(tap_, folder)
        check_words(tap_, folder, world, seen, rest)
        check_diff(tap_, world, seen, policies, rest)
        check_records(tap_, folder, world, seen)
        check_report(tap_, folder, world, seen)
        check_openers(tap_, world)
        check_partners(tap_, folder, world)
        check_twice_told(tap_, folder, world)
        check_streams(tap_, folder, world)
        check_many_blocks(tap_, world)
        check_honest(tap_, world, seen)
        check_many_staged(tap_, folder, world, seen)
        check_hostile(tap_, folder)
        check_alike(tap_, folder)
        check_usage(tap_, folder, world)
        check_crowd(tap_, folder)
        check_standard(tap_, folder)
        check_cases(tap_, folder)


if __name__ == "__main__":
    tap.main(test)
