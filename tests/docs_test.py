#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The documentation is true as far as a test can tell: its commands do what it shows, and
what it names is there.

page.py says what becomes of which block. What takes a cluster is not run here: what an API
server alone can answer e2e/kube_docs_test.py has one do; here it is checked that a shell can
read it, and that netpold has the options.

Prints TAP. Needs root, for the node. NETPOLD names the program (default: build/netpold).
"""

import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

import yaml

sys.dont_write_bytecode = True
sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent / "e2e")]
import page  # noqa: E402
import tap  # noqa: E402
import told  # noqa: E402

ROOT = page.ROOT
PATIENCE_S = 120
MARK = "\x01"
# Options in the prose that are of other programs.
FOREIGN = {"--run-firewall", "--seconds"}
# What a run of the demo does not repeat: times, and counts of messages.
CHANGING = re.compile(r"\d+\.\d+ m?s|\d+ of \d+ messages|\d+ flows revoked")

# The node: what is of the host stays as it is.
NODE = """
ip link set lo up
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/lib
"""
# What is left in the background ends with the block. Its words are for who looks why.
BEHIND = """
exec 2>&1
trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT
"""


def is_behind(command):
    return command.text.rstrip().endswith("&")


def script_of(commands, words):
    """One shell runs them all, and says where one ends and the next begins."""
    text = BEHIND
    for command in commands:
        line = command.text
        if is_behind(command):
            line = line.rstrip().removesuffix("&") + f" &>>{shlex.quote(words)} &\n"
        text += f"printf '\\n{MARK}\\n'\n{line}\nprintf '\\n{MARK}%d\\n' $?\n"
    return text


def run(commands, folder, on_node):
    """[(exit status, what was printed)], as far as it went."""
    names = pathlib.Path(folder, "bin")
    names.mkdir(exist_ok=True)
    if not (names / "netpold").exists():
        (names / "netpold").symlink_to(told.NETPOLD)
        (names / "sudo").write_text('#!/bin/sh\nexec "$@"\n', encoding="utf-8")
        (names / "sudo").chmod(0o755)
    words = os.path.join(folder, "words")
    text = (NODE if on_node else "") + script_of(commands, words)
    shell = [*(["unshare", "--net", "--mount"] if on_node else []), "bash", "--norc", "-c", text]
    done = subprocess.run(shell, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=PATIENCE_S, check=False,
                          env={**os.environ, "PATH": f"{names}:{os.environ['PATH']}"})
    return [(int(status), printed) for printed, status in re.findall(
        rf"\n{MARK}\n(.*?)\n{MARK}(\d+)\n", done.stdout, re.DOTALL)], done.stdout


def test_shown(tap_, page_, kind, folder):
    """The commands of all blocks of a kind, in one shell, as a reader would type them."""
    blocks = [block for block in page_.blocks if block.kind == kind]
    commands = [command for block in blocks for command in block.commands()]
    if not commands:
        return
    results, whole = run(commands, folder, on_node=kind == "console node")
    if not tap_.equal(f"{page_.name}: all commands of '{kind}' are run", len(commands), len(results)):
        tap_.comment(whole)
    for command, (status, printed) in zip(commands, results):
        name = f"{page_.name}: {' '.join(command.text.split())[:100]}"
        tap_.true(f"{name} does not fail", status <= 1, "0 or 1", f"{status}\n{printed}")
        if command.output:
            tap_.true(f"{name} prints what is shown", page.shows(command.output, printed),
                      "\n".join(command.output), printed)


def netpold_calls(text):
    """[(command, its options)] of a command line; a substitution is one of its own."""
    found = []
    for part in re.split(r"\||&&|;|\$\(|\n(?!\s)", text.replace("\\\n", " ")):
        words = re.findall(r"[^\s\"']+", part)
        call = words[1:] if words[:1] == ["sudo"] else words
        if call[:1] == ["netpold"]:
            call = call[1:]
            found.append((call[0], [word.split("=")[0].rstrip(")") for word in call
                                    if word.startswith("--")]))
    return found


def complaints_about(block):
    """What is wrong with commands that are not run."""
    for command in block.commands():
        done = subprocess.run(["bash", "-n"], input=command.text, text=True, capture_output=True,
                              timeout=20, check=False)
        if done.returncode:
            yield done.stderr
        for name, options in netpold_calls(command.text):
            if name not in told.commands():
                yield f"netpold {name}: no such command"
                continue
            yield from (f"netpold {name} {option}: no such option" for option in options
                        if option not in told.options(name))
        yield from (f"{path}: no such file" for path in re.findall(
            r"(?<![\w/])(?:manifests|tests)/[\w./-]+", command.text) if not (ROOT / path).exists())


def make_complaints(block):
    for command in block.commands():
        words = [word for word in shlex.split(command.text) if "=" not in word]
        words = words[1:] if words[:1] == ["sudo"] else words
        if words[:1] == ["export"]:
            continue
        if words[:1] != ["make"]:
            yield f"{command.text}: neither make nor export"
        yield from (f"make {word}: not in make help" for word in words[1:]
                    if word not in told.make_targets())


def config_complaints(block):
    known = {option[2:] for option in told.options("run")} - {"help", "config", "check"}
    yield from (f"{key}: no setting" for key in yaml.safe_load(block.text) if key not in known)


def yaml_complaints(block):
    try:
        list(yaml.safe_load_all(block.text))
    except yaml.YAMLError as error:
        yield str(error)


READ = {
    "console cluster": complaints_about,
    "console build": make_complaints,
    "yaml": yaml_complaints,
    "yaml config": config_complaints,
}
KINDS = {"console", "console node", "text", "text demo", *READ}


def test_blocks(tap_, page_, folder):
    tap_.equal(f"{page_.name}: of every block it is said what it is", [],
               [f"{block.place}: '{block.kind}'" for block in page_.blocks if block.kind not in KINDS])
    tap_.equal(f"{page_.name}: code is in fences, not indented", [],
               [number for number, line in page_.prose if line.startswith("\t")])
    for block in page_.blocks:
        if block.kind in READ:
            tap_.equal(f"{block.place}: {block.kind}: nothing is wrong with it", [],
                       list(READ[block.kind](block)))
    for kind in ("console", "console node"):
        test_shown(tap_, page_, kind, folder)


def test_demo(tap_, pages):
    shown = [block for page_ in pages for block in page_.blocks if block.kind == "text demo"]
    tap_.equal("the demo is shown once", 1, len(shown))
    done = subprocess.run([sys.executable, "-B", ROOT / "tests" / "e2e" / "demo.py"],
                          env={**os.environ, "NETPOLD": told.NETPOLD, "NO_COLOR": "1"},
                          capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    tap_.equal("the demo ends well", 0, done.returncode)
    plain = [CHANGING.sub("N", line).rstrip() for line in done.stdout.strip().splitlines()]
    tap_.equal("the demo prints what the README shows", "\n".join(
        CHANGING.sub("N", line).rstrip() for line in shown[0].lines), "\n".join(plain))


def missing_links(page_):
    for number, line in page_.prose:
        for target in re.findall(r"\]\(([^)]+)\)", line):
            if target.startswith("http"):
                continue
            path, _, anchor = target.partition("#")
            name = os.path.relpath(page_.folder / path, ROOT) if path else page_.name
            if not (ROOT / name).exists() or (anchor and anchor not in page.headings(name)):
                yield f"{page_.name}:{number}: {target}"


def missing_files(page_):
    """Files and folders of the sources that the prose names and that are not there."""
    places = [page_.folder, ROOT, ROOT / "include" / "netpold"]
    for number, span in page.spans(page_):
        if not re.fullmatch(r"[a-z_]+(?:/[\w.-]+)*/?", span) or "/" not in span:
            continue
        first = span.split("/")[0]
        if any((place / first).is_dir() for place in places) and first != "build" and \
                not any((place / span).exists() for place in places):
            yield f"{page_.name}:{number}: {span}"


def unknown_options(page_):
    known = set().union(*(told.options(command) for command in told.commands()), {"--version"})
    for number, span in page.spans(page_):
        for option in told.OPTION.findall(span):
            if option not in known | FOREIGN and not span.startswith(("kubectl", "make")):
                yield f"{page_.name}:{number}: {option}"


def test_names(tap_, page_):
    tap_.equal(f"{page_.name}: links lead somewhere", [], list(missing_links(page_)))
    tap_.equal(f"{page_.name}: files that are named are there", [], list(missing_files(page_)))
    tap_.equal(f"{page_.name}: options that are named are there", [], list(unknown_options(page_)))


def test_rooms(tap_, folder):
    """The table of rooms has every folder, and no other."""
    text = (ROOT / folder / "README.md").read_text(encoding="utf-8")
    there = {path.name for path in (ROOT / folder).iterdir()
             if path.is_dir() and path.name != "__pycache__"}
    tap_.equal(f"{folder}/README.md: every room is there, and no other", sorted(there),
               sorted(re.findall(r"^\| `([a-z]+)/` \|", text, re.MULTILINE)))


def test_threads(tap_):
    named = {name for path in (ROOT / "daemon").rglob("*.c") for names in re.findall(
        r'pthread_setname_np\([^;]*"([a-z-]+)"\)|\.thread = "([a-z-]+)"',
        path.read_text(encoding="utf-8")) for name in names if name}
    text = (ROOT / "daemon" / "README.md").read_text(encoding="utf-8")
    table = text.split("## Threads")[1].split("## ")[0]
    tap_.equal("daemon/README.md: every thread is there, and no other", sorted({"netpold", *named}),
               sorted(re.findall(r"^\| `([a-z-]+)`", table, re.MULTILINE)))


def test_settings(tap_):
    """The table of settings has each, and the default that the help tells."""
    text = (ROOT / "manifests" / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(--[a-z-]+) [^`]+` \| ([^|]+) \|", text, re.MULTILINE)
    tap_.equal("manifests/README.md: every setting is there, and no other",
               sorted(told.options("run") - {"--help", "--check", "--config"}),
               sorted(name for name, _ in rows))
    shown = {name: default.replace("`", "") for name, default in rows}
    tap_.equal("manifests/README.md: defaults are those of the help",
               {name: default for name, default in told.defaults("run").items() if name in shown},
               {name: default for name, default in shown.items() if name in told.defaults("run")})


def test(tap_):
    pages = page.read_all()
    with tempfile.TemporaryDirectory() as folder:
        for page_ in pages:
            test_blocks(tap_, page_, folder)
            test_names(tap_, page_)
    for folder in ("daemon", "policy"):
        test_rooms(tap_, folder)
    test_threads(tap_)
    test_settings(tap_)
    test_demo(tap_, pages)


if __name__ == "__main__":
    tap.main(test)
