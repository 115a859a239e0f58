#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The settings of `netpold run`: options, variables and the configuration file.

Prints TAP. NETPOLD names the program (default: build/netpold). Nothing here
starts to enforce, not even as root: each row ends in a sentence that refuses
it. Settings are complete before privileges are asked for, so where all that is
missing is manifests, what was given was taken; and more queues than there are
numbers make the program say which values it would use. That those come to work
is shown in tests/daemon/settings_test.c and tests/e2e.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import tap  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
NETPOLD = os.environ.get("NETPOLD", str(ROOT / "build" / "netpold"))
MIB = 1 << 20

# Said last, of what each run here is given besides: all other settings are fine then.
BOTH = {"NETPOLD_MANIFESTS": "x", "NETPOLD_KUBECONFIG": "x"}
TAKEN = ("--manifests and --kubeconfig: objects come from files or from an API server, not from "
         "both")
WORKERS = "expected a number from 1 to 256, found "
PATHS = "expected a path, or a list of paths, found "
NAME = "expected a text of 1 to 253 bytes, found "
SETTING = "expected the name of a setting, found "
PLAIN = "expected a plain value, found "
BLOCKS = ("expected up to 8 blocks with commas between them, such as 10.244.1.0/24, none of which "
          "is everything, found ")
LISTEN = ("expected an address and a port from 1 to 65535, such as 127.0.0.1:9500, [::1]:9500 or "
          ":9500, found ")
PAIR = "a certificate and its key go together: name the other one with --metrics-tls-"
LOG = "expected a flow log, too: name where it goes with --flow-log"
LOG_FILE = "expected a flow log in a file, --flow-log=file:PATH, found "
FLOW_LOG = (("flow-log-only", "denied"), ("flow-log-rate", 7), ("flow-log-fold", 7),
            ("flow-log-labels", "on"), ("flow-log-ends", "off"), ("flow-log-bytes", 65536),
            ("flow-log-keep", 7))
WHERE = ("expected an address to listen at, too: name it with --metrics-listen or "
         "--page-listen")
OTHERS = (" is reached by others than this node, and the page names its pods: add --metrics-tls-cert, "
          "--metrics-tls-key and --metrics-token-file, or name 127.0.0.1 or ::1")
WHOSE = ("hold and drop need to know whose packets: name the range of this node's pods with "
         "--pod-cidr")


def queues(subject, base, workers):
    """What the program says where it would need queues that do not exist."""
    last = base + workers - 1
    return (f"{subject}: expected a number that leaves queues to {workers} workers, found {base}: "
            f"they would need up to {last}, and 65535 is the last")


# A sentence; the configuration file; what is said about it.
FILES = [
    ("settings are taken", "workers: 2\nnode-name: a\niptables: nft\n", TAKEN),
    ("a file without a setting is fine", "# none yet\n", TAKEN),
    ("so is an empty one", "", TAKEN),
    ("and an empty document", "---\n# none yet\n", TAKEN),
    ("JSON is YAML", '{"workers": 2, "queue-base": 65535}', queues("f:1: queue-base", 65535, 2)),
    ("a file of 1 MiB is read", "#" * (MIB - 1) + "\n", TAKEN),
    ("a larger one is not", "#" * MIB + "\n",
     "f: expected a configuration file of at most 1 MiB, found more"),
    ("an unknown key is refused", "workers: 2\nquue-base: 1\n", f"f:2: quue-base: {SETTING}none"),
    ("names have no underscores", "queue_base: 1\n", f"f:1: queue_base: {SETTING}none"),
    ("a merge key is a key like others", "<<: {workers: 1}\n", f"f:1: <<: {SETTING}none"),
    ("a key cannot forge a line", '"a\\nb": 1\n', f"f:1: a?b: {SETTING}none"),
    ("a key that only begins with a name is refused", '"workers\\0": 1\n',
     f"f:1: workers: {SETTING}none"),
    ("a key that is a list is refused", "? [workers]\n: 1\n", f"f:1: {SETTING}a list"),
    ("a key that comes twice is refused", "workers: 1\n\nworkers: 1\n",
     "f:3: workers: expected it once, found it in line 1, too"),
    ("a number out of range is refused", "workers: 257\n", f"f:1: workers: {WORKERS}'257'"),
    ("a word for a number is refused", "\n\nworkers: two\n", f"f:3: workers: {WORKERS}'two'"),
    ("a fraction is refused", "workers: 2.0\n", f"f:1: workers: {WORKERS}'2.0'"),
    ("a key without a value is refused", "workers:\nnode-name: a\n",
     f"f:1: workers: {WORKERS}nothing"),
    ("null is no name", "node-name: null\n", f"f:1: node-name: {NAME}nothing"),
    ("in quotes it is one", "node-name: 'null'\n", TAKEN),
    ("a list for a number is refused", "workers: [2]\n", f"f:1: workers: {WORKERS}a list"),
    ("a mapping for a number is refused", "workers:\n  n: 2\n", f"f:2: workers: {WORKERS}a mapping"),
    ("a mapping for a path is refused", "manifests: {path: a}\n",
     f"f:1: manifests: {PATHS}a mapping"),
    ("an empty list is refused", "manifests: []\n", f"f:1: manifests: {PATHS}an empty list"),
    ("a list in a list is refused", "manifests:\n- a\n- [b]\n", f"f:3: manifests: {PATHS}a list"),
    ("an empty path in a list is refused", "manifests:\n- a\n- ''\n", f"f:3: manifests: {PATHS}''"),
    ("a control character is refused, and not shown", 'node-name: "a\\eb"\n',
     f"f:1: node-name: {NAME}a control character"),
    ("a zero byte is refused", 'node-name: "a\\0b"\n', f"f:1: node-name: {NAME}a zero byte"),
    ("an alias is refused", "node-name: &a x\nmanifests: *a\n", f"f:2: manifests: {PLAIN}an alias"),
    ("an alias for a key is refused", "node-name: &a workers\n*a : 2\n", f"f:2: {PLAIN}an alias"),
    ("a mapping within itself is refused", "&a {manifests: *a}\n",
     f"f:1: manifests: {PLAIN}an alias"),
    ("a tag is refused", "workers: !!int 2\n", f"f:1: workers: {PLAIN}a tag"),
    ("a list instead of a mapping is refused", "- workers\n",
     "f:1: expected a mapping from settings to values, found a list"),
    ("a word instead of a mapping is refused", "workers\n",
     "f:1: expected a mapping from settings to values, found a single value"),
    ("a second document is refused", "workers: 1\n---\nworkers: 2\n",
     "f:2: expected one document, found another"),
    ("what is no YAML is refused", "workers: 1\n{\n",
     "f:3: not YAML: could not find expected ':'"),
    ("what is no text is refused", "\x00\x01", "f:1: not YAML: control characters are not allowed"),
    ("the file cannot name another", "config: g\n",
     "f:1: config: expected it on the command line or in the environment, found it in the file"),
    ("a mask of three bits is refused", "mark-mask: 0x7\n",
     "f:1: mark-mask: mark mask 0x7: has 3 bits; netpold needs 4"),
    ("a range that is none is refused", "pod-cidr: 10.244.1.0\n",
     f"f:1: pod-cidr: {BLOCKS}'10.244.1.0'"),
    ("a list of blocks is one text", "pod-cidr: [10.244.1.0/24]\n",
     "f:1: pod-cidr: expected a text of 1 to 400 bytes, found a list"),
    ("an address and a port are taken", "metrics-listen: '[::1]:9500'\n", TAKEN),
    ("so is none", "metrics-listen: ''\n", TAKEN),
    ("a port alone is refused", "metrics-listen: 9500\n",
     f"f:1: metrics-listen: {LISTEN}'9500'"),
    ("a certificate needs its key", "metrics-listen: ':9500'\nmetrics-tls-cert: a\n",
     f"f:2: metrics-tls-cert: {PAIR}key"),
    ("a key needs its certificate", "metrics-tls-key: a\n",
     f"f:1: metrics-tls-key: {PAIR}cert"),
    ("a certificate needs an address", "metrics-tls-key: a\nmetrics-tls-cert: b\n",
     f"f:2: metrics-tls-cert: {WHERE}"),
    ("so does a token", "metrics-token-file: a\n", f"f:1: metrics-token-file: {WHERE}"),
    ("with an address all three are taken", "metrics-listen: ':9500'\nmetrics-tls-key: a\n"
     "metrics-tls-cert: b\nmetrics-token-file: c\n", TAKEN),
    ("a port alone is one of this node, for the page", "page-listen: 9501\n", TAKEN),
    ("so is an address of loopback", "page-listen: '[::1]:9501'\n", TAKEN),
    ("no page is fine", "page-listen: ''\n", TAKEN),
    ("a token with a page alone is taken", "page-listen: 9501\nmetrics-token-file: c\n", TAKEN),
    ("what is no address is none of a page", "page-listen: 9501/tcp\n",
     f"f:1: page-listen: {LISTEN}'9501/tcp'"),
    ("a port is not larger than ports are", "page-listen: 95010\n",
     f"f:1: page-listen: {LISTEN}'127.0.0.1:95010'"),
    ("a page for everybody needs more", "page-listen: ':9501'\n", f"f:1: page-listen: :9501{OTHERS}"),
    ("TLS is not enough", "page-listen: '192.0.2.1:9501'\nmetrics-tls-key: a\n"
     "metrics-tls-cert: b\n", f"f:1: page-listen: 192.0.2.1:9501{OTHERS}"),
    ("nor is a token", "metrics-token-file: c\npage-listen: '[::]:9501'\n",
     f"f:2: page-listen: [::]:9501{OTHERS}"),
    ("both are", "page-listen: ':9501'\nmetrics-tls-key: a\n"
     "metrics-tls-cert: b\nmetrics-token-file: c\n", TAKEN),
    ("empty ones are none", "metrics-tls-key: ''\nmetrics-tls-cert: ''\n"
     "metrics-token-file: ''\n", TAKEN),
    ("policies that are told by name are bounded", "metrics-policies: 1001\n",
     "f:1: metrics-policies: expected a number from 0 to 1000, found '1001'"),
    ("to tell none is fine", "metrics-policies: 0\n", TAKEN),
    ("a flow log to a file is taken", "flow-log: file:/var/log/flows\n", TAKEN),
    ("so is none", "flow-log: off\n", TAKEN),
    ("a log to nowhere is refused", "flow-log: syslog\n",
     "f:1: flow-log: expected off, stdout, file:PATH or unix:PATH, found 'syslog'"),
    ("ends of flows are on or off", "flow-log-ends: yes\n",
     "f:1: flow-log-ends: expected off or on, found 'yes'"),
    ("a log of ends is taken", "flow-log: stdout\nflow-log-ends: on\n", TAKEN),
    ("what is denied has no end", "flow-log: stdout\nflow-log-ends: on\nflow-log-only: denied\n",
     "f:2: flow-log-ends: does not go with f:3: flow-log-only: what has an end is a flow that is "
     "allowed; leave one of them out"),
    ("a log is named by its whole path", "flow-log: unix:flows.sock\n",
     "f:1: flow-log: expected a path from / on, found 'flows.sock'"),
    *((f"without a flow log there is no {name}", f"{name}: {value}\n", f"f:1: {name}: {LOG}")
      for name, value in FLOW_LOG),
    ("nor is there where it is off", "flow-log-rate: 1\nflow-log: off\n",
     f"f:1: flow-log-rate: {LOG}"),
    *((f"a log that is no file has no {name}", f"flow-log: stdout\n{name}: {value}\n",
       f"f:2: {name}: {LOG_FILE}stdout") for name, value in FLOW_LOG[5:]),
    ("nor has one to a socket", "flow-log: unix:/s\nflow-log-keep: 3\n",
     f"f:2: flow-log-keep: {LOG_FILE}unix:/s"),
    ("a file has all of them", "flow-log: file:/f\n" + "".join(
        f"{name}: {value}\n" for name, value in FLOW_LOG), TAKEN),
    ("another log has the others", "flow-log: stdout\n" + "".join(
        f"{name}: {value}\n" for name, value in FLOW_LOG[:5]), TAKEN),
    ("to drop at a start needs a range", "on-start: drop\n", f"f:1: on-start: {WHOSE}"),
    ("so does to hold", "on-start: hold\nhold-unknown: 900\n", f"f:1: on-start: {WHOSE}"),
    ("to hold at a start needs a time", "on-start: hold\npod-cidr: 10.244.1.0/24\n",
     "f:1: on-start: hold needs to know for how long: name the milliseconds with --hold-unknown"),
    ("with both it is taken",
     "on-start: hold\npod-cidr: 10.244.1.0/24,fd00:1::/64\nhold-unknown: 2000\n", TAKEN),
    ("to be closed needs no range", "on-failure: closed\n", TAKEN),
    ("system calls are limited or not", "seccomp: yes\n",
     "f:1: seccomp: expected off or on, found 'yes'"),
    ("system calls need not be limited", "seccomp: off\n", TAKEN),
    ("off is a word for a size, as it stands", "kernel-cache: off\n", TAKEN),
    ("a size out of range is refused", "kernel-cache: 7\n",
     "f:1: kernel-cache: expected off or on, or a number from 1024 to 1048576, found '7'"),
    ("a mebibyte of brackets is refused at once", "manifests: " + "[" * (MIB - 100),
     f"f:1: manifests: {PATHS}a list"),
    ("a mebibyte of anchors is read within seconds",
     "manifests: [" + "".join(f"&{n} a," for n in range(90_000)) + "{}]",
     f"f:1: manifests: {PATHS}a mapping"),
]

# A sentence; variables; what is said about them.
VARIABLES = [
    ("a variable is taken", {"NETPOLD_WORKERS": "2", "NETPOLD_QUEUE_BASE": "65535"},
     queues("NETPOLD_QUEUE_BASE", 65535, 2)),
    ("a wrong value is refused", {"NETPOLD_WORKERS": "two"}, f"NETPOLD_WORKERS: {WORKERS}'two'"),
    ("an empty value is none", {"NETPOLD_NODE_NAME": ""}, f"NETPOLD_NODE_NAME: {NAME}''"),
    ("a misspelt name is refused", {"NETPOLD_QUUE_BASE": "1"},
     "NETPOLD_QUUE_BASE: expected the name of a setting after NETPOLD_, found none"),
    ("no name at all is refused", {"NETPOLD_": "1"},
     "NETPOLD_: expected the name of a setting after NETPOLD_, found none"),
    ("a name in small letters is refused", {"NETPOLD_workers": "1"},
     "NETPOLD_workers: expected the name of a setting after NETPOLD_, found none"),
    ("NETPOLD alone is not ours, nor is what begins otherwise",
     {"NETPOLD": "x", "NETPOLDX": "x", "XNETPOLD_WORKERS": "x"}, TAKEN),
    ("what Kubernetes tells of a Service named netpold is not taken for ours",
     {"NETPOLD_SERVICE_HOST": "10.96.0.7", "NETPOLD_SERVICE_PORT": "9100",
      "NETPOLD_SERVICE_PORT_METRICS": "9100", "NETPOLD_PORT": "tcp://10.96.0.7:9100",
      "NETPOLD_PORT_9100_TCP": "tcp://10.96.0.7:9100", "NETPOLD_PORT_9100_TCP_PROTO": "tcp",
      "NETPOLD_PORT_9100_TCP_PORT": "9100", "NETPOLD_PORT_9100_TCP_ADDR": "10.96.0.7",
      "NETPOLD_METRICS_SERVICE_HOST": "10.96.0.7", "NETPOLD_METRICS_PORT": "tcp://…"}, TAKEN),
    ("a variable may be an address", {"NETPOLD_METRICS_LISTEN": "10.0.0.1:0"},
     f"NETPOLD_METRICS_LISTEN: {LISTEN}'10.0.0.1:0'"),
    ("an empty path is refused", {"NETPOLD_MANIFESTS": "a::b"}, f"NETPOLD_MANIFESTS: {PATHS}''"),
    ("the file can be named", {"NETPOLD_CONFIG": "nowhere"},
     "nowhere: cannot read the configuration file: No such file or directory"),
]

# A sentence; options; what is said about them.
OPTIONS = [
    ("an option is taken", ["--workers", "2", "--queue-base=65535"],
     queues("--queue-base", 65535, 2)),
    ("a wrong value is refused", ["--workers", "two"], f"--workers: {WORKERS}'two'"),
    ("packets are held for two seconds at most", ["--hold-unknown", "2001"],
     "--hold-unknown: expected a number from 0 to 2000, found '2001'"),
    ("a name is no address", ["--metrics-listen", "localhost:9500"],
     f"--metrics-listen: {LISTEN}'localhost:9500'"),
    ("what is longer than addresses are is none", ["--metrics-listen", ":" * 72],
     "--metrics-listen: expected a text of 0 to 71 bytes, found "
     f"'{':' * 60}…'"),
    ("a socket's path is short", ["--flow-log", "unix:/" + "x" * 107],
     "--flow-log: expected at most 107 bytes for the path of a socket, found 108"),
    ("a file of records is not too short", ["--flow-log-bytes", "1000"],
     "--flow-log-bytes: expected a number from 65536 to 1099511627776, found '1000'"),
    ("a range is everything", ["--pod-cidr", "10.244.1.0/24,::/0"],
     f"--pod-cidr: {BLOCKS}'::/0'"),
    ("the last of two counts", ["--workers", "2", "--workers", "3", "--queue-base", "65535"],
     queues("--queue-base", 65535, 3)),
    ("a value is missing", ["--workers"], "'--workers' is no option here, or lacks its value"),
    ("an unknown option is refused", ["--wrong"], "'--wrong' is no option here, or lacks its value"),
    ("a word is refused", ["dump/"], "'dump/' is not expected here"),
    ("a file that is not there is refused", ["--config", "nowhere"],
     "nowhere: cannot read the configuration file: No such file or directory"),
    ("a folder is refused", ["--config", "."],
     ".: expected a configuration file, found something that is no regular file"),
    ("a pipe is refused, and not waited for", ["--config", "pipe"],
     "pipe: expected a configuration file, found something that is no regular file"),
    ("- is a file like others", ["--config", "-"],
     "-: cannot read the configuration file: No such file or directory"),
]

# A sentence; file, variables and options; what is said about them.
BASE = "queue-base: 65535\n"
PRECEDENCE = [
    ("the file beats the default", BASE + "workers: 2\n", {}, [], queues("f:1: queue-base", 65535, 2)),
    ("the environment beats the file", BASE + "workers: 2\n", {"NETPOLD_WORKERS": "3"}, [],
     queues("f:1: queue-base", 65535, 3)),
    ("the command line beats both", BASE + "workers: 2\n", {"NETPOLD_WORKERS": "3"},
     ["--workers", "4"], queues("f:1: queue-base", 65535, 4)),
    ("who gave a value is who is told", BASE + "workers: 2\n", {"NETPOLD_QUEUE_BASE": "65534"},
     ["--workers", "4"], queues("NETPOLD_QUEUE_BASE", 65534, 4)),
    ("the command line names the file before the environment does", BASE + "workers: 2\n",
     {"NETPOLD_CONFIG": "nowhere"}, [], queues("f:1: queue-base", 65535, 2)),
    ("who switches a flow log off need not clear the file of its settings",
     "flow-log: file:/f\nflow-log-rate: 7\nflow-log-keep: 7\n", {}, ["--flow-log=off"], TAKEN),
    ("but says nothing of it beside that", "flow-log: file:/f\n", {},
     ["--flow-log=off", "--flow-log-rate=7"], f"--flow-log-rate: {LOG}"),
    ("what is wrong in the file is told, though the command line overrides it", "workers: 0\n", {},
     ["--workers", "4"], f"f:1: workers: {WORKERS}'0'"),
]


def run(folder, arguments, variables=None):
    clean = {name: value for name, value in os.environ.items()
             if not name.startswith("NETPOLD")}
    return subprocess.run([NETPOLD, "run", *arguments], cwd=folder, env={**clean, **BOTH, **(variables or {})},
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10,
                          check=False)


def check_refused(tap_, sentence, seen, message):
    tap_.equal(sentence, (2, "", f"netpold: error: run: {message}; see `netpold run --help`\n"),
               (seen.returncode, seen.stdout, seen.stderr))


def check_file(tap_, sentence, text, variables, options, message):
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "f").write_text(text, encoding="utf-8")
        check_refused(tap_, sentence, run(folder, ["--config", "f", *options], variables), message)


def check_rows(tap_):
    for sentence, text, message in FILES:
        check_file(tap_, f"file: {sentence}", text, {}, [], message)
    with tempfile.TemporaryDirectory() as folder:
        os.mkfifo(pathlib.Path(folder, "pipe"))
        for sentence, variables, message in VARIABLES:
            check_refused(tap_, f"environment: {sentence}", run(folder, [], variables), message)
        for sentence, options, message in OPTIONS:
            check_refused(tap_, f"command line: {sentence}", run(folder, options), message)
    for sentence, text, variables, options, message in PRECEDENCE:
        check_file(tap_, sentence, text, variables, options, message)


# ---- help ------------------------------------------------------------------------


def check_help(tap_):
    with tempfile.TemporaryDirectory() as folder:
        shown = run(folder, ["--help"])
        for options in (["--config", "nowhere", "--help"], ["--wrong", "--help"],
                        ["--workers", "0", "--help"], ["dump/", "--help"]):
            seen = run(folder, options, {"NETPOLD_WRONG": "1"})
            tap_.equal(f"{' '.join(options)}: help wins", (0, shown.stdout, ""),
                       (seen.returncode, seen.stdout, seen.stderr))
    tap_.equal("help fits the width of a terminal", [],
               [line for line in shown.stdout.splitlines() if len(line) > 79])
    return re.findall(r"^  --([a-z-]+)", shown.stdout, re.MULTILINE)


def check_names(tap_, names):
    """Whatever help lists is an option, a variable and a key, but for the command's own."""
    for name in [name for name in names if name != "check"]:
        variable = "NETPOLD_" + name.upper().replace("-", "_")
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "f").write_text(f"{name}: ~\n", encoding="utf-8")
            told = [run(folder, [f"--{name}", "\t"]).stderr,
                    run(folder, [], {variable: "\t"}).stderr,
                    run(folder, ["--config", "f"]).stderr]
        subjects = [f"--{name}: expected", f"{variable}: expected", f"f:1: {name}: expected"]
        tap_.true(f"{name} is an option, a variable and a key",
                  all(subject in line for subject, line in zip(subjects, told)), subjects, told)


def test(tap_):
    check_rows(tap_)
    names = check_help(tap_)
    tap_.true("help lists the settings", "manifests" in names and "config" in names, "both", names)
    check_names(tap_, names)


tap.main(test)
