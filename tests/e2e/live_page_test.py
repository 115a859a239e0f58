#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""The page for people, of a node at work, watched in a browser.

    chromium, in the node's namespace ── HTTP ──► 127.0.0.1:9501 of the node

Pods are denied and policies change while the page is looked at; it follows. Data are for the node
alone, or, elsewhere, for who has the token; what the page does with what it is told is
tests/daemon/live_page_test.py's.
"""

import dataclasses
import json
import pathlib
import signal
import sys
import tempfile

import daemon
import manifests
import metrics_tls_test
import pause_test
import probe
import scenario
import tap
import warm_test
import web
import world
from metrics_tls_test import bearer
from probe import ALLOWED, DENIED, Probe

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "daemon"))
import live_node  # noqa: E402
from browser import Browser  # noqa: E402

PORT = 9501
PATIENCE = 15  # seconds
LOCAL = {"Host": f"localhost:{PORT}"}
SPECS = ("web", "db", "loner", "client", "free", "guest")
KERNELS = "guests/guest -> shop/web:8080/TCP"
WHY = "ingress: isolated by shop/web-from-clients, no rule matches"
LATER = "ingress: isolated by shop/later, no rule matches"
OPEN = [Probe("what is allowed is", "client", "web", "tcp", 8080, ALLOWED)]
SHUT = [Probe("what is denied is", "guest", "web", "tcp", 8080, DENIED, families=("4",))]
FLOWS = ("Array.from(document.querySelectorAll('#flows tbody tr'), "
         "row => Array.from(row.cells, cell => cell.textContent.trim()).slice(3))")
DENIED_ROW = ["guests/guest Pod", "shop/web Pod", "8080/TCP", "denied", WHY]
HALF = "document.querySelector('#tile-half b').textContent"
POD = ("(Array.from(document.querySelectorAll('#pods details'), e => e.innerText)"
       ".find(text => text.startsWith('%s')) || '')")
OPEN_ALL = "document.querySelectorAll('#pods details').forEach(e => { e.open = true; })"


def browser_on(world_):
    return Browser(before=("nsenter", "--target", str(world_.node.pid), "--net"))


def includes(what, words):
    return f"{what}.includes({json.dumps(words)})"


def choose(browser, view):
    browser.run(f"document.querySelectorAll('#views button')[{view}].click()")


def becomes(tap_, browser, sentence, what, words):
    tap_.true(sentence, browser.becomes(includes(what, words)), words, browser.run(what))


# ---- watched --------------------------------------------------------------------


def check_shown(tap_, world_, browser):
    tap_.true("the node is shown", browser.becomes(
        f"document.getElementById('node').textContent === '{world_.node_name}'"), world_.node_name,
        browser.run("document.body.innerText"))
    tap_.true("its pods are", browser.becomes(
        f"document.querySelectorAll('#pods details').length === {len(SPECS)}"), len(SPECS),
        browser.run("document.getElementById('pods').innerText"))
    browser.run(OPEN_ALL)
    web_ = POD % "shop/web"
    for sentence, words in (
            ("a pod has the policies that isolate it", "isolated by shop/web-from-clients"),
            ("and says in words who reaches it", "from pods with app=client in namespace shop"),
            ("and which pods of the node do", "of this node: 1 of 5: shop/client"),
            ("and that nothing keeps it in", "out: everything")):
        becomes(tap_, browser, sentence, web_, words)
    for words in ("in: nothing", "out: nothing"):
        becomes(tap_, browser, f"one that may nothing: {words}", POD % "shop/loner", words)
    becomes(tap_, browser, "nobody reaches it", POD % "shop/loner", "of this node: none")
    becomes(tap_, browser, "one of no policy is open", POD % "shop/free", "in: everything")
    becomes(tap_, browser, "a block is told with what is excepted", POD % "shop/db", "192.0.2.64/26")


def check_verdict_time(tap_, world_, browser):
    """Told of the last seconds: there are verdicts until it is. The kernel gives none of a new port."""
    for port in range(20000, 20060):
        begun = probe.begin_all(world_, [dataclasses.replace(SHUT[0], port=port, patience_ms=300)])
        is_told = browser.becomes(f"/^[1-9][0-9.]* .?s$/.test({HALF})", 1)
        for _, _, future in begun:
            future.result(PATIENCE)
        if is_told:
            break
    tap_.true("verdicts have taken some time", is_told, "… µs", browser.run(HALF))


def check_denials(tap_, world_, browser):
    probe.check_all(tap_, world_, OPEN + SHUT)
    tap_.true("a denial comes while the page is watched", browser.becomes(f"{FLOWS}.length > 0"), "a row",
              browser.run("document.getElementById('about-flows').innerText"))
    tap_.equal("with its reason, and what was allowed is not among them", [DENIED_ROW], browser.run(FLOWS))
    choose(browser, 2)
    tap_.true("but among all", browser.becomes(f"{FLOWS}.some(row => row[0].startsWith('shop/client'))"),
              "shop/client", browser.run(FLOWS))
    for _ in range(2):
        probe.check_all(tap_, world_, SHUT)
    becomes(tap_, browser, "what the kernel goes on to deny is told, too",
            "document.getElementById('denied').innerText", KERNELS)
    check_verdict_time(tap_, world_, browser)
    tap_.true("each queue has a line", browser.becomes(
        "/ of [1-9]/.test(document.getElementById('queues').innerText)"), "n of n",
        browser.run("document.getElementById('queues').innerText"))
    becomes(tap_, browser, "policies are told with what they denied",
            "document.getElementById('policies').innerText", "shop/web-from-clients")


def check_change(tap_, world_, browser, netpold):
    later = manifests.with_mode("audit", manifests.policy("later", "shop", {"app": "free"}, ingress=[]))
    others = [one for one in scenario.policies() if one["metadata"]["name"] != "web-from-clients"]
    netpold.apply(*others, later)
    becomes(tap_, browser, "a policy that goes opens its pod on the page", POD % "shop/web", "in: everything")
    becomes(tap_, browser, "one that is staged is told as such", POD % "shop/free", "in: everything; staged")
    browser.run(OPEN_ALL)
    becomes(tap_, browser, "with its name", POD % "shop/free", "isolated by shop/later (staged)")
    probe.check_all(tap_, world_, [Probe("what would be denied passes", "guest", "free", "tcp", 8080, ALLOWED)])
    choose(browser, 1)
    tap_.true("and what it would deny is told while it happens", browser.becomes(f"{FLOWS}.length > 0"), "a row",
              browser.run("document.getElementById('about-flows').innerText"))
    tap_.equal("with its reason", [["guests/guest Pod", "shop/free Pod", "8080/TCP", "would be denied", LATER]],
               browser.run(FLOWS))


def check_watched(tap_, world_):
    world_.folder.put("policies", *scenario.policies())
    world_.folder.put("cluster", *world_.cluster())
    with daemon.Daemon(world_, "--page-listen", str(PORT), "--metrics-policies", "10",
                       daemon.REMEMBER) as netpold, browser_on(world_) as browser:
        netpold.wait_in_force()
        browser.size(1400, 900)
        browser.visit(f"http://127.0.0.1:{PORT}/")
        check_shown(tap_, world_, browser)
        check_denials(tap_, world_, browser)
        check_change(tap_, world_, browser, netpold)
        tap_.equal("the page has complained of nothing", [], browser.complaints())
        tap_.equal("it stops in order", 0, netpold.stop())
        becomes(tap_, browser, "then the page says so", "document.getElementById('pulse').innerText", "no answer since")


# ---- what replaces what is in force -------------------------------------------------


def has_pods(tap_, browser, sentence, n):
    tap_.true(sentence, browser.becomes(f"document.querySelectorAll('#pods details').length === {n}"), n,
              browser.run("document.getElementById('pods').innerText"))


def check_pause(tap_, world_, browser, options):
    with daemon.Daemon(world_, *options) as netpold:
        netpold.wait_in_force()
        browser.visit(f"http://127.0.0.1:{PORT}/")
        has_pods(tap_, browser, "pods are shown", len(SPECS))
        pause_test.must_pause(tap_, world_, "a pause begins", "--for=1h")
        has_pods(tap_, browser, "in a pause nobody is judged for, and none is shown", 0)
        pause_test.must_pause(tap_, world_, "it ends", "--end")
        has_pods(tap_, browser, "at its end pods are shown again", len(SPECS))
        pause_test.must_pause(tap_, world_, "another begins", "--for=1h")
        has_pods(tap_, browser, "they go again", 0)
        netpold.stop(signal.SIGKILL)
    with daemon.Daemon(world_, *options) as netpold:
        pause_test.wait_line(netpold, "enforcing on node", 0)
        becomes(tap_, browser, "who starts in a pause is shown", "document.getElementById('alerts').innerText", "Paused")
        has_pods(tap_, browser, "without pods", 0)
        pause_test.must_pause(tap_, world_, "it ends, too", "--end")
        has_pods(tap_, browser, "and with them where that ends", len(SPECS))
        netpold.stop()


def check_warm(tap_, world_, browser, options):
    """The last run's objects stand in until the manifests can be read."""
    others = [one for one in scenario.policies() if one["metadata"]["name"] != "web-from-clients"]
    world_.folder.put("policies", *others)
    world_.folder.put_text("bad.yaml", warm_test.BROKEN)
    with daemon.Daemon(world_, *options) as netpold:
        netpold.wait_in_force()
        becomes(tap_, browser, "a warm start is shown", "document.getElementById('alerts').innerText", "stand in")
        becomes(tap_, browser, "with the last run's policies", POD % "shop/web", "in: 1 rule")
        world_.folder.remove("bad.yaml")
        becomes(tap_, browser, "and then with those that are read", POD % "shop/web", "in: everything")
        netpold.stop()


def check_replaced(tap_, world_):
    options = ("--page-listen", str(PORT))
    world_.folder.put("policies", *scenario.policies())
    with browser_on(world_) as browser:
        check_pause(tap_, world_, browser, options)
        check_warm(tap_, world_, browser, options)


def check_unwatched(tap_, world_):
    """The kernel's answers cannot be watched: that is told for the page, too, since there is no flow log."""
    world_.folder.put("policies", *scenario.policies())
    with daemon.Daemon(world_, "--page-listen", str(PORT), daemon.REMEMBER, program=daemon.FAULTY,
                       variables={"FAULT_POINTS": "without=hits"}) as netpold, web.Web(world_.node, PORT) as asker:
        netpold.wait_in_force()
        words = ("warning: flows: what the kernel answers by itself is not told of: "
                 "cannot watch the kernel's answers: Resource temporarily unavailable")
        pause_test.wait_line(netpold, words, 0)
        tap_.true("who has no flow log is told of none", "flow log" not in netpold.log.text(), "none",
                  netpold.log.text())
        asker.ask("/state.json", headers=LOCAL)
        probe.check_all(tap_, world_, SHUT)
        _, body = asker.wait("/state.json", lambda _, body: WHY in body, headers=LOCAL)
        tap_.true("what is judged is shown all the same", WHY in body, WHY, body)
        netpold.stop()


# ---- who may see it ---------------------------------------------------------------


def check_requests(tap_, world_):
    with daemon.Daemon(world_, "--page-listen", str(PORT), "--metrics-policies", "0",
                       daemon.ASK_ALWAYS) as netpold, web.Web(world_.node, PORT) as asker:
        netpold.wait_in_force()
        status, body, headers = asker.ask("/")
        tap_.true("the page is the one that is tested, whole", (status, body) == (200, live_node.PAGE),
                  live_node.PAGE[:40], (status, body[:40]))
        tap_.equal("a browser is told that it asks nobody else", live_node.POLICY,
                   headers.get("Content-Security-Policy"))
        for host, expected in (("127.0.0.1:9501", 200), ("localhost:9501", 200), ("[::1]:9501", 200),
                               ("LocalHost", 200), ("evil.example", 403), ("evil.example:9501", 403),
                               ("127.0.0.1.evil.example", 403), ("localhost.evil.example:9501", 403), ("", 403)):
            for path in ("/state.json", "/pods.json"):
                tap_.equal(f"as '{host}', {path} is {'told' if expected == 200 else 'refused'}", expected,
                           asker.ask(path, headers={"Host": host})[0])
        tap_.equal("other paths are none", (404, "expected /, /state.json or /pods.json"), asker.get("/metrics"))
        tap_.equal("nothing can be written", 405, asker.ask("/state.json", "POST")[0])
        asker.ask("/state.json", headers=LOCAL)  # who has asked long ago is told of nothing (flow_watch.h)
        probe.check_all(tap_, world_, SHUT)
        _, body = asker.wait("/state.json", lambda _, body: WHY in body, headers=LOCAL)
        rows = [(row["from"]["name"], row["to"]["name"], row["port"], row["verdict"], row["why"])
                for row in json.loads(body)["flows"]["rows"] if row["verdict"] == "deny"]
        tap_.equal("denials are told though no policy has numbers",
                   [("guests/guest", "shop/web", 8080, "deny", WHY)], rows)
        names = {metric["name"] for metric in json.loads(body)["metrics"]}
        tap_.true("and none is among the metrics", "netpold_policy_verdicts_total" not in names, "none", "one")
        netpold.stop()


def check_token(tap_, world_):
    with tempfile.TemporaryDirectory(prefix="netpold-page-") as folder:
        files = metrics_tls_test.Files(folder)
        files.put_pair(2)
        files.put_token("first")
        options = list(map(str, files.options))
        for what, rest in (("alone", []), ("with TLS alone", options[:4]), ("with a token alone", options[4:])):
            with daemon.Daemon(world_, "--page-listen", f":{PORT}", *rest) as netpold:
                status, log = netpold.wait_refused(), netpold.log.text()
            tap_.true(f"for everybody, {what}: exit status 2, and one line says why",
                      status == 2 and len(log.splitlines()) == 1 and "--metrics-token-file" in log, "one line",
                      (status, log))
        with daemon.Daemon(world_, "--page-listen", f":{PORT}", *options) as netpold, \
                web.Web(world_.node, PORT, files.client()) as asker:
            netpold.wait_in_force()
            tap_.equal("with both: the page, which has no names in it, is for everybody", 200, asker.ask("/")[0])
            for path in ("/state.json", "/pods.json"):
                tap_.equal(f"{path} is not", 401, asker.ask(path)[0])
                tap_.equal(f"{path} is for who has the token, whatever he calls the node", 200,
                           asker.ask(path, headers={**bearer("first"), "Host": "node-1.example"})[0])
            netpold.stop()


def test(tap_):
    for world_ in world.variants(scenario.specs(*SPECS), world.CROSS[:1]):
        check_watched(tap_, world_)
        check_replaced(tap_, world_)
        check_unwatched(tap_, world_)
        world_.folder.put("policies", *scenario.policies())
        check_requests(tap_, world_)
        check_token(tap_, world_)


if __name__ == "__main__":
    tap.main(test)
