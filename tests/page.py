# SPDX-License-Identifier: GPL-2.0-or-later
"""The pages of the documentation, and the commands in them.

What a fenced block is says the rest of its first line:

	console			commands, run from the root of the sources, as anybody, one block
				after the other in one shell; below each, what it prints
	console node		the same as root on a node: a network namespace, with /run and
				/var/lib of its own
	console cluster		takes a cluster, or files of the reader's: read, each option has to be
				one of the command's; what an API server alone can answer is run
				by e2e/kube_docs_test.py
	console build		make and its targets: these have to be in `make help`
	text			what somebody prints, or a drawing
	text demo		what `make demo` prints
	yaml			any YAML
	yaml config		settings of `netpold run`

A line "$ …" begins a command; it goes on after a backslash or a bar. In what it prints … is
anything, and a line … any number of lines. Of a command without output none is asked for.
"""

import dataclasses
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[1]
NAMES = ["README.md", "daemon/README.md", "manifests/README.md", "policy/README.md"]
FENCE = re.compile(r"^(\s*)```(.*)$")


@dataclasses.dataclass
class Command:
    text: str
    output: list


@dataclasses.dataclass
class Block:
    page: str
    line: int
    kind: str
    lines: list

    @property
    def place(self):
        return f"{self.page}:{self.line}"

    @property
    def text(self):
        return "\n".join(self.lines) + "\n"

    def commands(self):
        """What is typed, and what is to be seen."""
        found = []
        goes_on = False
        for line in self.lines:
            if line.startswith("$ "):
                found.append(Command(line[2:], []))
            elif goes_on:
                found[-1].text += "\n" + line
            elif found:
                found[-1].output.append(line)
            else:
                raise ValueError(f"{self.place}: '{line}' follows no command")
            goes_on = (line.startswith("$ ") or goes_on) and line.endswith(("\\", "|"))
        return found


@dataclasses.dataclass
class Page:
    name: str
    blocks: list
    prose: list  # (number of the line, line): what is in no block

    @property
    def folder(self):
        return (ROOT / self.name).parent


def read(name):
    page = Page(name, [], [])
    block = None
    for number, line in enumerate((ROOT / name).read_text(encoding="utf-8").splitlines(), 1):
        fence = FENCE.match(line)
        if fence and block is None:
            block = Block(name, number, fence[2].strip(), [])
            indent = len(fence[1])
        elif fence:
            page.blocks.append(block)
            block = None
        elif block is not None:
            block.lines.append(line[indent:] if not line[:indent].strip() else line)
        else:
            page.prose.append((number, line))
    if block is not None:
        raise ValueError(f"{block.place}: a block without an end")
    return page


def read_all():
    return [read(name) for name in NAMES]


def spans(page):
    """(number of the line, text) of what stands between backticks in the prose."""
    return [(number, span) for number, line in page.prose for span in re.findall(r"`([^`]+)`", line)]


def slug(heading):
    """How a heading is linked to."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def headings(name):
    return {slug(match) for match in re.findall(
        r"^#+ (.+)$", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)}


def shows(expected, got):
    """Whether a command has printed what the page says, … being anything."""
    pattern = ""
    for line in expected:
        if line.strip() == "…":
            pattern += r"(?:[^\n]*\n)*?"
        else:
            pattern += ".*".join(re.escape(part) for part in line.rstrip().split("…")) + r"[ \t]*\n"
    return re.fullmatch(pattern, got) is not None
