#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""`netpold top`, in a terminal and without one, against a daemon that says whatever a
test wants it to say.

Prints TAP. NETPOLD names the program (default: build/netpold). What a real daemon says
is tested in tests/e2e/top_test.py, what is in a page in tests/daemon/top/.
"""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "include" / "netpold" / "schema" / "flows.schema.json"
NETPOLD = os.environ.get("NETPOLD", str(ROOT / "build" / "netpold"))

sys.path[:0] = [str(ROOT / "tests" / "daemon"), str(ROOT / "tests" / "e2e")]
import fake_daemon  # noqa: E402
import schema  # noqa: E402
import tap  # noqa: E402
from screen import Screen  # noqa: E402

SINCE = "2024-02-29T12:34:56.789Z"
STATUS = {"netpold": "9.8.7", "node": "node-a", "generation": 3, "mode": "enforce",
          "source": {"kind": "manifests", "paths": []}}


def row(number, source, target, port, verdict, why, **more):
    return {"id": number, "from": {"name": source, "kind": "Deployment"},
            "to": {"name": target, "kind": "Pod"}, "protocol": "TCP", "port": port,
            "mode": "enforce", "verdict": verdict, "why": why, "count": 10 * number,
            "bytes": 600 * number, "per_second": float(number), "first": SINCE, "last": SINCE,
            **more}


ROWS = [
    row(3, "shop/web", "shop/db", 5432, "allow", "ingress: shop/db-from-web rule 1"),
    row(2, "guests/cat", "shop/web", 8080, "deny",
        "ingress: isolated by shop/deny-all, no rule matches"),
    row(1, "guests/dog", "shop/web", 8081, "allow", "egress: not isolated", would="deny",
        would_because="ingress: isolated by shop/staged, no rule matches"),
]

ONCE = """\
netpold 9.8.7 on node-a: all is in force  generation 3
judged 100/s  queue 5 of 1024
[flows] denials would-denials  by rate  3 of 3 rows

FROM        TO        PORT      VERDICT     RATE/s  COUNT  WHY
shop/web    shop/db   5432/TCP  allow          3.0     30  ingress: shop/db-from-web rule 1
guests/cat  shop/web  8080/TCP  deny           2.0     20  \
ingress: isolated by shop/deny-all, no rule matches
guests/dog  shop/web  8081/TCP  would deny     1.0     10  \
ingress: isolated by shop/staged, no rule matches
"""


class Answers:
    """What a daemon says; a test changes it meanwhile."""

    def __init__(self, rows=ROWS):
        self.rows = rows
        self.packets = 0
        self.asked = 0  # for flows
        self.is_old = False

    def __call__(self, line):
        name = json.loads(line)["get"]
        if name == "flows" and self.is_old:
            return b'{"version": 1, "error": "get takes \\"metrics\\" or \\"status\\""}\n'
        self.asked += name == "flows"
        return json.dumps({"version": 1, name: getattr(self, name)()}).encode() + b"\n"

    @staticmethod
    def status():
        return STATUS

    def flows(self):
        return {"seconds": 1.5, "seen": 60, "unnamed": 0, "lost": 0, "rows_gone": 0,
                "rows": self.rows}

    def metrics(self):
        """A hundred packets more each time."""
        self.packets += 100
        return [{"name": name, "type": "gauge", "unit": "packets", "help": ".",
                 "values": [{"value": value}]}
                for name, value in (("netpold_packets_total", self.packets),
                                    ("netpold_queue_waiting_packets", 5),
                                    ("netpold_queue_capacity_packets", 1024))]


def netpold(*arguments, **variables):
    return subprocess.run([NETPOLD, "top", *arguments], capture_output=True, text=True,
                          timeout=60, check=False, env={**os.environ, **variables},
                          stdin=subprocess.DEVNULL, errors="replace")


# ---- without a terminal -------------------------------------------------------


def check_once(tap_):
    answers = Answers()
    with fake_daemon.listening(answers) as path:
        done = netpold("--status-socket", path, "--for", "1s")
        # How long a second took is not for us to say.
        text = re.sub(r"judged \d+/s", "judged 100/s", done.stdout)
        tap_.equal("without a terminal, what was seen is printed once", ONCE, text)
        tap_.equal("exit status 0, and no error", (0, ""), (done.returncode, done.stderr))
        tap_.equal("it is asked at the beginning, and after each second", 2, answers.asked)
        done = netpold("--status-socket", path, "--once")
        tap_.equal("--once looks for two", (0, 5), (done.returncode, answers.asked))
        done = netpold("--status-socket", path, "--for=1s", "--view=denials")
        tap_.equal("a view has its rows only", (True, False),
                   ("guests/cat" in done.stdout, "guests/dog" in done.stdout))
        done = netpold("--status-socket", path, "--for=1s", "--filter=STAGED")
        tap_.equal("so has a filter", (False, True),
                   ("guests/cat" in done.stdout, "guests/dog" in done.stdout))
        done = netpold("--status-socket", path, "--for=1s", "--sort=time")
        tap_.true("the order is that which was asked for", "by time" in done.stdout, "by time",
                  done.stdout)


def check_json(tap_):
    with fake_daemon.listening(Answers()) as path:
        done = netpold("--for", "1s", "--output", "json", NETPOLD_STATUS_SOCKET=path)
    told = json.loads(done.stdout)
    tap_.equal("JSON has all that was told", (1, STATUS, ROWS),
               (told["version"], told["status"], told["flows"]["rows"]))
    tap_.equal("flows are as the schema says", [],
               list(schema.violations(told["flows"], json.loads(SCHEMA.read_text()))))


REFUSED = [  # what is wrong, the arguments, and what is said
    ("a view that is none", ("--view", "all"), "--view: 'all'"),
    ("an order that is none", ("--sort", "name"), "--sort: 'name'"),
    ("a format that is none", ("--output", "yaml"), "--output: 'yaml'"),
    ("a filter that is too long", ("--filter", 100 * "x"), "--filter: 'x"),
    ("a filter that a terminal would obey", ("--filter", "\x1b[31m"), "--filter: "),
    ("an interval that is too long", ("--interval", "6s"), "--interval: "),
    ("no time at all", ("--for", "0s"), "--for: "),
    ("a time that is none", ("--for", "long"), "--for: "),
    ("a view of all there is", ("--output=json", "--view=flows"), "--output=json"),
    ("an interval of once", ("--once", "--interval=1s"), "--interval"),
    ("an option that is none", ("--all",), "'--all'"),
    ("a word too many", ("web",), "'web'"),
]


def check_refused(tap_):
    for sentence, arguments, words in REFUSED:
        done = netpold(*arguments)
        tap_.true(f"{sentence} is refused", done.returncode == 2 and not done.stdout and
                  words in done.stderr and "netpold top --help" in done.stderr,
                  f"2, {words}", (done.returncode, done.stderr))


def check_away(tap_):
    done = netpold("--once", "--status-socket", "/nowhere/status.sock")
    tap_.true("where no netpold answers, that is said, and exit status 2",
              done.returncode == 2 and "no netpold answers at '/nowhere" in done.stderr,
              "no netpold answers", (done.returncode, done.stderr))
    answers = Answers()
    answers.is_old = True
    with fake_daemon.listening(answers) as path:
        done = netpold("--once", "--status-socket", path)
    tap_.true("so it is where an older one does not tell of flows",
              done.returncode == 2 and "get takes" in done.stderr, "get takes …",
              (done.returncode, done.stderr))


# ---- in a terminal ------------------------------------------------------------


def fits(screen, columns, lines):
    """What was shown last fills the terminal, and no more."""
    return screen.wait(lambda seen: len(seen) == lines and seen[-1].startswith("q quit") and
                       all(len(line) <= columns for line in seen))


def check_sizes(tap_):
    with fake_daemon.listening(Answers()) as path, \
            Screen(NETPOLD, "top", "--status-socket", path, columns=100, lines=30) as screen:
        tap_.true("in a terminal it is shown again and again", screen.shows("guests/cat"),
                  "guests/cat", screen.lines())
        tap_.true("it fills the terminal", fits(screen, 100, 30), "30 lines", screen.lines())
        for columns, lines in ((40, 10), (20, 6), (200, 60), (80, 24)):
            screen.resize(columns, lines)
            tap_.true(f"it follows to {columns} by {lines}", fits(screen, columns, lines),
                      f"{lines} lines of at most {columns}", screen.lines())
        screen.press("q")
        tap_.equal("q ends it", 0, screen.finish())


def check_keys(tap_):
    answers = Answers()
    with fake_daemon.listening(answers) as path, \
            Screen(NETPOLD, "top", "--status-socket", path, columns=120) as screen:
        screen.shows("guests/cat")
        screen.press("\t")
        tap_.true("tab shows the next view", screen.shows("[denials]") and
                  screen.shows_no("guests/dog"), "denials", screen.lines())
        screen.press("\x1b[C")
        tap_.true("so does an arrow", screen.shows("[would-denials]") and
                  screen.shows("guests/dog"), "would-denials", screen.lines())
        screen.press("1s")
        tap_.true("s changes the order", screen.shows("[flows]") and screen.shows("by count"),
                  "by count", screen.lines())
        screen.press("/CAT")
        tap_.true("a filter works while it is typed", screen.shows("filter: CAT_") and
                  screen.shows_no("guests/dog"), "guests/cat alone", screen.lines())
        screen.press("\r")
        screen.shows_no("CAT_")
        screen.press("\x1b")
        tap_.true("escape drops it", screen.shows("guests/dog"), "guests/dog", screen.lines())
        screen.press("p")
        screen.shows("PAUSED")
        answers.rows, asked = [row(9, "new/one", "shop/web", 1, "deny", "x")], answers.asked
        tap_.true("p stands still", not screen.shows("new/one", 2.5) and
                  screen.shows("guests/cat"), "guests/cat", screen.lines())
        tap_.true("but it is counted on", answers.asked > asked, f"more than {asked}",
                  answers.asked)
        screen.press("p")
        tap_.true("and goes on", screen.shows("new/one"), "new/one", screen.lines())
        screen.press("\x03")
        tap_.equal("^C ends it", 0, screen.finish())


def many():
    return [row(number, f"shop/w{number}", "shop/db", 1, "allow", "x")
            for number in range(1, 101)]


def check_scroll(tap_):
    with fake_daemon.listening(Answers(many())) as path, \
            Screen(NETPOLD, "top", "--status-socket", path, columns=100, lines=16) as screen:
        tap_.true("the first rows are seen", screen.shows("shop/w100 ") and
                  screen.shows("shop/w91 ") and not screen.shows("shop/w90 ", 0), "100 to 91",
                  screen.lines())
        screen.press("\x1b[6~")
        tap_.true("then the next page", screen.shows("shop/w90 ") and
                  screen.shows_no("shop/w91 "), "90 to 81", screen.lines())
        screen.press("\x1b[F")
        tap_.true("and the end", screen.shows("shop/w1 ") and screen.shows("shop/w10 "),
                  "10 to 1", screen.lines())
        screen.resize(100, 36)
        tap_.true("there is no empty space at the end where there are more rows",
                  screen.shows("shop/w30 ") and screen.shows("shop/w1 "), "30 to 1",
                  screen.lines())


def child_of(pid):
    return int(pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def check_left_as_found(tap_):
    """A shell goes on in the same terminal."""
    for sentence, end in (
            ("after q", lambda screen: screen.press("q")),
            ("after SIGTERM", lambda screen: os.kill(child_of(screen.pid), signal.SIGTERM))):
        with fake_daemon.listening(Answers()) as path, \
                Screen("sh", "-c", 'read go; "$@"; s=$?; echo over; read line; exit $s', "sh",
                       NETPOLD, "top", "--status-socket", path) as screen:
            before = screen.modes()
            screen.press("\r")
            screen.shows("guests/cat")
            during = screen.modes()
            end(screen)
            screen.shows("over")
            tap_.true(f"{sentence} the terminal is as it was",
                      before == screen.modes() and during != before, before, screen.modes())
            tap_.true(f"{sentence} the cursor and the first screen are back",
                      "\x1b[?25h\x1b[?1049l" in screen.text, "two sequences", screen.text[-200:])
            screen.press("\r")
            tap_.equal(f"{sentence} the exit status is 0", 0, screen.finish())


def check_comes_and_goes(tap_):
    """A restart, or an upgrade."""
    with fake_daemon.listening(Answers()) as path:
        fake = fake_daemon.Daemon(path + "2", Answers())
        with Screen(NETPOLD, "top", "--status-socket", path + "2", columns=120) as screen:
            screen.shows("guests/cat")
            fake.stop()
            os.unlink(path + "2")
            tap_.true("a netpold that goes is told of", screen.shows("no netpold answers"),
                      "no netpold answers", screen.lines())
            tap_.true("what was seen last stays", screen.shows("guests/cat"), "guests/cat",
                      screen.lines())
            fake = fake_daemon.Daemon(path + "2", Answers())
            tap_.true("it comes back", screen.shows("netpold 9.8.7 on node-a"), "netpold 9.8.7",
                      screen.lines())
            screen.press("q")
            screen.finish()
        fake.stop()
        os.unlink(path + "2")


def check_hostile(tap_):
    """Names are no orders to a terminal."""
    rows = [row(1, "a\x1b]0;x\x07b/c", "d\x9b31m/\u202ee", 1, "deny", "\x1b[2Jwhy\nnot")]
    with fake_daemon.listening(Answers(rows)) as path:
        with Screen(NETPOLD, "top", "--status-socket", path, columns=120) as screen:
            screen.shows("why")
            strange = [line for line in screen.lines() if re.search(r"[^ -~]", line)]
            tap_.equal("no byte of a name reaches a terminal that obeys it", [], strange)
        done = netpold("--status-socket", path, "--for", "1s")
        tap_.equal("nor a file", [], re.findall(r"[^\n -~]", done.stdout))


def check_dumb(tap_):
    with fake_daemon.listening(Answers()) as path, \
            Screen(NETPOLD, "top", "--status-socket", path, "--for", "1s", TERM="dumb") as screen:
        tap_.equal("a terminal that can do nothing is printed to", 0, screen.finish())
        tap_.true("without a sequence", "guests/cat" in screen.text and "\x1b" not in screen.text,
                  "guests/cat", screen.text)
    with fake_daemon.listening(Answers()) as path, \
            Screen(NETPOLD, "top", "--status-socket", path, NO_COLOR="1") as screen:
        screen.shows("guests/cat")
        tap_.equal("who wants no colours has none", [], re.findall(r"\x1b\[\d*m", screen.text))


def test(tap_):
    for check in (check_once, check_json, check_refused, check_away, check_sizes, check_keys,
                  check_scroll, check_left_as_found, check_comes_and_goes, check_hostile,
                  check_dumb):
        check(tap_)


if __name__ == "__main__":
    tap.main(test)
