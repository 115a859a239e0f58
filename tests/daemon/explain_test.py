#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`netpold explain`: what it says, of one flow and of many, and what it refuses.

Prints TAP. NETPOLD names the program (default: build/netpold). The transcripts
in tests/daemon/explain/ are commands, asked of the cluster beside them, and what
they print; `--update` writes what is seen as what is expected, for a person to
read before it is committed.
"""

import itertools
import json
import os
import pathlib
import re
import select
import shlex
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "daemon" / "explain"
CLUSTER = FOLDER / "cluster.yaml"
SCHEMAS = ROOT / "include" / "netpold" / "schema"
NETPOLD = os.path.abspath(os.environ.get("NETPOLD", ROOT / "build" / "netpold"))

sys.dont_write_bytecode = True
sys.path[:0] = [str(ROOT / "tests" / "e2e"), str(ROOT / "tests" / "daemon")]
import manifests  # noqa: E402
import schema  # noqa: E402
import tap  # noqa: E402
from terminal import Terminal  # noqa: E402

FLOW, FLOW_ERROR, DECISION = (json.loads((SCHEMAS / f"{name}.schema.json").read_text())
                              for name in ("flow", "flow-error", "decision"))


def crowd():
    """A pod with more policies and rules than a screen has room for."""
    blocks = [manifests.rule([manifests.block("10.0.0.4/32")], [manifests.port(80)])] * 9
    labels = [manifests.rule([manifests.pods(n=str(n))], [manifests.port(81)]) for n in range(90)]
    policies = [manifests.policy(f"p{n:02}", "crowd", {}, ingress=labels[n::15] + blocks[n::15])
                for n in range(15)]
    return [manifests.namespace("crowd"),
            manifests.pod("star", "crowd", "node-1", ["10.3.0.1"], {"app": "star"}, []), *policies]


def netpold(*arguments, stdin="", cwd=None):
    return subprocess.run([NETPOLD, "explain", *map(str, arguments)], input=stdin, cwd=cwd,
                          capture_output=True, text=True, timeout=60, check=False)


# ---- transcripts -----------------------------------------------------------------


def read_transcript(text):
    """[sentence, [(command, output)]]"""
    sections = []
    for line in text.splitlines():
        if line.startswith("# ") and "SPDX" not in line:
            sections.append((line[2:], []))
        elif line.startswith("$ "):
            sections[-1][1].append((line[2:], []))
        elif sections and sections[-1][1]:
            sections[-1][1][-1][1].append(line)
    return [(sentence, [(command, "\n".join(lines).strip()) for command, lines in commands])
            for sentence, commands in sections]


def run_command(command, world):
    words = shlex.split(command)
    done = netpold(*words[2:], "--manifests", CLUSTER, "--manifests", world)
    shown = done.stdout.rstrip("\n")
    if done.stderr:
        shown += ("\n" if shown else "") + done.stderr.rstrip("\n")
    if done.returncode:
        shown += f"\n[exit status {done.returncode}]"
    return done, shown


def check_transcript(tap_, path, world, update):
    lines = ["# SPDX-License-Identifier: GPL-2.0-or-later"]
    for sentence, commands in read_transcript(path.read_text()):
        lines += ["", f"# {sentence}"]
        for number, (command, expected) in enumerate(commands, 1):
            done, shown = run_command(command, world)
            nth = f" ({number})" if len(commands) > 1 else ""
            tap_.equal(f"{path.stem}: {sentence}{nth}", expected, shown)
            if "--output json" in command:
                tap_.equal(f"{path.stem}: {sentence}{nth}, as its schema says", [],
                           list(schema.violations(json.loads(done.stdout), DECISION)))
            lines += [f"$ {command}", *([shown] if shown else []), ""]
        lines.pop()
    if update:
        path.write_text("\n".join(lines) + "\n")


def check_transcripts(tap_, folder, update):
    world = folder / "crowd.json"
    world.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": crowd()}))
    for path in sorted(FOLDER.glob("*.txt")):
        check_transcript(tap_, path, world, update)
    told = netpold("--manifests", CLUSTER, "--manifests", world, "--from", "shop/client", "--to",
                   "crowd/star", "--port", "81", "--all").stdout
    tap_.equal("--all tells of each rule once", (99, 99),
               (told.count("would match if"), len(set(re.findall(r"rule \d+ of \S+", told)))))
    tap_.equal("--all names each policy", 15,
               len(set(re.findall(r"crowd/p\d\d", told.split("\n  none of")[0]))))
    tap_.true("--all has no hint how to see all", "--all" not in told, "no --all", told)


# ---- usage -----------------------------------------------------------------------

ONE = ["--manifests", CLUSTER, "--from", "shop/web", "--to", "shop/db", "--port", "80"]
MANY = ["--manifests", CLUSTER, "--flows", "-"]

# A sentence, arguments, and words of the one line that says what is wrong.
USAGE = [
    ("no manifests", ONE[2:], "--manifests, --kubeconfig or --live is missing"),
    ("no sender", ONE[:2] + ONE[4:], "--from is missing"),
    ("no receiver", ONE[:4] + ONE[6:], "--to is missing"),
    ("no port", ONE[:6], "--port is missing"),
    ("flows and a sender", MANY + ["--from", "shop/web"], "--from and --flows exclude"),
    ("flows and a receiver", MANY + ["--to", "shop/web"], "--to and --flows exclude"),
    ("flows and a port", MANY + ["--port", "80"], "--port and --flows exclude"),
    ("flows and a family", MANY + ["--family", "4"], "--family and --flows exclude"),
    ("flows and --all", MANY + ["--all"], "--all and --flows exclude"),
    ("an unknown expectation", ONE + ["--expect", "drop"], "'drop' is neither allow nor deny"),
    ("an unknown family", ONE + ["--family", "5"], "'5' is neither 4 nor 6"),
    ("an unknown format", ONE + ["--output", "xml"], "'xml' is neither text nor json"),
    ("an unknown option", ONE + ["--colour"], "'--colour' is no option here"),
    ("an option without its value", ONE + ["--family"], "'--family' is no option here, or lacks"),
    ("an operand", ONE + ["shop/db"], "'shop/db' is not expected here"),
    ("standard input for two", ["--manifests", "-"] + ["--flows", "-"], "can be read only once"),
    ("manifests that are not there", ["--manifests", "absent"] + ONE[2:], "absent"),
    ("flows that are not there", MANY[:3] + ["absent"], "cannot read 'absent': No such file"),
    ("a folder as flows", MANY[:3] + ["."], "cannot read '.': Is a directory"),
]


def check_usage(tap_, folder):
    for sentence, arguments, words in USAGE:
        done = netpold(*arguments, cwd=folder)
        tap_.equal(f"{sentence}: exit status 2, and nothing is answered", (2, ""),
                   (done.returncode, done.stdout))
        tap_.true(f"{sentence}: one line says so",
                  len(done.stderr.splitlines()) == 1 and words in done.stderr, words, done.stderr)
    shown = netpold("--help")
    tap_.equal("--help: exit status 0", 0, shown.returncode)
    tap_.true("--help fits one screen",
              max(map(len, shown.stdout.splitlines())) <= 80 and shown.stdout.count("\n") <= 24,
              "24 lines of 80 characters", shown.stdout)
    broken = folder / "broken.yaml"
    broken.write_text("apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
                      "metadata: {name: x, namespace: shop}\nspec: {podSelectors: {}}\n")
    done = netpold("--manifests", broken, *ONE)
    tap_.true("a policy with a mistake in it is refused",
              done.returncode == 2 and "podSelectors" in done.stderr, "podSelectors", done.stderr)
    for sentence, arguments in (("an answer", ONE), ("an answer of many", MANY)):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([NETPOLD, "explain", *map(str, arguments)], stdout=full,
                                  input=ANSWERED[0][1], timeout=60, stderr=subprocess.PIPE,
                                  text=True, check=False)
        tap_.equal(f"{sentence} that cannot be written is trouble",
                   (2, "netpold: error: cannot write to standard output\n"),
                   (done.returncode, done.stderr))


def check_inputs(tap_, folder):
    whole = netpold(*ONE)
    piped = netpold("--manifests", "-", *ONE[2:], stdin=CLUSTER.read_text())
    tap_.equal("manifests come from standard input, too", whole.stdout, piped.stdout)
    (folder / "d").mkdir()
    (folder / "d" / "cluster.yaml").write_text(CLUSTER.read_text())
    of_folder = netpold("--manifests", folder / "d", *ONE[2:])
    tap_.equal("or from a folder", whole.stdout, of_folder.stdout)


# ---- flows -----------------------------------------------------------------------

WEB = '"from":"shop/client","to":"shop/web"'
TOO_LONG = '{"from":"' + "x" * 8192 + '"}'
NESTED = '{"from":' + "[" * 4000 + "]" * 4000 + "}"

# A line that is answered, and (verdict, address and port of from and of to, protocol).
ANSWERED = [
    ("TCP is the protocol", f'{{{WEB},"port":8080}}', ("allow", "10.0.0.2", "10.0.0.3", 8080, "TCP")),
    ("unless it says another", f'{{{WEB},"port":8080,"protocol":"UDP"}}',
     ("deny", "10.0.0.2", "10.0.0.3", 8080, "UDP")),
    ("a protocol by its number", f'{{{WEB},"port":8080,"protocol":6}}',
     ("allow", "10.0.0.2", "10.0.0.3", 8080, "TCP")),
    ("a protocol by its number as text", f'{{{WEB},"protocol":"47"}}',
     ("deny", "10.0.0.2", "10.0.0.3", None, "47")),
    ("a protocol without ports", f'{{{WEB},"protocol":"icmp"}}',
     ("deny", "10.0.0.2", "10.0.0.3", None, "ICMP")),
    ("a port by its name", f'{{{WEB},"port_name":"http"}}',
     ("allow", "10.0.0.2", "10.0.0.3", 8080, "TCP")),
    ("the name of a port of another protocol", f'{{{WEB},"port_name":"dns","protocol":"UDP"}}',
     ("deny", "10.0.0.2", "10.0.0.3", 53, "UDP")),
    ("addresses", '{"from_ip":"192.0.2.1","to_ip":"10.0.0.3","port":8080}',
     ("allow", "192.0.2.1", "10.0.0.3", 8080, "TCP")),
    ("addresses as from and to", '{"from":"192.0.2.1","to":"10.0.0.3","port":8080}',
     ("allow", "192.0.2.1", "10.0.0.3", 8080, "TCP")),
    ("a family", f'{{{WEB},"port":8080,"family":6}}', ("allow", "fd00::2", "fd00::3", 8080, "TCP")),
    ("the default family", f'{{{WEB},"port":8081,"family":4}}',
     ("allow", "10.0.0.2", "10.0.0.3", 8081, "TCP")),
    ("the last port", f'{{{WEB},"port":65535}}', ("deny", "10.0.0.2", "10.0.0.3", 65535, "TCP")),
    ("blanks and any order", f' {{ "port" : 8080 , {WEB} }} \r',
     ("allow", "10.0.0.2", "10.0.0.3", 8080, "TCP")),
    ("escapes", r'{"from":"shop\u002fclient","to":"shop\/web","port":8080}',
     ("allow", "10.0.0.2", "10.0.0.3", 8080, "TCP")),
    ("the longest line that is read", f'{{{WEB},"port":8080}}'.ljust(8192),
     ("allow", "10.0.0.2", "10.0.0.3", 8080, "TCP")),
]

# From, to and port; the reason for egress and for ingress, and what the nearest
# rule for ingress misses. Another node never decides: not-local is for nodes.
REASONS = [
    ("192.0.2.1", "192.0.2.2", 80, "not-a-pod", "not-a-pod", []),
    ("shop/client", "guests/someone", 80, "not-isolated", "not-isolated", []),
    ("shop/db", "shop/web", 8080, "rule", "no-rule-matches", ["pod-labels"]),
    ("shop/db", "guests/someone", 80, "no-rule-matches", "not-isolated", []),
    ("shop/client", "shop/web", 8080, "not-isolated", "rule", []),
    ("shop/db", "shop/db", 80, "self", "self", []),
    ("192.168.0.1", "shop/web", 80, "not-a-pod", "own-node", []),
    ("shop/client", "guests/alone", 80, "not-isolated", "no-rule-matches", []),
    ("shop/client", "shop/web", 80, "not-isolated", "no-rule-matches", ["port"]),
    ("guests/someone", "shop/web", 8080, "not-isolated", "no-rule-matches", ["namespace"]),
    ("shop/client", "guests/picky", 80, "not-isolated", "no-rule-matches", ["namespace-labels"]),
    ("lost/stray", "guests/picky", 80, "not-isolated", "no-rule-matches",
     ["namespace-labels", "namespace-unknown"]),
    ("192.0.2.1", "guests/picky", 80, "not-a-pod", "no-rule-matches", ["not-a-pod"]),
    ("192.0.2.1", "shop/db", 8080, "not-a-pod", "no-rule-matches", ["block"]),
    ("192.0.2.200", "shop/web", 8080, "not-a-pod", "no-rule-matches", ["except"]),
]

# A line that cannot be answered, whether it is a flow at all, and words of why.
REFUSED = [
    ("no JSON", "from shop/web", False, "not JSON: "),
    ("JSON that breaks off", f'{{{WEB}', False, "not JSON: "),
    ("two flows on a line", f'{{{WEB},"port":1}} {{{WEB},"port":1}}', False, "not JSON: end of file"),
    ("a list", "[]", False, "a flow is a JSON object"),
    ("a word", '"x"', False, "not JSON: "),
    ("nothing in it", "{}", False, "from is missing"),
    ("no receiver", '{"from":"shop/web","port":80}', False, "to is missing"),
    ("a field that is not known", f'{{{WEB},"prot":"UDP","port":80}}', False,
     "'prot' is no field of a flow"),
    ("a field given twice", f'{{{WEB},"port":80,"port":81}}', None,
     "not JSON: duplicate object key"),
    ("a sender in both ways", f'{{{WEB},"from_ip":"10.0.0.2","port":80}}', False,
     "from and from_ip exclude each other"),
    ("a receiver in both ways", f'{{"to_ip":"10.0.0.2",{WEB},"port":80}}', False,
     "to and to_ip exclude each other"),
    ("a sender that is a number", '{"from":1,"to":"shop/web","port":80}', False,
     "from is not a string"),
    ("an address that is a pod", '{"from_ip":"shop/web","to":"shop/web","port":80}', None,
     "from_ip: 'shop/web' is no IP address"),
    ("an address that is null", '{"from":"shop/web","to_ip":null,"port":80}', False,
     "to_ip is not a string"),
    ("a port that is text", f'{{{WEB},"port":"80"}}', False, "port is not an integer"),
    ("a port that is a fraction", f'{{{WEB},"port":80.0}}', False, "port is not an integer"),
    ("a port that is too large", f'{{{WEB},"port":65536}}', False,
     "port is not between 0 and 65535"),
    ("a negative port", f'{{{WEB},"port":-1}}', False, "port is not between 0 and 65535"),
    ("an enormous port", f'{{{WEB},"port":99999999999999999999}}', False,
     "not JSON: too big integer"),
    ("a port in both ways", f'{{{WEB},"port":80,"port_name":"http"}}', False,
     "port and port_name exclude each other"),
    ("no port", f'{{{WEB}}}', None, "TCP needs a port, by number or by name"),
    ("a port where there is none", f'{{{WEB},"protocol":"ICMP","port":80}}', None,
     "ICMP has no ports"),
    ("a name of a port that is a number", f'{{{WEB},"port_name":80}}', False,
     "port_name is not a name"),
    ("a name of a port that is empty", f'{{{WEB},"port_name":""}}', None, "port_name is not a name"),
    ("a protocol that is not known", f'{{{WEB},"protocol":"GRE"}}', None,
     "protocol: 'GRE' is no protocol"),
    ("a protocol that is too large", f'{{{WEB},"protocol":256}}', False,
     "protocol is not between 0 and 255"),
    ("a protocol that is true", f'{{{WEB},"protocol":true}}', False, "protocol is not an integer"),
    ("a family that is not known", f'{{{WEB},"port":80,"family":5}}', False,
     "family is neither 4 nor 6"),
    ("a family that is text", f'{{{WEB},"port":80,"family":"4"}}', False,
     "family is neither 4 nor 6"),
    ("a pod that is not there", '{"from":"shop/wbe","to":"shop/web","port":80}', None,
     "there is no pod shop/wbe in the manifests"),
    ("no end of a flow", '{"from":"web","to":"shop/web","port":80}', None,
     "'web' is neither NAMESPACE/POD nor an IP address"),
    ("a pod that is finished", '{"from":"guests/done","to":"shop/web","port":80}', None,
     "pod guests/done is finished"),
    ("a port that the receiver does not have", f'{{{WEB},"port_name":"x"}}', None,
     "pod shop/web has no port named x/TCP"),
    ("bytes that a terminal obeys", r'{"from":"shop/\u001b[31mweb","to":"shop/web","port":80}', None,
     "'shop/?[31mweb' is neither NAMESPACE/POD nor"),
    ("a field that a terminal obeys", r'{"\u001b]0;x\u0007":1}', False,
     "'?]0;x?' is no field of a flow"),
    ("bytes that a terminal obeys where JSON has none", '{"from":\x1b[31m', None, "not JSON: "),
    ("letters that are not ASCII where JSON has none", "\u00e4\u00f6", None, "not JSON: "),
    ("letters that are not ASCII", f'{{"from":"shop/{"ä" * 300}","to":"shop/web","port":80}}', None,
     "'shop/????"),
    ("a zero byte", r'{"from":"shop/\u0000web","to":"shop/web","port":80}', None, "not JSON: "),
    ("a line that is too long", TOO_LONG, False, "the line is longer than 8192 bytes"),
    ("a line that is nested", NESTED, None, "not JSON: maximum parsing depth reached"),
]


def flow_violations(line):
    try:
        return list(schema.violations(json.loads(line), FLOW))
    except ValueError as error:
        return [str(error)]


def seen(record):
    return (record["verdict"], record["from"]["ip"], record["to"]["ip"], record["to"].get("port"),
            record["protocol"])


def check_flows(tap_):
    lines = [line for _, line, _ in ANSWERED]
    done = netpold(*MANY, stdin="\n".join(lines) + "\n")
    records = [json.loads(line) for line in done.stdout.splitlines()]
    tap_.equal("flows that can be answered: exit status 0, and not a word", (0, ""),
               (done.returncode, done.stderr))
    tap_.equal("each flow has an answer", len(lines), len(records))
    for (sentence, line, expected), record in zip(ANSWERED, records):
        tap_.equal(f"flows: {sentence}", expected, seen(record))
        tap_.equal(f"flows: {sentence}: as the schemas say", ([], []),
                   (flow_violations(line), list(schema.violations(record, DECISION))))
    without_end = netpold(*MANY, stdin="\n".join(lines))
    tap_.equal("the last line need not end", done.stdout, without_end.stdout)
    one = netpold(*ONE[:2], "--from", "shop/client", "--to", "shop/web", "--port", "8080",
                  "--output", "json")
    tap_.equal("one of many is answered as it is alone", one.stdout,
               done.stdout.splitlines(keepends=True)[0])
    tap_.equal("nothing is asked, nothing answered", ("", "", 0),
               (lambda d: (d.stdout, d.stderr, d.returncode))(netpold(*MANY, stdin="")))


def check_reasons(tap_):
    lines = [json.dumps({"from": row[0], "to": row[1], "port": row[2]}) for row in REASONS]
    records = [json.loads(line) for line in
               netpold(*MANY, stdin="\n".join(lines)).stdout.splitlines()]
    for row, record in zip(REASONS, records):
        tap_.equal(f"{row[0]} to {row[1]}: {row[3]}, {row[4]} {' '.join(row[5])}", list(row[3:]),
                   [record["egress"]["reason"], record["ingress"]["reason"],
                    record["ingress"].get("nearest", {}).get("misses", [])])
        tap_.equal(f"{row[0]} to {row[1]}: as its schema says", [],
                   list(schema.violations(record, DECISION)))
    side, nearest = DECISION["$defs"]["side"], DECISION["$defs"]["nearest"]
    # That no policy was asked is only so of packets.
    tap_.equal("every reason of the schema is met", set(side["properties"]["reason"]["enum"]),
               {reason for row in REASONS for reason in row[3:5]} | {"not-local", "not-asked"})
    tap_.equal("and every miss", set(nearest["properties"]["misses"]["items"]["enum"]),
               {miss for row in REASONS for miss in row[5]})


def check_refused_flows(tap_):
    good = ANSWERED[0][1]
    lines = [line for _, refused, _, _ in REFUSED for line in (refused, "", good)]
    done = netpold(*MANY, stdin="\n".join(lines) + "\n")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    told = done.stderr.splitlines()
    tap_.equal("flows that cannot be answered: exit status 2", 2, done.returncode)
    tap_.equal("each has an answer in its place, and a line on standard error",
               (2 * len(REFUSED), len(REFUSED)), (len(answers), len(told)))
    for i, (sentence, line, is_flow, words) in enumerate(REFUSED):
        number = 3 * i + 1
        error, after = answers[2 * i], answers[2 * i + 1]
        tap_.equal(f"refused: {sentence}: an error by its schema", [],
                   list(schema.violations(error, FLOW_ERROR)))
        tap_.equal(f"refused: {sentence}: the number of the line", number, error["line"])
        tap_.true(f"refused: {sentence}: why", error["error"].startswith(words), words,
                  error["error"])
        tap_.equal(f"refused: {sentence}: the same on standard error",
                   f"netpold: error: -:{number}: {error['error']}", told[i])
        tap_.true(f"refused: {sentence}: in plain letters", told[i].isascii() and told[i].isprintable(),
                  "printable ASCII", told[i])
        tap_.equal(f"refused: {sentence}: the next one is answered", ANSWERED[0][2], seen(after))
        if is_flow is not None:
            tap_.equal(f"refused: {sentence}: the schema says so, too", is_flow,
                       not flow_violations(line))


def check_flow_formats(tap_, folder):
    lines = [f'{{{WEB},"port":8080}}', f'{{{WEB},"port":22}}', "x", f'{{{WEB},"port":8080}}']
    path = folder / "flows.jsonl"
    path.write_text("\n".join(lines))
    done = netpold(*MANY[:3], path, "--output", "text")
    tap_.equal("flows as text are a line each", [
        "allow  shop/client -> shop/web:8080/TCP  ingress: shop/allow-web rule 2",
        "deny   shop/client -> shop/web:22/TCP  ingress: shop/web is isolated by shop/allow-web, "
        "shop/deny-all, shop/monitoring and no rule matches; rule 2 of shop/allow-web would match "
        "if the port were http/TCP, which is 8080 on shop/web (not 22/TCP)",
        "error  line 3: not JSON: '[' or '{' expected near 'x'",
        "allow  shop/client -> shop/web:8080/TCP  ingress: shop/allow-web rule 2",
    ], done.stdout.splitlines())
    tap_.equal("a file is named in messages", f"netpold: error: {path}:3: ",
               done.stderr.split("not")[0])
    path.write_text("\n".join(lines[:2]))
    for verdict, status, told in (("allow", 1, "allow was expected; 1 of 2 flows are denied"),
                                  ("deny", 1, "deny was expected; 1 of 2 flows are allowed")):
        done = netpold(*MANY[:3], path, "--expect", verdict)
        tap_.equal(f"flows: not all are {verdict}", (status, f"netpold: error: {told}\n"),
                   (done.returncode, done.stderr))
        tap_.equal(f"flows: what is expected of each is {verdict}", {verdict},
                   {json.loads(line)["expected"] for line in done.stdout.splitlines()})
    path.write_text(lines[0])
    tap_.equal("flows: of one it is said so", "netpold: error: deny was expected; 1 of 1 flow is allowed\n",
               netpold(*MANY[:3], path, "--expect", "deny").stderr)
    tap_.equal("flows: all are as expected", 0, netpold(*MANY[:3], path, "--expect", "allow").returncode)
    path.write_text("\n".join(lines))
    tap_.equal("flows: what cannot be answered is worse than what is not as expected", 2,
               netpold(*MANY[:3], path, "--expect", "deny").returncode)


def check_conversation(tap_):
    """Who asks one flow at a time is not kept waiting for its answer."""
    with subprocess.Popen([NETPOLD, "explain", *map(str, MANY)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True, bufsize=1) as child:
        answers = []
        for _ in range(3):
            child.stdin.write(ANSWERED[0][1] + "\n")
            ready, _, _ = select.select([child.stdout], [], [], 20)
            answers.append(ready and seen(json.loads(child.stdout.readline())))
        child.stdin.close()
    tap_.equal("each question is answered before the next one", [ANSWERED[0][2]] * 3, answers)


# ---- progress --------------------------------------------------------------------


def check_progress(tap_):
    slow = Terminal(NETPOLD, "explain", "--manifests", "-", "--from", "192.0.2.1", "--to", "192.0.2.2",
                    "--port", "80")
    slow.feed_until("objects read", (f"---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: n{n}}}\n"
                                     for n in itertools.count()))
    shown = slow.text
    out = slow.finish()
    tap_.true("who waits at a terminal sees how far reading has come",
              re.search(r"netpold: \d+ objects read", shown), "netpold: N objects read", repr(shown))
    tap_.true("and it is wiped away before the answer", slow.text.endswith("\r\x1b[K"),
              "a carriage return and a wipe", repr(slow.text))
    tap_.true("the answer comes all the same", out.startswith("allow  192.0.2.1"), "allow", out)

    flows = Terminal(NETPOLD, "explain", *MANY)
    flows.feed_until("flows answered", itertools.repeat(ANSWERED[0][1] + "\n"))
    tap_.true("who waits at a terminal sees how far answering has come",
              re.search(r"netpold: \d+ flows answered", flows.text), "N flows answered",
              repr(flows.text))
    flows.child.stdin.write(b"x\n" + ANSWERED[0][1].encode() + b"\n")
    flows.finish()
    tap_.true("what has to be said comes on a line of its own",
              "\r\x1b[Knetpold: error: -:" in flows.text, "a wipe, and an error", repr(flows.text))
    tap_.true("that is wiped away at the end, too",
              flows.text.endswith(("\r\x1b[K", "near 'x'\r\n")),
              "a carriage return and a wipe", repr(flows.text))

    quick = Terminal(NETPOLD, "explain", *ONE)
    quick.finish()
    tap_.equal("what is quick shows nothing", "", quick.text)


def check_schemas(tap_):
    def once(pairs):
        names = [name for name, _ in pairs]
        assert len(names) == len(set(names)), names
        return dict(pairs)

    for path in sorted(SCHEMAS.glob("*.json")):
        try:
            wrong = json.loads(path.read_text(), object_pairs_hook=once) and ""
        except (AssertionError, ValueError) as error:
            wrong = str(error)
        tap_.equal(f"{path.name} says nothing twice", "", wrong)


def test(tap_):
    check_schemas(tap_)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        check_transcripts(tap_, folder, "--update" in sys.argv)
        check_usage(tap_, folder)
        check_inputs(tap_, folder)
        check_flows(tap_)
        check_reasons(tap_)
        check_refused_flows(tap_)
        check_flow_formats(tap_, folder)
        check_conversation(tap_)
        check_progress(tap_)


if __name__ == "__main__":
    tap.main(test)
