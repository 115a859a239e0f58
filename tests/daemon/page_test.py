#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`netpold matrix --output html` in a browser: what it draws, what a click tells,
that it asks nobody for anything, and that no name becomes a part of it.

Prints TAP. NETPOLD names the program (default: build/netpold), CHROMIUM the
browser. Without a browser the test fails.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
NETPOLD = os.path.abspath(os.environ.get("NETPOLD", ROOT / "build" / "netpold"))

sys.dont_write_bytecode = True
sys.path[:0] = [str(ROOT / "tests" / "e2e"), str(ROOT / "tests" / "daemon")]
import clusters  # noqa: E402
import manifests  # noqa: E402
import matrix_test  # noqa: E402
import tap  # noqa: E402
from browser import Browser  # noqa: E402

DRAWN = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))"
# What the page shows, as a person would read it.
TEXTS = "Array.from(document.querySelectorAll('%s'), e => e.textContent)"
CELL = ("document.querySelector('.cell[data-from=\"' + {0}.findIndex(t => t === %s) + '\"]"
        "[data-to=\"' + {0}.findIndex(t => t === %s) + '\"]')").format(
            "JSON.parse(document.getElementById('data').textContent).units.map(u => u.title)")


def page(folder, name, text, *arguments):
    path = pathlib.Path(folder) / f"{name}.html"
    done = subprocess.run([NETPOLD, "matrix", "--output", "html", *arguments, "-"], input=text, text=True,
                          capture_output=True, timeout=60, check=False)
    path.write_text(done.stdout)
    return path


def texts(browser, selector):
    return browser.run(TEXTS % selector)


def cell(from_, to):
    return CELL % (json.dumps(from_), json.dumps(to))


def fill(browser, field, value):
    """As typing does it."""
    browser.run(f"(() => {{ const e = document.getElementById('{field}'); e.value = {json.dumps(value)};"
                f"e.dispatchEvent(new Event('input', {{bubbles: true}})); }})()")


def check_shop(tap_, browser, folder):
    browser.size(1400, 900)
    browser.open(page(folder, "shop", clusters.shop().text()))
    titles = ["dev/*", "ingress-nginx/controller", "kube-system/coredns", "monitoring/grafana",
              "monitoring/prometheus", "shop/api", "shop/db", "shop/mailer", "shop/web",
              "everywhere else", "10.0.0.0/8"]
    tap_.equal("a row for each sender", titles, texts(browser, "#sides .side"))
    tap_.equal("a column for each receiver", titles, texts(browser, "#heads .head"))
    tap_.equal("what no policy protects is marked", titles[:4], texts(browser, ".head.open"))
    kinds = {pair: browser.run(f"{cell(*pair)}.className.split(' ')[1]") for pair in [
        ("shop/web", "shop/api"), ("shop/web", "shop/db"), ("dev/*", "dev/*"),
        ("shop/mailer", "shop/mailer"), ("everywhere else", "10.0.0.0/8")]}
    tap_.equal("cells say ports, nothing, everything, and where there is nothing to judge",
               ["ports", "none", "all", "gone", "gone"], list(kinds.values()))
    tap_.equal("a cell has its port in it", "5432", browser.run(f"{cell('shop/api', 'shop/db')}.textContent"))

    browser.run(f"{cell('shop/api', 'shop/db')}.click()")
    told = browser.run("document.getElementById('panel').innerText")
    for words in ("shop/api → shop/db", "5432/TCP", "No policy isolates it for egress: everything passes.",
                  "Isolated by shop/db, shop/deny-ingress.",
                  "shop/db rule 1: from pods with app=api in namespace shop, to port sql/TCP"):
        tap_.true(f"a click tells the reason: {words}", words in told, words, told)
    browser.run(f"{cell('dev/*', 'shop/db')}.click()")
    told = browser.run("document.getElementById('panel').innerText")
    tap_.true("and of what is denied, too", "No rule names dev/*: nothing passes." in told,
              "No rule names dev/*", told)
    browser.run("document.querySelectorAll('.head')[6].click()")
    told = browser.run("document.getElementById('panel').innerText")
    tap_.true("a click on a name tells all of its connections",
              "may reach it" in told and "5432/TCP: shop/api" in told and "53/TCP, 53/UDP: kube-system/coredns" in told,
              "who may reach it, and whom it may reach", told)


def check_staged(tap_, browser, folder):
    staged = json.dumps({"apiVersion": "v1", "kind": "List", "items": [
        manifests.namespace("shop"), manifests.pod("web", "shop", "node-1", ["10.0.0.1"], {}),
        manifests.with_mode("audit", manifests.policy("web", "shop", {}, ingress=[]))]})
    for words, options, told in (("left out", (), True), ("enforced, too", ("--staged",), False)):
        browser.open(page(folder, "staged", staged, *options))
        counts = browser.run("document.getElementById('counts').textContent")
        tap_.equal(f"staged policies are {words}: the page says so", told,
                   "1 staged policy left out: --staged judges as if they were enforced" in counts)


def check_search(tap_, browser):
    fill(browser, "from", "SHOP/")
    fill(browser, "to", "monitoring")
    tap_.equal("senders can be searched", ["shop/api", "shop/db", "shop/mailer", "shop/web"],
               texts(browser, "#sides .side"))
    tap_.equal("and receivers", ["monitoring/grafana", "monitoring/prometheus"],
               texts(browser, "#heads .head"))
    fill(browser, "from", "")
    fill(browser, "to", "shop/db")
    fill(browser, "port", "5432")
    clear = "Array.from(document.querySelectorAll('.cell:not(.dim)'), e => e.title)"
    tap_.equal("a port leaves only who may use it", ["shop/api → shop/db: 5432/TCP"], browser.run(clear))
    fill(browser, "port", "99999")
    tap_.equal("what is no port is told", ["a port is 5432, 53/udp or ping"], texts(browser, "#problem"))
    fill(browser, "port", "")
    fill(browser, "to", "")
    fill(browser, "order", "open")
    tap_.equal("what is unprotected can come first", ["dev/*", "ingress-nginx/controller",
                                                      "kube-system/coredns", "monitoring/grafana"],
               texts(browser, "#heads .head")[:4])
    fill(browser, "order", "reached")
    tap_.equal("or what most may reach", "kube-system/coredns", texts(browser, "#heads .head")[0])
    fill(browser, "order", "name")


def check_keys(tap_, browser):
    press = ("document.getElementById('frame').dispatchEvent("
             "new KeyboardEvent('keydown', {key: '%s', bubbles: true}))")
    browser.run(f"{cell('shop/api', 'shop/api')}.click()")
    for key in ("ArrowDown", "ArrowRight", "ArrowRight"):
        browser.run(press % key)
    tap_.equal("arrow keys go from cell to cell, and tell each", "shop/db → shop/mailer",
               browser.run("document.querySelector('#panel h2').textContent"))


def check_colours(tap_, browser):
    colour = "getComputedStyle(document.body).backgroundColor"
    browser.dark(False)
    light = browser.run(colour)
    browser.dark(True)
    dark = browser.run(colour)
    browser.dark(False)
    tap_.equal("the page is light or dark, as the reader has it",
               ("rgb(255, 255, 255)", "rgb(18, 22, 27)"), (light, dark))


# ---- units of several classes -----------------------------------------------------


def half():
    """Of a StatefulSet one pod is isolated and one is not."""
    pods = [manifests.pod(f"w-{i}", "a", "n1", [f"10.0.0.{i}"], {"v": str(i)}) for i in (1, 2)]
    for pod in pods:
        pod["metadata"]["ownerReferences"] = [{"kind": "StatefulSet", "name": "w", "controller": True}]
    return [manifests.namespace("a"), *pods, manifests.pod("c", "a", "n1", ["10.0.0.3"], {}),
            manifests.policy("x", "a", {"v": "1"}, ingress=[])]


def dual():
    """Pods with two addresses, of which a rule lets only one family in."""
    pods = [manifests.pod(name, namespace, "n1", [f"10.0.0.{i}", f"fd00::{i}"], {"app": name})
            for i, (namespace, name) in enumerate([("a", "p"), ("a", "q"), ("b", "r")], 1)]
    return [manifests.namespace("a"), manifests.namespace("b"), *pods,
            manifests.policy("six", "a", {"app": "p"}, ingress=[manifests.rule(
                [manifests.block("fd00::/64")], [manifests.port(80)])])]


# A sentence; a cluster; arguments; who is clicked, sender and receiver; what the panel tells, and what not.
SEVERAL = [
    ("of a unit half of which is isolated the half is told", half, [], ("a/c", "a/w"),
     ["some only: everything", "1 of its 2 pods isolated by a/x; of the others everything passes.",
      "No rule names a/c: nothing passes of the isolated ones."], []),
    ("and as a sender it says what its own side has", half, [], ("a/w", "a/c"),
     ["No policy isolates it for ingress: everything passes."], ["isolated by"]),
    ("also where a namespace is one unit", half, ["--by", "namespace"], ("a/*", "a/*"),
     ["1 of its 3 pods isolated by a/x; of the others everything passes."], []),
    ("a rule for one family is the reason of what it lets in", dual, [], ("b/r, a/q", "a/p"),
     ["some only: 80/TCP", "Isolated by a/six.", "a/six rule 1: from ", "fd00::/64, to port 80/TCP"],
     ["No rule names"]),
    ("of an outside of the other family, too", dual, ["--by", "namespace"], ("fd00::/64", "a/*"),
     ["a/six rule 1", "1 of its 2 pods isolated by a/six"], ["No rule names"]),
    ("what was not asked is not nothing", dual, ["--namespace", "a"], ("fd00::/64", "b/r"),
     ["Not asked: neither is of a."], ["nothing"]),
]


def check_several(tap_, browser, folder):
    for i, (sentence, make, arguments, pair, told, not_told) in enumerate(SEVERAL):
        browser.open(page(folder, f"several-{i}", matrix_test.as_list(make()), *arguments))
        titles = texts(browser, "#sides .side")
        if not set(pair) <= set(titles):
            tap_.equal(f"{sentence}: the units are there", pair, titles)
            continue
        browser.run(f"{cell(*pair)}.click()")
        panel = browser.run("document.getElementById('panel').innerText")
        tap_.equal(sentence, ([], []), ([words for words in told if words not in panel],
                                        [words for words in not_told if words in panel]))
        tap_.true(f"{sentence}: the panel tells both sides" if "Not asked" not in panel else f"{sentence}: and no more",
                  ("egress of" in panel and "ingress of" in panel) != ("Not asked" in panel), "both sides", panel)
    browser.open(page(folder, "half", matrix_test.as_list(half())))
    tap_.equal("who is half isolated is marked so", ["a/w"], texts(browser, ".head.half"))
    browser.run("document.querySelectorAll('.head')[0].click()")
    panel = browser.run("document.getElementById('panel').innerText")
    tap_.true("a click on a name tells what some may besides", "everything, between some of them only: a/w" in panel
              or "between some of them only" in panel, "between some of them only", panel)
    fill(browser, "to", "nowhere")
    tap_.equal("a search that finds nobody says so", ["no receiver matches nowhere"], texts(browser, "#problem"))


def check_large(tap_, browser, folder):
    browser.open(page(folder, "teams", clusters.teams().text()))
    count = "document.querySelectorAll('.cell').length"
    drawn = browser.run(count)
    tap_.true("of a thousand pods only what can be seen is drawn", 500 < drawn < 5000,
              "some thousand cells", drawn)
    browser.run("document.getElementById('frame').scrollTo(900, 900)")
    browser.run(DRAWN)
    where = ("(() => { const f = document.getElementById('frame').getBoundingClientRect();"
             "return ['corner', 'heads', 'sides'].map(id => { const r ="
             "document.getElementById(id).getBoundingClientRect();"
             "return [Math.round(r.left - f.left), Math.round(r.top - f.top)]; }); })()")
    corner, heads, sides = browser.run(where)
    tap_.equal("names stay where they are when the table is scrolled", ([0, 0], 0, 0),
               (corner, heads[1], sides[0]))
    tap_.true("and the names are those of the cells in sight", "ingress-nginx/controller" not in texts(
        browser, "#sides .side") and len(texts(browser, "#sides .side")) > 10, "other names",
        texts(browser, "#sides .side"))


def check_hostile(tap_, browser, folder):
    browser.open(page(folder, "hostile", matrix_test.as_list(matrix_test.hostile())))
    markup = "document.querySelectorAll('img, iframe, object, embed, link:not([rel=icon]), [onerror]').length"
    for i in range(browser.run("document.querySelectorAll('.side').length")):
        browser.run(f"document.querySelectorAll('.side')[{i}].click()")
    for i in range(20):
        browser.run(f"document.querySelectorAll('.cell')[{i * 3}].click()")
    tap_.equal("no name becomes an element", 0, browser.run(markup))
    tap_.equal("no name becomes a script", 2, browser.run("document.scripts.length"))
    shown = texts(browser, "#sides .side")
    tap_.true("names are shown as they are written", any("</script>" in name for name in shown),
              "</script>", shown)


def test(tap_):
    with tempfile.TemporaryDirectory() as folder, Browser() as browser:
        asked, complaints = [], []
        for check in (check_shop, check_staged, check_several, check_large, check_hostile):
            check(tap_, browser, folder)
            if check is check_shop:
                check_search(tap_, browser)
                check_keys(tap_, browser)
                check_colours(tap_, browser)
            asked += browser.requests()
            complaints += browser.complaints()
        tap_.equal("the pages have asked nobody for anything", [], asked)
        tap_.equal("and have complained of nothing", [], complaints)


if __name__ == "__main__":
    tap.main(test)
