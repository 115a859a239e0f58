#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The live page in a browser: what it makes of what a node tells, that it follows it, and that no
name becomes a part of it. The node is the test's (live_node.py); tests/e2e/live_page_test.py has a
real one.

Prints TAP. CHROMIUM names the browser. Without a browser the test fails.
"""

import json
import pathlib
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]

sys.dont_write_bytecode = True
sys.path[:0] = [str(ROOT / "tests" / "e2e"), str(ROOT / "tests" / "daemon")]
import live_node  # noqa: E402
import matrix_test  # noqa: E402
import tap  # noqa: E402
from browser import Browser  # noqa: E402
from live_node import Node, denial, metrics, pod, row, side, status  # noqa: E402

WIDTHS = (360, 820, 1400)
EVIL = [*matrix_test.EVIL, "<img src=x onerror=\"document.title='had'\">", "</script><script>throw 1</script>"]


def text(id_):
    return f"document.getElementById('{id_}').innerText"


def cells(table):
    return (f"Array.from(document.querySelectorAll('#{table} tbody tr'), "
            "row => Array.from(row.cells, cell => cell.textContent.trim()))")


def tile(name):
    return f"document.querySelector('#tile-{name} b').textContent"


VIEWS = "Array.from(document.querySelectorAll('#views button'), button => button.innerText)"


def choose(browser, view):
    browser.run(f"document.querySelectorAll('#views button')[{view}].click()")


def fill(browser, field, value):
    """As typing does it."""
    browser.run(f"(() => {{ const e = document.getElementById('{field}'); e.value = {json.dumps(value)};"
                "e.dispatchEvent(new Event('input', {bubbles: true})); })()")


def has(browser, id_, words):
    return browser.becomes(f"{text(id_)}.includes({json.dumps(words)})")


# ---- what is shown ------------------------------------------------------------


def check_first(tap_, browser, node):
    web = side(True, [("shop/web", False)], [("shop/web", 1, "from pods with app=client, to port http/TCP")],
               (20, [f"shop/c-{i}" for i in range(18)]))
    node.pods = [pod(ingress=web), pod("tool", egress=side(False, [("shop/later", True)])),
                 pod("alone", ingress=side(True, [("shop/nothing", False)], local=(2, [])))]
    node.state["flows"] = live_node.flows(
        row(1, count=3, per_second=1.6), row(2, target="shop/tool", port=1, ago=90),
        row(3, "shop/a", "shop/b", 53, "allow", protocol="UDP", would="deny", would_because="staged"),
        row(4, "shop/c", "shop/d", verdict="deny", mode="audit", why="tried"), row(5, verdict="allow"))
    # These are as old as they are now, however long it takes to look at them.
    node.state["now_ms"] = int(1000 * time.time())
    node.state["denied"] = [denial(packets=1200)]
    browser.size(1400, 900)
    browser.visit(node.url)
    tap_.true("what the node tells is shown", browser.becomes(f"{cells('flows')}.length === 2"), 2,
              browser.run(cells("flows")))
    tap_.equal("the node has its name in the title", "netpold on node-a", browser.run("document.title"))
    tap_.equal("its state is said in words", ["enforcing", "ready"], browser.run(text("states")).split())
    tap_.equal("a denial has its packets, its rate, both ends and its reason",
               ["3", "1.6", "shop/guest Deployment", "shop/web Pod", "8080/TCP", "denied",
                "ingress: isolated by shop/web, no rule matches"], browser.run(cells("flows"))[0][1:])
    browser.size(820, 900)
    tap_.equal("where there is no head, a count has its unit", ['" packets"', '" packet"'], [browser.run(
        f"getComputedStyle(document.querySelectorAll('#flows tbody tr')[{i}].cells[1], '::after').content")
        for i in range(2)])
    browser.size(1400, 900)
    tap_.equal("what is denied just now stands out", ["fresh", ""], browser.run(
        "Array.from(document.querySelectorAll('#flows tbody tr'), row => row.className)"))
    tap_.equal("views tell how many are in them", ["denied 2", "would be denied 2", "all 5"], browser.run(VIEWS))
    choose(browser, 1)
    tap_.equal("what would be denied has a view of its own, with the reason of what is staged, or of the audit",
               [["shop/c Deployment", "would be denied", "tried"], ["shop/a Deployment", "would be denied", "staged"]],
               [[one[3], one[6], one[7]] for one in browser.run(cells("flows"))])
    choose(browser, 2)
    tap_.equal("all of them have another, what is new first", ["allowed", "would be denied", "would be denied",
               "denied", "denied"], [one[6] for one in browser.run(cells("flows"))])
    choose(browser, 0)
    tap_.equal("what the kernel denies has its place",
               [["1,200", "shop/guest -> shop/web:8080/TCP",
                 "ingress: shop/web is isolated by shop/web and no rule matches"]], browser.run(cells("denied")))
    tap_.equal("queues tell how full they are", [["6000", "12 of 1024"], ["6001", "0 of 1024"]],
               [one[:2] for one in browser.run(cells("queues"))])
    tap_.true("what is in force has its facts", has(browser, "facts", "2 for ingress, 1 for egress"),
              "2 for ingress, 1 for egress", browser.run(text("facts")))
    del node.state["now_ms"]


def check_pods(tap_, browser):
    tap_.true("pods are there", browser.becomes("document.querySelectorAll('#pods details').length === 3"), 3,
              browser.run(text("pods")))
    heads = browser.run("Array.from(document.querySelectorAll('#pods summary'), e => e.innerText.split(/\\s*\\n\\s*/)"
                        ".join(' '))")
    for words in ("shop/alone in: nothing out: everything", "shop/tool in: everything out: everything; staged",
                  "shop/web in: 1 rule out: everything"):
        tap_.true(f"a line sums a pod up: {words}", any(head.startswith(words) for head in heads), words, heads)
    browser.run("document.querySelectorAll('#pods details').forEach(e => { e.open = true; })")
    told = browser.run(text("pods"))
    for words in ("Who may reach it · isolated by shop/web",
                  "from pods with app=client, to port http/TCP (shop/web rule 1)",
                  "of this node: 18 of 20: shop/c-0, shop/c-1,", "shop/c-15 and 2 more", "of this node: none",
                  "nothing: no rule allows anything", "isolated by shop/later (staged)"):
        tap_.true(f"open, it tells who reaches it: {words}", words in told, words, told)


def check_search(tap_, browser):
    fill(browser, "find", "SHOP/TOOL")
    tap_.equal("denials can be searched", 1, browser.run(f"{cells('flows')}.length"))
    fill(browser, "find", "nothing")
    tap_.equal("pods can be searched by their policies", ["shop/alone"],
               browser.run("Array.from(document.querySelectorAll('#pods summary b'), e => e.textContent)"))
    fill(browser, "find", "10.244.1.7")
    tap_.equal("and by their addresses", 3, browser.run("document.querySelectorAll('#pods details').length"))
    tap_.equal("what nothing matches is told", "none that matches", browser.run(text("about-flows")))
    fill(browser, "find", "")


# ---- it changes while it is watched ---------------------------------------------


def check_changes(tap_, browser, node):
    node.state["metrics"] = metrics(packets=5000, denied=600, by_kernel=9, lost=4, fast=4800, slow=200)
    tap_.true("a rate comes of two counts", browser.becomes(f"parseFloat({tile('judged')}) > 0"), "> 0",
              browser.run(tile("judged")))
    tap_.true("so does that of what the kernel denies", browser.becomes(f"parseFloat({tile('kernel-denied')}) > 0"),
              "> 0", browser.run(tile("kernel-denied")))
    tap_.equal("and the count itself is told", ["5,000 in all", "600 in all", "of the last 10 s"], [browser.run(
        f"document.querySelector('#tile-{name} .more').textContent") for name in ("judged", "denied", "half")])
    half, most = browser.run(tile("half")), browser.run(tile("most"))
    tap_.true("the median is in the bucket where half of the verdicts are",
              half.endswith("µs") and 10 < int(half.split()[0]) <= 100, "10 to 100 µs", half)
    tap_.true("99 of 100 took as long as the slowest", most.endswith("ms") and 1 < float(most.split()[0]) <= 10,
              "1 to 10 ms", most)
    tap_.equal("what a queue has lost is told", "4", browser.run(cells("queues"))[0][3])
    tap_.equal("policies are told with what they denied", ["shop/web", "4,400", "600"],
               browser.run(cells("policies"))[0][:3])
    drawn = browser.run("document.querySelector('#tile-judged path').getAttribute('d')")
    tap_.true("a line is drawn of it", drawn.count("L") >= 1 and "NaN" not in drawn, "a path", drawn)

    browser.run("document.querySelectorAll('#pods details')[0].open = true")
    node.pods = [pod("alone"), pod("fresh")]
    node.state |= {"pods": 2, "flows": live_node.flows(row(6, "shop/x", "shop/y"), unnamed=7, rows_gone=1)}
    tap_.true("a denial that is new comes by itself", has(browser, "flows", "shop/x"),
              "shop/x", browser.run(text("flows")))
    tap_.equal("what is in no row is counted", "7 packets are in no row: there were too many; 1 row has made room",
               browser.run(text("about-flows")))
    tap_.true("pods come and go", browser.becomes("document.querySelectorAll('#pods details').length === 2"), 2,
              browser.run(text("pods")))
    tap_.equal("who was open stays so", [True, False],
               browser.run("Array.from(document.querySelectorAll('#pods details'), e => e.open)"))
    asked = node.asked.count("/pods.json")
    tap_.equal("pods are asked for where something has changed, and not else", 2, asked)


def check_troubles(tap_, browser, node):
    node.state["status"] = status(
        unready="not ready: it waits",
        paused={"since": live_node.when(), "until": live_node.when(-600), "reason": "a drill"},
        refused={"since": live_node.when(), "reason": "f.yaml:1: expected a map"})
    for words in ("Not ready: it waits", "a drill", "A change was refused", "f.yaml:1: expected a map"):
        tap_.true(f"trouble comes first, in words: {words}", has(browser, "alerts", words), words,
                  browser.run(text("alerts")))
    node.state["status"] = status()
    tap_.true("and goes when it is over", browser.becomes("document.getElementById('alerts').children.length === 0"),
              "", browser.run(text("alerts")))


def unjudged(n):
    return [*metrics(), live_node.counter("netpold_unjudged_packets_total", ({}, n)),
            live_node.counter("netpold_copies_lost_total", ({"worker": "0"}, 77))]


def check_unjudged(tap_, browser, node):
    n_alerts = "document.getElementById('alerts').children.length"
    node.state["metrics"] = unjudged(5)
    browser.visit(node.url)
    tap_.true("packets that went unjudged are told among the facts", has(browser, "facts", "packets not judged\n5"),
              "5", browser.run(text("facts")))
    tap_.equal("those of long ago alarm nobody", 0, browser.run(n_alerts))
    node.state["metrics"] = unjudged(8)
    tap_.true("those of late do",
              has(browser, "alerts", "3 packets were not judged in the last two minutes"), "3 packets …",
              browser.run(text("alerts")))
    node.state["now_ms"] = int(1000 * (time.time() + 121))
    tap_.true("and no more where two minutes have passed", browser.becomes(f"{n_alerts} === 0"), "",
              browser.run(text("alerts")))
    node.state |= {"metrics": unjudged(20), "status": status(mode="audit"), "now_ms": node.state["now_ms"] + 1000}
    tap_.true("an audit tells of lost copies in their place", has(browser, "facts", "copies lost\n77") and
              "not judged" not in browser.run(text("facts")), "77", browser.run(text("facts")))
    tap_.equal("and nobody is alarmed", 0, browser.run(n_alerts))
    del node.state["now_ms"]
    node.state |= {"status": status(), "metrics": metrics()}


def check_restart(tap_, browser, node):
    node.pods = [pod("reborn")]
    node.state |= {"status": status(started_at=live_node.when()), "metrics": metrics(packets=10)}
    tap_.true("counts that begin anew are no rate below zero",
              browser.becomes(f"{cells('policies')}[0][1] === '10'") and
              browser.becomes(f"{tile('judged')} === '0'") and
              "-" not in browser.run(text("tiles")), "0", browser.run(text("tiles")))
    tap_.true("pods are those of the new netpold, though it counts as the old one did",
              has(browser, "pods", "shop/reborn"), "shop/reborn", browser.run(text("pods")))


def check_silence(tap_, browser, node):
    node.refuses = True
    tap_.true("who does not answer is told of", has(browser, "pulse", "no answer since") and
              "500: out of order" in browser.run(text("pulse")), "no answer since … (500: out of order)",
              browser.run(text("pulse")))
    tap_.equal("and what is shown is marked as old", "old", browser.run("document.getElementById('main').className"))
    node.refuses = False
    tap_.true("it goes on when there is an answer", has(browser, "pulse", "live, "), "live, …",
              browser.run(text("pulse")))


# ---- who may see it ---------------------------------------------------------------


def check_token(tap_, browser, node):
    node.token = "secret"
    browser.run("sessionStorage.clear()")
    browser.visit(node.url)
    asks = "!document.getElementById('ask').hidden"
    tap_.true("where there is a token it is asked for", browser.becomes(asks), "a form", "none")
    tap_.true("and nothing is shown before", browser.run("document.getElementById('main').hidden"), "nothing",
              "something")
    enter = "(() => { document.getElementById('token').value = %s; document.querySelector('#ask button').click(); })()"
    browser.run(enter % "'wrong'")
    tap_.true("another one is refused", has(browser, "wrong", "that is another one"), "that is another one",
              browser.run(text("wrong")))
    browser.run(enter % "'secret'")
    tap_.true("with the right one the node is shown", browser.becomes(
        "document.getElementById('ask').hidden && !document.getElementById('main').hidden"), "the node", "the form")
    browser.visit(node.url)
    tap_.true("it is not asked for again in the same tab", browser.becomes(
        f"{text('node')} === 'node-a'"), "node-a", browser.run(text("node")))
    node.token = None


# ---- hostile names, colours, widths --------------------------------------------------


def hostile(evil):
    """All that is text is hostile, but for what a daemon makes itself."""
    rules = [("p/p", 1, evil)]
    return {
        "pods": 99,
        "status": status(evil, source={"kind": "manifests", "paths": [evil]}, unready=evil, netpold=evil,
                         refused={"since": live_node.when(), "reason": evil},
                         paused={"since": live_node.when(), "until": live_node.when(), "reason": evil}),
        "metrics": metrics(policy=evil, packets=3, denied=1),
        "denied": [denial(evil, evil)],
        "flows": live_node.flows(row(1, evil, evil, why=evil), row(2, evil, evil, would_because=evil, would="deny")),
    }, [pod(evil, evil, side(True, [("p/p", False), (evil, True)], rules, (3, [evil])), side(), [evil])]


def check_hostile(tap_, browser, node):
    markup = "document.querySelectorAll('main img, iframe, object, embed, link:not([rel=icon]), [onerror]').length"
    for number, evil in enumerate(EVIL):
        node.state, node.pods = hostile(evil)
        node.state["pods"] = 100 + number
        browser.visit(node.url)
        tap_.true(f"name {number} is shown as it is written",
                  browser.becomes(f"document.querySelector('#pods b').textContent === {json.dumps(f'{evil}/{evil}')}"),
                  evil, browser.run(text("pods")))
        tap_.equal(f"name {number} becomes no element", (0, 1), (browser.run(markup), browser.run(
            "document.scripts.length")))


def check_looks(tap_, browser, node):
    colour = "getComputedStyle(document.body).backgroundColor"
    seen = []
    for dark in (False, True):
        browser.dark(dark)
        seen.append(browser.run(colour))
    browser.dark(False)
    tap_.equal("the page is light or dark, as the reader has it", ["rgb(245, 247, 249)", "rgb(18, 22, 27)"], seen)
    node.state["flows"] = live_node.flows(row(1, "shop/" + "x" * 250, why="w" * 300))
    node.state["status"] = status("n" * 250)
    tap_.true("long names come", has(browser, "flows", "x" * 250), "x", browser.run(text("flows")))
    for width in WIDTHS:
        browser.size(width, 900)
        tap_.equal(f"{width} wide, nothing has to be scrolled sideways", width,
                   browser.run("Math.max(innerWidth, document.documentElement.scrollWidth)"))


class Witness(Browser):
    """Remembers what all of its pages have asked for, and complained of."""

    def __init__(self):
        super().__init__()
        self.asked, self.complained = set(), []

    def gather(self):
        self.asked |= set(self.requests())
        self.complained += [one for one in self.complaints()
                            # An answer of an error is told by the browser itself.
                            if one.get("entry", {}).get("source") != "network"]

    def visit(self, url):
        self.gather()
        super().visit(url)


def test(tap_):
    with Node() as node, Witness() as browser:
        check_first(tap_, browser, node)
        check_pods(tap_, browser)
        check_search(tap_, browser)
        for check in (check_changes, check_troubles, check_unjudged, check_restart, check_silence, check_token,
                      check_looks, check_hostile):
            check(tap_, browser, node)
        browser.gather()
        tap_.equal("nobody but the node is asked, and for data only",
                   {node.url + "state.json", node.url + "pods.json"}, browser.asked)
        tap_.equal("the page has complained of nothing", [], browser.complained)


if __name__ == "__main__":
    tap.main(test)
